"""Typed capabilities, as data: what each kind is about, what it may be retyped to, what a table's entries may hold.

A capability is a right on a kernel object or on memory.  Barrelfish, lib/barrelfish and kernel of 15 August 2016.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ..base.errors import Broken
from ..base.units import Address, Size
from ..base.values.domains import CapRef

RIGHTS = "rwg"
"""Read, write, grant (be copied): all rights that a capability can carry."""


_FRAMES = ("Frame", "DevFrame")


class Kind(NamedTuple):
    """A kind of capability.

    `bytes` is the size of its object, none where that is any number of pages.  Of a table (a vnode): the format and
    the level that its entries are of, the kinds that an entry may refer to, and how many of its entries are the
    program's: those above are the kernel's half.
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
        """Whether it is a vnode: a page table."""
        return self.level > 0

    @property
    def is_frame(self) -> bool:
        """Whether a leaf can map it."""
        return self.name in _FRAMES


def _x86_64(name: str, level: int, holds: tuple[str, ...], user_entries: int = 512) -> Kind:
    return Kind(f"VNode_x86_64_{name}", (), 4096, "x86-64", level, holds, 512, user_entries)


TABLES = (
    Kind("VNode_ARM_l1", (), 16384, "armv7", 2, ("VNode_ARM_l2", *_FRAMES), 4096, 2048),
    Kind("VNode_ARM_l2", (), 1024, "armv7", 1, _FRAMES, 256, 256),
    _x86_64("pml4", 4, ("VNode_x86_64_pdpt",), user_entries=256),
    _x86_64("pdpt", 3, ("VNode_x86_64_pdir", *_FRAMES)),
    _x86_64("pdir", 2, ("VNode_x86_64_ptable", *_FRAMES)),
    _x86_64("ptable", 1, _FRAMES),
)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("RAM", ("RAM", "Frame", *(table.name for table in TABLES))),
        Kind("Frame", ("Frame",)),
        Kind("DevFrame", ("DevFrame",)),
        Kind("CNode"),
        Kind("Mapping"),
        *TABLES,
    )
}
"""All kinds, by name.  Whoever holds RAM decides what becomes of it; a frame can only be cut into smaller ones.

>>> KINDS["Frame"].retypes_to, KINDS["VNode_ARM_l2"].bytes
(('Frame',), 1024)
"""


def common_rights(wanted: str, held: str) -> str:
    """The rights in both, as values show them: a letter each, "-" where it is missing.

    >>> common_rights("rw", "r-g")
    'r--'
    """
    return "".join(letter if letter in wanted and letter in held else "-" for letter in RIGHTS)


# ---- mapping database --------------------------------------------------------------------------
#
# The mapping database: which capabilities are copies of one another, and what was made from what.
#
# It is what revoking needs, and what tells a last capability: the object goes with it, and its memory goes back to
# who gave it.


@dataclass(slots=True, eq=False)
class Grant:
    """Memory that was given: [base, base + bytes).  It goes back when none of its `objects` is left."""

    base: int
    bytes: int
    purpose: str
    objects: int = 0


@dataclass(slots=True, eq=False, repr=False)
class KernelObject:
    """What capabilities are about: memory, a table, or (:class:`Mapping`) entries of a table."""

    number: int
    kind: Kind
    base: int
    bytes: int
    parent: KernelObject | None = None
    """What it was retyped from, as long as that has capabilities."""
    grant: Grant | None = None
    children: dict[int, KernelObject] = field(default_factory=dict)
    capabilities: dict[CapRef, Capability] = field(default_factory=dict)
    mappings: dict[int, Mapping] = field(default_factory=dict)
    """Its mappings, by their numbers."""
    cleared: int = 0
    """How many of them are not installed any more."""
    inside: dict[int, Mapping] = field(default_factory=dict)
    """Of a table: what is mapped in it, by the first entry."""
    va: int = 0
    """Of a table: the first address that it is for, where it was last put into another."""

    @property
    def end(self) -> int:
        """The first physical address behind it."""
        return self.base + self.bytes

    def __str__(self) -> str:
        return f"{self.kind.name} at {Address(self.base)}, {Size(self.bytes)}"


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class Mapping(KernelObject):
    """`count` entries of `table` from `entry` on, that map `source` from byte `offset` on.

    Its base and bytes are those of the descriptors.  `rights` are those of the capability it was mapped by.
    """

    table: KernelObject
    entry: int
    count: int
    source: KernelObject
    offset: int
    rights: str
    installed: bool = True
    """Whether the entries are still there: clearing them leaves the Mapping, for its slot to be given back."""


@dataclass(slots=True, eq=False)
class Capability:
    """A capability in its slot; `id` is its own, never used again."""

    ref: CapRef
    id: int
    object: KernelObject
    rights: str
    source: CapRef | None


class MappingDatabase:
    """All objects with capabilities.  Adding and removing are O(1), descendants O(descendants)."""

    __slots__ = ("_numbers", "objects")

    def __init__(self) -> None:
        self.objects: dict[int, KernelObject] = {}
        self._numbers = 0

    def next_number(self) -> int:
        """A number for an object or a capability."""
        self._numbers += 1
        return self._numbers

    def add_object(self, made: KernelObject) -> None:
        """Remember an object; what it was retyped from and the memory that it lies in learn of it."""
        self.objects[made.number] = made
        if made.parent is not None:
            made.parent.children[made.number] = made
        if made.grant is not None:
            made.grant.objects += 1
        if isinstance(made, Mapping):
            made.source.mappings[made.number] = made
            made.table.inside[made.entry] = made

    def remove_object(self, gone: KernelObject) -> Grant | None:
        """Forget an object that has no capability any more; the memory that goes back with it, if it was the last.

        What was retyped from it counts from now on as retyped from what it was retyped from.
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
        if gone.grant is None:
            return None
        gone.grant.objects -= 1
        return None if gone.grant.objects else gone.grant

    def uninstall(self, mapping: Mapping) -> None:
        """The entries of a mapping are clear."""
        if mapping.installed:
            mapping.installed = False
            mapping.source.cleared += 1
            del mapping.table.inside[mapping.entry]

    def descendants(self, of: KernelObject) -> Iterator[KernelObject]:
        """What was retyped from an object, directly or not, each before what it was made from; the youngest first."""
        for child in sorted(of.children.values(), key=lambda one: -one.number):
            yield from self.descendants(child)
            yield child

    def retyped_part(self, of: KernelObject, base: int, size: int) -> KernelObject | None:
        """Something that was retyped from an object and overlaps [base, base + size)."""
        return next((one for one in of.children.values() if one.base < base + size and base < one.end), None)

    def check(self) -> None:
        """Raise :class:`.errors.Broken` unless the numbered invariants hold.

        D1. every object has a capability.  D2. what was retyped lies inside what it was retyped from, and overlaps
        nothing else that was.  D3. memory that was given has as many objects as it says, all inside.
        D4. a mapping is known to its source, an installed one to its table too, and these exist.  D5. a source knows
        how many of its mappings are cleared.
        """
        counts: dict[int, int] = {}
        for one in self.objects.values():
            if not one.capabilities:
                raise Broken(f"D1: no capability refers to {one}")
            _check_parts(one)
            if one.cleared != sum(not mapping.installed for mapping in one.mappings.values()):
                raise Broken(f"D5: {one.cleared} mappings of {one} are said to be cleared")
            if one.grant is not None:
                counts[id(one.grant)] = counts.get(id(one.grant), 0) + 1
                if not one.grant.base <= one.base <= one.end <= one.grant.base + one.grant.bytes:
                    raise Broken(f"D3: {one} lies outside the memory that it was made of")
            if isinstance(one, Mapping) and not self._is_known(one):
                raise Broken(f"D4: the mapping in entry {one.entry} of {one.table} is not known to both its ends")
        for one in self.objects.values():
            if one.grant is not None and counts[id(one.grant)] != one.grant.objects:
                raise Broken(f"D3: {one.grant.objects} objects are said to lie in the memory of {one}")

    def _is_known(self, mapping: Mapping) -> bool:
        source, table = mapping.source, mapping.table
        if source.number not in self.objects or source.mappings.get(mapping.number) is not mapping:
            return False
        return not mapping.installed or (table.number in self.objects and table.inside.get(mapping.entry) is mapping)


def _check_parts(of: KernelObject) -> None:
    parts = sorted(of.children.values(), key=lambda one: one.base)
    for at, part in enumerate(parts):
        after = parts[at + 1] if at + 1 < len(parts) else None
        if not of.base <= part.base <= part.end <= of.end:
            raise Broken(f"D2: {part} lies outside {of}, which it was retyped from")
        if after is not None and after.base < part.end:
            raise Broken(f"D2: {part} and {after} were both retyped from {of}, and overlap")


MAPPING = KINDS["Mapping"]
