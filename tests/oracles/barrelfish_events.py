"""Engine events as Barrelfish's recorder wrote them: the pmap's requests, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vmwidgets.engine.base.recorder import Raw
from vmwidgets.engine.selfpaging.calls_schema import (
    CapabilityCopyInvoked,
    CapabilityDeleteInvoked,
    FrameAllocated,
    MallocCalled,
    MappingFlagsInvoked,
    SlabGrown,
    SlabRefillBegan,
    SlotAllocated,
    SlotFreed,
    VnodeCreated,
    VnodeMapInvoked,
    VnodeUnmapInvoked,
)
from vmwidgets.engine.selfpaging.capabilities import FRAME_CNODE, PAGE_CNODE, SLOT_CNODE
from vmwidgets.engine.selfpaging.domain_schema import CapRef

Row = list[Any]

FOREIGN_CNODE = "foreign-root"
"""The place of the root table of a pmap that is not the current one."""

CNODES = {PAGE_CNODE: "root", SLOT_CNODE: "slot", FRAME_CNODE: "frame", FOREIGN_CNODE: FOREIGN_CNODE}
"""The recorder's names for cnodes."""

_KINDS = {"VNode_ARM_l2": "L2"}


def capability(ref: CapRef) -> list[Any]:
    """Return a capability, as the recorder names it.

    >>> capability(CapRef(SLOT_CNODE, 7))
    ['slot', 7]
    """
    return [CNODES[ref.cnode], ref.slot]


def _mapped(
    table: CapRef, source: CapRef, entry: int, flags: int, offset: int, count: int, mapping: CapRef, error: str | None
) -> Row:
    return [
        "vnode_map",
        {
            "dest": capability(table),
            "src": capability(source),
            "entry": entry,
            "flags": flags,
            "offset": offset,
            "count": count,
            "mapping": mapping.slot,
            "error": error,
        },
    ]


def _unmapped(table: CapRef, mapping: CapRef, entry: int | None, count: int | None, error: str | None) -> Row:
    fields: dict[str, Any] = {"table": capability(table), "mapping": mapping.slot}
    if error is None:
        fields |= {"entry": entry, "count": count}
    return ["vnode_unmap", fields | {"error": error}]


def _frame(ref: CapRef, want: int, size: int | None, base: int | None) -> Row:
    fields = {"slot": ref.slot, "want": want, "bytes": size}
    return ["frame_alloc", fields if size is None else fields | {"phys": base}]


_ROWS: dict[str, Callable[..., Row]] = {
    SlotAllocated.tag: lambda ref: ["slot_alloc", None if ref is None else ref.slot],
    SlotFreed.tag: lambda ref: ["slot_free", ref.slot],
    VnodeCreated.tag: lambda ref, kind, base: ["vnode_create", _KINDS[kind], ref.slot, base],
    VnodeMapInvoked.tag: _mapped,
    VnodeUnmapInvoked.tag: _unmapped,
    MappingFlagsInvoked.tag: lambda mapping, offset, pages, flags, error: [
        "modify_flags",
        {"mapping": mapping.slot, "offset": offset, "pages": pages, "flags": flags},
    ],
    CapabilityDeleteInvoked.tag: lambda ref: ["cap_delete", capability(ref)],
    CapabilityCopyInvoked.tag: lambda ref, source: ["cap_copy", {"dest": capability(ref), "src": capability(source)}],
    SlabRefillBegan.tag: lambda missing, size, level: ["slab_refill", {"missing": missing, "bytes": size}],
    FrameAllocated.tag: _frame,
    MallocCalled.tag: lambda size: ["malloc", size],
    SlabGrown.tag: lambda address, size, blocks: ["slab_grow", {"addr": address, "bytes": size, "blocks": blocks}],
}
"""The written form of each event known to the recorder, without its domain; others were not recorded."""


def recorded(events: Iterable[Raw]) -> list[Row]:
    """Return the rows of these events.

    >>> recorded([("Called", "map"), ("SlotFreed", "traced", CapRef("slots", 3)), ("Returned", None)])
    [['slot_free', 3]]
    """
    return [_ROWS[tag](*fields[1:]) for tag, *fields in events if tag in _ROWS]
