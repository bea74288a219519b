"""Questions on answers that are not a machine: placed segments, and walks on paper."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from vmwidgets.engine.base.errors import KernelError
from vmwidgets.engine.base.units import Address, Size
from vmwidgets.engine.mmu.tables_schema import Walk
from vmwidgets.labs.checking import criteria_of
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercises.addresses import PaperSheet, said, solved, walked
from vmwidgets.on_paper.segments import SELECTOR, Segments
from vmwidgets.questions.question import Question

from .counterfactual import said_of
from .steps import Outcome
from .subject import Subject, asks, drawn_first

ACCESSES = {"read": "reads", "write": "writes to", "execute": "runs what is at"}

# ---- segments --------------------------------------------------------------------------------------


def _sized(subject: Subject) -> list[tuple[int, str, int, int]]:
    """Return each segment that has a size: its number, name, base and bounds."""
    if not isinstance(subject.thing, Segments):
        return []
    rows = enumerate(subject.thing.data().items())
    return [(number, name, base, bounds) for number, (name, (base, bounds, _)) in rows if bounds]


def physical(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask for the place of an address of the program in physical memory."""
    for number, name, base, bounds in draws.shuffled(_sized(subject)):
        offset = draws.below(bounds // 4) * 4
        address = number << SELECTOR | offset
        try:
            found = subject.thing.translate(address)
        except KernelError:
            continue
        yield asks(
            f"Your program reads `{Address(address)}`. At which physical address is that, with the segments as you "
            "placed them?",
            f"`{found}`",
            f"Bits 31:30 select segment {number}, `{name}`; its base {Address(base)} and the offset {Address(offset)} "
            "are added.",
        )


def forbidden(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask about an access past a segment's bounds, or an access that the segment's rights forbid."""
    for number, name, _, bounds in draws.shuffled(_sized(subject)):
        offset = draws.choice([bounds - 4, bounds])
        address, access = number << SELECTOR | offset, draws.choice(list(ACCESSES))
        try:
            answer, why = (
                f"it is done, at physical `{subject.thing.translate(address, access)}`",
                f"Segment {number}, {name}, has {Size(bounds)}.",
            )
        except KernelError as error:
            answer, why = (
                "out of bounds" if error.name == "FAULT" else "not allowed",
                f"{error.reason}." if error.name == "FAULT" else f"{error.reason}, and has {Size(bounds)}.",
            )
        yield asks(
            f"Your program {ACCESSES[access]} `{Address(address)}`, with the segments as you placed them. Is that "
            "done, out of bounds, or not allowed?",
            answer,
            f"{why[:1].upper()}{why[1:]}",
        )


def moved(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask what the check says if two segments are swapped."""
    rows = _sized(subject)
    if not rows:
        return
    before = Outcome(subject.thing, criteria_of(subject.exercise, subject.of, subject.thing))
    for one, other in draws.shuffled(list(combinations(rows, 2))):
        data = subject.thing.data()
        data[one[1]][0], data[other[1]][0] = other[2], one[2]
        thing = Segments.made_from(data)
        after = Outcome(thing, criteria_of(subject.exercise, subject.of, thing))
        if after.points < before.points:
            yield asks(
                f"Give `{one[1]}` the base of `{other[1]}`, and `{other[1]}` that of `{one[1]}`; sizes stay. What does "
                "your result lose?",
                said_of(before, after),
                f"{one[1]} has {Size(one[3])}, {other[1]} has {Size(other[3])}.",
            )


# ---- walks on paper --------------------------------------------------------------------------------


def answered(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask whether an answer is right, and why."""
    for address, walk in _walks(subject, draws):
        given, right = subject.thing.get(address), solved(subject.given)[address]
        if given is not None:
            agrees = said(given) == said(right)
            yield asks(
                f"For `{Address(address)}` you answered: {said(given)}. Is that right? Say what the walk reads.",
                "yes" if agrees else f"no: {said(right)}",
                "; ".join(f"{one.name} at {Address(one.pa)} is {one.value:#010x}" for one in walk.steps),
            )


def reads(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask for the places of the descriptors that a walk reads."""
    for address, walk in _walks(subject, draws):
        yield asks(
            f"User code writes to `{Address(address)}`, one of your addresses. At which physical addresses does the "
            "hardware read a descriptor?",
            " and ".join(f"`{one.pa:#x}`" for one in walk.steps),
            "; ".join(f"table {one.table:#x} plus 4 times index {one.index}" for one in walk.steps),
        )


def instead(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask for the outcome for the same address if user code only reads it, or the kernel writes to it."""
    others = [
        (address, user, _end(walked(subject.given, address, "read", user=user)), _end(walk))
        for address, walk in _walks(subject, draws)
        for user in (True, False)
    ]
    for address, user, end, before in drawn_first(draws, others, lambda one: one[2] != one[3]):
        yield asks(
            f"In your variant, user code writes to `{Address(address)}`. What if "
            f"{'user code' if user else 'the kernel'} reads it instead: does that end in a physical address "
            "(which?) or in a fault (of which kind?)",
            end,
            f"The write by user code ends in {before}.",
        )


def _end(walk: Walk) -> str:
    if walk.fault is None:
        return f"physical {Address(walk.pa or 0)}"
    return f"a fault, {walk.fault.kind}"


def _walks(subject: Subject, draws: Draws) -> Iterator[tuple[int, Walk]]:
    if isinstance(subject.given, PaperSheet) and isinstance(subject.thing, dict):
        for address in draws.shuffled(subject.given.addresses):
            yield address, walked(subject.given, address, "write", user=True)
