"""Page replacement by second chance: the engine's side, in its smallest form."""

from __future__ import annotations

from typing import Any

from tests.views.clock.events import HandMoved, PageReplaced, ReferenceSet
from tests.views.clock.value import ClockValue
from vmwidgets.engine.base.operations import operation
from vmwidgets.engine.machine.system import Part, System


class Clock:
    """So many frames in a circle, and the hand."""

    def __init__(self, report: Any, frames: int = 6) -> None:
        self._report = report
        self.pages: list[int | None] = [None] * frames
        self.referenced = [False] * frames
        self.hand = 0

    def touch(self, page: int) -> int:
        """Use `page`; its frame is the result."""
        if page not in self.pages:
            while self.referenced[self.hand]:
                self._mark(self.hand, value=False)
                self._move()
            self._report(PageReplaced.tag, self.hand, self.pages[self.hand], page)
            self.pages[self.hand] = page
            self._mark(self.hand, value=True)
            self._move()
        frame = self.pages.index(page)
        if not self.referenced[frame]:
            self._mark(frame, value=True)
        return frame

    def _mark(self, frame: int, *, value: bool) -> None:
        self._report(ReferenceSet.tag, frame, self.referenced[frame], value)
        self.referenced[frame] = value

    def _move(self) -> None:
        after = (self.hand + 1) % len(self.pages)
        self._report(HandMoved.tag, self.hand, after)
        self.hand = after


class MachineClock(Part):
    """The clock as a learner holds it."""

    def __init__(self, system: System, path: str = "clock") -> None:
        super().__init__(system, path)
        self.clock = Clock(system.recorder.report)

    def value(self) -> ClockValue:
        """The clock as it is."""
        clock = self.clock
        return ClockValue(tuple(clock.pages), tuple(clock.referenced), clock.hand)

    @operation
    def touch(self, page: int) -> int:
        """Use `page`; its frame is the result."""
        return self.clock.touch(page)
