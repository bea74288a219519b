"""Changes in the order in which tasks' pages are evicted."""

from __future__ import annotations

from ...base.event import Event


class ReplacementChosen(Event, changes=True):
    """Another replacement policy is used from now on."""

    before: str
    after: str


class RingMoved(Event, changes=True):
    """A frame has another place in a ring of the replacement policy; -1: it is not in the ring."""

    ring: str
    frame: int
    before: int
    after: int


class HandMoved(Event, changes=True):
    """The hand of a clock moved to another place in its ring."""

    ring: str
    before: int
    after: int


class HandLooked(Event, changes=True):
    """The hand of a clock checked whether to evict the page in `frame`, which `task` maps at `va`.

    `found` is "used" (a reference bit was set, and is cleared), "unused" (all are clear), or "kept" (the page may not
    be evicted now).  If no task maps the page, `task` is "".
    """

    ring: str
    before: int
    after: int
    frame: int
    task: str
    va: int
    found: str


class _Notes(Event):
    """A policy keeps other numbers for pages in a ring: the frame of each, and the number before and after, if any."""

    ring: str
    notes: tuple[tuple[int, int | None, int | None], ...]


class PagesNoted(_Notes, changes=True):
    """A policy stores another number for a page, such as its next use."""


class PagesAged(_Notes, changes=True):
    """The counters of pages changed at a tick of the clock: the frame, the old and the new value of each."""


class RingRenumbered(Event, changes=True):
    """Frames and the hand have new places in a ring, in the same order: the frame, and both places of each."""

    ring: str
    places: tuple[tuple[int, int, int], ...]
    before: int
    after: int


class ReferenceCleared(Event):
    """The page in `frame` was used: it stays, and its reference bit is cleared."""

    frame: int


class PageLeaving(Event):
    """The page in `frame` is about to be evicted; `task` maps it at `va` ("": no task maps it)."""

    frame: int
    task: str
    va: int


class NothingToReclaim(Event):
    """No page of a task could be evicted; `why` is the reason."""

    why: str
