"""The clock: second chance on a ring that stays, with a hand that goes round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from .policy import Pages, Policy, References, RingReport

FEW = 64
"""Rings that had so many pages at most keep their places, however many of the pages left."""


class Clock(Policy):
    """The choice of second chance, with a ring that stays and a hand that goes round.

    A new page comes in right after the hand has passed, so that it is asked last.  It takes the place that is vacant
    there, which is mostly the victim's (Corbató, "A Paging Experiment with the Multics System", 1968; 4BSD).  There is
    none where a page has left elsewhere in the ring: then the places get other numbers, with room between them, and
    their order stays.  O(1) for a page that comes or goes, amortised: there is room for as many pages as there are.

    >>> clock = Clock()
    >>> for frame in (7, 8, 9):
    ...     clock.entered(frame)
    >>> clock.order, clock.hand
    ([7, 8, 9], 0)
    """

    uses_bits: ClassVar[bool] = True

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self._following: dict[int, int] = {}
        self._preceding: dict[int, int] = {}
        self._at = -1
        """The frame that the hand points at; -1: the ring is empty."""
        self._most = 0
        """How many pages there were at most, since places were numbered."""

    @property
    def hand(self) -> int:
        """The place of the page that it asks next."""
        return self.places.get(self._at, 0)

    @property
    def queue(self) -> list[int]:
        """From the hand on."""
        found, frame = [], self._at
        for _ in range(len(self.places)):
            found.append(frame)
            frame = self._following[frame]
        return found

    def entered(self, frame: int) -> None:
        """It comes in before the page that the hand points at.  O(1), amortised."""
        following = self._at if self.places else frame
        preceding = self._preceding.get(following, frame)
        super().entered(frame)
        self._link(preceding, frame)
        self._link(frame, following)
        self._at = following
        self._most = max(self._most, len(self.places))

    def _new_place(self) -> int:
        """A vacant place right before the page that the hand points at, made by other numbers if need be."""
        if not self.places:
            return 0
        place = self._vacant()
        if place < 0:
            self._renumber(len(self.places) + 1)
            place = self._vacant()
        return place

    def _vacant(self) -> int:
        """The first vacant place after the page that the hand passed last; -1 if there is none."""
        passed, hand = self.places[self._preceding[self._at]], self.hand
        if passed >= hand and hand == 0:
            return passed + 1  # the hand is at the beginning: what comes after all others is asked last
        first = passed + 1 if passed < hand else 0
        return first if first < hand else -1

    def left(self, frame: int) -> None:
        """Its place is vacant; a hand that pointed at it points at the next page.  O(1), amortised."""
        super().left(frame)
        preceding, following = self._preceding.pop(frame), self._following.pop(frame)
        if following == frame:
            self._at = -1
            return
        self._link(preceding, following)
        if self._at == frame:
            self._at = following
        if self._most > FEW and 4 * len(self.places) < self._most:
            self._renumber(1)

    def _link(self, one: int, other: int) -> None:
        self._following[one], self._preceding[other] = other, one

    def _renumber(self, apart: int) -> None:
        """Give all pages places so far apart, in the order in which they are.  O(pages log pages)."""
        frames = sorted(self.places, key=self.places.__getitem__)
        moved = tuple((frame, self.places[frame], number * apart) for number, frame in enumerate(frames))
        self.places.update((frame, place) for frame, _, place in moved)
        self._most = len(frames)
        before, self.reported = self.reported, self.hand
        if self._report is not None:
            self._report.renumbered(moved, before, self.hand)

    def candidates(self, pages: Pages) -> Iterator[int]:
        """From the hand on, those whose bit is clear; it clears the others as it passes.  Each look is reported."""
        for _ in range(2 * len(self.places)):
            frame = self._at
            self._at = self._following[frame]
            if not pages.may_go(frame):
                self._looked(frame, "kept")
            elif pages.referenced(frame):
                pages.clear_referenced(frame)
                self._looked(frame, "used")
            else:
                self._looked(frame, "unused")
                yield frame

    def _looked(self, frame: int, found: str) -> None:
        """RingReport the hand where it looked, and not where it looks next."""
        before, self.reported = self.reported, self.places[frame]
        if self._report is not None:
            self._report.looked(frame, before, self.reported, found)
