"""The state of a pmap as Barrelfish's recorder wrote it; tables are read from RAM."""

from __future__ import annotations

from collections.abc import Iterable
from struct import unpack
from typing import Any

from tests.oracles.barrelfish_events import capability
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.selfpaging.domain_schema import VnodeValue

L1_ENTRIES, L2_ENTRIES, WORD = 4096, 256, 4


def tree(root: VnodeValue) -> list[Any]:
    """Return the root's children, newest first."""
    return [_node(child) for child in root.children]


def tables(ram: Ram, root: int, second_level: Iterable[int]) -> dict[str, Any]:
    """Return the first-level table's nonzero entries, and the runs of each second-level table."""
    first = _words(ram, root, L1_ENTRIES)
    return {
        "l1": [[index, word] for index, word in enumerate(first) if word],
        "l2": {str(base): runs(_words(ram, base, L2_ENTRIES)) for base in sorted(second_level)},
    }


def runs(words: Iterable[int]) -> list[list[int]]:
    """Return [first index, count, first descriptor] for descriptors that are a page apart.

    >>> runs([0, 0x1032, 0x2032, 0x2032])
    [[1, 2, 4146], [3, 1, 8242]]
    """
    found: list[list[int]] = []
    for index, word in enumerate(words):
        if not word:
            continue
        if found and found[-1][0] + found[-1][1] == index and word == found[-1][2] + found[-1][1] * PAGE:
            found[-1][1] += 1
        else:
            found.append([index, 1, word])
    return found


def leaves(node: VnodeValue) -> set[tuple[Any, ...]]:
    """Return all leaves of the tree, with everything that the recorder knew about each."""
    if not node.is_table:
        return {(node.va, node.span, node.cap, node.flags, node.mapping)}
    return {leaf for child in node.children for leaf in leaves(child)}


def _node(node: VnodeValue) -> dict[str, Any]:
    mapping = None if node.mapping is None else node.mapping.slot
    if node.is_table:
        children = [_node(child) for child in node.children]
        return {"entry": node.entry, "vnode": True, "cap": node.cap.slot, "mapping": mapping, "children": children}
    return {
        "entry": node.entry,
        "vnode": False,
        "cap": capability(node.cap),
        "count": node.count,
        "flags": node.flags,
        "mapping": mapping,
    }


def _words(ram: Ram, base: int, count: int) -> tuple[int, ...]:
    return unpack(f"<{count}I", ram.read(base, count * WORD))
