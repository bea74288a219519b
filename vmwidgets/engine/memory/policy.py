"""What a policy of page replacement is: one ring of frames, and the order in which they should go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol


class Pages(Protocol):
    """What a policy asks of the pages in memory, by frame."""

    def may_go(self, frame: int) -> bool:
        """Whether the page may leave at all: a wired one may not."""

    def referenced(self, frame: int) -> bool:
        """Whether a reference bit of it is set: it was used since that was cleared."""

    def clear_referenced(self, frame: int) -> None:
        """Clear its reference bits, and have the processors forget what they keep of it."""

    def dirty(self, frame: int) -> bool:
        """Whether it was written since it came, or since its file had it."""


FOUND = ("used", "unused", "kept")
"""What a hand finds: a bit that was set, and is cleared; a page that may leave; one that may not at this moment."""


class RingReport(Protocol):
    """Hears of what changes in a ring."""

    def moved(self, frame: int, before: int, after: int) -> None:
        """A frame has another place in the order; -1: it is not in the ring."""

    def noted(self, notes: tuple[tuple[int, int | None, int | None], ...]) -> None:
        """The policy keeps other numbers of pages: of each the frame, and both numbers; none: it keeps none."""

    def aged(self, notes: tuple[tuple[int, int, int], ...]) -> None:
        """The same, at a tick of the clock."""

    def cleared(self, frame: int) -> None:
        """The page was used: it stays, and its reference bits are cleared."""

    def looked(self, frame: int, before: int, after: int, found: str) -> None:
        """The hand looked at a frame, whose place is `after`, and found one of :data:`FOUND`."""

    def renumbered(self, places: tuple[tuple[int, int, int], ...], before: int, after: int) -> None:
        """Frames have other places, and the hand too, in the same order: of each the frame, and both its places."""


class References:
    """The time of policies, which several rings may share: `count` is how many references there were."""

    def __init__(self) -> None:
        self.count = 0

    def made(self, task: str, page: int) -> bool:
        """A task referred to page number `page` of its addresses; whether that is news to all rings.  O(1)."""
        self.count += 1
        return False


class Policy(ABC):
    """One ring of frames; `places` has the place of each in the order in which they are asked."""

    counts: ClassVar[bool] = False
    """Whether it has to hear of each reference (:meth:`touched`), which no real processor reports."""

    ages: ClassVar[bool] = False
    """Whether it looks at pages at each tick of the clock (:meth:`ticked`)."""
    uses_bits: ClassVar[bool] = False
    """Whether it looks at reference bits."""

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        self.places: OrderedDict[int, int] = OrderedDict()
        self.notes: dict[int, int] = {}
        """By frame: what it keeps of the page, as far as it keeps a number."""
        self.references = references or References()
        self.reported = 0
        """Where the hand was when that was last reported."""
        self._report = report

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, frame: int) -> bool:
        return frame in self.places

    def entered(self, frame: int) -> None:
        """A page came into `frame`.  O(1)."""
        self._put(frame, self._new_place())

    def kept(self, frame: int) -> object:
        """What it knows of the page in `frame`, for another ring of this policy (:meth:`restore`); none: nothing."""
        return None

    def restore(self, frame: int, kept: Any) -> None:  # noqa: B027  most policies know nothing of a page
        """The page in `frame`, which has just entered, was in another ring, which knew this of it."""

    def left(self, frame: int) -> None:
        """The page in `frame` is there no longer.  O(1)."""
        self._note(frame, None)
        place = self.places.pop(frame)
        if self._report is not None:
            self._report.moved(frame, place, -1)

    @property
    def time(self) -> int:
        """References so far."""
        return self.references.count

    def touched(self, frame: int, page: int, task: str = "") -> None:
        """The page in `frame`, number `page` of `task`, was used: one reference more.  O(1)."""
        if self.references.made(task, page):
            self.refresh()
        self.seen(frame, page, task)

    def seen(self, frame: int, page: int, task: str) -> None:  # noqa: B027  most policies need not hear of it
        """The page in `frame`, number `page` of `task`, was used by the latest reference.  O(1)."""

    def knows(self, frame: int, page: int, task: str) -> None:  # noqa: B027  most policies need not
        """The page in `frame` is number `page` of `task`.  O(1)."""

    def ticked(self, pages: Pages, count: int) -> None:  # noqa: B027  most policies have no clock
        """So many ticks of the clock have passed, from 1 on, since it was called last.  O(frames)."""

    def refresh(self) -> None:  # noqa: B027  most policies need not
        """The latest reference was news to all rings (:meth:`References.made`).  O(pages)."""

    @property
    def hand(self) -> int:
        """The place where it looks next; 0 for policies that have no hand."""
        return 0

    @property
    def queue(self) -> list[int]:
        """The frames in the order in which another ring gets them, where they move there.  O(frames)."""
        return list(self.places)

    @property
    def order(self) -> list[int]:
        """The frames in the order in which they are asked.  O(frames), or O(frames log frames)."""
        return self.queue

    def may_go_again(self, frame: int) -> None:  # noqa: B027  most policies need not
        """The page in `frame`, which is in the ring, may go, which it might not before.  O(log frames)."""

    def expired(self, pages: Pages) -> list[int]:
        """Frames whose pages may go and should leave after a reference, whether or not a frame is needed."""
        return []

    @abstractmethod
    def candidates(self, pages: Pages) -> Iterator[int]:
        """The frames in the order in which they should go; asked on only while none could.

        O(1) to the next where none is in use.
        """

    @abstractmethod
    def _new_place(self) -> int:
        """Where a page that comes is put."""

    def _clear(self, pages: Pages, frame: int) -> None:
        """Clear the reference bits of a page that was used."""
        pages.clear_referenced(frame)
        if self._report is not None:
            self._report.cleared(frame)

    def _note(self, frame: int, note: int | None) -> None:
        """Keep this number of the page in `frame`; none: no number."""
        before = self.notes.get(frame)
        if before == note:
            return
        if note is None:
            del self.notes[frame]
        else:
            self.notes[frame] = note
        if self._report is not None:
            self._report.noted(((frame, before, note),))

    def _put(self, frame: int, place: int) -> None:
        before = self.places.pop(frame, -1)
        self.places[frame] = place
        if self._report is not None:
            self._report.moved(frame, before, place)


class Arrivals(Policy):
    """A ring whose pages stand as they came; they go by its `order`."""

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self._last = -1

    def candidates(self, pages: Pages) -> Iterator[int]:
        """By its order, those that may go."""
        return (frame for frame in self.order if pages.may_go(frame))

    def _new_place(self) -> int:
        self._last += 1
        return self._last
