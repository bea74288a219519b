"""FreeBSD's kernel address space map (its `vm_map`, as of April 2008): what is in use, where room is, and inserting.

Functions take what the original takes, plain integers of bytes, and return its status numbers; callers hold the
map's lock.  Deleting, wiring and submaps are in the modules beside: :mod:`.freebsd_delete`, :mod:`.freebsd_wire`,
:mod:`.freebsd_submap`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Protocol

from ..base.errors import Broken, KernelError, KernelPanic
from ..base.events import (
    EntryResized,
    MapResized,
    RangeInserted,
    SpaceSought,
    TranslationsRemoved,
)
from ..base.protection import protection_of
from ..base.recorder import Recorder
from .fits import Fit
from .freebsd_entries import clip_end, clip_start
from .gap_tree import GapTree
from .kernel_entry import KERNEL_FLAGS, KernelEntry, KernelEntrySource
from .kernel_object import KernelObject
from .map_core import MapCore
from .map_lock import MapLock
from .map_ranges import RESOURCE_SHORTAGE, Unfit
from .map_simplify import join
from .vm_page import PageQueues
from .waits import Running

SUCCESS, INVALID_ADDRESS, NO_SPACE, INVALID_ARGUMENT = 0, 1, 3, 4
"""Status numbers of map functions (KERN_…)."""


class KernelPmap(Protocol):
    """The page tables of kernel space, which all kernel maps share."""

    def enter(self, va: int, frame: int, wired: bool, protection: int) -> None:
        """Translate the page at `va` to `frame`; it can be read at least, since no hardware has less."""

    def remove(self, start: int, end: int) -> None:
        """Translate nothing in [start, end) any more."""

    def extract(self, va: int) -> int | None:
        """The frame that `va` is translated to, if any."""

    def protect(self, start: int, end: int, protection: int) -> None:
        """Give what is translated in [start, end) other rights."""

    def prepared(self, cuts: Iterable[int]) -> AbstractContextManager[None]:
        """Hold the tables that large pages cut at `cuts` need: NOMEM now, and no failure inside."""


@dataclass(frozen=True, slots=True)
class MapServices:
    """What kernel maps are given: page tables, pages, entries, fresh anonymous objects of so many pages, who runs."""

    recorder: Recorder
    running: Running
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
        self.tree: GapTree = GapTree(services.recorder, name, end)
        self.services = services
        self.lock = MapLock(name, services.recorder, services.running)
        self.needs_wakeup = False
        self.size = 0
        self.fit: Fit | None = None
        """What takes the place of FreeBSD's first fit, if anything does."""
        self.submaps: dict[FreeBSDMap, int] = {}
        """The maps that have their places in this one, with the number of entries of each."""

    @property
    def system(self) -> bool:
        """The system flag: entries never hold pageable memory, and the lock is a mutex."""
        return self.lock.mutex

    @system.setter
    def system(self, system: bool) -> None:
        self.lock.mutex = system

    # ---- finding -----------------------------------------------------------------------------

    def find_space(self, length: int, start: int = 0) -> int | None:
        """The lowest address from `start` on with `length` free bytes (`vm_map_findspace`), or none.

        Length 0 is always found at the map's start, used or not.  O(log n).  A map that was given a rule of its own
        (:mod:`.fits`) goes by that, among the gaps from `start` on.
        """
        above = start > self.start
        if self.fit is not None and length:
            gap = self.fit.find(self, length, base=start if above else None)
            address = None if gap is None else gap.position
        else:
            address = self._first_fit_above(length, start) if above else self._first_fit(length)
        emit = self.recorder.emit
        if emit is not None:
            emit((SpaceSought.tag, self.name, length, address))
        return address

    def would_find(self, length: int) -> int | None:
        """What :meth:`find_space` would answer now; reports nothing and moves nothing."""
        fit, self.fit = self.fit, copy(self.fit)
        try:
            with self.recorder.quiet():
                return self.find_space(length)
        finally:
            self.fit = fit

    def hides_submap(self, start: int) -> bool:
        """Whether a range inserted at `start` could not become a submap's place.

        It would be part of the entry before, which gets an object when it is cut, or has one.  Reports nothing.
        """
        with self.recorder.quiet():
            following = self.tree.nearest(start)
        previous = self.last if following is None else following.prev
        if previous is None or not may_stretch(previous, start, KERNEL_FLAGS):
            return False
        return previous.object is not None or not self.system

    def _first_fit(self, length: int) -> int | None:
        if self.start + length > self.end:
            return None
        if length <= (self.end if self.first is None else self.first.start) - self.start:
            return self.start
        if length == 0:
            return self.start
        before = self.tree.first_gap(length)
        return None if before is None else before.end

    def _first_fit_above(self, length: int, start: int) -> int | None:
        """At `start`, or else behind the lowest entry above it (or around it) that leaves as much room."""
        following = self.tree.nearest(start)
        here = self.end if following is None else following.start
        if start < here and here - start >= length:
            return start
        before = None if following is None else self.tree.first_gap_from(following, length)
        return None if before is None else before.end

    def lookup(self, address: int) -> KernelEntry | None:
        """The entry that holds `address` (`vm_map_lookup_entry`), or none.  O(log n)."""
        entry = self.tree.nearest(address)
        return entry if entry is not None and entry.start <= address else None

    def covers(self, start: int, end: int) -> bool:
        """Whether all of [start, end) is in entries.  O(log n + entries there)."""
        entry = self.peek(start)
        while entry is not None and entry.start <= start < end:
            start, entry = entry.end, entry.next
        return start >= end

    # ---- submaps -----------------------------------------------------------------------------

    def inside(self) -> list[FreeBSDMap]:
        """The maps that have their places in this one, rising."""
        return sorted(self.submaps, key=lambda submap: submap.start)

    def innermost(self, address: int) -> FreeBSDMap:
        """The map that `address` is looked up in: this one, or the submap that has its place there, and so on.

        O(log n) for each level.  As `vm_map_lookup` goes down.
        """
        entry = self.peek(address)
        if entry is None or entry.submap is None or address < entry.start:
            return self
        return entry.submap.innermost(address)

    def count_submap(self, submap: FreeBSDMap | None, change: int) -> None:
        """So many entries more are the place of `submap`."""
        if submap is not None:
            self.submaps[submap] = self.submaps.get(submap, 0) + change
            if not self.submaps[submap]:
                del self.submaps[submap]

    def link(
        self, entry: KernelEntry, previous: KernelEntry | None, next_: KernelEntry | None, duplicates: bool = False
    ) -> None:
        """Put `entry` between two neighbours and into the tree."""
        super().link(entry, previous, next_, duplicates)
        self.count_submap(entry.submap, 1)

    def unlink(self, entry: KernelEntry) -> None:
        """Take `entry` out of tree and list."""
        super().unlink(entry)
        self.count_submap(entry.submap, -1)

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
        self.resize(end - start)
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
        self.resize(end - entry.end)
        entry.end = end
        self.tree.refresh(entry)
        if entry.object is not None:
            entry.object.size = max(entry.object.size, entry.first_page + entry.pages)
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryResized.tag, self.name, before, entry.fields(), "stretched"))

    def _report_insert(
        self, target: KernelObject | None, offset: int, start: int, end: int, how: str, status: int
    ) -> None:
        emit = self.recorder.emit
        if emit is not None:
            name = None if target is None else target.name
            emit((RangeInserted.tag, self.name, start, end, name, offset, how, status))

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
        copy.copy_range_from(entry)
        if entry.object is not None:
            entry.object.reference()
        return copy

    def discard(self, entry: KernelEntry) -> None:
        """Take an entry out whose neighbour takes over its range."""
        self.unlink(entry)
        if entry.object is not None:
            entry.object.release()
        self.services.entries.give(entry)

    def clip_start(self, entry: KernelEntry, address: int) -> None:
        """Split `entry` where a range begins."""
        clip_start(self, entry, address)

    def clip_end(self, entry: KernelEntry, address: int) -> None:
        """Split `entry` where a range ends."""
        clip_end(self, entry, address)

    def gap_changed(self, entry: KernelEntry | None) -> None:
        """The free space behind `entry` is another than before."""
        self.tree.refresh(entry)

    @contextmanager
    def ready(self, cuts: Iterable[int], entered: Iterable[tuple[int, int]] = ()) -> Iterator[None]:
        """Hold the tables that a change of a range needs; Unfit, RESOURCE_SHORTAGE, before anything has changed.

        Kernel space has all tables for small pages, so what is `entered` needs none.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.services.pmap.prepared(cuts))
            except KernelError as error:
                raise Unfit(RESOURCE_SHORTAGE, error.reason) from None
            yield

    def reprotect(self, entry: KernelEntry) -> None:
        """Give the pages that are mapped in `entry` the rights that it allows now.

        Without any right none stay mapped, but for wired ones: deleting finds those by their translations.
        """
        protection, pmap = protection_of(entry.flags), self.services.pmap
        if protection or entry.wired_count:
            pmap.protect(entry.start, entry.end, protection)
            return
        emit = self.recorder.emit
        if emit is not None:
            emit((TranslationsRemoved.tag, entry.start, entry.end))
        pmap.remove(entry.start, entry.end)

    def resize(self, change: int) -> None:
        """So many bytes more are in entries."""
        before = self.size
        self.size += change
        emit = self.recorder.emit
        if emit is not None:
            emit((MapResized.tag, self.name, before, self.size))

    def check(self) -> None:
        """The core's invariants, and: 7. `size` is the sum of the entries' lengths; 8. a submap's place lies in it.

        The entries of each place are counted.  It is the submap's whole range until somebody frees a part of it, which
        the original allows.
        """
        super().check()
        total = sum(entry.end - entry.start for entry in self)
        if total != self.size:
            raise Broken(f"7: {self.name} says {self.size} bytes, its entries have {total}")
        for entry in self:
            submap = entry.submap
            if submap is not None and not submap.start <= entry.start < entry.end <= submap.end:
                raise Broken(f"8: entry {entry.id} of {self.name} lies outside its submap {submap.name}")
        places = Counter(entry.submap for entry in self if entry.submap is not None)
        if places != self.submaps:
            raise Broken(f"8: {self.name} has entries of {len(places)} submaps, and knows of {len(self.submaps)}")


def may_stretch(entry: KernelEntry, start: int, flags: int) -> bool:
    """Whether `entry` may be stretched over a range from `start` with these flags, and no object of its own."""
    if entry.end != start or entry.flags != flags or entry.wired_count != 0:
        return False
    return entry.object is None or entry.object.can_grow_behind(entry.first_page + entry.pages)
