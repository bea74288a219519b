"""The memory server: it allocates physical memory to programs, as pages of a page allocator and parts of pages."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Protocol

from ..base.units import PAGE, PAGE_SHIFT
from ..memory.pages import MAX_ORDER, PageAllocator

LARGEST = PAGE << MAX_ORDER
"""The size in bytes of the largest region that a page allocator has."""


class MemoryServer(Protocol):
    """The source of a domain's memory: a machine's page allocator, or a recording."""

    def allocate(self, size: int, align: int, purpose: str) -> int | None:
        """Return the physical address of `size` bytes, aligned to `align`, for a "table" or a "frame"; or None."""

    def free(self, base: int, size: int) -> None:
        """Free what :meth:`allocate` returned for that size."""


class PageMemory:
    """Allocates regions of a power of two from `pages`, in the name of `owner`.

    Regions smaller than a page share pages.

    >>> from vmwidgets.engine.base.recorder import Recorder
    >>> memory = PageMemory(PageAllocator(Recorder(), 256, 1024), "a")
    >>> first, second = memory.allocate(1024, 1024, "table"), memory.allocate(1024, 1024, "table")
    >>> second - first, memory.pages.owners
    (1024, (('a', 1),))
    """

    __slots__ = ("_count", "_free", "_open", "_shared", "owner", "pages")

    def __init__(self, pages: PageAllocator, owner: str) -> None:
        self.pages = pages
        self.owner = owner
        self._free: dict[tuple[int, int], list[int]] = {}
        """The free parts of each page that is shared, by its address and the size of its parts; the next one last."""
        self._open: dict[int, list[tuple[int, int]]] = {}
        """Heaps by size of parts: the count at which a page became shared, and its address, for pages with a free
        part."""
        self._shared: dict[tuple[int, int], int] = {}
        """The count at which each page became shared."""
        self._count = 0

    def allocate(self, size: int, align: int, purpose: str) -> int | None:
        """Return a region of at least `size` and `align` bytes; None if no such block of pages is left."""
        rounded = _rounded(max(size, align))
        return self._part(rounded) if rounded < PAGE else self._block(rounded)

    def free(self, base: int, size: int) -> None:
        """Free a region; a shared page is returned to the page allocator when all its parts are free."""
        rounded = _rounded(size)
        if rounded >= PAGE:
            self.pages.free(base >> PAGE_SHIFT, _order(rounded))
            return
        page = base & -PAGE, rounded
        parts = self._free[page]
        parts.append(base)
        if len(parts) == PAGE // rounded:
            del self._free[page], self._shared[page]
            self.pages.free(base >> PAGE_SHIFT, 0)
        elif len(parts) == 1:
            heappush(self._open[rounded], (self._shared[page], page[0]))

    def _block(self, size: int) -> int | None:
        frame = None if size > LARGEST else self.pages.allocate(_order(size), self.owner)
        return None if frame is None else frame << PAGE_SHIFT

    def _part(self, size: int) -> int | None:
        """Return a free part of the page that was shared first among those with one. O(log shared pages)."""
        heap = self._open.setdefault(size, [])
        while heap:
            when, page = heap[0]
            if self._shared.get((page, size)) == when and self._free[page, size]:
                return self._free[page, size].pop()
            heappop(heap)
        fresh = self._block(PAGE)
        if fresh is not None:
            self._count += 1
            when = self._shared[fresh, size] = self._count
            self._free[fresh, size] = list(range(fresh + PAGE - size, fresh, -size))
            heappush(heap, (when, fresh))
        return fresh


def _rounded(size: int) -> int:
    return 1 << (size - 1).bit_length()


def _order(size: int) -> int:
    return size.bit_length() - 1 - PAGE_SHIFT
