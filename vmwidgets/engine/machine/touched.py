"""The possible changes of each stretch of operations: a search of the history skips stretches that cannot matter.

A machine that runs keeps, for each stretch of its operations, the frames that were written and the events that change
maps and objects.  That costs little, since nothing is computed until a question needs it. These records show only what
*may* have changed; :mod:`.hindsight.noted` replays a stretch to find out what has changed.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..base.journal import MAX_EVENTS, Journal
from ..base.packed import squeezed, unsqueezed
from ..base.records import BEGAN, RECORDS, Raw, unpacked
from ..kernel.map.map_schema import (
    ENTRY_LINKED,
    ENTRY_UNLINKED,
    Entries,
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
from ..memory.pages_schema import PageAllocated, PageFreed, PageHandedOver
from ..memory.ram import Ram
from ..mmu.tables_schema import PteRunWritten, PteWritten

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
    """The possible changes of those stretches that a machine ran itself, without interruption."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._by_stretch: dict[int, Touched] = {}
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
        touched = self._now(ram)
        if touched is not None:
            self._by_stretch[stretch_of(self._first)] = touched
        self.begin(ram)

    def of(self, stretch: int, ram: Ram) -> Touched | None:
        """Return the possible changes of a stretch, which may be the current stretch; None if they are unknown."""
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
        kept = [one for one in journal.reported_since(first) if one[0] in _CHANGES_ENTRIES or one[0] in OF_OBJECTS]
        others = {one[1] for one in kept if one[0] in _CHANGES_ENTRIES and not _is_of_task(one)}
        ours = [one for one in kept if one[0] in OF_OBJECTS or _is_of_task(one)]
        ends = journal.serial(first), journal.serial(numbers[-1])
        return Touched(ends, array("Q", sorted(ram.written)), frozenset(others), squeezed(ours))


def _is_of_task(one: Raw) -> bool:
    """Return whether an event concerns a task's map."""
    return bool(one[1].startswith("task:"))


# ---- the reports of events ---------------------------------------------------------------------


class Reported(NamedTuple):
    """The reports of one operation's events: the values before the first event and after the last.

    None means that there is no value; a frame without an owner has none, even if it is in the processor's pool.
    """

    places: dict[tuple[str, str, int], tuple[Any, Any]]
    """The values by kind ("frame", "word", "page" or "swapped"), owner and number."""
    entries: Entries
    wired: dict[str, dict[int, tuple[int, int]]]
    whole: set[str]
    """The objects whose pages may all have changed."""

    @classmethod
    def by(cls, raw: Iterable[Raw]) -> Reported:
        """Return the reports of these events.  O(events)."""
        reported = cls({}, Entries(), {}, set())
        maybe = [one for one in raw if one[0] in _TAKES or (one[0] in RECORDS and one[0] != BEGAN)]  # few events do
        for tag, *fields in unpacked(maybe):
            take = _TAKES.get(tag)
            if take is not None:
                take(reported, *fields)
        return reported

    def _place(self, table: str, thing: str, key: int, before: Any, after: Any) -> None:
        place, places = (table, thing, key), self.places
        known = places.get(place)
        places[place] = (before if known is None else known[0]), after

    def _frames(self, frame: int, order: int, before: Any, after: Any) -> None:
        for one in range(frame, frame + (1 << order)):
            self._place("frame", "", one, before, after)

    def _pages(self, table: str, thing: str, pages: Iterable[tuple[int, int]], *, is_there: bool) -> None:
        for index, at in pages:
            self._place(table, thing, index, *((None, at) if is_there else (at, None)))

    def _run(self, pa: int, count: int, width: int, *values: int) -> None:
        for word in PteRunWritten(pa, count, width, *values).words():
            self._place("word", "", *word)

    def _page_out(self, thing: str, index: int, frame: int, to: str, slot: int = -1, has: str = "") -> None:
        if slot >= 0:
            self._place("swapped", thing, index, None, slot)

    def _slots_moved(self, before: str, thing: str, slots: Iterable[tuple[int, int]]) -> None:
        self._pages("swapped", before, slots, is_there=False)
        self._pages("swapped", thing, slots, is_there=True)

    def _wired(self, path: str, entry: int, before: int, after: int) -> None:
        wired = self.wired.setdefault(path, {})
        wired[entry] = wired.get(entry, (before, after))[0], after


OF_ENTRIES: Mapping[str, Callable[..., None]] = {
    EntryLinked.tag: lambda reported, *fields: reported.entries.linked(*fields),
    EntryUnlinked.tag: lambda reported, *fields: reported.entries.unlinked(*fields),
    EntryResized.tag: lambda reported, *fields: reported.entries.changed(*fields),
    EntryChanged.tag: lambda reported, *fields: reported.entries.changed(*fields),
    EntryWired.tag: Reported._wired,
}
OF_OBJECTS: Mapping[str, Callable[..., None]] = {
    PagesEntered.tag: lambda reported, name, pages: reported._pages("page", name, pages, is_there=True),
    PagesLeft.tag: lambda reported, name, pages: reported._pages("page", name, pages, is_there=False),
    PageOut.tag: Reported._page_out,
    SwapShared.tag: lambda reported, name, slots: reported._pages("swapped", name, slots, is_there=True),
    SwapLeft.tag: lambda reported, name, slots: reported._pages("swapped", name, slots, is_there=False),
    SwapFreed.tag: lambda reported, name, slots: reported._pages("swapped", name, slots, is_there=False),
    SwapMoved.tag: Reported._slots_moved,
    ObjectMade.tag: lambda reported, name, *_: reported.whole.add(name),
    ObjectGone.tag: lambda reported, name, *_: reported.whole.add(name),
    ShadowMoved.tag: lambda reported, name, *_: reported.whole.add(name),
    FileResized.tag: lambda reported, name, *_: reported.whole.add(f"file {name}"),
}
_TAKES: Mapping[str, Callable[..., None]] = {
    **OF_ENTRIES,
    **OF_OBJECTS,
    PageAllocated.tag: lambda reported, frame, order, owner: reported._frames(frame, order, None, owner),
    PageFreed.tag: lambda reported, frame, order, owner: reported._frames(frame, order, owner, None),
    PageHandedOver.tag: lambda reported, frame, before, owner: reported._frames(frame, 0, before, owner),
    PteWritten.tag: lambda reported, pa, before, after, *_: reported._place("word", "", pa, before, after),
    PteRunWritten.tag: Reported._run,
}
"""The functions that read an event's fields, by its tag: for entries, for objects' pages, and for all events."""

_CHANGES_ENTRIES = OF_ENTRIES.keys() | {ENTRY_LINKED, ENTRY_UNLINKED}
"""The tags of events of entries, and of the records that contain such events."""
