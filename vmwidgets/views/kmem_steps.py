"""The last operation as kernel memory, its pages and its threads saw it, step by step.

A step is one lock, one search, one insertion, one page, one join, one thread that sleeps or wakes; after three pages
of a run the others are one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.base import events as ev
from ..engine.base import kmem_events as kev
from ..engine.base import thread_events as tev
from ..engine.base.journal import MAX_EVENTS, Operation
from ..engine.base.units import binary_size
from .addresses import AddressStyle
from .functions import followed
from .kmem_captions import kmem_summary
from .scene import Caption, Steps
from .steps import Step
from .text import visible

SINGLE = 3
"""So many pages of a run have a step of their own."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in an operation a picture stands: `done` of its events are behind it."""

    caption: Caption
    steps: Steps
    done: int


def kmem_moment(
    operation: Operation | None, events: Sequence[ev.Event], step: int, style: AddressStyle, first: int = 0
) -> Moment:
    """Caption, steps and number of events done at `step` of `operation` (-1: after it).

    `first` events can't be taken back in the picture at hand.
    """
    if operation is None:
        return Moment(Caption("Nothing was done here yet."), Steps(0, 0, -1), 0)
    steps = [one for one in plan_kmem(events, style) if one.index + 1 >= first]
    last = len(steps) + bool(steps)  # the whole operation stands behind its last step, so that this one is seen too
    at = last if step < 0 or step > last else step
    where = Steps(at, last, operation.number)
    if at == last:
        return Moment(kmem_summary(operation, events, style), where, len(events))
    if at == 0:
        left_out = "Earlier steps are left out." if first or operation.truncated else "Before the operation."
        why = f"Of one operation, the last {MAX_EVENTS:,} events are kept." if operation.truncated else ""
        return Moment(Caption(left_out, (), why), where, first)
    here = steps[at - 1]
    return Moment(Caption(here.sentence, here.functions), where, here.index + 1)


def plan_kmem(events: Sequence[ev.Event], style: AddressStyle) -> list[Step]:
    """The steps of one operation."""
    steps: list[Step] = []
    run: list[_Told] = []
    frames = {event.frame for event in events if isinstance(event, (kev.PageGranted, kev.PageReleased))}
    for index, event, functions, runner in followed(events):
        family = _FAMILIES.get(type(event), "")
        sentence = "" if family else _sentence(event, style, frames)
        if not family and not sentence:
            continue
        told = _Told(index, event, functions, runner, family)
        if run and (run[0].family, run[0].runner) != (family, runner):
            steps += _folded(run, style)
            run = []
        if family:
            run.append(told)
        else:
            steps.append(told.step(sentence))
    return [*steps, *_folded(run, style)]


@dataclass(frozen=True, slots=True)
class _Told:
    """An event with what was under way, and who ran."""

    index: int
    event: Any
    functions: tuple[str, ...]
    runner: str
    family: str

    def step(self, sentence: str) -> Step:
        thread_tells = isinstance(self.event, _THREAD_EVENTS)
        who = f"{visible(self.runner)}: " if self.runner and not thread_tells else ""
        return Step(self.index, who + sentence, self.functions)


_THREAD_EVENTS = (tev.ThreadSpawned, tev.ThreadRuns, tev.ThreadSlept, tev.ThreadWoken, tev.ThreadEnded)
_FAMILIES: dict[type[ev.Event], str] = {
    kev.PageGranted: "grant",
    kev.PageCleared: "grant",
    kev.PageUnwired: "release",
    kev.PageReleased: "release",
    kev.TranslationEntered: "enter",
    kev.PageZeroed: "zero",
    kev.PageCached: "cache",
    ev.BlockSplit: "split",
    ev.BlockJoined: "join",
}
"""Events that come in runs, page by page."""


_COUNTED = {
    "zero": (
        "The idle loop fills a free frame with zeroes ahead of need.",
        "The idle loop fills {} frames with zeroes.",
    ),
    "cache": (
        "The page daemon makes an inactive page a cached one: it can be had at once.",
        "The page daemon makes {} inactive pages cached ones: they can be had at once.",
    ),
    "split": (
        "The buddy system halves a free block.",
        "The buddy system halves free blocks {} times, down to a frame.",
    ),
    "join": ("Two free buddies become one block.", "Free buddies become one block, {} times."),
}
"""What is said of one event of a family, and of several."""


def _folded(run: Sequence[_Told], style: AddressStyle) -> Iterator[Step]:
    if not run:
        return
    family = run[0].family
    if family in _COUNTED:
        one, many = _COUNTED[family]
        yield run[-1].step(one if len(run) == 1 else many.format(len(run)))
    elif family == "release":
        yield run[-1].step(_released([told.event for told in run]))
    elif family == "enter":
        first = run[0].event
        yield run[-1].step(
            f"{_pages(len(run))} {'is' if len(run) == 1 else 'are'} entered in the kernel's page tables, "
            f"from {style.long(first.va)} on."
        )
    else:
        yield from _granted(run)


def _granted(run: Sequence[_Told]) -> Iterator[Step]:
    """Each of the first pages with its clearing, and the others together."""
    units: list[list[_Told]] = []
    for told in run:
        if isinstance(told.event, kev.PageGranted) or not units:
            units.append([])
        units[-1].append(told)
    few = units if len(units) <= SINGLE + 1 else units[:SINGLE]
    for unit in few:
        yield unit[-1].step(_one_page([told.event for told in unit]))
    rest = units[len(few) :]
    if rest:
        cleared = sum(isinstance(told.event, kev.PageCleared) for unit in rest for told in unit)
        more = f"; {cleared} of them are filled with zeroes" if cleared else ""
        yield rest[-1][-1].step(f"{len(rest)} more pages come the same way{more}.")


def _one_page(events: Sequence[Any]) -> str:
    first = events[0]
    if isinstance(first, kev.PageCleared):
        return f"Frame {first.frame:#x} is filled with zeroes."
    page_class, *words = first.request.split("|")
    wired = ", wired" if "WIRED" in words else ""
    zero = ""
    if "ZERO" in words:
        zero = "; it holds zeroes already" if first.zeroed else "; it is filled with zeroes by hand"
    where = f"page {first.pindex:#x} of {visible(first.object)}"
    return f"Class {page_class} gets frame {first.frame:#x} for {where}{wired}{zero}."


def _released(events: Sequence[Any]) -> str:
    freed = [event for event in events if isinstance(event, kev.PageReleased)]
    unwired = [event for event in events if isinstance(event, kev.PageUnwired)]
    if not freed:
        return f"{_pages(len(unwired))} lost a wiring."
    falling = len(freed) > 1 and freed[0].pindex > freed[-1].pindex
    words = f"{_pages(len(freed))} of {visible(freed[0].object)} {'is' if len(freed) == 1 else 'are'} "
    return words + f"{'unwired and ' if unwired else ''}free again{', the highest first' if falling else ''}."


def _pages(count: int) -> str:
    return f"{count:,} page{'' if count == 1 else 's'}"


def _sentence(event: ev.Event, style: AddressStyle, frames: set[int]) -> str:
    if isinstance(event, (ev.PageAllocated, ev.PageFreed)) and event.frame in frames:
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
    how = "is done" if event.how == "returned" else f"fails: {visible(event.how)}"
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
    done = "taken for" if isinstance(event, ev.PageAllocated) else "given back by"
    return f"{what} {verb} {done} {visible(event.owner) or 'somebody'}."


def _file(event: kev.FileRead, style: AddressStyle) -> str:
    where = f"Page {event.pindex:#x} of file {visible(event.file)}"
    how = {"hit": "is in memory", "reactivated": "was cached, and is used again"}.get(event.how, "is read")
    return f"{where} {how}: frame {event.frame:#x}."


def _scanned(event: kev.DaemonScanned, style: AddressStyle) -> str:
    return f"The page daemon's pass is over: {_pages(event.moved)} moved, {event.available:,} can be had."


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
    ev.PageAllocated: _frames,
    ev.PageFreed: _frames,
    kev.PageReused: lambda event, style: f"Cached frame {event.frame:#x} gives up its page of {visible(event.whose)}.",
    kev.FileRead: _file,
    kev.DaemonScanned: _scanned,
    kev.ZoneGrown: _zone,
    kev.ZoneShrunk: _zone,
    kev.CallbackRan: lambda event, style: f"The handler {visible(event.name)} was called: {visible(event.outcome)}.",
    kev.CallUndone: lambda event, style: f"{visible(event.call)} is given up and undone: {visible(event.why)}.",
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
