"""Policies that read reference bits at each tick of the clock: aging, and not recently used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from .page import AnyPage
from .policy import Pages, Policy
from .replacement_schema import PagesAged

BITS = 8
"""The length of the counters of :class:`Aging` in bits."""


class Aging(Policy):
    """Evict the page with the lowest counter: not frequently used, with aging (Tanenbaum, 3.4.7).

    Each page has a counter of eight bits.  At a tick, all counters are shifted right by one bit, and the reference
    bits, which are cleared, enter on the left.  A new page has a counter of 0; of equal counters, the page that came
    first is evicted.  Without ticks, this is FIFO.  O(pages log pages) for an eviction, O(pages) for a tick.
    (Tanenbaum, "Modern Operating Systems".)
    """

    ages: ClassVar[bool] = True
    uses_bits: ClassVar[bool] = True

    def entered(self, page: AnyPage) -> None:
        """Set a new page's counter to 0."""
        page.known = 0
        super().entered(page)

    def note(self, page: AnyPage) -> int:
        """Return a page's counter."""
        return int(page.known)

    def ticked(self, pages: Pages, count: int) -> None:
        """Shift the counters, and add the reference bits on the left; further ticks in this call find no bit set."""
        changed = []
        for page in self.queue:
            is_used = pages.referenced(page)
            if is_used:
                self._clear(pages, page)
            after = (page.known >> 1 | is_used << BITS - 1) >> min(count, BITS + 1) - 1
            if after != page.known:
                changed.append((page, page.known, after))
        for page, _, after in changed:
            page.known = after
        if changed:
            notes = tuple((page.frame, before, after) for page, before, after in changed)
            self.recorder.report(PagesAged.tag, self.name, notes)

    @property
    def order(self) -> list[AnyPage]:
        """The pages by counter, the lowest first; pages with equal counters in order of arrival."""
        return sorted(self.queue, key=self.note)


class NotRecentlyUsed(Policy):
    """Evict a page of the lowest of four classes: neither referenced nor dirty, dirty, referenced, both ("NRU").

    Reference bits are cleared at each tick (Tanenbaum, 3.4.2).  The first page to arrive in the class is evicted; the
    textbook evicts any.  O(pages log pages) for an eviction, O(pages) for a tick.
    """

    ages: ClassVar[bool] = True
    uses_bits: ClassVar[bool] = True

    def ticked(self, pages: Pages, count: int) -> None:
        """Clear all reference bits."""
        for page in self.queue:
            if pages.referenced(page):
                self._clear(pages, page)

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the evictable pages by class."""
        able = [page for page in self.queue if pages.may_go(page)]
        return iter(sorted(able, key=lambda page: (pages.referenced(page), pages.dirty(page))))
