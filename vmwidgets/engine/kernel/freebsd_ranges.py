"""Changing a range of a FreeBSD map in place: protection, inheritance, advice, wiring.

After the manual pages vm_map_protect(9), vm_map_inherit(9), vm_map_madvise(9), vm_map_wire(9) and
vm_map_simplify_entry(9).  Each function takes the map's lock and returns a status number; on any but 0 the map is as it
was.  `vm_map_submap` is in :mod:`.freebsd_submap`, what kmem_alloc wires with in :mod:`.freebsd_wire`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..base.events import RangeWired
from ..base.units import PAGE_SHIFT
from . import map_protect
from .freebsd_entries import supply_object, withdraw_object
from .freebsd_map import FreeBSDMap
from .freebsd_wire import wire_pages
from .kernel_entry import KernelEntry
from .kernel_object import KernelObject
from .map_ranges import SUCCESS, Unfit, change_range, entries_in, set_wired_count, simplify_range
from .map_wire import decide_wiring, unwire
from .vm_page import GRAB, Page
from .waits import PageWait, Sleepy, kernel_function, undone


@kernel_function
def vm_map_protect(vm_map: FreeBSDMap, start: int, end: int, protection: int, set_max: bool = False) -> Sleepy[int]:
    """Set the protection, or the maximum, of a range: 1 for a hole, 2 beyond the maximum, 4 for a submap.

    6 without a page for the table that a large page across an edge is split into.
    """
    return (yield from _locked(vm_map, lambda: map_protect.protect(vm_map, start, end, protection, set_max)))


@kernel_function
def vm_map_inherit(vm_map: FreeBSDMap, start: int, end: int, inheritance: int) -> Sleepy[int]:
    """Set the inheritance of a range: 4 for a number that is none, and for a submap."""
    return (yield from _locked(vm_map, lambda: map_protect.inherit(vm_map, start, end, inheritance)))


@kernel_function
def vm_map_madvise(vm_map: FreeBSDMap, start: int, end: int, advice: int) -> Sleepy[int]:
    """Set the advice of a range: 4 for a number that is none, and for a submap."""
    return (yield from _locked(vm_map, lambda: map_protect.advise(vm_map, start, end, advice)))


@kernel_function
def vm_map_simplify(vm_map: FreeBSDMap, start: int, end: int) -> Sleepy[int]:
    """Join what is alike of the entries that a range touches, and with their neighbours."""
    return (yield from _locked(vm_map, lambda: simplify_range(vm_map, start, end)))


@kernel_function
def vm_map_wire(vm_map: FreeBSDMap, start: int, end: int) -> Sleepy[int]:
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
        change_range(vm_map, start, end, lambda entry: _wire_entry(vm_map, entry))
    vm_map.lock.release()
    return status


@kernel_function
def vm_map_unwire(vm_map: FreeBSDMap, start: int, end: int) -> Sleepy[int]:
    """Take one wiring off a range: 1 for a hole, 4 for a submap and for what is not wired; no page is freed."""
    return (yield from _locked(vm_map, lambda: unwire(vm_map, start, end, lambda entry: _unwire_pages(vm_map, entry))))


def _locked(vm_map: FreeBSDMap, change: Callable[[], object]) -> Sleepy[int]:
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


def _wire_entry(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
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
