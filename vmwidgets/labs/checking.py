"""Grading: an exercise's judge looks at a structure, never at what was printed; nothing changes by being looked at."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from vmwidgets.engine.base.errors import Refused, a_kind, printable, shown
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.maps import MachineMap
from vmwidgets.engine.machine.tasks import Task

from . import exercises as _exercises  # noqa: F401  those that ship register themselves
from .criterion import Criterion
from .exercise import Exercise
from .markup import marked
from .result import NOT_DONE, Result
from .sheet import Sheet, asked, sheet_of
from .work import packed


def check(name: str | Sheet, thing: Any = None) -> Result:
    """Grade `thing` for the exercise `name`: points with reasons, the same in a notebook and without a browser.

    What is not there yet (None or ``...``) has no points, and so has what made the check stop; both say so and raise
    nothing.  Where a map is asked for, a task or a machine stands for its map.  For practice, `name` is the sheet that
    :func:`practice` gave.

    Raises :class:`Refused` for a name that is no exercise, and for a thing of another kind than it looks at.

    >>> import vmwidgets as vm
    >>> stacks = vm.boot().task("stacks").map
    >>> result = vm.lab.check("01/guard", stacks)
    >>> result.points, result.of, result.passed
    (0, 5, False)
    """
    result = _graded(name, thing)
    if result.work and not result.practice:
        _latest[result.id] = result
    return result


def latest() -> dict[str, Result]:
    """The latest result of each exercise that was graded in this kernel, but for practice."""
    return dict(_latest)


def judged_for(name: str, of: str, thing: Any) -> Result:
    """Grade `thing` for the sheet `of` (a seed in hexadecimal, or "default") of an exercise: what a grader does."""
    exercise, _ = asked(name)
    return _graded(name if exercise.sheet is None else sheet_of(name, of), thing)


def criteria_of(name: str, of: str, thing: Any) -> tuple[Criterion, ...]:
    """The criteria alone, as far as the judge comes: for who judges many variants of one piece of work.

    None for a machine that a panic has ended, where the exercise wants one that lives.
    """
    exercise, _ = asked(name)
    subject = _as_taken(thing, exercise)
    machine = subject if isinstance(subject, Machine) else getattr(subject, "machine", None)
    if isinstance(machine, Machine) and machine.dead and exercise.alive:
        return ()
    return _judged(exercise, None if exercise.sheet is None else sheet_of(name, of), subject)[0]


_latest: dict[str, Result] = {}


def _graded(name: str | Sheet, thing: Any) -> Result:
    exercise, sheet = asked(name)
    identity = exercise.id if sheet is None else sheet.id
    ungraded = Result(identity, exercise.title, exercise.points, of_sheet="" if sheet is None else sheet.of)
    if thing is None or thing is ...:
        return replace(ungraded, problem=NOT_DONE)
    subject = _as_taken(thing, exercise)
    machine = subject if isinstance(subject, Machine) else getattr(subject, "machine", None)
    if isinstance(machine, Machine) and machine.dead and exercise.alive:
        why = f"this machine is dead ({machine.door.dead}): boot another and do the exercise again"
        return replace(ungraded, problem=why)
    with machine.door.looking() if isinstance(machine, Machine) else nullcontext():
        work = packed(subject)  # before the judge calls it, if it is a function: that may change what it remembers
        criteria, problem = _judged(exercise, sheet, subject)
        result = replace(ungraded, criteria=criteria, problem=problem, work=work)
        if result.passed:
            return result
        return replace(result, picture=_picture(exercise, subject), hints=bool(exercise.hints))


def _as_taken(thing: Any, exercise: Exercise) -> Any:
    if exercise.takes is MachineMap and isinstance(thing, (Task, Machine)):
        return thing.map if isinstance(thing, Task) else thing.kernel_map
    if isinstance(thing, exercise.takes):
        return thing
    wanted = "a map" if exercise.takes is MachineMap else f"a {exercise.takes.__name__}"
    raise Refused(f"check {exercise.id!r} looks at {wanted}, and {shown(thing)} is {a_kind(thing)}")


def _judged(exercise: Exercise, sheet: Sheet | None, subject: Any) -> tuple[tuple[Criterion, ...], str]:
    """The criteria as far as the judge came, and why it came no further."""
    criteria: list[Criterion] = []
    try:
        for criterion in exercise.judge(subject) if sheet is None else exercise.judge(subject, sheet.given):
            criteria.append(criterion)  # noqa: PERF402  what was judged before an error stays judged
    except Exception as error:  # noqa: BLE001  a learner's structure or function may be anything
        return tuple(criteria), printable(f"the check stopped: {type(error).__name__}: {error}")
    worth = sum(criterion.of for criterion in criteria)
    if worth != exercise.points:
        raise Refused(f"exercise {exercise.id!r} is worth {exercise.points} points, its criteria are worth {worth}")
    return tuple(criteria), ""


def _picture(exercise: Exercise, subject: Any) -> str:
    """What was graded, as a picture, or in words where these show more; nothing where there is none."""
    from vmwidgets.widgets import show

    if exercise.shows is None and not isinstance(subject, MachineMap):
        return ""
    try:
        shown_of_it = subject if exercise.shows is None else exercise.shows(subject)
        if isinstance(shown_of_it, str):
            return "".join(marked(line, "div") for line in shown_of_it.splitlines())
        view = show(shown_of_it)
    except Exception:  # noqa: BLE001  what is to be seen may not be there yet, and the result says what is missing
        return ""
    try:
        return str(view.snapshot()._repr_mimebundle_()["text/html"])
    finally:
        view.close()
