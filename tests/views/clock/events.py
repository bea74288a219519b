"""What happens when a page is replaced, and the rows that it writes."""

from collections.abc import Iterable

from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.past import Row


class HandMoved(Event):
    """The hand went on from one frame to the next."""

    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "hand", "clock", 0, self.before, self.after


class ReferenceSet(Event):
    """A frame's reference bit was set, or cleared by the hand."""

    frame: int
    before: bool
    after: bool

    def writes(self) -> Iterable[Row]:
        yield "referenced", "clock", self.frame, self.before, self.after


class PageReplaced(Event):
    """A frame got another page (none: it was free)."""

    frame: int
    before: int | None
    after: int

    def writes(self) -> Iterable[Row]:
        yield "page", "clock", self.frame, self.before, self.after
