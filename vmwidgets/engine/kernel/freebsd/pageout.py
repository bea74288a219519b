"""Pages of files in memory, and the page daemon that makes them reusable (FreeBSD `vm_pageout`, 2008).

A file page that was read is on the inactive queue; the page daemon moves the oldest pages of this queue to the cache,
and a cached page is reused when nothing is free. File pages are clean here, so nothing has to be written before they
are reused. The daemon sleeps until a request is refused. Then it makes caches return memory, moves inactive pages to
the cache until its target is reached, and wakes threads that wait for pages once there are `free_min`
(`vm_page_free_wakeup`).
"""

from __future__ import annotations

from collections.abc import Callable

from ...base.frozen import frozen
from ...base.recorder import Recorder, kernel_function
from ...base.units import PAGE, PAGE_SHIFT
from ...memory.ram import Ram
from ..map.vm_object import VmObject
from ..threads.waits import ChannelWait, MaySleep, PageWait, TimedWait
from .kmem_schema import DaemonScanned, FileRead, PageCached
from .vm_page import NORMAL, PageQueues, PageRequest, SharedFrames

READ = PageRequest(NORMAL)
"""The kind of request for a page of file data."""


def file_content(name: str, pindex: int) -> bytes:
    r"""Return the contents of page `pindex` of a file: its name and number, repeated.

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
        """The page that each frame contained when it was cached; it may contain another by now."""

    @property
    def inactive(self) -> int:
        """The number of pages on the inactive queue."""
        return len(self._inactive)

    def read(self, name: str, first: int, count: int) -> MaySleep[int]:
        """Bring pages [first, first + count) of a file into memory; returns how many had to be read.

        Waits for pages.
        """
        target = self.files.setdefault(name, VmObject(f"file {name}", self._pages))
        read = 0
        for pindex in range(first, first + count):
            while not self._present(target, name, pindex):
                page = self._pages.allocate(target, pindex, READ)
                if page is None:
                    yield PageWait()
                    continue
                self._ram.write(page.frame << PAGE_SHIFT, file_content(name, pindex))
                page.held = 0
                read += 1
                self._inactive[page.frame] = None
                self._recorder.report(FileRead.tag, name, pindex, page.frame, "read")
                break
        return read

    def _present(self, target: VmObject, name: str, pindex: int) -> bool:
        """Return whether the page is in memory, and if so, make it the youngest of its queue."""
        frame = target.pages.get(pindex)
        how = "hit"
        if frame is None:
            frame = self._find_cached(target, pindex)
            if frame is None:
                return False
            how = "reactivated"
            self._frames.reactivate(frame, target.name)
            self._pages.adopt(frame, target, pindex, READ)
        self._inactive.pop(frame, None)
        self._inactive[frame] = None
        self._recorder.report(FileRead.tag, name, pindex, frame, how)
        return True

    def _find_cached(self, target: VmObject, pindex: int) -> int | None:
        place = (target, pindex)
        frame = self._cached.pop(place, None)
        held = frame is not None and self._places[frame] == place and self._frames.is_cached(frame)
        return frame if held else None

    def cache_oldest(self) -> bool:
        """Move the oldest inactive page to the cache; returns false if there is none."""
        frame = next(iter(self._inactive), None)
        if frame is None:
            return False
        del self._inactive[frame]
        page = self._pages.in_use[frame]
        self._pages.detach(page)
        place = (page.owner, page.index)
        before = self._places.get(frame, place)
        if self._cached.get(before) == frame:  # the page that it held may be cached in another frame by now
            del self._cached[before]
        self._cached[place], self._places[frame] = frame, place
        self._frames.cache(frame, page.owner.name)
        self._recorder.report(PageCached.tag, frame, page.owner.name)
        return True


# ---- page daemon -------------------------------------------------------------------------------


CHANNEL = "vm_pages_needed"
"""The channel on which the daemon sleeps."""

INTERRUPT_FREE_MIN = 2
"""The last pages, which only INTERRUPT requests get (`v_interrupt_free_min`)."""

MAXBSIZE = 64 * 1024
"""The size in bytes of a file system's largest block; two blocks are reserved for writing pages out."""


def page_count(total: int) -> int:
    """Return how many pages are paged out together (`vm_pageout_page_count`): 16; 8 if there are fewer than 2,000."""
    return 16 if total >= 2000 else 8


@frozen
class Thresholds:
    """Thresholds, in pages: for the number of pages that can be allocated immediately, and of inactive ones."""

    interrupt_free_min: int
    free_reserved: int
    free_min: int
    free_target: int
    inactive_target: int = 0
    """The number of inactive pages that the original keeps.

    Here, there is no queue of active pages from which they could come.
    """


def thresholds(total: int, free: int) -> Thresholds:
    """Return the thresholds for `total` pages, of which `free` are free when the daemon starts (FreeBSD `vm_pageout`).

    >>> thresholds(16384, 16000)
    Thresholds(interrupt_free_min=2, free_reserved=71, free_min=151, free_target=675, inactive_target=1012)
    """
    pageout_free_min = 2 * MAXBSIZE // PAGE + INTERRUPT_FREE_MIN
    reserved = page_count(total) + pageout_free_min + total // 768
    least = 4 + max(0, total - 1024) // 200 + reserved
    target = reserved + (4 if free > 6144 else 2) * least
    inactive = min(target * 3 // 2 if free > 2048 else free // 4, free // 3)
    return Thresholds(INTERRUPT_FREE_MIN, reserved, least, target, inactive)


class PageDaemon:
    """The page daemon.

    `interval` is the number of ticks between two passes, and `most` the number of pages that one pass moves; `stopped`
    keeps the daemon asleep. `seek_memory` fires vm_lowmem and reclaims zones; `wake` makes the threads on a channel
    ready, and `wake_waiters` those that wait for pages.
    """

    def __init__(
        self,
        recorder: Recorder,
        pages: PageQueues,
        files: FilePages,
        marks: Thresholds,
        *,
        seek_memory: Callable[[], None],
        wake: Callable[[str], int],
        wake_waiters: Callable[[], int],
    ) -> None:
        self.recorder = recorder
        self._pages = pages
        self._files = files
        self.marks = marks
        self._seek_memory = seek_memory
        self._wake = wake
        self._wake_waiters = wake_waiters
        self.name = "pagedaemon"
        self.needed = False
        self.stopped = False
        self.interval = 10
        self.most = 256
        pages.kick = self.kick
        pages.freed = self.freed

    @property
    def available(self) -> int:
        """The number of pages that can be allocated immediately."""
        return self._pages.frames.free_frames + self._pages.frames.cached

    def kick(self) -> None:
        """Note that a request was refused a page (`pagedaemon_wakeup`)."""
        if not self.needed:
            self.needed = True
            self._wake(CHANNEL)

    def freed(self) -> None:
        """Note that a page was freed: if there are enough, waiting threads look again (`vm_page_free_wakeup`).

        Called for each page of FreeBSD's; frames that tasks and caches give back are noticed at a thread's next step.
        """
        if self.available >= self.marks.free_min:  # vm_page_count_min() is free_min > free + cached
            self._wake_waiters()

    def restart(self) -> None:
        """Continue after a stop, if there is something to do."""
        self.stopped = False
        if self.needed:
            self._wake(CHANNEL)

    def run(self) -> MaySleep[None]:
        """Run the daemon's thread, which never ends."""
        while True:
            while self.stopped or not self.needed:
                yield ChannelWait(CHANNEL, "psleep")
            moved = self._scan()
            if self.available >= self.marks.free_target or not moved:
                self.needed = False
            else:
                yield TimedWait("pagedaemon", self.interval)

    @kernel_function("vm_pageout_scan")
    def _scan(self) -> int:
        """Make one pass (`vm_pageout_scan`); returns the number of pages that it made available."""
        before = self.available
        self._seek_memory()
        moved = 0
        while moved < self.most and self.available < self.marks.free_target and self._files.cache_oldest():
            moved += 1
        emit = self.recorder.emit
        if emit is not None:
            emit((DaemonScanned.tag, moved, self.available))
        gained = max(moved, self.available - before)
        if gained:
            self.freed()
        return gained
