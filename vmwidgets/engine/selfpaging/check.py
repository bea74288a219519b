"""What must hold of a pmap at any time: tree, slab, slots and tables agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..base.domain_values import CapRef
from ..base.errors import Broken
from .core import PmapCore
from .quirks import BARRELFISH_QUIRKS
from .snapshot import WordAt
from .vnode import Vnode


def check(core: PmapCore, word_at: WordAt | None = None) -> None:
    """Invariants of a pmap without quirks, each with its number; O(vnodes, and entries of the tables for 6).

    1 a child stands in the table that lists it, inside it, and alone in its entries; 2 each vnode but the root has a
    Mapping, each block a vnode; 3 no slot is used twice; 4 the slab is whole; 5 the vspace is whole; 6 an entry in RAM
    is zero exactly where the tree has nothing (with `word_at`); 7 enough blocks are left to map a page; 8 what is below
    a table is counted right, and each vnode found by its id.

    With quirks only 4 and 5: the bugs that they bring back are what the rest would find.
    """
    core.slab.check()
    core.vspace.check()
    if core.quirks & set(BARRELFISH_QUIRKS):
        return
    nodes = list(_below(core.root))
    for table in (core.root, *(node for node in nodes if node.is_table)):
        _check_table(core, table)
    _check_records(core, nodes)
    _check_counts(core, nodes)
    if word_at is not None:
        for table in (core.root, *(node for node in nodes if node.is_table)):
            _check_words(core, table, word_at)
    if core.slab.free < len(core.layout.levels):
        raise Broken(f"pmap invariant 7: {core.slab.free} blocks of {core.name} are free, too few to map a page")


def _below(table: Vnode) -> Iterator[Vnode]:
    for node in table.children.values():
        yield node
        yield from _below(node)


def _check_table(core: PmapCore, table: Vnode) -> None:
    level = table.holds
    assert level is not None
    covered: dict[int, Vnode] = {}
    for number, node in table.children.items():
        entries = range(node.entry, node.entry + node.count)
        what = f"pmap invariant 1: vnode {node.id} of {core.name}"
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
        raise Broken(f"pmap invariant 1: the index of vnode {table.id} of {core.name} differs from its list")


def _check_records(core: PmapCore, nodes: list[Vnode]) -> None:
    unmapped = [node.id for node in nodes if node.mapping is None]
    if unmapped:
        raise Broken(f"pmap invariant 2: vnodes {unmapped} of {core.name} have no Mapping")
    if sorted(node.block for node in nodes) != sorted(core.slab.taken()):
        raise Broken(f"pmap invariant 2: the blocks in use are not those of the vnodes of {core.name}")
    slots: Counter[CapRef] = Counter(node.mapping for node in nodes if node.mapping is not None)
    slots.update(node.cap for node in (core.root, *nodes) if node.is_table)
    twice = [str(ref) for ref, uses in slots.items() if uses > 1]
    if twice:
        raise Broken(f"pmap invariant 3: {', '.join(twice)} of {core.name} are used twice")


def _check_counts(core: PmapCore, nodes: list[Vnode]) -> None:
    for table in (core.root, *(node for node in nodes if node.is_table)):
        counts = [(0, 0, 0), *(node.counts() for node in table.children.values())]
        sums = tuple(sum(part) for part in zip(*counts, strict=True))
        if sums != (table.tables_below, table.leaves_below, table.bytes_below):
            raise Broken(f"pmap invariant 8: what is below vnode {table.id} of {core.name} is not what it counts")
    if core.by_id != {node.id: node for node in (core.root, *nodes)}:
        raise Broken(f"pmap invariant 8: the index of the vnodes of {core.name} differs from the tree")


def _check_words(core: PmapCore, table: Vnode, word_at: WordAt) -> None:
    assert table.holds is not None
    width = core.layout.entry_bytes
    user = core.layout.user_end >> table.holds.shift if table is core.root else table.holds.entries
    for entry in range(min(user, table.holds.entries)):
        place = table.base + entry * width
        if bool(word_at(place, width)) != (entry in table.by_entry):
            node = table.by_entry.get(entry)
            there = "nothing" if node is None else f"vnode {node.id}"
            where = f"entry {entry} of vnode {table.id} of {core.name}, at {place:#x}"
            raise Broken(f"pmap invariant 6: {where}: the tree has {there}, and RAM the opposite")
