"""A self-paging domain as views and graders see it: frozen values.

Sizes and addresses in bytes; entries and counts in entries of a table; blocks of a slab are a vnode each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class CapRef(NamedTuple):
    """A capability's place, as a program names it: a slot of one of its cnodes.

    >>> str(CapRef("pagecn", 0))
    'pagecn[0]'
    """

    cnode: str
    slot: int

    def __repr__(self) -> str:
        return f"{self.cnode}[{self.slot}]"


@dataclass(frozen=True, slots=True)
class CapabilityValue:
    """A capability in its slot.

    `kind` is "RAM", "Frame", "DevFrame", "VNode_ARM_l1" …, "CNode" or "Mapping"; `rights` are letters of "rwg", "-"
    where one is missing; `copies` are other slots that hold the same object; `source` is what it was retyped, copied
    or mapped from.  `object` numbers what it is about.  `mapped` are the places of a frame or table: (its table, first
    entry, count).
    """

    ref: CapRef
    id: int
    kind: str
    base: int
    bytes: int
    rights: str
    source: CapRef | None
    copies: tuple[CapRef, ...]
    object: int
    mapped: tuple[tuple[CapRef, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class CnodeValue:
    """A cnode: `slots` of them, with the capabilities that are in some, in order."""

    name: str
    slots: int
    capabilities: tuple[CapabilityValue, ...]
    reserved: tuple[int, ...] = ()
    """Slots that the slot allocator gave and that hold nothing yet, or that somebody else took."""


@dataclass(frozen=True, slots=True)
class VnodeValue:
    """A node of the shadow tree, newest child first; `va` is the first address that it is for, `span` how many bytes.

    A table: `cap` its own capability, `base` its physical address.  A leaf: `cap` a frame, `offset` bytes into it,
    `base` the physical address that it maps, `flags` as the tree remembers them.  `descriptor` is the first hardware
    descriptor, read from RAM, `descriptor_pa` where that lies.  The root has neither mapping nor descriptor.
    """

    id: int
    kind: str
    """ "VNode_ARM_l1" …, or "leaf"."""
    level: int
    """Of the table that its entry is in; a root's is one above the highest."""
    entry: int
    count: int
    va: int
    span: int
    cap: CapRef
    invokable: CapRef
    mapping: CapRef | None
    base: int
    offset: int
    flags: int
    descriptor: int | None
    descriptor_pa: int | None
    children: tuple[VnodeValue, ...] = ()

    @property
    def is_table(self) -> bool:
        """Whether it is a table's node and not a leaf."""
        return self.kind != "leaf"


@dataclass(frozen=True, slots=True)
class SlabHeadValue:
    """A piece of memory that gave `blocks` blocks: `address` 0 is the pmap's own buffer, or the heap."""

    address: int
    bytes: int
    blocks: int
    free: int


@dataclass(frozen=True, slots=True)
class SlabValue:
    """The slab that vnodes come from: bytes a block, and its heads, newest first."""

    block_bytes: int
    total: int
    free: int
    heads: tuple[SlabHeadValue, ...]


@dataclass(frozen=True, slots=True)
class RegionValue:
    """A vregion: [base, base + size); `memobj` "" for the region of the slab frames."""

    id: int
    base: int
    size: int
    flags: int
    memobj: str
    offset: int


@dataclass(frozen=True, slots=True)
class DomainValue:
    """A whole domain."""

    name: str
    architecture: str
    cnodes: tuple[CnodeValue, ...]
    root: VnodeValue
    slab: SlabValue
    regions: tuple[RegionValue, ...]
    meta_start: int
    meta_end: int
    meta_used: int
    """Bytes of the meta-data region handed out."""
