"""Pages of files in memory: what fills a machine's frames without being needed, and can be taken back at once.

A file page that was read stands on the inactive queue; the page daemon makes it a cached one, oldest first, and a
cached one is reused when nothing is free (FreeBSD's inactive and cache queues, 2008).  File pages are clean here:
nothing has to be written before they go.
"""

from __future__ import annotations

from ..base.events import FileRead, PageCached
from ..base.recorder import Recorder
from ..base.units import PAGE, PAGE_SHIFT
from ..memory.ram import Ram
from .frame_store import SharedFrames
from .vm_object import VmObject
from .vm_page import NORMAL, PageQueues, PageRequest
from .waits import PageWait, Sleepy

READ = PageRequest(NORMAL)
"""How a page for file data is asked for."""


def file_content(name: str, pindex: int) -> bytes:
    r"""What page `pindex` of a file holds: its name and number, over and over.

    >>> file_content("kernel", 2)[:20]
    b'kernel, page 2\nkerne'
    """
    line = f"{name}, page {pindex}\n".encode()
    return (line * (PAGE // len(line) + 1))[:PAGE]


class FilePages:
    """All file pages in memory, on their queues."""

    def __init__(self, recorder: Recorder, pages: PageQueues, frames: SharedFrames, ram: Ram) -> None:
        self._recorder = recorder
        self._pages = pages
        self._frames = frames
        self._ram = ram
        self.files: dict[str, VmObject] = {}
        self._inactive: dict[int, None] = {}
        self._cached: dict[tuple[VmObject, int], int] = {}
        self._places: dict[int, tuple[VmObject, int]] = {}
        """By frame: which page it held when it was cached; another may be in it by now."""

    @property
    def inactive(self) -> int:
        """Pages on the inactive queue."""
        return len(self._inactive)

    def read(self, name: str, first: int, count: int) -> Sleepy[int]:
        """Have pages [first, first + count) of a file in memory; how many had to be read.  Waits for pages."""
        target = self.files.setdefault(name, VmObject(f"file {name}", self._pages))
        read = 0
        for pindex in range(first, first + count):
            while not self._present(target, name, pindex):
                page = self._pages.allocate(target, pindex, READ)
                if page is None:
                    yield PageWait()
                    continue
                self._ram.write(page.frame << PAGE_SHIFT, file_content(name, pindex))
                page.busy = False
                read += 1
                self._report(FileRead.tag, name, pindex, page.frame, "read")
                self._inactive[page.frame] = None
                break
        return read

    def _present(self, target: VmObject, name: str, pindex: int) -> bool:
        """Whether the page is in memory; then it is the youngest of its queue."""
        frame = target.pages.get(pindex)
        how = "hit"
        if frame is None:
            frame = self._find_cached(target, pindex)
            if frame is None:
                return False
            how = "reactivated"
            self._frames.take_back(frame, target.name)
            self._pages.adopt(frame, target, pindex, READ)
        self._inactive.pop(frame, None)
        self._inactive[frame] = None
        self._report(FileRead.tag, name, pindex, frame, how)
        return True

    def _find_cached(self, target: VmObject, pindex: int) -> int | None:
        place = (target, pindex)
        frame = self._cached.pop(place, None)
        held = frame is not None and self._places[frame] == place and self._frames.is_cached(frame)
        return frame if held else None

    def cache_oldest(self) -> bool:
        """Make the oldest inactive page a cached one; false when there is none."""
        frame = next(iter(self._inactive), None)
        if frame is None:
            return False
        del self._inactive[frame]
        page = self._pages.in_use[frame]
        self._pages.disown(page)
        place = (page.object, page.pindex)
        before = self._places.get(frame, place)
        if self._cached.get(before) == frame:  # the page that it held may be cached in another frame by now
            del self._cached[before]
        self._cached[place], self._places[frame] = frame, place
        self._frames.cache(frame, page.object.name)
        self._report(PageCached.tag, frame, page.object.name)
        return True

    def _report(self, tag: str, *fields: object) -> None:
        emit = self._recorder.emit
        if emit is not None:
            emit((tag, *fields))
