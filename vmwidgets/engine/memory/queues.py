"""Policies that are a queue: FIFO, second chance, LRU, and the working set."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import ClassVar

from .page import AnyPage
from .policy import Arrivals, Pages, References, RingReport


class Fifo(Arrivals):
    """First in, first out.

    A page that can't be evicted keeps its place in the order and is set aside: it is checked again only once it can be
    evicted (:meth:`may_go_again`).  So wired pages are passed once for each wiring, not once for each fault.
    """

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self._line: AnyPage | None = None
        """The first page that may be evictable; the pages before it are set aside, or evictable again."""
        self._returned: list[tuple[int, AnyPage]] = []
        """A heap of the pages that are evictable again, with their places; items with an old place or ring are ignored.
        """

    def left(self, page: AnyPage) -> None:
        """Remove a page from the line."""
        self._forget(page)
        super().left(page)

    def _put(self, page: AnyPage, place: int) -> None:
        """Put a page at the end of the line."""
        self._forget(page)
        super()._put(page, place)
        if self._line is None:
            self._line = page

    def _forget(self, page: AnyPage) -> None:
        """Remove a page that leaves its place from the line, and from the pages set aside."""
        page.is_aside = False
        if self._line is page:
            self._line = self._behind_in_line(page)

    def _behind_in_line(self, page: AnyPage) -> AnyPage | None:
        """Return the next page in the line; None after the last."""
        return None if page.following is self._first else page.following

    def may_go_again(self, page: AnyPage) -> None:
        """Let the page be checked again, at its old place."""
        if page.is_aside:
            page.is_aside = False
            heappush(self._returned, (page.place, page))

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the evictable pages, in order.

        The first takes O(log pages), and more for pages that are set aside on the way; the rest takes O(pages).
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
        """Return the page with the lowest place that is not set aside; None if there is none."""
        returned = self._returned
        while returned and (returned[0][1].ring is not self or returned[0][1].place != returned[0][0]):
            heappop(returned)
        first = self._line
        if returned and (first is None or returned[0][0] < first.place):
            return returned[0][1]
        return first

    def _take(self, page: AnyPage) -> None:
        """Remove the result of :meth:`_next` from the line or the heap."""
        if page is self._line:
            self._line = self._behind_in_line(page)
        else:
            heappop(self._returned)

    def _behind(self, page: AnyPage) -> None:
        self._put(page, self._new_place())


class SecondChance(Fifo):
    """First in, first out, but a used page goes to the end, without its reference bit."""

    uses_bits: ClassVar[bool] = True

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the first page that was not used; if all were used, yield the first page, whose bit is now clear."""
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
    """Evict the least recently used page, by a count of references: the other policies approximate LRU."""

    counts = True

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """Move the page to the end."""
        self._behind(page)


class WorkingSet(Lru):
    """Pages used in the last `window` references stay, and others leave (Denning 1968).

    If a frame is needed and all are in the set, the least recently used page is evicted.  The only stored fact about a
    page is its last use.
    """

    def __init__(self, window: int, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self.window = window

    def entered(self, page: AnyPage) -> None:
        """Count a new page as used now."""
        super().entered(page)
        page.known = self.time

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """Note that a page was used now."""
        super().seen(page, number, task)
        page.known = self.time

    def expired(self, pages: Pages) -> list[AnyPage]:
        """Return the pages whose last use is at least `window` references ago, the oldest first.

        O(1), plus O(log pages) for each of these pages, and for each page that is set aside.
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
