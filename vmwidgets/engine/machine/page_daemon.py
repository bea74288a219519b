"""The page daemon as learners hold it: how fast it works, and whether at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.errors import Refused
from ..base.operations import Door, operation
from ..kernel.page_daemon import PageDaemon
from . import checks

if TYPE_CHECKING:
    from .machine import Machine


class MachinePageDaemon:
    """``m.pagedaemon``: the thread that makes pages free when requests were refused."""

    path = "pagedaemon"

    def __init__(self, machine: Machine, daemon: PageDaemon) -> None:
        self.machine = machine
        self._daemon = daemon

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @operation
    def stop(self) -> None:
        """Let it sleep whatever happens: who waits for pages waits until somebody frees some."""
        self._daemon.stopped = True

    @operation
    def start(self) -> None:
        """Let it work again."""
        self._daemon.restart()

    @operation
    def pace(self, *, interval: int | None = None, pages: int | None = None) -> None:
        """Slow it down or speed it up: clock ticks between two passes, and the pages one pass moves at most."""
        ticks = self._daemon.interval if interval is None else checks.count(interval, "interval")
        most = self._daemon.most if pages is None else checks.count(pages, "pages")
        if most == 0:
            raise Refused("pages=0: a pass moves at least one page; m.pagedaemon.stop() keeps the daemon from working")
        self._daemon.interval, self._daemon.most = ticks, most

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._daemon.stopped

    @property
    def needed(self) -> bool:
        """Whether somebody was refused a page since it last had enough (`vm_pages_needed`)."""
        return self._daemon.needed

    def __repr__(self) -> str:
        state = "stopped" if self.stopped else "needed" if self.needed else "idle"
        marks = self._daemon.marks
        return (
            f"<page daemon, {state}: {self._daemon.available:,} pages can be had, it wakes waiters above "
            f"{marks.free_min} and works up to {marks.free_target}>"
        )
