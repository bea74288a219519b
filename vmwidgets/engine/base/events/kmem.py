"""Events of FreeBSD's kernel maps and their pages, beside those of all maps; `pindex` numbers an object's pages."""

from __future__ import annotations

from collections.abc import Iterable

from ..values.past import ABSENT, MOVED, Row
from .event import Event

# ---- maps ------------------------------------------------------------------------------------


class MapCreated(Event):
    """A map of [start, end) was made; `map` is none where there was no memory for it."""

    map: str | None
    start: int
    end: int

    def writes(self) -> Iterable[Row]:
        if self.map is not None:
            yield "map", "", self.map, ABSENT, True


class MapLocked(Event):
    """The lock of `map` was taken by `thread` ("" the learner's cell)."""

    map: str
    thread: str

    def writes(self) -> Iterable[Row]:
        yield "lock", "", self.map, None, self.thread


class MapUnlocked(Event):
    """The lock of `map` was dropped; `thread` had it ("" the learner's cell, none: no thread)."""

    map: str
    thread: str | None

    def writes(self) -> Iterable[Row]:
        yield "lock", "", self.map, self.thread, None


class GapCompared(Event):
    """A search for `length` free bytes came to `entry`: go "left" or "right", or the gap behind it is the one, "here".

    `largest` is the largest gap behind any entry below it in the tree.
    """

    map: str
    entry: int
    length: int
    largest: int
    outcome: str


class SpaceSought(Event):
    """A search for `length` free bytes found `address`, or none."""

    map: str
    length: int
    address: int | None


class RangeInserted(Event):
    """[start, end) was to become used; `how` is "new", "extend" (the entry before grew), or "" with a `status`."""

    map: str
    start: int
    end: int
    object: str | None
    offset: int
    how: str
    status: int


class EntryJoined(Event):
    """`entry` took in its neighbour on `side` ("prev" or "next"), and is [start, end) now."""

    map: str
    entry: int
    side: str
    start: int
    end: int


class EntryClipped(Event):
    """`entry` was split at `address`."""

    map: str
    entry: int
    address: int


class EntryWired(Event):
    """The wired count of `entry` changed."""

    map: str
    entry: int
    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "wired", self.map, self.entry, self.before, self.after


class RangeWired(Event):
    """[start, end) was to be wired; `status` 1: nothing is at its start."""

    map: str
    start: int
    end: int
    status: int


class RangeDeleted(Event):
    """One entry, [start, end), is gone."""

    map: str
    start: int
    end: int


class SubmapAttached(Event):
    """[start, end) was to become the place of a submap; `status` 4: the entry there can't serve."""

    map: str
    submap: str
    start: int
    end: int
    status: int


class SleepersWoken(Event):
    """`count` threads that slept for room in `map` were made ready."""

    map: str
    count: int

    def writes(self) -> Iterable[Row]:
        yield "needs_wakeup", self.map, 0, True, False


# ---- objects and pages -----------------------------------------------------------------------


class ObjectCreated(Event):
    """An entry without object got an anonymous one of `pages` pages."""

    object: str
    pages: int


class PageGranted(Event):
    """A page request was met; `zeroed`: the page is known to hold zeroes."""

    request: str
    object: str
    pindex: int
    frame: int
    zeroed: bool

    def writes(self) -> Iterable[Row]:
        yield "wirings", "", self.frame, ABSENT, int("WIRED" in self.request.split("|"))


class PageDenied(Event):
    """A page request found too few pages for its class."""

    request: str
    object: str
    pindex: int

    def writes(self) -> Iterable[Row]:
        yield "deficit", "", 0, MOVED, 1


class _ObjectPage(Event):
    """Page `pindex` of an object, in `frame`."""

    object: str
    pindex: int
    frame: int


class PageCleared(_ObjectPage):
    """A page was filled with zeroes by hand."""


class _WiredPage(_ObjectPage):
    """A page that had so many `wirings` before."""

    wirings: int = 0


class PageWired(_WiredPage):
    """A page that was there got one wiring more."""

    def writes(self) -> Iterable[Row]:
        yield "wirings", "", self.frame, self.wirings, self.wirings + 1


class PageUnwired(_WiredPage):
    """A page lost one wiring."""

    def writes(self) -> Iterable[Row]:
        yield "wirings", "", self.frame, self.wirings, self.wirings - 1


class PageReleased(_ObjectPage):
    """A page was freed; it has no wiring any more."""


class TranslationEntered(Event):
    """The kernel's page tables map `va` to `frame` now."""

    va: int
    frame: int
    wired: bool


class TranslationsRemoved(Event):
    """The kernel's page tables map nothing in [start, end) any more."""

    start: int
    end: int


class LowMemory(Event):
    """The event vm_lowmem was fired: handlers are asked to free memory."""


class ZonesReclaimed(Event):
    """The zone allocator was asked to give its empty slabs back (uma_reclaim)."""


class PageZeroed(Event):
    """The idle loop cleared a free frame ahead of need."""

    frame: int


class _CachedPage(Event):
    """A page in the cache; `whose` it was."""

    frame: int
    whose: str


class PageReused(_CachedPage):
    """A cached frame gave up the page of `whose` that it held."""


class PageCached(_CachedPage):
    """The page daemon moved a clean page of `whose` to the cached ones: it can be had at once."""

    def writes(self) -> Iterable[Row]:
        yield "inactive", "", self.frame, True, ABSENT


class FileRead(Event):
    """Page `pindex` of a file was wanted: "hit" (in memory), "reactivated" (it was cached) or "read"."""

    file: str
    pindex: int
    frame: int
    how: str

    def writes(self) -> Iterable[Row]:
        if self.how != "hit":
            yield "inactive", "", self.frame, ABSENT, True


class DaemonScanned(Event):
    """The page daemon made a pass: so many pages were `moved` to the cached ones, so many can be had now."""

    moved: int
    available: int


class _ZoneSlab(Event):
    """A slab of `size` bytes of a zone."""

    zone: str
    address: int
    size: int


class ZoneGrown(_ZoneSlab):
    """A zone got a slab from kmem_malloc."""


class ZoneShrunk(_ZoneSlab):
    """A zone gave an empty slab back to kmem_map."""


class CallbackRan(Event):
    """A learner's callback (`name`) was called; `outcome` "returned", or the name of what it raised."""

    name: str
    outcome: str


class CallUndone(Event):
    """A call that can't go on was given up, and what it had begun was taken back."""

    call: str
    why: str
