"""A trace on a machine: a task makes the trace's references, with page tables, a TLB and rings.

The caller has booted the machine: this file only calls its operations.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import Any, Protocol

from ..engine.base.errors import Refused, a_kind, shown
from ..engine.base.event import ROLES
from ..engine.base.units import PAGE, Address
from ..engine.memory.replacement import Replacement
from .traces_schema import PlayedTrace

MOST_PLAYED = 5_000
"""The most references that a machine makes: it keeps data to go back to each reference."""


class References(Protocol):
    """The part of a trace's interface that is used here."""

    addresses: Any
    name: str

    def pages(self) -> tuple[Any, Any]:
        """Return the page of each reference, and whether it writes."""


def live(chosen: References, machine: Any, task: Any, frames: int, policy: Any, tick: int) -> PlayedTrace:
    """Make all references in a task of the machine, and count the faults and the evicted pages."""
    if not all(hasattr(machine, part) for part in ("task", "tasks", "replacement", "journal")):
        raise Refused(f"machine={shown(machine)} is {a_kind(machine)}: pass the machine, which vm.boot gives")
    pages, writes = chosen.pages()
    names = sorted(set(pages.tolist()))
    crosses = len(pages) != len(chosen.addresses)
    addresses = (pages * PAGE if crosses else chosen.addresses).tolist()
    if isinstance(policy, str):
        policy = Replacement(policy, future=tuple(pages.tolist()) if policy.lower() == "opt" else ())
    _check_room(machine, task, names)
    if not isinstance(policy, Replacement) and not callable(policy):
        machine.replacement = policy  # refused before a task is created, unless the machine has it already
    lived = machine.task(task) if isinstance(task, str) else task
    machine.replacement = policy
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


def _check_room(machine: Any, task: Any, names: list[int]) -> None:
    """Refuse a task that can't have all pages of these numbers, before any change."""
    is_name = isinstance(task, str)
    if not is_name and not (getattr(task, "machine", None) is machine and hasattr(task, "limit")):
        raise Refused(f"task={shown(task)}: write the name of a new task, or pass a task of this machine")
    known = machine.tasks[task] if is_name and task in machine.tasks else None if is_name else task
    if known is not None and len(known.map):
        raise Refused(f"task={known.name!r} has entries already: name a new task, or pass one without entries")
    name = task if is_name else task.name
    start, end = machine.layout.user_start, machine.layout.user_end
    for page in (names[0], names[-1]):
        if not start <= page * PAGE < end:
            raise Refused(
                f"page {Address(page * PAGE)} of the trace: task {shown(name)} has the addresses "
                f"{Address(start)} to {Address(end)}; boot an architecture that has more"
            )


def _map_pages(task: Any, names: list[int]) -> None:
    """Map the pages at their addresses, adjacent pages in one mapping."""
    for _, part in groupby(enumerate(names), lambda one: one[1] - one[0]):
        numbers = [number for _, number in part]
        task.mmap(len(numbers) * PAGE, flags="fixed", at=numbers[0] * PAGE)


def _swap(machine: Any, size: int) -> None:
    """Provide swap space for all pages; swap space that is larger already stays."""
    with suppress(Refused):
        machine.swap_on(size)
