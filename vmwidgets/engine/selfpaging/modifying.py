"""modify_flags: other rights for what is mapped already, for the whole range or none of it."""

from __future__ import annotations

from functools import partial

from ..base.domain_values import CapRef
from ..base.units import PAGE, Address
from .core import PmapCore, acting, pushing
from .errors import LibError
from .flags import READ, kernel_flags, remembered
from .looking import leaf_at, mapping_of, maps_anything
from .pieces import pieces_of, round_up
from .quirks import MODIFY_FLAGS_LOST
from .undo import UndoLog, all_or_nothing
from .vnode import RightsRun, Vnode, inside_region, overlay


def modify_range(core: PmapCore, va: int, size: int, flags: int) -> int:
    """Give [va, va + size), rounded up to pages, other flags; the bytes that changed.

    Each piece of the range, one a table, must lie in one leaf: LIB_ERR_PMAP_MODIFY_FLAGS otherwise, and nothing
    changed.  A range in which nothing at all is mapped has nothing to change, and that is no error.  The tree goes on
    remembering the flags that were mapped with.
    """
    size = round_up(size, PAGE)
    flags = remembered(flags)
    kernel_flags(flags)
    if not maps_anything(core, va, va + size):
        return size
    with pushing("LIB_ERR_PMAP_MODIFY_FLAGS"):
        parts = _parts(core, va, size)
        with all_or_nothing(core) as log:
            for number, (leaf, first, count) in enumerate(parts):
                do_single_modify_flags(core, leaf, first, count, _passed_on(core, flags, number), log)
    return size


def _passed_on(core: PmapCore, flags: int, number: int) -> int:
    if MODIFY_FLAGS_LOST not in core.quirks:
        return flags
    return READ if number else 0


def _parts(core: PmapCore, va: int, size: int) -> list[tuple[Vnode, int, int]]:
    """Leaf, first of its entries and how many, for each piece of the range."""
    parts: list[tuple[Vnode, int, int]] = []
    at, end = va, va + size
    while at < end or not parts:
        leaf = leaf_at(core, at)
        if leaf is None:
            raise LibError("LIB_ERR_PMAP_FIND_VNODE", f"nothing is mapped at {Address(at)}")
        table, level = leaf.parent, leaf.level
        assert table is not None and level is not None
        if (at | end) % level.unit or at >= end:
            why = f"the mapping at {Address(at)} is made of entries of {level.unit:#x} bytes, and changes by whole ones"
            raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", why)
        piece = pieces_of(level, at, end - at)[0]
        count = piece.entries
        if level is not core.layout.pages:
            count = min(count, leaf.entry + leaf.count - piece.entry)
        if inside_region(table, piece.entry, count) is not leaf:
            why = f"the mapping at {Address(at)} ends at {Address(leaf.end)}, before its part of the range does"
            raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", why)
        parts.append((leaf, piece.entry - leaf.entry, count))
        at += count << level.shift
    return parts


@acting
def do_single_modify_flags(core: PmapCore, leaf: Vnode, first: int, count: int, flags: int, log: UndoLog) -> None:
    """Have the kernel rewrite the rights of `count` entries of a leaf."""
    mapping = mapping_of(leaf)
    before = leaf.rights
    core.world.mapping_modify_flags(mapping, first, count, kernel_flags(flags))
    log.add(partial(_as_before, core, leaf, mapping, before, first, count))
    leaf.rights = overlay(before, first, count, flags)


def _as_before(core: PmapCore, leaf: Vnode, mapping: CapRef, before: list[RightsRun], first: int, count: int) -> None:
    leaf.rights = before
    core.world.mapping_modify_flags(mapping, first, count, kernel_flags(leaf.flags))
    for run in before:
        start, end = max(run.first, first), min(run.first + run.entries, first + count)
        if start < end:
            core.world.mapping_modify_flags(mapping, start, end - start, kernel_flags(run.flags))
