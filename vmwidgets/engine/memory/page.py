"""A page in memory: the record of everything known about it, by its frame.

Kernels keep one record for each frame: `struct page` in Linux, `vm_page` in 4.4BSD (Gorman: Understanding the Linux
Virtual Memory Manager, 2004, 2.5; The Design and Implementation of the 4.4BSD Operating System, 5.12).  Events and
values name a page by the number of its frame, and never hold the record.
"""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, TypeVar

Owner = TypeVar("Owner")
"""Anything that owns pages."""


class Page(Generic[Owner]):
    """The page in `frame`: number `index` of `owner`, charged to `task` ("" for the kernel).

    After a fork that counts (`fork="counted"`), parent and child have their pages in the same frames, under the same
    numbers, and a task that writes to a page gets a copy (Linux copies page tables at fork; Gorman, 4.6.2).  Then
    `owner` is the first owner, and `others` has the other owners.  The owners are counted only when their number is
    needed, so no stored count can be wrong.
    """

    __slots__ = (
        "frame", "held", "index", "is_wanted", "known", "last_use", "others", "owner", "place", "task", "wired",
    )  # fmt: skip  # read as a list of names

    def __init__(self, frame: int, owner: Owner, index: int, task: str = "", wired: int = 0, held: int = 0) -> None:
        self.frame = frame
        self.owner = owner
        self.index = index
        self.others: dict[Owner, None] | None = None
        """Further owners of the page, in order of arrival; None if there is only one."""
        self.task = task
        self.last_use: tuple[int, str] | None = None
        """The page's number and the task that last used or mapped it under that number; None if unknown."""
        self.wired = wired
        """The number of times that the page is wired.

        A task's pages are wired by number, even while they are not in memory.
        """
        self.held = held
        """The number of users that need the page in its frame now."""
        self.is_wanted = False
        """Whether there was an attempt to evict the page while it was held."""

        # written only by the policy whose ring has the page
        self.place = 0
        """The page's place in the line of a queue."""
        self.known: Any = None
        """What else the policy knows about the page's uses."""

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
        """Remove one of several owners; if it was the first, the next becomes the first."""
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
