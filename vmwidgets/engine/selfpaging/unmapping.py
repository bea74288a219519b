"""unmap: the leaves of a range out of the tables, all of them or none."""

from __future__ import annotations

from functools import partial

from ..base.units import PAGE, Address
from .core import PmapCore, acting, pushing
from .errors import LibError, chain
from .flags import kernel_flags
from .looking import leaf_at, mapping_of
from .pieces import round_up
from .undo import UndoLog, all_or_nothing
from .vnode import Vnode


def unmap_range(core: PmapCore, va: int, size: int) -> int:
    """Unmap [va, va + size), rounded up to pages; the bytes that were unmapped.

    What the range has in each table must be one mapping, and the whole of it.  LIB_ERR_PMAP_UNMAP: nothing changed.
    Empty tables stay, to be used again.
    """
    size = round_up(size, PAGE)
    leaves = matching_leaves(core, va, size)
    with pushing("LIB_ERR_PMAP_UNMAP"), all_or_nothing(core) as log:
        for leaf in leaves:
            do_single_unmap(core, leaf, log)
    return size


def matching_leaves(core: PmapCore, va: int, size: int) -> list[Vnode]:
    """The leaves that [va, va + size) is for, in order of their addresses; else LIB_ERR_PMAP_FIND_VNODE.

    Of small pages, the part of the range that falls into one table must be exactly one leaf there: the original looks
    for a leaf that has as many entries.  Of large ones, whole leaves.
    """
    found: list[Vnode] = []
    at, end = va, va + size
    while at < end:
        leaf = leaf_at(core, at)
        why = _mismatch(core, leaf, at, end)
        if leaf is None or why:
            raise chain("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE", detail=why)
        found.append(leaf)
        at = leaf.end
    return found


def _mismatch(core: PmapCore, leaf: Vnode | None, at: int, end: int) -> str:
    """Why the leaf at `at` can't go with a range up to `end`; "" if it can."""
    if leaf is None:
        return f"nothing is mapped at {Address(at)}"
    there = f"the mapping there is [{Address(leaf.va)}, {Address(leaf.end)})"
    if leaf.va != at or leaf.end > end:
        return f"{there}, and only the whole of it can go"
    span = core.layout.pages.span
    if leaf.level is core.layout.pages and leaf.end < min(end, (at // span + 1) * span):
        return f"{there}, and others in its table go by a call of their own"
    return ""


@acting
def do_single_unmap(core: PmapCore, leaf: Vnode, log: UndoLog) -> None:
    """One leaf out of its table: its entries, its Mapping, its slot, its block."""
    table = leaf.parent
    assert table is not None
    with pushing("LIB_ERR_VNODE_UNMAP"):
        mapping = mapping_of(leaf)
        core.world.vnode_unmap(table.invokable, mapping)
    log.add(partial(_map_again, core, leaf))
    try:
        core.cap_delete(mapping)
    except LibError:
        log.add(partial(_slot_again, core, leaf))
        raise
    log.add(partial(_slot_again, core, leaf))
    position = core.unlink(leaf)
    core.slab.give(leaf.block)
    log.add(partial(_link_again, core, leaf, position))


def _link_again(core: PmapCore, leaf: Vnode, position: int) -> None:
    leaf.block = core.slab.take()
    core.link(leaf, position)
    core.set_mapping(leaf, None)


def _slot_again(core: PmapCore, leaf: Vnode) -> None:
    core.set_mapping(leaf, core.slot_alloc())


def _map_again(core: PmapCore, leaf: Vnode) -> None:
    assert leaf.parent is not None and leaf.mapping is not None
    world, mapping = core.world, leaf.mapping
    bits = kernel_flags(leaf.flags)
    world.vnode_map(leaf.parent.invokable, leaf.cap, leaf.entry, bits, leaf.offset, leaf.count, mapping)
    for run in leaf.rights:
        world.mapping_modify_flags(mapping, run.first, run.entries, kernel_flags(run.flags))
