"""The shadow tree: what a program remembers of its page tables, since the kernel can't be asked what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..base.values.domains import CapRef
from .layouts import VnodeLevel

ROOT_ID = 0


class RightsRun(NamedTuple):
    """Entries [first, first + entries) of a leaf whose flags were modified since it was mapped."""

    first: int
    entries: int
    flags: int


class Vnode:
    """A table, or a leaf: a run of `count` entries of one frame in one table.

    `level` is that of the table it stands in (none: it is the root), `holds` that of the table it is (none: a leaf).
    `base` is the physical address of the table, or of what the leaf maps first.
    """

    __slots__ = (
        "base",
        "block",
        "by_entry",
        "bytes_below",
        "cap",
        "children",
        "count",
        "entry",
        "flags",
        "holds",
        "id",
        "invokable",
        "leaves_below",
        "level",
        "mapping",
        "offset",
        "parent",
        "rights",
        "tables_below",
    )

    def __init__(
        self,
        number: int,
        parent: Vnode | None,
        entry: int,
        count: int,
        cap: CapRef,
        base: int,
        *,
        holds: VnodeLevel | None = None,
        flags: int = 0,
        offset: int = 0,
        block: int = 0,
    ) -> None:
        self.id = number
        self.parent = parent
        self.level: VnodeLevel | None = parent.holds if parent is not None else None
        self.holds: VnodeLevel | None = holds
        self.entry = entry
        self.count = count
        self.cap = cap
        self.invokable = cap
        """What the program invokes: a copy of `cap`, where that lies in another program's cspace."""
        self.mapping: CapRef | None = None
        self.base = base
        self.flags = flags
        """A leaf's, as it was mapped; what was modified since is in `rights`."""
        self.offset = offset
        self.block = block
        self.rights: list[RightsRun] = []
        self.children: dict[int, Vnode] = {}
        """By id, oldest first."""
        self.by_entry: dict[int, Vnode] = {}
        """The children by each entry that they cover: what the original finds by walking its list."""
        self.tables_below = self.leaves_below = self.bytes_below = 0
        """Of a table: how many tables and leaves are below it, and what the leaves map."""

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.holds is not None

    @property
    def va(self) -> int:
        """The first address that it is for."""
        if self.parent is None or self.level is None:
            return 0
        return self.parent.va + (self.entry << self.level.shift)

    @property
    def end(self) -> int:
        """The first address behind it."""
        if self.holds is not None:
            return self.va + self.holds.span
        assert self.level is not None
        return self.va + (self.count << self.level.shift)

    def newest_first(self) -> Iterator[Vnode]:
        """The children, as they stand in the original's list."""
        return reversed(self.children.values())

    def leaves(self) -> Iterator[Vnode]:
        """All leaves below, newest first in each table."""
        for child in self.newest_first():
            if child.is_table:
                yield from child.leaves()
            else:
                yield child

    def link(self, child: Vnode, position: int = 0) -> None:
        """Make `child` a child, `position` steps behind the first."""
        self.children[child.id] = child
        if position:
            order = list(self.children.values())
            order.insert(len(order) - 1 - position, order.pop())
            self.children = {node.id: node for node in order}
        for entry in range(child.entry, child.entry + child.count):
            self.by_entry[entry] = child
        self._count(child, 1)

    def unlink(self, child: Vnode) -> None:
        """Take a child away."""
        del self.children[child.id]
        for entry in range(child.entry, child.entry + child.count):
            if self.by_entry.get(entry) is child:
                del self.by_entry[entry]
        self._count(child, -1)

    def counts(self) -> tuple[int, int, int]:
        """Tables, leaves and mapped bytes: itself and all below."""
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
        """How many steps behind the first child it stands; O(children that are newer)."""
        return next(steps for steps, node in enumerate(self.newest_first()) if node is child)


def find_vnode(table: Vnode, entry: int) -> Vnode | None:
    """The child table of that entry, or the leaf that covers it."""
    return table.by_entry.get(entry)


def children_in(table: Vnode, entry: int, count: int) -> list[Vnode]:
    """The children that touch entries [entry, entry + count), newest first; O(the smaller of children and entries)."""
    if len(table.children) <= count:
        return [node for node in table.newest_first() if node.entry < entry + count and entry < node.entry + node.count]
    found = {node.id: node for at in range(entry, entry + count) if (node := table.by_entry.get(at)) is not None}
    return [found[number] for number in sorted(found, reverse=True)]


def has_vnode(table: Vnode, entry: int, count: int, only_pages: bool, first_decides: bool = False) -> bool:
    """Whether anything, or with `only_pages` any leaf, stands in entries [entry, entry + count).

    A table there counts as pages when it holds anything.  `first_decides`: the original answers by the newest child
    in range alone.
    """
    there = children_in(table, entry, count)
    if not only_pages:
        return bool(there)
    for node in there:
        populated = not node.is_table or bool(node.children)
        if populated or first_decides:
            return populated
    return False


def inside_region(table: Vnode, entry: int, count: int) -> Vnode | None:
    """The leaf that covers all of [entry, entry + count), if one does."""
    node = table.by_entry.get(entry)
    if node is None or node.is_table or entry + count > node.entry + node.count:
        return None
    return node


def overlay(runs: list[RightsRun], first: int, count: int, flags: int) -> list[RightsRun]:
    """The runs once [first, first + count) has other flags; in order, never overlapping.

    >>> [tuple(run) for run in overlay([RightsRun(0, 8, 1)], 2, 3, 3)]
    [(0, 2, 1), (2, 3, 3), (5, 3, 1)]
    """
    end, result = first + count, [RightsRun(first, count, flags)]
    for run in runs:
        if run.first < first:
            result.append(RightsRun(run.first, min(run.first + run.entries, first) - run.first, run.flags))
        if run.first + run.entries > end:
            start = max(run.first, end)
            result.append(RightsRun(start, run.first + run.entries - start, run.flags))
    return sorted(result)
