"""What happens to kernel memory, its pages and its threads, each event in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.base import events as ev
from ..engine.base import kmem_events as kev
from ..engine.base import memory_events as mev
from ..engine.base import thread_events as tev
from ..engine.base.units import binary_size
from .addresses import AddressStyle
from .text import visible


def pages_of(count: int) -> str:
    """So many pages."""
    return f"{count:,} page{'' if count == 1 else 's'}"


def sentence(event: ev.Event, style: AddressStyle, frames: set[int]) -> str:
    """The sentence of an event, if it has one; `frames` are those that page requests got or gave."""
    if isinstance(event, (mev.PageAllocated, mev.PageFreed)) and event.frame in frames:
        return ""  # told by the queues above the allocator
    writer = _SENTENCES.get(type(event))
    return "" if writer is None else writer(event, style)


def _range(style: AddressStyle, start: int, end: int) -> str:
    return f"{style.long(start)}–{style.long(end)}"


def _sought(event: kev.SpaceSought, style: AddressStyle) -> str:
    if event.address is None:
        return f"No gap of {visible(event.map)} holds {binary_size(event.length)}."
    return f"First fit in {visible(event.map)}: {binary_size(event.length)} are free at {style.long(event.address)}."


def _inserted(event: kev.RangeInserted, style: AddressStyle) -> str:
    where = _range(style, event.start, event.end)
    if event.status:
        why = {1: "it is no range of this map", 3: "part of it is used"}.get(event.status, f"status {event.status}")
        return f"{where} is not inserted into {visible(event.map)}: {why}."
    if event.how == "extend":
        return f"The entry before grows over {where}: no object, the same flags, not wired."
    what = "without object" if event.object is None else f"of {visible(event.object)} at offset {event.offset:#x}"
    return f"{visible(event.map)} has a new entry {where} {what}, not wired yet."


def _compared(event: kev.GapCompared, style: AddressStyle) -> str:
    where = {"left": "there is room further left", "right": "there is room further right", "here": "it is the lowest"}
    largest = f"From entry {event.entry} down, the largest gap is {binary_size(event.largest)}"
    return f"{largest}: {where[event.outcome]} for {binary_size(event.length)}."


def _joined(event: kev.EntryJoined, style: AddressStyle) -> str:
    side = "before" if event.side == "prev" else "after"
    return f"It takes in the entry {side} it, which continues it: {_range(style, event.start, event.end)} now."


def _clipped(event: kev.EntryClipped, style: AddressStyle) -> str:
    return f"An entry of {visible(event.map)} is split at {style.long(event.address)}."


def _submap(event: kev.SubmapAttached, style: AddressStyle) -> str:
    where = _range(style, event.start, event.end)
    if event.status:
        return f"{where} of {visible(event.map)} can't be the place of {visible(event.submap)}."
    return f"{where} of {visible(event.map)} is the place of {visible(event.submap)}."


def _created(event: kev.MapCreated, style: AddressStyle) -> str:
    if event.map is None:
        return "There was no memory for a map."
    return f"A map of its own, {visible(event.map)}, is made for {_range(style, event.start, event.end)}."


def _thread(name: str) -> str:
    return visible(name) or "The cell"


def _slept(event: tev.ThreadSlept, style: AddressStyle) -> str:
    until = "" if event.until is None else f", at most to tick {event.until:,}"
    return f"{_thread(event.thread)} sleeps: it waits for {visible(event.what)}{until}."


def _woken(event: tev.ThreadWoken, style: AddressStyle) -> str:
    why = {"timeout": "its time is up", "lock": "the lock is free"}.get(event.why, "somebody woke it")
    return f"{_thread(event.thread)} is ready again: {why}."


def _ended(event: tev.ThreadEnded, style: AddressStyle) -> str:
    known = {"returned": "is done", "abandoned": "is given up"}
    how = known.get(event.how, f"fails: {visible(event.how)}")
    return f"{_thread(event.thread)} {how}."


def _denied(event: kev.PageDenied, style: AddressStyle) -> str:
    page_class = event.request.partition("|")[0]
    return f"No page: too few are left for class {page_class}. The page daemon is kicked."


def _woke(event: kev.SleepersWoken, style: AddressStyle) -> str:
    if event.count == 1:
        return f"The thread that slept for room in {visible(event.map)} is ready: it looks again."
    return f"All {event.count:,} threads that slept for room in {visible(event.map)} are ready: each looks again."


def _wire(event: kev.EntryWired, style: AddressStyle) -> str:
    return f"The entry's wired count goes from {event.before} to {event.after}."


def _frames(event: Any, style: AddressStyle) -> str:
    count = 1 << event.order
    what = f"Frame {event.frame:#x}" if count == 1 else f"{count} frames from {event.frame:#x} on"
    verb = "is" if count == 1 else "are"
    done = "taken for" if isinstance(event, mev.PageAllocated) else "given back by"
    return f"{what} {verb} {done} {visible(event.owner) or 'somebody'}."


def _file(event: kev.FileRead, style: AddressStyle) -> str:
    where = f"Page {event.pindex:#x} of file {visible(event.file)}"
    how = {"hit": "is in memory", "reactivated": "was cached, and is used again"}.get(event.how, "is read")
    return f"{where} {how}: frame {event.frame:#x}."


def _scanned(event: kev.DaemonScanned, style: AddressStyle) -> str:
    return f"The page daemon's pass is over: {pages_of(event.moved)} moved, {event.available:,} can be had."


def _zone(event: Any, style: AddressStyle) -> str:
    size, where = binary_size(event.size), style.long(event.address)
    if isinstance(event, kev.ZoneGrown):
        return f"Zone {visible(event.zone)} gets a slab of {size} at {where} from kmem_malloc."
    return f"Zone {visible(event.zone)} gives an empty slab of {size} at {where} back."


_SENTENCES: dict[type[ev.Event], Callable[[Any, AddressStyle], str]] = {
    kev.MapCreated: _created,
    kev.MapLocked: lambda event, style: f"{visible(event.map)} is locked.",
    kev.MapUnlocked: lambda event, style: f"{visible(event.map)} is unlocked.",
    kev.GapCompared: _compared,
    kev.SpaceSought: _sought,
    kev.RangeInserted: _inserted,
    kev.EntryJoined: _joined,
    kev.EntryClipped: _clipped,
    kev.EntryWired: _wire,
    ev.EntryChanged: lambda event, style: f"{_range(style, event.after[1], event.after[2])}: {visible(event.why)}.",
    ev.EntryChanged: lambda event, style: f"{_range(style, *event.after[1:3])}: {visible(event.why)}.",
    kev.RangeDeleted: lambda event, style: (
        f"{_range(style, event.start, event.end)} of {visible(event.map)} is free again."
    ),
    kev.SubmapAttached: _submap,
    kev.SleepersWoken: _woke,
    kev.ObjectCreated: lambda event, style: (
        f"An entry without object gets one of its own, {visible(event.object)}, before it is split."
    ),
    kev.PageDenied: _denied,
    kev.TranslationsRemoved: lambda event, style: (
        f"The page tables map nothing in {_range(style, event.start, event.end)} any more."
    ),
    kev.LowMemory: lambda event, style: "vm_lowmem is fired: whoever can give memory back is asked to.",
    kev.ZonesReclaimed: lambda event, style: "The zone allocator is asked to give its empty slabs back.",
    tev.ThreadSpawned: lambda event, style: f"{_thread(event.thread)} is ready; nothing of it runs yet.",
    tev.ThreadRuns: lambda event, style: f"{_thread(event.thread)} runs.",
    tev.ThreadSlept: _slept,
    tev.ThreadWoken: _woken,
    tev.ThreadEnded: _ended,
    tev.ClockTicked: lambda event, style: f"The clock goes from {event.before:,} to {event.after:,}.",
    mev.PageAllocated: _frames,
    mev.PageFreed: _frames,
    kev.PageReused: lambda event, style: f"Cached frame {event.frame:#x} gives up its page of {visible(event.whose)}.",
    kev.FileRead: _file,
    kev.DaemonScanned: _scanned,
    kev.ZoneGrown: _zone,
    kev.ZoneShrunk: _zone,
    kev.CallbackRan: lambda event, style: f"The handler {visible(event.name)} was called: {visible(event.outcome)}.",
    kev.CallUndone: lambda event, style: f"{visible(event.call)} is given up and undone: {visible(event.why)}.",
    mev.SlabCreated: lambda event, style: f"{visible(event.cache)} gets a slab at {style.long(event.address)}.",
    mev.SlabDestroyed: lambda event, style: (
        f"{visible(event.cache)} gives its slab at {style.long(event.address)} back."
    ),
    mev.BufferAllocated: lambda event, style: (
        f"{visible(event.cache)} hands out the buffer at {style.long(event.address)}."
    ),
    mev.BufferFreed: lambda event, style: (
        f"{visible(event.cache)} takes the buffer at {style.long(event.address)} back."
    ),
    ev.Panicked: lambda event, style: f"Panic ({event.name}): {event.reason}.",
}
