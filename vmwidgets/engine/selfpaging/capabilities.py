"""Typed capabilities: their types, their objects, the mapping database, and the slots of cnodes that contain them.

A capability is a right to a kernel object or to memory.  The mapping database records which capabilities are copies of
one another, and which were retyped from which: revoking needs this, and it shows when the last capability of an object
is deleted.  A program names a capability by its slot (:class:`~.domain_schema.CapRef`), and never accesses it: the
kernel looks it up here.  A program invokes only capabilities of its own cspace, and may copy from another's.
Barrelfish, lib/barrelfish and kernel of 15 August 2016.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush, merge
from itertools import islice, pairwise
from typing import NamedTuple

from ..base.errors import Broken, Refused, in_ascii
from ..base.recorder import Recorder
from ..base.units import PAGE, Address, Size, counted
from .calls_schema import SlotAllocated, SlotFreed
from .domain_schema import CapabilityValue, CapRef, CnodeValue, SlotFold
from .errors import LibError, chain
from .flags import EXECUTE, READ, WRITE

CAP_RIGHTS = "rwg"
"""Read, write, grant (be copied): all rights that a capability can carry."""

_FRAMES = ("Frame", "DevFrame")


def common_rights(wanted: str, held: str) -> str:
    """Return the rights in both, as values show them: one letter each, "-" for a missing right.

    >>> common_rights("rw", "r-g")
    'r--'
    """
    return "".join(letter if letter in wanted and letter in held else "-" for letter in CAP_RIGHTS)


def check_rights(rights: str, flags: int) -> None:
    """Raise SYS_ERR_VM_MAP_RIGHTS if the kernel's `flags` ask for more than `rights` allow."""
    for bit, letter, what in ((READ, "r", "READ"), (WRITE, "w", "WRITE"), (EXECUTE, "r", "EXECUTE")):
        if flags & bit and letter not in rights:
            why = f"{what} was asked for, and the capability has {rights!r}"
            raise LibError("SYS_ERR_VM_MAP_RIGHTS", why)


# ---- types -------------------------------------------------------------------------------------


class ObjType(NamedTuple):
    """A type of object that capabilities refer to (`enum objtype`).

    `bytes` is the size of such an object, or None if it may be any number of pages. A table (a vnode) has the format
    and the level of its entries, the types that an entry may refer to, and the number of entries that are the
    program's: the others, at its end, are the kernel's half.
    """

    name: str
    retypes_to: tuple[str, ...] = ()
    bytes: int | None = None
    format: str = ""
    level: int = 0
    holds: tuple[str, ...] = ()
    entries: int = 0
    user_entries: int = 0

    @property
    def is_table(self) -> bool:
        """Return whether it is a vnode: a page table."""
        return self.level > 0

    @property
    def is_frame(self) -> bool:
        """Return whether a leaf can map it."""
        return self.name in _FRAMES

    def check_entries(self, entry: int, count: int) -> None:
        """Raise an error unless a table of this type has entries [entry, entry + count), all of them the program's."""
        if not 0 <= entry < self.entries:
            raise LibError("SYS_ERR_VNODE_SLOT_INVALID", f"entry {entry}: a {self.name} has {self.entries}")
        if count < 1 or entry + count > self.entries:
            why = f"{counted(count, 'entry')} from entry {entry} on: a {self.name} has {self.entries}"
            raise LibError("SYS_ERR_VM_MAP_SIZE", why)
        if entry + count > self.user_entries:
            why = f"entry {max(entry, self.user_entries)}: those from {self.user_entries} on are the kernel's"
            raise LibError("SYS_ERR_VNODE_SLOT_RESERVED", why)


def _x86_64(name: str, level: int, holds: tuple[str, ...], user_entries: int = 512) -> ObjType:
    return ObjType(f"VNode_x86_64_{name}", (), 4096, "x86-64", level, holds, 512, user_entries)


TABLES = (
    ObjType("VNode_ARM_l1", (), 16384, "armv7", 2, ("VNode_ARM_l2", *_FRAMES), 4096, 2048),
    ObjType("VNode_ARM_l2", (), 1024, "armv7", 1, _FRAMES, 256, 256),
    _x86_64("pml4", 4, ("VNode_x86_64_pdpt",), user_entries=256),
    _x86_64("pdpt", 3, ("VNode_x86_64_pdir", *_FRAMES)),
    _x86_64("pdir", 2, ("VNode_x86_64_ptable", *_FRAMES)),
    _x86_64("ptable", 1, _FRAMES),
)
"""The types of page tables."""

OBJ_TYPES = {
    one.name: one
    for one in (
        ObjType("RAM", ("RAM", "Frame", *(table.name for table in TABLES))),
        ObjType("Frame", ("Frame",)),
        ObjType("DevFrame", ("DevFrame",)),
        ObjType("CNode"),
        ObjType("Mapping"),
        *TABLES,
    )
}
"""All types by name. RAM can be retyped to frames and tables, a frame only to smaller frames.

>>> OBJ_TYPES["Frame"].retypes_to, OBJ_TYPES["VNode_ARM_l2"].bytes
(('Frame',), 1024)
"""

MAPPING = OBJ_TYPES["Mapping"]


# ---- objects -----------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class RamRegion:
    """Memory from the memory server: [base, base + bytes).  It is freed with the last of its `objects`."""

    base: int
    bytes: int
    objects: int = 0


class FrameIdentity(NamedTuple):
    """The answer of `frame_identify`: physical address and bytes."""

    base: int
    bytes: int


@dataclass(slots=True, eq=False, repr=False)
class CapObject:
    """The object of capabilities: memory, a table, or (:class:`Mapping`) entries of a table."""

    number: int
    kind: ObjType
    base: int
    bytes: int
    parent: CapObject | None = None
    """The object from which it was retyped, as long as that has capabilities."""
    ram: RamRegion | None = None
    """The memory that is freed with the last object in it."""
    children: dict[int, CapObject] = field(default_factory=dict)
    capabilities: dict[CapRef, Capability] = field(default_factory=dict)
    mappings: dict[int, Mapping] = field(default_factory=dict)
    """Its mappings, by their numbers."""
    cleared: int = 0
    """The number of mappings that are no longer installed."""
    inside: dict[int, Mapping] = field(default_factory=dict)
    """For a table: its mappings, by first entry."""
    va: int = 0
    """For a table: the first address that it covers, in the table into which it was last put."""

    @property
    def end(self) -> int:
        """The first physical address after it."""
        return self.base + self.bytes

    def check_map_table(self, offset: int, count: int) -> None:
        """Raise an error unless this table fits `count` entries from byte `offset` on: one entry, the whole table."""
        size = self.kind.bytes or self.bytes
        if offset % size or not 0 <= offset < self.bytes:
            why = f"offset {offset:#x}: a table of {Size(size)} is put in as a whole"
            raise LibError("SYS_ERR_FRAME_OFFSET_INVALID", why)
        if count != 1:
            raise LibError("SYS_ERR_VM_MAP_SIZE", f"{count} entries for one table")

    def check_map_frame(self, span: int, offset: int, count: int) -> None:
        """Raise an error unless this frame has `count` aligned pages of `span` bytes from byte `offset` on."""
        if offset < 0 or (self.base + offset) % span or offset % span:
            why = f"byte {offset:#x} of the frame at {Address(self.base)} is not on a border of {Size(span)}"
            raise LibError("SYS_ERR_VM_MAP_OFFSET", why)
        if offset + count * span > self.bytes:
            why = f"{Size(count * span)} from byte {offset:#x} on: the frame has {Size(self.bytes)}"
            raise LibError("SYS_ERR_VM_FRAME_TOO_SMALL", why)

    def size_to_retype(self, kind: str, offset: int, size: int | None) -> int:
        """Return the size of a `kind` made of `size` bytes from `offset` on.

        Raises an error unless that part can become one. O(capabilities retyped from this).
        """
        if kind not in self.kind.retypes_to:
            raise LibError("SYS_ERR_INVALID_RETYPE", f"a {self.kind.name} can't become a {kind}")
        fixed = OBJ_TYPES[kind].bytes
        wanted = fixed or (self.bytes - offset if size is None else size)
        border = fixed or PAGE
        if (fixed and size not in (None, fixed)) or wanted <= 0 or wanted % border:
            raise LibError("SYS_ERR_INVALID_RETYPE", f"{size} bytes: a {kind} has a multiple of {Size(border)}")
        if offset < 0 or (self.base + offset) % border or offset + wanted > self.bytes:
            why = f"{Size(wanted)} from byte {offset:#x} on: there are {Size(self.bytes)}, in steps of {Size(border)}"
            raise LibError("SYS_ERR_FRAME_OFFSET_INVALID", why)
        base = self.base + offset
        for child in self.children.values():
            if child.base < base + wanted and base < child.end:
                raise LibError("SYS_ERR_REVOKE_FIRST", f"the {child} was made of it")
        return wanted

    def descendants(self) -> Iterator[CapObject]:
        """Yield the objects retyped from this one, directly or not, each before its source; the youngest first."""
        for child in sorted(self.children.values(), key=lambda one: -one.number):
            yield from child.descendants()
            yield child

    def check_parts(self) -> None:
        """Raise `Broken` unless the objects retyped from this one are inside it, without overlap (D2)."""
        parts = sorted(self.children.values(), key=lambda one: one.base)
        for part in parts:
            if not self.base <= part.base <= part.end <= self.end:
                raise Broken(f"D2: {part} lies outside {self}, which it was retyped from")
        for part, after in pairwise(parts):
            if after.base < part.end:
                raise Broken(f"D2: {part} and {after} were both retyped from {self}, and overlap")

    @in_ascii
    def __str__(self) -> str:
        return f"{self.kind.name} at {Address(self.base)}, {Size(self.bytes)}"


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class Mapping(CapObject):
    """`count` entries of `table` from `entry` on, which map `source` from byte `offset` on.

    Base and bytes are those of the descriptors. `rights` are those of the mapped capability.
    """

    table: CapObject
    entry: int
    count: int
    source: CapObject
    offset: int
    rights: str
    installed: bool = True
    """Whether the entries are in use: clearing them leaves the Mapping, which is deleted with its slot."""

    def check_range(self, offset: int, count: int) -> None:
        """Raise an error unless it is installed, with entries [offset, offset + count)."""
        if not self.installed:
            raise LibError("SYS_ERR_VNODE_NOT_INSTALLED")
        if offset < 0 or count < 1 or offset + count > self.count:
            why = f"{counted(count, 'entry')} from entry {offset} on: the mapping has {self.count}"
            raise LibError("SYS_ERR_VM_MAP_SIZE", why)


@dataclass(slots=True, eq=False)
class Capability:
    """A capability in its slot; its `id` is never used again."""

    ref: CapRef
    id: int
    object: CapObject
    rights: str
    source: CapRef | None

    def snapshot(self, listed: int | None = None, *, source_gone: bool = False) -> CapabilityValue:
        """Return it as a frozen value; `source_gone` says whether its source was deleted since.

        With `listed`, only this many of the oldest copies and places are included, and the others counted. O(its copies
        and mappings, or `listed` and the cleared mappings).
        """
        about = self.object
        oldest = list(islice(about.capabilities.values(), listed))
        copies = [one for one in oldest if one is not self]
        places = list(islice((one for one in about.mappings.values() if one.installed), listed))
        return CapabilityValue(
            self.ref,
            self.id,
            about.kind.name,
            about.base,
            about.bytes,
            self.rights,
            self.source,
            tuple(one.ref for one in copies),
            about.number,
            tuple((next(iter(one.table.capabilities)), one.entry, one.count) for one in places),
            len(about.capabilities) - len(copies) - 1,
            len(about.mappings) - about.cleared - len(places),
            source_gone=source_gone,
        )


# ---- mapping database --------------------------------------------------------------------------


class MappingDatabase:
    """All objects with capabilities. Adding and removing are O(1), plus the objects retyped from a removed one."""

    __slots__ = ("_numbers", "objects")

    def __init__(self) -> None:
        self.objects: dict[int, CapObject] = {}
        self._numbers = 0

    def next_number(self) -> int:
        """Return a number for an object or a capability."""
        self._numbers += 1
        return self._numbers

    def add(self, made: CapObject) -> None:
        """Add an object, also to the object from which it was retyped, and to its memory."""
        self.objects[made.number] = made
        if made.parent is not None:
            made.parent.children[made.number] = made
        if made.ram is not None:
            made.ram.objects += 1
        if isinstance(made, Mapping):
            made.source.mappings[made.number] = made
            made.table.inside[made.entry] = made

    def remove(self, gone: CapObject) -> RamRegion | None:
        """Remove an object that no longer has a capability.

        Returns the memory to free, if it was the last object there. Objects retyped from it count as retyped from its
        own source from now on.
        """
        assert not gone.capabilities, "objects go with their last capability"
        del self.objects[gone.number]
        if gone.parent is not None:
            del gone.parent.children[gone.number]
            gone.parent.children.update(gone.children)
        for child in gone.children.values():
            child.parent = gone.parent
        if isinstance(gone, Mapping):
            self.uninstall(gone)
            del gone.source.mappings[gone.number]
            gone.source.cleared -= 1
        if gone.ram is None:
            return None
        gone.ram.objects -= 1
        return None if gone.ram.objects else gone.ram

    def uninstall(self, mapping: Mapping) -> None:
        """Note that the entries of a mapping are clear."""
        if mapping.installed:
            mapping.installed = False
            mapping.source.cleared += 1
            del mapping.table.inside[mapping.entry]

    def check(self) -> None:
        """Raise `Broken` unless the numbered invariants hold.

        D1. every object has a capability.  D2. a retyped object is inside its source, and overlaps no other object
        retyped from it. D3. a region of RAM has as many objects as it counts, all inside, and no two regions overlap.
        D4. a mapping's source has it in its records, an installed one's table too, and both exist. D5. a source counts
        its cleared mappings.
        """
        counts: dict[int, int] = {}
        regions: dict[int, RamRegion] = {}
        for one in self.objects.values():
            if not one.capabilities:
                raise Broken(f"D1: no capability refers to {one}")
            one.check_parts()
            if one.cleared != sum(not mapping.installed for mapping in one.mappings.values()):
                raise Broken(f"D5: {one.cleared} mappings of {one} are said to be cleared")
            if one.ram is not None:
                regions[id(one.ram)] = one.ram
                counts[id(one.ram)] = counts.get(id(one.ram), 0) + 1
                if not one.ram.base <= one.base <= one.end <= one.ram.base + one.ram.bytes:
                    raise Broken(f"D3: {one} lies outside the memory that it was made of")
            if isinstance(one, Mapping) and not self._is_known(one):
                raise Broken(f"D4: the mapping in entry {one.entry} of {one.table} is not known to both its ends")
        for number, region in regions.items():
            if counts[number] != region.objects:
                raise Broken(f"D3: {region.objects} objects are said to lie in the RAM at {Address(region.base)}")
        for region, after in pairwise(sorted(regions.values(), key=lambda one: one.base)):
            if after.base < region.base + region.bytes:
                raise Broken(f"D3: memory at {Address(after.base)} was allocated twice")

    def _is_known(self, mapping: Mapping) -> bool:
        source, table = mapping.source, mapping.table
        if source.number not in self.objects or source.mappings.get(mapping.number) is not mapping:
            return False
        return not mapping.installed or (table.number in self.objects and table.inside.get(mapping.entry) is mapping)


# ---- cnodes, slots and cspaces -----------------------------------------------------------------


ROOT_CNODE, PAGE_CNODE, SLOT_CNODE, FRAME_CNODE = "rootcn", "pagecn", "slots", "frames"
"""A program's first cnodes: the root cnode, and those of the root table, of the slot allocator, and of given frames."""
ROOT_TABLE = CapRef(PAGE_CNODE, 0)
"""The place of the root table's capability."""

# ---- slots in use ------------------------------------------------------------------------------


class SlotsByKind:
    """The slots in use, in order, by the kind of their capabilities.

    Counting a range and finding the next slot in use are O(kinds × log slots). Adding and removing a slot moves the
    numbers after it in a list, which takes less time than a call up to 100,000 slots.

    >>> slots = SlotsByKind()
    >>> for slot, kind in {70: "Frame", 3: "RAM", 71: "Frame"}.items():
    ...     slots.add(slot, kind)
    >>> slots.between(0, 71), slots.next(4), slots.last(71), list(slots.in_order())
    ({'Frame': 1, 'RAM': 1}, 70, 70, [3, 70, 71])
    """

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[str, list[int]] = {}

    def add(self, slot: int, kind: str) -> None:
        """Note that a slot is in use now."""
        insort(self._slots.setdefault(kind, []), slot)

    def remove(self, slot: int, kind: str) -> None:
        """Note that a slot is empty now, which contained this kind."""
        slots = self._slots[kind]
        del slots[bisect_left(slots, slot)]

    def between(self, first: int, end: int) -> dict[str, int]:
        """Return the number of each kind in [first, end)."""
        counts = {kind: bisect_left(slots, end) - bisect_left(slots, first) for kind, slots in self._slots.items()}
        return {kind: count for kind, count in counts.items() if count}

    def next(self, slot: int) -> int | None:
        """Return the first slot in use from `slot` on."""
        found = ((slots, bisect_left(slots, slot)) for slots in self._slots.values())
        return min((slots[at] for slots, at in found if at < len(slots)), default=None)

    def last(self, end: int) -> int | None:
        """Return the last slot in use below `end`."""
        found = ((slots, bisect_left(slots, end)) for slots in self._slots.values())
        return max((slots[at - 1] for slots, at in found if at), default=None)

    def in_order(self) -> Iterator[int]:
        """The slots in use."""
        return merge(*self._slots.values())

    def check(self, kinds: dict[int, str], name: str) -> None:
        """Raise `Broken` unless exactly these slots are in use, with these kinds."""
        noted = [(slot, kind) for kind, slots in self._slots.items() for slot in slots]
        in_order = all(slots == sorted(slots) for slots in self._slots.values())
        if not in_order or sorted(noted) != sorted(kinds.items()):
            raise Broken(f"C4: the counts of the slots of {name} differ from what is in them")


# ---- slot allocator ----------------------------------------------------------------------------

USED_SLOT = "allocated"
"""The only kind of slot that an allocator counts."""


class SlotAllocator:
    """Allocates slots [first, first + count) of a program's `cnode`, the lowest free one first.

    O(log count). Other parts of the program allocate slots too: :meth:`allocate_for_others`, :meth:`free_for_others`.

    >>> slots = SlotAllocator(Recorder(), "demo", Cspace().add("slots", 2), 0, 2)
    >>> slots.allocate().slot, slots.allocate().slot, slots.free_slots
    (0, 1, 0)
    """

    __slots__ = (
        "_domain",
        "_held",
        "_next",
        "_others",
        "_recorder",
        "_returned",
        "cnode",
        "count",
        "counts",
        "first",
        "used",
    )

    def __init__(self, recorder: Recorder, domain: str, cnode: Cnode, first: int, count: int) -> None:
        if first < 0 or count < 0:
            raise Refused(f"slots from {first} on, {count} of them: neither number is below 0")
        self._recorder, self._domain = recorder, domain
        self.cnode, self.first, self.count = cnode.name, first, count
        self._held = cnode.capabilities
        self.used: set[int] = set()
        """The slots that any part of the program has allocated."""
        self.counts = SlotsByKind()
        """The allocated slots, in order."""
        self._next = first
        """Slots from here on were never allocated: free ones below are in `_returned`, a heap."""
        self._returned: list[int] = []
        self._others: dict[int, None] = {}

    @property
    def free_slots(self) -> int:
        """Return how many slots are left."""
        return self.count - len(self.used)

    @property
    def others(self) -> tuple[int, ...]:
        """The slots that other parts of the program allocated, oldest first."""
        return tuple(self._others)

    def allocate(self) -> CapRef:
        """Allocate the lowest free slot; raises LIB_ERR_SLOT_ALLOC, LIB_ERR_SLOT_ALLOC_NO_SPACE without one."""
        if not self.free_slots:
            self._recorder.report(SlotAllocated.tag, self._domain, None)
            why = f"all {self.count:,} slots of cnode {self.cnode!r} are in use"
            raise chain("LIB_ERR_SLOT_ALLOC", "LIB_ERR_SLOT_ALLOC_NO_SPACE", detail=why)
        if self._returned:
            slot = heappop(self._returned)
        else:
            slot = self._next
            self._next += 1
        self.used.add(slot)
        self.counts.add(slot, USED_SLOT)
        ref = CapRef(self.cnode, slot)
        self._recorder.report(SlotAllocated.tag, self._domain, ref)
        return ref

    def free(self, ref: CapRef) -> None:
        """Free an empty slot; raises LIB_ERR_SLOT_FREE if the pmap did not allocate it, or it holds a capability."""
        if ref.cnode == self.cnode and ref.slot in self._held:
            raise LibError("LIB_ERR_SLOT_FREE", f"{ref} holds a capability still: delete that first")
        if ref.cnode != self.cnode or ref.slot not in self.used or ref.slot in self._others:
            raise LibError("LIB_ERR_SLOT_FREE", f"{ref} is not a slot that the pmap allocated")
        self._put_back(ref.slot)

    def allocate_for_others(self, count: int) -> tuple[int, ...]:
        """Allocate the `count` lowest free slots for another part of the program; it is refused if there are fewer."""
        if not 0 <= count <= self.free_slots:
            raise Refused(f"count={count}: cnode {self.cnode!r} has {counted(self.free_slots, 'free slot')}")
        slots = tuple(self.allocate().slot for _ in range(count))
        self._others.update(dict.fromkeys(slots))
        return slots

    def free_for_others(self, count: int) -> tuple[int, ...]:
        """Free the last `count` slots that other parts of the program allocated."""
        if not 0 <= count <= len(self._others):
            raise Refused(
                f"count={count}: other parts of the program have {counted(len(self._others), 'slot')} of {self.cnode!r}"
            )
        slots = tuple(self._others.popitem()[0] for _ in range(count))
        for slot in slots:
            self._put_back(slot)
        return slots

    def _put_back(self, slot: int) -> None:
        self.used.discard(slot)
        self.counts.remove(slot, USED_SLOT)
        heappush(self._returned, slot)
        self._recorder.report(SlotFreed.tag, self._domain, CapRef(self.cnode, slot))

    def check(self) -> None:
        """Raise `Broken` unless the slots add up.

        A1. each slot is either in use or free. A2. slots of other parts of the program are in use.
        """
        free = set(self._returned) | set(range(self._next, self.first + self.count))
        twice = len(self._returned) - len(set(self._returned))
        if twice or free & self.used or len(free) + len(self.used) != self.count:
            counts = f"{len(free)} free and {len(self.used)} used slots of {self.count}"
            raise Broken(f"A1: {counts} in {self.cnode}, {twice} freed twice")
        lost = set(self._others) - self.used
        if lost:
            raise Broken(f"A2: other parts of the program hold slots of {self.cnode} that are free: {lost}")
        self.counts.check(dict.fromkeys(self.used, USED_SLOT), self.cnode)


# ---- cspace ------------------------------------------------------------------------------------


class Cnode:
    """A cnode: a table of `slots` slots; `own` says whether it is in the program's own cspace.

    `cnodes` are all cnodes of its cspace by name, itself among them.
    """

    __slots__ = ("_cnodes", "capabilities", "counts", "name", "own", "slots")

    def __init__(self, name: str, slots: int, cnodes: dict[str, Cnode], *, own: bool = True) -> None:
        self.name = name
        self.slots = slots
        self.own = own
        self._cnodes = cnodes
        self.capabilities: dict[int, Capability] = {}
        self.counts = SlotsByKind()
        """The slots in use, by kind."""

    def window(
        self,
        allocator: SlotAllocator | None,
        listed: int | None = None,
        first: int | None = None,
        focus: Iterable[int] = (),
    ) -> CnodeValue:
        """Return the `first` slots in use and those in `focus` as a frozen value, the others as counts.

        None: all of them. `allocator` is this cnode's allocator, if there is one. `listed` is as for
        :meth:`.Capability.snapshot`.  A fold has at least two slots. O(shown slots × log slots).
        """
        allocated: set[int] = set() if allocator is None else allocator.used
        folds: tuple[SlotFold, ...] = ()
        if first is None:
            shown = sorted({*self.capabilities, *allocated})
        else:
            counts = self.counts if allocator is None else allocator.counts
            wanted = {*islice(counts.in_order(), first), *(slot for slot in focus if 0 <= slot < self.slots)}
            found = list(self._folds(counts, allocator is not None, sorted(wanted)))
            shown = sorted({*wanted, *(fold.first for fold in found if fold.first == fold.last)})
            folds = tuple(fold for fold in found if fold.first < fold.last)
        held = tuple(self.value(self.capabilities[at], listed) for at in shown if at in self.capabilities)
        reserved = tuple(at for at in shown if at in allocated and at not in self.capabilities)
        return CnodeValue(self.name, self.slots, held, reserved, folds)

    def value(self, capability: Capability, listed: int | None = None) -> CapabilityValue:
        """Return a capability of this cnode as a frozen value, as :meth:`.Capability.snapshot` does."""
        source = capability.source
        if source is None:
            return capability.snapshot(listed)
        now = self._cnodes[source.cnode].capabilities.get(source.slot)
        # IDs only grow, so what was put into the source's slot later has a higher one
        return capability.snapshot(listed, source_gone=now is None or now.id > capability.id)

    def only(self, allocator: SlotAllocator | None, listed: int, slots: set[int]) -> CnodeValue:
        """Return the contents of these slots as a frozen value, the others as counts."""
        are_all = self.capabilities.keys() <= slots and (allocator is None or allocator.used <= slots)
        return self.window(allocator, listed, *(() if are_all else (0, slots)))

    def _folds(self, counts: SlotsByKind, are_allocated: bool, shown: list[int]) -> Iterator[SlotFold]:
        for before, after in pairwise([-1, *shown, self.slots]):
            first = counts.next(before + 1) if before + 1 < after else None
            if first is None or first >= after:
                continue
            last = counts.last(after)
            assert last is not None
            kinds = self.counts.between(first, last + 1)
            empty = counts.between(first, last + 1)[USED_SLOT] - sum(kinds.values()) if are_allocated else 0
            yield SlotFold(first, last, tuple(sorted(kinds.items())), empty)


class Cspace:
    """The cnodes that a program can name.

    >>> cspace = Cspace()
    >>> cspace.add("slots", 16).name
    'slots'
    >>> cspace.is_empty(CapRef("slots", 3))
    True
    """

    __slots__ = ("cnodes",)

    def __init__(self) -> None:
        self.cnodes: dict[str, Cnode] = {}

    def add(self, name: str, slots: int, *, own: bool = True) -> Cnode:
        """Make a new cnode with empty slots."""
        if name in self.cnodes or slots < 1:
            raise Refused(f"cnode {name!r} of {slots} slots: a cnode has a name of its own and at least one slot")
        cnode = self.cnodes[name] = Cnode(name, slots, self.cnodes, own=own)
        return cnode

    def lookup(self, ref: CapRef, *, invoke: bool = False) -> Capability:
        """Return the capability in a slot.

        Raises SYS_ERR_CAP_NOT_FOUND if there is none, or if it can't be invoked but must be (`invoke`).
        """
        cnode = self.cnodes.get(ref.cnode)
        capability = None if cnode is None else cnode.capabilities.get(ref.slot)
        if cnode is None or capability is None:
            why = f"there is no capability in {ref}"
            if cnode is None:
                why = f"there is no cnode {ref.cnode!r}: the program has {', '.join(self.cnodes)}"
            raise LibError("SYS_ERR_CAP_NOT_FOUND", why)
        if invoke and not cnode.own:
            why = f"{ref} lies in another cspace, and only copies in the program's own can be invoked"
            raise LibError("SYS_ERR_CAP_NOT_FOUND", why)
        return capability

    def is_empty(self, ref: CapRef) -> bool:
        """Return whether a slot exists and is empty."""
        cnode = self.cnodes.get(ref.cnode)
        return cnode is not None and 0 <= ref.slot < cnode.slots and ref.slot not in cnode.capabilities

    def check_room(self, ref: CapRef) -> None:
        """Raise an error unless a new capability can be put into a slot."""
        cnode = self.cnodes.get(ref.cnode)
        if cnode is None or not 0 <= ref.slot < cnode.slots:
            raise LibError("SYS_ERR_DEST_CNODE_LOOKUP", f"there is no slot {ref}")
        if ref.slot in cnode.capabilities:
            raise LibError("SYS_ERR_SLOT_IN_USE", f"{ref} holds a capability already")

    def put(self, capability: Capability) -> None:
        """Put a capability into its slot, which is empty."""
        ref = capability.ref
        cnode = self.cnodes[ref.cnode]
        cnode.capabilities[ref.slot] = capability
        cnode.counts.add(ref.slot, capability.object.kind.name)

    def remove(self, ref: CapRef) -> None:
        """Empty a slot."""
        cnode = self.cnodes[ref.cnode]
        gone = cnode.capabilities.pop(ref.slot)
        cnode.counts.remove(ref.slot, gone.object.kind.name)
