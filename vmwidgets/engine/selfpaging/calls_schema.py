"""Events of self-paging domains: capabilities, slots, vnodes, slabs, vregions.

`domain` is the domain's name.  A capability is named by its :class:`~.domain_schema.CapRef`, (cnode, slot).
Descriptors that the kernel writes for a domain are :class:`.tables_schema.PteWritten`, as any kernel's.
"""

from __future__ import annotations

from ..base.event import Event
from .domain_schema import CapRef

# ---- slots and capabilities ------------------------------------------------------------------


class SlotAllocated(Event, changes=True):
    """The slot allocator allocated a slot; `ref` is none if none is left."""

    domain: str
    ref: CapRef | None


class SlotFreed(Event, changes=True):
    """A slot was freed to the slot allocator."""

    domain: str
    ref: CapRef


class _Capability(Event):
    """What a capability is: `base` and `bytes` what it is about, `rights` those it carries.

    `object` is the number of what it is about, which copies share; `source` what it was made from (none for what boot
    and the memory server give).
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
    """The capability in `ref` was deleted; fields as when it was made.

    `how`: "delete", "revoke" or "unmap" (a Mapping).
    """


# ---- what a domain asks of the kernel --------------------------------------------------------


class VnodeCreated(Event):
    """`vnode_create`: RAM was retyped to a table of `kind` at physical `base`; none where there was no RAM."""

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
    """`vnode_unmap`: clear the `count` entries of `mapping`, from `entry` on (none where it failed)."""

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
    """A vnode's block was allocated from the slab; `free` blocks are left.  If there was none, `block` is none."""

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

    `entry` and `count` are numbers of entries in the parent's table, which are for `span` bytes; `kind` is that of a
    table, or "leaf"; `cap` the table or the frame; `flags` and `offset` a leaf's.
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
        """Return whether it is a table's."""
        return self.kind != "leaf"


class VnodeLinked(_Vnode, changes=True):
    """A vnode became the first child of `parent`, or came back to its place.  `mapping` is set later."""


class VnodeMapped(Event, changes=True):
    """The Mapping capability of vnode `id` is in `mapping` from now on."""

    domain: str
    id: int
    mapping: CapRef | None


class VnodeUnlinked(_Vnode, changes=True):
    """A vnode left the tree; fields as when it was linked."""


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
    """A vregion [base, base + size) of memobj `memobj` ("" none) from `offset` on joined the vspace."""


class RegionRemoved(_Region, changes=True):
    """A vregion left the vspace; fields as when it was added."""


class MetaDataMoved(Event, changes=True):
    """The next free byte of the region that slab frames are mapped in moved."""

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
"""What a program asks of the kernel: its calls."""
