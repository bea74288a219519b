"""A self-paging domain as frozen values: capabilities, slots, vnodes, slab and regions, or a window on them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, NamedTuple, TypeVar

from ..base.errors import in_ascii
from ..base.frozen import frozen
from ..base.past import ABSENT, Past


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
    copy_ids: tuple[int, ...] = ()
    """The ids of the copies."""
    mapping_ids: tuple[int, ...] = ()
    """The numbers of the Mappings by which it is mapped."""
    more_copies: int = 0
    more_mapped: int = 0
    """In a window: how many more copies and places there are, all younger than those listed."""
    installed: bool = False
    """Of a Mapping: whether its entries are there; they may be cleared before it goes."""


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
        """How many capabilities."""
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
        """How many capabilities it holds, shown or not."""
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
        """Whether it is a table's node and not a leaf."""
        return self.kind != "leaf"

    @property
    def child_count(self) -> int:
        """How many children it has, shown or not."""
        return len(self.children) + sum(fold.children for fold in self.folds)


@frozen
class VnodeFields:
    """A vnode as events have it: see :class:`VnodeValue`, and `kind` of :class:`.calls_schema.VnodeLinked`."""

    parent: int
    older: int
    entry: int
    count: int
    span: int
    kind: str
    cap: CapRef
    flags: int
    offset: int


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
    listed: int | None = None
    """In a window: of an object's capabilities, and of its places, how many of the oldest are listed."""

    @property
    def region_count(self) -> int:
        """How many regions there are, shown or not."""
        return len(self.regions) + sum(fold.count for fold in self.region_folds)

    def at(self, past: Past) -> DomainValue:
        """The domain as it was.  A window has to show what was written (:class:`DomainFocus`); its folds stay."""
        if not past:
            return self
        capabilities = _PastCapabilities(self, past)
        regions = past.laid_over({region.id: region for region in self.regions}, "region", self.name)
        return replace(
            self,
            cnodes=tuple(capabilities.cnodes()),
            root=_PastTree(self, past, capabilities).value(),
            slab=self._slab_at(past),
            regions=tuple(sorted(regions.values(), key=lambda region: region.base)),
            meta_used=past.one("meta data", self.name, self.meta_start + self.meta_used) - self.meta_start,
        )

    def _slab_at(self, past: Past) -> SlabAllocatorValue:
        grown = past.moved("pieces", self.name)[0]
        heads = self.slab.heads[grown:]
        more = Counter[int]()
        for block, (before, after) in past.changes("free block", self.name).items():
            number = next((head.number for head in self.slab.heads if head.first <= block), 0)
            more[number] += (before is not ABSENT) - (after is not ABSENT)
        heads = tuple(replace(head, free=head.free + more[head.number]) for head in heads)
        rest = self.slab.fold
        total, free = rest.blocks + sum(head.blocks for head in heads), rest.free + sum(head.free for head in heads)
        return replace(self.slab, total=total, free=free, heads=heads)


# ---- as it was ---------------------------------------------------------------------------------

Place = tuple[CapRef, int, int]
"""A table, the first entry, and how many."""


T = TypeVar("T")


@dataclass(slots=True)
class _Oldest(Generic[T]):
    """Some things by number, of which only the oldest are known, and how many there are.

    What the rows say was made later is the youngest there is, so that the oldest that are known always suffice.
    """

    known: dict[int, T] = field(default_factory=dict)
    count: int = 0

    def change(self, number: int, thing: T | None) -> None:
        """One more, or one less: none."""
        if thing is None:
            self.known.pop(number, None)
            self.count -= 1
        else:
            self.known[number] = thing
            self.count += 1

    def listed(self, most: int | None) -> dict[int, T]:
        """The oldest, by number."""
        return {number: self.known[number] for number in sorted(self.known)[:most]}


class _PastCapabilities:
    """Slots and what was in them, once the rows are laid over a domain."""

    def __init__(self, value: DomainValue, past: Past) -> None:
        self._value, self._past = value, past
        self._words = past.before("word")
        self._now = {one.ref: one for cnode in value.cnodes for one in cnode.capabilities}
        self._held: dict[CapRef, CapabilityValue] = past.laid_over(self._now, "capability", value.name)
        self._youngest: dict[int, int] = {}
        """Of the mappings at each physical address of entries, the one made last."""
        for one in self._held.values():
            if one.kind == "Mapping":
                self._youngest[one.base] = max(one.object, self._youngest.get(one.base, 0))
        tables = ((one.base, one.id, one.ref) for one in self._held.values() if one.kind.startswith("VNode"))
        oldest = {base: ref for base, _, ref in sorted(tables, reverse=True)}
        self._tables = sorted(oldest.items())
        self._copies: dict[int, _Oldest[CapRef]] = defaultdict(_Oldest)
        self._places: dict[int, _Oldest[Place]] = defaultdict(_Oldest)
        for one in self._now.values():
            known = dict(zip(one.copy_ids, one.copies, strict=True))
            if value.listed is None or len(one.copies) < value.listed:
                known[one.id] = one.ref
            self._copies[one.object] = _Oldest(known, len(one.copies) + one.more_copies + 1)
            places = dict(zip(one.mapping_ids, one.mapped, strict=True))
            self._places[one.object] = _Oldest(places, len(places) + one.more_mapped)
        self._touched: set[int] = set()
        self._go_back()

    def base_of(self, ref: CapRef) -> int:
        """The physical address of what is in a slot, or was."""
        known = self._known(ref)
        return 0 if known is None else known.base

    def _known(self, ref: CapRef) -> CapabilityValue | None:
        """What was in a slot then, or is now, or was in between."""
        held = self._held.get(ref) or self._now.get(ref)
        if held is None:
            change = self._past.changes("capability", self._value.name).get(ref)
            held = next((one for one in change or () if one is not ABSENT), None)
        return held

    def _go_back(self) -> None:
        for before, after in self._past.changes("capability", self._value.name).values():
            if after is not ABSENT:
                self._about(self._copies, after.object).change(after.id, None)
            if before is not ABSENT:
                self._about(self._copies, before.object).change(before.id, before.ref)
        mappings = {one.id: one for one in (*self._now.values(), *self._held.values()) if one.kind == "Mapping"}
        for one in mappings.values():
            is_now, was = self._is_installed(one), self.was_installed(one)
            if is_now != was:
                source = None if one.source is None else self._known(one.source)
                place = self._place(one) if was else None
                self._about(self._places, 0 if source is None else source.object).change(one.object, place)

    def _about(self, all_: dict[int, _Oldest[T]], number: int) -> _Oldest[T]:
        """What there is of object `number`, to be changed."""
        self._touched.add(number)
        return all_[number]

    def _is_installed(self, mapping: CapabilityValue) -> bool:
        now = self._now.get(mapping.ref)
        return now is not None and now.id == mapping.id and now.installed

    def was_installed(self, mapping: CapabilityValue) -> bool:
        """Whether its entries were there: they are cleared before a mapping goes, and never come back."""
        held = self._held.get(mapping.ref)
        if held is None or held.id != mapping.id:
            return False
        is_last = self._youngest[mapping.base] == mapping.object
        return self._is_installed(mapping) or (is_last and bool(self._words.get(mapping.base, 0)))

    def _place(self, mapping: CapabilityValue) -> Place:
        base, table = self._tables[bisect_right(self._tables, mapping.base, key=lambda one: one[0]) - 1]
        width = self._value.entry_bytes
        return table, (mapping.base - base) // width, mapping.bytes // width

    def cnodes(self) -> Iterator[CnodeValue]:
        """The cnodes as they were."""
        name = self._value.name
        given = dict.fromkeys(
            (CapRef(cnode.name, slot) for cnode in self._value.cnodes for slot in cnode.reserved), True
        )
        given = self._past.laid_over({**given, **dict.fromkeys(self._now, True)}, "slot", name)
        for cnode in self._value.cnodes:
            held = sorted(ref for ref in self._held if ref.cnode == cnode.name)
            empty = sorted(ref.slot for ref in given if ref.cnode == cnode.name and ref not in self._held)
            yield replace(cnode, capabilities=tuple(map(self._frozen, held)), reserved=tuple(empty))

    def _frozen(self, ref: CapRef) -> CapabilityValue:
        one = self._held[ref]
        if one.kind == "Mapping":
            one = replace(one, installed=self.was_installed(one))
        if one.object not in self._touched:
            return one
        copies, places = self._copies[one.object], self._places[one.object]
        others, mapped = copies.listed(self._value.listed), places.listed(self._value.listed)
        others.pop(one.id, None)
        return replace(
            one,
            copies=tuple(others.values()),
            copy_ids=tuple(others),
            more_copies=copies.count - len(others) - 1,
            mapped=tuple(mapped.values()),
            mapping_ids=tuple(mapped),
            more_mapped=places.count - len(mapped),
        )


class _PastTree:
    """The shadow tree as it was, with what its descriptors held."""

    def __init__(self, domain: DomainValue, past: Past, capabilities: _PastCapabilities) -> None:
        self._domain, self._capabilities = domain, capabilities
        self._words = past.before("word")
        self._mappings = past.before("mapping", domain.name)
        parents: dict[int, int] = {}
        now = dict(_nodes(domain.root, parents))
        self._moved: dict[int, dict[int, int]] = defaultdict(dict)
        """By parent: the vnodes that have left it since (1) or come back (-1), in that order."""
        self._nodes: dict[int, VnodeValue | VnodeFields] = past.laid_over(now, "vnode", domain.name)
        for number, (before, after) in past.changes("vnode", domain.name).items():
            if number in now and number in self._nodes:
                self._nodes[number] = now[number]
            if before is ABSENT:
                if after is not ABSENT:
                    self._moved[after.parent][number] = -1
            else:
                parents[number] = before.parent
                self._moved[before.parent][number] = int(after is ABSENT)
        self._children: dict[int, list[int]] = defaultdict(list)
        for number in sorted(self._nodes, reverse=True):
            if number != domain.root.id:
                self._children[parents[number]].append(number)

    def value(self) -> VnodeValue:
        """From the root on."""
        return self._value(self._domain.root.id, self._domain.root)

    def _value(self, number: int, above: VnodeValue) -> VnodeValue:
        node = self._nodes[number]
        moved = self._moved[above.id]
        others = [*moved]
        if isinstance(node, VnodeFields):
            others = others[: others.index(number)]
            node = self._again(number, node, above)
        place = node.descriptor_pa
        node = replace(
            node,
            mapping=self._mappings.get(number, node.mapping),
            descriptor=None if place is None else self._words.get(place, node.descriptor or 0),
            older=node.older + sum(moved[one] for one in others if one < number),
        )
        return replace(node, children=tuple(self._value(child, node) for child in self._children[number]))

    def _again(self, number: int, was: VnodeFields, above: VnodeValue) -> VnodeValue:
        """A vnode that has left the tree."""
        va = above.va + was.entry * (was.span // was.count)
        base = self._capabilities.base_of(was.cap) + was.offset
        return VnodeValue(
            number, was.kind, above.level - 1, was.entry, was.count, va, was.span, was.cap, was.cap, None, base,
            was.offset, was.flags, None, above.base + was.entry * self._domain.entry_bytes, (), was.older,
        )  # fmt: skip


def _nodes(node: VnodeValue, parents: dict[int, int]) -> Iterator[tuple[int, VnodeValue]]:
    """A vnode and those below it, by id; `parents` gets the parent of each."""
    yield node.id, node
    for child in node.children:
        parents[child.id] = node.id
        yield from _nodes(child, parents)
