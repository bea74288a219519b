"""Checks that a domain's records agree with one another: invariants across several structures.

For a pmap, these are tree, slab, slots and tables in RAM; for the whole domain, slots, capabilities and tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ..base.errors import Broken
from ..base.units import Address
from ..memory.ram import Ram
from ..mmu.format import TableFormat
from .capabilities import CapObject, Mapping, MappingDatabase
from .cspace import Cspace, SlotAllocator
from .domain_schema import CapRef
from .errors import BARRELFISH_QUIRKS
from .pmap import DomainPmap
from .shadow_tree import Vnode
from .window import WordAt

# ---- the pmap ----------------------------------------------------------------------------------


def check_pmap(pmap: DomainPmap, word_at: WordAt | None = None) -> None:
    """Check the invariants of a pmap without quirks, by number; O(vnodes), and O(entries of the tables) for 6.

    1 a child is in the list of its table, inside it, and alone in its entries; 2 each vnode except the root has a
    Mapping, and each block a vnode; 3 no slot is used twice; 4 the slab is sound; 5 the vspace is sound; 6 an entry in
    RAM is zero exactly if the tree has nothing there (with `word_at`); 7 enough blocks are left to map a page; 8
    everything below a table is counted correctly, and each vnode is found by its ID. With quirks, only 4 and 5 are
    checked: the others would find the bugs that were switched on.
    """
    pmap.slab.check()
    pmap.vspace.check()
    if pmap.quirks & set(BARRELFISH_QUIRKS):
        return
    nodes = [pmap.tree.root, *_below(pmap.tree.root)]
    for node in nodes:
        if node.is_table:
            _check_table(pmap, node)
            if word_at is not None:
                _check_words(pmap, node, word_at)
    _check_records(pmap, nodes)
    if pmap.tree.by_id != {node.id: node for node in nodes}:
        raise Broken(f"pmap invariant 8: the index of the vnodes of {pmap.name} differs from the tree")
    if pmap.slab.free_blocks < len(pmap.layout.fmt.levels):
        free = pmap.slab.free_blocks
        raise Broken(f"pmap invariant 7: {free} blocks of {pmap.name} are free, too few to map a page")


def _below(table: Vnode) -> Iterator[Vnode]:
    for node in table.children.values():
        yield node
        yield from _below(node)


def _check_table(pmap: DomainPmap, table: Vnode) -> None:
    level = table.holds
    assert level is not None
    covered: dict[int, Vnode] = {}
    for number, node in table.children.items():
        entries = range(node.entry, node.entry + node.count)
        what = f"pmap invariant 1: vnode {node.id} of {pmap.name}"
        if node.id != number or node.parent is not table or node.level is not level:
            raise Broken(f"{what} is listed by vnode {table.id}, not its parent")
        inside = entries and entries.start >= 0 and entries.stop <= level.entries
        if not inside or (node.is_table and node.count != 1):
            raise Broken(f"{what} is not inside the table of vnode {table.id}")
        clash = next((at for at in entries if at in covered), None)
        if clash is not None:
            raise Broken(f"{what} shares entry {clash} with vnode {covered[clash].id}")
        covered.update(dict.fromkeys(entries, node))
    if covered != table.by_entry:
        raise Broken(f"pmap invariant 1: the index of vnode {table.id} of {pmap.name} differs from its list")
    counts = [(0, 0, 0), *(node.counts() for node in table.children.values())]
    sums = tuple(sum(part) for part in zip(*counts, strict=True))
    if sums != (table.tables_below, table.leaves_below, table.bytes_below):
        raise Broken(f"pmap invariant 8: what is below vnode {table.id} of {pmap.name} is not what it counts")


def _check_records(pmap: DomainPmap, nodes: list[Vnode]) -> None:
    _, *mapped = nodes
    unmapped = [node.id for node in mapped if node.mapping is None]
    if unmapped:
        raise Broken(f"pmap invariant 2: vnodes {unmapped} of {pmap.name} have no Mapping")
    if sorted(node.block for node in mapped) != sorted(pmap.slab.allocated()):
        raise Broken(f"pmap invariant 2: the blocks in use are not those of the vnodes of {pmap.name}")
    slots: Counter[CapRef] = Counter(node.mapping for node in mapped if node.mapping is not None)
    slots.update(node.cap for node in nodes if node.is_table)
    twice = [str(ref) for ref, uses in slots.items() if uses > 1]
    if twice:
        raise Broken(f"pmap invariant 3: {', '.join(twice)} of {pmap.name} are used twice")


def _check_words(pmap: DomainPmap, table: Vnode, word_at: WordAt) -> None:
    assert table.holds is not None
    width = pmap.layout.fmt.entry_width
    user = pmap.layout.user_end >> table.holds.shift if table.parent is None else table.holds.entries
    for entry in range(min(user, table.holds.entries)):
        place = table.base + entry * width
        if bool(word_at(place, width)) != (entry in table.by_entry):
            node = table.by_entry.get(entry)
            there = "nothing" if node is None else f"vnode {node.id}"
            where = f"entry {entry} of vnode {table.id} of {pmap.name}, at {place:#x}"
            raise Broken(f"pmap invariant 6: {where}: the tree has {there}, and RAM the opposite")


# ---- capabilities ------------------------------------------------------------------------------


def check_slots(cspace: Cspace, database: MappingDatabase, slots: SlotAllocator, *, leaks: bool) -> None:
    """Raise `Broken` unless slots and objects agree.

    C1. a capability is in the slot that it names, and known to its object.  C2. the allocated slots are those in use,
    and those of other parts of the program (not with quirks that leak). C4. slots are counted correctly.
    """
    slots.check()
    for cnode in cspace.cnodes.values():
        cnode.counts.check({at: one.object.kind.name for at, one in cnode.capabilities.items()}, cnode.name)
    held = {one.ref: one for cnode in cspace.cnodes.values() for one in cnode.capabilities.values()}
    known = {ref: one for about in database.objects.values() for ref, one in about.capabilities.items()}
    if held != known or any(cspace.lookup(ref) is not one for ref, one in held.items()):
        raise Broken(f"C1: {len(held)} capabilities are in slots, and {len(known)} in the mapping database")
    used = {ref.slot for ref in held if ref.cnode == slots.cnode} | set(slots.others)
    if not leaks and used != slots.used:
        lost = ", ".join(f"{slots.cnode}[{at}]" for at in sorted(used ^ slots.used))
        raise Broken(f"C2: {lost}: allocated and empty, or free and not empty")


def check_descriptors(database: MappingDatabase, ram: Ram, fmt: TableFormat[Any]) -> None:
    """Raise `Broken` unless each table agrees with its mappings, in the program's part of it.

    C3. an entry is in use exactly if a mapping covers it, and refers to the mapped object.
    """
    for table in database.objects.values():
        if table.kind.is_table:
            _check_descriptors_of(table, ram, fmt)


def _check_descriptors_of(table: CapObject, ram: Ram, fmt: TableFormat[Any]) -> None:
    level, width = fmt.level(table.kind.level), fmt.entry_width
    wanted = {at: address for mapping in table.inside.values() for at, address in _targets(mapping, level.span)}
    for entry in range(table.kind.user_entries):
        word = ram.read_word(table.base + entry * width, width)
        found = level.read_as(word).address_of(word) if word else None
        if found != wanted.get(entry):
            right = "nothing is mapped there" if entry not in wanted else f"{Address(wanted[entry])} is mapped there"
            raise Broken(f"C3: entry {entry} of the {table} holds {word:#x}, and {right}")


def _targets(mapping: Mapping, span: int) -> Iterable[tuple[int, int]]:
    """Return entry and physical address for everything that a mapping covers."""
    first = mapping.source.base + mapping.offset
    return ((mapping.entry + at, first + at * span) for at in range(mapping.count))
