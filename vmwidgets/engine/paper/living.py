"""A trace that a task of a machine lives through: what was counted on paper, with page tables, a TLB and rings.

The machine is one that the caller has booted: this file only calls its operations.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import Any, Protocol

from ..base.errors import Refused
from ..base.event import ROLES
from ..base.units import PAGE, Address
from ..memory.replacement import Replacement
from .traces_schema import PlayedTrace

MOST_PLAYED = 5_000
"""References that a machine lives through: it keeps what it needs to go back to each."""


class References(Protocol):
    """What is asked of a trace."""

    addresses: Any
    name: str

    def pages(self) -> tuple[Any, Any]:
        """The page of each reference, and whether it writes."""


def live(chosen: References, machine: Any, task: Any, frames: int, policy: Any, tick: int) -> PlayedTrace:
    """Make all references in a task of the machine, and count the faults and the pages that go."""
    pages, writes = chosen.pages()
    names = sorted(set(pages.tolist()))
    crosses = len(pages) != len(chosen.addresses)
    addresses = (pages * PAGE if crosses else chosen.addresses).tolist()
    is_opt = isinstance(policy, str) and policy.lower() == "opt"
    machine.replacement = Replacement("opt", future=tuple(pages.tolist())) if is_opt else policy
    lived = machine.task(task) if isinstance(task, str) else task
    _map_pages(lived, names)
    _swap(machine, len(names) * PAGE)
    lived.limit("rss", frames * PAGE)
    faults = written = 0
    for number, (address, is_write) in enumerate(zip(addresses, writes.tolist(), strict=True)):
        if tick and number and number % tick == 0:
            machine.tick()
        if is_write:
            lived.write(address, b"\1")
        else:
            lived.touch(address)
        done = machine.journal.last
        faults += "not-present" in done.faults
        for event in done.events:
            if ROLES.get(event.tag) == "leaves":
                written += not event.has
    return PlayedTrace(chosen.name, machine.replacement.policy, frames, len(pages), faults, written)


def _map_pages(task: Any, names: list[int]) -> None:
    """Map the pages at their addresses, neighbours together."""
    if len(task.map):
        raise Refused(f"task={task.name!r} has entries already: name a new task, or pass one without entries")
    for _, part in groupby(enumerate(names), lambda one: one[1] - one[0]):
        numbers = [number for _, number in part]
        start, end = numbers[0] * PAGE, (numbers[-1] + 1) * PAGE
        if not task.map.start <= start < end <= task.map.end:
            raise Refused(
                f"page {Address(start)} of the trace: task {task.name!r} has the addresses "
                f"{Address(task.map.start)} to {Address(task.map.end)}; boot an architecture that has more"
            )
        task.mmap(end - start, flags="fixed", at=start)


def _swap(machine: Any, size: int) -> None:
    """Have swap space for all pages; more stays as it is."""
    with suppress(Refused):
        machine.swap_on(size)
