"""Kernel memory with pages: ranges of the kernel map for slabs (X15 `vm_kmem_alloc`, `vm_kmem_free`)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from ...base.errors import KernelError
from ...base.event import Unwound
from ...base.protection import ALL, INHERITANCE, pack_flags
from ...base.recorder import kernel_function
from .kentry import PageBacking
from .vm_map import X15Map

KMEM_FLAGS = pack_flags(ALL, ALL, INHERITANCE["none"], 0)
"""Protection 7/7, inherit none, default advice."""


class KernelMemory:
    """Ranges of the kernel map with pages; `ranges` maps each start to its size and owner."""

    def __init__(self, kernel_map: X15Map, backing: PageBacking) -> None:
        self.recorder = kernel_map.recorder
        self._map = kernel_map
        self._backing = backing
        self.ranges: dict[int, tuple[int, str]] = {}
        self._starts: list[int] = []
        """The starts of the ranges, in ascending order."""

    @kernel_function("vm_kmem_alloc", first=1)
    def allocate(self, size: int, owner: str) -> int | None:
        """Allocate `size` bytes (whole pages) for `owner`, and return their address.

        On failure, undo everything and return None.
        """
        try:
            address = self._map.enter(0, size, 0, KMEM_FLAGS)
        except KernelError:
            emit = self.recorder.emit
            if emit is not None:
                emit((Unwound.tag, "vm_kmem_alloc"))
            return None
        if not self._backing.back(address, size, owner):
            self._map.remove(address, address + size)
            return None
        self.ranges[address] = (size, owner)
        insort(self._starts, address)
        return address

    def free(self, address: int) -> None:
        """Free what :meth:`allocate` returned: unmap it, then remove it from the map."""
        size, _ = self.ranges.pop(address)
        del self._starts[bisect_left(self._starts, address)]
        self._backing.unback(address, size)
        self._map.remove(address, address + size)

    def overlapping(self, start: int, end: int) -> list[tuple[int, int, str]]:
        """Return start, end and owner of the ranges that [start, end) touches, in address order.

        O(log ranges + found).
        """
        starts, found = self._starts, []
        at = bisect_right(starts, start)
        if at and starts[at - 1] + self.ranges[starts[at - 1]][0] > start:
            at -= 1
        while at < len(starts) and starts[at] < end:
            size, owner = self.ranges[starts[at]]
            found.append((starts[at], starts[at] + size, owner))
            at += 1
        return found


class KernelSlabs:
    """A supplier of slabs of `size` bytes from kernel memory, for one cache."""

    def __init__(self, memory: KernelMemory, size: int, owner: str) -> None:
        self._memory = memory
        self._size = size
        self._owner = owner

    def allocate(self) -> int | None:
        """Allocate a slab, and return its address, or None."""
        return self._memory.allocate(self._size, self._owner)

    def free(self, address: int) -> None:
        """Free a slab."""
        self._memory.free(address)
