"""The clock: second chance on a fixed ring, with a moving hand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import ClassVar

from ..base.recorder import Recorder
from .page import AnyPage
from .policy import Pages, Policy, References
from .replacement_schema import HandLooked, HandMoved


class Clock(Policy):
    """The choice of second chance, on a fixed ring with a moving hand.

    A new page is placed just before the hand, so that it is checked last: it takes the victim's place (Corbató, "A
    Paging Experiment with the Multics System", 1968; 4BSD).  So a ring is two queues: the pages in the places before
    the hand, and the pages from the hand on.  O(1) for a page that comes or goes.

    >>> from vmwidgets.engine.memory.page import Page
    >>> clock = Clock()
    >>> for frame in (7, 8, 9):
    ...     clock.entered(Page(frame, "memory", frame))
    >>> [page.frame for page in clock.order], clock.hand
    ([7, 8, 9], 0)
    """

    uses_bits: ClassVar[bool] = True

    def __init__(self, recorder: Recorder | None = None, name: str = "", references: References | None = None) -> None:
        super().__init__(recorder, name, references)
        self._ahead = OrderedDict[int, AnyPage]()
        """The pages from the hand on; `_queue` has the pages before it.  Without pages ahead, a new round begins."""

    def __len__(self) -> int:
        return len(self._ahead) + len(self._queue)

    @property
    def hand(self) -> int:
        """The place of the next page to be checked, from 0 on."""
        return len(self._queue) if self._ahead else 0

    @property
    def queue(self) -> list[AnyPage]:
        """The pages from the hand on, around the ring."""
        return [*self._ahead.values(), *self._queue.values()]

    def left(self, page: AnyPage) -> None:
        """Remove a page; if the hand pointed at it, it now points at the next page, after the vacant place."""
        if not self._ahead and next(iter(self._queue)) == page.frame:
            self._begin_round()
        if page.frame in self._ahead:
            self._pass(page)
        super().left(page)

    def _begin_round(self) -> None:
        self._ahead, self._queue = self._queue, self._ahead

    def _pass(self, page: AnyPage) -> None:
        self._queue[page.frame] = self._ahead.pop(page.frame)

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield, from the hand on, the pages with a clear bit; set bits are cleared on the way.

        Each check is reported, with the hand at the checked page and not yet at the next.
        """
        found = ""
        for _ in range(2 * len(self)):
            if not self._ahead:
                self._begin_round()
            page = next(iter(self._ahead.values()))
            found = "kept" if not pages.may_go(page) else "used" if pages.referenced(page) else "unused"
            if found == "used":
                pages.clear_referenced(page)
            emit = self.recorder.emit
            if emit is not None:
                emit((HandLooked.tag, self.name, page.frame, *pages.first_mapped_at(page.frame), found))
            self._pass(page)
            if found == "unused":
                self._moved()
                yield page
        if found != "unused":
            self._moved()

    def _moved(self) -> None:
        """Report that the hand is at another page than the checked one."""
        if len(self) > 1:
            self.recorder.report(HandMoved.tag, self.name)
