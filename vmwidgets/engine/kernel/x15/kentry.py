"""The kentry area: a reserved range for the kernel map's own entries, so that growing that map never recurses.

Its slabs have one page each; a table after them links the free ones. The cache of entries asks for them
(`CachedEntries` in `map/core.py`; the boot ties the two, `boot_stages._kentry_area`). When the area is used up, it
returns none, and the map panics (`X15Map.no_entry`).  Source: X15 `vm_map_kentry_setup`, `vm_map_kentry_alloc`,
`vm_map_kentry_free`.
"""

from __future__ import annotations

from ...base.errors import Broken, KernelPanic
from ...base.protection import READ, WRITE
from ...base.recorder import Recorder, kernel_function
from ...base.units import MIB, PAGE, PAGE_SHIFT, round_up
from ...memory.pages import PageAllocator
from ..pmap.spaces import KernelPmap
from .kentry_schema import KentrySlabGiven, KentrySlabTaken, KentryValue

AREA_BYTES = 8 * MIB
"""The number of bytes that X15 reserves for entries; small layouts reserve less."""

ALLOCATED = 0xA110C8ED
"""The value in the table for a slab that is not free."""


def table_bytes(slabs: int, word: int) -> int:
    """Return the size of the slab table in bytes, in whole pages.

    >>> table_bytes(2048, 8), table_bytes(2048, 4)
    (16384, 8192)
    """
    return round_up(slabs * word, PAGE)


class PageBacking:
    """Maps pages of `pages` at kernel addresses, through the kernel's page tables, and unmaps them.

    There is one flush for each call, whatever the size.
    """

    def __init__(self, pages: PageAllocator, tables: KernelPmap) -> None:
        self.pages = pages
        self._tables = tables

    def back(self, start: int, size: int, owner: str) -> bool:
        """Map new pages at [start, start + size), read-write; returns false, and keeps none, without enough pages."""
        end = start + size
        for va in range(start, end, PAGE):
            frame = self.pages.allocate(owner=owner)
            if frame is None:
                if va > start:
                    self.unback(start, va - start)
                return False
            self._tables.kenter(va, frame << PAGE_SHIFT, READ | WRITE)
        self._tables.update(start, end)
        return True

    def unback(self, start: int, size: int) -> None:
        """Unmap and free the pages at [start, start + size)."""
        end, frames = start + size, []
        for va in range(start, end, PAGE):
            physical = self._tables.extract(va)
            if physical is None:
                raise KernelPanic("unback_absent", f"no page is mapped at {va:#x}, which the kernel lives on")
            frames.append(physical >> PAGE_SHIFT)
        self._tables.kremove(start, end)
        self._tables.update(start, end)
        for frame in frames:
            self.pages.free(frame)


class KentryArea:
    """Slabs of one page in a reserved range; a page supplier for the cache of kernel map entries.

    Free slabs form a list through the table: at boot, 0 comes first; later, the last slab freed is the next allocated.
    Without `backing`, no memory is mapped for them.

    >>> area = KentryArea(0x1000, 2, None, Recorder())
    >>> hex(area.allocate()), hex(area.allocate()), area.allocate()
    ('0x1000', '0x2000', None)
    """

    def __init__(
        self,
        start: int,
        slabs: int,
        backing: PageBacking | None,
        recorder: Recorder,
        quirks: frozenset[str] = frozenset(),
    ) -> None:
        self.start = start
        self.slabs = slabs
        self._backing = backing
        self.recorder = recorder
        self._quirks = quirks
        self._next: list[int] = [*range(1, slabs), -1]
        self._head = 0 if slabs else -1
        self.allocated = 0

    @property
    def end(self) -> int:
        """The end of the slabs, followed by the table (bytes)."""
        return self.start + self.slabs * PAGE

    @kernel_function("vm_map_kentry_alloc")
    def allocate(self) -> int | None:
        """Allocate a slab with a page, and return its address; None when the area is used up. O(1)."""
        index = self._head
        if index < 0:
            if "kentry-unlocked" in self._quirks:
                raise KernelPanic("kentry_exhausted", f"all {self.slabs} slabs of the kentry area are in use")
            return None
        address = self.start + index * PAGE
        if self._backing is not None and not self._backing.back(address, PAGE, "kentry area"):
            raise KernelPanic("kentry_no_page", "no physical page is left for a slab of the kentry area")
        self._head, self._next[index] = self._next[index], ALLOCATED
        self.allocated += 1
        emit = self.recorder.emit
        if emit is not None:
            emit((KentrySlabTaken.tag, index))
        return address

    def free(self, address: int) -> None:
        """Free a slab and its page. O(1)."""
        index, rest = divmod(address - self.start, PAGE)
        if rest or not 0 <= index < self.slabs or self._next[index] != ALLOCATED:
            raise KernelPanic("kentry_double_free", f"{address:#x} is not an allocated slab of the kentry area")
        self._free(index, address)

    @kernel_function("vm_map_kentry_free", first=0)
    def _free(self, index: int, address: int) -> None:
        if self._backing is not None:
            self._backing.unback(address, PAGE)
        self._next[index], self._head = self._head, index
        self.allocated -= 1
        emit = self.recorder.emit
        if emit is not None:
            emit((KentrySlabGiven.tag, index))

    def snapshot(self, limit: int = 256) -> KentryValue:
        """Return the area as a frozen value, with the first `limit` slabs of its free list. O(limit)."""
        free: list[int] = []
        index = self._head
        while index != -1 and len(free) < limit:
            free.append(index)
            index = self._next[index]
        return KentryValue(self.start, PAGE, self.slabs, self.allocated, tuple(free))

    def check(self) -> None:
        """Raise :class:`Broken` unless all hold.

        1. the free list ends, and contains no slab twice and no allocated one; 2. every slab is allocated or on the
           list.
        """
        seen: set[int] = set()
        index = self._head
        while index != -1:
            if index in seen or not 0 <= index < self.slabs or self._next[index] == ALLOCATED:
                raise Broken(f"rule 1 of the kentry area: slab {index} is on the free list by mistake")
            seen.add(index)
            index = self._next[index]
        if len(seen) + self.allocated != self.slabs or self._next.count(ALLOCATED) != self.allocated:
            raise Broken(
                f"rule 2 of the kentry area: {len(seen)} slabs free and {self.allocated} allocated are not {self.slabs}"
            )
