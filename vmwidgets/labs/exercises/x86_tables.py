"""Exercises of notebook 06: descriptors written by hand, and what processors remember of them."""

from __future__ import annotations

from collections.abc import Iterator

from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.machine import Machine

from ..criterion import Criterion, criterion
from ..exercise import exercise

START = 0x40_0000
PAGES = 4
CHANGED = 2
"""The page, counted from :data:`START`, that user code shall read, and neither write nor run."""

TASK = "keys"

FIRST = "take the rights away"


@exercise(
    "06/by-hand",
    "A page made read-only by hand",
    points=6,
    takes=Machine,
    shows=lambda machine: machine.tasks[TASK].tables,
)
def by_hand(machine: Machine) -> Iterator[Criterion]:
    """Task "keys": page 2 of 4 can be read only, by descriptors alone, and no processor remembers otherwise."""
    page = START + CHANGED * PAGE
    stopped = [_stopped(machine, page, access) for access in ("write", "execute")]
    yield criterion(
        2,
        sum(stopped),
        "user code may neither write to the page nor run what is in it",
        "user code may still write to the page, or run what is in it: which bit of its descriptor forbids each?",
        expected="a fault for lack of a right, for both",
        actual=", ".join(f"{access}: {_in_words(machine, page, access)}" for access in ("write", "execute")),
    )
    wrong = [number for number in range(PAGES) if not _as_it_was(machine, number)]
    yield criterion(
        1,
        any(stopped) and not wrong,
        "it can be read, and the other three pages are as they were",
        "a page is not where it was, or its rights are not what they should be: what else does that descriptor map?",
        first="" if wrong else FIRST,
        actual=", ".join(f"page {number} of {PAGES}, at {Address(START + number * PAGE)}" for number in wrong),
    )
    stale = [cpu.number for cpu in machine.cpus if _remembers(machine, cpu.number, page, stale=True)]
    yield criterion(
        2,
        any(stopped) * (len(machine.cpus) - len(stale)),
        "no processor uses rights that are no longer true",
        "a processor still uses the rights that it remembers: which instruction makes it forget them?",
        first="" if stale else FIRST,
        actual=", ".join(f"cpu:{number} keeps the page as it was" for number in stale),
    )
    others = [START + number * PAGE for number in range(PAGES) if number != CHANGED]
    kept = all(_remembers(machine, cpu.number, one, stale=False) for cpu in machine.cpus for one in others)
    yield criterion(
        1,
        any(stopped) and kept,
        "what is still true stays in the TLBs",
        "more was flushed than had to be: a flush can be for one page",
        first="" if any(stopped) else FIRST,
        expected="the other three pages, on each processor",
    )


def _stopped(machine: Machine, va: int, access: str) -> bool:
    fault = machine.walk(va, access, user=True, task=TASK).fault
    return fault is not None and fault.kind == "protection"


def _in_words(machine: Machine, va: int, access: str) -> str:
    fault = machine.walk(va, access, user=True, task=TASK).fault
    return "goes through" if fault is None else f"{fault.kind}"


def _as_it_was(machine: Machine, number: int) -> bool:
    """Whether a page leads to its frame, and gives user code what it should."""
    va, frame = START + number * PAGE, machine.objects[TASK].pages.get(number * PAGE)
    if frame is None or machine.walk(va, user=True, task=TASK).pa != frame * PAGE:
        return False
    return number == CHANGED or not any(
        machine.walk(va, access, user=True, task=TASK).fault for access in ("write", "execute")
    )


def _remembers(machine: Machine, cpu: int, va: int, *, stale: bool) -> bool:
    """Whether a processor keeps a translation of `va` that is stale, or one that is not."""
    slot = machine.cpus[cpu].lookup(va)
    return slot is not None and bool(slot.stale) is stale
