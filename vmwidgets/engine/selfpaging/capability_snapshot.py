"""The capability space as frozen values."""

from __future__ import annotations

from ..base.domain_values import CapabilityValue, CapRef, CnodeValue
from .cspace import Cnode, Cspace
from .mapping_database import Capability, KernelObject
from .slot_allocator import SlotAllocator


def cnode_values(cspace: Cspace, slots: SlotAllocator) -> tuple[CnodeValue, ...]:
    """All cnodes.  O(capabilities)."""
    return tuple(_cnode(cnode, slots) for cnode in cspace.cnodes.values())


def capability_value(held: Capability) -> CapabilityValue:
    """One capability; O(its copies and mappings)."""
    about = held.object
    copies = tuple(ref for ref in about.capabilities if ref != held.ref)
    place = about.kind.name, about.base, about.bytes
    return CapabilityValue(held.ref, held.id, *place, held.rights, held.source, copies, about.number, _places(about))


def _cnode(cnode: Cnode, slots: SlotAllocator) -> CnodeValue:
    values = tuple(capability_value(cnode.capabilities[at]) for at in sorted(cnode.capabilities))
    reserved = tuple(at for at in slots if at not in cnode.capabilities) if cnode.name == slots.cnode else ()
    return CnodeValue(cnode.name, cnode.slots, values, reserved)


def _places(about: KernelObject) -> tuple[tuple[CapRef, int, int], ...]:
    """Where something is mapped: the table, by a capability of it, the first entry, and how many."""
    return tuple(
        (next(iter(one.table.capabilities)), one.entry, one.count) for one in about.mappings.values() if one.installed
    )
