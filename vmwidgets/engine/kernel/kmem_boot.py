"""Making kernel maps: kmem_init, kmem_suballoc (FreeBSD, April 2008)."""

from __future__ import annotations

from ..base.errors import KernelPanic
from .freebsd_map import NO_SPACE, SUCCESS, FreeBSDMap
from .freebsd_submap import attach_submap
from .kernel_entry import NOFAULT
from .kmem import Kmem, round_page
from .waits import Sleepy, kernel_function


@kernel_function
def kmem_init(kmem: Kmem, start: int, end: int) -> Sleepy[None]:
    """Make the kernel map, up to `end`; what boot used, up to `start`, becomes its first entry.

    The status of that insertion is ignored.
    """
    kernel_map = kmem.create_map(kmem.root, kmem.start, end)
    if kernel_map is None:
        raise KernelPanic("kmem_init", "kmem_init: cannot create the kernel map")
    kernel_map.system = True
    yield from kernel_map.lock.acquire()
    kernel_map.insert(None, 0, kmem.start, start, NOFAULT)
    kernel_map.lock.release()


@kernel_function
def kmem_suballoc(kmem: Kmem, parent: FreeBSDMap, size: int, name: str) -> Sleepy[FreeBSDMap]:
    """A map of its own over `size` bytes of `parent`; whatever goes wrong is a panic, and the range stays used."""
    size = round_page(size)
    address = yield from _take_range(parent, size)
    submap = kmem.create_map(name, address, address + size)
    if submap is None:
        raise KernelPanic("kmem_suballoc", "kmem_suballoc: cannot create submap")
    status = yield from attach_submap(parent, address, address + size, submap)
    if status != SUCCESS:
        raise KernelPanic("kmem_suballoc", "kmem_suballoc: unable to change range to submap")
    return submap


def _take_range(parent: FreeBSDMap, size: int) -> Sleepy[int]:
    """Find and insert in one step (`vm_map_find`)."""
    yield from parent.lock.acquire()
    address = parent.find_space(size)
    status = NO_SPACE if address is None else parent.insert(None, 0, address, address + size)
    parent.lock.release()
    if address is None or status != SUCCESS:
        raise KernelPanic("kmem_suballoc", f"kmem_suballoc: bad status return of {status}")
    return address
