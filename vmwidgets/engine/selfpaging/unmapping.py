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
    """Unmap [va, va + size), rounded up to pages, which must be whole leaves; the bytes that were unmapped.

    LIB_ERR_PMAP_UNMAP: nothing changed.  Empty tables stay, to be used again.
    """
    size = round_up(size, PAGE)
    leaves = whole_leaves(core, va, size)
    with pushing("LIB_ERR_PMAP_UNMAP"), all_or_nothing(core) as log:
        for leaf in leaves:
            do_single_unmap(core, leaf, log)
    return size


def whole_leaves(core: PmapCore, va: int, size: int) -> list[Vnode]:
    """The leaves that make up [va, va + size) exactly, in order of their addresses; else LIB_ERR_PMAP_FIND_VNODE."""
    found: list[Vnode] = []
    at, end = va, va + size
    while at < end or not found:
        leaf = leaf_at(core, at)
        if leaf is None or leaf.va != at or leaf.end > end:
            if leaf is None:
                why = f"nothing is mapped at {Address(at)}"
            else:
                why = f"the mapping there is [{Address(leaf.va)}, {Address(leaf.end)}), and only the whole of it can go"
            raise chain("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE", detail=why)
        found.append(leaf)
        at = leaf.end
    return found


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
