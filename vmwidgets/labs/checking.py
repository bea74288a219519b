"""Grading: an exercise's judge looks at a structure, never at what was printed, and changes nothing."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from types import FunctionType
from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, VMError, a_kind, printable, shown
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.on_paper.worked import Access, Worked
from vmwidgets.pictures.exports import Snapshot, signed
from vmwidgets.pictures.moments import When, counterpart, machine_at
from vmwidgets.pictures.registry import picture
from vmwidgets.pictures.slim import slim_if_kept
from vmwidgets.widgets.host.cells import current_cell

from . import exercises as _exercises  # noqa: F401  those that ship register themselves
from .beginning import begun, note_check
from .chosen import Chosen, source_of
from .criterion import Criterion
from .exercise import Exercise
from .hinting import number_of_hints
from .markup import marked
from .moved import called, lab_of, labs_of
from .on_paper import on_paper
from .publishing import cards, running_cell
from .result import NOT_DONE, Result, no_picture
from .session import Kept
from .sheet import Sheet, asked
from .starting import machine_of, part_taken
from .trying import is_tried
from .work import packed, plain


@says_what_it_takes
def check(name: str | Sheet | Access | Worked, thing: Any = None) -> Result:
    """Check `thing` for the exercise `name`: points with reasons, the same in a notebook and without a browser.

    A missing solution (None or ``...``) earns no points, and neither does a solution that makes the check fail; the
    result says so, and nothing is raised.  If the exercise takes a map, you may pass its task or machine.  If the
    notebook began another lab for a student, an exercise has no points, as in grading.  A machine must come from the
    variant's start(), or be loaded or branched from that machine.  Any other machine has no points, and the result says
    so.  For practice, `name` is the variant that :func:`practice` returned.  A copy made by :func:`try_on` has no
    points that count.

    `name` may also be an access or a number of a machine on paper (:class:`vmwidgets.paper`), and `thing` the answers
    to it: ``{"vpn": 0xF, "pa": 0x357}``, or a number.  They are practice.

    Raises :class:`Refused` for an unknown exercise, and for a thing of the wrong kind.

    >>> import vmwidgets as vm
    >>> stacks = vm.lab.variant("01/guard").start()
    >>> result = vm.lab.check("01/guard", stacks)
    >>> result.points, result.of, result.passed
    (0, 5, False)
    """
    if isinstance(name, (Access, Worked)):
        return on_paper(name, thing)
    result = _graded(name, thing)
    if machine_of(thing) is None:
        result.draw()  # it has no history: it may be another thing when a reader looks
    if is_tried(thing):
        return replace(result, work={}, tried=True)
    if not result.practice:
        result = _of_the_lab(result)
        cards.now().publish(result.id, result, result.rank)
        if result.work:
            note_check(result.id, result.of_sheet)
        best = _best.now()
        before = best.get((result.id, result.of_sheet))
        if result.work and (before is None or result.rank >= before.rank):
            best[result.id, result.of_sheet] = replace(result, draw=no_picture)  # a picture would keep the machine
    return result


def _of_the_lab(result: Result) -> Result:
    """Return the result, without points if the notebook has begun another lab for a student."""
    lab, of = lab_of(result.id), begun()
    if of is None:
        return replace(result, unbegun=running_cell() is not None)
    if not of.students:
        return replace(result, trying=True)
    if of.lab in labs_of(result.id):
        return result
    why = (
        f"this is an exercise of lab {lab}, and the notebook has begun {called(of.lab)}: write "
        f"lab.begin({lab!r}, …) in its first cell, restart the kernel, and run all cells"
    )
    return replace(result, criteria=(), problem=why)


def best(of: str) -> dict[str, Result]:
    """Return the best (or latest equal) result of each exercise that this kernel graded, without practice.

    `of` is the sheet that counts; checks on another sheet don't.
    """
    return {name: result for (name, sheet), result in _best.now().items() if sheet in ("", of)}


def judged_for(name: str, of: str, thing: Any) -> Result:
    """Grade `thing` as a grader does, for the sheet `of` (a seed in hexadecimal, or "default") of an exercise."""
    return _graded(asked(name, of)[1], thing)


def criteria_of(name: str, of: str, thing: Any) -> tuple[Criterion, ...]:
    """Return only the criteria, as far as the judge gets, for judging one piece of work on many variants.

    There are no criteria for a machine that panicked, if the exercise needs a working machine.
    """
    exercise, sheet = asked(name, of)
    subject = _as_taken(thing, exercise)
    machine = machine_of(subject)
    if machine is not None and machine.dead and exercise.alive:
        return ()
    return _judged(sheet, subject)[0]


_best: Kept[dict[tuple[str, str], Result]] = Kept(dict)
"""The results by exercise and sheet."""


def _graded(name: str | Sheet, thing: Any) -> Result:
    """Return the result, whose picture is drawn when a reader looks."""
    exercise, sheet = asked(name)
    ungraded = Result(
        sheet.id,
        exercise.title,
        exercise.points,
        of_sheet=sheet.of,
        edition=exercise.edition,
        judged_by=exercise.judged_by,
    )
    if thing is None or thing is ...:
        return replace(ungraded, problem=NOT_DONE)
    subject = _as_taken(thing, exercise)
    if exercise.asks is not None and isinstance(subject, FunctionType):
        try:
            subject = _asked(subject, sheet)
        except VMError as error:
            return replace(ungraded, problem=f"it can't be judged: {error}", work=_not_kept(error))
        except Exception as error:  # noqa: BLE001  a learner's function may do anything
            return replace(ungraded, problem=_stopped(error), work=_not_kept(error))
    machine = machine_of(subject)
    if machine is not None and machine.dead and exercise.alive:
        why = f"this machine is dead ({machine.door.dead}): start over with a new machine"
        return replace(ungraded, problem=why, work=packed(subject))
    with machine.door.looking() if machine is not None else nullcontext():
        work = packed(subject)
        if why := sheet.not_begun(subject):
            return replace(ungraded, problem=why, work=work)
        try:
            judged = plain(subject, work, exercise)
        except VMError as error:
            return replace(ungraded, problem=f"it can't be judged: {error}", work=work)
        criteria, problem = _judged(sheet, judged)
        result = replace(ungraded, criteria=criteria, problem=problem, work=work, draw=_Picture(sheet, subject))
        return result if result.passed else replace(result, hints=number_of_hints(exercise, sheet))


def _as_taken(thing: Any, exercise: Exercise) -> Any:
    part = part_taken(thing, exercise)
    if isinstance(part, exercise.takes) or (exercise.asks is not None and isinstance(part, FunctionType)):
        return part
    wanted = "a map" if exercise.takes is MachineMap else f"a {exercise.takes.__name__}"
    wanted = "a function" if exercise.asks is not None else wanted
    raise Refused(f"check {exercise.id!r} needs {wanted}, but {shown(thing)} is {a_kind(thing)}")


def _asked(function: FunctionType, sheet: Sheet) -> Chosen:
    """Return what the learner's function chooses when the exercise asks it, in the learner's own kernel."""
    asks = sheet.exercise.asks
    assert asks is not None, "an exercise that takes functions asks them"
    chosen = Chosen(source_of(function))
    answers, failed = asks(function, sheet.given, chosen)
    return replace(chosen, answers=answers, failed=failed)


def _judged(sheet: Sheet, subject: Any) -> tuple[tuple[Criterion, ...], str]:
    """Return the criteria as far as the judge got, and why it stopped."""
    exercise, criteria = sheet.exercise, list[Criterion]()
    try:
        for criterion in exercise.judge(subject, *([] if exercise.sheet is None else [sheet.given])):
            criteria.append(criterion)  # what was judged before an error stays judged
    except Exception as error:  # noqa: BLE001  a learner's structure or function may be anything
        return tuple(criteria), _stopped(error)
    worth = sum(criterion.of for criterion in criteria)
    if worth != exercise.points:
        raise Refused(f"exercise {exercise.id!r} is worth {exercise.points} points, its criteria are worth {worth}")
    return tuple(criteria), ""


def _stopped(error: Exception) -> str:
    return printable(f"the check stopped: {type(error).__name__}: {error}")


def _not_kept(error: Exception) -> dict[str, Any]:
    return {"kind": "nothing", "why": printable(f"{error}")}


class _Picture:
    """The picture of a judged thing, drawn when a reader looks: as the thing was when it was judged, if it is known."""

    def __init__(self, sheet: Sheet, subject: Any) -> None:
        self._html: str | None = None
        self._sheet, self._subject, self._cell = sheet, subject, current_cell().label
        machine = machine_of(subject)
        self._when = None if machine is None else When(machine.journal.last.serial)

    def __call__(self) -> str:
        """Return the picture as HTML, or words if they show more; "" if there is neither.  The thing is released."""
        if self._html is None:
            self._html = ""  # it stays so after an interrupt, so that the record can be shown at once
            machine = machine_of(self._subject)
            with machine.door.looking() if machine is not None else nullcontext():
                self._html = self._drawn(machine)
            self._subject = None
        return self._html

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy the picture alone: results can be pickled, and their machines can't."""
        return partial, (str, self())

    def _drawn(self, machine: Machine | None) -> str:
        exercise, subject = self._sheet.exercise, self._subject
        if exercise.shows is None and not isinstance(subject, MachineMap):
            return ""
        try:
            if machine is not None:
                subject = counterpart(subject, machine, machine_at(machine, self._when))
            shown_of_it = exercise.seen(subject, self._sheet.given)
            if isinstance(shown_of_it, str):
                return "".join(marked(line, "div") for line in shown_of_it.splitlines())
            drawn = picture(shown_of_it)
            scene, number = signed(drawn.scene(), self._cell, drawn.operation), drawn.operation
            same = Snapshot(scene, number, drawn.scale, slim_if_kept(drawn), drawn.selection)
            return str(same._repr_mimebundle_()["text/html"])
        except Exception:  # noqa: BLE001  what is to be seen may not be there, and the result says what is missing
            return ""
