"""The shadow tree: a program's record of its page tables, since the kernel can't be asked for their contents.

A vnode is a table, or a leaf: a run of entries of one frame in one table. The tree tells what is mapped at an address
or in a range; :mod:`.pmap` changes it together with the tables.  Barrelfish, lib/barrelfish/arch/arm.

As a frozen value, the tree has the actual descriptors in RAM: all of it, or a window. A window shows the subject of a
picture, and counts the rest. It reads only the tables that it opens, and nothing below a fold, since tables store
counts. So a hundred thousand mappings cost no more than a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..base.recorder import Recorder
from ..base.units import Address
from ..mmu.levels import Level
from .calls_schema import VnodeLinked, VnodeMapped, VnodeUnlinked
from .domain_schema import CapRef, DomainFocus, VnodeFold, VnodeValue
from .errors import LibError, chain
from .flags import FlagRun
from .layouts import PagingLayout, pieces

ROOT_ID = 0


@dataclass(slots=True, eq=False, repr=False)
class Vnode:
    """A table, or a leaf: a run of `count` entries of one frame in one table.

    `level` is the level of the table that contains it (None: it is the root), `holds` its own level as a table (None:
    it is a leaf). `base` is the physical address of the table, or of the leaf's first page.
    """

    id: int
    parent: Vnode | None
    entry: int
    count: int
    cap: CapRef
    base: int
    kind: str = "leaf"
    """The type of the table's capability, or "leaf"."""
    holds: Level | None = None
    flags: int = 0
    """A leaf's flags, with which it was mapped."""
    offset: int = 0
    block: int = 0
    level: Level | None = field(init=False)
    invokable: CapRef = field(init=False)
    """The capability that the program invokes: a copy of `cap`, if that is in another program's cspace."""
    mapping: CapRef | None = None
    modified: tuple[FlagRun, ...] = ()
    """Entries of a leaf, counted from its own first, whose flags were modified since it was mapped."""
    children: dict[int, Vnode] = field(default_factory=dict)
    """The vnodes by ID, oldest first."""
    by_entry: dict[int, Vnode] = field(default_factory=dict)
    """The children by each entry that they cover: the original walks its list instead."""
    tables_below: int = 0
    """For a table: the numbers of tables and leaves below it, and of bytes that the leaves map."""
    leaves_below: int = 0
    bytes_below: int = 0

    def __post_init__(self) -> None:
        self.level = None if self.parent is None else self.parent.holds
        self.invokable = self.cap

    @property
    def is_table(self) -> bool:
        """Return whether it is a table."""
        return self.holds is not None

    @property
    def va(self) -> int:
        """The first address that it covers."""
        if self.parent is None or self.level is None:
            return 0
        return self.parent.va + (self.entry << self.level.shift)

    @property
    def end(self) -> int:
        """The first address after it."""
        if self.holds is not None:
            return self.va + self.holds.table_span
        assert self.level is not None
        return self.va + (self.count << self.level.shift)

    def newest_first(self) -> Iterator[Vnode]:
        """The children, in the order of the original's list."""
        return reversed(self.children.values())

    def leaves(self) -> Iterator[Vnode]:
        """All leaves below, newest first in each table."""
        for child in self.newest_first():
            if child.is_table:
                yield from child.leaves()
            else:
                yield child

    def link(self, child: Vnode, position: int = 0) -> None:
        """Add a child, `position` steps after the first."""
        self.children[child.id] = child
        if position:
            order = list(self.children.values())
            order.insert(len(order) - 1 - position, order.pop())
            self.children = {node.id: node for node in order}
        for entry in range(child.entry, child.entry + child.count):
            self.by_entry[entry] = child
        self._count(child, 1)

    def unlink(self, child: Vnode) -> None:
        """Remove a child."""
        del self.children[child.id]
        for entry in range(child.entry, child.entry + child.count):
            if self.by_entry.get(entry) is child:
                del self.by_entry[entry]
        self._count(child, -1)

    def counts(self) -> tuple[int, int, int]:
        """Return the number of tables, leaves and mapped bytes, of itself and all below."""
        if self.is_table:
            return self.tables_below + 1, self.leaves_below, self.bytes_below
        assert self.level is not None
        return 0, 1, self.count << self.level.shift

    def _count(self, child: Vnode, change: int) -> None:
        tables, leaves, size = child.counts()
        above: Vnode | None = self
        while above is not None:
            above.tables_below += change * tables
            above.leaves_below += change * leaves
            above.bytes_below += change * size
            above = above.parent

    def position_of(self, child: Vnode) -> int:
        """Return how many steps after the first child `child` is; O(newer children)."""
        return next(steps for steps, node in enumerate(self.newest_first()) if node is child)

    def children_in(self, entry: int, count: int) -> list[Vnode]:
        """Return the children in entries [entry, entry + count), newest first.

        O(the smaller of children and entries).
        """
        end = entry + count
        if len(self.children) <= count:
            return [node for node in self.newest_first() if node.entry < end and entry < node.entry + node.count]
        found = {node.id: node for at in range(entry, end) if (node := self.by_entry.get(at)) is not None}
        return [found[number] for number in sorted(found, reverse=True)]

    def maps_any(self, entry: int, count: int, *, first_decides: bool = False) -> bool:
        """Return whether something is mapped in entries [entry, entry + count): a leaf, or a nonempty table.

        It is `has_vnode` for pages only. `first_decides`: as in the original, only the newest child in the range
        counts.
        """
        for node in self.children_in(entry, count):
            populated = not node.is_table or bool(node.children)
            if populated or first_decides:
                return populated
        return False

    def any_leaf(self, va: int, end: int) -> bool:
        """Return whether a leaf below this table touches [va, end); O(tables there)."""
        level, start = self.holds, self.va
        assert level is not None
        first = max(va - start, 0) >> level.shift
        last = min(end - 1 - start, level.table_span - 1) >> level.shift
        there = self.children_in(first, last - first + 1) if first <= last else []
        return any(not node.is_table or node.any_leaf(va, end) for node in there)

    def covers(self, entry: int, count: int) -> bool:
        """Return whether this leaf has all entries [entry, entry + count) of its table (`inside_region`)."""
        return not self.is_table and self.entry <= entry and entry + count <= self.entry + self.count

    def mapping_slot(self) -> CapRef:
        """Return the slot of its Mapping; raises SYS_ERR_CAP_NOT_FOUND for a leaf that a quirk left without one."""
        if self.mapping is None:
            raise LibError("SYS_ERR_CAP_NOT_FOUND", f"the leaf at {Address(self.va)} never got a Mapping")
        return self.mapping


class ShadowTree:
    """The vnodes of one pmap, by place and by ID; it reports each change."""

    def __init__(self, recorder: Recorder, domain: str, layout: PagingLayout, root: CapRef, root_base: int) -> None:
        self._recorder = recorder
        self._domain = domain
        self.layout = layout
        self.root = Vnode(ROOT_ID, None, 0, 1, root, root_base, kind=layout.table(layout.root).name, holds=layout.root)
        self.by_id = {ROOT_ID: self.root}
        """All vnodes."""
        self._last_id = ROOT_ID

    # ---- changing ----------------------------------------------------------------------------

    def new_id(self) -> int:
        """Return the ID of a new vnode; no ID is used twice."""
        self._last_id += 1
        return self._last_id

    def link(self, node: Vnode, position: int = 0) -> None:
        """Insert a vnode into its parent's list."""
        assert node.parent is not None
        node.parent.link(node, position)
        self.by_id[node.id] = node
        self._recorder.report(VnodeLinked.tag, self._domain, node.id, node.parent.id, *_place(node))

    def unlink(self, node: Vnode) -> None:
        """Remove a vnode from its parent's list."""
        assert node.parent is not None
        node.parent.unlink(node)
        del self.by_id[node.id]
        self._recorder.report(VnodeUnlinked.tag, self._domain, node.id, node.parent.id, *_place(node))

    def set_mapping(self, node: Vnode, mapping: CapRef | None) -> None:
        """Note that the Mapping capability of a vnode is in this slot from now on."""
        node.mapping = mapping
        self._recorder.report(VnodeMapped.tag, self._domain, node.id, mapping)

    # ---- looking -----------------------------------------------------------------------------

    def vnode_at(self, va: int) -> Vnode:
        """Return the lowest vnode for `va`: a leaf, or a table without an entry for it; O(levels)."""
        node = self.root
        while node.holds is not None and 0 <= va < self.root.end:
            below = node.by_entry.get(node.holds.index(va))
            if below is None:
                break
            node = below
        return node

    def leaf_at(self, va: int) -> Vnode | None:
        """Return the leaf that covers `va`, if anything is mapped there; O(levels)."""
        node = self.vnode_at(va)
        return None if node.is_table else node

    def maps_anything(self, va: int, end: int) -> bool:
        """Return whether a leaf touches [va, end); O(tables there)."""
        return va < self.root.end and self.root.any_leaf(va, min(end, self.root.end))

    def leaves_to_unmap(self, va: int, size: int) -> list[Vnode]:
        """Return the leaves for an unmap of [va, va + size), by address; raises LIB_ERR_PMAP_FIND_VNODE otherwise.

        For small pages, the part of the range in each table must be exactly one leaf: the original looks for a leaf
        with the same number of entries. For large pages, it must be whole leaves.
        """
        found: list[Vnode] = []
        at, end = va, va + size
        while at < end:
            leaf = self.leaf_at(at)
            why = f"nothing is mapped at {Address(at)}" if leaf is None else self._mismatch(leaf, at, end)
            if leaf is None or why:
                raise chain("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE", detail=why)
            found.append(leaf)
            at = leaf.end
        return found

    def _mismatch(self, leaf: Vnode, at: int, end: int) -> str:
        """Return why the leaf at `at` can't be unmapped with a range up to `end`; "" if it can."""
        there = f"the mapping there is [{Address(leaf.va)}, {Address(leaf.end)})"
        if leaf.va != at or leaf.end > end:
            return f"{there}, and only the whole of it can go"
        span = self.layout.pages.table_span
        if leaf.level is self.layout.pages and leaf.end < min(end, (at // span + 1) * span):
            return f"{there}, and others in its table go by a call of their own"
        return ""

    def runs_to_modify(self, va: int, size: int) -> list[tuple[Vnode, int, int]]:
        """Return the leaf, its first entry and its end, for each piece of [va, va + size).

        Each piece, one for each table, must be in one leaf: otherwise, raises LIB_ERR_PMAP_FIND_VNODE or
        LIB_ERR_PMAP_EXISTING_MAPPING.
        """
        runs: list[tuple[Vnode, int, int]] = []
        at, end = va, va + size
        while at < end or not runs:
            leaf = self.leaf_at(at)
            if leaf is None:
                raise LibError("LIB_ERR_PMAP_FIND_VNODE", f"nothing is mapped at {Address(at)}")
            level = leaf.level
            assert level is not None
            if (at | end) % level.span or at >= end:
                unit = f"entries of {level.span:#x} bytes, and changes by whole ones"
                why = f"the mapping at {Address(at)} is made of {unit}"
                raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", why)
            piece = next(pieces(level, at, end - at))
            count = piece.entries
            if level is not self.layout.pages:
                count = min(count, leaf.entry + leaf.count - piece.entry)
            if not leaf.covers(piece.entry, count):
                why = f"the mapping at {Address(at)} ends at {Address(leaf.end)}, before its part of the range does"
                raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", why)
            first = piece.entry - leaf.entry
            runs.append((leaf, first, first + count))
            at += count << level.shift
        return runs


def _place(node: Vnode) -> tuple[Any, ...]:
    """Return a vnode's data in events."""
    assert node.parent is not None and node.parent.holds is not None
    return node.entry, node.count, node.count << node.parent.holds.shift, node.kind, node.cap, node.flags, node.offset


# ---- the tree as a value -----------------------------------------------------------------------


WordAt = Callable[[int, int], int]
"""A function that returns the word at a physical address; its second argument is the number of bytes."""

EVERYWHERE = DomainFocus()
"""A window without a focus."""

OPENED = 64
"""The number of children that are shown from the place at which a table was opened."""


def tree_snapshot(tree: ShadowTree, word_at: WordAt | None = None) -> VnodeValue:
    """Return all vnodes; `word_at` reads descriptors from RAM. O(vnodes)."""
    return _Window(tree, word_at).value(tree.root, 0, 0)


def tree_window(tree: ShadowTree, focus: DomainFocus, few: int, word_at: WordAt | None = None) -> VnodeValue:
    """Return the vnodes in focus with their neighbours, those in opened tables, and a `few` at the top of the tree.

    O(shown vnodes + the entries of their tables).
    """
    window = _Window(tree, word_at, focus.vnodes)
    window.look_at(focus, few)
    return window.value(tree.root, 0, 0)


def tree_of(tree: ShadowTree, vnodes: Set[int], word_at: WordAt | None = None) -> VnodeValue:
    """Return only these vnodes, by ID, if they exist, and the tables above them.

    O(shown vnodes + the entries of their tables).
    """
    shown = None if tree.by_id.keys() <= vnodes else vnodes
    return _Window(tree, word_at, shown).value(tree.root, 0, 0)


class _Window:
    """The shown vnodes: some, and the tables above them; None: all."""

    def __init__(self, tree: ShadowTree, word_at: WordAt | None, vnodes: Set[int] | None = None) -> None:
        self._tree = tree
        self._word_at = word_at
        self._all = vnodes is None
        self._shown: set[int] = {tree.root.id}
        self._open: set[int] = set()
        self._ordered: dict[int, list[Vnode]] = {}
        self._show(tree.by_id.get(number) for number in vnodes or ())

    def look_at(self, focus: DomainFocus, few: int) -> None:
        """Show the neighbours of places in focus, the contents of opened tables, and the first `few`."""
        tree = self._tree
        for number, entry in sorted(focus.entries):
            self._show_beside(tree.by_id.get(number), entry)
        for number, entry in focus.opened:
            table = tree.by_id.get(number)
            if table is not None and table.is_table:
                self._show((table,))
                self._show(islice((one for one in self._children(table) if one.entry >= entry), OPENED))
        self._show(islice(self._from_the_top(), few))

    # ---- deciding ----------------------------------------------------------------------------

    def _show(self, nodes: Iterable[Vnode | None]) -> None:
        for wanted in nodes:
            node = wanted
            while node is not None and node.id not in self._shown:
                self._shown.add(node.id)
                node = node.parent
                if node is not None:
                    self._open.add(node.id)

    def _show_beside(self, table: Vnode | None, entry: int) -> None:
        """Show the vnodes at an entry, before it and after it, so that no fold covers it."""
        if table is None or not table.is_table:
            return
        self._show((table,))
        children = self._children(table)
        at = next((place for place, child in enumerate(children) if child.entry >= entry), len(children))
        self._show(children[max(0, at - 1) : at + 2])

    def _from_the_top(self) -> Iterator[Vnode]:
        waiting = [self._tree.root]
        for table in waiting:
            children = self._children(table) if table.children else ()
            yield from children
            waiting += (child for child in children if child.is_table)

    def _children(self, table: Vnode) -> Sequence[Vnode]:
        """Return children in the order of entries."""
        found = self._ordered.get(table.id)
        if found is None:
            found = self._ordered[table.id] = sorted(table.newest_first(), key=lambda child: child.entry)
        return found

    # ---- values ------------------------------------------------------------------------------

    def value(self, node: Vnode, va: int, older: int) -> VnodeValue:
        """Return a shown vnode, with the shown part below it.

        `va` is its own, and `older` counts the vnodes after it.
        """
        level, width = node.level, self._tree.layout.fmt.entry_width
        children: tuple[VnodeValue, ...] = ()
        folds: tuple[VnodeFold, ...] = ()
        if node.holds is not None:
            span, number = node.holds.table_span, node.holds.number + 1
            if self._all or node.id in self._open:
                last, shift = len(node.children) - 1, node.holds.shift
                children = tuple(
                    self.value(child, va + (child.entry << shift), last - place)
                    for place, child in enumerate(node.newest_first())
                    if self._all or child.id in self._shown
                )
                folds = () if self._all else tuple(self._folds(node, va))
            elif node.children:
                folds = (_closed(node, va),)
        else:
            assert level is not None
            span, number = node.count << level.shift, level.number
        place = None if node.parent is None else node.parent.base + node.entry * width
        return VnodeValue(
            node.id,
            node.kind,
            number,
            node.entry,
            node.count,
            va,
            span,
            node.cap,
            node.invokable,
            node.mapping,
            node.base,
            node.offset,
            node.flags,
            None if place is None or self._word_at is None else self._word_at(place, width),
            place,
            children,
            older,
            folds,
        )

    def _folds(self, table: Vnode, va: int) -> Iterator[VnodeFold]:
        run: list[Vnode] = []
        for child in self._children(table):
            if child.id not in self._shown:
                run.append(child)
            elif run:
                yield _fold(table, va, run)
                run = []
        if run:
            yield _fold(table, va, run)


def _fold(table: Vnode, va: int, run: Sequence[Vnode]) -> VnodeFold:
    counts = [child.counts() for child in run]
    tables, leaves, size = (sum(part) for part in zip(*counts, strict=True))
    end = max(child.entry + child.count for child in run)
    direct = sum(child.is_table for child in run)
    return _fold_value(table, va, run[0].entry, end, len(run), direct, (tables, leaves, size))


def _closed(table: Vnode, va: int) -> VnodeFold:
    """Return all children of a table."""
    children = table.children.values()
    direct = sum(child.is_table for child in children) if table.tables_below else 0
    counts = table.tables_below, table.leaves_below, table.bytes_below
    return _fold_value(table, va, min(table.by_entry), max(table.by_entry) + 1, len(children), direct, counts)


def _fold_value(
    table: Vnode, va: int, first: int, end: int, children: int, direct: int, counts: tuple[int, int, int]
) -> VnodeFold:
    assert table.holds is not None
    shift = table.holds.shift
    return VnodeFold(first, end - 1, va + (first << shift), va + (end << shift), children, direct, *counts)
