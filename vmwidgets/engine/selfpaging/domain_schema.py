"""A self-paging domain as frozen values: capabilities, slots, vnodes, slab and regions, or a window on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..base.errors import in_ascii
from ..base.frozen import frozen


@frozen
class DomainFocus:
    """What must be in a window, what must not be folded over, and how much is shown beside it.

    `vnodes` are ids, and so are the tables in `entries`: (table, entry) where something is or was.  `refs` are slots,
    `objects` numbers of what capabilities were about, `regions` addresses where one begins or began, `region_ids`
    theirs, `blocks` blocks of the slab that were taken or given.  What is not there (any more) is passed over.
    """

    vnodes: frozenset[int] = frozenset()
    entries: frozenset[tuple[int, int]] = frozenset()
    refs: frozenset[CapRef] = frozenset()
    objects: frozenset[int] = frozenset()
    regions: frozenset[int] = frozenset()
    region_ids: frozenset[int] = frozenset()
    blocks: frozenset[int] = frozenset()
    grown: int = 0
    """How many of the newest pieces of the slab must be there."""
    opened: tuple[tuple[int, int], ...] = ()
    """(Table, entry): so many children of the table are shown from there on."""
    opened_cnodes: frozenset[str] = frozenset()
    """Cnodes of which more slots are shown."""


@frozen
class DomainShown:
    """What a window shows: vnodes by id, slots, regions by id, and blocks in the pieces of the slab."""

    vnodes: frozenset[int]
    slots: frozenset[CapRef]
    regions: frozenset[int]
    blocks: frozenset[int]


class CapRef(NamedTuple):
    """A capability's place, as a program names it: a slot of one of its cnodes.

    >>> str(CapRef("pagecn", 0))
    'pagecn[0]'
    """

    cnode: str
    slot: int

    @in_ascii
    def __repr__(self) -> str:
        return f"{self.cnode}[{self.slot}]"


@frozen
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
    more_copies: int = 0
    more_mapped: int = 0
    """In a window: how many more copies and places there are, all younger than those listed."""


@frozen
class SlotFold:
    """Slots in use that a window leaves out, in [first, last]: how many capabilities of each kind they hold."""

    first: int
    last: int
    kinds: tuple[tuple[str, int], ...]
    reserved: int = 0
    """How many were given and hold nothing."""

    @property
    def held(self) -> int:
        """Return how many capabilities."""
        return sum(count for _, count in self.kinds)


@frozen
class CnodeValue:
    """A cnode: `slots` of them, with the capabilities that are in some, in order."""

    name: str
    slots: int
    capabilities: tuple[CapabilityValue, ...]
    reserved: tuple[int, ...] = ()
    """Slots that the slot allocator gave and that hold nothing yet, or that another program took."""
    folds: tuple[SlotFold, ...] = ()
    """What a window leaves out, in order, between what it shows."""

    @property
    def held(self) -> int:
        """Return how many capabilities it holds, shown or not."""
        return len(self.capabilities) + sum(fold.held for fold in self.folds)


@frozen
class VnodeFold:
    """Children of a table that a window leaves out, in the entries [first, last], for the addresses [va, end)."""

    first: int
    last: int
    va: int
    end: int
    children: int
    tables: int
    """How many of the children are tables."""
    tables_below: int
    """How many tables there are in all, those among the children too."""
    leaves: int
    bytes: int
    """What the leaves map."""


@frozen
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
    older: int = 0
    """How many children of its table stand behind it in the list."""
    folds: tuple[VnodeFold, ...] = ()
    """Children that a window leaves out, in the order of entries."""

    @property
    def is_table(self) -> bool:
        """Return whether it is a table's node and not a leaf."""
        return self.kind != "leaf"

    @property
    def child_count(self) -> int:
        """Return how many children it has, shown or not."""
        return len(self.children) + sum(fold.children for fold in self.folds)


@frozen
class SlabHeadValue:
    """A piece of memory that gave `blocks` blocks: `address` 0 is the pmap's own buffer, or the heap.

    `number` counts from the oldest, 1; the blocks are numbered from `first` on.
    """

    address: int
    bytes: int
    blocks: int
    free: int
    number: int = 1
    first: int = 1


@frozen
class SlabFold:
    """Heads that a window leaves out: how many, and their blocks."""

    heads: int = 0
    blocks: int = 0
    free: int = 0


@frozen
class SlabAllocatorValue:
    """The slab that vnodes come from: bytes a block, and its heads, newest first."""

    block_bytes: int
    total: int
    free: int
    heads: tuple[SlabHeadValue, ...]
    fold: SlabFold = SlabFold()


@frozen
class RegionValue:
    """A vregion: [base, base + size); `memobj` "" for the region of the slab frames."""

    id: int
    base: int
    size: int
    flags: int
    memobj: str
    offset: int


@frozen
class RegionFold:
    """`count` regions that a window leaves out, the first of which begins at `start` and the last ends at `end`."""

    start: int
    end: int
    count: int


@frozen
class DomainValue:
    """A whole domain, or a window on it: then folds count what is left out."""

    name: str
    architecture: str
    entry_bytes: int
    """Bytes of a descriptor."""
    cnodes: tuple[CnodeValue, ...]
    root: VnodeValue
    slab: SlabAllocatorValue
    regions: tuple[RegionValue, ...]
    meta_start: int
    meta_end: int
    meta_used: int
    """Bytes of the meta-data region handed out."""
    region_folds: tuple[RegionFold, ...] = ()
    owners: tuple[tuple[CapRef, int], ...] = ()
    """Of capabilities in a window whose vnodes it leaves out: by id, the vnode that each belongs to."""

    @property
    def region_count(self) -> int:
        """Return how many regions there are, shown or not."""
        return len(self.regions) + sum(fold.count for fold in self.region_folds)

    def shown(self, focus: DomainFocus) -> DomainShown:
        """Return what it shows, and what is in focus and not there: for windows on the same at other moments."""
        held = (one.ref for cnode in self.cnodes for one in cnode.capabilities)
        reserved = (CapRef(cnode.name, slot) for cnode in self.cnodes for slot in cnode.reserved)
        return DomainShown(
            focus.vnodes.union(node.id for node in all_vnodes(self.root)),
            focus.refs.union(held, reserved),
            focus.region_ids.union(region.id for region in self.regions),
            focus.blocks.union(head.first for head in self.slab.heads),
        )


def all_vnodes(root: VnodeValue) -> Iterator[VnodeValue]:
    """A vnode and all below it, each before its children."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)
