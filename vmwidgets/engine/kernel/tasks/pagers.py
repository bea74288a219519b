"""The sources of tasks' pages: zeroes and swap space, files, devices (X15 `vm_anon`, Mach's pagers)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from ...base.errors import CallbackFailed, kernel_error
from ...base.units import PAGE, PAGE_SHIFT, counted
from ...memory.pages_schema import MAX_ORDER
from ..map.vm_object import VmObject
from .pageout import TaskMemory


class FramePager:
    """The common part of pagers whose pages are RAM."""

    has_frames = True
    latency = 0

    def __init__(self, memory: TaskMemory) -> None:
        self._memory = memory

    def put_page(self, index: int, content: bytes) -> None:
        """Do nothing: pages are written to swap space instead."""

    def release(self, frame: int) -> None:
        """Free the frame."""
        self._memory.free(frame)


class AnonymousPager(FramePager):
    """A pager of anonymous memory: one frame for each requested page, up to `max_pages` per object (X15 `vm_anon`).

    Pages are zeroed; with quirk anonymous-not-zeroed, they keep their frame's earlier contents.
    """

    kind = "anonymous"

    def peek(self, name: str, index: int) -> bytes:
        """Return zeroes."""
        return bytes(PAGE)

    def __init__(self, memory: TaskMemory, max_pages: int | None = None) -> None:
        super().__init__(memory)
        self.max_pages = max_pages

    def get_page(self, target: VmObject, offset: int, task: str = "") -> int | None:
        """Return a frame with the page; None if memory or the limit is used up."""
        if self.max_pages is not None and target.count >= self.max_pages:
            return None
        frame = self._memory.fresh(target, task)
        if frame is not None:
            self._memory.zero(frame)
        return frame

    def get_run(self, target: VmObject, offset: int, count: int, task: str) -> int | None:
        """Return the first of `count` (a power of two) new contiguous frames, or None."""
        if self.max_pages is not None and target.count + count > self.max_pages:
            return None
        order = count.bit_length() - 1
        frame = self._memory.fresh_run(target, order, task) if order <= MAX_ORDER else None
        for at in range(count if frame is not None else 0):
            assert frame is not None
            self._memory.zero(frame + at)
        return frame


class DevicePager:
    """Pages at a fixed physical address: a device's memory, not the machine's."""

    kind = "device"
    latency = 0
    has_frames = False

    def __init__(self, start: int, size: int) -> None:
        self.start = start
        self.size = size

    def get_page(self, target: VmObject, offset: int, task: str = "") -> int | None:
        """Return the device's frame at `offset`; None beyond the device's end."""
        return self.start + offset >> PAGE_SHIFT if offset < self.size else None

    def get_run(self, target: VmObject, offset: int, count: int, task: str) -> int | None:
        """Return the first of `count` contiguous frames; None beyond the device's end, or if it is not aligned."""
        frame = self.start + offset >> PAGE_SHIFT
        return frame if offset + (count << PAGE_SHIFT) <= self.size and not frame % count else None

    def put_page(self, index: int, content: bytes) -> None:
        """Do nothing: a device receives each write itself."""

    def peek(self, name: str, index: int) -> bytes:
        """Raise IO: a device's contents are only known through an access."""
        raise kernel_error("IO", f"page {index} of {name!r} is a device's: only an access shows what is there")

    def release(self, frame: int) -> None:
        """Devices keep their memory."""


class FilePager(FramePager):
    """The pages of a file: read in, and written back.

    A page without bytes of the file can't be read: IO, which a task receives as SIGBUS.
    """

    kind = "file"

    def __init__(self, memory: TaskMemory, name: str, content: bytes, latency: int = 0) -> None:
        super().__init__(memory)
        self.latency = latency
        self.name = name
        self.content = bytearray(content)
        """The bytes on disk."""
        self.size = len(content)
        """The size of the file in bytes, including those not written back yet."""
        self.gone = False

    def get_page(self, target: VmObject, offset: int, task: str = "") -> int | None:
        """Return a frame with the page, zeroes after the file's end; None without a frame."""
        self._check_has(offset)
        self._memory.check_read(target, offset >> PAGE_SHIFT)
        frame = self._memory.fresh(target, task)
        if frame is not None:
            self._fill(frame, offset)
        return frame

    def put_page(self, index: int, content: bytes) -> None:
        """Write a page back, up to the file's end."""
        start, end = index << PAGE_SHIFT, min(self.size, index + 1 << PAGE_SHIFT)
        self._extend(end)
        self.content[start:end] = content[: end - start]

    def extend(self) -> None:
        """Make the file on disk as long as the file is."""
        self._extend(self.size)

    def _extend(self, end: int) -> None:
        self.content.extend(bytes(max(0, end - len(self.content))))

    def peek(self, name: str, index: int) -> bytes:
        """Return what is on disk, and zeroes after the file's end."""
        offset = index << PAGE_SHIFT
        self._check_has(offset)
        return bytes(self.content[offset : offset + PAGE]).ljust(PAGE, b"\0")

    def _check_has(self, offset: int) -> None:
        """Raise IO if the file has no byte of the page at `offset`."""
        if self.gone or offset >= self.size:
            what = "is gone" if self.gone else f"has {counted(self.size, 'byte')}"
            raise kernel_error("IO", f"the file {self.name!r} {what}: there is no page at {offset:#x} of it")

    def _fill(self, frame: int, offset: int) -> None:
        self._memory.ram.write(frame << PAGE_SHIFT, self.peek(self.name, offset >> PAGE_SHIFT))

    def read_ahead(self, target: VmObject, index: int, task: str) -> Iterator[tuple[int, int]]:
        """Yield the pages after a requested one, with their frames, while there are frames without evicting a page."""
        for after in range(index + 1, min(index + 1 + self._memory.read_ahead, -(-self.size // PAGE))):
            frame = None if after in target.pages else self._memory.spare(target, task)
            if frame is not None:
                self._fill(frame, after << PAGE_SHIFT)
                yield after, frame


class CodePager(FramePager):
    """The pages that a function returns, by number: a learner's pager.

    Evicted pages go to swap space. If the function fails, the page can't be read: IO.
    """

    kind = "pager"

    def __init__(self, memory: TaskMemory, pages: int, code: Callable[[int], bytes]) -> None:
        super().__init__(memory)
        self.pages = pages
        """The number of its pages; there are none beyond them."""
        self.code = code

    def peek(self, name: str, index: int) -> bytes:
        """Raise IO: the function is not called just to look."""
        raise kernel_error("IO", f"page {index} of {name!r} was not read in: only an access asks the pager for it")

    def get_page(self, target: VmObject, offset: int, task: str = "") -> int | None:
        """Return a frame with the page; None without a frame."""
        index = offset >> PAGE_SHIFT
        if index >= self.pages:
            raise kernel_error(
                "IO", f"the pager of {target.name!r} has {counted(self.pages, 'page')}, and none at {offset:#x}"
            )
        self._memory.check_read(target, index)
        try:
            content = self.code(index)
        except CallbackFailed as failed:
            raise kernel_error("IO", str(failed)) from failed
        frame = self._memory.fresh(target, task)
        if frame is not None:
            self._memory.ram.write(frame << PAGE_SHIFT, content)
        return frame


TaskPager: TypeAlias = AnonymousPager | DevicePager | FilePager | CodePager
"""A pager of tasks' objects; the `task` of its methods is the task for which a page is supplied, "" for none."""
