"""FreeBSD's kernel address space map (its `vm_map`, as of April 2008): find, insert, wire, delete, submaps.

Functions take what the original takes, plain integers of bytes, and return its status numbers.  But for
:meth:`FreeBSDMap.wire`, callers hold the map's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..base.errors import Broken, KernelPanic
from ..base.recorder import Recorder
from ..base.tags import (
    Called,
    EntryResized,
    EntryWired,
    MapResized,
    RangeDeleted,
    RangeInserted,
    RangeWired,
    Returned,
    SpaceSought,
    SubmapAttached,
    TranslationEntered,
    TranslationsRemoved,
)
from ..base.units import PAGE, PAGE_SHIFT
from .first_fit import first_fit
from .freebsd_entries import clip_end, clip_start, join
from .kernel_entry import KERNEL_FLAGS, SUB_MAP, KernelEntry, KernelEntrySource
from .kernel_object import KernelObject
from .map_core import MapCore
from .map_lock import MapLock
from .vm_page import PageQueues
from .waits import Sleepy

SUCCESS, INVALID_ADDRESS, NO_SPACE, INVALID_ARGUMENT = 0, 1, 3, 4
"""Status numbers of map functions (KERN_…)."""


class KernelPmap(Protocol):
    """The page tables of kernel space, which all kernel maps share."""

    def enter(self, va: int, frame: int, wired: bool) -> None:
        """Translate the page at `va` to `frame`."""

    def remove(self, start: int, end: int) -> None:
        """Translate nothing in [start, end) any more."""

    def extract(self, va: int) -> int | None:
        """The frame that `va` is translated to, if any."""


@dataclass(frozen=True, slots=True)
class MapServices:
    """What kernel maps are given: page tables, pages, entries, and fresh anonymous objects of so many pages."""

    recorder: Recorder
    pmap: KernelPmap
    pages: PageQueues
    entries: KernelEntrySource
    new_object: Callable[[int], KernelObject]


class FreeBSDMap(MapCore[KernelEntry]):
    """Used ranges of [start, end).

    `system` is the system flag; `needs_wakeup` says that somebody sleeps for room; `size` is the bytes in entries.
    """

    def __init__(self, name: str, start: int, end: int, services: MapServices) -> None:
        super().__init__(name, start, end, services.recorder)
        self.services = services
        self.lock = MapLock(name, services.recorder)
        self.system = False
        self.needs_wakeup = False
        self.size = 0

    # ---- finding -----------------------------------------------------------------------------

    def find_space(self, length: int) -> int | None:
        """The lowest address with `length` free bytes (`vm_map_findspace` from the map's start), or none.

        Length 0 is always found at the map's start, used or not.
        """
        address = first_fit(self, length)
        emit = self.recorder.emit
        if emit is not None:
            emit((SpaceSought, self.name, length, address))
        return address

    def lookup(self, address: int) -> KernelEntry | None:
        """The entry that holds `address` (`vm_map_lookup_entry`), or none.  O(log n)."""
        entry = self.tree.nearest(address)
        return entry if entry is not None and entry.start <= address else None

    # ---- insert ------------------------------------------------------------------------------

    def insert(self, target: KernelObject | None, offset: int, start: int, end: int, flags: int = 0) -> int:
        """Make [start, end) used (`vm_map_insert`); status 1: no range of this map, 3: part of it is used.

        Without object, the entry that ends at `start` is stretched if it is of the same kind.  The caller has
        taken the reference on `target`.  O(log n).
        """
        status, following = self._obstacle(start, end)
        if status != SUCCESS:
            self._report_insert(target, offset, start, end, "", status)
            return status
        previous = self.last if following is None else following.prev
        word = KERNEL_FLAGS | flags
        if target is None and previous is not None and may_stretch(previous, start, word):
            self._stretch(previous, end)
            self._report_insert(target, offset, start, end, "extend", status)
            join(self, previous)
            return status
        entry = self.take_entry()
        entry.start, entry.end, entry.object, entry.offset, entry.flags = start, end, target, offset, word
        self.link(entry, previous, following)
        self._resize(end - start)
        self._report_insert(target, offset, start, end, "new", status)
        return status

    def _obstacle(self, start: int, end: int) -> tuple[int, KernelEntry | None]:
        """Status of an insertion, and the entry before which it goes."""
        if start < self.start or end > self.end or start >= end:
            return INVALID_ADDRESS, None
        following = self.tree.nearest(start)
        if following is not None and following.start < end:
            return NO_SPACE, None
        return SUCCESS, following

    def _stretch(self, entry: KernelEntry, end: int) -> None:
        before = entry.fields()
        self._resize(end - entry.end)
        entry.end = end
        if entry.object is not None:
            entry.object.size = max(entry.object.size, entry.first_page + entry.pages)
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryResized, self.name, before, entry.fields(), "stretched"))

    def _report_insert(
        self, target: KernelObject | None, offset: int, start: int, end: int, how: str, status: int
    ) -> None:
        emit = self.recorder.emit
        if emit is not None:
            name = None if target is None else target.name
            emit((RangeInserted, self.name, start, end, name, offset, how, status))

    # ---- wire --------------------------------------------------------------------------------

    def wire(self, start: int, end: int) -> Sleepy[int]:
        """Wire what is in [start, end) and map its pages (`vm_map_wire`); status 1: nothing is at `start`.

        Takes the lock itself, and lets go of it while pages are mapped.  Then entries are joined.
        """
        yield from self.lock.acquire()
        entry = self.lookup(start)
        status = INVALID_ADDRESS if entry is None else SUCCESS
        emit = self.recorder.emit
        if emit is not None:
            emit((RangeWired, self.name, start, end, status))
        if entry is not None and start < end:
            clip_start(self, entry, start)
            clip_end(self, entry, end)
            self.set_wired_count(entry, entry.wired_count + 1)
            self.lock.release()
            if entry.wired_count == 1:
                self._wire_pages(entry)
            yield from self.lock.acquire()
            if self.by_id.get(entry.id) is entry:
                join(self, entry)
        self.lock.release()
        return status

    def _wire_pages(self, entry: KernelEntry) -> None:
        target, pages = entry.object, self.services.pages
        if target is None:
            return
        for pindex in target.pages_between(entry.first_page, entry.first_page + entry.pages):
            page = pages.in_use[target.pages[pindex]]
            pages.wire(page)
            self.enter_page(entry.start + (pindex - entry.first_page << PAGE_SHIFT), page.frame)

    def set_wired_count(self, entry: KernelEntry, count: int) -> None:
        """Note how often the range of `entry` was wired."""
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryWired, self.name, entry.id, entry.wired_count, count))
        entry.wired_count = count

    def enter_page(self, va: int, frame: int) -> None:
        """Map a wired page in the kernel's page tables (`pmap_enter`)."""
        emit = self.recorder.emit
        if emit is not None:
            emit((TranslationEntered, va, frame, True))
        self.services.pmap.enter(va, frame, True)

    # ---- delete ------------------------------------------------------------------------------

    def remove(self, start: int, end: int) -> Sleepy[None]:
        """Lock, cut [start, end) to the map's range, delete what is in it, unlock (`vm_map_remove`)."""
        yield from self.lock.acquire()
        start, end = max(start, self.start), min(end, self.end)
        self.delete(min(start, end), end)
        self.lock.release()

    def delete(self, start: int, end: int) -> None:
        """Make [start, end) free (`vm_map_delete`): holes are passed over, entries across its edges split.

        An empty range still splits the entry that it lies in.  O((entries deleted + 1) log n + their pages).
        """
        emit = self.recorder.emit
        if emit is not None:
            emit((Called, "vm_map_delete", (start, end)))
        entry = self.tree.nearest(start)
        if entry is not None:
            clip_start(self, entry, start)
        while entry is not None and entry.start < end:
            clip_end(self, entry, end)
            following = entry.next
            self._delete_entry(entry)
            entry = following
        if emit is not None:
            emit((Returned,))

    def _delete_entry(self, entry: KernelEntry) -> None:
        if entry.wired_count != 0:
            self._unwire(entry)
        emit = self.recorder.emit
        if emit is not None:
            emit((TranslationsRemoved, entry.start, entry.end))
        self.services.pmap.remove(entry.start, entry.end)
        self.unlink(entry)
        self._resize(entry.start - entry.end)
        if emit is not None:
            emit((RangeDeleted, self.name, entry.start, entry.end))
        if entry.object is not None:
            self._forget_pages(entry, entry.object)
            entry.object.release()
        self.services.entries.give(entry)

    def _unwire(self, entry: KernelEntry) -> None:
        """Unwire the pages that the page tables show; whatever they don't show stays wired."""
        pages = self.services.pages
        for va in range(entry.start, entry.end, PAGE):
            frame = self.services.pmap.extract(va)
            if frame is not None:
                pages.unwire(pages.in_use[frame])
        self.set_wired_count(entry, 0)

    def _forget_pages(self, entry: KernelEntry, target: KernelObject) -> None:
        """Of an object that lives on: free the pages of the range but wired ones, and cut its end off."""
        if target.references == 1:
            return
        pages = self.services.pages
        first, last = entry.first_page, entry.first_page + entry.pages
        for pindex in target.pages_between(first, last):
            page = pages.in_use[target.pages[pindex]]
            if page.wire_count == 0:
                pages.free(page)
        if first < target.size <= last:
            target.size = first

    # ---- submaps -----------------------------------------------------------------------------

    def attach_submap(self, start: int, end: int, submap: FreeBSDMap) -> Sleepy[int]:
        """Give [start, end) to `submap` (`vm_map_submap`); status 4: the entry there can't be its place."""
        yield from self.lock.acquire()
        entry = self.lookup(start)
        if entry is not None:
            clip_start(self, entry, start)
            clip_end(self, entry, end)
        emit = self.recorder.emit
        status = INVALID_ARGUMENT
        if entry is not None and (entry.start, entry.end) == (start, end) and _is_plain(entry):
            status, before = SUCCESS, entry.fields()
            entry.flags |= SUB_MAP
            entry.submap = submap
            if emit is not None:
                emit((EntryResized, self.name, before, entry.fields(), "became the place of a submap"))
        if emit is not None:
            emit((SubmapAttached, self.name, submap.name, start, end, status))
        self.lock.release()
        return status

    # ---- entries -----------------------------------------------------------------------------

    def take_entry(self) -> KernelEntry:
        """A fresh entry; none left is a panic (`vm_map_entry_create`)."""
        entry = self.services.entries.take()
        if entry is None:
            raise KernelPanic("vm_map_entry_create", f"no entry is left for {self.name}")
        return entry

    def copy_entry(self, entry: KernelEntry) -> KernelEntry:
        """A fresh entry like `entry`; both map its object."""
        copy = self.take_entry()
        copy.copy_all_from(entry)
        if entry.object is not None:
            entry.object.reference()
        return copy

    def discard(self, entry: KernelEntry) -> None:
        """Take an entry out whose neighbour takes over its range."""
        self.unlink(entry)
        if entry.object is not None:
            entry.object.release()
        self.services.entries.give(entry)

    def _resize(self, change: int) -> None:
        before = self.size
        self.size += change
        emit = self.recorder.emit
        if emit is not None:
            emit((MapResized, self.name, before, self.size))

    def check(self) -> None:
        """The core's invariants, and 7: `size` is the sum of the lengths; 8: a submap lies in its entry."""
        super().check()
        total = sum(entry.end - entry.start for entry in self)
        if total != self.size:
            raise Broken(f"7: {self.name} says {self.size} bytes, its entries have {total}")
        for entry in self:
            submap = entry.submap
            if submap is not None and (submap.start, submap.end) != (entry.start, entry.end):
                raise Broken(f"8: entry {entry.id} of {self.name} is not the range of its submap {submap.name}")


def may_stretch(entry: KernelEntry, start: int, flags: int) -> bool:
    """Whether `entry` may be stretched over a range from `start` with these flags, and no object of its own."""
    if entry.end != start or entry.flags != flags or entry.wired_count != 0:
        return False
    return entry.object is None or entry.object.can_grow_behind(entry.first_page + entry.pages)


def _is_plain(entry: KernelEntry) -> bool:
    return entry.object is None and not entry.flags & SUB_MAP
