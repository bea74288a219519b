"""Waiting for address space: kmem_alloc_wait, kmem_free_wakeup (FreeBSD, April 2008)."""

from __future__ import annotations

from ..base.events import SleepersWoken
from .freebsd_delete import delete
from .freebsd_map import FreeBSDMap
from .kmem import Kmem, round_page, trunc_page
from .waits import RoomWait, Sleepy, kernel_function


@kernel_function
def kmem_alloc_wait(kmem: Kmem, vm_map: FreeBSDMap, size: int) -> Sleepy[int]:
    """Addresses for memory that faults will fill; sleeps until there is room, 0 if the map is too small for ever."""
    size = round_page(size)
    while True:
        yield from vm_map.lock.acquire()
        address = vm_map.find_space(size)
        if address is not None:
            vm_map.insert(None, 0, address, address + size)
            vm_map.lock.release()
            return address
        if vm_map.end - vm_map.start < size:
            vm_map.lock.release()
            return 0
        vm_map.needs_wakeup = True
        vm_map.lock.drop_to_sleep()
        yield RoomWait(vm_map)


@kernel_function
def kmem_free_wakeup(kmem: Kmem, vm_map: FreeBSDMap, address: int, size: int) -> Sleepy[None]:
    """Make a range free, and wake all who sleep for room in this map, even if nothing came free."""
    yield from vm_map.lock.acquire()
    delete(vm_map, trunc_page(address), round_page(address + size))
    if vm_map.needs_wakeup:
        vm_map.needs_wakeup = False
        woken = kmem.wakeup(vm_map)
        emit = kmem.recorder.emit
        if emit is not None:
            emit((SleepersWoken.tag, vm_map.name, woken))
    vm_map.lock.release()
