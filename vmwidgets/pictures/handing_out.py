"""``vm.handout``: a machine's story in one file, for readers without a kernel."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, VMError, a_kind, shown
from vmwidgets.engine.base.files import place_of, written_whole
from vmwidgets.engine.base.journal import Group, Journal
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.arguments import characters
from vmwidgets.engine.machine.history import number_of
from vmwidgets.engine.machine.machine import MACHINES

from .handout.bounds import MOST_STEPS, bounded
from .handout.page import PAPER, page
from .handout.story import Branch, Question, ToldStep, ToldStory
from .handout.telling import UNITS, Absent, Drawable, Quiet, Telling, Unit, nothing
from .moments import There, counterpart
from .picture import Picture
from .registry import picture

Given = TypeVar("Given")

FINE = 60
"""The most steps for the finest unit, if no unit is given."""

MOST_IN_BRANCHES = 40
"""The most steps in all branches of a handout."""


@says_what_it_takes
def handout(
    thing: Any,
    path: str | os.PathLike[str],
    *pictures: Any,
    title: str = "",
    since: int | str | None = None,
    by: str | Mapping[Any, str] | None = None,
    ask: Mapping[Any, Any] | None = None,
    questions: str = "closed",
    what_if: Mapping[str, Machine] | None = None,
    paper: str = "sheets",
    notes: Mapping[Any, str] | None = None,
) -> Path:
    """Write a machine's story to one HTML file, which any browser can step through without a kernel or a network.

    `thing` is a machine, a part of a machine, or a picture.  `pictures` are shown at each step; the default is the
    picture of `thing`.  The story begins after operation `since` (a number or a bookmark's name; the default is the
    boot).  `by` sets the size of a step: "step" of an operation, "function" or "operation".  The default is the finest
    unit with at most 60 steps.  `by` may also set the size from some points on, ``{"after fork": "step"}``; before the
    first point, each operation is one step.

    Bookmarks (``m.mark("after fork")``) are chapters.  `ask` asks questions at points, given by bookmark or number:
    ``("How many frames are in use?", ["4", "5", "8"], "5", "Each write copies one.")``, or a prediction that was
    compared.  ``("after fork", 3)`` is the third step after that point.  The story continues when the question is
    answered; with `questions="open"`, the answers are shown immediately.  `what_if` maps a label to a machine that was
    branched off (``m.branch("after fork")``): each is a button at the point where it branches off.

    `notes` are for the lecturer, also at points: a second window shows them while the file is presented (key "p").  The
    file can be read without scripts, and printed with up to six steps on a page.  With ``paper="slides"``, each slide
    has one step, to be printed as PDF.  The file contains the journal.  Returns the path; O(steps).

    Raises :class:`Refused` for a thing without a picture or a history, for a question or branch that is not in the
    story, and if the file can't be written; an existing file then stays.

    >>> import tempfile, vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> parent = m.task("parent")
    >>> a = parent.mmap("16 KiB")
    >>> parent.write(a, b"x")
    >>> child = parent.fork("child")
    >>> m.mark("after fork")
    >>> other = m.branch("after fork")
    >>> child.write(a, b"y")
    >>> other.tasks["parent"].write(a, b"z")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     what_if = {"the parent writes first": other}
    ...     file = vm.handout(m, f"{folder}/fork.html", vm.Objects(m), since=2, by="operation", what_if=what_if)
    ...     file.read_text().count("<article")
    5
    """
    options = {"title": title, "since": since, "by": by, "ask": ask, "questions": questions}
    options |= {"what_if": what_if, "paper": paper, "notes": notes}
    return handed_out(thing, path, pictures, options)[0]


def handed_out(
    thing: Any,
    path: str | os.PathLike[str],
    pictures: Sequence[Any],
    options: dict[str, Any],
    *,
    fold: bool = False,
    quiet: Quiet = nothing,
    itself: bool = True,
) -> tuple[Path, tuple[str, ...]]:
    """Write a handout as :func:`handout` does; return the sentences about missing parts, which are also in the file.

    With `fold`, consecutive calls of one function become one step in a story that is too long.  A step that ends with a
    `quiet` event is part of the next step.  Without `itself`, the moment `since` is not a step, and the next step is
    the first.
    """
    title, questions, paper = (
        options.get("title", ""),
        options.get("questions", "closed"),
        options.get("paper", "sheets"),
    )
    since, by = options.get("since"), options.get("by")
    ask, what_if, notes = options.get("ask"), options.get("what_if"), options.get("notes")
    file = place_of(path, "story.html")
    if file.suffix.lower() != ".html":
        raise Refused(f"handout: {shown(str(path))} ends in {shown(file.suffix)}; it must end in .html")
    if not isinstance(questions, str) or questions not in ("closed", "open"):
        raise Refused(f"handout: questions is {shown(questions)}; it must be 'closed' or 'open'")
    if not isinstance(paper, str) or paper not in PAPER:
        raise Refused(f"handout: paper is {shown(paper)}; it must be {' or '.join(map(repr, PAPER))}")
    for one in by.values() if isinstance(by, Mapping) else () if by is None else (by,):
        if not isinstance(one, str) or one not in UNITS:
            raise Refused(f"handout: by is {shown(one)}; it must be {', '.join(map(repr, UNITS))}")
    for name, given in (("ask", ask), ("what_if", what_if), ("notes", notes)):
        if given is not None and not isinstance(given, Mapping):
            raise Refused(f"handout: {name} is {a_kind(given)}; write a dict, such as {{'after fork': …}}")
    texts: list[Any] = [title, *(what_if or {})]
    if not all(isinstance(one, str) for one in texts):
        raise Refused("handout: title and the names in what_if must be strings")
    shown_there = [picture(one) for one in pictures or (thing,)]
    machine = _machine(thing, shown_there)
    named = ask or {}, what_if or {}, notes or {}
    story = _story(machine, shown_there, title or file.stem, since, by, *named, fold, quiet)
    if not itself:
        story = replace(story, steps=story.steps[1:])
    text = page(story, opened=questions == "open", paper=paper)
    with written_whole(file) as new:
        new.write(text.encode("utf-8", "replace"))
    return file, story.left_out


def handout_of_journal(journal: Journal, path: Any, pictures: tuple[Any, ...], options: dict[str, Any]) -> Path:
    """Return the handout of the machine with this journal."""
    machine = next((one for one in list(MACHINES) if one.journal is journal), None)
    if machine is None:
        raise Refused("handout: the machine of this journal is gone: keep the machine in a variable")
    return handout(machine, path, *pictures, **options)


def _machine(thing: Any, pictures: Sequence[Picture]) -> Machine:
    """Return the machine of the story, which all pictures must show."""
    own = thing if isinstance(thing, Machine) else getattr(thing, "machine", None)
    machines = [one.machine for one in pictures if one.machine is not None]
    machine = own if isinstance(own, Machine) else next(iter(machines), None)
    if machine is None:
        raise Refused(
            f"handout: {shown(thing)} belongs to no machine, so it has no story: give a machine, or a part of one"
        )
    other = next((one for one in pictures if one.machine not in (None, machine)), None)
    if other is not None:
        raise Refused(f"handout: {other!r} is not of {machine.name}: a handout has the story of one machine")
    asking = next((one for one in pictures if one.asks), None)
    if asking is not None:
        raise Refused(
            "handout: a picture that asks needs a Jupyter kernel: make it without ask, and give the handout ask={…}"
        )
    if not any(one.machine is machine for one in pictures):
        raise Refused("handout: none of these pictures changes with the machine: give one that does")
    return machine


def _story(
    machine: Machine,
    pictures: Sequence[Picture],
    title: str,
    since: int | str | None,
    by: str | Mapping[Any, str] | None,
    ask: Mapping[Any, Any],
    what_if: Mapping[str, Machine],
    notes: Mapping[Any, str],
    fold: bool,
    quiet: Quiet,
) -> ToldStory:
    journal = machine.journal
    latest = len(journal) - 1
    first = min(1, latest) if since is None else number_of(since, "since", machine.system)
    left_out: list[str] = []
    if journal.incomplete:
        first = latest
        left_out.append(f"Earlier operations are left out: {journal.incomplete}.")
    begun = first
    moments = [_moment(moment, what, machine) for what, at in (("ask", ask), ("notes", notes)) for moment in at]
    within = bounded(machine, first, moments, alone=since is not None, fold=fold)
    first, folded = within.first, within.folded
    left_out += within.left_out
    ask, cut = _told(ask, "ask", machine, range(begun, first), "question")
    left_out += cut
    notes, cut = _told(notes, "notes", machine, range(begun, first), "note")
    left_out += cut
    told: Telling = Telling(machine, pictures, since is not None, folded, quiet)
    if isinstance(by, Mapping):
        told = _Changing(machine, pictures, since is not None, folded, quiet, by)
    steps, cut = _fitting(told, first, by)
    left_out += cut
    if since is not None:  # the moment itself, and not the steps before it
        steps = [step for step in steps if step.number > first or step.done is None]
    asked = _at_moments(steps, "ask", {moment: _question(given) for moment, given in ask.items()}, machine)
    noted = _at_moments(steps, "notes", {moment: _text(given) for moment, given in notes.items()}, machine)
    steps = [replace(step, question=asked.get(place), notes=noted.get(place, "")) for place, step in enumerate(steps)]
    branches: list[Branch] = []
    for name, other in what_if.items():
        room = MOST_IN_BRANCHES - sum(len(one.steps) for one in branches)
        branch, cut = _branch(machine, pictures, steps, name, other, room, by, quiet)
        if branch.steps:
            branches.append(branch)
        left_out += cut
    saved = b"" if journal.incomplete else journal.as_file()
    return ToldStory(title, tuple(steps), tuple(branches), tuple(left_out), saved)


class _Changing(Telling):
    """A story whose unit changes at given moments."""

    def __init__(
        self,
        machine: Machine,
        pictures: Sequence[Drawable],
        alone: bool,
        folded: Mapping[int, Group],
        quiet: Quiet,
        moments: Mapping[Any, str],
    ) -> None:
        super().__init__(machine, pictures, alone, folded, quiet)
        self._units = {number_of(moment, "by", machine.system): unit for moment, unit in moments.items()}

    def _places(self, unit: Unit, by: str) -> list[int]:
        """Return the places within an operation, in the unit set for that part of the story; `by` is ignored."""
        begun = [number for number in self._units if number < unit.number]
        return super()._places(unit, self._units[max(begun)] if begun else "operation")


def _fitting(telling: Telling, first: int, by: str | Mapping[Any, str] | None) -> tuple[list[ToldStep], list[str]]:
    """Return the steps from an operation on, in a unit that keeps them few, and a sentence if some are left out."""
    wanted = UNITS if by is None else (by if isinstance(by, str) else "step",)
    if by is None and sum(1 for _ in telling.units(first)) > FINE:
        wanted = UNITS[-1:]  # counting finer steps would draw each operation
    for unit in wanted:
        count = telling.count(first, unit)
        if count <= (MOST_STEPS if by is not None else FINE):
            break
    steps = telling.steps(first, unit, slice(-MOST_STEPS, None))
    if count <= MOST_STEPS:
        return steps, []
    more = counted(count - MOST_STEPS, "step")
    return steps, [f"A handout has at most {MOST_STEPS} steps: the first {more} are left out."]


# ---- questions -----------------------------------------------------------------------------------


def _at_moments(steps: Sequence[ToldStep], what: str, given: Mapping[Any, Given], machine: Machine) -> dict[int, Given]:
    """Return the values given for moments, by the indices of the moments' steps."""
    places = {step.number: place for place, step in enumerate(steps) if step.done is None}
    found: dict[int, Given] = {}
    for moment, one in given.items():
        is_later = isinstance(moment, tuple) and len(moment) == 2 and type(moment[1]) is int and moment[1] > 0
        number, later = number_of(moment[0] if is_later else moment, what, machine.system), moment[1] if is_later else 0
        if number not in places or places[number] + later >= len(steps):
            when = f"{counted(later, 'step')} " if later else "the moment "
            raise Refused(f"handout: {what} names {when}after operation {number}, at which the story has no step")
        if places[number] + later in found:
            raise Refused(f"handout: {what} names the moment after operation {number} twice: one of these is enough")
        found[places[number] + later] = one
    return found


def _moment(moment: Any, what: str, machine: Machine) -> int:
    """Return the number of the operation that a moment names."""
    is_later = isinstance(moment, tuple) and len(moment) == 2
    return number_of(moment[0] if is_later else moment, what, machine.system)


def _told(
    given: Mapping[Any, Given], what: str, machine: Machine, untold: range, noun: str
) -> tuple[Mapping[Any, Given], list[str]]:
    """Return the values given for moments in the story, with a sentence on the values left out."""
    told = {moment: one for moment, one in given.items() if _moment(moment, what, machine) not in untold}
    count = len(given) - len(told)
    return told, [f"{counted(count, noun)} in that part {'is' if count == 1 else 'are'} left out."] if count else []


_SUCH = '("How many frames are in use?", ["4", "5", "8"], "5", "Each write copies one.")'


def _question(given: Any) -> Question:
    """Return a question from a tuple, or from a prediction that was compared."""
    if hasattr(given, "question") and hasattr(given, "options"):
        happened = getattr(given, "happened", None)
        if happened is None:
            name = shown(getattr(given, "id", given))
            raise Refused(f"handout: the prediction {name} has no outcome yet: compare it first")
        given = (given.question, given.options, happened)
    if not isinstance(given, (tuple, list)) or len(given) not in (3, 4) or not isinstance(given[1], (tuple, list)):
        raise Refused(f"handout: a question is {a_kind(given)} {shown(given)}; write it such as {_SUCH}")
    text, options, answer, *why = given
    words = [text, *options, answer, *why]
    if not all(isinstance(word, str) and word for word in words):
        raise Refused(f"handout: {shown(given)}: the question, options and answer must be strings, such as {_SUCH}")
    if options and answer not in options:
        raise Refused(f"handout: the answer {shown(answer)} to {shown(text)} is not among its options")
    return Question(text, tuple(options), answer, *why)


def _text(given: Any) -> str:
    """Return notes as text."""
    if not isinstance(given, str):
        raise Refused(f"handout: notes must be strings, and {shown(given)} is {a_kind(given)}")
    return characters(given, "notes")


# ---- branches ------------------------------------------------------------------------------------


def _branch(
    machine: Machine,
    pictures: Sequence[Picture],
    steps: Sequence[ToldStep],
    name: str,
    other: Machine,
    room: int,
    by: str | Mapping[Any, str] | None,
    quiet: Quiet,
) -> tuple[Branch, list[str]]:
    """Return what a branched machine does differently."""
    if not isinstance(other, Machine):
        raise Refused(f"what_if: {shown(name)} is {a_kind(other)}: give a machine, such as m.branch('after fork')")
    common = _common(machine.journal, other.journal)
    if common == len(other.journal):
        raise Refused(f"what_if: in {shown(name)} nothing is done differently: call an operation of {other.name} first")
    after = next((place for place, step in enumerate(steps) if step.number == common - 1 and step.done is None), None)
    if after is None:
        where = f"after operation {common - 1}, at which the story has no step" if common else "before its boot"
        raise Refused(f"what_if: {shown(name)} parts {where}")
    there = There(other, len(other.journal) - 1, None)
    told, cut = _fitting_branch(
        Telling(other, [_of_another(one, machine, there) for one in pictures], quiet=quiet),
        common,
        room,
        by if isinstance(by, str) else None,
    )
    if cut:
        cut = [f"What if: {name}: {cut[0]}"]
    if other.journal.incomplete:
        cut.append(f"What if: {name}: {other.journal.incomplete}.")
    return Branch(name, after, tuple(told)), cut


def _fitting_branch(telling: Telling, first: int, room: int, by: str | None) -> tuple[list[ToldStep], list[str]]:
    unit = by or next((unit for unit in UNITS if telling.count(first, unit) <= room), "operation")
    steps = telling.steps(first, unit, slice(room))
    if telling.count(first, unit) <= room:
        return steps, []
    return steps, [f"what comes after {counted(room, 'step')} is left out."]


def _common(one: Journal, other: Journal) -> int:
    """Return how many operations two journals share."""
    for number in range(min(len(one), len(other))):
        mine, its = one[number], other[number]
        if mine.serial != its.serial or not mine.agrees(its):
            return number
    return min(len(one), len(other))


def _of_another(shown_here: Picture, machine: Machine, there: There) -> Drawable:
    """Return the same picture of another machine, with the same options."""
    try:
        target = counterpart(shown_here.target, machine, there)
    except VMError as error:
        return Absent(there.machine, f"{error}")
    return shown_here.of_another(target)
