"""Policies that read reference bits at each tick of the clock: aging, and not recently used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from .page import AnyPage
from .policy import Arrivals, Pages

BITS = 8
"""How long the counters of :class:`Aging` are."""


class Aging(Arrivals):
    """The page with the lowest counter: not frequently used, with aging (Tanenbaum, "Modern Operating Systems", 3.4.7).

    Each page has a counter of eight bits.  At a tick all move one bit to the right, and the reference bits, which are
    cleared, come in at the left.  A page comes with a counter of 0; of equal counters, the page goes that came first.
    Without ticks that is FIFO.  O(pages log pages) for a page that goes, O(pages) for a tick.
    """

    ages: ClassVar[bool] = True
    uses_bits: ClassVar[bool] = True

    def entered(self, page: AnyPage) -> None:
        """Its counter is 0."""
        super().entered(page)
        self._note(page, 0)

    def kept(self, page: AnyPage) -> int:
        """Return its counter."""
        return page.note or 0

    def restore(self, page: AnyPage, kept: int) -> None:
        """It has the counter that it had."""
        self._note(page, kept)

    def ticked(self, pages: Pages, count: int) -> None:
        """Counters move, and take the reference bits in at the left; the next ticks find none set."""
        changed = []
        for page in self.queue:
            is_used = pages.referenced(page)
            if is_used:
                self._clear(pages, page)
            before = page.note or 0
            after = (before >> 1 | is_used << BITS - 1) >> min(count, BITS + 1) - 1
            if after != before:
                changed.append((page, before, after))
        for page, _, after in changed:
            page.note = after
        if changed and self._report is not None:
            self._report.aged(tuple((page.frame, before, after) for page, before, after in changed))

    @property
    def order(self) -> list[AnyPage]:
        """By their counters, the lowest first; where these are equal, as they came."""
        return sorted(self.queue, key=lambda page: page.note or 0)


class NotRecentlyUsed(Arrivals):
    """A page of the lowest of four classes, by its bits: not referenced and clean, dirty, referenced, both ("NRU").

    Reference bits are cleared at each tick (Tanenbaum, 3.4.2).  The first that came goes, of those in the class; the
    textbook takes any.  O(pages log pages) for a page that goes, O(pages) for a tick.
    """

    ages: ClassVar[bool] = True
    uses_bits: ClassVar[bool] = True

    def ticked(self, pages: Pages, count: int) -> None:
        """All reference bits are cleared."""
        for page in self.queue:
            if pages.referenced(page):
                self._clear(pages, page)

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """By their classes, those that may go."""
        able = [page for page in self.queue if pages.may_go(page)]
        return iter(sorted(able, key=lambda page: (pages.referenced(page), pages.dirty(page))))
