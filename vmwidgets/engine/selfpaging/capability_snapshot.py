"""The capability space as frozen values."""

from __future__ import annotations

from itertools import islice

from ..base.domain_values import CapabilityValue, CnodeValue
from .cspace import Cnode, Cspace
from .mapping_database import Capability, Mapping
from .slot_allocator import SlotAllocator


def cnode_values(cspace: Cspace, slots: SlotAllocator) -> tuple[CnodeValue, ...]:
    """All cnodes.  O(capabilities)."""
    return tuple(cnode_value(cnode, slots) for cnode in cspace.cnodes.values())


def capability_value(held: Capability, listed: int | None = None) -> CapabilityValue:
    """One capability; with `listed` only so many of the oldest copies and places, the others counted.

    O(its copies and mappings, or `listed` and the mappings that are cleared).
    """
    about = held.object
    oldest = list(islice(about.capabilities.values(), listed))
    copies = [one for one in oldest if one is not held]
    places = list(islice((one for one in about.mappings.values() if one.installed), listed))
    return CapabilityValue(
        held.ref,
        held.id,
        about.kind.name,
        about.base,
        about.bytes,
        held.rights,
        held.source,
        tuple(one.ref for one in copies),
        about.number,
        tuple((next(iter(one.table.capabilities)), one.entry, one.count) for one in places),
        tuple(one.id for one in copies),
        tuple(one.number for one in places),
        len(about.capabilities) - len(copies) - 1,
        len(about.mappings) - about.cleared - len(places),
        isinstance(about, Mapping) and about.installed,
    )


def cnode_value(cnode: Cnode, slots: SlotAllocator, listed: int | None = None) -> CnodeValue:
    """A cnode with all that is in it; `listed` as of :func:`capability_value`."""
    values = tuple(capability_value(cnode.capabilities[at], listed) for at in sorted(cnode.capabilities))
    reserved = tuple(at for at in slots if at not in cnode.capabilities) if cnode.name == slots.cnode else ()
    return CnodeValue(cnode.name, cnode.slots, values, reserved)
