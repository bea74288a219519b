"""Changing a range of a FreeBSD map in place: protection, inheritance, advice, wiring.

After the manual pages vm_map_protect(9), vm_map_inherit(9), vm_map_madvise(9), vm_map_wire(9) and
vm_map_simplify_entry(9).  Each function takes the map's lock and returns a status number; on any but 0 the map is as it
was.  `vm_map_submap` is in :mod:`.freebsd_submap`, what kmem_alloc wires with in :mod:`.freebsd_wire`.
"""

from __future__ import annotations

from collections.abc import Callable

from ..base.tags import RangeWired
from ..base.units import PAGE
from . import map_protect
from .freebsd_entries import supply_object
from .freebsd_map import FreeBSDMap
from .freebsd_wire import wire_pages
from .kernel_entry import KernelEntry
from .map_ranges import SUCCESS, Unfit, change_range, entries_in, set_wired_count, simplify_range
from .map_wire import decide_wiring, unwire
from .vm_page import GRAB
from .waits import PageWait, Sleepy, kernel_function


@kernel_function
def vm_map_protect(vm_map: FreeBSDMap, start: int, end: int, protection: int, set_max: bool = False) -> Sleepy[int]:
    """Set the protection, or the maximum, of a range: 1 for a hole, 2 beyond the maximum, 4 for a submap."""
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

    Its pages are got first, which may mean waiting for them with the lock free: then the range is looked at again.  A
    system map's entry without object is counted and has no pages.
    """
    yield from vm_map.lock.acquire()
    status = _status(lambda: decide_wiring(vm_map, start, end))
    while status == SUCCESS and not _have_pages(vm_map, start, end):
        vm_map.lock.release()
        yield PageWait()
        yield from vm_map.lock.acquire()
        status = _status(lambda: decide_wiring(vm_map, start, end))
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((RangeWired, vm_map.name, start, end, status))
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


def _have_pages(vm_map: FreeBSDMap, start: int, end: int) -> bool:
    """Whether each object of a range has its pages, now that the absent ones were asked for."""
    pages = vm_map.services.pages
    for entry in entries_in(vm_map, start, end):
        supply_object(vm_map, entry)
        target = entry.object
        if target is None:
            continue
        for va in range(max(start, entry.start), min(end, entry.end), PAGE):
            pindex = entry.first_page + (va - entry.start) // PAGE
            if pages.find(target, pindex) is None and pages.allocate(target, pindex, GRAB) is None:
                return False
    return True


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
