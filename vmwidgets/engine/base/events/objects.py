"""Events of memory objects, of files and swap space, and of tasks: what X15's map and its faults do with them.

Pages are numbered in their object: offset >> 12.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..values.objects import ObjectFields
from ..values.past import ABSENT, Row
from .event import Event

# ---- objects and their pages -------------------------------------------------------------------


class ObjectMade(Event):
    """A memory object came to be; a shadow names what lies behind it."""

    object: str
    fields: ObjectFields

    def writes(self) -> Iterable[Row]:
        yield "object", "", self.object, ABSENT, self.fields


class ObjectGone(Event):
    """The last reference to a memory object is gone, and so is the object; `why` says how."""

    object: str
    fields: ObjectFields
    why: str

    def writes(self) -> Iterable[Row]:
        yield "object", "", self.object, self.fields, ABSENT


class ShadowMoved(Event):
    """What lies behind an object changed: `why` is "collapsed" or "bypassed"."""

    object: str
    before: ObjectFields
    after: ObjectFields
    why: str

    def writes(self) -> Iterable[Row]:
        yield "object", "", self.object, self.before, self.after


class _ObjectPages(Event):
    """Pages of an object: number and frame of each."""

    object: str
    pages: tuple[tuple[int, int], ...]


class PagesEntered(_ObjectPages):
    """An object has these pages in memory now."""

    def writes(self) -> Iterable[Row]:
        return ((("page", self.object, index, ABSENT, frame)) for index, frame in self.pages)


class PagesLeft(_ObjectPages):
    """An object has these pages in memory no longer."""

    def writes(self) -> Iterable[Row]:
        return ((("page", self.object, index, frame, ABSENT)) for index, frame in self.pages)


class PageKept(Event):
    """A page left an object, and its frame stays: `object` has the page too."""

    frame: int
    object: str


class ObjectSearched(Event):
    """A fault looked for page `index` in an object of a shadow chain: `found` is "", and the search goes on, or where.

    The answers are "memory", "swap" and, at the end of a chain, "file" or "nowhere".
    """

    object: str
    index: int
    found: str


class PageCopied(Event):
    """Page `index` of `object` was copied from that of `source`: it is about to be written, or is copied at a fork.

    `source` is the object behind it, or that of the parent, or where forks count `object` itself: it had its page in a
    frame that others have too.
    `mapped` are the names of the tasks whose page tables led to that, the one that writes among them if its did.
    """

    object: str
    index: int
    source: str
    source_frame: int
    frame: int
    mapped: tuple[str, ...] = ()


class PageDirtied(Event):
    """A page of a file is written for the first time since it was read or written back."""

    object: str
    index: int

    def writes(self) -> Iterable[Row]:
        yield "dirty", self.object, self.index, ABSENT, True


class PageCleaned(Event):
    """A page of a file was written back."""

    object: str
    index: int

    def writes(self) -> Iterable[Row]:
        yield "dirty", self.object, self.index, True, ABSENT


class PageLost(Event):
    """A dirty page of a file is gone, and so is what was written: the file was cut off before it."""

    object: str
    index: int

    def writes(self) -> Iterable[Row]:
        yield "dirty", self.object, self.index, True, ABSENT


class _Blank(Event):
    """What is known of the zeroes in a frame: before and after."""

    frame: int


class PageBlank(_Blank):
    """A page came as zeroes, for a read: until it is written it need not be kept, since zeroes can come again.

    It is blank from now on, but for what the dirty bits of translations say that lead to its frame.
    """

    def writes(self) -> Iterable[Row]:
        yield "blank", "", self.frame, ABSENT, True


class PageWritten(_Blank):
    """A page that came as zeroes has been written: a write fault says so, or a dirty bit that goes."""

    def writes(self) -> Iterable[Row]:
        yield "blank", "", self.frame, True, False


class BlankGone(_Blank):
    """A page that was never written left its frame."""

    def writes(self) -> Iterable[Row]:
        yield "blank", "", self.frame, True, ABSENT


# ---- going out and coming back -----------------------------------------------------------------


class PageOut(Event):
    """Page `index` of `object` leaves its frame: `to` is "swap", "file", or "nowhere" where nothing has to be written.

    Then `has` says why: a "file" or "swap" has it already, or it has "zeroes", since it was never written.
    """

    object: str
    index: int
    frame: int
    to: str
    slot: int = -1
    """Where in swap space it was written; -1: nowhere."""
    has: str = ""

    def writes(self) -> Iterable[Row]:
        if self.slot >= 0:
            yield "swapped", self.object, self.index, ABSENT, self.slot


class ReplacementChosen(Event):
    """Pages are replaced by another policy from now on."""

    before: str
    after: str

    def writes(self) -> Iterable[Row]:
        yield "replacement", "", 0, self.before, self.after


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


class HandMoved(Event):
    """The hand of a clock moved on in its ring."""

    ring: str
    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "hand", self.ring, 0, self.before, self.after


class HandLooked(Event):
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

    def writes(self) -> Iterable[Row]:
        yield "hand", self.ring, 0, self.before, self.after


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


class PageIn(Event):
    """Page `index` of `object` was read from `slot` of swap space, which keeps it until the page is written."""

    object: str
    index: int
    frame: int
    slot: int


class PageJoined(Event):
    """Page `index` of `object` is in `slot` of swap space, and another object has it in memory: both have `frame`."""

    object: str
    index: int
    frame: int
    slot: int


class _ObjectSlots(Event):
    """Pages of an object in swap space: number and slot of each."""

    object: str
    slots: tuple[tuple[int, int], ...]


class SwapShared(_ObjectSlots):
    """Pages of `object` are in slots of swap space that another object's pages are in: page and slot of each."""

    def writes(self) -> Iterable[Row]:
        return (("swapped", self.object, index, ABSENT, slot) for index, slot in self.slots)


class _SlotsLeft(_ObjectSlots):
    """Pages of an object are in these slots of swap space no longer."""

    def writes(self) -> Iterable[Row]:
        return (("swapped", self.object, index, slot, ABSENT) for index, slot in self.slots)


class SwapLeft(_SlotsLeft):
    """Pages of `object` are in these slots of swap space no longer, and other objects' are: page and slot of each."""


class SwapFreed(_SlotsLeft):
    """Slots of swap space are free again: page and slot of each, of `object`."""


class SwapMoved(Event):
    """Pages in swap space became those of another object: number and slot of each."""

    before: str
    object: str
    slots: tuple[tuple[int, int], ...]

    def writes(self) -> Iterable[Row]:
        for index, slot in self.slots:
            yield "swapped", self.before, index, slot, ABSENT
            yield "swapped", self.object, index, ABSENT, slot


class SwapResized(Event):
    """So many slots of swap space there are now."""

    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "swap size", "", 0, self.before, self.after


class NothingToReclaim(Event):
    """No page of a task could leave its frame, and `why`."""

    why: str


class FileResized(Event):
    """A file has another size now (bytes); -1: it is gone."""

    file: str
    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "file", "", self.file, self.before if self.before >= 0 else ABSENT, self.after


# ---- tasks -------------------------------------------------------------------------------------


class TaskForked(Event):
    """A task got a child, with a copy of its address space, made in this `way`: "eager", "counted" or "shadow"."""

    task: str
    child: str
    way: str = "shadow"

    def writes(self) -> Iterable[Row]:
        yield "task", "", self.child, ABSENT, self.task


class TaskExited(Event):
    """A task is over: its memory is given back.  `parent` is the task that it was forked from, or ""."""

    task: str
    parent: str
    why: str

    def writes(self) -> Iterable[Row]:
        yield "task", "", self.task, self.parent, ABSENT


class SignalSent(Event):
    """A task got a signal for what it did at `address`."""

    task: str
    signal: str
    address: int
    why: str


class OutOfMemory(Event):
    """No frame was to be had: `task` was chosen to be killed, for the `resident` pages that it has."""

    task: str
    resident: int
    why: str


class Injected(Event):
    """A request at a named point was made to fail; it was the `count`th there."""

    point: str
    count: int
