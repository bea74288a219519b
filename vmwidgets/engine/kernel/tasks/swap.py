"""Swap space: the pages of anonymous memory that were evicted from their frames."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from ...base.errors import Broken
from ...base.recorder import Recorder
from .objects_schema import SwapResized


class Swap:
    """Swap space: slots of one page each; the lowest free one is used first."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.slots = 0
        self.latency = 0
        """The number of ticks that reading in a page takes."""
        self._content: dict[int, bytes] = {}
        self._free: list[int] = []
        self.refuses: Callable[[], bool] | None = None
        """A hook for lessons: it is called before each slot is allocated; if it returns true, there seems to be
        none."""

    @property
    def used(self) -> int:
        """Return how many slots hold a page."""
        return len(self._content)

    @property
    def is_full(self) -> bool:
        """Return whether each slot contains a page."""
        return not self._free

    def resize(self, slots: int) -> None:
        """Set the number of slots, which can't be reduced."""
        before, self.slots = self.slots, slots
        self._free = sorted({*range(slots)} - self._content.keys())
        self._recorder.report(SwapResized.tag, before, slots)

    def put(self, content: bytes) -> int | None:
        """Store a page; returns its slot, or None if all are in use."""
        if not self._free or (self.refuses is not None and self.refuses()):
            return None
        slot = heappop(self._free)
        self._content[slot] = content
        return slot

    def content(self, slot: int) -> bytes:
        """The page in a slot."""
        return self._content[slot]

    def free(self, slot: int) -> None:
        """Free a slot."""
        del self._content[slot]
        heappush(self._free, slot)

    def check(self) -> None:
        """Raise :class:`Broken` unless O5. each slot is free or contains a page."""
        if sorted([*self._free, *self._content]) != list(range(self.slots)):
            raise Broken(f"O5: {len(self._free)} free and {self.used} used slots are not the {self.slots} there are")
