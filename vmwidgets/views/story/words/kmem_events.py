"""What happens in kernel memory, event by event: maps and their locks, pages, slabs, buffers."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.memory.pages_schema import CACHED
from vmwidgets.views.scene.text import visible

from .called import called
from .names import Names, address, frames, span
from .registry import InBox, comes_in_runs, says, sentences

say = sentences(
    "kmem events",
    {
        "MapCreated": "{map} becomes a separate map for {range}.",
        "MapCreated/no": "There is no memory for another map.",
        "MapLocked": "{map} is locked.",
        "MapUnlocked": "{map} is unlocked.",
        "GapCompared/left": (
            "The largest gap in the subtree of {entry} is {largest}; {size} fits on the left: go left."
        ),
        "GapCompared/right": (
            "The largest gap in the subtree of {entry} is {largest}; {size} fits on the right: go right."
        ),
        "GapCompared/here": "The gap after the entry at {entry} is the lowest one that can hold {size}.",
        "SpaceSought": "The search in {map} finds {size} free at {address}.",
        "SpaceSought/no": "{map} has no gap of {size}.",
        "RangeInserted/new": "{map} gets a new entry {range} without an object, not wired yet.",
        "RangeInserted/object": "{map} gets a new entry {range} of {object} at offset {offset}, not wired yet.",
        "RangeInserted/extend": "The previous entry is extended over {range}: no object, same flags, not wired.",
        "RangeInserted/extend object": (
            "The previous entry is extended over {range}, with {object}: same flags, not wired."
        ),
        "RangeInserted/outside": "{range} is not inserted into {map}: it lies outside the map.",
        "EntryJoined/prev": "The entry merges with the one before it into {range}.",
        "EntryJoined/next": "The entry merges with the one after it into {range}.",
        "EntryClipped": "An entry of {map} is cut at {address}.",
        "RangeDeleted": "{range} of {map} is free again.",
        "SubmapAttached": "{range} of {map} becomes the submap {submap}.",
        "SubmapAttached/no": "{range} of {map} can't become the submap {submap}.",
        "SleepersWoken": (
            "The thread that slept for room in {map} is ready to check again.",
            "{count} threads that slept for room in {map} are ready to check again.",
        ),
        "ObjectCreated": "The entry gets an object of its own, {object}, since it had none.",
        "PageDenied": "The {page_class} request gets no page: too few are left. The page daemon is woken.",
        "TranslationsRemoved": "The page tables map nothing in {range} now.",
        "LowMemory": "vm_lowmem asks every handler for memory.",
        "ZonesReclaimed": "The zone allocator is asked for its empty slabs.",
        "PageAllocated": (
            "Frame {frames} is allocated for {owner}.",
            "Frames {frames} are allocated for {owner}.",
        ),
        "PageFreed": ("Frame {frames} of {owner} is free again.", "Frames {frames} of {owner} are free again."),
        "PteWritten": (
            "The descriptor for {address} is written: {value}.",
            "{count} descriptors for {address} are written, the last of them {value}.",
        ),
        "PageReused": "Cached frame {frame} gives up its page of {owner}.",
        "FileRead/hit": "Page {page} of file {file} is in memory: frame {frame}.",
        "FileRead/reactivated": "Page {page} of file {file} was cached and is used again: frame {frame}.",
        "FileRead/read": "Page {page} of file {file} is read into frame {frame}.",
        "DaemonScanned": (
            "The page daemon moves 1 page: {available} pages are available.",
            "The page daemon moves {count} pages: {available} pages are available.",
        ),
        "ZoneGrown": "Zone {zone} gets a slab of {size} at {address} from kmem_malloc.",
        "ZoneShrunk": "Zone {zone} frees an empty slab of {size} at {address}.",
        "CallbackRan/returned": "The handler {name} ran and returned.",
        "CallbackRan/failed": "The handler {name} ran: {outcome}.",
        "CallUndone": "{call} is abandoned and rolled back: {why}.",
        "SlabCreated": "{cache} gets a slab at {address}.",
        "SlabCreated/zone": "{cache} divides the slab at {address} into buffers.",
        "SlabDestroyed": "{cache} frees its slab at {address}.",
        "BufferAllocated": "{cache} allocates the buffer at {address}.",
        "BufferFreed": "{cache} frees the buffer at {address}.",
        "BufferAllocated/entry": "An entry is allocated in the kentry slot at {address}.",
        "BufferFreed/entry": "The kentry slot at {address} is free again.",
        # runs of pages
        "Alike": "{count} more steps like these follow; the last: {last}.",
        "PageZeroed": (
            "The idle loop fills a free frame with zeroes ahead of need.",
            "The idle loop fills {count} free frames with zeroes ahead of need.",
        ),
        "PageCached": (
            "The page daemon caches an inactive page, which is immediately available.",
            "The page daemon caches {count} inactive pages, which are immediately available.",
        ),
        "BlockSplit": (
            "The buddy system halves a free block.",
            "The buddy system halves free blocks {count} times, down to the size wanted.",
        ),
        "BlockJoined": (
            "The buddy system coalesces two free buddies into one block.",
            "The buddy system coalesces free buddies {count} times.",
        ),
        "TranslationEntered": (
            "1 page at {address} is entered in the kernel's page tables.",
            "{count} pages from {address} on are entered in the kernel's page tables.",
        ),
        "PageReleased": ("1 page of {object} is free again.", "{count} pages of {object} are free again."),
        "PageReleased/unwired": (
            "1 page of {object} is unwired and free again.",
            "{count} pages of {object} are unwired and free again, the highest first.",
        ),
        "PageUnwired": ("1 page is unwired once.", "{count} pages are unwired once."),
        "PageGranted": "Class {page_class} gets frame {frame} for page {page} of {object}.",
        "PageGranted/zeroed": ("Class {page_class} gets frame {frame}, zeroed before, for page {page} of {object}."),
        "PageGranted/cleared": "Class {page_class} gets frame {frame} for page {page} of {object} and clears it.",
        "PageGranted/wired": "Class {page_class} gets frame {frame} for page {page} of {object}, wired.",
        "PageGranted/wired zeroed": (
            "Class {page_class} gets frame {frame}, zeroed before, for page {page} of {object}, wired."
        ),
        "PageGranted/wired cleared": (
            "Class {page_class} gets frame {frame} for page {page} of {object}, wired, and clears it."
        ),
        "PageGranted/more": (
            "1 more page is allocated in the same way.",
            "{count} more pages are allocated in the same way.",
        ),
        "PageGranted/more cleared": (
            "1 more page is allocated in the same way and cleared.",
            "{count} more pages are allocated in the same way; {cleared} of them are cleared.",
        ),
        "PageCleared": "Frame {frame} is filled with zeroes.",
    },
)

KENTRY = "vm_map_kentry"
"""The cache whose buffers are slots of the kentry area."""

OTHERS = "another user"
"""Who has pages that no part of the kernel asked for."""


TAKEN = InBox("frame", lambda event, _: f"{event.frame:#x} taken")
"""Of a frame that is allocated."""


# ---- maps ----------------------------------------------------------------------------------------


@says(ev.MapCreated, about="map", of="map")
def _created(event: ev.MapCreated, names: Names) -> str:
    if event.map is None:
        return say("MapCreated/no")
    return say("MapCreated", map=called(event.map), range=span(event.start, event.end))


@says(ev.MapLocked, ev.MapUnlocked, about="map", of="map")
def _locked(event: ev.MapLocked | ev.MapUnlocked, names: Names) -> str:
    return say(event.tag, map=called(event.map))


@says(ev.GapCompared, about="map", of="map", thing="entry:{0.entry}")
def _compared(event: ev.GapCompared, names: Names) -> str:
    sizes = {"largest": binary_size(event.largest), "size": binary_size(event.length)}
    return say(f"GapCompared/{event.outcome}", entry=names.entry(event.entry), **sizes)


@says(ev.SpaceSought, about="map", of="map", weight={"kmem": 1})
def _sought(event: ev.SpaceSought, names: Names) -> str:
    name = "SpaceSought/no" if event.address is None else "SpaceSought"
    return say(name, map=called(event.map), size=binary_size(event.length), address=address(event.address or 0))


@says(ev.RangeInserted, about="map", of="map", weight={"kmem": 3})
def _inserted(event: ev.RangeInserted, names: Names) -> str:
    case, target = event.how, event.object
    if event.status:  # what the search found is free: a range that is none is all that can be refused
        case = "outside"
    elif case == "extend" and names.resized is not None and names.resized[3] is not None:
        case, target = "extend object", names.resized[3]
    elif case != "extend" and target is not None:
        case = "object"
    return say(
        f"RangeInserted/{case}", map=called(event.map), range=span(event.start, event.end),
        object=visible(target or ""), offset=f"{event.offset:#x}",
    )  # fmt: skip


@says(ev.EntryJoined, about="map", of="map", thing="entry:{0.entry}")
def _joined(event: ev.EntryJoined, names: Names) -> str:
    return say(f"EntryJoined/{event.side}", range=span(event.start, event.end))


@says(ev.EntryClipped, about="map", of="map", thing="entry:{0.entry}", weight={"kmem": 2})
def _clipped(event: ev.EntryClipped, names: Names) -> str:
    return say("EntryClipped", map=called(event.map), address=address(event.address))


@says(ev.RangeDeleted, about="map", of="map", weight={"kmem": 3})
def _deleted(event: ev.RangeDeleted, names: Names) -> str:
    return say("RangeDeleted", map=called(event.map), range=span(event.start, event.end))


@says(ev.SubmapAttached, about="map", of="map", weight={"kmem": 5})
def _submap(event: ev.SubmapAttached, names: Names) -> str:
    name = "SubmapAttached/no" if event.status else "SubmapAttached"
    return say(name, map=called(event.map), submap=called(event.submap), range=span(event.start, event.end))


@says(ev.SleepersWoken, about="map", of="map", weight={"kmem": 5})
def _woke(event: ev.SleepersWoken, names: Names) -> str:
    return say("SleepersWoken", event.count, map=called(event.map))


# ---- pages ---------------------------------------------------------------------------------------


@says(ev.ObjectCreated, about="pages")
def _object(event: ev.ObjectCreated, names: Names) -> str:
    return say("ObjectCreated", object=visible(event.object))


@says(ev.PageDenied, about="pages", weight={"kmem": 4})
def _denied(event: ev.PageDenied, names: Names) -> str:
    return say("PageDenied", page_class=class_of(event))


@says(ev.TranslationsRemoved, about="pages")
def _unmapped(event: ev.TranslationsRemoved, names: Names) -> str:
    return say("TranslationsRemoved", range=span(event.start, event.end))


@says(ev.LowMemory, ev.ZonesReclaimed, about="pages")
def _asked(event: ev.LowMemory | ev.ZonesReclaimed, names: Names) -> str:
    return say(event.tag)


@says(ev.PageAllocated, about="pages", of="owner", thing="frame:{0.frame}", box=TAKEN)
@says(ev.PageFreed, about="pages", of="owner")
def _frames(event: ev.PageAllocated | ev.PageFreed, names: Names) -> str:
    count = 1 << event.order
    owner = visible(event.owner.removeprefix(CACHED)) or OTHERS
    return say(event.tag, count, frames=frames(event.frame, count), owner=owner)


@says(ev.PageReused, about="pages")
def _reused(event: ev.PageReused, names: Names) -> str:
    return say("PageReused", frame=frames(event.frame), owner=visible(event.whose))


@says(ev.FileRead, about="pages")
def _file(event: ev.FileRead, names: Names) -> str:
    case = event.how if event.how in ("hit", "reactivated") else "read"
    return say(f"FileRead/{case}", page=f"{event.pindex:#x}", file=visible(event.file), frame=frames(event.frame))


@says(ev.DaemonScanned, about="pages")
def _scanned(event: ev.DaemonScanned, names: Names) -> str:
    return say("DaemonScanned", event.moved, available=f"{event.available:,}")


@says(ev.CallbackRan, about="pages")
def _callback(event: ev.CallbackRan, names: Names) -> str:
    how = "returned" if event.outcome == "returned" else "failed"
    return say(f"CallbackRan/{how}", name=visible(event.name), outcome=visible(event.outcome))


@says(ev.CallUndone, about="pages")
def _undone(event: ev.CallUndone, names: Names) -> str:
    return say("CallUndone", call=visible(event.call), why=visible(event.why))


# ---- slabs and buffers ---------------------------------------------------------------------------


@says(ev.ZoneGrown, ev.ZoneShrunk, about="buffers", of="zone")
def _zone(event: ev.ZoneGrown | ev.ZoneShrunk, names: Names) -> str:
    return say(event.tag, zone=visible(event.zone), size=binary_size(event.size), address=address(event.address))


@says(ev.SlabCreated, ev.SlabDestroyed, about="buffers", of="cache")
def _slab(event: ev.SlabCreated | ev.SlabDestroyed, names: Names) -> str:
    if event.cache.startswith(_ZONE):  # where its slabs come from and go is said of the zone
        return say("SlabCreated/zone", **_at(event)) if isinstance(event, ev.SlabCreated) else ""
    return say(event.tag, **_at(event))


@says(ev.BufferAllocated, ev.BufferFreed, about="buffers", of="cache")
def _buffer(event: ev.BufferAllocated | ev.BufferFreed, names: Names) -> str:
    name = f"{event.tag}/entry" if event.cache == KENTRY else event.tag
    return say(name, **_at(event))


_ZONE = "zone "
"""What the names of the zones' caches begin with: a sentence begins with a capital there."""


def _at(event: ev.SlabCreated | ev.SlabDestroyed | ev.BufferAllocated | ev.BufferFreed) -> dict[str, str]:
    """The cache, to begin a sentence with, and the address."""
    name = visible(event.cache)
    said = name.capitalize() if name.startswith(_ZONE) else f"The cache {name}"
    return {"cache": said, "address": address(event.address)}


# ---- runs of pages -------------------------------------------------------------------------------

comes_in_runs(ev.PageGranted, family="grant", thing="frame:{0.frame}", box=TAKEN)
comes_in_runs(ev.PageCleared, family="grant")
comes_in_runs(ev.PageUnwired, ev.PageReleased, family="release")
comes_in_runs(ev.TranslationEntered, family="enter", box=InBox("enter", lambda event, _: "entered"))
comes_in_runs(ev.PageZeroed, family="zero")
comes_in_runs(ev.PageCached, family="cache")
comes_in_runs(ev.BlockSplit, family="split")
comes_in_runs(ev.BlockJoined, family="join")
comes_in_runs(
    ev.PteWritten,  # only at the end of a fault: elsewhere what was said of pages says it
    family="descriptor",
    thing="pte:{0.pa:x}",
    box=InBox("enter", lambda event, _: f"level {event.level}: {f'{event.after:#x}' if event.after else 'cleared'}"),
)

_COUNTED = {"zero": "PageZeroed", "cache": "PageCached", "split": "BlockSplit", "join": "BlockJoined"}


def said_of_run(family: str, events: Sequence[ev.Event]) -> str:
    """The sentence of a run of pages of one family, but of those granted."""
    if family == "enter":
        first = next(event for event in events if isinstance(event, ev.TranslationEntered))
        return say("TranslationEntered", len(events), address=address(first.va))
    if family == "release":
        return _released(events)
    if family == "descriptor":
        last = events[-1]
        assert isinstance(last, ev.PteWritten), "no other event is of this family"
        return say("PteWritten", len(events), address=address(last.va), value=f"{last.after:#x}")
    return say(_COUNTED[family], len(events))


def _released(events: Sequence[ev.Event]) -> str:
    freed = [event for event in events if isinstance(event, ev.PageReleased)]
    unwired = len(events) - len(freed)
    if not freed:
        return say("PageUnwired", unwired)
    name = "PageReleased/unwired" if unwired else "PageReleased"  # kmem_malloc gives back what it got, the last first
    return say(name, len(freed), object=visible(freed[0].object))


def said_of_page(events: Sequence[ev.Event]) -> str:
    """The sentence of one page that was granted, and perhaps cleared."""
    first = events[0]
    if not isinstance(first, ev.PageGranted):
        assert isinstance(first, ev.PageCleared), "a run of pages that are granted begins with one or the other"
        return say("PageCleared", frame=frames(first.frame))
    words = first.request.split("|")
    case = " ".join(["wired"] * ("WIRED" in words) + [("zeroed" if first.zeroed else "cleared")] * ("ZERO" in words))
    return say(
        f"PageGranted/{case}" if case else "PageGranted", page_class=words[0], frame=frames(first.frame),
        page=f"{first.pindex:#x}", object=visible(first.object),
    )  # fmt: skip


def said_of_alike(steps: int, last: str) -> str:
    """The sentence of so many steps that are like those before them; `last` is what the last of them says."""
    return say("Alike", steps, last=last.removesuffix("."))


def said_of_rest(pages: int, cleared: int) -> str:
    """The sentence of the other pages of a run."""
    return say("PageGranted/more cleared" if cleared else "PageGranted/more", pages, cleared=f"{cleared:,}")


def class_of(event: ev.PageGranted | ev.PageDenied) -> str:
    """The class of a page request."""
    return event.request.partition("|")[0]
