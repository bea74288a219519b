"""What a pmap asks of the world: slots, memory, and the kernel that alone writes descriptors.

:class:`.domain.Domain` wires the real ones; a test may count the calls, and fail each in turn.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..base.units import PAGE, PAGE_SHIFT
from ..base.values.domains import CapRef
from ..memory.pages import MAX_ORDER, PageAllocator

# ---- memory server -----------------------------------------------------------------------------
#
# Who gives physical memory to a program: pages of a page allocator, and tables cut out of them.


LARGEST = PAGE << MAX_ORDER
"""Bytes of the largest region that a page allocator has."""


class MemoryServer(Protocol):
    """Gives RAM, and takes back exactly what it gave."""

    def give(self, size: int, align: int, purpose: str) -> int | None:
        """The physical address of `size` bytes on a border of `align`, for a "table" or a "frame"; None without."""

    def take_back(self, base: int, size: int) -> None:
        """Take back what :meth:`give` gave with that size."""


class PageMemory:
    """Regions of powers of two from `pages`, in the name of `owner`.  Smaller ones than a page share pages.

    >>> from vmwidgets.engine.base.recorder import Recorder
    >>> memory = PageMemory(PageAllocator(Recorder(), 256, 1024), "a")
    >>> first, second = memory.give(1024, 1024, "table"), memory.give(1024, 1024, "table")
    >>> second - first, memory.pages.owners
    (1024, (('a', 1),))
    """

    __slots__ = ("_free", "owner", "pages")

    def __init__(self, pages: PageAllocator, owner: str) -> None:
        self.pages = pages
        self.owner = owner
        self._free: dict[tuple[int, int], list[int]] = {}
        """The free parts of each page that is shared, by its address and the size of its parts; the next one last."""

    def give(self, size: int, align: int, purpose: str) -> int | None:
        """A region of at least `size` and `align` bytes; None where no such block of pages is left."""
        rounded = _rounded(max(size, align))
        return self._part(rounded) if rounded < PAGE else self._block(rounded)

    def take_back(self, base: int, size: int) -> None:
        """The region is free again; a page that was shared goes back when all its parts are."""
        rounded = _rounded(size)
        if rounded >= PAGE:
            self.pages.free(base >> PAGE_SHIFT, _order(rounded))
            return
        page = base & -PAGE, rounded
        parts = self._free.setdefault(page, [])
        parts.append(base)
        if len(parts) == PAGE // rounded:
            del self._free[page]
            self.pages.free(base >> PAGE_SHIFT, 0)

    def _block(self, size: int) -> int | None:
        frame = None if size > LARGEST else self.pages.allocate(_order(size), self.owner)
        return None if frame is None else frame << PAGE_SHIFT

    def _part(self, size: int) -> int | None:
        shared = next(((key, parts) for key, parts in self._free.items() if key[1] == size and parts), None)
        if shared is not None:
            return shared[1].pop()
        page = self._block(PAGE)
        if page is not None:
            self._free[page, size] = list(range(page + PAGE - size, page, -size))
        return page


def _rounded(size: int) -> int:
    return 1 << (size - 1).bit_length()


def _order(size: int) -> int:
    return size.bit_length() - 1 - PAGE_SHIFT


# ---- invocations -------------------------------------------------------------------------------


class FrameIdentity(NamedTuple):
    """What `frame_identify` tells of a frame: physical address and bytes."""

    base: int
    bytes: int


class Invocations(Protocol):
    """Each call either does what it says, or raises :class:`.errors.LibError` and has done nothing."""

    def slot_alloc(self) -> CapRef:
        """The lowest free slot; LIB_ERR_SLOT_ALLOC_NO_SPACE without one (the caller pushes LIB_ERR_SLOT_ALLOC)."""

    def slot_free(self, ref: CapRef) -> None:
        """Give a slot back; it holds nothing."""

    def vnode_create(self, ref: CapRef, kind: str) -> int:
        """RAM for a table of `kind`, retyped into the slot; its physical address.

        Chain when there is no RAM: LIB_ERR_VNODE_CREATE is the caller's; here LIB_ERR_RAM_ALLOC, MM_ERR_NOT_FOUND.
        """

    def vnode_map(
        self, table: CapRef, source: CapRef, entry: int, flags: int, offset: int, count: int, mapping: CapRef
    ) -> None:
        """Put `source`, from byte `offset` on, into `count` entries from `entry` on; the Mapping goes to `mapping`."""

    def vnode_unmap(self, table: CapRef, mapping: CapRef) -> None:
        """Clear the entries that `mapping` tells."""

    def mapping_modify_flags(self, mapping: CapRef, offset: int, pages: int, flags: int) -> None:
        """Rewrite the rights of `pages` entries, from the mapping's entry `offset` on."""

    def cap_delete(self, ref: CapRef) -> None:
        """Delete the capability in a slot; the last one of a table deletes the table's Mapping too."""

    def cap_copy(self, ref: CapRef, source: CapRef) -> None:
        """Copy a capability into an empty slot."""

    def frame_identify(self, ref: CapRef) -> FrameIdentity:
        """Where a frame is, and how big; an error of the kernel if there is none in the slot."""

    def frame_alloc(self, want: int) -> tuple[CapRef, int]:
        """A slot and a frame in it, of a power of two of bytes, at least a page and at least `want`; its bytes.

        Chains: LIB_ERR_SLOT_ALLOC, LIB_ERR_SLOT_ALLOC_NO_SPACE; LIB_ERR_RAM_ALLOC_MS_CONSTRAINTS, MM_ERR_NOT_FOUND.
        """

    def malloc(self, want: int) -> None:
        """Memory from the heap, for the blocks of a pmap that is not the current one."""
