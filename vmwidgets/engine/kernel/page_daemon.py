"""The page daemon: the thread that makes pages free when requests were refused (FreeBSD `vm_pageout`, 2008).

It sleeps until somebody needs pages, has caches give memory back, moves inactive pages to the cached ones until the
target is reached, and lets those who wait look again once there are more than `free_min` (`vm_page_free_wakeup`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..base.events import Called, DaemonScanned, Returned
from ..base.recorder import Recorder
from ..base.units import PAGE
from .file_pages import FilePages
from .vm_page import PageQueues
from .waits import ChannelWait, Sleepy, TimedWait

CHANNEL = "vm_pages_needed"
"""What the daemon sleeps on."""

INTERRUPT_FREE_MIN = 2
"""The last pages, which only INTERRUPT requests get (`v_interrupt_free_min`)."""

MAXBSIZE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Marks on the number of pages that can be had at once."""

    interrupt_free_min: int
    free_reserved: int
    free_min: int
    free_target: int


def thresholds(total: int) -> Thresholds:
    """The marks of a machine with `total` pages (FreeBSD `vm_pageout`, its first lines).

    >>> thresholds(16384)
    Thresholds(interrupt_free_min=2, free_reserved=55, free_min=135, free_target=595)
    """
    pageout_free_min = 2 * MAXBSIZE // PAGE + INTERRUPT_FREE_MIN
    reserved = pageout_free_min + total // 768
    least = 4 + max(0, total - 1024) // 200 + reserved
    return Thresholds(INTERRUPT_FREE_MIN, reserved, least, 4 * least + reserved)


class PageDaemon:
    """`interval` is the ticks between two passes, `most` the pages one pass moves; `stopped` keeps it asleep.

    `seek_memory` fires vm_lowmem and reclaims zones; `wake` makes the threads on a channel ready, `wake_waiters`
    those who wait for pages.
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
        self._recorder = recorder
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
        """Pages that can be had at once."""
        return self._pages.frames.free + self._pages.frames.cached

    def kick(self) -> None:
        """Somebody was refused a page (`pagedaemon_wakeup`)."""
        if not self.needed:
            self.needed = True
            self._wake(CHANNEL)

    def freed(self) -> None:
        """A page came free: those who wait look again if there are enough (`vm_page_free_wakeup`)."""
        if self.available > self.marks.free_min:
            self._wake_waiters()

    def restart(self) -> None:
        """After it was stopped: it goes on where there is something to do."""
        self.stopped = False
        if self.needed:
            self._wake(CHANNEL)

    def run(self) -> Sleepy[None]:
        """The daemon's thread; never ends."""
        while True:
            while self.stopped or not self.needed:
                yield ChannelWait(CHANNEL, "psleep")
            moved = self._scan()
            if self.available >= self.marks.free_target or not moved:
                self.needed = False
            else:
                yield TimedWait("pagedaemon", self.interval)

    def _scan(self) -> int:
        """One pass (`vm_pageout_scan`): how many pages it made available."""
        emit = self._recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_pageout_scan", ()))
        before = self.available
        self._seek_memory()
        moved = 0
        while moved < self.most and self.available < self.marks.free_target and self._files.cache_oldest():
            moved += 1
        if emit is not None:
            emit((DaemonScanned.tag, moved, self.available))
            emit((Returned.tag, moved))
        gained = max(moved, self.available - before)
        if gained:
            self.freed()
        return gained
