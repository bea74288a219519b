"""Whether a domain's capabilities add up: slots, memory, and what its tables hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..base.errors import Broken
from ..base.units import Address
from ..memory.ram import Ram
from ..mmu.format import TableFormat
from .cspace import Cspace
from .mapping_database import Grant, KernelObject, Mapping, MappingDatabase
from .slot_allocator import SlotAllocator


def check_slots(cspace: Cspace, database: MappingDatabase, slots: SlotAllocator, *, leaks: bool) -> None:
    """Raise :class:`.errors.Broken` unless slots and objects agree.

    C1. a capability is in the slot that it names, and known to its object.  C2. the slots that the allocator gave
    are those that hold something, and those that somebody else took (not with quirks that leak).  C5. slots are
    counted right.
    """
    slots.check()
    for cnode in cspace.cnodes.values():
        cnode.counts.check({at: one.object.kind.name for at, one in cnode.capabilities.items()}, cnode.name)
    held = {one.ref: one for cnode in cspace.cnodes.values() for one in cnode.capabilities.values()}
    known = {ref: one for about in database.objects.values() for ref, one in about.capabilities.items()}
    if held != known or any(cspace.lookup(ref) is not one for ref, one in held.items()):
        raise Broken(f"C1: {len(held)} capabilities are in slots, and {len(known)} in the mapping database")
    used = {ref.slot for ref in held if ref.cnode == slots.cnode} | set(slots.taken)
    if not leaks and used != slots.used:
        lost = ", ".join(f"{slots.cnode}[{at}]" for at in sorted(used ^ slots.used))
        raise Broken(f"C2: {lost}: given and empty, or free and not empty")


def check_memory(database: MappingDatabase) -> None:
    """Raise unless all that was given lies apart: C3. no byte was given twice."""
    grants = {id(one.grant): one.grant for one in database.objects.values() if one.grant is not None}
    _check_apart(sorted(grants.values(), key=lambda grant: grant.base))


def check_descriptors(database: MappingDatabase, ram: Ram, fmt: TableFormat[Any]) -> None:
    """Raise unless each table holds what its mappings say, in the program's part of it.

    C4. an entry is in use where a mapping covers it, and only there, and refers to what that maps.
    """
    for table in database.objects.values():
        if table.kind.is_table:
            _check_table(table, ram, fmt)


def _check_apart(grants: Iterable[Grant]) -> None:
    before: Grant | None = None
    for grant in grants:
        if before is not None and grant.base < before.base + before.bytes:
            raise Broken(f"C3: memory at {Address(grant.base)} was given twice")
        before = grant


def _check_table(table: KernelObject, ram: Ram, fmt: TableFormat[Any]) -> None:
    level, width = fmt.level(table.kind.level), fmt.entry_width
    wanted = {at: address for mapping in table.inside.values() for at, address in _targets(mapping, level.span)}
    for entry in range(table.kind.user_entries):
        word = ram.read_word(table.base + entry * width, width)
        found = level.read_as(word).address_of(word) if word else None
        if found != wanted.get(entry):
            raise Broken(f"C4: entry {entry} of the {table} holds {word:#x}, and {_told(wanted.get(entry))}")


def _targets(mapping: Mapping, span: int) -> Iterable[tuple[int, int]]:
    """Entry and physical address for all that a mapping covers."""
    first = mapping.source.base + mapping.offset
    return ((mapping.entry + at, first + at * span) for at in range(mapping.count))


def _told(address: int | None) -> str:
    return "nothing is mapped there" if address is None else f"{Address(address)} is mapped there"
