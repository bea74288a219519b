"""FreeBSD's kernel memory: counts of pages as values, and what maps, objects, pages and zones report."""

from __future__ import annotations

from collections.abc import Iterable

from ...base.event import Event
from ...base.past import ABSENT, MOVED, Row, declare

declare(
    {
        "deficit": "one row: how many pages were asked for in vain",
        "inactive": "by frame: that its page is inactive",
        "needs_wakeup": "of a map, one row: that a thread sleeps for room",
        "wirings": "by frame: how often its page is wired",
    }
)


# ---- pages and frames --------------------------------------------------------------------------


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


class EntryClipped(Event):
    """`entry` was split at `address`."""

    map: str
    entry: int
    address: int


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


class SleepersWoken(Event, row=("needs_wakeup", "map", 0, True, False)):
    """`count` threads that slept for room in `map` were made ready."""

    map: str
    count: int


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


class PageDenied(Event, row=("deficit", "", 0, MOVED, 1)):
    """A page request found too few pages for its class."""

    request: str
    object: str
    pindex: int


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


class LowMemory(Event, role="handlers"):
    """The event vm_lowmem was fired: handlers are asked to free memory."""


class ZonesReclaimed(Event, role="handled"):
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


class PageCached(_CachedPage, row=("inactive", "", "frame", True, ABSENT)):
    """The page daemon moved a clean page of `whose` to the cached ones: it can be had at once."""


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
