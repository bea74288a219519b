"""Events of self-paging domains: capabilities, slots, vnodes, slabs, vregions.

`domain` is the domain's name.  A capability is named by its :class:`~.domain_schema.CapRef`, (cnode, slot).
Descriptors that the kernel writes for a domain are :class:`.tables_schema.PteWritten`, as any kernel's.
"""

from __future__ import annotations

from ..base.event import Event
from .domain_schema import CapRef

# ---- slots and capabilities ------------------------------------------------------------------


class SlotAllocated(Event, changes=True):
    """The slot allocator allocated a slot; `ref` is None if none is left."""

    domain: str
    ref: CapRef | None


class SlotFreed(Event, changes=True):
    """A slot was freed to the slot allocator."""

    domain: str
    ref: CapRef


class _Capability(Event):
    """A capability: `base` and `bytes` give its memory, and `rights` its rights.

    `object` is the number of its object, which copies share; `source` is the capability from which it was made (None if
    it came from the boot or the memory server).
    """

    domain: str
    ref: CapRef
    id: int
    kind: str
    base: int
    bytes: int
    rights: str
    source: CapRef | None
    how: str
    object: int


class CapabilityMade(_Capability, changes=True):
    """A capability was created in `ref`: `how` is "create", "retype", "copy", "mint" or "map" (a Mapping)."""


class CapabilityDeleted(_Capability, changes=True):
    """The capability in `ref` was deleted; the fields are those of its creation.

    `how`: "delete", "revoke" or "unmap" (a Mapping).
    """


# ---- what a domain asks of the kernel --------------------------------------------------------


class VnodeCreated(Event):
    """`vnode_create`: RAM was retyped to a table of `kind` at physical `base`; None if there was no RAM."""

    domain: str
    ref: CapRef
    kind: str
    base: int | None


class VnodeMapInvoked(Event):
    """`vnode_map`: put `source`, from byte `offset` on, into `count` entries of the table `table` from `entry` on.

    `mapping` is the slot that gets the Mapping capability; `error` the kernel's refusal, if any.
    """

    domain: str
    table: CapRef
    source: CapRef
    entry: int
    flags: int
    offset: int
    count: int
    mapping: CapRef
    error: str | None


class VnodeUnmapInvoked(Event):
    """`vnode_unmap`: clear the `count` entries of `mapping`, from `entry` on (None if it failed)."""

    domain: str
    table: CapRef
    mapping: CapRef
    entry: int | None
    count: int | None
    error: str | None


class MappingFlagsInvoked(Event):
    """`mapping_modify_flags`: give `pages` entries, from the mapping's entry `offset` on, the kernel's `flags`."""

    domain: str
    mapping: CapRef
    offset: int
    pages: int
    flags: int
    error: str | None


class CapabilityDeleteInvoked(Event):
    """`cap_delete` was called on `ref`."""

    domain: str
    ref: CapRef


class CapabilityCopyInvoked(Event):
    """`cap_copy` was called."""

    domain: str
    ref: CapRef
    source: CapRef


class FrameAllocated(Event):
    """`frame_alloc`: `want` bytes were requested, `bytes` at physical `base` were allocated (none: no RAM)."""

    domain: str
    ref: CapRef
    want: int
    bytes: int | None
    base: int | None


class MallocCalled(Event):
    """Blocks of a pmap that is not the current one came from the heap."""

    domain: str
    bytes: int


# ---- the pmap's own records ------------------------------------------------------------------


class SlabRefillBegan(Event):
    """A round of a refill: `missing` blocks are needed, `bytes` are requested; `level` is the depth (1: outermost)."""

    domain: str
    missing: int
    bytes: int
    level: int


class SlabRefillEnded(Event):
    """The refill of `level` is complete."""

    domain: str
    level: int


class SlabGrown(Event, changes=True):
    """`blocks` blocks in `bytes` bytes at `address` were added to the slab (0: not in the meta-data region)."""

    domain: str
    address: int
    bytes: int
    blocks: int


class BlockTaken(Event, changes=True):
    """A vnode's block was allocated from the slab; `free` blocks are left.  If there was none, `block` is None."""

    domain: str
    block: int | None
    free: int


class BlockGiven(Event, changes=True):
    """A vnode's block was freed; `free` blocks are free now."""

    domain: str
    block: int
    free: int


class _Vnode(Event):
    """A vnode in the shadow tree, in the list of `parent` (an id; 0 the root).

    `entry` and `count` give its entries in the parent's table, each of which covers `span` bytes; `kind` is the kind
    of table, or "leaf"; `cap` is the table or the frame; `flags` and `offset` are a leaf's.
    """

    domain: str
    id: int
    parent: int
    entry: int
    count: int
    span: int
    kind: str
    cap: CapRef
    flags: int
    offset: int

    @property
    def table(self) -> bool:
        """Return whether the vnode is a table's."""
        return self.kind != "leaf"


class VnodeLinked(_Vnode, changes=True):
    """A vnode became the first child of `parent`, or returned to its place.  `mapping` is set later."""


class VnodeMapped(Event, changes=True):
    """The Mapping capability of vnode `id` is in `mapping` from now on."""

    domain: str
    id: int
    mapping: CapRef | None


class VnodeUnlinked(_Vnode, changes=True):
    """A vnode was removed from the tree; the fields are those of its linking."""


class _Region(Event):
    """A region of the address space, as it is or was."""

    domain: str
    id: int
    base: int
    size: int
    flags: int
    memobj: str
    offset: int


class RegionAdded(_Region, changes=True):
    """A vregion [base, base + size) of memobj `memobj` ("": none) from `offset` on was added to the vspace."""


class RegionRemoved(_Region, changes=True):
    """A vregion was removed from the vspace; the fields are those of its addition."""


class MetaDataMoved(Event, changes=True):
    """The next free byte in the region for slab frames moved."""

    domain: str
    before: int
    after: int


class MapUndone(Event):
    """The effects of a failed request were undone; `why` is the error."""

    domain: str
    why: str


INVOCATIONS = (
    VnodeCreated,
    VnodeMapInvoked,
    VnodeUnmapInvoked,
    MappingFlagsInvoked,
    CapabilityDeleteInvoked,
    CapabilityCopyInvoked,
)
"""A call of the kernel by a program."""
