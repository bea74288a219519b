"""Kernel memory in whole pages: kmem_alloc, kmem_alloc_nofault, kmem_free (FreeBSD, April 2008)."""

from __future__ import annotations

from functools import partial

from ..base.units import PAGE_SHIFT
from .freebsd_delete import delete, remove
from .freebsd_map import SUCCESS, FreeBSDMap
from .freebsd_wire import wire
from .kernel_entry import NOFAULT
from .kmem import Kmem, round_page, trunc_page
from .vm_page import GRAB
from .waits import PageWait, Sleepy, kernel_function, undone


@kernel_function
def kmem_alloc_nofault(kmem: Kmem, vm_map: FreeBSDMap, size: int) -> Sleepy[int]:
    """Addresses alone: no pages, no mapping, and a fault there is a panic.  0 when it fails in any way."""
    size = round_page(size)
    yield from vm_map.lock.acquire()
    address = vm_map.find_space(size)
    inserted = address is not None and vm_map.insert(None, 0, address, address + size, NOFAULT) == SUCCESS
    vm_map.lock.release()
    return address if address is not None and inserted else 0


@kernel_function
def kmem_alloc(kmem: Kmem, vm_map: FreeBSDMap, size: int) -> Sleepy[int]:
    """Zeroed, wired pages of kernel_object; 0 when there is no address space.

    It waits for pages as long as it takes, and never for address space.  The lock is free while pages are got.
    """
    size = round_page(size)
    yield from vm_map.lock.acquire()
    address = vm_map.find_space(size)
    if address is None:
        vm_map.lock.release()
        return 0
    offset = kmem.offset_of(address)
    kmem.kernel_object.reference()
    vm_map.insert(kmem.kernel_object, offset, address, address + size)
    vm_map.lock.release()
    with undone(kmem.recorder, "kmem_alloc", partial(_undo, kmem, vm_map, address, size)):
        for pindex in range(offset >> PAGE_SHIFT, (offset + size) >> PAGE_SHIFT):
            yield from _grab_page(kmem, pindex)
        yield from wire(vm_map, address, address + size)
    return address


def _undo(kmem: Kmem, vm_map: FreeBSDMap, address: int, size: int) -> None:
    """Deleting frees the pages too: none of them is wired yet."""
    delete(vm_map, address, address + size)


def _grab_page(kmem: Kmem, pindex: int) -> Sleepy[None]:
    """See to it that kernel_object has this page (`vm_page_grab`): wait until it is there or can be had."""
    target, pages = kmem.kernel_object, kmem.pages
    while pages.find(target, pindex) is None and pages.allocate(target, pindex, GRAB) is None:
        yield PageWait()


@kernel_function
def kmem_free(kmem: Kmem, vm_map: FreeBSDMap, address: int, size: int) -> Sleepy[None]:
    """Make a range free, rounded outwards to whole pages; checks nothing, wakes nobody."""
    yield from remove(vm_map, trunc_page(address), round_page(address + size))
