"""The kinds of question, as a table; and all questions that can be asked on one piece of work.

Run as a program it answers as the process that judges does: work comes from a notebook, which may hold anything.
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
    Kind("entries", 1, "how many entries a map has right after a call", entries.count),
    Kind("idle", 1, "which calls changed no entry", entries.idle),
    Kind("frames", 1, "to how many frames page tables lead right after a call", translation.frames),
    Kind("slots", 1, "how many slots a domain uses right after a call", translation.slots),
    Kind("kentry", 1, "how many slots of the kentry area are free right after a call", translation.room),
    Kind("gap", 1, "how large the largest gap is right after a call", threads.gap),
    Kind("handler", 1, "how often a handler was called", threads.handler),
    Kind("held", 1, "who got a lock last, and when", threads.held),
    Kind("physical", 1, "where an address of segments lies in physical memory", paper.physical),
    Kind("reads", 1, "which descriptors a walk on paper reads", paper.reads),
    Kind("resident", 1, "which pages are in memory after a reference", references.resident),
    Kind("victim", 1, "which page goes at a reference", references.victim),
    Kind("root", 2, "which entry is the root of a map's tree right after a call", entries.root),
    Kind("lookup", 2, "with how many entries a lookup compares", entries.lookup),
    Kind("maker", 2, "which call made an entry what it is", entries.maker),
    Kind("next", 2, "where a request lands that comes next", entries.coming),
    Kind(
        "walk", 2, "which descriptors the hardware's walk reads right after a call, and how it ends", translation.walk
    ),
    Kind("fault", 2, "whether an access faults, and what becomes of it", translation.fault),
    Kind("tables", 2, "which calls had page tables allocated", translation.tables),
    Kind("stale", 2, "which TLBs have entries that are no longer true right after a call", translation.stale),
    Kind("bits", 2, "which bits of a descriptor a call changed", translation.bits),
    Kind("waits", 2, "which threads waited for a lock, and who had it", threads.waits),
    Kind("ended", 2, "in which order threads returned", threads.ended),
    Kind("got", 2, "where the memory is that a thread got", threads.got),
    Kind("answered", 2, "whether an answer on paper is right, and why", paper.answered),
    Kind("forbidden", 2, "whether an access is in bounds and allowed", paper.forbidden),
    Kind("more", 2, "how many faults there are with one frame more", references.more),
    Kind("without", 3, "which calls could be left out, and what is lost without one", counterfactual.without),
    Kind("order", 3, "what differs if two calls change places", counterfactual.order),
    Kind("freed", 3, "what is lost if a handler frees less", threads.freed),
    Kind("locks", 3, "what becomes of a run in which a thread takes its locks in another order", threads.locks),
    Kind("moved", 3, "what is lost if two segments change places", paper.moved),
    Kind("instead", 3, "what another access gives on paper", paper.instead),
    Kind("left out", 3, "how many faults there are without a reference", references.without),
)
"""By how hard they are."""

BY_NAME = {kind.name: kind for kind in KINDS}


def questions(subject: Subject, drawn_from: str = "") -> Iterator[Question]:
    """All questions of all kinds; the text `drawn_from` chooses them where a kind can ask about several things."""
    for kind in KINDS:
        yield from kind.of(subject, drawn_from)


def subject_of(exercise: str, of: str, work: dict[str, Any]) -> Subject:
    """One piece of work, as a notebook keeps it, on the sheet `of`, made again.

    Raises :class:`VMError` for work that can't be.
    """
    sheet = None if exercise_named(exercise).sheet is None else sheet_of(exercise, of)
    is_function = work.get("kind") == "function"  # its source is looked at, and nothing of it is run
    thing = None if is_function else remade(work)
    if thing is not None:
        criteria_of(exercise, of, thing)  # refuses what is no work for it
    given = None if sheet is None else sheet.given
    return Subject(exercise, of, given, thing, work, steps_of(exercise, of, thing))


def steps_of(exercise: str, of: str, thing: Any) -> Steps | None:
    """What was done, step by step; None where that is not known."""
    if isinstance(thing, LoadedStrace):
        return TraceSteps(exercise, of, thing)
    if isinstance(thing, Machine) or isinstance(getattr(thing, "machine", None), Machine):
        found = JournalSteps(exercise, of, thing)
        return found if len(found) else None
    return None


def asked(exercise: str, of: str, asking: Any) -> dict[str, Any]:
    """The same as data: `questions`, the `steps` if they are few, and `problem` in words where there are none.

    `asking` has the `work`, the text `drawn_from`, and the `modules` with the course's own exercises.
    """
    try:
        load_modules(OwnModule(*module) for module in asking["modules"])
        subject = subject_of(exercise, of, asking["work"])
        found = list(questions(subject, asking["drawn_from"]))
    except (VMError, MemoryError, RecursionError) as error:
        return {"questions": [], "steps": "", "problem": str(error) or type(error).__name__}
    steps = listed(subject.steps) if subject.steps is not None and len(subject.steps) <= LISTED else ""
    problem = "" if found else "nothing was done in it"
    return {"questions": [_data(one) for one in found], "steps": steps, "problem": problem}


def _data(question: Question) -> dict[str, Any]:
    kept = ("text", "answer", "why", "id", "grade")
    return {name: value for name, value in asdict(question).items() if name in kept}


if __name__ == "__main__":
    main(asked)
