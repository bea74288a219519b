"""The mapping database: which capabilities are copies of one another, and what was made from what.

It is what revoking needs, and what tells a last capability: the object goes with it, and its memory goes
back to who gave it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..base.domain_values import CapRef
from ..base.errors import Broken
from ..base.units import Address, Size
from .capability import KINDS, Kind


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
