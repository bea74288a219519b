"""Policies that read reference bits at each tick of the clock: aging, and not recently used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from .policy import Arrivals, Pages

BITS = 8
"""How long the counters of :class:`Aging` are."""


class Aging(Arrivals):
    """The page with the lowest counter: not frequently used, with aging (Tanenbaum, "Modern Operating Systems", 3.4.7).

    Each page has a counter of eight bits.  At a tick all move one bit to the right, and the reference bits, which are
    cleared, come in at the left.  A page comes with a counter of 0; of equal counters, the page goes that came first.
    Without ticks that is FIFO.  O(frames log frames) for a page that goes, O(frames) for a tick.
    """

    ages: ClassVar[bool] = True
    uses_bits: ClassVar[bool] = True

    def entered(self, frame: int) -> None:
        """Its counter is 0."""
        super().entered(frame)
        self._note(frame, 0)

    def kept(self, frame: int) -> int:
        """Its counter."""
        return self.notes[frame]

    def restore(self, frame: int, kept: int) -> None:
        """It has the counter that it had."""
        self._note(frame, kept)

    def ticked(self, pages: Pages, count: int) -> None:
        """Counters move, and take the reference bits in at the left; the next ticks find none set."""
        changed = []
        for frame in self.places:
            is_used = pages.referenced(frame)
            if is_used:
                self._clear(pages, frame)
            before = self.notes[frame]
            after = (before >> 1 | is_used << BITS - 1) >> min(count, BITS + 1) - 1
            if after != before:
                self.notes[frame] = after
                changed.append((frame, before, after))
        if changed and self._report is not None:
            self._report.aged(tuple(changed))

    @property
    def order(self) -> list[int]:
        """By their counters, the lowest first; where these are equal, as they came."""
        return sorted(self.places, key=self.notes.__getitem__)


class NotRecentlyUsed(Arrivals):
    """A page of the lowest of four classes, by its bits: not referenced and clean, dirty, referenced, both ("NRU").

    Reference bits are cleared at each tick (Tanenbaum, 3.4.2).  The first that came goes, of those in the class; the
    textbook takes any.  O(frames log frames) for a page that goes, O(frames) for a tick.
    """

    ages: ClassVar[bool] = True
    uses_bits: ClassVar[bool] = True

    def ticked(self, pages: Pages, count: int) -> None:
        """All reference bits are cleared."""
        for frame in self.places:
            if pages.referenced(frame):
                self._clear(pages, frame)

    def candidates(self, pages: Pages) -> Iterator[int]:
        """By their classes, those that may go."""
        able = [frame for frame in self.places if pages.may_go(frame)]
        return iter(sorted(able, key=lambda frame: (pages.referenced(frame), pages.dirty(frame))))
