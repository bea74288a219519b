"""What stretches of operations may have changed: a search through the history skips stretches that cannot matter.

A machine that runs keeps, for each stretch of its operations, the frames that were written and the events that change
maps and objects.  That costs little, since nothing is worked out until a question needs it.  It shows only what *may*
have changed; :mod:`.hindsight.noted` replays a stretch to find out what has changed.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

from ..base.journal import MAX_EVENTS, Journal
from ..base.packed import squeezed, unsqueezed
from ..base.records import Raw
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

OF_MAPS = frozenset(
    (
        ENTRY_LINKED, ENTRY_UNLINKED, EntryLinked.tag, EntryUnlinked.tag, EntryResized.tag, EntryChanged.tag,
        EntryWired.tag,
    )
)  # fmt: skip  # a list
OF_OBJECTS = frozenset(
    (
        FileResized.tag, ObjectGone.tag, ObjectMade.tag, PageOut.tag, PagesEntered.tag, PagesLeft.tag, ShadowMoved.tag,
        SwapFreed.tag, SwapLeft.tag, SwapMoved.tag, SwapShared.tag,
    )
)  # fmt: skip  # a list
"""The tags of events, and of records, that change entries of maps, and pages of objects."""


def stretch_of(number: int) -> int:
    """Return the number of the stretch to which operation `number` belongs."""
    return max(0, number - BEYOND) // STRETCH


def first_of(stretch: int) -> int:
    """Return the number of the first operation of a stretch."""
    return stretch * STRETCH + BEYOND if stretch else 1


class Touched(NamedTuple):
    """The possible changes of the operations of one stretch."""

    serials: tuple[int, int]
    """The serials of its first and its last operation."""
    frames: array[int]
    """The frames that were written, in order."""
    maps: frozenset[str]
    """The maps with changed entries that belong to no task."""
    packed: bytes
    """The events that changed entries of tasks' maps, and objects."""

    def events(self) -> list[Raw]:
        """Return the events that changed entries of tasks' maps, and objects, as they were reported."""
        found: list[Raw] = unsqueezed(self.packed)
        return found


class Touches:
    """The possible changes of a machine's stretches, as far as the machine ran them itself and in one go."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._by_stretch: dict[int, Touched] = {}
        self._ram: Ram | None = None
        """The memory that was written since operation `_first`; None if it is unknown."""
        self._first = 0
        self.due = 0
        """The number of operations after which :meth:`go_on` is to be called."""

    def begin(self, ram: Ram) -> None:
        """Watch from the next operation on, which is the first of a stretch."""
        ram.written.clear()
        self._ram, self._first = ram, len(self._journal)
        self.due = first_of(stretch_of(self._first) + 1)

    def lose(self) -> None:
        """Forget the current stretch: it was not run in one go."""
        self._ram = None
        self.due = first_of(stretch_of(len(self._journal)) + 1)

    def go_on(self, ram: Ram) -> None:
        """Keep the stretch that has just ended, and begin the next.  O(events of the stretch)."""
        count = len(self._journal)
        if count != self.due:
            self.lose()
            return
        touched = self._now(ram)
        if touched is not None:
            self._by_stretch[stretch_of(self._first)] = touched
        self.begin(ram)

    def of(self, stretch: int, ram: Ram) -> Touched | None:
        """Return the possible changes of a stretch, even of the current one; None if they are unknown."""
        journal = self._journal
        if len(journal) <= first_of(stretch + 1) - 1:
            return self._now(ram) if self._first == first_of(stretch) else None
        found, ends = self._by_stretch.get(stretch), (first_of(stretch), first_of(stretch + 1) - 1)
        return found if found is not None and found.serials == tuple(map(journal.serial, ends)) else None

    def _now(self, ram: Ram) -> Touched | None:
        """Return the possible changes since the current stretch began; None if they are unknown."""
        journal, first = self._journal, self._first
        numbers = range(first, len(journal))
        if self._ram is not ram or not numbers or journal.first_kept > first:
            return None
        if any(journal.size(number) >= MAX_EVENTS for number in numbers):
            return None
        kept = [one for one in journal.reported_since(first) if one[0] in OF_MAPS or one[0] in OF_OBJECTS]
        others = {one[1] for one in kept if one[0] in OF_MAPS and not _is_of_task(one)}
        ours = [one for one in kept if one[0] in OF_OBJECTS or _is_of_task(one)]
        ends = journal.serial(first), journal.serial(numbers[-1])
        return Touched(ends, array("Q", sorted(ram.written)), frozenset(others), squeezed(ours))


def _is_of_task(one: Raw) -> bool:
    """Return whether an event concerns a task's map."""
    return bool(one[1].startswith("task:"))
