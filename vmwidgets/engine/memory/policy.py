"""Page replacement policies: each has a ring of linked pages and an order of eviction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

from .page import AnyPage


class Pages(Protocol):
    """The questions that a policy asks about pages in memory."""

    def may_go(self, page: AnyPage) -> bool:
        """Return whether the page may be evicted: a wired page may not."""

    def referenced(self, page: AnyPage) -> bool:
        """Return whether the page has a reference bit set: it was used since the bit was cleared."""

    def clear_referenced(self, page: AnyPage) -> None:
        """Clear the page's reference bits, and flush its translations."""

    def dirty(self, page: AnyPage) -> bool:
        """Return whether the page was written since it was brought in, or since its file was updated."""


FOUND = ("used", "unused", "kept")
"""The results of a hand's check: a set bit, which is cleared; a page to evict; or a page that can't be evicted now."""


class RingReport(Protocol):
    """A listener for changes in a ring; pages are named by their frames."""

    def moved(self, frame: int, before: int, after: int) -> None:
        """Note that a frame has another place in the order; -1 if it is no longer in the ring."""

    def noted(self, notes: tuple[tuple[int, int | None, int | None], ...]) -> None:
        """Note that the policy's numbers for pages changed: frame, old and new number (None for no number)."""

    def aged(self, notes: tuple[tuple[int, int, int], ...]) -> None:
        """Note changed numbers, as :meth:`noted` does, at a tick of the clock."""

    def cleared(self, frame: int) -> None:
        """Note that a used page stays, and its reference bits are cleared."""

    def looked(self, frame: int, before: int, after: int, found: str) -> None:
        """Note that the hand checked a frame, whose place is `after`, with one of the results :data:`FOUND`."""

    def renumbered(self, places: tuple[tuple[int, int, int], ...], before: int, after: int) -> None:
        """Note that frames and the hand got new places, in the same order; each frame with its old and new place."""


class References:
    """The time of policies, which several rings may share: `count` is the number of references."""

    def __init__(self) -> None:
        self.count = 0

    def made(self, task: str, page: int) -> bool:
        """Count a reference of a task to page number `page`; returns whether all rings must be informed.  O(1)."""
        self.count += 1
        return False


class Policy(ABC):
    """A ring of pages, each linked with the next (:attr:`.Page.following`), the last with the first.

    The `place` of each page is its place in the order of checks.
    """

    counts: ClassVar[bool] = False
    """Whether the policy must see each reference (:meth:`touched`); no real processor reports them."""

    ages: ClassVar[bool] = False
    """Whether the policy examines pages at each tick of the clock (:meth:`ticked`)."""
    uses_bits: ClassVar[bool] = False
    """Whether the policy reads reference bits."""

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        self._first: AnyPage | None = None
        """The beginning of the ring; None if it is empty."""
        self._count = 0
        self.references = references or References()
        self.reported = 0
        """The hand's place when it was last reported."""
        self._report = report

    def __len__(self) -> int:
        return self._count

    def entered(self, page: AnyPage) -> None:
        """Add a page.  O(1)."""
        page.ring = self
        self._put(page, self._new_place())

    def kept(self, page: AnyPage) -> Any:
        """Return the facts about a page, for another ring of this policy (:meth:`restore`); None if there are none."""
        return page.known

    def restore(self, page: AnyPage, kept: Any) -> None:
        """Restore the facts about a page that came from another ring."""
        page.known = kept

    def left(self, page: AnyPage) -> None:
        """Remove a page.  O(1)."""
        self._note(page, None)
        self._unlink(page)
        place, page.place = page.place, -1
        page.ring, page.known = None, None
        if self._report is not None:
            self._report.moved(page.frame, place, -1)

    @property
    def time(self) -> int:
        """The number of references so far."""
        return self.references.count

    def touched(self, page: AnyPage, number: int, task: str = "") -> None:
        """Note a reference to a page, number `number` of `task`.  O(1)."""
        if self.references.made(task, number):
            self.refresh()
        self.seen(page, number, task)

    def seen(self, page: AnyPage, number: int, task: str) -> None:  # noqa: B027  most policies need not hear of it
        """Note that the latest reference used a page, number `number` of `task`.  O(1)."""

    def knows(self, page: AnyPage, number: int, task: str) -> None:  # noqa: B027  most policies need not
        """Note that a page is number `number` of `task`.  O(1)."""

    def ticked(self, pages: Pages, count: int) -> None:  # noqa: B027  most policies have no clock
        """Handle the `count` clock ticks, at least 1, since the last call.  O(pages)."""

    def refresh(self) -> None:  # noqa: B027  most policies need not
        """Update the ring after a reference about which all rings are informed (:meth:`References.made`).  O(pages)."""

    @property
    def hand(self) -> int:
        """The place that the hand checks next; 0 if the policy has no hand."""
        return 0

    @property
    def queue(self) -> list[AnyPage]:
        """The pages in the order in which they move to another ring.  O(pages)."""
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
        """The pages in the order in which they are checked.  O(pages), or O(pages log pages)."""
        return self.queue

    @property
    def places_and_notes(self) -> tuple[dict[int, int], dict[int, int]]:
        """The places of pages, and the policy's numbers for pages that have one, both by frame.  O(pages)."""
        queue = self.queue
        notes = {page.frame: page.note for page in queue if page.note is not None}
        return {page.frame: page.place for page in queue}, notes

    def may_go_again(self, page: AnyPage) -> None:  # noqa: B027  most policies need not
        """Note that a page in the ring can be evicted again.  O(log pages)."""

    def expired(self, pages: Pages) -> list[AnyPage]:
        """Return evictable pages that should leave after a reference, even if no frame is needed."""
        return []

    @abstractmethod
    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the pages in the order of eviction; the caller reads the next only if a page could not be evicted.

        O(1) for each page, if no page is in use.
        """

    @abstractmethod
    def _new_place(self) -> int:
        """Return the place of a new page."""

    def _clear(self, pages: Pages, page: AnyPage) -> None:
        """Clear the reference bits of a page that was used."""
        pages.clear_referenced(page)
        if self._report is not None:
            self._report.cleared(page.frame)

    def _note(self, page: AnyPage, note: int | None) -> None:
        """Store this number for a page; None for no number."""
        before = page.note
        if before == note:
            return
        page.note = note
        if self._report is not None:
            self._report.noted(((page.frame, before, note),))

    def _put(self, page: AnyPage, place: int) -> None:
        """Put a page at this place, after all others."""
        before, page.place = page.place, place
        if before >= 0:
            self._unlink(page)
        self._link(page)
        if self._report is not None:
            self._report.moved(page.frame, before, place)

    def _link(self, page: AnyPage) -> None:
        """Link a page before the first page, and so after all others."""
        first = self._first
        if first is None:
            self._first = page
        else:
            last = first.previous
            last.following = first.previous = page
            page.previous, page.following = last, first
        self._count += 1

    def _unlink(self, page: AnyPage) -> None:
        """Unlink a page; if it was the first, the next page is first."""
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
    """A ring in order of arrival; pages are evicted by its `order`."""

    def __init__(self, report: RingReport | None = None, references: References | None = None) -> None:
        super().__init__(report, references)
        self._last = -1

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the evictable pages in the policy's order."""
        return (page for page in self.order if pages.may_go(page))

    def _new_place(self) -> int:
        self._last += 1
        return self._last
