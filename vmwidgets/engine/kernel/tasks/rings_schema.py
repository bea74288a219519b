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
    """Pages are replaced by another policy from now on."""

    before: str
    after: str


class RingMoved(Event):
    """A frame has another place in a ring of the replacement policy; -1: it is not in it."""

    ring: str
    frame: int
    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "ring", self.ring, self.frame, _place(self.before), _place(self.after)


def _place(place: int) -> object:
    return ABSENT if place < 0 else place


class HandMoved(Event, row=("hand", "ring", 0, "before", "after")):
    """The hand of a clock moved on in its ring."""

    ring: str
    before: int
    after: int


class HandLooked(Event, row=("hand", "ring", 0, "before", "after")):
    """The hand of a clock is at the page in `frame`, where `task` has it at `va`, and looked whether this may leave.

    It `found` a reference bit that was set, and cleared it ("used"), or that all are clear ("unused"), or a page that
    may not leave at this moment ("kept").  No task has mapped it where `task` is "".
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
    """A policy keeps another number of a page: such as its next use."""


class PagesAged(_Notes):
    """Counters of pages moved at a tick of the clock: of each the frame, and what it was before and after."""


def _note(note: int | None) -> object:
    return ABSENT if note is None else note


class RingRenumbered(Event):
    """Frames have other places in a ring, and the hand too, in the same order: of each the frame, and both places."""

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
    """The page in `frame` is about to leave memory; `task` has it at `va` (""; none has it mapped)."""

    frame: int
    task: str
    va: int


class NothingToReclaim(Event):
    """No page of a task could leave its frame, and `why`."""

    why: str
