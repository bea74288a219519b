"""Wiring: pages that stay, mapped in the kernel's page tables (FreeBSD `vm_map_wire`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ...base.errors import kernel_error
from ...base.events import Called, RangeDeleted, RangeWired, Returned, TranslationEntered, TranslationsRemoved
from ...base.protection import protection_of
from ...base.recorder import kernel_function
from ...base.units import PAGE, PAGE_SHIFT
from ..map import ranges as map_protect
from ..map.ranges import (
    INVALID_ADDRESS,
    SUCCESS,
    Unfit,
    change_range,
    decide_wiring,
    edges_in,
    entries_in,
    join,
    set_wired_count,
    simplify_range,
    unwire,
)
from ..map.vm_object import KernelObject
from ..threads.waits import MaySleep, PageWait, undone
from .vm_map import FreeBSDMap, KernelEntry, clip_end, clip_start, supply_object, withdraw_object
from .vm_page import GRAB, Page


def wire(vm_map: FreeBSDMap, start: int, end: int) -> MaySleep[int]:
    """Wire what is in [start, end) and map its pages; status 1: nothing is at `start`.

    Takes the lock itself, and lets go of it while pages are mapped.  Then the entry is joined with its neighbours.
    An empty range changes nothing.
    """
    yield from vm_map.lock.acquire()
    entry = vm_map.lookup(start)
    status = INVALID_ADDRESS if entry is None else SUCCESS
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((RangeWired.tag, vm_map.name, start, end, status))
    if entry is not None and start < end:
        clip_start(vm_map, entry, start)
        clip_end(vm_map, entry, end)
        yield from _wire_entry(vm_map, entry)
    vm_map.lock.release()
    return status


def _wire_entry(vm_map: FreeBSDMap, entry: KernelEntry) -> MaySleep[None]:
    set_wired_count(vm_map, entry, entry.wired_count + 1)
    vm_map.lock.release()
    if entry.wired_count == 1:
        wire_pages(vm_map, entry)
    yield from vm_map.lock.acquire()
    if vm_map.by_id.get(entry.id) is entry:  # it may have gone while the lock was free
        join(vm_map, entry)


def wire_pages(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
    """Wire each page of `entry` that its object has, and map it with the entry's rights."""
    target, pages = entry.object, vm_map.services.pages
    if target is None:
        return
    first, protection = entry.first_page, protection_of(entry.flags)
    for pindex in target.pages_between(first, first + entry.pages):
        page = pages.in_use[target.pages[pindex]]
        pages.wire(page)
        page.busy = False
        enter_page(vm_map, entry.start + (pindex - first << PAGE_SHIFT), page.frame, protection)


def is_coming(vm_map: FreeBSDMap, entry: KernelEntry) -> bool:
    """Whether a kmem function that sleeps is still getting the pages of `entry`: some are absent or busy.  O(pages)."""
    target, pages = entry.object, vm_map.services.pages
    if target is None or not target.everlasting or entry.wired_count:
        return False
    found = (pages.find(target, pindex) for pindex in range(entry.first_page, entry.first_page + entry.pages))
    return any(page is None or page.busy for page in found)


def unwire_entry(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
    """Unwire the pages that the page tables show in `entry`; whatever they don't show stays wired."""
    pages, pmap = vm_map.services.pages, vm_map.services.pmap
    for va in range(entry.start, entry.end, PAGE):
        frame = pmap.extract(va)
        if frame is not None:
            pages.unwire(pages.in_use[frame])
    set_wired_count(vm_map, entry, 0)


def enter_page(vm_map: FreeBSDMap, va: int, frame: int, protection: int) -> None:
    """Map a wired page in the kernel's page tables (`pmap_enter`)."""
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((TranslationEntered.tag, va, frame, True))
    vm_map.services.pmap.enter(va, frame, True, protection)


def map_page(vm_map: FreeBSDMap, va: int, frame: int, protection: int) -> None:
    """Map a page that is not wired."""
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((TranslationEntered.tag, va, frame, False))
    vm_map.services.pmap.enter(va, frame, False, protection)


# ---- freebsd delete ----------------------------------------------------------------------------
#
# Making ranges free again (FreeBSD `vm_map_remove`, `vm_map_delete`).


def remove(vm_map: FreeBSDMap, start: int, end: int) -> MaySleep[None]:
    """Lock, cut [start, end) to the map's range, delete what is in it, unlock."""
    yield from vm_map.lock.acquire()
    start, end = max(start, vm_map.start), min(end, vm_map.end)
    try:
        delete(vm_map, min(start, end), end)
    finally:
        vm_map.lock.release()


def delete(vm_map: FreeBSDMap, start: int, end: int) -> None:
    """Make [start, end) free: holes are passed over, entries across its edges split, nothing is joined.

    An empty range still splits the entry that it lies in.  NOMEM, and nothing changed, when an edge cuts a large page
    and there is no page for the table of its parts.  O((entries deleted + 1) log n + their pages).
    """
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, "vm_map_delete", (start, end)))
    try:
        with vm_map.ready(edges_in(entries_in(vm_map, start, end), start, end)):
            _delete(vm_map, start, end)
    except Unfit as unfit:
        raise kernel_error("NOMEM", unfit.why) from None
    if emit is not None:
        emit((Returned.tag,))


def _delete(vm_map: FreeBSDMap, start: int, end: int) -> None:
    entry = vm_map.tree.nearest(start)
    if entry is not None:
        clip_start(vm_map, entry, start)
    while entry is not None and entry.start < end:
        clip_end(vm_map, entry, end)
        following = entry.next
        _delete_entry(vm_map, entry)
        entry = following


def _delete_entry(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
    if entry.wired_count != 0:
        unwire_entry(vm_map, entry)
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((TranslationsRemoved.tag, entry.start, entry.end))
    vm_map.services.pmap.remove(entry.start, entry.end)
    vm_map.unlink(entry)
    vm_map.resize(entry.start - entry.end)
    if emit is not None:
        emit((RangeDeleted.tag, vm_map.name, entry.start, entry.end))
    if entry.object is not None:
        _forget_pages(vm_map, entry, entry.object)
        entry.object.release()
    vm_map.services.entries.give(entry)


def _forget_pages(vm_map: FreeBSDMap, entry: KernelEntry, target: KernelObject) -> None:
    """Of an object that lives on: free the pages of the range but wired ones, and cut its end off."""
    if target.references == 1:
        return
    pages = vm_map.services.pages
    first, last = entry.first_page, entry.first_page + entry.pages
    for pindex in target.pages_between(first, last):
        page = pages.in_use[target.pages[pindex]]
        if page.wire_count == 0:
            pages.free(page)
    if first < target.size <= last:
        target.size = first


# ---- freebsd ranges ----------------------------------------------------------------------------
#
# Changing a range of a FreeBSD map in place: protection, inheritance, advice, wiring.
#
# After the manual pages vm_map_protect(9), vm_map_inherit(9), vm_map_madvise(9), vm_map_wire(9) and
# vm_map_simplify_entry(9). Each function takes the map's lock and returns a status number; on any but 0 the map is as
# it was. `vm_map_submap` is in :mod:`.freebsd_submap`, what kmem_alloc wires with in :mod:`.freebsd_wire`.


@kernel_function()
def vm_map_protect(vm_map: FreeBSDMap, start: int, end: int, protection: int, set_max: bool = False) -> MaySleep[int]:
    """Set the protection, or the maximum, of a range: 1 for a hole, 2 beyond the maximum, 4 for a submap.

    6 without a page for the table that a large page across an edge is split into.
    """
    return (yield from _locked(vm_map, lambda: map_protect.protect(vm_map, start, end, protection, set_max)))


@kernel_function()
def vm_map_inherit(vm_map: FreeBSDMap, start: int, end: int, inheritance: int) -> MaySleep[int]:
    """Set the inheritance of a range: 4 for a number that is none, and for a submap."""
    return (yield from _locked(vm_map, lambda: map_protect.inherit(vm_map, start, end, inheritance)))


@kernel_function()
def vm_map_madvise(vm_map: FreeBSDMap, start: int, end: int, advice: int) -> MaySleep[int]:
    """Set the advice of a range: 4 for a number that is none, and for a submap."""
    return (yield from _locked(vm_map, lambda: map_protect.advise(vm_map, start, end, advice)))


@kernel_function()
def vm_map_simplify(vm_map: FreeBSDMap, start: int, end: int) -> MaySleep[int]:
    """Join what is alike of the entries that a range touches, and with their neighbours."""
    return (yield from _locked(vm_map, lambda: simplify_range(vm_map, start, end)))


@kernel_function()
def vm_map_wire(vm_map: FreeBSDMap, start: int, end: int) -> MaySleep[int]:
    """Wire all of a range: 1 for a hole, 2 where reading is not allowed, 4 for a submap.

    Its pages are got first, which may mean waiting for them with the lock free: then the range is looked at again.  If
    it can't be wired by then, or the call is given up, what it got goes back, but for pages in use by then.  A system
    map's entry without object is counted and has no pages.
    """
    got = _Got(vm_map)
    yield from vm_map.lock.acquire()
    status = _status(lambda: decide_wiring(vm_map, start, end))
    while status == SUCCESS and not got.have_pages(start, end):
        vm_map.lock.release()
        with undone(vm_map.recorder, "vm_map_wire", got.give_back):
            yield PageWait()
            yield from vm_map.lock.acquire()
        status = _status(lambda: decide_wiring(vm_map, start, end))
    if status != SUCCESS:
        got.give_back()
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((RangeWired.tag, vm_map.name, start, end, status))
    if status == SUCCESS:
        change_range(vm_map, start, end, lambda entry: _wire_entry_pages(vm_map, entry))
    vm_map.lock.release()
    return status


@kernel_function()
def vm_map_unwire(vm_map: FreeBSDMap, start: int, end: int) -> MaySleep[int]:
    """Take one wiring off a range: 1 for a hole, 4 for a submap and for what is not wired; no page is freed."""
    return (yield from _locked(vm_map, lambda: unwire(vm_map, start, end, lambda entry: _unwire_pages(vm_map, entry))))


def _locked(vm_map: FreeBSDMap, change: Callable[[], object]) -> MaySleep[int]:
    yield from vm_map.lock.acquire()
    status = _status(change)
    vm_map.lock.release()
    return status


def _status(change: Callable[[], object]) -> int:
    try:
        change()
    except Unfit as unfit:
        return unfit.status
    return SUCCESS


@dataclass
class _Got:
    """What a wiring has got so far: pages, busy until they are used, and objects with their entry's offset before."""

    vm_map: FreeBSDMap
    pages: list[Page] = field(default_factory=list)
    objects: list[tuple[KernelEntry, KernelObject, int]] = field(default_factory=list)

    def have_pages(self, start: int, end: int) -> bool:
        """Ask for the absent pages of a range; whether each object has all of them now."""
        pages = self.vm_map.services.pages
        for entry in entries_in(self.vm_map, start, end):
            target = entry.object or self._supply(entry)
            if target is None:
                continue
            before = max(start - entry.start, 0) >> PAGE_SHIFT
            behind = max(entry.end - end, 0) >> PAGE_SHIFT
            for pindex in range(entry.first_page + before, entry.first_page + entry.pages - behind):
                if pages.find(target, pindex) is None:
                    page = pages.allocate(target, pindex, GRAB)
                    if page is None:
                        return False
                    page.busy = True
                    self.pages.append(page)
        return True

    def _supply(self, entry: KernelEntry) -> KernelObject | None:
        offset = entry.offset
        supply_object(self.vm_map, entry)
        if entry.object is not None:
            self.objects.append((entry, entry.object, offset))
        return entry.object

    def give_back(self) -> None:
        """Free the pages, but those that were freed, wired or touched by another, and then the objects without any."""
        pages = self.vm_map.services.pages
        for page in self.pages:
            if page.busy and pages.in_use.get(page.frame) is page:
                pages.free(page)
        for entry, target, offset in self.objects:
            is_linked = self.vm_map.by_id.get(entry.id) is entry and entry.object is target
            if is_linked and target.references == 1 and not target.pages:
                withdraw_object(self.vm_map, entry, offset)


def _wire_entry_pages(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
    """Count one wiring more; for the first, wire each page once and map it."""
    set_wired_count(vm_map, entry, entry.wired_count + 1)
    if entry.wired_count == 1:
        wire_pages(vm_map, entry)


def _unwire_pages(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
    pages, target = vm_map.services.pages, entry.object
    if target is None:
        return
    for pindex in target.pages_between(entry.first_page, entry.first_page + entry.pages):
        page = pages.in_use[target.pages[pindex]]
        if page.wire_count:
            pages.unwire(page)
