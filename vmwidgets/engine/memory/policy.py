"""What a policy of page replacement is: one ring of pages, linked, and the order in which they should go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

from .page import AnyPage


class Pages(Protocol):
    """What a policy asks of pages in memory."""

    def may_go(self, page: AnyPage) -> bool:
        """Return whether the page may leave at all: a wired one may not."""

    def referenced(self, page: AnyPage) -> bool:
        """Return whether a reference bit of it is set: it was used since that was cleared."""

    def clear_referenced(self, page: AnyPage) -> None:
        """Clear its reference bits, and have the processors forget what they keep of it."""

    def dirty(self, page: AnyPage) -> bool:
        """Return whether it was written since it came, or since its file had it."""


FOUND = ("used", "unused", "kept")
"""What a hand finds: a bit that was set, and is cleared; a page that may leave; one that may not at this moment."""


class RingReport(Protocol):
    """Hears of what changes in a ring; pages are named by their frames."""

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
    """One ring of pages: each is linked with the next (:attr:`.Page.following`), the last with the first.

    `place` of each page is its place in the order in which they are asked.
    """

    counts: ClassVar[bool] = False
    """Whether it has to hear of each reference (:meth:`touched`), which no real processor reports."""

    ages: ClassVar[bool] = False
    """Whether it looks at pages at each tick of the clock (:meth:`ticked`)."""
    uses_bits: ClassVar[bool] = False
    """Whether it looks at reference bits."""

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        self._first: AnyPage | None = None
        """Where the ring begins; none: it is empty."""
        self._count = 0
        self.references = references or References()
        self.reported = 0
        """Where the hand was when that was last reported."""
        self._report = report

    def __len__(self) -> int:
        return self._count

    def entered(self, page: AnyPage) -> None:
        """A page came.  O(1)."""
        page.ring = self
        self._put(page, self._new_place())

    def kept(self, page: AnyPage) -> Any:
        """Return what it knows of a page, for another ring of this policy (:meth:`restore`); none: nothing."""
        return page.known

    def restore(self, page: AnyPage, kept: Any) -> None:
        """A page, which has just entered, was in another ring, which knew this of it."""
        page.known = kept

    def left(self, page: AnyPage) -> None:
        """A page is there no longer.  O(1)."""
        self._note(page, None)
        self._unlink(page)
        place, page.place = page.place, -1
        page.ring, page.known = None, None
        if self._report is not None:
            self._report.moved(page.frame, place, -1)

    @property
    def time(self) -> int:
        """References so far."""
        return self.references.count

    def touched(self, page: AnyPage, number: int, task: str = "") -> None:
        """A page, number `number` of `task`, was used: one reference more.  O(1)."""
        if self.references.made(task, number):
            self.refresh()
        self.seen(page, number, task)

    def seen(self, page: AnyPage, number: int, task: str) -> None:  # noqa: B027  most policies need not hear of it
        """A page, number `number` of `task`, was used by the latest reference.  O(1)."""

    def knows(self, page: AnyPage, number: int, task: str) -> None:  # noqa: B027  most policies need not
        """A page is number `number` of `task`.  O(1)."""

    def ticked(self, pages: Pages, count: int) -> None:  # noqa: B027  most policies have no clock
        """So many ticks of the clock have passed, from 1 on, since it was called last.  O(pages)."""

    def refresh(self) -> None:  # noqa: B027  most policies need not
        """The latest reference was news to all rings (:meth:`References.made`).  O(pages)."""

    @property
    def hand(self) -> int:
        """The place where it looks next; 0 for policies that have no hand."""
        return 0

    @property
    def queue(self) -> list[AnyPage]:
        """The pages in the order in which another ring gets them, where they move there.  O(pages)."""
        first = self._first
        if first is None:
            return []
        found, page = [first], first.following
        while page is not first:
            found.append(page)
            page = page.following
        return found

    @property
    def order(self) -> list[AnyPage]:
        """The pages in the order in which they are asked.  O(pages), or O(pages log pages)."""
        return self.queue

    @property
    def places_and_notes(self) -> tuple[dict[int, int], dict[int, int]]:
        """By frame the places of pages, and the numbers that it keeps of some.  O(pages)."""
        queue = self.queue
        notes = {page.frame: page.note for page in queue if page.note is not None}
        return {page.frame: page.place for page in queue}, notes

    def may_go_again(self, page: AnyPage) -> None:  # noqa: B027  most policies need not
        """A page, which is in the ring, may go, which it might not before.  O(log pages)."""

    def expired(self, pages: Pages) -> list[AnyPage]:
        """Pages that may go and should leave after a reference, whether or not a frame is needed."""
        return []

    @abstractmethod
    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Return the pages in the order in which they should go; asked on only while none could.

        O(1) to the next where none is in use.
        """

    @abstractmethod
    def _new_place(self) -> int:
        """Return where a page that comes is put."""

    def _clear(self, pages: Pages, page: AnyPage) -> None:
        """Clear the reference bits of a page that was used."""
        pages.clear_referenced(page)
        if self._report is not None:
            self._report.cleared(page.frame)

    def _note(self, page: AnyPage, note: int | None) -> None:
        """Keep this number of a page; none: no number."""
        before = page.note
        if before == note:
            return
        page.note = note
        if self._report is not None:
            self._report.noted(((page.frame, before, note),))

    def _put(self, page: AnyPage, place: int) -> None:
        """Have a page at this place, behind all others."""
        before, page.place = page.place, place
        if before >= 0:
            self._unlink(page)
        self._link(page)
        if self._report is not None:
            self._report.moved(page.frame, before, place)

    def _link(self, page: AnyPage) -> None:
        """Link a page before the first: behind all others."""
        first = self._first
        if first is None:
            self._first = page
        else:
            last = first.previous
            last.following = first.previous = page
            page.previous, page.following = last, first
        self._count += 1

    def _unlink(self, page: AnyPage) -> None:
        """Have a page not linked; where it was the first, the next one is first."""
        previous, following = page.previous, page.following
        if following is page:
            self._first = None
        else:
            previous.following, following.previous = following, previous
            page.previous = page.following = page
            if self._first is page:
                self._first = following
        self._count -= 1


class Arrivals(Policy):
    """A ring whose pages stand as they came; they go by its `order`."""

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self._last = -1

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """By its order, those that may go."""
        return (page for page in self.order if pages.may_go(page))

    def _new_place(self) -> int:
        self._last += 1
        return self._last
