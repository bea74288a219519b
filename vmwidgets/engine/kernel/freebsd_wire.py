"""Wiring: pages that stay, mapped in the kernel's page tables (FreeBSD `vm_map_wire`)."""

from __future__ import annotations

from ..base.events import RangeWired, TranslationEntered
from ..base.protection import protection_of
from ..base.units import PAGE, PAGE_SHIFT
from .freebsd_entries import clip_end, clip_start
from .freebsd_map import INVALID_ADDRESS, SUCCESS, FreeBSDMap
from .kernel_entry import KernelEntry
from .map_ranges import set_wired_count
from .map_simplify import join
from .waits import Sleepy


def wire(vm_map: FreeBSDMap, start: int, end: int) -> Sleepy[int]:
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


def _wire_entry(vm_map: FreeBSDMap, entry: KernelEntry) -> Sleepy[None]:
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


def unwire(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
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
