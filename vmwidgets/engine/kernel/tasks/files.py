"""Files: their bytes on disk, and their pages in memory, which reads and mappings share."""

from __future__ import annotations

from itertools import pairwise

from ...base.units import PAGE, PAGE_SHIFT
from ..threads.waits import MaySleep, TimedWait
from .objects_schema import FileResized
from .pageout import TaskMemory
from .pagers import FilePager
from .vm_object import TaskObject


class File:
    """A file; `object` has its pages in memory (the page cache), and `pager` its bytes on disk."""

    def __init__(self, name: str, content: bytes, memory: TaskMemory, latency: int = 0) -> None:
        self.name = name
        self.pager = FilePager(memory, name, content, latency)
        self._memory = memory
        self._resized(-1, len(content))
        self.object = TaskObject(f"file {name}", self.pager, memory, shared=True)
        self.object.reference()

    def read(self, offset: int, length: int) -> MaySleep[bytes]:
        """Read bytes from `offset` on, up to the file's end, through the page cache.

        Sleeps for a slow file. O(pages).
        """
        parts = []
        for at, count in _pieces(offset, min(offset + length, self.pager.size)):
            yield from self._wait(at)
            if at >= self.pager.size:  # it was cut meanwhile
                break
            frame, *_ = self.object.fault(at, False)
            parts.append(self._memory.ram.read((frame << PAGE_SHIFT) + at % PAGE, count))
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> MaySleep[None]:
        """Write bytes to the page cache from `offset` on; the file grows if necessary.

        Sleeps for a slow file.  O(pages).
        """
        for at, count in _pieces(offset, offset + len(data)):
            if at // PAGE * PAGE < self.pager.size:
                yield from self._wait(at)
            if offset + len(data) > self.pager.size and not self.pager.gone:
                self.resize(offset + len(data))
            frame, *_ = self.object.fault(at, True)
            self._memory.ram.write((frame << PAGE_SHIFT) + at % PAGE, data[at - offset : at - offset + count])

    def _wait(self, offset: int) -> MaySleep[None]:
        """Sleep as long as the pager takes for the page at `offset`."""
        ticks = self.object.wait_for(offset)
        if ticks:
            yield TimedWait("the pager", ticks)

    def sync(self, first: int = 0, last: int | None = None) -> int:
        """Write back the dirty pages from `first` on and before `last`, and the length; returns the number of pages."""
        dirty = [index for index in sorted(self.object.dirty) if first <= index and (last is None or index < last)]
        for index in dirty:
            self._memory.clean(self.object, index)
        self.pager.extend()
        return len(dirty)

    def resize(self, size: int) -> None:
        """Set the size; bytes beyond it are lost, also in memory and in all mappings."""
        before, self.pager.size = self.pager.size, size
        del self.pager.content[size:]
        self._resized(before, size)
        for index in [one for one in sorted(self.object.pages) if one >= -(-size // PAGE)]:
            self._memory.unmap(self.object.pages[index])
            self.object.drop(index << PAGE_SHIFT)
        last = self.object.pages.get(size >> PAGE_SHIFT)
        if last is not None and size < before:
            self._memory.ram.fill((last << PAGE_SHIFT) + size % PAGE, PAGE - size % PAGE)

    def vanish(self) -> None:
        """Remove the file, as if its disk were gone."""
        self.resize(0)
        self.pager.gone = True
        self._resized(0, -1)

    def _resized(self, before: int, after: int) -> None:
        emit = self._memory.recorder.emit
        if emit is not None:
            emit((FileResized.tag, self.name, before, after))


def _pieces(start: int, end: int) -> list[tuple[int, int]]:
    """Return the pieces of [start, end), cut at page boundaries: offset and number of bytes of each."""
    borders = [start, *range((start // PAGE + 1) * PAGE, end, PAGE), end]
    return [(at, after - at) for at, after in pairwise(borders) if at < after]
