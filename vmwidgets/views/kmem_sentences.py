"""What happens to kernel memory, its pages and its threads, each event in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.base import events as ev
from ..engine.base.units import binary_size
from .addresses import AddressStyle
from .text import visible


def pages_of(count: int) -> str:
    """So many pages."""
    return f"{count:,} page{'' if count == 1 else 's'}"


def sentence(event: ev.Event, style: AddressStyle, frames: set[int]) -> str:
    """The sentence of an event, if it has one; `frames` are those that page requests got or gave."""
    if isinstance(event, (ev.PageAllocated, ev.PageFreed)) and event.frame in frames:
        return ""  # told by the queues above the allocator
    writer = _SENTENCES.get(type(event))
    return "" if writer is None else writer(event, style)


def _sought(event: ev.SpaceSought, style: AddressStyle) -> str:
    if event.address is None:
        return f"No gap of {visible(event.map)} holds {binary_size(event.length)}."
    return f"First fit in {visible(event.map)}: {binary_size(event.length)} are free at {style.long(event.address)}."


def _inserted(event: ev.RangeInserted, style: AddressStyle) -> str:
    where = style.range(event.start, event.end)
    if event.status:
        why = {1: "it is no range of this map", 3: "part of it is used"}.get(event.status, f"status {event.status}")
        return f"{where} is not inserted into {visible(event.map)}: {why}."
    if event.how == "extend":
        return f"The entry before grows over {where}: no object, the same flags, not wired."
    what = "without object" if event.object is None else f"of {visible(event.object)} at offset {event.offset:#x}"
    return f"{visible(event.map)} has a new entry {where} {what}, not wired yet."


def _compared(event: ev.GapCompared, style: AddressStyle) -> str:
    where = {"left": "there is room further left", "right": "there is room further right", "here": "it is the lowest"}
    largest = f"From entry {event.entry} down, the largest gap is {binary_size(event.largest)}"
    return f"{largest}: {where[event.outcome]} for {binary_size(event.length)}."


def _joined(event: ev.EntryJoined, style: AddressStyle) -> str:
    side = "before" if event.side == "prev" else "after"
    return f"It takes in the entry {side} it, which continues it: {style.range(event.start, event.end)} now."


def _clipped(event: ev.EntryClipped, style: AddressStyle) -> str:
    return f"An entry of {visible(event.map)} is split at {style.long(event.address)}."


def _submap(event: ev.SubmapAttached, style: AddressStyle) -> str:
    where = style.range(event.start, event.end)
    if event.status:
        return f"{where} of {visible(event.map)} can't be the place of {visible(event.submap)}."
    return f"{where} of {visible(event.map)} is the place of {visible(event.submap)}."


def _created(event: ev.MapCreated, style: AddressStyle) -> str:
    if event.map is None:
        return "There was no memory for a map."
    return f"A map of its own, {visible(event.map)}, is made for {style.range(event.start, event.end)}."


def _thread(name: str) -> str:
    return visible(name) or "The cell"


def _slept(event: ev.ThreadSlept, style: AddressStyle) -> str:
    until = "" if event.until is None else f", at most to tick {event.until:,}"
    return f"{_thread(event.thread)} sleeps: it waits for {visible(event.what)}{until}."


def _woken(event: ev.ThreadWoken, style: AddressStyle) -> str:
    why = {"timeout": "its time is up", "lock": "the lock is free"}.get(event.why, "somebody woke it")
    return f"{_thread(event.thread)} is ready again: {why}."


def _ended(event: ev.ThreadEnded, style: AddressStyle) -> str:
    known = {"returned": "is done", "abandoned": "is given up"}
    how = known.get(event.how, f"fails: {visible(event.how)}")
    return f"{_thread(event.thread)} {how}."


def _denied(event: ev.PageDenied, style: AddressStyle) -> str:
    page_class = event.request.partition("|")[0]
    return f"No page: too few are left for class {page_class}. The page daemon is kicked."


def _woke(event: ev.SleepersWoken, style: AddressStyle) -> str:
    if event.count == 1:
        return f"The thread that slept for room in {visible(event.map)} is ready: it looks again."
    return f"All {event.count:,} threads that slept for room in {visible(event.map)} are ready: each looks again."


def _wire(event: ev.EntryWired, style: AddressStyle) -> str:
    return f"The entry's wired count goes from {event.before} to {event.after}."


def _frames(event: Any, style: AddressStyle) -> str:
    count = 1 << event.order
    what = f"Frame {event.frame:#x}" if count == 1 else f"{count} frames from {event.frame:#x} on"
    verb = "is" if count == 1 else "are"
    done = "taken for" if isinstance(event, ev.PageAllocated) else "given back by"
    return f"{what} {verb} {done} {visible(event.owner) or 'somebody'}."


def _file(event: ev.FileRead, style: AddressStyle) -> str:
    where = f"Page {event.pindex:#x} of file {visible(event.file)}"
    how = {"hit": "is in memory", "reactivated": "was cached, and is used again"}.get(event.how, "is read")
    return f"{where} {how}: frame {event.frame:#x}."


def _scanned(event: ev.DaemonScanned, style: AddressStyle) -> str:
    return f"The page daemon's pass is over: {pages_of(event.moved)} moved, {event.available:,} can be had."


def _zone(event: Any, style: AddressStyle) -> str:
    size, where = binary_size(event.size), style.long(event.address)
    if isinstance(event, ev.ZoneGrown):
        return f"Zone {visible(event.zone)} gets a slab of {size} at {where} from kmem_malloc."
    return f"Zone {visible(event.zone)} gives an empty slab of {size} at {where} back."


_SENTENCES: dict[type[ev.Event], Callable[[Any, AddressStyle], str]] = {
    ev.MapCreated: _created,
    ev.MapLocked: lambda event, style: f"{visible(event.map)} is locked.",
    ev.MapUnlocked: lambda event, style: f"{visible(event.map)} is unlocked.",
    ev.GapCompared: _compared,
    ev.SpaceSought: _sought,
    ev.RangeInserted: _inserted,
    ev.EntryJoined: _joined,
    ev.EntryClipped: _clipped,
    ev.EntryWired: _wire,
    ev.EntryChanged: lambda event, style: f"{style.range(*event.after[1:3])}: {visible(event.why)}.",
    ev.RangeDeleted: lambda event, style: (
        f"{style.range(event.start, event.end)} of {visible(event.map)} is free again."
    ),
    ev.SubmapAttached: _submap,
    ev.SleepersWoken: _woke,
    ev.ObjectCreated: lambda event, style: (
        f"An entry without object gets one of its own, {visible(event.object)}, before it is split."
    ),
    ev.PageDenied: _denied,
    ev.TranslationsRemoved: lambda event, style: (
        f"The page tables map nothing in {style.range(event.start, event.end)} any more."
    ),
    ev.LowMemory: lambda event, style: "vm_lowmem is fired: whoever can give memory back is asked to.",
    ev.ZonesReclaimed: lambda event, style: "The zone allocator is asked to give its empty slabs back.",
    ev.ThreadSpawned: lambda event, style: f"{_thread(event.thread)} is ready; nothing of it runs yet.",
    ev.ThreadRuns: lambda event, style: f"{_thread(event.thread)} runs.",
    ev.ThreadSlept: _slept,
    ev.ThreadWoken: _woken,
    ev.ThreadEnded: _ended,
    ev.ClockTicked: lambda event, style: f"The clock goes from {event.before:,} to {event.after:,}.",
    ev.PageAllocated: _frames,
    ev.PageFreed: _frames,
    ev.PageReused: lambda event, style: f"Cached frame {event.frame:#x} gives up its page of {visible(event.whose)}.",
    ev.FileRead: _file,
    ev.DaemonScanned: _scanned,
    ev.ZoneGrown: _zone,
    ev.ZoneShrunk: _zone,
    ev.CallbackRan: lambda event, style: f"The handler {visible(event.name)} was called: {visible(event.outcome)}.",
    ev.CallUndone: lambda event, style: f"{visible(event.call)} is given up and undone: {visible(event.why)}.",
    ev.SlabCreated: lambda event, style: f"{visible(event.cache)} gets a slab at {style.long(event.address)}.",
    ev.SlabDestroyed: lambda event, style: (
        f"{visible(event.cache)} gives its slab at {style.long(event.address)} back."
    ),
    ev.BufferAllocated: lambda event, style: (
        f"{visible(event.cache)} hands out the buffer at {style.long(event.address)}."
    ),
    ev.BufferFreed: lambda event, style: (
        f"{visible(event.cache)} takes the buffer at {style.long(event.address)} back."
    ),
    ev.Panicked: lambda event, style: f"Panic ({event.name}): {event.reason}.",
}
