"""Policies that are a queue: FIFO, second chance, LRU, and the working set."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import ClassVar

from .page import AnyPage
from .policy import Arrivals, Pages, References, RingReport


class Fifo(Arrivals):
    """First in, first out.

    A page that can't go keeps its place in the order, and is set aside: it is asked again only once it may go
    (:meth:`may_go_again`).  So wired pages are passed once each time that they are wired, not once for each fault.
    """

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self._line: AnyPage | None = None
        """From it on to the last, pages may go for all that is known; those before are aside, or may go again."""
        self._returned: list[tuple[int, AnyPage]] = []
        """A heap of place and page of those that may go again; with an old place, or ring, an entry says nothing."""

    def left(self, page: AnyPage) -> None:
        """It is in no line."""
        self._forget(page)
        super().left(page)

    def _put(self, page: AnyPage, place: int) -> None:
        """It is the last of the line."""
        self._forget(page)
        super()._put(page, place)
        if self._line is None:
            self._line = page

    def _forget(self, page: AnyPage) -> None:
        """Have a page that leaves its place not in the line, and not aside."""
        page.is_aside = False
        if self._line is page:
            self._line = self._behind_in_line(page)

    def _behind_in_line(self, page: AnyPage) -> AnyPage | None:
        """Return the one behind a page of the line; none behind the last."""
        return None if page.following is self._first else page.following

    def may_go_again(self, page: AnyPage) -> None:
        """It is asked again, at its old place."""
        if page.is_aside:
            page.is_aside = False
            heappush(self._returned, (page.place, page))

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the first that may go, and what comes after it.

        The first takes O(log pages) beside those that are set aside on the way, and the rest O(pages).
        """
        first = self._next()
        while first is not None and not pages.may_go(first):
            self._take(first)
            first.is_aside = True
            first = self._next()
        if first is None:
            return
        yield first
        for page in [one for one in self.queue if not one.is_aside]:
            if page is not first and pages.may_go(page):
                yield page

    def _next(self) -> AnyPage | None:
        """Return the first page by place that is not set aside, if there is one."""
        returned = self._returned
        while returned and (returned[0][1].ring is not self or returned[0][1].place != returned[0][0]):
            heappop(returned)
        first = self._line
        if returned and (first is None or returned[0][0] < first.place):
            return returned[0][1]
        return first

    def _take(self, page: AnyPage) -> None:
        """Take what :meth:`_next` gave out of the line, or off the heap."""
        if page is self._line:
            self._line = self._behind_in_line(page)
        else:
            heappop(self._returned)

    def _behind(self, page: AnyPage) -> None:
        self._put(page, self._new_place())


class SecondChance(Fifo):
    """First in, first out, but a page that was used goes behind all others, without its reference bit."""

    uses_bits: ClassVar[bool] = True

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the first that was not used; each one once without its bit, at the latest."""
        for _ in range(2 * len(self)):
            page = self._first
            assert page is not None, "none leaves on the way"
            if pages.may_go(page):
                if pages.referenced(page):
                    self._clear(pages, page)
                else:
                    yield page
            self._behind(page)


class Lru(Fifo):
    """The page that was not used for longest, by a count of references: what the others come near to."""

    counts = True

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """It goes behind all others."""
        self._behind(page)


class WorkingSet(Lru):
    """Pages that were used in the last `window` references stay, others leave (Denning 1968).

    Where a frame is needed and all are in the set, the page that was not used for longest goes.  What is known of a
    page is when it was used last.
    """

    def __init__(self, window: int, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self.window = window

    def entered(self, page: AnyPage) -> None:
        """It counts as used now."""
        super().entered(page)
        page.known = self.time

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """It was used now."""
        super().seen(page, number, task)
        page.known = self.time

    def expired(self, pages: Pages) -> list[AnyPage]:
        """Return those whose last use is `window` references ago or more, the oldest first.

        O(1) beside these, O(log pages) for each, and the same for each that is set aside.
        """
        found = []
        while (page := self._next()) is not None and page.known <= self.time - self.window:
            self._take(page)
            if pages.may_go(page):
                found.append(page)
            else:
                page.is_aside = True
        for page in found:
            heappush(self._returned, (page.place, page))
        return found
