"""Memory objects: what is behind a mapping, page by page (X15 `vm_object`, `vm_anon`)."""

from __future__ import annotations

from typing import Protocol

from ...base.units import PAGE_SHIFT


class Pager(Protocol):
    """Where the pages of an object come from."""

    def get_page(self, target: VmObject, offset: int) -> int | None:
        """A frame for the page of `target` at `offset`, or none when there is no memory."""

    def release(self, frame: int) -> None:
        """A frame that the object no longer holds."""


class VmObject:
    """Pages by offset, and a count of the entries that map them.

    `pages` is what the original keeps in a radix tree: offset >> 12 to frame.  An object nobody maps any more
    gives its pages back, once its creator has let go of it too.
    """

    def __init__(self, name: str, pager: Pager) -> None:
        self.name = name
        self.pager = pager
        self.pages: dict[int, int] = {}
        self.references = 0

    def reference(self) -> None:
        """One more entry maps it."""
        self.references += 1

    def release(self) -> None:
        """One entry fewer; the last one out gives the pages back."""
        self.references -= 1
        if self.references == 0:
            for frame in self.pages.values():
                self.pager.release(frame)
            self.pages.clear()

    def page(self, offset: int) -> int | None:
        """The frame of the page at `offset` (bytes), if the object has it."""
        return self.pages.get(offset >> PAGE_SHIFT)

    def drop(self, offset: int) -> None:
        """Give the page at `offset` back."""
        self.pager.release(self.pages.pop(offset >> PAGE_SHIFT))

    def ask_pager(self, offset: int) -> int | None:
        """The frame that the pager supplies for `offset`, now the object's; none when there is no memory."""
        frame = self.pager.get_page(self, offset)
        if frame is not None:
            self.pages[offset >> PAGE_SHIFT] = frame
        return frame


# ---- kernel object -----------------------------------------------------------------------------
#
# The memory objects behind FreeBSD's kernel maps: kernel_object, kmem_object, and anonymous ones.


class KernelObject(VmObject):
    """A memory object of `size` pages; `everlasting` ones start with a reference of their own and never go."""

    def __init__(self, name: str, pager: Pager, size: int, *, everlasting: bool = False) -> None:
        super().__init__(name, pager)
        self.size = size
        self.everlasting = everlasting
        self.references = 1

    def can_grow_behind(self, end_page: int) -> bool:
        """Whether an entry that ends with page `end_page` (exclusive) may go on in it (FreeBSD `vm_object_coalesce`).

        Only anonymous memory grows; where others map it too, only at its very end.
        """
        return not self.everlasting and (self.references == 1 or end_page == self.size)

    def pages_between(self, first: int, last: int) -> list[int]:
        """Numbers of the pages that it has from `first` on and before `last`, rising."""
        if last - first > len(self.pages):
            return sorted(pindex for pindex in self.pages if first <= pindex < last)
        return [pindex for pindex in range(first, last) if pindex in self.pages]
