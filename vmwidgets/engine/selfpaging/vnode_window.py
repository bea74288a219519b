"""A part of the shadow tree as frozen values: what a picture shows, and of the rest how much there is.

A table that is opened is read once.  What is below a fold is never looked at: tables keep counts of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ..base.domain_focus import DomainFocus
from ..base.domain_values import VnodeFold, VnodeValue
from .core import PmapCore
from .snapshot import WordAt, vnode_value
from .vnode import Vnode

OPENED = 64
"""How many children are shown from where somebody opened a table."""


def vnode_window(core: PmapCore, focus: DomainFocus, few: int, word_at: WordAt | None) -> VnodeValue:
    """The vnodes in focus with what is beside them, those that were opened, and the `few` at the top of the tree.

    O(what is shown + the entries of the tables in which that stands).
    """
    return _Window(core, focus, few).value(core.root, core.root.va, 0, word_at)


class _Window:
    def __init__(self, core: PmapCore, focus: DomainFocus, few: int) -> None:
        self._core = core
        self._shown: set[int] = {core.root.id}
        self._open: set[int] = set()
        self._ordered: dict[int, list[Vnode]] = {}
        self._show(core.by_id.get(number) for number in sorted(focus.vnodes))
        for number, entry in sorted(focus.entries):
            self._show_beside(core.by_id.get(number), entry)
        for number, entry in focus.opened:
            table = core.by_id.get(number)
            if table is not None and table.is_table:
                self._show((table,))
                self._show(islice((one for one in self._children(table) if one.entry >= entry), OPENED))
        self._show(islice(self._from_the_top(), few))

    def _show(self, nodes: Iterable[Vnode | None]) -> None:
        for wanted in nodes:
            node = wanted
            while node is not None and node.id not in self._shown:
                self._shown.add(node.id)
                node = node.parent
                if node is not None:
                    self._open.add(node.id)

    def _show_beside(self, table: Vnode | None, entry: int) -> None:
        """What stands at an entry, before and behind it is shown: so no fold passes it."""
        if table is None or not table.is_table:
            return
        self._show((table,))
        children = self._children(table)
        at = next((place for place, child in enumerate(children) if child.entry >= entry), len(children))
        self._show(children[max(0, at - 1) : at + 2])

    def _from_the_top(self) -> Iterator[Vnode]:
        waiting = [self._core.root]
        for table in waiting:
            children = self._children(table) if table.children else ()
            yield from children
            waiting += (child for child in children if child.is_table)

    def _children(self, table: Vnode) -> Sequence[Vnode]:
        """In the order of entries."""
        found = self._ordered.get(table.id)
        if found is None:
            found = self._ordered[table.id] = sorted(table.newest_first(), key=lambda child: child.entry)
        return found

    def value(self, node: Vnode, va: int, older: int, word_at: WordAt | None) -> VnodeValue:
        """A vnode that is shown, with what is shown below it."""
        children: tuple[VnodeValue, ...] = ()
        folds: tuple[VnodeFold, ...] = ()
        if node.holds is not None and node.children:
            if node.id in self._open:
                last, shift = len(node.children) - 1, node.holds.shift
                children = tuple(
                    self.value(child, va + (child.entry << shift), last - place, word_at)
                    for place, child in enumerate(node.newest_first())
                    if child.id in self._shown
                )
                folds = tuple(self._folds(node, va))
            else:
                folds = (_closed(node, va),)
        return vnode_value(self._core, node, va, word_at, children, older, folds)

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
    return _value(table, va, run[0].entry, end, len(run), direct, (tables, leaves, size))


def _closed(table: Vnode, va: int) -> VnodeFold:
    """All children of a table."""
    assert table.holds is not None
    children = table.children.values()
    direct = sum(child.is_table for child in children) if table.tables_below else 0
    counts = table.tables_below, table.leaves_below, table.bytes_below
    return _value(table, va, min(table.by_entry), max(table.by_entry) + 1, len(children), direct, counts)


def _value(
    table: Vnode, va: int, first: int, end: int, children: int, direct: int, counts: tuple[int, int, int]
) -> VnodeFold:
    assert table.holds is not None
    shift = table.holds.shift
    return VnodeFold(first, end - 1, va + (first << shift), va + (end << shift), children, direct, *counts)
