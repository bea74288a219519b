"""The memory objects behind FreeBSD's kernel maps: kernel_object, kmem_object, and anonymous ones."""

from __future__ import annotations

from .vm_object import Pager, VmObject


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
