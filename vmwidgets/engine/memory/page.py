"""A page in memory: the record of everything known of it, by its frame.

Kernels keep one record for each frame: `struct page` in Linux, `vm_page` in 4.4BSD (Gorman: Understanding the Linux
Virtual Memory Manager, 2004, 2.5; The Design and Implementation of the 4.4BSD Operating System, 5.12).  Events and
values name a page by the number of its frame, and never hold the record.
"""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, TypeVar

Owner = TypeVar("Owner")
"""Anything that owns pages."""


class Page(Generic[Owner]):
    """The page in `frame`: number `index` of `owner`, charged to `task`, or "" for the kernel's.

    After a fork that counts (`fork="counted"`), parent and child have their pages in the same frames, under the same
    numbers, and one that writes to a page gets a copy (Linux copies page tables at fork; Gorman, 4.6.2).  Then
    `owner` is the first one, and the rest are in `others`.  Their number is counted when it is needed: no stored count
    could be wrong.
    """

    __slots__ = (
        "following", "frame", "held", "index", "is_aside", "is_wanted", "known", "last_use", "note", "others", "owner",
        "place", "previous", "ring", "task", "wired",
    )  # fmt: skip  # read as a list of names

    def __init__(self, frame: int, owner: Owner, index: int, task: str = "", wired: int = 0, held: int = 0) -> None:
        self.frame = frame
        self.owner = owner
        self.index = index
        self.others: dict[Owner, None] | None = None
        """Further owners of the page, in order of arrival; None if there is only one."""
        self.task = task
        self.last_use: tuple[int, str] | None = None
        """The task that last used or mapped it, if known, and the page's number among that task's addresses."""
        self.wired = wired
        """The number of times that it is wired. Tasks' pages are wired by number, even while they are not in memory."""
        self.held = held
        """The number of users that need it in its frame at this moment."""
        self.is_wanted = False
        """Whether it was to be evicted while it was held."""

        # in the ring of pages from which it may go, which alone writes these
        self.ring: object = None
        """The ring; None if it is in none."""
        self.place = -1
        """Its place in the ring's order; -1 without a ring."""
        self.previous: Page[Owner] = self
        self.following: Page[Owner] = self
        """Its neighbours in the ring; itself if it is alone."""
        self.is_aside = False
        """Whether it could not be evicted at the last check, so that it is not checked until it can."""
        self.note: int | None = None
        """The ring's policy's number for it, which pictures show; None if there is none."""
        self.known: Any = None
        """Further facts of the policy on its uses."""

    @property
    def users(self) -> tuple[Owner, ...]:
        """All owners of the page in this frame, the first to arrive first."""
        return (self.owner,) if self.others is None else (self.owner, *self.others)

    def add(self, owner: Owner) -> None:
        """Add an owner of the page."""
        if self.others is None:
            self.others = {}
        self.others[owner] = None

    def remove(self, owner: Owner) -> None:
        """Remove one of several owners; after the first, the next one is first."""
        assert self.others is not None, "one that has it alone gives up the frame"
        if self.owner is owner:
            self.owner = owner = next(iter(self.others))
        del self.others[owner]
        self.others = self.others or None

    def replace(self, before: Owner, after: Owner) -> None:
        """Replace the owner `before` by `after`."""
        if self.owner is before:
            self.owner = after
        elif self.others is not None:
            self.others = {after if one is before else one: None for one in self.others}


AnyPage: TypeAlias = Page[Any]
"""A page of any owner."""
