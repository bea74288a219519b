"""Page replacement policies: each has a ring of pages, in a dict in order, and an order of eviction."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import ClassVar, Protocol

from ..base.recorder import Recorder
from .page import AnyPage
from .replacement_schema import ReferenceCleared, RingMoved


class Pages(Protocol):
    """The questions that a policy asks about pages in memory; here with the answers for pages on paper."""

    def may_go(self, page: AnyPage) -> bool:
        """Return whether the page may be evicted: a wired page may not."""
        return True

    def referenced(self, page: AnyPage) -> bool:
        """Return whether the page has a reference bit set: it was used since the bit was cleared."""

    def clear_referenced(self, page: AnyPage) -> None:
        """Clear the page's reference bits, and flush its translations."""

    def dirty(self, page: AnyPage) -> bool:
        """Return whether the page was written since it was brought in, or since its file was updated."""
        return False

    def first_mapped_at(self, frame: int) -> tuple[str, int]:
        """Return the task that has mapped the page in a frame the longest, and the address; "" if no task maps it."""
        return "", 0


class References:
    """The time of policies, which several rings may share: `count` is the number of references."""

    def __init__(self) -> None:
        self.count = 0

    def made(self, task: str, page: int) -> None:
        """Count a reference of a task to page number `page`.  O(1)."""
        self.count += 1


class Policy:
    """The ring called `name`: a queue of pages, which are evicted by their `order`."""

    counts: ClassVar[bool] = False
    """Whether the policy must see each reference (:meth:`touched`); no real processor reports them."""

    ages: ClassVar[bool] = False
    """Whether the policy examines pages at each tick of the clock (:meth:`ticked`)."""
    uses_bits: ClassVar[bool] = False
    """Whether the policy reads reference bits."""

    def __init__(self, recorder: Recorder | None = None, name: str = "", references: References | None = None) -> None:
        self.recorder = recorder or Recorder()
        self.name = name
        self.references = references or References()
        self._queue = OrderedDict[int, AnyPage]()
        """The pages by their frames; a new page comes last."""

    def __len__(self) -> int:
        return len(self._queue)

    def entered(self, page: AnyPage) -> None:
        """Add a page.  O(1)."""
        self._queue[page.frame] = page
        self.recorder.report(RingMoved.tag, self.name, page.frame, "in")

    def left(self, page: AnyPage) -> None:
        """Remove a page.  O(1)."""
        del self._queue[page.frame]
        page.known = None
        self.recorder.report(RingMoved.tag, self.name, page.frame, "out")

    @property
    def time(self) -> int:
        """The number of references so far."""
        return self.references.count

    def touched(self, page: AnyPage, number: int, task: str = "") -> None:
        """Note a reference to a page, number `number` of `task`.  O(1)."""
        self.references.made(task, number)
        self.seen(page, number, task)

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """Note that the latest reference used a page, number `number` of `task`.  O(1)."""

    def knows(self, page: AnyPage, number: int, task: str) -> None:
        """Note that a page is number `number` of `task`.  O(1)."""

    def ticked(self, pages: Pages, count: int) -> None:
        """Handle the `count` clock ticks, at least 1, since the last call.  O(pages)."""

    @property
    def hand(self) -> int:
        """The place that the hand checks next, from 0 on; 0 if the policy has no hand."""
        return 0

    @property
    def queue(self) -> list[AnyPage]:
        """The pages in the order in which they move to another ring.  O(pages)."""
        return [*self._queue.values()]

    @property
    def order(self) -> list[AnyPage]:
        """The pages in the order in which they are checked.  O(pages), or O(pages log pages)."""
        return self.queue

    def note(self, page: AnyPage) -> int | None:
        """Return the policy's number for a page, which pictures show; None if there is none."""
        return None

    def may_go_again(self, page: AnyPage) -> None:
        """Note that a page in the ring can be evicted again.  O(log pages)."""

    def expired(self, pages: Pages) -> list[AnyPage]:
        """Return evictable pages that should leave after a reference, even if no frame is needed."""
        return []

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the pages in the order of eviction; the caller reads the next only if a page could not be evicted."""
        return (page for page in self.order if pages.may_go(page))

    def _clear(self, pages: Pages, page: AnyPage) -> None:
        """Clear the reference bits of a page that was used."""
        pages.clear_referenced(page)
        self.recorder.report(ReferenceCleared.tag, page.frame)

    def _behind(self, page: AnyPage) -> None:
        """Move a page to the end.  O(1)."""
        self._queue.move_to_end(page.frame)
        self.recorder.report(RingMoved.tag, self.name, page.frame, "behind")
