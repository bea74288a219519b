"""The possible changes of each stretch of operations: a search of the history skips stretches that cannot matter.

A machine that runs keeps, for each stretch of its operations, the frames that were written, the ranges whose entries
changed, and the pages that moved.  These sets show only what *may* have changed; :mod:`.hindsight.last` replays a
stretch to find out what has changed.
"""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from ..base.journal import MAX_EVENTS, Journal
from ..base.packed import squeezed, unsqueezed
from ..base.records import unpacked
from ..kernel.map.map_schema import (
    ENTRY_LINKED,
    ENTRY_UNLINKED,
    EntryChanged,
    EntryLinked,
    EntryResized,
    EntryUnlinked,
    EntryWired,
)
from ..kernel.tasks.objects_schema import (
    FileResized,
    ObjectGone,
    ObjectMade,
    PageOut,
    PagesEntered,
    PagesLeft,
    ShadowMoved,
    SwapFreed,
    SwapLeft,
    SwapMoved,
    SwapShared,
)
from ..memory.ram import Ram

STRETCH = 500
"""The number of operations in a stretch: at least as many as there are between two copies of a machine."""

BEYOND = 2
"""A stretch begins this number of operations after a copy: its first machine is made from that copy."""


def stretch_of(number: int) -> int:
    """Return the number of the stretch to which operation `number` belongs."""
    return max(0, number - BEYOND) // STRETCH


def first_of(stretch: int) -> int:
    """Return the number of the first operation of a stretch."""
    return stretch * STRETCH + BEYOND if stretch else 1


class Sets(NamedTuple):
    """The possible changes of the operations of one stretch."""

    frames: Set[int]
    """The frames that were written."""
    ranges: Set[tuple[str, int, int]]
    """The changed entries: the map's path, start and end."""
    pages: Set[tuple[str, int]]
    """The pages that moved, by object; number -1 stands for all pages of the object."""


class Touches:
    """The possible changes of those stretches that a machine ran itself, without interruption."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._by_stretch: dict[int, tuple[tuple[int, int], bytes]] = {}
        """The serials of each stretch's first and last operation, and its packed sets."""
        self._ram: Ram | None = None
        """The memory that was written since operation `_first`; None if it is unknown."""
        self._first = 0
        self.due = 0
        """The number of operations after which :meth:`go_on` has something to do."""

    def begin(self, ram: Ram) -> None:
        """Watch from the next operation on, which is the first of a stretch."""
        ram.written.clear()
        self._ram, self._first = ram, len(self._journal)
        self.due = first_of(stretch_of(self._first) + 1)

    def lose(self) -> None:
        """Forget the current stretch: it was interrupted."""
        self._ram = None
        self.due = first_of(stretch_of(len(self._journal)) + 1)

    def go_on(self, ram: Ram) -> None:
        """If it is due, keep the stretch that has just ended, and begin the next.  O(events of the stretch)."""
        count = len(self._journal)
        if count < self.due:
            return
        if count != self.due:
            self.lose()
            return
        sets = self._now(ram)
        if sets is not None:
            ends = self._journal.serial(self._first), self._journal.serial(count - 1)
            self._by_stretch[stretch_of(self._first)] = ends, squeezed(tuple(sets))
        self.begin(ram)

    def of(self, stretch: int, ram: Ram) -> Sets | None:
        """Return the possible changes of a stretch, which may be the current stretch; None if they are unknown."""
        journal = self._journal
        if len(journal) <= first_of(stretch + 1) - 1:
            return self._now(ram) if self._first == first_of(stretch) else None
        serials, packed = self._by_stretch.get(stretch, (None, b""))
        ends = journal.serial(first_of(stretch)), journal.serial(first_of(stretch + 1) - 1)
        return Sets(*unsqueezed(packed)) if serials == ends else None

    def _now(self, ram: Ram) -> Sets | None:
        """Return the possible changes since the current stretch began; None if they are unknown."""
        journal, first = self._journal, self._first
        numbers = range(first, len(journal))
        if self._ram is not ram or not numbers or journal.first_kept > first:
            return None
        if any(journal.size(number) >= MAX_EVENTS for number in numbers):
            return None
        ranges: set[tuple[str, int, int]] = set()
        pages: set[tuple[str, int]] = set()
        for tag, name, *fields in unpacked(one for one in journal.reported_since(first) if one[0] in _TELL):
            if tag in _ENTRIES:
                ranges.update((name, one[1], one[2]) for one in fields[:2] if isinstance(one, tuple))
            elif tag == EntryWired.tag:
                ranges.add((name, 0, 1 << 64))
            elif tag in _PAGES:
                pages.update((thing, index) for thing in (name, fields[0])[: len(fields)] for index, _ in fields[-1])
            elif tag == PageOut.tag:
                pages.add((name, fields[0]))
            elif tag in _WHOLE:
                pages.add((f"file {name}" if tag == FileResized.tag else name, -1))
        return Sets(frozenset(ram.written), ranges, pages)


_ENTRIES = {EntryLinked.tag, EntryUnlinked.tag, EntryResized.tag, EntryChanged.tag}
_PAGES = {PagesEntered.tag, PagesLeft.tag, SwapShared.tag, SwapLeft.tag, SwapFreed.tag, SwapMoved.tag}
_WHOLE = {ObjectMade.tag, ObjectGone.tag, ShadowMoved.tag, FileResized.tag}
_TELL = {*_ENTRIES, *_PAGES, *_WHOLE, EntryWired.tag, PageOut.tag, ENTRY_LINKED, ENTRY_UNLINKED}
"""The events that change entries of maps, and pages of objects."""
