"""Memory objects: what is behind a mapping, page by page (X15 `vm_object`, `vm_anon`)."""

from __future__ import annotations

from typing import Protocol

from ..base.units import PAGE_SHIFT


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
