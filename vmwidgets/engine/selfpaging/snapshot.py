"""The shadow tree as frozen values, with the descriptors that the tables in RAM really hold."""

from __future__ import annotations

from collections.abc import Callable

from ..base.domain_values import VnodeFold, VnodeValue
from .core import PmapCore
from .vnode import Vnode

WordAt = Callable[[int, int], int]
"""The word of so many bytes (the second number) at a physical address."""

LEAF = "leaf"


def snapshot(core: PmapCore, word_at: WordAt | None) -> VnodeValue:
    """The tree below the root; O(vnodes)."""
    return _value(core, core.root, core.root.va, word_at)


def descriptor_pa(core: PmapCore, node: Vnode) -> int:
    """Where the first descriptor of a vnode lies."""
    assert node.parent is not None
    return node.parent.base + node.entry * core.layout.entry_bytes


def _value(core: PmapCore, node: Vnode, va: int, word_at: WordAt | None, older: int = 0) -> VnodeValue:
    shift = 0 if node.holds is None else node.holds.shift
    last = len(node.children) - 1
    children = tuple(
        _value(core, child, va + (child.entry << shift), word_at, last - place)
        for place, child in enumerate(node.newest_first())
    )
    return vnode_value(core, node, va, word_at, children, older)


def vnode_value(
    core: PmapCore, node: Vnode, va: int, word_at: WordAt | None, children: tuple[VnodeValue, ...], older: int,
    folds: tuple[VnodeFold, ...] = (),
) -> VnodeValue:  # fmt: skip
    """One vnode, with what is shown of its children; `va` is its own."""
    place = None if node.parent is None else descriptor_pa(core, node)
    if node.holds is not None:
        span = node.holds.span
    else:
        assert node.level is not None
        span = node.count << node.level.shift
    return VnodeValue(
        node.id,
        LEAF if node.holds is None else node.holds.kind,
        core.layout.root.number + 1 if node.level is None else node.level.number,
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
        None if place is None or word_at is None else word_at(place, core.layout.entry_bytes),
        place,
        children,
        older,
        folds,
    )
