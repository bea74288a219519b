"""Memory objects as learners hold them, and the pager of anonymous memory behind them."""

from __future__ import annotations

from ..base.units import PAGE_SHIFT, Address, Size
from ..kernel.map.vm_object import VmObject
from ..memory.pages import MAX_ORDER, PageAllocator
from ..memory.ram import Ram
from .system import Part, System


class AnonymousPager:
    """One physical page for each page asked for, up to `max_pages` an object (X15 `vm_anon`).

    Pages are zeroed; with quirk anonymous-not-zeroed they keep what their frame held.
    """

    def __init__(self, ram: Ram, pages: PageAllocator, max_pages: int | None = None, *, zeroed: bool = True) -> None:
        self._ram = ram
        self._pages = pages
        self._zeroed = zeroed
        self.max_pages = max_pages

    @classmethod
    def of(cls, system: System, max_pages: int | None = None) -> AnonymousPager:
        """A pager of this machine's memory."""
        zeroed = "anonymous-not-zeroed" not in system.quirks
        return cls(system.ram, system.pages, max_pages, zeroed=zeroed)

    def get_page(self, target: VmObject, offset: int) -> int | None:
        """A fresh frame, or none when memory or the limit is used up."""
        if self.max_pages is not None and len(target.pages) >= self.max_pages:
            return None
        frame = self._pages.allocate(owner=f"object {target.name}")
        if frame is not None and self._zeroed:
            self._ram.zero_frame(frame)
        return frame

    def get_run(self, target: VmObject, offset: int, count: int) -> int | None:
        """The first of `count` (a power of two) fresh frames in one piece, or none."""
        if self.max_pages is not None and len(target.pages) + count > self.max_pages:
            return None
        order = count.bit_length() - 1
        frame = self._pages.allocate_run(order, f"object {target.name}") if order <= MAX_ORDER else None
        if frame is not None and self._zeroed:
            for at in range(count):
                self._ram.zero_frame(frame + at)
        return frame

    def release(self, frame: int) -> None:
        """The frame is free again."""
        self._pages.free(frame)


class DevicePager:
    """Pages at a fixed physical address: a device's memory, not the machine's."""

    def __init__(self, start: int, size: int) -> None:
        self.start = start
        self.size = size

    def get_page(self, target: VmObject, offset: int) -> int | None:
        """The frame that answers at `offset`; none beyond the device's end."""
        return self.start + offset >> PAGE_SHIFT if offset < self.size else None

    def get_run(self, target: VmObject, offset: int, count: int) -> int | None:
        """The first frame of `count` in one piece; none beyond the device's end, or where it is not aligned."""
        frame = self.start + offset >> PAGE_SHIFT
        return frame if offset + (count << PAGE_SHIFT) <= self.size and not frame % count else None

    def release(self, frame: int) -> None:
        """Devices keep their memory."""


class MemoryObject(Part):
    """Memory that maps can map: anonymous, whose pages come when they are touched, or a device's.

    An object that no entry maps any more gives its pages back; it can be mapped again and is then empty.
    """

    def __init__(self, system: System, path: str) -> None:
        super().__init__(system, path)
        self.name = path.removeprefix("object:")

    @property
    def vm_object(self) -> VmObject:
        """The kernel's own."""
        return self.system.objects.get(self.name) or self.missing()

    @property
    def pager(self) -> AnonymousPager | DevicePager:
        """Where its pages come from."""
        pager = self.vm_object.pager
        assert isinstance(pager, (AnonymousPager, DevicePager)), "the machine's objects have one of these"
        return pager

    @property
    def pages(self) -> dict[int, int]:
        """Resident pages: offset in bytes to frame."""
        return {index << PAGE_SHIFT: frame for index, frame in sorted(self.vm_object.pages.items())}

    @property
    def resident(self) -> Size:
        """Bytes that are in memory."""
        return Size(len(self.vm_object.pages) << PAGE_SHIFT)

    def __repr__(self) -> str:
        pager = self.pager
        if isinstance(pager, DevicePager):
            return f"<device {self.name!r}: {Size(pager.size)} at physical {Address(pager.start)}>"
        limit = "" if pager.max_pages is None else f" of at most {pager.max_pages}"
        return f"<object {self.name!r}: {len(self.vm_object.pages)}{limit} pages resident>"
