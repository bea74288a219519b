"""A fault on kernel memory that was not wired at once: submaps such as exec_map (FreeBSD `vm_fault`, 2008)."""

from __future__ import annotations

from ..base.errors import KernelPanic, kernel_error
from ..base.protection import protection_of, protection_text
from ..base.units import PAGE, PAGE_SHIFT, Address
from .freebsd_entries import supply_object
from .freebsd_map import FreeBSDMap
from .freebsd_wire import map_page
from .kernel_entry import NOFAULT, KernelEntry
from .kmem import Kmem, trunc_page
from .vm_page import GRAB
from .waits import PageWait, Sleepy, kernel_function


@kernel_function
def vm_fault(kmem: Kmem, vm_map: FreeBSDMap, address: int, access: int) -> Sleepy[int]:
    """Have the page of `address` in memory and mapped; its frame.  Waits for pages.

    `access` are protection bits: ACCES where the entry lacks one.  FAULT where nothing is allocated, where a system
    map's entry has no object, and where a kmem function still waits for the page; a panic where the entry says that no
    fault may happen.  An ordinary map's entry without object gets an anonymous one, and zeroed pages.  In a submap's
    place the fault is that submap's.
    """
    va = trunc_page(address)
    while True:
        yield from vm_map.lock.acquire()
        entry = vm_map.lookup(va)
        if entry is None:
            vm_map.lock.release()
            raise kernel_error("FAULT", f"nothing is allocated at {Address(va)} in {vm_map.name}")
        if entry.submap is not None:
            vm_map.lock.release()
            vm_map = entry.submap
            continue
        if entry.flags & NOFAULT:
            raise KernelPanic("vm_fault", f"vm_fault: fault on nofault entry, addr: {address:x}")
        missing = access & ~protection_of(entry.flags)
        if missing:
            vm_map.lock.release()
            allowed = protection_text(protection_of(entry.flags))
            where = f"the entry at {Address(entry.start)} of {vm_map.name}"
            raise kernel_error("ACCES", f"{where} allows {allowed}, not {protection_text(missing)}")
        frame = _frame_of(kmem, vm_map, entry, va)
        vm_map.lock.release()
        if frame is not None:
            return frame
        yield PageWait()


def _frame_of(kmem: Kmem, vm_map: FreeBSDMap, entry: KernelEntry, va: int) -> int | None:
    """The frame behind `va`, mapped now; none while pages are short."""
    supply_object(vm_map, entry)
    target = entry.object
    if target is None:
        vm_map.lock.release()
        raise kernel_error("FAULT", f"no memory is behind {Address(va)} in {vm_map.name}, which is a system map")
    pindex = entry.offset + va - entry.start >> PAGE_SHIFT
    page = kmem.pages.find(target, pindex)
    if target.everlasting and (page is None or page.busy):
        vm_map.lock.release()
        raise kernel_error(
            "FAULT",
            f"the page at {Address(va)} in {vm_map.name} is still to come: who allocates the range there waits for "
            "pages, and gives its address when all are there",
        )
    page = page or kmem.pages.allocate(target, pindex, GRAB)
    if page is None:
        return None
    page.busy = False
    map_page(vm_map, va & -PAGE, page.frame, protection_of(entry.flags))
    return page.frame
