"""A page in memory: what is known of it by its frame, in one place.

Kernels keep one record for each frame: `struct page` in Linux, `vm_page` in 4.4BSD (Gorman: Understanding the Linux
Virtual Memory Manager, 2004, 2.5; The Design and Implementation of the 4.4BSD Operating System, 5.12).  Events and
values name a page by the number of its frame, and never hold the record.
"""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, TypeVar

Owner = TypeVar("Owner")
"""What has pages; nothing here asks what that is."""


class Page(Generic[Owner]):
    """What is in `frame`: page number `index` of `owner`, which counts for `task`, "" for none, as the kernel's do.

    After a fork that counts (`fork="counted"`) parent and child have their pages in the same frames, under the same
    numbers, and the first of them to write a page gets a copy of it (Linux's copy of page tables at fork; Gorman,
    4.6.2).  Then `owner` is the one that came first, and the rest are in `others`.  How many there are is found by
    looking: there is no count that could differ.
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
        """Those behind the first that have the page too, in the order in which they came; none: it is one's alone."""
        self.task = task
        self.last_use: tuple[int, str] | None = None
        """Its number among the addresses of the task that used or mapped it last, and that task, as far as known."""
        self.wired = wired
        """How often it is wired.  Those of tasks are so by their numbers, also while they are not in memory."""
        self.held = held
        """How many need it in its frame at this moment."""
        self.is_wanted = False
        """Whether it was to leave while it was held."""

        # in the ring of pages from which it may go, which alone writes these
        self.ring: object = None
        """The ring; none: it is in none."""
        self.place = -1
        """Its place there, by which it is asked; -1 in no ring."""
        self.previous: Page[Owner] = self
        self.following: Page[Owner] = self
        """Its neighbours there; itself without any."""
        self.is_aside = False
        """Whether it could not go when it was asked last, so that it is not asked until it may."""
        self.note: int | None = None
        """The number that the ring's policy keeps of it, which pictures show; none: it keeps none."""
        self.known: Any = None
        """What else the policy knows of its uses."""

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
        """Give `after` what `before` had here."""
        if self.owner is before:
            self.owner = after
        elif self.others is not None:
            self.others = {after if one is before else one: None for one in self.others}


AnyPage: TypeAlias = Page[Any]
"""A page, whosever it is."""
