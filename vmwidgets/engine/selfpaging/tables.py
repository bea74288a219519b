"""Tables: finding the one for an address, making those that are missing, removing empty ones."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from .core import PmapCore, acting, pushing
from .errors import LibError
from .flags import TABLE_FLAGS
from .layouts import VnodeLevel
from .quirks import TABLE_MAPPING_SLOT_LEAK
from .undo import UndoLog
from .vnode import Vnode, children_in, find_vnode


@acting
def alloc_vnode(core: PmapCore, parent: Vnode, entry: int, log: UndoLog, number: int | None = None) -> Vnode:
    """A new table behind `entry` of `parent`: a block, a slot with the table, a slot with its Mapping."""
    assert parent.holds is not None
    level = core.layout.level(parent.holds.number - 1)
    block = core.slab.take()
    log.add(partial(core.slab.give, block))
    cap = core.slot_alloc()
    log.add(partial(core.slot_free, cap))
    with pushing("LIB_ERR_VNODE_CREATE"):
        base = core.world.vnode_create(cap, level.kind)
    log.add(partial(core.world.cap_delete, cap))
    node = Vnode(core.new_id() if number is None else number, parent, entry, 1, cap, base, holds=level, block=block)
    core.link(node)
    log.add(partial(core.unlink, node))
    mapping = core.slot_alloc()
    log.add(partial(core.slot_free, mapping))
    with pushing("LIB_ERR_PMAP_MAP"):
        core.world.vnode_map(parent.invokable, cap, entry, TABLE_FLAGS, 0, 1, mapping)
    log.add(partial(_unmap_again, core, node))
    core.set_mapping(node, mapping)
    return node


def _unmap_again(core: PmapCore, node: Vnode) -> None:
    assert node.parent is not None and node.mapping is not None
    mapping = node.mapping
    core.world.vnode_unmap(node.parent.invokable, mapping)
    core.world.cap_delete(mapping)
    core.set_mapping(node, None)


@acting
def get_ptable(core: PmapCore, va: int, level: VnodeLevel, log: UndoLog) -> Vnode:
    """The table of `level` for `va`; what is missing on the way down is made."""
    table = core.root
    while table.holds is not level:
        assert table.holds is not None
        entry = table.holds.index(va)
        child = find_vnode(table, entry)
        if child is None:
            child = alloc_vnode(core, table, entry, log)
        elif not child.is_table:
            raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", f"a big page covers {va:#x}")
        table = child
    return table


@acting
def remove_empty_vnodes(core: PmapCore, table: Vnode, entry: int, count: int, log: UndoLog) -> None:
    """Remove the tables in entries [entry, entry + count), which hold nothing: the only place where tables go."""
    for node in children_in(table, entry, count):
        if node.is_table:
            _remove(core, table, node, log)


def _remove(core: PmapCore, table: Vnode, node: Vnode, log: UndoLog) -> None:
    mapping = node.mapping
    if mapping is not None:
        with pushing("LIB_ERR_VNODE_UNMAP"):
            core.world.vnode_unmap(table.invokable, mapping)
    log.add(partial(_make_again, core, table, node, table.position_of(node)))
    core.cap_delete(node.cap)
    if mapping is not None and TABLE_MAPPING_SLOT_LEAK not in core.quirks:
        core.slot_free(mapping)
    core.unlink(node)
    core.slab.give(node.block)


def _make_again(core: PmapCore, table: Vnode, node: Vnode, position: int) -> None:
    """An empty table as the removed one was.  If that can't be, it stays away: nothing was mapped in it."""
    if node.id in table.children:  # its entry was cleared, and then its capability could not be deleted
        assert node.mapping is not None
        with suppress(LibError):
            core.world.cap_delete(node.mapping)
            core.world.vnode_map(table.invokable, node.cap, node.entry, TABLE_FLAGS, 0, 1, node.mapping)
        return
    part = UndoLog()
    try:
        made = alloc_vnode(core, table, node.entry, part, node.id)
    except LibError:
        part.take_back()
        return
    if position:
        core.unlink(made)
        core.link(made, position)
