"""Changing a range of a map in place: what the changes have in common, on either kernel's map.

The range is looked at first, and what stands against the change is an :class:`Unfit`, with nothing changed.  Then the
entries across its edges are cut, so that the change covers the range and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from ..base.events import EntryChanged, EntryWired
from ..base.units import PAGE, Address
from .entry import Entry
from .map_core import MapCore
from .map_simplify import join

E = TypeVar("E", bound=Entry)

SUCCESS, INVALID_ADDRESS, PROTECTION_FAILURE, NO_SPACE, INVALID_ARGUMENT, RESOURCE_SHORTAGE = 0, 1, 2, 3, 4, 6
"""Status numbers of FreeBSD's map functions (KERN_…)."""


class Unfit(Exception):
    """A range that can't be changed as asked: the `status` that FreeBSD's function returns, and `why`."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def entries_in(core: MapCore[E], start: int, end: int) -> Iterator[E]:
    """The entries that [start, end) touches, rising.  O(log n) for the first."""
    return _from(core.tree.nearest(start), end)


def edges_in(entries: Iterable[E], start: int, end: int) -> Iterator[int]:
    """Where translations are cut when the parts of `entries` in [start, end) change one by one, in whole pages."""
    for entry in entries:
        yield max(start, entry.start) & -PAGE
        yield -(-min(end, entry.end) // PAGE) * PAGE


def decide(core: MapCore[E], start: int, end: int, *, holes: bool) -> list[E]:
    """The entries of a range that may be changed; nothing changes here.

    Raises :class:`Unfit`: INVALID_ADDRESS for a hole where `holes` are not allowed, INVALID_ARGUMENT for a range that
    another map has.
    """
    entries = list(entries_in(core, start, end))
    position = start
    for entry in entries:
        if entry.start > position and not holes:
            break
        if entry.submap is not None:
            raise Unfit(INVALID_ARGUMENT, f"{_limits(entry)} is handled by the map {entry.submap.name}")
        position = entry.end
    if position < end and not holes:
        raise Unfit(INVALID_ADDRESS, f"nothing is mapped at {Address(position)} in {core.name}")
    return entries


def isolate(core: MapCore[E], start: int, end: int) -> None:
    """Cut what reaches over the edges of [start, end); entries inside may be joined, where the kernel does that."""
    first = core.peek(start)
    if first is not None:
        core.clip_start(first, start)
    last = core.peek(end - 1)
    if last is not None:
        core.clip_end(last, end)


def change_range(core: MapCore[E], start: int, end: int, change: Callable[[E], None]) -> None:
    """Cut at both edges, have `change` called for each entry in between, then join what is alike now.

    It may stop before any entry.
    """
    stop = core.recorder.take_stop()
    isolate(core, start, end)
    for entry in list(_from(core.peek(start), end)):
        if stop is not None and stop(entry.start):
            break
        change(entry)
    simplify_range(core, start, end)
    core.recorder.stop = stop


def simplify_range(core: MapCore[E], start: int, end: int) -> None:
    """Join each entry that [start, end) touches with its neighbours, where they are alike; it may stop before any."""
    stop = core.recorder.take_stop()
    for entry in _from(core.peek(start), end):
        if stop is not None and stop(entry.start):
            break
        join(core, entry)


def _from(entry: E | None, end: int) -> Iterator[E]:
    """`entry` and those behind it that begin below `end`; each may take in the next before that is looked at."""
    while entry is not None and entry.start < end:
        yield entry
        entry = entry.next  # type: ignore[assignment]  # neighbours are of the same kind


def set_flags(core: MapCore[Any], entry: Entry, flags: int, why: str) -> None:
    """Give an entry other flags, and report it if they differ."""
    if entry.flags == flags:
        return
    before = entry.fields()
    entry.flags = flags
    emit = core.recorder.emit
    if emit is not None:
        emit((EntryChanged.tag, core.name, before, entry.fields(), why))


def set_wired_count(core: MapCore[Any], entry: Entry, count: int) -> None:
    """Note how often the range of `entry` was wired."""
    emit = core.recorder.emit
    if emit is not None:
        emit((EntryWired.tag, core.name, entry.id, entry.wired_count, count))
    entry.wired_count = count


def _limits(entry: Entry) -> str:
    return f"[{Address(entry.start)}, {Address(entry.end)})"
