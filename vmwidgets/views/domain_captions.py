"""One sentence for a whole operation on a self-paging domain: what happened, what it took, why it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..engine.base import events as ev
from ..engine.base.journal import MAX_EVENTS, Operation
from ..engine.base.units import Address, binary_size, counted
from .addresses import AddressStyle
from .domain_words import flag_words, kind_words
from .functions import Functions, left_open, with_functions
from .kmem_captions import of_kind
from .scene import Caption
from .text import visible


def domain_summary(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> Caption:
    """The caption of `operation`."""
    if operation.outcome == "panic":
        return Caption(f"{visible(operation.said)}.", left_open(events), "The machine is dead.", "panic")
    if operation.outcome == "error":
        text = f"{operation.name} failed. {visible(operation.said)}."
        return Caption(text, _where_it_failed(events), _what_stayed(events), "error")
    functions = _telling(events) or (operation.name,)
    writer = _WRITERS.get(operation.name, _other)
    reason = " ".join(part for part in (_took(events), _refilled(events)) if part)
    if operation.truncated:
        reason = f"So much happened that the first of it is not kept: {MAX_EVENTS:,} events are one operation's."
    return Caption(writer(operation, events, style), functions, reason, "good")


_INVOKED = (ev.VnodeMapInvoked, ev.VnodeUnmapInvoked, ev.MappingFlagsInvoked)
_CAPABILITIES = (ev.CapabilityMade, ev.CapabilityDeleted)


def _telling(events: Sequence[ev.Event]) -> Functions:
    """The functions that were under way when the kernel was last asked to write entries; else, to make a capability.

    Revoking is told by its own name, whatever was unmapped on the way.
    """
    if any(event.name == "caps_revoke" for event in of_kind(events, ev.Called)):
        return ("caps_revoke",)
    best: Functions = ()
    rank = 0
    for _, event, functions in with_functions(events):
        weight = 2 if isinstance(event, _INVOKED) else int(isinstance(event, _CAPABILITIES))
        if weight and weight >= rank and functions and "refill_slabs" not in functions:
            best, rank = functions, weight
    return best[-4:]


def _where_it_failed(events: Sequence[ev.Event]) -> Functions:
    """The functions that were under way at the deepest when the last error came up; those that go back then return."""
    stack: list[str] = []
    deepest: Functions = ()
    for event in events:
        if isinstance(event, ev.Called):
            stack.append(event.name)
        elif isinstance(event, ev.Returned) and stack:
            failed = isinstance(event.result, str) and "_ERR_" in event.result
            if failed and not (deepest[: len(stack)] == tuple(stack) and len(deepest) > len(stack)):
                deepest = tuple(stack)
            stack.pop()
    return deepest[-4:]


def _given(operation: Operation) -> dict[str, Any]:
    return dict(operation.arguments)


def _range_words(start: object, size: object, style: AddressStyle) -> str:
    where = style.long(start) if isinstance(start, int) else visible(str(start))
    return f"{binary_size(size) if isinstance(size, int) else visible(str(size))} at {where}"


def _map(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> str:
    leaves = [event for event in of_kind(events, ev.VnodeLinked) if not event.table]
    mine = [event for event in leaves if event.cap == leaves[-1].cap] if leaves else []
    called = next((event for event in of_kind(events, ev.Called) if event.name == "do_map"), None)
    flags = f", {flag_words(mine[-1].flags)}" if mine else ""
    where = style.long(operation.result) if isinstance(operation.result, int) else ""
    pieces = f" in {counted(len(mine), 'piece')}, one a table" if len(mine) > 1 and not operation.truncated else ""
    frame = f" of {visible(str(mine[-1].cap))}" if mine else ""
    size = _given(operation).get("size")
    if not isinstance(size, int) and called is not None and len(called.arguments) > 3:
        done = [event.arguments for event in of_kind(events, ev.Called) if event.name == "do_map"][-1]
        size = done[3]
    what = binary_size(size) if isinstance(size, int) else visible(str(size or "a range"))
    return f"Mapped {what}{frame} at {where}{flags}{pieces}."


def _unmap(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> str:
    given = _given(operation)
    return f"Unmapped {_range_words(given.get('address'), given.get('size', operation.result), style)}."


def _modify_flags(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> str:
    given = _given(operation)
    what = _range_words(given.get("address"), given.get("size"), style)
    called = [event.arguments for event in of_kind(events, ev.Called) if event.name == "modify_flags"]
    asked = flag_words(called[-1][2]) if called and len(called[-1]) > 2 else visible(str(given.get("flags", "")))
    passed_on = list(dict.fromkeys(flag_words(event.flags) for event in of_kind(events, ev.MappingFlagsInvoked)))
    if passed_on in ([], [asked]):
        return f"{what} may be used {asked} now." if passed_on else f"Nothing is mapped of {what}: nothing changed."
    return f"{what} should be used {asked}: the kernel was asked for {' and '.join(passed_on)}."


def _other(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> str:
    made, gone = len(of_kind(events, ev.CapabilityMade)), len(of_kind(events, ev.CapabilityDeleted))
    parts = [counted(made, "capability", "capabilities") + " made"] * bool(made)
    parts += [counted(gone, "capability", "capabilities") + " gone"] * bool(gone)
    slots = len(of_kind(events, ev.SlotAllocated)), len(of_kind(events, ev.SlotFreed))
    if not parts:
        parts += [f"{counted(slots[0], 'slot')} taken"] * bool(slots[0])
        parts += [f"{counted(slots[1], 'slot')} given back"] * bool(slots[1])
    told = f": {', '.join(parts)}" if parts else ""
    return f"{operation.name.replace('_', ' ').capitalize()} of {visible(operation.target)}{told}."


def _began(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> str:
    made = of_kind(events, ev.CapabilityMade)
    held = counted(len(made), "capability", "capabilities")
    return f"The domain begins with {held}: its cnodes and a root table that maps nothing." if made else "It is there."


def _destroyed(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> str:
    gone = counted(len(of_kind(events, ev.CapabilityDeleted)), "capability is", "capabilities are")
    return f"The domain is destroyed: {gone} gone, and its memory is free again."


def _made(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> str:
    """A frame, RAM, a copy: what is in its slot now."""
    made = of_kind(events, ev.CapabilityMade)
    if not made:
        return _other(operation, events, style)
    last = made[-1]
    what = f"a {kind_words(last.kind).words} of {binary_size(last.bytes)} at physical {Address(last.base)}"
    source = "" if last.source is None else f", {_HOW.get(last.how, last.how)} {visible(str(last.source))}"
    return f"{visible(str(last.ref))} holds {what}, {last.rights}{source}."


_HOW = {"retype": "retyped from", "copy": "a copy of what is in", "mint": "a copy with fewer rights of what is in"}


def _removed(operation: Operation, events: Sequence[ev.Event], style: AddressStyle) -> str:
    """Capabilities that went by delete or revoke, and what was unmapped with them."""
    gone = of_kind(events, ev.CapabilityDeleted)
    unmapped = [event for event in of_kind(events, ev.VnodeUnlinked) if not event.table]
    slots = ", ".join(f"{visible(str(event.ref))} ({kind_words(event.kind).words})" for event in gone[:MOST_SLOTS])
    more = f" and {len(gone) - MOST_SLOTS:,} more" if len(gone) > MOST_SLOTS else ""
    parts = [f"{slots}{more} {'is' if len(gone) == 1 else 'are'} empty"] * bool(gone)
    parts += [f"{counted(len(unmapped), 'leaf is', 'leaves are')} unmapped"] * bool(unmapped)
    what = "; ".join(parts) or "nothing else was there"
    if operation.name != "revoke":
        return f"Deleted: {what}."
    kept = str(_given(operation).get("capability", "")).rpartition("/")[2].partition("#")[0]
    return f"{visible(kept)} alone is left of all that stood for its memory: {what}."


MOST_SLOTS = 4
"""Slots that a caption names."""

_WRITERS = {
    "map": _map,
    "unmap": _unmap,
    "modify_flags": _modify_flags,
    "domain": _began,
    "destroy_domain": _destroyed,
    **dict.fromkeys(("frame", "ram", "device_frame", "retype", "copy", "mint"), _made),
    **dict.fromkeys(("delete", "revoke"), _removed),
}


def _took(events: Sequence[ev.Event]) -> str:
    """What it cost: tables, slots, blocks, invocations."""
    made = Counter(type(event) for event in events)
    freed = made[ev.SlotFreed], made[ev.BlockGiven]
    calls = sum(made[kind] for kind in ev.INVOCATIONS)
    if not calls:
        return ""
    parts = [counted(calls, "call of the kernel", "calls of the kernel")]
    tables = made[ev.VnodeCreated]
    parts += [counted(tables, "new table")] * bool(tables)
    slots, blocks = made[ev.SlotAllocated], made[ev.BlockTaken]
    parts += [counted(slots, "slot")] * bool(slots) + [counted(blocks, "block")] * bool(blocks)
    back = [counted(freed[0], "slot")] * bool(freed[0]) + [counted(freed[1], "block")] * bool(freed[1])
    return f"It took {', '.join(parts)}{'; ' + ' and '.join(back) + ' came back' if back else ''}."


def _refilled(events: Sequence[ev.Event]) -> str:
    began, grown = of_kind(events, ev.SlabRefillBegan), of_kind(events, ev.SlabGrown)
    if not began or not grown:
        return ""
    deep = max(event.level for event in began)
    more = f", {deep} refills inside each other" if deep > 1 else ""
    blocks = sum(event.blocks for event in grown)
    wanted = counted(began[0].missing, "block was wanting", "blocks were wanting")
    return f"{wanted}: the slab grew by {blocks:,}{more}."


def _what_stayed(events: Sequence[ev.Event]) -> str:
    """What a failed request left."""
    grown = of_kind(events, ev.SlabGrown)
    undone = bool(of_kind(events, ev.MapUndone))
    stayed = f"The {sum(event.blocks for event in grown):,} blocks of a refill that was done stay." if grown else ""
    changed = bool(of_kind(events, ev.VnodeLinked) or of_kind(events, ev.VnodeUnlinked))
    back = "What it had begun was taken back." if undone else "" if changed else "Nothing was changed."
    return " ".join(part for part in (back, stayed) if part)
