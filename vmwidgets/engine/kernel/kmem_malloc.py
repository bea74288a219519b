"""Memory for malloc and the zone allocator: kmem_malloc (FreeBSD, April 2008)."""

from __future__ import annotations

from functools import partial

from ..base.errors import KernelPanic
from ..base.protection import protection_of
from ..base.units import PAGE_SHIFT
from .freebsd_delete import delete
from .freebsd_map import FreeBSDMap
from .freebsd_wire import enter_page
from .kernel_entry import KernelEntry
from .kmem import Kmem, round_page
from .map_ranges import set_wired_count
from .map_simplify import join
from .vm_page import INTERRUPT, SYSTEM, PageRequest
from .waits import PageWait, Sleepy, TimedWait, kernel_function, undone

M_NOWAIT, M_WAITOK, M_ZERO, M_USE_RESERVE = 0x1, 0x2, 0x100, 0x400
"""Flags (malloc(9)): never sleep; may sleep; zeroed; may use reserves."""

TRIES = 8
"""How often a caller that may wait looks for address space before it gives up."""


def page_request(flags: int) -> PageRequest:
    """How pages are asked for under these flags.

    M_USE_RESERVE makes M_NOWAIT weaker, not stronger: only without it is the very last page in reach.

    >>> page_request(M_NOWAIT).text, page_request(M_NOWAIT | M_USE_RESERVE | M_ZERO).text
    ('INTERRUPT|WIRED', 'SYSTEM|WIRED|ZERO')
    """
    page_class = INTERRUPT if flags & (M_NOWAIT | M_USE_RESERVE) == M_NOWAIT else SYSTEM
    return PageRequest(page_class, wired=True, zero=bool(flags & M_ZERO))


@kernel_function
def kmem_malloc(kmem: Kmem, vm_map: FreeBSDMap, size: int, flags: int) -> Sleepy[int]:
    """Wired pages of kmem_object, mapped; 0 when a caller that may not wait (M_NOWAIT) can't have them.

    One that may wait sleeps for pages, and looks eight times for address space before it panics.  The map stays
    locked from the finding of an address to the last mapping, except while it sleeps.
    """
    size = round_page(size)
    yield from vm_map.lock.acquire()
    address = vm_map.find_space(size)
    if address is None:
        vm_map.lock.release()
        if flags & M_NOWAIT:
            return 0
        address = yield from _look_again(kmem, vm_map, size)
    kmem.kmem_object.reference()
    vm_map.insert(kmem.kmem_object, kmem.offset_of(address), address, address + size)
    if not (yield from _get_pages(kmem, vm_map, address, size, flags)):
        delete(vm_map, address, address + size)
        vm_map.lock.release()
        return 0
    entry = vm_map.lookup(address)
    if entry is None or (entry.start, entry.end, entry.wired_count) != (address, address + size, 0):
        raise KernelPanic("kmem_malloc", "kmem_malloc: entry not found or misaligned")
    _map_pages(kmem, vm_map, entry, address, size)
    vm_map.lock.release()
    return address


def _look_again(kmem: Kmem, vm_map: FreeBSDMap, size: int) -> Sleepy[int]:
    """Have memory given back, look, sleep, each time longer; comes back with the map locked, or panics.

    The last sleep is in vain: no look follows it.
    """
    for attempt in range(1, TRIES + 1):
        kmem.seek_memory()
        yield from vm_map.lock.acquire()
        address = vm_map.find_space(size)
        if address is not None:
            return address
        vm_map.lock.release()
        yield TimedWait("nokva", kmem.hz // 4 * attempt)
    raise KernelPanic("kmem_map_too_small", f"kmem_malloc({size}): kmem_map too small: {vm_map.size} total allocated")


def _get_pages(kmem: Kmem, vm_map: FreeBSDMap, address: int, size: int, flags: int) -> Sleepy[bool]:
    """All pages of the range, rising; false, with none of them left, where M_NOWAIT met a shortage."""
    request, first = page_request(flags), kmem.offset_of(address) >> PAGE_SHIFT
    for pindex in range(first, first + (size >> PAGE_SHIFT)):
        while kmem.pages.allocate(kmem.kmem_object, pindex, request) is None:
            if flags & M_NOWAIT:
                _give_back(kmem, first, pindex)
                return False
            vm_map.lock.release()
            with undone(kmem.recorder, "kmem_malloc", partial(_undo, kmem, vm_map, address, size, pindex)):
                yield PageWait()
                yield from vm_map.lock.acquire()
    return True


def _undo(kmem: Kmem, vm_map: FreeBSDMap, address: int, size: int, pindex: int) -> None:
    _give_back(kmem, kmem.offset_of(address) >> PAGE_SHIFT, pindex)
    delete(vm_map, address, address + size)


def _give_back(kmem: Kmem, first: int, end: int) -> None:
    """Free pages [first, end), highest first, before their entry goes: they are busy, and deleting would wait."""
    for pindex in range(end - 1, first - 1, -1):
        page = kmem.pages.find(kmem.kmem_object, pindex)
        if page is not None:
            kmem.pages.unwire(page)
            kmem.pages.free(page)


def _map_pages(kmem: Kmem, vm_map: FreeBSDMap, entry: KernelEntry, address: int, size: int) -> None:
    """The entry counts as wired and may join; its pages are mapped and no longer busy."""
    set_wired_count(vm_map, entry, 1)
    join(vm_map, entry)
    for va in range(address, address + size, 1 << PAGE_SHIFT):
        page = kmem.pages.find(kmem.kmem_object, kmem.offset_of(va) >> PAGE_SHIFT)
        if page is not None:
            enter_page(vm_map, va, page.frame, protection_of(entry.flags))
            page.busy = False
