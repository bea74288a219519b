"""The clock: second chance on a ring that stays, with a hand that goes round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from .page import AnyPage
from .policy import Pages, Policy, References, RingReport

FEW = 64
"""Rings that had so many pages at most keep their places, however many of the pages left."""


class Clock(Policy):
    """The choice of second chance, with a ring that stays and a hand that goes round.

    A new page comes in right after the hand has passed, so that it is asked last.  It takes the place that is vacant
    there, which is mostly the victim's (Corbató, "A Paging Experiment with the Multics System", 1968; 4BSD).  There is
    none where a page has left elsewhere in the ring: then the places get other numbers, with room between them, and
    their order stays.  O(1) for a page that comes or goes, amortised: there is room for as many pages as there are.

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
        """How many pages there were at most, since places were numbered."""

    @property
    def hand(self) -> int:
        """The place of the page that it asks next, the first of the ring."""
        return 0 if self._first is None else self._first.place

    def entered(self, page: AnyPage) -> None:
        """It comes in before the page that the hand points at.  O(1), amortised."""
        super().entered(page)
        self._most = max(self._most, len(self))

    def _new_place(self) -> int:
        """Return a vacant place right before the page that the hand points at, made by other numbers if need be."""
        if self._first is None:
            return 0
        place = self._vacant(self._first)
        if place < 0:
            self._renumber(len(self) + 1)
            place = self._vacant(self._first)
        return place

    @staticmethod
    def _vacant(at: AnyPage) -> int:
        """The first vacant place after the page that the hand, which is at `at`, passed last; -1 if there is none."""
        passed, hand = at.previous.place, at.place
        if passed >= hand and hand == 0:
            return passed + 1  # the hand is at the beginning: what comes after all others is asked last
        first = passed + 1 if passed < hand else 0
        return first if first < hand else -1

    def left(self, page: AnyPage) -> None:
        """Its place is vacant; a hand that pointed at it points at the next page.  O(1), amortised."""
        super().left(page)
        if self._most > FEW and 4 * len(self) < self._most and len(self):
            self._renumber(1)

    def _renumber(self, apart: int) -> None:
        """Give all pages places so far apart, in the order in which they are.  O(pages log pages)."""
        pages = sorted(self.queue, key=lambda page: page.place)
        moved = tuple((page.frame, page.place, number * apart) for number, page in enumerate(pages))
        for page, (_, _, place) in zip(pages, moved, strict=True):
            page.place = place
        self._most = len(pages)
        before, self.reported = self.reported, self.hand
        if self._report is not None:
            self._report.renumbered(moved, before, self.hand)

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """From the hand on, those whose bit is clear; it clears the others as it passes.  Each look is reported."""
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
        """Report the hand where it looked, and not where it looks next."""
        before, self.reported = self.reported, page.place
        if self._report is not None:
            self._report.looked(page.frame, before, self.reported, found)
