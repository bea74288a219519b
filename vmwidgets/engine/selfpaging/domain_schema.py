"""A self-paging domain as frozen values: capabilities, slots, vnodes, slab, regions; or a window with some of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..base.errors import in_ascii
from ..base.frozen import frozen
from ..base.units import PAGE


@frozen
class DomainFocus:
    """The things that a window must show and not fold, and the amount shown around them.

    `vnodes` are IDs, and so are the tables in `entries`: (table, entry) of something that is or was there. `refs` are
    slots, `objects` the numbers of capabilities' objects, `regions` the addresses at which a region begins or began,
    `region_ids` the regions' IDs, `blocks` blocks of the slab that were allocated or freed. Things that do not exist
    (any longer) are skipped.
    """

    vnodes: frozenset[int] = frozenset()
    entries: frozenset[tuple[int, int]] = frozenset()
    refs: frozenset[CapRef] = frozenset()
    objects: frozenset[int] = frozenset()
    regions: frozenset[int] = frozenset()
    region_ids: frozenset[int] = frozenset()
    blocks: frozenset[int] = frozenset()
    grown: int = 0
    """The number of the slab's newest pieces that must be shown."""
    opened: tuple[tuple[int, int], ...] = ()
    """Places (table, entry) from which on some of the table's children are shown."""
    opened_cnodes: frozenset[str] = frozenset()
    """The cnodes with more shown slots."""


@frozen
class DomainShown:
    """The things that a window shows: vnodes by ID, slots, regions by ID, and blocks in the pieces of the slab."""

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
    where one is missing; `copies` are other slots with the same object; `source` is the capability from which it was
    retyped, copied or mapped; with `source_gone`, that capability was deleted since, and its slot is empty or has
    another. `object` is its object's number. `mapped` are the mappings of a frame or table: (table, first entry,
    count).
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
    """In a window: the number of further copies and mappings, all younger than those listed."""
    source_gone: bool = False


@frozen
class SlotFold:
    """Slots in use that a window leaves out, in [first, last]: the number of capabilities of each kind in them."""

    first: int
    last: int
    kinds: tuple[tuple[str, int], ...]
    reserved: int = 0
    """The number of allocated slots that are empty."""

    @property
    def held(self) -> int:
        """Return how many capabilities."""
        return sum(count for _, count in self.kinds)


@frozen
class CnodeValue:
    """A cnode with `slots` slots, and the capabilities in some of them, in order."""

    name: str
    slots: int
    capabilities: tuple[CapabilityValue, ...]
    reserved: tuple[int, ...] = ()
    """Allocated slots that are still empty, or that another part of the program uses."""
    folds: tuple[SlotFold, ...] = ()
    """The parts that a window leaves out, in order, between those it shows."""

    @property
    def held(self) -> int:
        """Return how many capabilities it contains, shown or not."""
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
    """The number of tables among the children."""
    tables_below: int
    """The number of all tables, including those among the children."""
    leaves: int
    bytes: int
    """The number of bytes that the leaves map."""


@frozen
class VnodeValue:
    """A node of the shadow tree, newest child first; it covers `span` bytes from address `va` on.

    For a table, `cap` is its own capability, and `base` its physical address. For a leaf, `cap` is a frame, mapped from
    byte `offset` on, `base` the mapped physical address, and `flags` are those that the tree remembers. `descriptor` is
    the first hardware descriptor, read from RAM at `descriptor_pa`. The root has neither mapping nor descriptor.
    """

    id: int
    kind: str
    """ "VNode_ARM_l1" …, or "leaf"."""
    level: int
    """The level of the table with its entry; for a root, one above the highest."""
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
    """The number of its table's children after it in the list."""
    folds: tuple[VnodeFold, ...] = ()
    """Children that a window leaves out, in the order of entries."""

    @property
    def is_table(self) -> bool:
        """Return whether it is a table, not a leaf."""
        return self.kind != "leaf"

    @property
    def child_count(self) -> int:
        """Return the number of its children, shown or not."""
        return len(self.children) + sum(fold.children for fold in self.folds)


@frozen
class SlabHeadValue:
    """A piece of memory divided into `blocks` blocks: `address` 0 is the pmap's own buffer, or the heap.

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
    """The number of heads that a window leaves out, and their blocks."""

    heads: int = 0
    blocks: int = 0
    free: int = 0


@frozen
class SlabAllocatorValue:
    """The slab from which vnodes are allocated: the bytes of a block, and the slab's heads, newest first."""

    block_bytes: int
    total: int
    free: int
    heads: tuple[SlabHeadValue, ...]
    fold: SlabFold = SlabFold()


@frozen
class Vregion:
    """A range [base, base + size) of addresses, which shows the memory object called `memobj` from `offset` on.

    Without a name, it is the region of the slab frames, or was made by a map without a memory object.
    """

    id: int
    base: int
    size: int
    flags: int = 0
    memobj: str = ""
    offset: int = 0

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.base + self.size

    @property
    def page_end(self) -> int:
        """The first address after its last page."""
        return self.base - (-self.size // PAGE) * PAGE


@frozen
class RegionFold:
    """`count` regions that a window leaves out, the first of which begins at `start` and the last ends at `end`."""

    start: int
    end: int
    count: int


@frozen
class DomainValue:
    """A whole domain, or a window with a part of it: then folds count the rest."""

    name: str
    architecture: str
    entry_bytes: int
    """The size of a descriptor in bytes."""
    cnodes: tuple[CnodeValue, ...]
    root: VnodeValue
    slab: SlabAllocatorValue
    regions: tuple[Vregion, ...]
    meta_start: int
    meta_end: int
    meta_used: int
    """The number of allocated bytes in the meta-data region."""
    region_folds: tuple[RegionFold, ...] = ()
    owners: tuple[tuple[CapRef, int], ...] = ()
    """For capabilities in a window that leaves out their vnodes: the vnode of each, by ID."""

    @property
    def region_count(self) -> int:
        """Return the number of regions, shown or not."""
        return len(self.regions) + sum(fold.count for fold in self.region_folds)

    def shown(self, focus: DomainFocus) -> DomainShown:
        """Return the shown things, and things in focus that do not exist now: for windows at other moments."""
        held = (one.ref for cnode in self.cnodes for one in cnode.capabilities)
        reserved = (CapRef(cnode.name, slot) for cnode in self.cnodes for slot in cnode.reserved)
        return DomainShown(
            focus.vnodes.union(node.id for node in all_vnodes(self.root)),
            focus.refs.union(held, reserved),
            focus.region_ids.union(region.id for region in self.regions),
            focus.blocks.union(head.first for head in self.slab.heads),
        )


def all_vnodes(root: VnodeValue) -> Iterator[VnodeValue]:
    """Yield a vnode and all below it, each before its children."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)
