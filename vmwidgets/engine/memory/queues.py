"""Policies that are a queue: FIFO, second chance, LRU, and the working set."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import ClassVar

from .policy import Arrivals, Pages, References, RingReport


class Fifo(Arrivals):
    """First in, first out.

    A page that can't go keeps its place in the order, and is set aside: it is asked again only once it may go
    (:meth:`may_go_again`).  So wired pages are passed once each time that they are wired, not once for each fault.
    """

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self._line: OrderedDict[int, None] = OrderedDict()
        """Frames that may go for all that is known, by place."""
        self._aside: set[int] = set()
        """Frames that could not go when they were asked last."""
        self._returned: list[tuple[int, int]] = []
        """A heap of place and frame of others, which are not in the line; with an old place, an entry says nothing."""

    def left(self, frame: int) -> None:
        """It is in no line."""
        super().left(frame)
        self._line.pop(frame, None)
        self._aside.discard(frame)

    def _put(self, frame: int, place: int) -> None:
        super()._put(frame, place)
        self._aside.discard(frame)
        self._line.pop(frame, None)
        self._line[frame] = None

    def may_go_again(self, frame: int) -> None:
        """It is asked again, at its old place."""
        if frame in self._aside:
            self._aside.remove(frame)
            heappush(self._returned, (self.places[frame], frame))

    def candidates(self, pages: Pages) -> Iterator[int]:
        """The first that may go, and what comes after it.

        The first takes O(log frames) beside those that are set aside on the way, and the rest O(frames log frames).
        """
        first = self._next()
        while first >= 0 and not pages.may_go(first):
            self._take(first)
            self._aside.add(first)
            first = self._next()
        if first < 0:
            return
        yield first
        for frame in sorted(self.places.keys() - self._aside, key=self.places.__getitem__):
            if frame != first and pages.may_go(frame):
                yield frame

    def _next(self) -> int:
        """The first frame by place that is not set aside; -1 if there is none."""
        returned = self._returned
        while returned and self.places.get(returned[0][1]) != returned[0][0]:
            heappop(returned)
        first = next(iter(self._line), -1)
        if returned and (first < 0 or returned[0][0] < self.places[first]):
            return returned[0][1]
        return first

    def _take(self, frame: int) -> None:
        """Take what :meth:`_next` gave out of the line, or off the heap."""
        if frame in self._line:
            del self._line[frame]
        else:
            heappop(self._returned)

    def _first(self) -> int:
        return next(iter(self.places))  # each place is after all that were there

    def _behind(self, frame: int) -> None:
        self._put(frame, self._new_place())


class SecondChance(Fifo):
    """First in, first out, but a page that was used goes behind all others, without its reference bit."""

    uses_bits: ClassVar[bool] = True

    def candidates(self, pages: Pages) -> Iterator[int]:
        """The first that was not used; each one once without its bit, at the latest."""
        for _ in range(2 * len(self.places)):
            frame = self._first()
            if pages.may_go(frame):
                if pages.referenced(frame):
                    self._clear(pages, frame)
                else:
                    yield frame
            self._behind(frame)


class Lru(Fifo):
    """The page that was not used for longest, by a count of references: what the others come near to."""

    counts = True

    def seen(self, frame: int, page: int, task: str) -> None:
        """It goes behind all others."""
        self._behind(frame)


class WorkingSet(Lru):
    """Pages that were used in the last `window` references stay, others leave (Denning 1968).

    Where a frame is needed and all are in the set, the page that was not used for longest goes.
    """

    def __init__(self, window: int, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self.window = window
        self._used: dict[int, int] = {}

    def entered(self, frame: int) -> None:
        """It counts as used now."""
        super().entered(frame)
        self._used[frame] = self.time

    def kept(self, frame: int) -> int:
        """When it was used last."""
        return self._used[frame]

    def restore(self, frame: int, kept: int) -> None:
        """It was used then."""
        self._used[frame] = kept

    def left(self, frame: int) -> None:
        """It is not in the set."""
        super().left(frame)
        del self._used[frame]

    def seen(self, frame: int, page: int, task: str) -> None:
        """It was used now."""
        super().seen(frame, page, task)
        self._used[frame] = self.time

    def expired(self, pages: Pages) -> list[int]:
        """Those whose last use is `window` references ago or more, the oldest first.

        O(1) beside these, O(log frames) for each, and the same for each that is set aside.
        """
        found = []
        while (frame := self._next()) >= 0 and self._used[frame] <= self.time - self.window:
            self._take(frame)
            if pages.may_go(frame):
                found.append(frame)
            else:
                self._aside.add(frame)
        for frame in found:
            heappush(self._returned, (self.places[frame], frame))
        return found
