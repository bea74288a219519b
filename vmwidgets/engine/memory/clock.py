"""The clock: second chance on a fixed ring, with a moving hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from .page import AnyPage
from .policy import Pages, Policy, References, RingReport

FEW = 64
"""A ring that never had more pages than this is not renumbered, however many pages leave."""


class Clock(Policy):
    """The choice of second chance, on a fixed ring with a moving hand.

    A new page is placed just before the hand, so that it is checked last. It takes the vacant place there, usually the
    victim's (Corbató, "A Paging Experiment with the Multics System", 1968; 4BSD).  If a page left elsewhere in the
    ring, there is no vacant place: the places are then renumbered with gaps, in the same order.  O(1) amortized for a
    page that comes or goes, since there are twice as many numbers as pages.

    >>> from vmwidgets.engine.memory.page import Page
    >>> clock = Clock()
    >>> for frame in (7, 8, 9):
    ...     clock.entered(Page(frame, "memory", frame))
    >>> [page.frame for page in clock.order], clock.hand
    ([7, 8, 9], 0)
    """

    uses_bits: ClassVar[bool] = True

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self._most = 0
        """The greatest number of pages since places were numbered."""

    @property
    def hand(self) -> int:
        """The place of the next page to be checked, the first of the ring."""
        return 0 if self._first is None else self._first.place

    def entered(self, page: AnyPage) -> None:
        """Insert the page before the page that the hand points at.  O(1), amortized."""
        super().entered(page)
        self._most = max(self._most, len(self))

    def _new_place(self) -> int:
        """Return a vacant place just before the page at the hand, after renumbering if necessary."""
        if self._first is None:
            return 0
        place = self._vacant(self._first)
        if place < 0:
            self._renumber(len(self) + 1)
            place = self._vacant(self._first)
        return place

    @staticmethod
    def _vacant(at: AnyPage) -> int:
        """Return the first vacant place from the page checked last to the page `at` the hand; -1 if there is none."""
        passed, hand = at.previous.place, at.place
        if passed >= hand and hand == 0:
            return passed + 1  # the hand is at the ring's beginning, so the page at its end is checked last
        first = passed + 1 if passed < hand else 0
        return first if first < hand else -1

    def left(self, page: AnyPage) -> None:
        """Vacate the page's place; if the hand pointed at it, it now points at the next page.  O(1), amortized."""
        super().left(page)
        if self._most > FEW and 4 * len(self) < self._most and len(self):
            self._renumber(1)

    def _renumber(self, apart: int) -> None:
        """Give all pages places with gaps, in their present order.  O(pages log pages)."""
        pages = sorted(self.queue, key=lambda page: page.place)
        moved = tuple((page.frame, page.place, number * apart) for number, page in enumerate(pages))
        for page, (_, _, place) in zip(pages, moved, strict=True):
            page.place = place
        self._most = len(pages)
        before, self.reported = self.reported, self.hand
        if self._report is not None:
            self._report.renumbered(moved, before, self.hand)

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield, from the hand on, the pages with a clear bit; set bits are cleared on the way.

        Each check is reported.
        """
        for _ in range(2 * len(self)):
            page = self._first
            assert page is not None, "none leaves on the way"
            self._first = page.following
            if not pages.may_go(page):
                self._looked(page, "kept")
            elif pages.referenced(page):
                pages.clear_referenced(page)
                self._looked(page, "used")
            else:
                self._looked(page, "unused")
                yield page

    def _looked(self, page: AnyPage, found: str) -> None:
        """Report that the hand checked a page, with the hand at this page and not yet at the next."""
        before, self.reported = self.reported, page.place
        if self._report is not None:
            self._report.looked(page.frame, before, self.reported, found)
