"""Kernel virtual memory with pages behind it (X15 `vm_kmem_alloc`, `vm_kmem_free`).

Caches of the kernel's own objects grow through here: their slabs are ranges of the kernel map.
"""

from __future__ import annotations

from typing import Protocol

from ..base.errors import KernelError, KernelPanic
from ..base.events import Called, Returned, Unwound
from ..base.protection import ALL, INHERITANCE, READ, WRITE, pack_flags
from ..base.units import PAGE, PAGE_SHIFT
from .vm_map import X15Map

FLAGS = pack_flags(ALL, ALL, INHERITANCE["none"], 0)
"""Protection 7/7, inherit none, default advice."""


class Pages(Protocol):
    """Where physical pages come from."""

    def allocate(self, order: int = 0, owner: str = "") -> int | None:
        """A frame, or none."""

    def free(self, frame: int, order: int = 0) -> None:
        """A frame that is no longer needed."""


class Tables(Protocol):
    """The kernel's page tables, as far as pages are mapped without an entry of their own."""

    def kenter(self, va: int, pa: int, protection: int) -> None:
        """Map one page."""

    def kremove(self, start: int, end: int) -> None:
        """Unmap pages."""

    def extract(self, va: int) -> int | None:
        """The physical address behind `va`, or none."""

    def update(self, start: int, end: int) -> None:
        """Drop cached translations."""


def back_page(pages: Pages, tables: Tables, address: int, owner: str) -> bool:
    """Put a fresh page behind `address`, read and write; false when there is none."""
    frame = pages.allocate(owner=owner)
    if frame is None:
        return False
    tables.kenter(address, frame << PAGE_SHIFT, READ | WRITE)
    tables.update(address, address + PAGE)
    return True


def unback_page(pages: Pages, tables: Tables, address: int) -> None:
    """Take the page behind `address` away and free it."""
    physical = tables.extract(address)
    if physical is None:
        raise KernelPanic("unback_absent", f"no page is mapped at {address:#x}, which the kernel lives on")
    tables.kremove(address, address + PAGE)
    tables.update(address, address + PAGE)
    pages.free(physical >> PAGE_SHIFT)


class KernelMemory:
    """Ranges of the kernel map with pages behind them; `ranges` maps each start to its size and owner."""

    def __init__(self, kernel_map: X15Map, pages: Pages, tables: Tables) -> None:
        self._map = kernel_map
        self._pages = pages
        self._tables = tables
        self.ranges: dict[int, tuple[int, str]] = {}

    def allocate(self, size: int, owner: str) -> int | None:
        """Address of `size` bytes (whole pages) for `owner`, or none; what was begun is undone."""
        emit = self._map.recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_kmem_alloc", (size,)))
        address = self._enter(size)
        if address is not None and not self._back(address, size, owner):
            self._map.remove(address, address + size)
            address = None
        if address is not None:
            self.ranges[address] = (size, owner)
        if emit is not None:
            emit((Returned.tag, address))
        return address

    def _enter(self, size: int) -> int | None:
        try:
            return self._map.enter(0, size, 0, FLAGS)
        except KernelError:
            emit = self._map.recorder.emit
            if emit is not None:
                emit((Unwound.tag, "vm_kmem_alloc"))
            return None

    def _back(self, address: int, size: int, owner: str) -> bool:
        for page in range(address, address + size, PAGE):
            if not back_page(self._pages, self._tables, page, owner):
                for done in range(address, page, PAGE):
                    unback_page(self._pages, self._tables, done)
                return False
        return True

    def free(self, address: int) -> None:
        """Give back what :meth:`allocate` gave: unmap, then remove from the map."""
        size, _ = self.ranges.pop(address)
        for page in range(address, address + size, PAGE):
            unback_page(self._pages, self._tables, page)
        self._map.remove(address, address + size)


class KernelSlabs:
    """A supplier of slabs of `size` bytes from kernel memory, for one cache."""

    def __init__(self, memory: KernelMemory, size: int, owner: str) -> None:
        self._memory = memory
        self._size = size
        self._owner = owner

    def take(self) -> int | None:
        """The address of a fresh slab, or none."""
        return self._memory.allocate(self._size, self._owner)

    def give(self, address: int) -> None:
        """A slab that is free again."""
        self._memory.free(address)
