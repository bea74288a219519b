"""A page in memory: what is known of it by its frame, in one place.

Kernels keep one record for each frame: `struct page` in Linux, `vm_page` in 4.4BSD (Gorman: Understanding the Linux
Virtual Memory Manager, 2004, 2.5; The Design and Implementation of the 4.4BSD Operating System, 5.12).  Events and
values name a page by the number of its frame, and never hold the record.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Owner = TypeVar("Owner")
"""What has pages; nothing here asks what that is."""


class Page(Generic[Owner]):
    """What is in `frame`: page number `index` of `owner`, which counts for `task`, "" for none.

    After a fork that counts (`fork="counted"`) parent and child have their pages in the same frames, under the same
    numbers, and the first of them to write a page gets a copy of it (Linux's copy of page tables at fork; Gorman,
    4.6.2).  Then `owner` is the one that came first, and the rest are in `others`.  How many there are is found by
    looking: there is no count that could differ.
    """

    __slots__ = ("frame", "held", "index", "is_wanted", "last_use", "others", "owner", "task")

    def __init__(self, frame: int, owner: Owner, index: int, task: str = "") -> None:
        self.frame = frame
        self.owner = owner
        self.index = index
        self.others: dict[Owner, None] | None = None
        """Those behind the first that have the page too, in the order in which they came; none: it is one's alone."""
        self.task = task
        self.last_use: tuple[int, str] | None = None
        """Its number among the addresses of the task that used or mapped it last, and that task, as far as known."""
        self.held = 0
        """How many need it in its frame at this moment."""
        self.is_wanted = False
        """Whether it was to leave while it was held."""

    @property
    def users(self) -> tuple[Owner, ...]:
        """All that have the page in this frame, the first that came first."""
        return (self.owner,) if self.others is None else (self.owner, *self.others)

    def add(self, owner: Owner) -> None:
        """One more has the page here."""
        if self.others is None:
            self.others = {}
        self.others[owner] = None

    def remove(self, owner: Owner) -> None:
        """One of several has it here no longer; where that is the first, the next one is first."""
        assert self.others is not None, "one that has it alone gives up the frame"
        if self.owner is owner:
            self.owner = owner = next(iter(self.others))
        del self.others[owner]
        self.others = self.others or None

    def replace(self, before: Owner, after: Owner) -> None:
        """What `before` had here is what `after` has."""
        if self.owner is before:
            self.owner = after
        elif self.others is not None:
            self.others = {after if one is before else one: None for one in self.others}
