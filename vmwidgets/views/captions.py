"""One sentence for a whole operation: what happened, why so, and which kernel functions did it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine.base import events as ev
from ..engine.base.events import MapLocked
from ..engine.base.journal import Operation
from ..engine.base.units import binary_size
from ..engine.base.values.maps import MapValue
from .addresses import AddressStyle
from .functions import Functions, left_open, with_functions
from .kmem_captions import kmem_summary
from .range_captions import FUNCTIONS, range_story
from .scene import Caption
from .text import visible

MAX_FUNCTIONS = 5


def summary(operation: Operation | None, events: Sequence[ev.Event], style: AddressStyle, value: MapValue) -> Caption:
    """The caption of `operation` as the map `value` saw it."""
    if operation is None:
        lately = (
            "The latest operations did not concern this map."
            if value.nr_entries
            else "Nothing was done to this map yet."
        )
        return Caption(lately)
    if any(isinstance(event, MapLocked) and event.map == value.name for event in events):
        return kmem_summary(operation, events, style)  # one of FreeBSD's maps: X15's has no lock that is told of
    ended = operation.outcome in ("done", "interrupted")
    functions = function_chain(events) if ended else _shortened(left_open(events))
    if operation.outcome == "panic":
        return Caption(f"{visible(operation.said)}.", functions, "The machine is dead.", "panic")
    if operation.outcome == "error":
        return Caption(f"{operation.name} failed. {visible(operation.said)}.", functions, "", "error")
    if operation.outcome == "interrupted":
        return Caption(f"{operation.name} was {visible(operation.said)}.", functions, "", "error")
    given = dict(operation.arguments)
    mine = [event for event in events if getattr(event, "map", value.name) == value.name]
    if operation.name in ("enter", "remove") and operation.target not in (value.name, "unchecked"):
        text, reason = _aside(operation, mine)
    else:
        text, reason = _WRITERS.get(operation.name, _other)(operation, given, mine, style)
    return Caption(text, functions, reason, "good")


def function_chain(events: Sequence[ev.Event]) -> Functions:
    """The kernel functions from the outermost call down to the deepest that changed something."""
    best: Functions = ()
    rank = -1
    for _, event, functions in with_functions(events):
        if functions and _WEIGHT.get(type(event), 0) >= rank:
            rank, best = _WEIGHT.get(type(event), 0), functions
    return _shortened(best)


def _shortened(functions: Functions) -> Functions:
    many = len(functions) > MAX_FUNCTIONS
    return functions[:1] + functions[-(MAX_FUNCTIONS - 1) :] if many else functions


_WEIGHT: dict[type[ev.Event], int] = {
    ev.TreeLinked: 3,
    ev.TreeUnlinked: 2,
    ev.EntryResized: 4,
    ev.EntryChanged: 4,
    ev.PagerAsked: 3,
    ev.TreeCompared: 1,
    ev.LookupCacheHit: 1,
}
"""Which events tell most of what an operation was about."""


def _enter(operation: Operation, given: dict[str, Any], events: Sequence[Any], style: AddressStyle) -> tuple[str, str]:
    grown = [event for event in events if isinstance(event, ev.EntryResized)]
    tried = [event for event in events if isinstance(event, ev.MergeTried)]
    sizes = [event.after - event.before for event in events if isinstance(event, ev.MapResized)]
    size = binary_size(sizes[-1]) if sizes else "a range"
    text = f"Entered {size} at {style.long(operation.result)}."
    refused = _hint_story(given, events)
    if grown:
        both = len(tried) and tried[-1].side == "both"
        return text, f"{refused}{'Both neighbours were joined' if both else 'A neighbour was grown'}: {tried[-1].why}."
    if tried:
        return text, refused + f"Not merged with the {tried[-1].side} entry: {tried[-1].why}."
    linked = [event for event in events if isinstance(event, ev.EntryLinked)]
    if linked:
        return text, refused + "A new entry: no neighbour touches it."
    return text, refused


def _hint_story(given: dict[str, Any], events: Sequence[Any]) -> str:
    """What became of a hint, where that is worth a sentence: passed over, or taken though it breaks the alignment."""
    hint = next((event for event in events if isinstance(event, ev.HintTried)), None)
    if hint is None:
        return ""
    if not hint.taken:
        return f"The hint was passed over: {hint.why}. "
    return f"The hint was taken: {hint.why}. " if "multiple of align" in hint.why else ""


def _aside(operation: Operation, events: Sequence[Any]) -> tuple[str, str]:
    """An operation on another map, as the kernel's map saw it: the entries of the other need memory."""
    change = sum(event.after - event.before for event in events if isinstance(event, ev.MapResized))
    what = f"took {binary_size(change)}" if change > 0 else f"gave {binary_size(-change)} back" if change else "looked"
    who = f"{visible(operation.target)}: {operation.name}"
    return f"{who} {what} here.", "Entries of other maps come from a cache, whose slabs lie in the kernel map."


def _remove(operation: Operation, given: dict[str, Any], events: Sequence[Any], style: AddressStyle) -> tuple[str, str]:
    done = next((event for event in reversed(events) if isinstance(event, ev.RangeRemoved)), None)
    if done is None or not done.entries:
        return "Removed nothing: no entry lies in the range.", "The find cache is forgotten all the same."
    what = f"{done.entries:,} entr{'y' if done.entries == 1 else 'ies'}"
    reason = f"{done.cuts} cut{'' if done.cuts == 1 else 's'} at the edges." if done.cuts else "No entry had to be cut."
    return f"Removed {binary_size(done.size)}: {what} went.", reason


def _lookup(operation: Operation, given: dict[str, Any], events: Sequence[Any], style: AddressStyle) -> tuple[str, str]:
    compared = sum(isinstance(event, ev.TreeCompared) for event in events)
    if any(isinstance(event, ev.LookupCacheHit) for event in events):
        how = "The lookup cache held it: nothing was compared."
    else:
        how = f"{compared} comparison{'' if compared == 1 else 's'} down the tree."
    found = operation.result
    if found is None:
        return "Looked up an address: no entry holds it or lies above.", how
    address = next((event.arguments[0] for event in events if isinstance(event, ev.Called) and event.arguments), None)
    if address is None or found.start <= address:
        return f"Found the entry {style.range(found.start, found.end)}.", how
    return f"No entry holds the address; the next one is {style.range(found.start, found.end)}.", how


def _boot(operation: Operation, given: dict[str, Any], events: Sequence[Any], style: AddressStyle) -> tuple[str, str]:
    return "The machine booted.", "Step back to see the map being born."


def _fault_story(
    operation: Operation, given: dict[str, Any], events: Sequence[Any], style: AddressStyle
) -> tuple[str, str]:
    """A task's access: how many faults it met on its way, and where the pages came from."""
    verb = {"read": "Read", "write": "Wrote", "touch": "Touched"}[operation.name]
    count = len(given.get("data", b"")) if operation.name == "write" else given.get("length", 1)
    what = f"{count} byte{'' if count == 1 else 's'} at" if operation.name != "touch" else ""
    address = given.get("address", 0)
    where = style.long(address) if isinstance(address, int) else visible(str(address))
    text = f"{verb} {what} {where}.".replace("  ", " ")
    faults = [event for event in events if isinstance(event, ev.FaultRaised)]
    asked = [event for event in events if isinstance(event, ev.PagerAsked)]
    if not faults:
        return text, "The tables had the translation: no fault."
    fresh = sum(event.outcome == "miss" for event in asked)
    pages = f"{len(faults)} page fault{'' if len(faults) == 1 else 's'}"
    return text, f"{pages} on the way; {fresh} fresh page{'' if fresh == 1 else 's'} from the pager."


def _task(operation: Operation, given: dict[str, Any], events: Sequence[Any], style: AddressStyle) -> tuple[str, str]:
    return (
        f"Task {visible(str(given.get('name', '')))} has an empty address space.",
        "Its tables share the kernel's slots.",
    )


def _reap(operation: Operation, given: dict[str, Any], events: Sequence[Any], style: AddressStyle) -> tuple[str, str]:
    slabs = operation.result
    return f"{slabs} free slab{'' if slabs == 1 else 's'} went back.", "The pages behind them are free again."


def _other(operation: Operation, given: dict[str, Any], events: Sequence[Any], style: AddressStyle) -> tuple[str, str]:
    return f"{visible(operation.target)}: {operation.name}.", ""


_WRITERS = {
    "enter": _enter,
    "remove": _remove,
    "lookup": _lookup,
    "boot": _boot,
    "read": _fault_story,
    "write": _fault_story,
    "touch": _fault_story,
    "task": _task,
    "reap": _reap,
    "vm_map_enter": _enter,
    "vm_map_remove": _remove,
    **dict.fromkeys(FUNCTIONS.values(), range_story),
}
