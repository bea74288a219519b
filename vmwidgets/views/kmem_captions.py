"""One sentence for a whole operation on kernel memory or on threads: what happened, why so, by which function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..engine.base import events as ev
from ..engine.base.journal import Operation
from ..engine.base.units import binary_size
from .addresses import AddressStyle
from .functions import Functions, followed, left_open
from .range_captions import FUNCTIONS, range_story
from .scene import Caption
from .text import visible

E = TypeVar("E", bound=ev.Event)
Told = tuple[str, str]
"""What happened, and why."""


def kmem_summary(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Caption:
    """The caption of `operation`."""
    if operation.outcome == "panic":
        return Caption(f"{visible(operation.said)}.", left_open(events)[-4:], "The machine is dead.", "panic")
    functions = _telling(events)
    if operation.outcome == "error":
        reason = _waiting(events)
        return Caption(f"{operation.name} failed. {visible(operation.said)}.", functions, reason, "error")
    writer = _WRITERS.get(operation.name, _other)
    if operation.truncated and writer in (_allocated, _freed):
        writer = _long
    text, reason = writer(operation, events, style)
    return Caption(text, functions or ((operation.name,) if writer is _long else ()), reason, "good")


def _telling(events: Sequence[ev.Event]) -> Functions:
    """The kernel functions that were under way when the most telling thing happened."""
    best: Functions = ()
    rank = 0
    for _, event, functions, _ in followed(events):
        weight = _WEIGHT.get(type(event), 0)
        if functions and weight >= max(rank, 1):
            best, rank = functions, weight
    return best[-4:]


_WEIGHT: dict[type[ev.Event], int] = {
    ev.SpaceSought: 1,
    ev.RangeInserted: 3,
    ev.RangeDeleted: 3,
    ev.PageDenied: 4,
    ev.SleepersWoken: 5,
    ev.SubmapAttached: 5,
}


def of_kind(events: Sequence[ev.Event], kind: type[E]) -> list[E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def _pages(count: int) -> str:
    return f"{count:,} page{'' if count == 1 else 's'}"


def _allocated(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    """kmem_alloc and its kin: an address, or 0."""
    name, result = operation.name, operation.result
    inserted = [event for event in of_kind(events, ev.RangeInserted) if not event.status]
    granted, denied, sought = (
        of_kind(events, ev.PageGranted),
        of_kind(events, ev.PageDenied),
        of_kind(events, ev.SpaceSought),
    )
    where = sought[0].map if sought else inserted[-1].map if inserted else "the map"
    if not isinstance(result, int) or not result:
        return _refused(name, visible(where), denied, sought, granted)
    size = inserted[-1].end - inserted[-1].start if inserted else sought[-1].length if sought else 0
    text = f"{name} took {binary_size(size)} at {style.long(result)} from {visible(where)}"
    if granted:
        classes = dict.fromkeys(event.request.partition("|")[0] for event in granted)
        text += f": {_pages(len(granted))} of {visible(granted[-1].object)}, class {' and '.join(classes)}"
    elif name == "kmem_alloc_nofault":
        text += ": addresses alone, and a fault in there is a panic"
    elif inserted and name != "malloc":
        text += ": addresses, and no pages yet"
    return f"{text}.", " ".join(part for part in (_waited(events, denied), _merged(events, inserted)) if part)


def _long(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    """An operation of so many pages that what happened first is not kept: by what it was given and what it returned."""
    given, taken = dict(operation.arguments), operation.name not in ("kmem_free", "kmem_free_wakeup")
    size, address = given.get("size", ""), operation.result if taken else given.get("address", 0)
    what = binary_size(size) if isinstance(size, int) else visible(str(size))
    where = style.long(address) if isinstance(address, int) else visible(str(address))
    unlocked = of_kind(events, ev.MapUnlocked)
    name = visible(unlocked[-1].map) if unlocked else "its map"
    text = f"took {what} at {where} from {name}" if taken else f"gave {what} back at {where} in {name}"
    return f"{operation.name} {text}.", "What happened first is not kept: so many events are one operation's."


def _refused(
    name: str, where: str, denied: Sequence[ev.PageDenied], sought: Sequence[ev.SpaceSought], granted: Sequence[Any]
) -> Told:
    if denied:
        page_class = denied[-1].request.partition("|")[0]
        back = f"The {_pages(len(granted))} it had got are given back." if granted else "Nothing had to be given back."
        return f"{name} returned 0: it may not sleep, and too few pages are left for class {page_class}.", back
    if sought and sought[-1].address is None:
        asked = binary_size(sought[-1].length)
        return (
            f"{name} returned 0: no gap of {where} holds {asked}.",
            "Address space is short, whatever pages there are.",
        )
    return f"{name} returned 0.", ""


def _merged(events: Sequence[ev.Event], inserted: Sequence[ev.RangeInserted]) -> str:
    joined = of_kind(events, ev.EntryJoined)
    if len(joined) > 1:
        return "It joined the entries on both sides: one object, its offsets run on, wired alike."
    if joined:
        side = "before" if joined[-1].side == "prev" else "after"
        return f"It joined the entry {side} it: the same object, its offsets run on, wired alike."
    if inserted and inserted[-1].how == "extend":
        return "No new entry: the one before grew."
    return "A new entry." if inserted else ""


def _waited(events: Sequence[ev.Event], denied: Sequence[ev.PageDenied]) -> str:
    tries = len(of_kind(events, ev.LowMemory))
    if tries:
        return f"Address space was short: memory was sought {tries} time{'' if tries == 1 else 's'} of 8."
    return f"It waited for pages {len(denied)} time{'' if len(denied) == 1 else 's'}." if denied else ""


def _freed(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    deleted, woken = of_kind(events, ev.RangeDeleted), of_kind(events, ev.SleepersWoken)
    released, clipped = of_kind(events, ev.PageReleased), of_kind(events, ev.EntryClipped)
    size = sum(event.end - event.start for event in deleted)
    if deleted:
        where = f"{style.long(deleted[0].start)} in {visible(deleted[0].map)}"
        pages = f": {_pages(len(released))} {'is' if len(released) == 1 else 'are'} free" if released else ""
        text = f"{operation.name} gave {binary_size(size)} back at {where}{pages}."
    else:
        text = f"{operation.name} found nothing to free there."
    parts = []
    if clipped:
        parts.append(f"{len(clipped)} cut{'' if len(clipped) == 1 else 's'} at the edges.")
    if woken:
        count = woken[-1].count
        parts.append(f"It woke {count} sleeper{'' if count == 1 else 's'}: each looks again, in this order.")
    elif operation.name == "kmem_free":
        parts.append("It wakes nobody.")
    return text, " ".join(parts)


def _suballoc(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    attached = of_kind(events, ev.SubmapAttached)
    if not attached:
        return _other(operation, events, style)
    last = attached[-1]
    size = binary_size(last.end - last.start)
    text = (
        f"{visible(last.submap)} is a map of its own over {size} of {visible(last.map)}, at {style.long(last.start)}."
    )
    return text, "What is allocated in it never touches its parent; its lock and its shortage are its own."


def _zone(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    taken, given = of_kind(events, ev.BufferAllocated), of_kind(events, ev.BufferFreed)
    made, gone = of_kind(events, ev.SlabCreated), of_kind(events, ev.SlabDestroyed)
    if operation.name == "malloc" and taken:
        more = f"It needed a slab: kmem_malloc gave {style.long(made[-1].address)}." if made else "From a slab it had."
        return f"malloc took the buffer at {style.long(taken[-1].address)} from {visible(taken[-1].cache)}.", more
    if operation.name == "free" and given:
        kept = "Its slab stays with the zone, empty or not, until uma_reclaim."
        more = f"{len(gone)} slabs went back." if gone else kept
        return f"free gave the buffer at {style.long(given[-1].address)} back to {visible(given[-1].cache)}.", more
    return _allocated(operation, events, style) if operation.name == "malloc" else _freed(operation, events, style)


def _spawned(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    spawned = of_kind(events, ev.ThreadSpawned)
    who = ", ".join(visible(event.thread) for event in spawned) or "nobody"
    return f"Thread {who} is ready.", "Nothing of it runs yet: m.step() or m.run() lets it go on."


def _ran(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    ran = [name for name in dict.fromkeys(event.thread for event in of_kind(events, ev.ThreadRuns)) if name]
    if not ran:
        return "Nobody was ready to run.", _waiting(events)
    if len(ran) == 1:
        return f"{visible(ran[0])} ran{_fate(ran[0], events)}.", _deed(events, style)
    names = ", ".join(visible(name) for name in ran[:4]) + (f" and {len(ran) - 4:,} more" if len(ran) > 4 else "")
    return f"{len(ran):,} threads ran: {names}.", _waiting(events)


def _fate(name: str, events: Sequence[ev.Event]) -> str:
    for event in reversed(events):
        if isinstance(event, ev.ThreadSlept) and event.thread == name:
            return f" and sleeps now: it waits for {visible(event.what)}"
        if isinstance(event, ev.ThreadEnded) and event.thread == name:
            return " to its end" if event.how == "returned" else f" and failed: {visible(event.how)}"
    return ""


def _deed(events: Sequence[ev.Event], style: AddressStyle) -> str:
    """What a thread did to memory on its way."""
    inserted = [event for event in of_kind(events, ev.RangeInserted) if not event.status]
    if inserted:
        size = binary_size(inserted[-1].end - inserted[-1].start)
        return f"It took {size} at {style.long(inserted[-1].start)} from {visible(inserted[-1].map)}."
    sought = of_kind(events, ev.SpaceSought)
    if sought and sought[-1].address is None:
        return f"No gap of {visible(sought[-1].map)} holds {binary_size(sought[-1].length)}."
    return ""


def _waiting(events: Sequence[ev.Event]) -> str:
    asleep: dict[str, str] = {}
    for event in events:
        if isinstance(event, ev.ThreadSlept):
            asleep[event.thread] = event.what
        elif isinstance(event, (ev.ThreadWoken, ev.ThreadEnded)):
            asleep.pop(event.thread, None)
    groups: dict[str, list[str]] = {}
    for name, what in asleep.items():
        groups.setdefault(what, []).append(visible(name) or "the cell")
    return " ".join(_who_waits(names, visible(what)) for what, names in list(groups.items())[:3])


def _who_waits(names: Sequence[str], what: str) -> str:
    """Who of them waits for what, in one sentence."""
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    return f"{shown} wait{'s' if len(names) == 1 else ''} for {what}."


def _ticked(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    ticks, woken = of_kind(events, ev.ClockTicked), of_kind(events, ev.ThreadWoken)
    if not ticks:
        return _other(operation, events, style)
    who = ", ".join(visible(event.thread) or "the cell" for event in woken)
    text = f"The clock went from {ticks[0].before:,} to {ticks[-1].after:,}."
    return text, f"Time is up for {who}: ready again." if who else "Nobody's time was up."


def _moved(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    given = dict(operation.arguments)
    address = given.get("address", 0)
    where = style.long(address) if isinstance(address, int) else visible(str(address))
    count = len(given["data"]) if isinstance(given.get("data"), bytes) else given.get("length", 1)
    verb = "Wrote" if operation.name == "write" else "Read"
    return f"{verb} {visible(str(count))} bytes at {where}.", "The bytes went through the kernel's page tables."


def _ranged(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    return range_story(operation, dict(operation.arguments), events, style)


def _locked(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    """Lock and unlock of a map, by the cell: what threads do is told of their run."""
    where = visible(operation.target.partition("/")[2])
    if operation.name == "unlock":
        return f"The lock of {where} is free.", ""
    return f"The cell has the lock of {where}.", "Whoever wants it waits, until it is unlocked."


def _reclaimed(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    size = operation.result if isinstance(operation.result, int) else 0
    return f"The zones gave {binary_size(size)} back to kmem_map.", "Empty slabs were all that could go."


def _killed(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    undone = of_kind(events, ev.CallUndone)
    name = visible(str(dict(operation.arguments).get("name", "")).removeprefix("thread:"))
    return f"{name} was ended.", f"What its {undone[-1].call} had begun was taken back." if undone else ""


def _others(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    count = operation.result if isinstance(operation.result, int) else 0
    if operation.name == "read_file":
        name = visible(str(dict(operation.arguments).get("name", "a file")))
        return f"{_pages(count)} of {name} came into memory.", "Pages of files can be taken back when others need them."
    if operation.name == "take_pages":
        return f"Somebody else took {_pages(count)}.", ""
    return f"Somebody else gave {_pages(count)} back.", _waiting(events)


def _daemon(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    what = {"stop": "was stopped", "start": "may work again", "pace": "has another pace"}.get(
        operation.name, "was asked"
    )
    return f"The page daemon {what}.", ""


def _other(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Told:
    return f"{visible(operation.target)}: {operation.name}.", ""


_WRITERS: dict[str, Callable[[Operation, Sequence[ev.Event], AddressStyle], Told]] = {
    **dict.fromkeys(("kmem_malloc", "kmem_alloc", "kmem_alloc_nofault", "kmem_alloc_wait"), _allocated),
    **dict.fromkeys(("kmem_free", "kmem_free_wakeup"), _freed),
    **dict.fromkeys(("malloc", "free"), _zone),
    **dict.fromkeys(("step", "run"), _ran),
    **dict.fromkeys(FUNCTIONS.values(), _ranged),
    **dict.fromkeys(("lock", "unlock"), _locked),
    **dict.fromkeys(("take_pages", "give_pages", "read_file"), _others),
    **dict.fromkeys(("stop", "start", "pace"), _daemon),
    "uma_reclaim": _reclaimed,
    "kill": _killed,
    "kmem_suballoc": _suballoc,
    "spawn": _spawned,
    "read": _moved,
    "write": _moved,
    "tick": _ticked,
    "boot": lambda operation, events, style: ("The machine booted.", "Step back to see the maps being made."),
}
"""By name of the operation."""
