"""A shadow tree as a frozen value, with the actual descriptors in RAM: all of it, or a window.

A window shows the subject of a picture, and counts the rest. It reads only the tables that it opens, and nothing below
a fold, since tables store counts. So a hundred thousand mappings cost no more than a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import islice

from ..base.event import Event
from .calls_schema import CapabilityMade, RegionAdded, SlabGrown
from .domain_schema import DomainFocus, DomainValue, VnodeFold, VnodeValue
from .shadow_tree import ShadowTree, Vnode

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


def is_made_by(events: Iterable[Event], domain: str) -> bool:
    """Return whether the operation with these events made the domain of this name."""
    return any(isinstance(one, CapabilityMade) and one.domain == domain and one.kind == "CNode" for one in events)


def while_made(value: DomainValue, events: Iterable[Event]) -> DomainValue:
    """Return a domain after some of the events of its own operation: no machine has an unfinished domain."""
    mine = [event for event in events if getattr(event, "domain", None) == value.name]
    made = {event.ref for event in mine if isinstance(event, CapabilityMade)}
    added = {event.id for event in mine if isinstance(event, RegionAdded)}
    has_blocks = any(isinstance(event, SlabGrown) for event in mine)
    return replace(
        value,
        cnodes=tuple(
            replace(cnode, capabilities=tuple(one for one in cnode.capabilities if one.ref in made))
            for cnode in value.cnodes
        ),
        slab=value.slab if has_blocks else replace(value.slab, total=0, free=0, heads=()),
        regions=tuple(region for region in value.regions if region.id in added),
    )


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
