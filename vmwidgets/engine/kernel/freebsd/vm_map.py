"""FreeBSD's kernel address space map (its `vm_map`, as of April 2008): insert, find space, delete, wire, submaps.

Functions take the original's arguments, plain integers of bytes, and return its status numbers. Functions that may
sleep take the map's lock themselves; callers of the others hold it. Functions on ranges follow the manual pages
vm_map_protect(9), vm_map_inherit(9), vm_map_madvise(9), vm_map_wire(9) and vm_map_simplify_entry(9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from ...base.errors import Broken, KernelError, KernelPanic, kernel_error
from ...base.recorder import kernel_function
from ...base.units import PAGE_SHIFT
from ..map.core import (
    INVALID_ADDRESS,
    INVALID_ARGUMENT,
    NO_SPACE,
    RESOURCE_SHORTAGE,
    SUB_MAP,
    SUCCESS,
    MapCore,
    MapError,
    edges_in,
)
from ..map.fits import Fit
from ..map.map_schema import SubmapAttached
from ..map.vm_object import FreeBSDObject
from ..threads.waits import MapLock, MaySleep, PageWait, undone
from .entries import KERNEL_FLAGS, GapTree, KernelEntry, MapServices
from .kmem_schema import EntryClipped, ObjectCreated, RangeDeleted, RangeInserted, RangeWired, SpaceSought
from .vm_page import GRAB, KernelPage


class FreeBSDMap(MapCore[KernelEntry]):
    """Used ranges of [start, end); `system` is the system flag."""

    def __init__(self, name: str, start: int, end: int, services: MapServices) -> None:
        super().__init__(name, start, end, services.entries, services.recorder)
        self.tree: GapTree = GapTree(services.recorder, name, end)
        self.services = services
        self.fit: Fit | None = None
        """A rule that replaces the map's own search for a gap."""
        self.lock = MapLock(name, services.recorder, services.running)
        self.submaps: dict[FreeBSDMap, int] = {}
        """The submaps of this map, with the number of entries of each."""

    @property
    def system(self) -> bool:
        """The system flag: entries never hold pageable memory, and the lock is a mutex."""
        return self.lock.mutex

    @system.setter
    def system(self, system: bool) -> None:
        self.lock.mutex = system

    # ---- finding -----------------------------------------------------------------------------

    def find_space(self, length: int, start: int = 0) -> int | None:
        """Return the lowest address from `start` on with `length` free bytes (`vm_map_findspace`), or None.

        Length 0 is always found at the map's start, used or not. O(log n). A map with a rule of its own (:mod:`.fits`)
        applies it to the gaps from `start` on.
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
        """Return what :meth:`find_space` would return now, without an event or a change of `fit`."""
        fit, self.fit = self.fit, copy(self.fit)
        try:
            with self.recorder.quiet():
                return self.find_space(length)
        finally:
            self.fit = fit

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
        """Return `start`, or else the end of the lowest entry above or around it with enough room after it."""
        following = self.tree.nearest(start)
        here = self.end if following is None else following.start
        if start < here and here - start >= length:
            return start
        before = None if following is None else self.tree.first_gap_from(following, length)
        return None if before is None else before.end

    def lookup(self, address: int) -> KernelEntry | None:
        """Return the entry that contains `address` (`vm_map_lookup_entry`), or None. O(log n)."""
        entry = self.tree.nearest(address)
        return entry if entry is not None and entry.start <= address else None

    def covers(self, start: int, end: int) -> bool:
        """Return whether entries cover all of [start, end). O(log n + entries there)."""
        entry = self.peek(start)
        while entry is not None and entry.start <= start < end:
            start, entry = entry.end, entry.next
        return start >= end

    # ---- insert ------------------------------------------------------------------------------

    def insert(self, target: FreeBSDObject | None, offset: int, start: int, end: int, flags: int = 0) -> int:
        """Insert [start, end) (`vm_map_insert`); status 1: not a range of this map, 3: part of it is used.

        Without an object, the entry that ends at `start` is extended if it is of the same kind. The caller has taken
        the reference on `target`. O(log n).
        """
        status, following = self._obstacle(start, end)
        if status != SUCCESS:
            self._report_insert(target, offset, start, end, "", status)
            return status
        previous = self.last if following is None else following.prev
        word = KERNEL_FLAGS | flags
        if target is None and previous is not None and previous.may_merge_range(start, word):
            self._merge_new(previous, end)
            self._report_insert(target, offset, start, end, "extend", status)
            self.merge_neighbours(previous)
            return status
        entry = self.allocate_entry()
        entry.start, entry.end, entry.object, entry.offset, entry.flags = start, end, target, offset, word
        self.link(entry, previous, following)
        self.resize(end - start)
        self._report_insert(target, offset, start, end, "new", status)
        return status

    def _obstacle(self, start: int, end: int) -> tuple[int, KernelEntry | None]:
        """Return the status of an insertion, and the entry that will follow the new one."""
        if start < self.start or end > self.end or start >= end:
            return INVALID_ADDRESS, None
        following = self.tree.nearest(start)
        if following is not None and following.start < end:
            return NO_SPACE, None
        return SUCCESS, following

    def _merge_new(self, entry: KernelEntry, end: int) -> None:
        before = entry.fields()
        self.resize(end - entry.end)
        entry.end = end
        self.tree.ranges_changed()
        self.tree.refresh(entry)
        if entry.object is not None:
            entry.object.size = max(entry.object.size, entry.last_page)
        self.report_resize(entry, before, "stretched")

    def _report_insert(
        self, target: FreeBSDObject | None, offset: int, start: int, end: int, how: str, status: int
    ) -> None:
        emit = self.recorder.emit
        if emit is not None:
            name = None if target is None else target.name
            emit((RangeInserted.tag, self.name, start, end, name, offset, how, status))

    # ---- clipping ----------------------------------------------------------------------------

    def no_entry(self) -> KernelPanic:
        """Return the panic of a change for which no entry is left."""
        return KernelPanic("vm_map_entry_create", f"no entry is left for {self.called}")

    def clip_start(self, entry: KernelEntry, address: int) -> None:
        """Split `entry` where a range begins; it is first merged with its neighbours, and remains the upper part."""
        if not entry.start < address < entry.end:
            return
        self.merge_neighbours(entry)
        self.supply_object(entry)
        before = entry.fields()
        front = self.copy_entry(entry)
        front.end = address
        entry.offset = entry.offset_of(address)
        entry.start = address
        self.report_resize(entry, before, "the back part")
        self.link(front, entry.prev, entry)
        self._report_clip(entry, address)

    def clip_end(self, entry: KernelEntry, address: int) -> None:
        """Split `entry` where a range ends; it remains the lower part."""
        if not entry.start < address < entry.end:
            return
        self.supply_object(entry)
        before = entry.fields()
        back = self.copy_entry(entry)
        back.start = address
        back.offset = entry.offset_of(address)
        entry.end = address
        self.report_resize(entry, before, "the front part")
        self.link(back, entry, entry.next)
        self._report_clip(entry, address)

    def _report_clip(self, entry: KernelEntry, address: int) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryClipped.tag, self.name, entry.id, address))

    def supply_object(self, entry: KernelEntry) -> None:
        """Give an entry without an object an anonymous one before a split, so that both parts share it.

        This is not done in system maps, whose entries never have pageable memory.
        """
        if entry.object is not None or entry.submap is not None or self.system:
            return
        before = entry.fields()
        entry.object = self.services.new_object(entry.pages)
        entry.offset = 0
        emit = self.recorder.emit
        if emit is not None:
            emit((ObjectCreated.tag, entry.object.name, entry.pages))
        self.report_resize(entry, before, "got an anonymous object")

    def withdraw_object(self, entry: KernelEntry, offset: int) -> None:
        """Remove an object that was supplied: no other entry maps it, and it has no pages."""
        target = entry.object
        assert target is not None and target.references == 1 and not target.pages
        before = entry.fields()
        entry.object = None
        entry.offset = offset
        target.release()
        self.report_resize(entry, before, "gave its anonymous object back")

    def gap_changed(self, entry: KernelEntry | None) -> None:
        """Note that the free space after `entry` has changed."""
        self.tree.refresh(entry)

    # ---- deleting ----------------------------------------------------------------------------

    def remove(self, start: int, end: int) -> MaySleep[None]:
        """Lock the map, limit [start, end) to its range, delete everything there, and unlock it (`vm_map_remove`)."""
        yield from self.lock.acquire()
        start, end = max(start, self.start), min(end, self.end)
        try:
            self.delete(min(start, end), end)
        finally:
            self.lock.release()

    @kernel_function("vm_map_delete")
    def delete(self, start: int, end: int) -> None:
        """Free [start, end): holes are skipped, entries across its edges are split, and nothing is merged.

        Even an empty range splits the entry that contains it. Raises NOMEM, with nothing changed, if an edge cuts a
        large page and there is no page for the table of its parts.  O((entries deleted + 1) log n + their pages).
        """
        try:
            if not self.services.pmap.large:
                self._delete(start, end)
                return
            with self.ready(edges_in(self._from(self.peek(start), end), start, end)):
                self._delete(start, end)
        except MapError as error:
            raise kernel_error("NOMEM", error.why) from None

    def _delete(self, start: int, end: int) -> None:
        entry = self.tree.nearest(start)
        if entry is not None:
            self.clip_start(entry, start)
        while entry is not None and entry.start < end:
            self.clip_end(entry, end)
            following = entry.next
            self._delete_entry(entry)
            entry = following

    def _delete_entry(self, entry: KernelEntry) -> None:
        if entry.wired_count != 0:
            self.services.unwire_mapped(entry)
            self.set_wired_count(entry, 0)
        self.services.unmap(entry)
        self.unlink(entry)
        self.resize(entry.start - entry.end)
        emit = self.recorder.emit
        if emit is not None:
            emit((RangeDeleted.tag, self.name, entry.start, entry.end))
        if entry.object is not None:
            self.services.free_pages(entry, entry.object)
            entry.object.release()
        self.free_entry(entry)

    # ---- submaps -----------------------------------------------------------------------------

    def submap(self, start: int, end: int, submap: FreeBSDMap) -> MaySleep[int]:
        """Give [start, end) to `submap` (`vm_map_submap`); status 4: the entry there can't become its range."""
        yield from self.lock.acquire()
        entry = self.lookup(start)
        if entry is not None:
            self.clip_start(entry, start)
            self.clip_end(entry, end)
        status = INVALID_ARGUMENT
        if (
            entry is not None
            and (entry.start, entry.end) == (start, end)
            and entry.object is None
            and not entry.flags & SUB_MAP
        ):
            status = SUCCESS
            before = entry.fields()
            entry.flags |= SUB_MAP
            entry.submap = submap
            self._count_submap(submap, 1)
            self.report_resize(entry, before, "became the place of a submap")
        emit = self.recorder.emit
        if emit is not None:
            emit((SubmapAttached.tag, self.name, submap.name, start, end, status))
        self.lock.release()
        return status

    def hides_submap(self, start: int) -> bool:
        """Return whether a range inserted at `start` could not become a submap's range.

        It would be part of the previous entry, which has an object, or gets one when it is cut. Reports nothing.
        """
        following = self.peek(start)
        previous = self.last if following is None else following.prev
        if previous is None or not previous.may_merge_range(start, KERNEL_FLAGS):
            return False
        return previous.object is not None or not self.system

    def innermost(self, address: int) -> FreeBSDMap:
        """Return the map in which `address` is looked up: this one, or the submap at that address, and so on.

        O(log n) for each level. `vm_map_lookup` descends in the same way.
        """
        entry = self.entry_at(address)
        if entry is None or entry.submap is None:
            return self
        assert isinstance(entry.submap, FreeBSDMap), "submaps are of their parents' kind"
        return entry.submap.innermost(address)

    def inside(self) -> list[FreeBSDMap]:
        """Return this map's submaps, in address order."""
        return sorted(self.submaps, key=lambda submap: submap.start)

    def _count_submap(self, submap: MapCore[Any] | None, change: int) -> None:
        """Change the number of entries that make up the range of `submap`."""
        if isinstance(submap, FreeBSDMap):
            self.submaps[submap] = self.submaps.get(submap, 0) + change
            if not self.submaps[submap]:
                del self.submaps[submap]

    def link(
        self, entry: KernelEntry, previous: KernelEntry | None, next_: KernelEntry | None, duplicates: bool = False
    ) -> None:
        """Link `entry` between two neighbours, and insert it into the tree."""
        super().link(entry, previous, next_, duplicates)
        if entry.submap is not None:
            self._count_submap(entry.submap, 1)

    def unlink(self, entry: KernelEntry) -> None:
        """Remove `entry` from the tree and the list; the gap before it grows by its range."""
        previous = entry.prev
        super().unlink(entry)
        self.tree.refresh(previous)
        if entry.submap is not None:
            self._count_submap(entry.submap, -1)

    # ---- ranges ------------------------------------------------------------------------------
    #
    # Each takes the map's lock and returns a status number; on any but 0 the map is as it was.

    @kernel_function("vm_map_protect")
    def protect(self, start: int, end: int, protection: int, set_max: bool = False) -> MaySleep[int]:
        """Set the protection, or its maximum, in a range.

        Status 1: there is a hole; 2: beyond the maximum; 4: there is a submap; 6: a large page across an edge has to be
        split, and there is no page for the table.
        """
        return (yield from self._locked(lambda: self.set_protection(start, end, protection, set_max)))

    @contextmanager
    def ready(self, cuts: Iterable[int], entered: Iterable[tuple[int, int]] = ()) -> Iterator[None]:
        """Reserve the tables that a change of a range needs.

        Raises MapError, RESOURCE_SHORTAGE, before anything has changed. Kernel space has all tables for small pages, so
        `entered` ranges need none.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.services.pmap.prepared(cuts))
            except KernelError as error:
                raise MapError(RESOURCE_SHORTAGE, error.reason) from None
            yield

    def reprotect(self, entry: KernelEntry) -> None:
        """Give the mapped pages of `entry` the permissions that it allows now."""
        self.services.reprotect(entry)

    @kernel_function("vm_map_inherit")
    def inherit(self, start: int, end: int, inheritance: int) -> MaySleep[int]:
        """Set the inheritance of a range; status 4: an invalid number, or a submap."""
        return (yield from self._locked(lambda: self.set_inheritance(start, end, inheritance)))

    @kernel_function("vm_map_madvise")
    def advise(self, start: int, end: int, advice: int) -> MaySleep[int]:
        """Set the advice of a range; status 4: an invalid number, or a submap."""
        return (yield from self._locked(lambda: self.set_advice(start, end, advice)))

    @kernel_function("vm_map_simplify")
    def simplify(self, start: int, end: int) -> MaySleep[int]:
        """Merge equal entries that a range touches, with each other and with their neighbours."""
        return (yield from self._locked(lambda: self.merge_range(start, end)))

    @kernel_function("vm_map_wire")
    def wire(self, start: int, end: int) -> MaySleep[int]:
        """Wire all of a range; status 1: a hole, 2: reading is not allowed, 4: a submap.

        Its pages are allocated first, perhaps after waiting with the lock free: then the range is checked again. If it
        can no longer be wired, or the call is given up, its pages are freed, except those now in use. A system map's
        entry without an object is counted, and has no pages.
        """
        wiring = GrabbedPages(self)
        yield from self.lock.acquire()
        status = self._status(lambda: self.decide_wiring(start, end))
        while status == SUCCESS and not wiring.have_pages(start, end):
            self.lock.release()
            with undone(self.recorder, "vm_map_wire", wiring.undo):
                yield PageWait()
                yield from self.lock.acquire()
            status = self._status(lambda: self.decide_wiring(start, end))
        if status != SUCCESS:
            wiring.undo()
        self._report_wiring(start, end, status)
        if status == SUCCESS:
            self.change_range(start, end, self._wire_entry)
        self.lock.release()
        return status

    def _wire_entry(self, entry: KernelEntry) -> None:
        """Count another wiring; for the first, wire each page once and map it."""
        self.set_wired_count(entry, entry.wired_count + 1)
        if entry.wired_count == 1:
            self.services.wire_pages(entry)

    def wire_allocated(self, start: int, end: int) -> MaySleep[int]:
        """Wire and map the pages that kmem_alloc has allocated in [start, end); status 1: nothing is at `start`.

        The lock is free while pages are mapped. Then the entry is merged with its neighbours. An empty range changes
        nothing.
        """
        yield from self.lock.acquire()
        entry = self.lookup(start)
        status = INVALID_ADDRESS if entry is None else SUCCESS
        self._report_wiring(start, end, status)
        if entry is not None and start < end:
            self.clip_start(entry, start)
            self.clip_end(entry, end)
            self.set_wired_count(entry, entry.wired_count + 1)
            self.lock.release()
            if entry.wired_count == 1:
                self.services.wire_pages(entry)
            yield from self.lock.acquire()
            if self.by_id.get(entry.id) is entry:  # it may have gone while the lock was free
                self.merge_neighbours(entry)
        self.lock.release()
        return status

    def _report_wiring(self, start: int, end: int, status: int) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((RangeWired.tag, self.name, start, end, status))

    @kernel_function("vm_map_unwire")
    def unwire(self, start: int, end: int) -> MaySleep[int]:
        """Remove one wiring of a range; status 1: a hole, 4: a submap, or not wired. No page is freed."""
        return (yield from self._locked(lambda: self.remove_wiring(start, end, self.services.unwire_pages)))

    def _locked(self, change: Callable[[], object]) -> MaySleep[int]:
        yield from self.lock.acquire()
        status = self._status(change)
        self.lock.release()
        return status

    def _status(self, change: Callable[[], object]) -> int:
        """Make a change, and return its status number."""
        try:
            change()
        except MapError as error:
            return error.status
        return SUCCESS

    # ---- invariants --------------------------------------------------------------------------

    def check(self) -> None:
        """Check the core's invariants, and: 8. a submap's entries lie in its range, and are counted.

        They cover all of its range until a part is freed, which the original allows.
        """
        super().check()
        for entry in self:
            submap = entry.submap
            if submap is not None and not submap.start <= entry.start < entry.end <= submap.end:
                raise Broken(
                    f"rule 8 of the map: entry {entry.id} of {self.called} lies outside its submap {submap.called}"
                )
        places = Counter(entry.submap for entry in self if entry.submap is not None)
        if places != self.submaps:
            raise Broken(
                f"rule 8 of the map: {self.called} has entries of {len(places)} submaps, and knows of "
                f"{len(self.submaps)}"
            )


@dataclass
class GrabbedPages:
    """The progress of a wiring: pages, busy until they are used, and new objects with their entry's previous offset."""

    vm_map: FreeBSDMap
    pages: list[KernelPage] = field(default_factory=list)
    objects: list[tuple[KernelEntry, FreeBSDObject, int]] = field(default_factory=list)

    def have_pages(self, start: int, end: int) -> bool:
        """Request the absent pages of a range; returns whether each object has all of them now."""
        pages = self.vm_map.services.pages
        for entry in self.vm_map.entries_in(start, end):
            target = entry.object or self._supply(entry)
            if target is None:
                continue
            before = max(start - entry.start, 0) >> PAGE_SHIFT
            behind = max(entry.end - end, 0) >> PAGE_SHIFT
            for pindex in range(entry.first_page + before, entry.last_page - behind):
                if pages.find(target, pindex) is None:
                    page = pages.allocate(target, pindex, GRAB)
                    if page is None:
                        return False
                    page.held = 1
                    self.pages.append(page)
        return True

    def _supply(self, entry: KernelEntry) -> FreeBSDObject | None:
        offset = entry.offset
        self.vm_map.supply_object(entry)
        if entry.object is not None:
            self.objects.append((entry, entry.object, offset))
        return entry.object

    def undo(self) -> None:
        """Free the pages, except those that were freed, wired or used meanwhile, and then the objects without pages."""
        pages = self.vm_map.services.pages
        for page in self.pages:
            if page.held and pages.in_use.get(page.frame) is page:
                pages.free(page)
        for entry, target, offset in self.objects:
            is_linked = self.vm_map.by_id.get(entry.id) is entry and entry.object is target
            if is_linked and target.references == 1 and not target.pages:
                self.vm_map.withdraw_object(entry, offset)
