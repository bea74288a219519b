"""The kentry area: who feeds the map that feeds everyone.

Entries of the kernel map can't come from memory that needs kernel map entries.  So a range is reserved at boot
(:data:`AREA_BYTES`), cut into slabs of one page, and a table of one word a slab behind it links the free ones.
Source: X15 `vm_map_kentry_setup`, `vm_map_kentry_alloc`, `vm_map_kentry_free` (2013).
"""

from __future__ import annotations

from typing import Protocol

from ...base.errors import Broken, KernelError, KernelPanic
from ...base.events import Called, KentrySlabGiven, KentrySlabTaken, Returned, Unwound
from ...base.protection import ALL, INHERITANCE, READ, WRITE, pack_flags
from ...base.recorder import Recorder
from ...base.units import MIB, PAGE, PAGE_SHIFT
from ...base.values.memory import KentryValue
from .vm_map import X15Map

AREA_BYTES = 8 * MIB
"""Bytes that X15 reserves for entries; small layouts reserve less."""


ALLOCATED = 0xA110C8ED
"""What the table holds for a slab that is not free."""


def table_bytes(slabs: int, word: int) -> int:
    """Bytes of the slab table, whole pages.

    >>> table_bytes(2048, 8), table_bytes(2048, 4)
    (16384, 8192)
    """
    return -(-slabs * word // PAGE) * PAGE


class Backing(Protocol):
    """Puts memory behind addresses of the area, and takes it away."""

    def back(self, address: int) -> bool:
        """Map a fresh page at `address`; false when there is none."""

    def unback(self, address: int) -> None:
        """Unmap the page at `address` and free it."""


class NoBacking:
    """For an area on its own: nothing stands behind it."""

    def back(self, address: int) -> bool:
        """Always succeeds."""
        return True

    def unback(self, address: int) -> None:
        """Nothing to do."""


class KentryArea:
    """Slabs of one page in a reserved range; a page supplier for the cache of kernel map entries.

    Free slabs form a list through the table: 0 first at boot, and last given, first taken afterwards.

    >>> area = KentryArea(0x1000, 2, NoBacking(), Recorder())
    >>> hex(area.allocate()), hex(area.allocate()), area.allocate()
    ('0x1000', '0x2000', None)
    """

    def __init__(
        self,
        start: int,
        slabs: int,
        backing: Backing,
        recorder: Recorder,
        quirks: frozenset[str] = frozenset(),
    ) -> None:
        self.start = start
        self.slabs = slabs
        self._backing = backing
        self._recorder = recorder
        self._quirks = quirks
        self._next: list[int] = [*range(1, slabs), -1]
        self._head = 0 if slabs else -1
        self.allocated = 0

    @property
    def end(self) -> int:
        """End of the slabs; the table is behind it (bytes)."""
        return self.start + self.slabs * PAGE

    def allocate(self) -> int | None:
        """Address of a slab with a page behind it, or none when the area is used up. O(1)."""
        emit = self._recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_kentry_alloc"))
        index = self._head
        if index < 0:
            if "kentry-unlocked" in self._quirks:
                raise KernelPanic("kentry_exhausted", f"all {self.slabs} slabs of the kentry area are in use")
            return None
        address = self.start + index * PAGE
        if not self._backing.back(address):
            raise KernelPanic("kentry_no_page", "no physical page is left for a slab of the kentry area")
        self._head, self._next[index] = self._next[index], ALLOCATED
        self.allocated += 1
        if emit is not None:
            emit((KentrySlabTaken.tag, index))
            emit((Returned.tag, address))
        return address

    def free(self, address: int) -> None:
        """A slab that is free again; its page goes back. O(1)."""
        index, rest = divmod(address - self.start, PAGE)
        if rest or not 0 <= index < self.slabs or self._next[index] != ALLOCATED:
            raise KernelPanic("kentry_double_free", f"{address:#x} is no allocated slab of the kentry area")
        emit = self._recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_kentry_free"))
        self._backing.unback(address)
        self._next[index], self._head = self._head, index
        self.allocated -= 1
        if emit is not None:
            emit((KentrySlabGiven.tag, index))
            emit((Returned.tag,))

    def snapshot(self, limit: int = 256) -> KentryValue:
        """The area as a frozen value, with the first `limit` slabs of its free list. O(limit)."""
        free: list[int] = []
        index = self._head
        while index != -1 and len(free) < limit:
            free.append(index)
            index = self._next[index]
        return KentryValue(self.start, PAGE, self.slabs, self.allocated, tuple(free))

    def check(self) -> None:
        """Raise :class:`Broken` unless all hold.

        1. the free list ends, without a slab twice or one that is allocated; 2. every slab is allocated or on it.
        """
        seen: set[int] = set()
        index = self._head
        while index != -1:
            if index in seen or not 0 <= index < self.slabs or self._next[index] == ALLOCATED:
                raise Broken(f"1: slab {index} stands on the free list of the kentry area by mistake")
            seen.add(index)
            index = self._next[index]
        if len(seen) + self.allocated != self.slabs or self._next.count(ALLOCATED) != self.allocated:
            raise Broken(f"2: {len(seen)} slabs free and {self.allocated} allocated are not {self.slabs}")


# ---- kernel memory -----------------------------------------------------------------------------
#
# Kernel virtual memory with pages behind it (X15 `vm_kmem_alloc`, `vm_kmem_free`).
#
# Caches of the kernel's own objects grow through here: their slabs are ranges of the kernel map.


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

    def allocate(self) -> int | None:
        """The address of a fresh slab, or none."""
        return self._memory.allocate(self._size, self._owner)

    def free(self, address: int) -> None:
        """A slab that is free again."""
        self._memory.free(address)
