"""Questions on a string of references under policies of page replacement."""

from __future__ import annotations

from collections.abc import Iterator

from vmwidgets.engine.base.units import PAGE, counted
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercises.replacement import PolicySheet, TraceSheet
from vmwidgets.questions.question import Question
from vmwidgets.reference_strings.references import MOST_FRAMES, reference_string
from vmwidgets.reference_strings.references_schema import PageReference, PolicyRun, ReferencesValue

from .subject import Subject, asks, drawn_first

OURS = ("fifo", "lru", "opt", "clock", "second chance")
"""Policies that are run here."""

ON_PAPER = ("lru", "fifo")
"""Policies for a string that the sheet has: a student's own function is not run."""

PARTS = 8
"""How many parts of each run are tried."""

FEW = 3
"""The frames for a part of a trace: with as many as the sheet has, nothing would be evicted in a part."""

WINDOW = 14
"""The length of the part that a question is about: as many references as can be done by hand."""


def _strings(subject: Subject, draws: Draws) -> Iterator[tuple[str, PolicyRun]]:
    """Yield runs to ask about, with words: part of the student's string, or of the string or trace of the sheet."""
    thing = subject.thing
    runs: list[tuple[str, list[str], str, int]] = []
    if isinstance(thing, ReferencesValue):
        string = [_written(step) for step in thing.runs[0].steps]
        runs = [("your string", string, run.policy, run.frames) for run in thing.runs if run.policy in OURS]
    elif isinstance(subject.given, PolicySheet):
        named = zip(("first", "second"), subject.given.strings, strict=True)
        runs = [
            (f"the {name} string of your variant", string.split(), policy, subject.given.frames)
            for name, string in named
            for policy in ON_PAPER
        ]
    elif isinstance(subject.given, TraceSheet):
        string = [f"{address // PAGE}" for address in subject.given.addresses]
        runs = [("the pages of your variant's trace", string, policy, FEW) for policy in ON_PAPER]
    parts = [_part(draws, *run) for _ in range(PARTS) for run in draws.shuffled(runs)]
    full = [part for part in parts if sum(step.victim is not None for step in part[1].steps) > 1]
    yield from drawn_first(draws, full, lambda part: bool(part[1].hits > 1))  # else the last pages are those in memory


def _part(draws: Draws, of: str, string: list[str], policy: str, frames: int) -> tuple[str, PolicyRun]:
    """Return a run of some consecutive references, with words that describe them."""
    first = draws.between(0, max(0, len(string) - WINDOW))
    part = string[first : first + WINDOW]
    words = (
        f"Take references {first + 1} to {first + len(part)} of {of}, `{' '.join(part)}`, and {policy} with "
        f"{counted(frames, 'frame')} that are empty at first."
    )
    return words, reference_string(part, frames, policy).runs[0]


def _own(subject: Subject) -> str:
    """Return the last line of a student's own policy, for comparison; "" if there is none."""
    source = subject.data.get("source")
    lines = [line.strip() for line in source.splitlines() if line.strip()] if isinstance(source, str) else []
    last = lines[-1].replace("`", "'") if lines else ""
    return f" (Then: which one does your own function choose, which ends with `{last[:120]}`?)" if last else ""


def victim(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask which page is evicted at a reference."""
    for words, run in _strings(subject, draws):
        if run.policy == "opt":
            continue  # any page that is never used again may be evicted
        out = [number for number, step in enumerate(run.steps) if step.victim is not None]
        if out:
            number = draws.choice(out)
            step = run.steps[number]
            yield asks(
                f"{words} Reference {number + 1} of these, to page {step.page}, finds no free frame. Which page "
                f"goes?{_own(subject)}",
                f"page {step.victim}",
                f"In memory before it: {_pages(run.steps[number - 1])}. {_reasons(run, number)}",
            )


def _pages(step: PageReference) -> str:
    return ", ".join(str(page) for page in step.pages if page is not None)


def _reasons(run: PolicyRun, number: int) -> str:
    """Return when the evicted page was brought in, and when it was used last."""
    gone = run.steps[number].victim
    used = [place + 1 for place, step in enumerate(run.steps[:number]) if step.page == gone]
    came = [place + 1 for place, step in enumerate(run.steps[:number]) if step.page == gone and step.fault]
    return f"Page {gone} came at reference {came[-1]}, and was used last at reference {used[-1]}."


def resident(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask which pages are in memory after a reference."""
    for words, run in _strings(subject, draws):
        if run.policy == "opt":
            continue  # any page that is never used again may be missing
        pages = (str(page) for page in run.steps[-1].pages if page is not None)
        yield asks(
            f"{words} Which pages are in memory at the end?",
            ", ".join(sorted(pages, key=_by_number)),
            f"{counted(run.hits, 'reference')} found the page in memory; sent out: {_gone(run)}.",
        )


def _gone(run: PolicyRun) -> str:
    return ", ".join(str(step.victim) for step in run.steps if step.victim is not None) or "none"


def _by_number(page: str) -> tuple[int, str]:
    return (int(page), "") if page.isdecimal() else (0, page)


def more(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask for the number of faults, and for the number with one more frame."""
    found = [
        (words, run, reference_string([_written(step) for step in run.steps], run.frames + 1, run.policy).runs[0])
        for words, run in _strings(subject, draws)
        if run.frames < MOST_FRAMES
    ]
    for words, run, other in drawn_first(draws, found, lambda one: bool(one[1].faults != one[2].faults)):
        yield asks(
            f"{words} How many faults is that, and how many is it with one frame more?",
            f"{run.faults}, and {other.faults} with one frame more",
            f"{counted(len({step.page for step in run.steps}), 'page')} in {counted(len(run.steps), 'reference')}; "
            "each page's first reference is a fault in any case.",
        )


def without(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask for the number of faults if one reference is left out."""
    for words, run in _strings(subject, draws):
        for number in draws.shuffled(range(len(run.steps))):
            left = [_written(step) for place, step in enumerate(run.steps) if place != number]
            other = reference_string(left, run.frames, run.policy).runs[0]
            if other.faults not in (run.faults, run.faults - run.steps[number].fault):
                yield asks(
                    f"{words} That makes {counted(run.faults, 'fault')}. Leave out reference {number + 1} of these, to "
                    f"page {run.steps[number].page}. How many are left?",
                    counted(other.faults, "fault"),
                    f"That reference {'is a fault itself' if run.steps[number].fault else 'is none itself'}; others "
                    "change since other pages are in memory then.",
                )
                break


def _written(step: PageReference) -> str:
    return f"{step.page}{'w' * step.write}"
