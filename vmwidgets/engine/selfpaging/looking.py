"""What the shadow tree says of an address, and of a range."""

from __future__ import annotations

from ..base.domain_values import CapRef
from ..base.units import Address
from .core import PmapCore
from .errors import LibError
from .vnode import Vnode, children_in, find_vnode


def leaf_at(core: PmapCore, va: int) -> Vnode | None:
    """The leaf that covers `va`, if anything is mapped there; O(levels)."""
    if not 0 <= va < core.root.end:
        return None
    table = core.root
    while True:
        assert table.holds is not None
        node = find_vnode(table, table.holds.index(va))
        if node is None or not node.is_table:
            return node
        table = node


def vnode_at(core: PmapCore, va: int) -> Vnode:
    """The lowest vnode that is for `va`: a leaf, or a table in which nothing covers it; O(levels)."""
    node = core.root
    while node.holds is not None and 0 <= va < core.root.end:
        below = find_vnode(node, node.holds.index(va))
        if below is None:
            break
        node = below
    return node


def mapping_of(leaf: Vnode) -> CapRef:
    """The slot of a leaf's Mapping; SYS_ERR_CAP_NOT_FOUND for one that a quirk left behind without."""
    if leaf.mapping is None:
        raise LibError("SYS_ERR_CAP_NOT_FOUND", f"the leaf at {Address(leaf.va)} never got a Mapping")
    return leaf.mapping


def maps_anything(core: PmapCore, va: int, end: int) -> bool:
    """Whether any leaf touches [va, end); O(tables there)."""
    return va < core.root.end and _any_leaf(core.root, va, min(end, core.root.end))


def _any_leaf(table: Vnode, va: int, end: int) -> bool:
    level = table.holds
    assert level is not None
    start = table.va
    first = max(va - start, 0) >> level.shift
    last = min(end - 1 - start, level.span - 1) >> level.shift
    there = children_in(table, first, last - first + 1) if first <= last else []
    return any(not node.is_table or _any_leaf(node, va, end) for node in there)
