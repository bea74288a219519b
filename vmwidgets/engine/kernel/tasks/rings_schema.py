"""What changes in the order in which pages of tasks go out."""

from __future__ import annotations

from collections.abc import Iterable

from ...base.event import Event
from ...base.past import ABSENT, Row, declare

declare(
    {
        "hand": "of a ring, one row: the place where its policy looks next",
        "note": "of a ring, by frame: the number that its policy keeps of the page",
        "replacement": "one row: the policy by which pages are replaced",
        "ring": "of a ring, by frame: its place in the order of the policy",
    }
)


class ReplacementChosen(Event, row=("replacement", "", 0, "before", "after")):
    """Another replacement policy is used from now on."""

    before: str
    after: str


class RingMoved(Event):
    """A frame has another place in a ring of the replacement policy; -1: it is not in the ring."""

    ring: str
    frame: int
    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "ring", self.ring, self.frame, _place(self.before), _place(self.after)


def _place(place: int) -> object:
    return ABSENT if place < 0 else place


class HandMoved(Event, row=("hand", "ring", 0, "before", "after")):
    """The hand of a clock moved to another place in its ring."""

    ring: str
    before: int
    after: int


class HandLooked(Event, row=("hand", "ring", 0, "before", "after")):
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
    """A policy keeps other numbers of pages in a ring: of each the frame, and the number before and after, if any."""

    ring: str
    notes: tuple[tuple[int, int | None, int | None], ...]

    def writes(self) -> Iterable[Row]:
        for frame, before, after in self.notes:
            yield "note", self.ring, frame, _note(before), _note(after)


class PagesNoted(_Notes):
    """A policy stores another number for a page, such as its next use."""


class PagesAged(_Notes):
    """The counters of pages changed at a tick of the clock: the frame, the old and the new value of each."""


def _note(note: int | None) -> object:
    return ABSENT if note is None else note


class RingRenumbered(Event):
    """Frames and the hand have new places in a ring, in the same order: the frame, and both places of each."""

    ring: str
    places: tuple[tuple[int, int, int], ...]
    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        for frame, before, after in self.places:
            yield "ring", self.ring, frame, before, after
        yield "hand", self.ring, 0, self.before, self.after


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
