"""Memory objects as learners hold them, and the pager of anonymous memory behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.units import PAGE_SHIFT, Address, Size
from ..kernel.map.vm_object import VmObject
from ..memory.pages import MAX_ORDER

if TYPE_CHECKING:
    from .machine import Machine


class AnonymousPager:
    """One physical page for each page asked for, up to `max_pages` an object (X15 `vm_anon`).

    Pages are zeroed; with quirk anonymous-not-zeroed they keep what their frame held.
    """

    def __init__(self, machine: Machine, max_pages: int | None) -> None:
        self._machine = machine
        self.max_pages = max_pages

    def get_page(self, target: VmObject, offset: int) -> int | None:
        """A fresh frame, or none when memory or the limit is used up."""
        if self.max_pages is not None and len(target.pages) >= self.max_pages:
            return None
        frame: int | None = self._machine.pages.allocate(owner=f"object {target.name}")
        if frame is not None and "anonymous-not-zeroed" not in self._machine.quirks:
            self._machine.ram.zero_frame(frame)
        return frame

    def get_run(self, target: VmObject, offset: int, count: int) -> int | None:
        """The first of `count` (a power of two) fresh frames in one piece, or none."""
        if self.max_pages is not None and len(target.pages) + count > self.max_pages:
            return None
        order = count.bit_length() - 1
        frame = self._machine.pages.allocate_run(order, f"object {target.name}") if order <= MAX_ORDER else None
        if frame is not None:
            for at in range(count):
                self._machine.ram.zero_frame(frame + at)
        return frame

    def release(self, frame: int) -> None:
        """The frame is free again."""
        self._machine.pages.free(frame)


class DevicePager:
    """Pages at a fixed physical address: a device's memory, not the machine's."""

    def __init__(self, start: int, size: int) -> None:
        self.start = start
        self.size = size

    def get_page(self, target: VmObject, offset: int) -> int | None:
        """The frame that answers at `offset`; none beyond the device's end."""
        return self.start + offset >> PAGE_SHIFT if offset < self.size else None

    def get_run(self, target: VmObject, offset: int, count: int) -> int | None:
        """All of a device lies in one piece; what is not aligned can't be one page all the same."""
        frame = self.start + offset >> PAGE_SHIFT
        return frame if offset + (count << PAGE_SHIFT) <= self.size and not frame % count else None

    def release(self, frame: int) -> None:
        """Devices keep their memory."""


class MemoryObject:
    """Memory that maps can map: anonymous, whose pages come when they are touched, or a device's.

    An object that no entry maps any more gives its pages back; it can be mapped again and is then empty.
    """

    def __init__(self, machine: Machine, name: str, pager: AnonymousPager | DevicePager) -> None:
        self.pager = pager
        self.vm_object = VmObject(name, self.pager)

    @property
    def name(self) -> str:
        """Its name."""
        return self.vm_object.name

    @property
    def path(self) -> str:
        """Where it stands in the machine."""
        return f"object:{self.name}"

    @property
    def pages(self) -> dict[int, int]:
        """Resident pages: offset in bytes to frame."""
        return {index << PAGE_SHIFT: frame for index, frame in sorted(self.vm_object.pages.items())}

    @property
    def resident(self) -> Size:
        """Bytes that are in memory."""
        return Size(len(self.vm_object.pages) << PAGE_SHIFT)

    def __repr__(self) -> str:
        if isinstance(self.pager, DevicePager):
            return f"<device {self.name!r}: {Size(self.pager.size)} at physical {Address(self.pager.start)}>"
        limit = "" if self.pager.max_pages is None else f" of at most {self.pager.max_pages}"
        return f"<object {self.name!r}: {len(self.vm_object.pages)}{limit} pages resident>"
