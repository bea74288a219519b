"""Policies that are a queue: FIFO, second chance, the clock, LRU, and the working set."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import ClassVar

from ..base.recorder import Recorder
from .page import AnyPage
from .policy import Pages, Policy, References

FEW = 64
"""This many old items of a line are not worth a new line."""


class Fifo(Policy):
    """First in, first out.

    A page that can't be evicted keeps its place in the order, but is checked again only once it can be evicted
    (:meth:`may_go_again`).  So wired pages are passed once for each wiring, not once for each fault.
    """

    def __init__(self, recorder: Recorder | None = None, name: str = "", references: References | None = None) -> None:
        super().__init__(recorder, name, references)
        self._last = 0
        self._line: list[tuple[int, AnyPage]] = []
        """A heap of the pages that may be evictable, with their places; items with an old place are ignored."""

    def entered(self, page: AnyPage) -> None:
        """Put a page at the end of the line.  O(1), amortized."""
        super().entered(page)
        self._is_last(page)

    def _behind(self, page: AnyPage) -> None:
        super()._behind(page)
        self._is_last(page)

    def _is_last(self, page: AnyPage) -> None:
        self._last = page.place = self._last + 1
        self.may_go_again(page)

    def may_go_again(self, page: AnyPage) -> None:
        """Let the page be checked again, at its old place."""
        if len(self._line) > 2 * len(self) + FEW:
            self._line = sorted({item for item in self._line if self._is_valid(*item)})
        heappush(self._line, (page.place, page))

    def _is_valid(self, place: int, page: AnyPage) -> bool:
        return page.place == place and self._queue.get(page.frame) is page

    def _next(self) -> AnyPage | None:
        """Return the first page in line; None if all are set aside."""
        line = self._line
        while line and not self._is_valid(*line[0]):
            heappop(line)
        return line[0][1] if line else None

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the evictable pages, in order.

        The first takes O(log pages), and more for pages that are set aside on the way; the rest takes O(pages).
        """
        while (first := self._next()) is not None and not pages.may_go(first):
            heappop(self._line)
        if first is None:
            return
        yield first
        for page in self.queue:
            if page is not first and pages.may_go(page):
                yield page


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

    def __init__(self, window: int, recorder: Recorder | None = None, name: str = "") -> None:
        super().__init__(recorder, name)
        self.window = window

    def entered(self, page: AnyPage) -> None:
        """Count a new page as used now."""
        page.known = self.time
        super().entered(page)

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """Note that a page was used now."""
        super().seen(page, number, task)
        page.known = self.time

    def expired(self, pages: Pages) -> list[AnyPage]:
        """Return the pages whose last use is at least `window` references ago, the oldest first.

        O(1), plus O(log pages) for each of these pages, and for each page that is set aside.
        """
        found: dict[AnyPage, None] = {}
        while (page := self._next()) is not None and page.known <= self.time - self.window:
            heappop(self._line)
            if pages.may_go(page):
                found[page] = None
        for page in found:
            self.may_go_again(page)
        return [*found]


class SecondChance(Policy):
    """First in, first out, but a used page goes to the end, without its reference bit."""

    uses_bits: ClassVar[bool] = True

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the first page that was not used; if all were used, yield the first page, whose bit is now clear."""
        for _ in range(2 * len(self)):
            page = next(iter(self._queue.values()))
            if pages.may_go(page):
                if pages.referenced(page):
                    self._clear(pages, page)
                else:
                    yield page
            self._behind(page)
