"""The rings of frames for page replacement, as frozen values; and the changes of a ring."""

from __future__ import annotations

from collections.abc import Mapping

from ..base.event import Event
from ..base.frozen import frozen


@frozen
class RingPage:
    """A page in a ring: its frame, and the hardware's bits in its descriptors.

    `dirty` means that the page must be written back before its frame can be reused, by its dirty bits and the kernel's
    records. It is page `index` of `object`; `task` ("" for none) maps it at address `va`, and there are `others` more
    translations.  `note` is the policy's number for it: for OPT the next use, a position in the string, and for aging
    the counter.
    """

    frame: int
    object: str
    index: int
    task: str
    va: int
    others: int
    referenced: bool
    dirty: bool
    note: int | None = None


@frozen
class RingValue:
    """A ring, with its name: the task whose pages are in it, or "" for all tasks' pages.

    `pages` are in the policy's order or, if a function decides, in order of arrival; they are the first of `count`
    pages.  `hand` is the place of the first of them in a clock's ring: places are numbered from 0 on.
    """

    name: str
    pages: tuple[RingPage, ...]
    hand: int
    count: int = 0


@frozen
class ReplacementValue:
    """The state of page replacement: the policy in words, and the rings by name."""

    policy: str
    rings: Mapping[str, RingValue]

    @property
    def name(self) -> str:
        """The policy's name alone."""
        return self.policy.removesuffix(", local")

    @property
    def has_hand(self) -> bool:
        """Return whether the policy has a moving hand."""
        return self.name == "clock"

    @property
    def is_function(self) -> bool:
        """Return whether a function chooses the page, in an order that only the function knows."""
        return self.name == "a function"


# ---- changes of a ring -----------------------------------------------------------------------


class RingMoved(Event, changes=True):
    """A frame joined a ring (`to` is "in"), was moved to the ring's last place ("behind"), or left it ("out")."""

    ring: str
    frame: int
    to: str


class HandMoved(Event, changes=True):
    """The hand of a clock moved on to the next page in its ring."""

    ring: str


class HandLooked(Event, changes=True):
    """The hand of a clock checked whether to evict the page in `frame`, which `task` maps at `va`.

    `found` is "used" (a reference bit was set, and is cleared), "unused" (all are clear), or "kept" (the page may not
    be evicted now).  If no task maps the page, `task` is "".
    """

    ring: str
    frame: int
    task: str
    va: int
    found: str


class PagesAged(Event, changes=True):
    """The counters of pages changed at a tick of the clock: the frame, the old and the new value of each."""

    ring: str
    notes: tuple[tuple[int, int, int], ...]


class ReferenceCleared(Event):
    """The page in `frame` was used: it stays, and its reference bit is cleared."""

    frame: int
