"""What happens in a self-paging domain, each event in one sentence, with a word for the strip of its calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..engine.base import events as ev
from ..engine.base.units import Address, binary_size, counted
from ..engine.base.values.domains import CapRef
from .addresses import AddressStyle
from .domain_words import flag_words, kind_words
from .text import visible


class Told(NamedTuple):
    """An event in words: a name for its box (a call to the world) or its tick (`call` empty), short and long."""

    sentence: str
    short: str
    call: str = ""


def tell(event: ev.Event, style: AddressStyle) -> Told | None:
    """The words of an event; none for one that belongs to another."""
    writer = _WRITERS.get(type(event))
    return None if writer is None else writer(event, style)


def _refused(call: str, error: str | None, done: str) -> str:
    return f"{done}." if error is None else f"{call} is refused: {visible(error)}."


def _slot(event: ev.SlotAllocated, style: AddressStyle) -> Told:
    if event.ref is None:
        return Told("The slot allocator has no slot left.", "slot", "slot_alloc")
    return Told(f"The slot allocator gives its lowest free slot, {_ref(event.ref)}.", "slot", "slot_alloc")


def _slot_freed(event: ev.SlotFreed, style: AddressStyle) -> Told:
    return Told(f"The slot {_ref(event.ref)} is free again.", "free", "slot_free")


def _created(event: ev.VnodeCreated, style: AddressStyle) -> Told:
    what = kind_words(event.kind).words
    if event.base is None:
        return Told(f"There is no RAM for a new {what}.", "table", "vnode_create")
    where = f"RAM at physical {Address(event.base)} is retyped to a new {what}"
    return Told(f"{where}; its capability is in {_ref(event.ref)}.", "table", "vnode_create")


def _mapped(event: ev.VnodeMapInvoked, style: AddressStyle) -> Told:
    entries = f"entry {event.entry}"
    if event.count > 1:
        entries = f"entries {event.entry}–{event.entry + event.count - 1}"
    offset = f" + {event.offset:#x}" if event.offset else ""
    done = (
        f"The kernel writes {_ref(event.source)}{offset} into {entries} of {_ref(event.table)}, "
        f"{flag_words(event.flags)}; the mapping is in {_ref(event.mapping)}"
    )
    return Told(_refused("vnode_map", event.error, done), "map", "vnode_map")


def _unmapped(event: ev.VnodeUnmapInvoked, style: AddressStyle) -> Told:
    count = event.count or 0
    entries = f"entry {event.entry}" if count == 1 else f"{counted(count, 'entry')} from {event.entry} on"
    done = f"The kernel clears {entries} of {_ref(event.table)}, as the mapping in {_ref(event.mapping)} tells"
    return Told(_refused("vnode_unmap", event.error, done), "unmap", "vnode_unmap")


def _flags(event: ev.MappingFlagsInvoked, style: AddressStyle) -> Told:
    done = (
        f"The kernel gives {counted(event.pages, 'entry')} of the mapping in {_ref(event.mapping)}, from "
        f"its entry {event.offset} on, the rights {flag_words(event.flags)}"
    )
    return Told(_refused("modify_flags", event.error, done), "flags", "modify_flags")


def _deleted(event: ev.CapabilityDeleted, style: AddressStyle) -> Told:
    why = "revoked" if event.how == "revoke" else "gone"
    return Told(f"The {kind_words(event.kind).words} capability in {_ref(event.ref)} is {why}.", event.how)


def _made(event: ev.CapabilityMade, style: AddressStyle) -> Told:
    what = f"a {kind_words(event.kind).words} of {binary_size(event.bytes)} at physical {Address(event.base)}"
    source = "" if event.source is None else f", from {_ref(event.source)}"
    return Told(f"{_ref(event.ref)} holds {what}, {event.rights}{source}.", event.how, event.how)


def _frame(event: ev.FrameAllocated, style: AddressStyle) -> Told:
    if event.base is None or event.bytes is None:
        return Told(f"There is no RAM for a frame of {binary_size(event.want)}.", "frame", "frame_alloc")
    got = f"A frame of {binary_size(event.bytes)} at physical {Address(event.base)} comes to {_ref(event.ref)}"
    more = f"; {event.want:,} bytes were asked for" if event.want != event.bytes else ""
    return Told(f"{got}{more}.", "frame", "frame_alloc")


def _refill(event: ev.SlabRefillBegan, style: AddressStyle) -> Told:
    level = "" if event.level == 1 else f" (refill inside a refill, level {event.level})"
    missing = counted(event.missing, "block is wanting", "blocks are wanting")
    return Told(f"{missing}: refill_slabs asks for {event.bytes:,} bytes{level}.", "refill", "refill_slabs")


def _grown(event: ev.SlabGrown, style: AddressStyle) -> Told:
    where = f" at {style.long(event.address)}" if event.address else ""
    return Told(f"{binary_size(event.bytes)}{where} join the slab: {counted(event.blocks, 'block')} more.",
                "grow", "slab_grow")  # fmt: skip


def _taken(event: ev.BlockTaken, style: AddressStyle) -> Told:
    if event.block is None:
        return Told("The slab has no free block left.", "block")
    return Told(f"A block of the slab is taken for a vnode: {event.free:,} left.", "block")


def _linked(event: ev.VnodeLinked, style: AddressStyle) -> Told:
    what = "A table" if event.table else "A leaf"
    entries = f"entry {event.entry}" if event.count == 1 else f"entries {event.entry}–{event.entry + event.count - 1}"
    return Told(f"{what} for {entries} ({_ref(event.cap)}) becomes the first child in the shadow tree.", "link")


def _unlinked(event: ev.VnodeUnlinked, style: AddressStyle) -> Told:
    what = "The table" if event.table else "The leaf"
    return Told(f"{what} of {_ref(event.cap)} leaves the shadow tree.", "unlink")


def _region(event: ev.RegionAdded | ev.RegionRemoved, style: AddressStyle) -> Told:
    done = "joins" if isinstance(event, ev.RegionAdded) else "leaves"
    where = f"{style.long(event.base)}–{style.long(event.base + event.size)}"
    return Told(f"The region {where} ({binary_size(event.size)}) {done} the vspace.", "region")


def _undone(event: ev.MapUndone, style: AddressStyle) -> Told:
    return Told(f"All that was begun is taken back, since it failed: {visible(event.why)}.", "undone")


def _ref(ref: CapRef) -> str:
    return visible(str(ref))


_WRITERS: dict[type[ev.Event], Callable[[Any, AddressStyle], Told]] = {
    ev.SlotAllocated: _slot,
    ev.SlotFreed: _slot_freed,
    ev.CapabilityMade: _made,
    ev.CapabilityDeleted: _deleted,
    ev.VnodeCreated: _created,
    ev.VnodeMapInvoked: _mapped,
    ev.VnodeUnmapInvoked: _unmapped,
    ev.MappingFlagsInvoked: _flags,
    ev.CapabilityDeleteInvoked: lambda event, style: Told(
        f"cap_delete empties the slot {_ref(event.ref)}.", "delete", "cap_delete"
    ),
    ev.CapabilityCopyInvoked: lambda event, style: Told(
        f"{_ref(event.ref)} gets a copy of the capability in {_ref(event.source)}.", "copy", "cap_copy"
    ),
    ev.FrameAllocated: _frame,
    ev.MallocCalled: lambda event, style: Told(f"The heap gives {event.bytes:,} bytes.", "malloc", "malloc"),
    ev.SlabRefillBegan: _refill,
    ev.SlabGrown: _grown,
    ev.BlockTaken: _taken,
    ev.BlockGiven: lambda event, style: Told(f"A vnode's block is free again: {event.free:,} free.", "block"),
    ev.VnodeLinked: _linked,
    ev.VnodeUnlinked: _unlinked,
    ev.RegionAdded: _region,
    ev.RegionRemoved: _region,
    ev.MetaDataMoved: lambda event, style: Told(
        f"The next slab frame goes to {style.long(event.before)}; the one after it, to {style.long(event.after)}."
        if event.after > event.before
        else f"The addresses from {style.long(event.after)} on are free for a slab frame again.",
        "move",
    ),
    ev.MapUndone: _undone,
}
