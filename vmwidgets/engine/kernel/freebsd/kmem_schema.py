"""FreeBSD's kernel memory: counts of pages as values, and what maps, objects, pages and zones report."""

from __future__ import annotations

from ...base.event import Event

# ---- pages and frames --------------------------------------------------------------------------


class GapCompared(Event):
    """A search for `length` free bytes reached `entry`: go "left" or "right", or use the gap after it, "here".

    `largest` is the largest gap after any entry below it in the tree.
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
    """One entry, [start, end), was removed."""

    map: str
    start: int
    end: int


class SleepersWoken(Event, changes=True):
    """`count` threads that slept until `map` had room were made ready."""

    map: str
    count: int


# ---- objects and pages -----------------------------------------------------------------------


class ObjectCreated(Event):
    """An entry without object got an anonymous one of `pages` pages."""

    object: str
    pages: int


class PageGranted(Event, changes=True):
    """A page request succeeded; `zeroed`: the page is known to contain zeroes."""

    request: str
    object: str
    pindex: int
    frame: int
    zeroed: bool


class PageDenied(Event, changes=True):
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
    """A page was filled with zeroes when it was allocated."""


class PageWired(_ObjectPage, changes=True):
    """A page in memory got one more wiring."""


class PageUnwired(_ObjectPage, changes=True):
    """A page lost one wiring."""


class PageReleased(_ObjectPage):
    """A page without wirings was freed."""


class TranslationEntered(Event):
    """The kernel's page tables map `va` to `frame` now."""

    va: int
    frame: int
    wired: bool


class TranslationsRemoved(Event):
    """The kernel's page tables no longer map anything in [start, end)."""

    start: int
    end: int


class LowMemory(Event, role="handlers"):
    """The event vm_lowmem was fired: handlers are asked to free memory."""


class ZonesReclaimed(Event, role="handled"):
    """The zone allocator was asked to return its empty slabs (uma_reclaim)."""


class PageZeroed(Event):
    """The idle loop cleared a free frame in advance."""

    frame: int


class _CachedPage(Event):
    """A page in the cache, which belongs to `whose`."""

    frame: int
    whose: str


class PageReused(_CachedPage):
    """A cached frame was reused; the page of `whose` in it is lost."""


class PageCached(_CachedPage, changes=True):
    """The page daemon moved a clean page of `whose` to the cached pages, from which it can be allocated immediately."""


class FileRead(Event, changes=True):
    """A page, `pindex`, of a file was needed: "hit" (in memory), "reactivated" (it was cached) or "read"."""

    file: str
    pindex: int
    frame: int
    how: str


class DaemonScanned(Event):
    """The page daemon made a pass: `moved` pages were cached, and `available` pages can be allocated now."""

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
    """A zone returned an empty slab to kmem_map."""
