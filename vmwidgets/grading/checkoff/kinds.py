"""The kinds of question, as a table; and all possible questions on one piece of work.

As a program, this module runs in the judging process, since work comes from a notebook, which may contain anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.machine import Machine
from vmwidgets.labs.checking import criteria_of
from vmwidgets.labs.exercise import exercise_named
from vmwidgets.labs.sheet import sheet_of
from vmwidgets.labs.work import remade
from vmwidgets.questions.question import Question
from vmwidgets.sources.strace.result import LoadedStrace

from ..judge import main
from ..own_exercises import OwnModule, load_modules
from . import counterfactual, entries, paper, references, threads, translation
from .steps import JournalSteps, Steps, TraceSteps
from .subject import LISTED, Kind, Subject, listed

KINDS = (
    Kind(
        "after",
        1,
        "what there is right after a step: tables, slots, frames, pages, entries",
        translation.tables, translation.slots, translation.room, translation.frames, references.resident, entries.count,
    ),
    Kind("victim", 1, "which page is evicted at a reference", references.victim),
    Kind("next", 2, "where a request lands: the next one, or a thread's", entries.coming, threads.got),
    Kind(
        "walk",
        2,
        "what a walk or a search reads, and whether a TLB still has it",
        translation.walk, translation.stale, translation.bits, entries.lookup, paper.reads, paper.physical,
    ),
    Kind(
        "fault",
        2,
        "whether an access faults, and what becomes of it",
        translation.fault, paper.forbidden, paper.answered,
    ),
    Kind("maker", 2, "which call or thread caused the present state", entries.maker, threads.held),
    Kind("waits", 2, "which threads waited, for what, and what then", threads.waits, threads.ended, threads.handler),
    Kind("without", 3, "what is lost without one step", counterfactual.without, references.without),
    Kind("order", 3, "what differs if two things change places", counterfactual.order, threads.locks, paper.moved),
    Kind("instead", 3, "the result of another access or size", threads.freed, paper.instead, references.more),
)  # fmt: skip  # makers in a line
"""The kinds by difficulty.

Each kind is one idea, used for machines, threads and paper; no kind asks for something that can just be read from a
picture, such as the root of a tree.
"""

BY_NAME = {kind.name: kind for kind in KINDS}


def questions(subject: Subject, drawn_from: str = "") -> Iterator[Question]:
    """Yield all questions of all kinds; the text `drawn_from` chooses if a kind can ask about several things."""
    for kind in KINDS:
        yield from kind.of(subject, drawn_from)


def subject_of(exercise: str, of: str, work: dict[str, Any]) -> Subject:
    """Return one piece of a notebook's work, rebuilt on the sheet `of`.

    Raises :class:`VMError` for work that can't be rebuilt.
    """
    sheet = None if exercise_named(exercise).sheet is None else sheet_of(exercise, of)
    is_function = work.get("kind") == "function"  # its source is read, and never run
    thing = None if is_function else remade(work)
    if thing is not None:
        criteria_of(exercise, of, thing)  # refuses anything that is not work for this exercise
    given = None if sheet is None else sheet.given
    return Subject(exercise, of, given, thing, work, steps_of(exercise, of, thing))


def steps_of(exercise: str, of: str, thing: Any) -> Steps | None:
    """Return the steps of the work; None if they are unknown."""
    if isinstance(thing, LoadedStrace):
        return TraceSteps(exercise, of, thing)
    if isinstance(thing, Machine) or isinstance(getattr(thing, "machine", None), Machine):
        found = JournalSteps(exercise, of, thing)
        return found if len(found) else None
    return None


def asked(exercise: str, of: str, asking: Any) -> dict[str, Any]:
    """Return as data the `questions`, the `steps` if they are few, and the `problem` in words if there are none.

    `asking` contains the `work`, the text `drawn_from`, and the `modules` with the course's own exercises.
    """
    try:
        load_modules(OwnModule(*module) for module in asking["modules"])
        subject = subject_of(exercise, of, asking["work"])
        found = list(questions(subject, asking["drawn_from"]))
    except (VMError, MemoryError, RecursionError) as error:
        return {"questions": [], "steps": "", "problem": f"{error}" or type(error).__name__}
    steps = listed(subject.steps) if subject.steps is not None and len(subject.steps) <= LISTED else ""
    problem = "" if found else "nothing was done in it"
    return {"questions": [_data(one) for one in found], "steps": steps, "problem": problem}


def _data(question: Question) -> dict[str, Any]:
    kept = ("text", "answer", "why", "id", "grade")
    return {name: value for name, value in asdict(question).items() if name in kept}


if __name__ == "__main__":
    main(asked)
