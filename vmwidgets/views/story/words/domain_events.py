"""What happens in a self-paging domain, event by event, and the words for the strip of its calls."""

from __future__ import annotations

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.views.scene.text import visible

from .names import Names, a_kind, address, flag_words, kind_words, span
from .registry import InBox, Tick, saying_of, says, sentences

say = sentences(
    "domain events",
    {
        "SlotAllocated": "The slot allocator returns its lowest free slot, {slot}.",
        "SlotAllocated/no": "The slot allocator has no slot left.",
        "SlotFreed": "The slot {slot} is free again.",
        "VnodeCreated": "RAM at physical {address} becomes a new {kind}, with its capability in {slot}.",
        "VnodeCreated/no": "There is no RAM for a new {kind}.",
        "VnodeMapInvoked": (
            "The kernel writes {source} into descriptor {entry} of {table} ({flags}); {mapping} holds the Mapping.",
            "The kernel writes {source} into descriptors {entries} of {table} ({flags}); {mapping} holds the Mapping.",
        ),
        "Refused": "The kernel refuses {call}: {error}.",
        "VnodeUnmapInvoked": (
            "The kernel clears descriptor {entry} of {table}, which belongs to the mapping in {mapping}.",
            "The kernel clears descriptors {entries} of {table}, which belong to the mapping in {mapping}.",
        ),
        "MappingFlagsInvoked": (
            "The kernel sets descriptor {offset} of the mapping in {mapping} to {flags}.",
            "The kernel sets {count} descriptors of the mapping in {mapping}, from {offset} on, to {flags}.",
        ),
        "CapabilityDeleted": "The {kind} capability in {slot} is deleted.",
        "CapabilityDeleted/revoke": "The {kind} capability in {slot} is revoked.",
        "CapabilityMade": "{slot} holds {kind} of {size} at physical {address}, {rights}.",
        "CapabilityMade/from": "{slot} holds {kind} of {size} at physical {address}, {rights}, from {source}.",
        "CapabilityDeleteInvoked": "cap_delete empties the slot {slot}.",
        "CapabilityCopyInvoked": "{slot} receives a copy of the capability in {source}.",
        "CapabilityCopyInvoked/no": "The kernel refuses to copy the capability in {source} into {slot}.",
        "FrameAllocated": "{slot} receives a frame of {size} at physical {address}.",
        "FrameAllocated/more": (
            "{slot} receives a frame of {size} at physical {address}; {wanted} bytes were asked for."
        ),
        "FrameAllocated/no": "There is no RAM for a frame of {size}.",
        "SlabRefillBegan": (
            "The slab is 1 block short: refill_slabs asks for {bytes} bytes.",
            "The slab is {count} blocks short: refill_slabs asks for {bytes} bytes.",
        ),
        "SlabRefillBegan/nested": (
            "The slab is 1 block short: a refill of level {level} asks for {bytes} bytes.",
            "The slab is {count} blocks short: a refill of level {level} asks for {bytes} bytes.",
        ),
        "SlabGrown": (
            "{size} of memory adds 1 block to the slab.",
            "{size} of memory adds {count} blocks to the slab.",
        ),
        "SlabGrown/at": (
            "{size} of memory at {address} adds 1 block to the slab.",
            "{size} of memory at {address} adds {count} blocks to the slab.",
        ),
        "BlockTaken": (
            "A new vnode uses a block of the slab: 1 is left.",
            "A new vnode uses a block of the slab: {count} are left.",
        ),
        "BlockTaken/no": "The slab has no free block left.",
        "BlockGiven": ("A vnode's block is free again: 1 is free.", "A vnode's block is free again: {count} are free."),
        "VnodeLinked/table": "A table, {cap}, becomes the first child in the shadow tree, at {entries}.",
        "VnodeLinked/leaf": "A leaf, {cap}, becomes the first child in the shadow tree, at {entries}.",
        "VnodeUnlinked/table": "The table of {cap} is removed from the shadow tree.",
        "VnodeUnlinked/leaf": "The leaf of {cap} is removed from the shadow tree.",
        "RegionAdded": "The region {range}, {size}, is added to the address space (vspace).",
        "RegionRemoved": "The region {range}, {size}, is removed from the address space (vspace).",
        "MetaDataMoved/up": "The new slab frame will be mapped at {before}, and the next one at {after}.",
        "MetaDataMoved/down": "The addresses from {after} on are free for a slab frame again.",
        "MapUndone": "The call failed ({why}), so everything it had done is rolled back.",
    }
)  # fmt: skip  # templates on one line where they fit


def call_of(event: ev.Event) -> str:
    """The call that an event is, by its name; "" for a record that the pmap changed by itself."""
    tick = saying_of(event).tick
    return "" if tick is None else tick.of(event).call


def ref(slot: CapRef) -> str:
    """A slot in a sentence."""
    return visible(str(slot))


# ---- slots and capabilities ----------------------------------------------------------------------


@says(ev.SlotAllocated, about="domain", of="domain", tick=Tick("slot", "slot_alloc"))
def _slot(event: ev.SlotAllocated, names: Names) -> str:
    return say("SlotAllocated/no") if event.ref is None else say("SlotAllocated", slot=ref(event.ref))


@says(ev.SlotFreed, about="domain", of="domain", tick=Tick("free", "slot_free"))
@says(ev.CapabilityDeleteInvoked, about="domain", of="domain", tick=Tick("delete", "cap_delete"))
def _emptied(event: ev.SlotFreed | ev.CapabilityDeleteInvoked, names: Names) -> str:
    return say(event.tag, slot=ref(event.ref))


@says(ev.CapabilityDeleted, about="domain", of="domain", weight={"domain": 1}, tick=Tick("{how}"))
def _deleted(event: ev.CapabilityDeleted, names: Names) -> str:
    name = "CapabilityDeleted/revoke" if event.how == "revoke" else "CapabilityDeleted"
    return say(name, kind=kind_words(event.kind).words, slot=ref(event.ref))


@says(ev.CapabilityMade, about="domain", of="domain", weight={"domain": 1}, tick=Tick("{how}", "{how}"))
def _made(event: ev.CapabilityMade, names: Names) -> str:
    name = "CapabilityMade" if event.source is None else "CapabilityMade/from"
    source = "" if event.source is None else ref(event.source)
    return say(
        name, slot=ref(event.ref), kind=a_kind(event.kind), size=binary_size(event.bytes),
        address=address(event.base), rights=event.rights, source=source,
    )  # fmt: skip


@says(ev.CapabilityCopyInvoked, about="domain", of="domain", tick=Tick("copy", "cap_copy"))
def _copied(event: ev.CapabilityCopyInvoked, names: Names) -> str:
    name = "CapabilityCopyInvoked" if event.ref in names.made else "CapabilityCopyInvoked/no"
    return say(name, slot=ref(event.ref), source=ref(event.source))


@says(ev.FrameAllocated, about="domain", of="domain", tick=Tick("frame", "frame_alloc"))
def _frame(event: ev.FrameAllocated, names: Names) -> str:
    if event.base is None or event.bytes is None:
        return say("FrameAllocated/no", size=binary_size(event.want))
    name = "FrameAllocated" if event.want == event.bytes else "FrameAllocated/more"
    size, where = binary_size(event.bytes), address(event.base)
    return say(name, slot=ref(event.ref), size=size, address=where, wanted=f"{event.want:,}")


# ---- what the kernel is asked --------------------------------------------------------------------


@says(ev.VnodeCreated, about="domain", of="domain", tick=Tick("table", "vnode_create"))
def _created(event: ev.VnodeCreated, names: Names) -> str:
    kind = kind_words(event.kind).words
    if event.base is None:
        return say("VnodeCreated/no", kind=kind)
    return say("VnodeCreated", kind=kind, address=address(event.base), slot=ref(event.ref))


@says(
    ev.VnodeMapInvoked,
    about="domain",
    of="domain",
    weight={"domain": 2},
    box=InBox("enter", lambda event, _: "mapped by the program"),
    tick=Tick("map", "vnode_map"),
)
def _mapped(event: ev.VnodeMapInvoked, names: Names) -> str:
    if event.error is not None:
        return say("Refused", call=call_of(event), error=visible(event.error))
    source = f"{ref(event.source)}+{event.offset:#x}" if event.offset else ref(event.source)
    return say(
        "VnodeMapInvoked", event.count, source=source, entry=event.entry, entries=_entries(event.entry, event.count),
        table=ref(event.table), flags=flag_words(event.flags), mapping=ref(event.mapping),
    )  # fmt: skip


@says(ev.VnodeUnmapInvoked, about="domain", of="domain", weight={"domain": 2}, tick=Tick("unmap", "vnode_unmap"))
def _unmapped(event: ev.VnodeUnmapInvoked, names: Names) -> str:
    if event.error is not None:
        return say("Refused", call=call_of(event), error=visible(event.error))
    first, count = event.entry or 0, event.count or 0
    places = {"table": ref(event.table), "mapping": ref(event.mapping)}
    return say("VnodeUnmapInvoked", count, entry=first, entries=_entries(first, count), **places)


@says(ev.MappingFlagsInvoked, about="domain", of="domain", weight={"domain": 2}, tick=Tick("flags", "modify_flags"))
def _flags(event: ev.MappingFlagsInvoked, names: Names) -> str:
    if event.error is not None:
        return say("Refused", call=call_of(event), error=visible(event.error))
    words = {"mapping": ref(event.mapping), "flags": flag_words(event.flags)}
    return say("MappingFlagsInvoked", event.pages, offset=event.offset, **words)


def _entries(first: int, count: int) -> str:
    """Entries of a table, in a row."""
    return str(first) if count == 1 else f"{first}–{first + count - 1}"


# ---- the pmap's own records ----------------------------------------------------------------------


@says(ev.SlabRefillBegan, about="domain", of="domain", tick=Tick("refill", "refill_slabs"))
def _refill(event: ev.SlabRefillBegan, names: Names) -> str:
    name = "SlabRefillBegan" if event.level == 1 else "SlabRefillBegan/nested"
    return say(name, event.missing, bytes=f"{event.bytes:,}", level=event.level)


@says(ev.SlabGrown, about="domain", of="domain", tick=Tick("grow", "slab_grow"))
def _grown(event: ev.SlabGrown, names: Names) -> str:
    name = "SlabGrown/at" if event.address else "SlabGrown"
    return say(name, event.blocks, size=binary_size(event.bytes), address=address(event.address))


@says(ev.BlockTaken, about="domain", of="domain", tick=Tick("block"))
def _taken(event: ev.BlockTaken, names: Names) -> str:
    return say("BlockTaken/no") if event.block is None else say("BlockTaken", event.free)


@says(ev.BlockGiven, about="domain", of="domain", tick=Tick("block"))
def _given(event: ev.BlockGiven, names: Names) -> str:
    return say("BlockGiven", event.free)


@says(ev.VnodeLinked, about="domain", of="domain", tick=Tick("link"))
@says(ev.VnodeUnlinked, about="domain", of="domain", tick=Tick("unlink"))
def _linked(event: ev.VnodeLinked | ev.VnodeUnlinked, names: Names) -> str:
    case = "table" if event.table else "leaf"
    noun = "entry" if event.count == 1 else "entries"
    return say(f"{event.tag}/{case}", cap=ref(event.cap), entries=f"{noun} {_entries(event.entry, event.count)}")


@says(ev.RegionAdded, ev.RegionRemoved, about="domain", of="domain", tick=Tick("region"))
def _region(event: ev.RegionAdded | ev.RegionRemoved, names: Names) -> str:
    return say(event.tag, range=span(event.base, event.base + event.size), size=binary_size(event.size))


@says(ev.MetaDataMoved, about="domain", of="domain", tick=Tick("move"))
def _moved(event: ev.MetaDataMoved, names: Names) -> str:
    case = "up" if event.after > event.before else "down"
    return say(f"MetaDataMoved/{case}", before=address(event.before), after=address(event.after))


@says(ev.MapUndone, about="domain", of="domain", tick=Tick("undone"))
def _undone(event: ev.MapUndone, names: Names) -> str:
    return say("MapUndone", why=visible(event.why))
