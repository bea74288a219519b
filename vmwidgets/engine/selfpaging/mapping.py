"""do_map: a range of a frame into the tables, a piece for each, all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..base.domain_values import CapRef
from ..base.units import PAGE, Address, Size
from .core import PmapCore, acting, pushing
from .errors import LibError, chain
from .flags import kernel_flags, remembered
from .invocations import FrameIdentity
from .layouts import VnodeLevel
from .pieces import Mapped, Piece, leaf_level, pieces_of, round_up
from .quirks import FIRST_TABLE_DECIDES, FRAME_OVERRUN, LARGE_FALLBACK_NOT_SPLIT, RETOFF_AFTER_SPLIT
from .tables import get_ptable, remove_empty_vnodes
from .undo import UndoLog, all_or_nothing
from .vnode import Vnode, find_vnode, has_vnode


@dataclass(frozen=True, slots=True)
class MapRequest:
    """A frame's bytes from `offset` on for [va, va + size), rounded to the unit of the `level` its leaves go to."""

    va: int
    frame: CapRef
    identity: FrameIdentity
    offset: int
    size: int
    flags: int
    level: VnodeLevel

    def told(self) -> tuple[object, ...]:
        """The arguments of do_map, for an event."""
        return (self.va, self.frame, self.offset, self.size, self.flags)


def map_request(
    core: PmapCore, va: int, frame: CapRef, identity: FrameIdentity, offset: int, size: int, flags: int
) -> MapRequest:
    """The request, widened to whole pages of the size that will be used."""
    level = leaf_level(core.layout, va, identity, flags)
    base = offset % level.unit
    return MapRequest(va, frame, identity, offset - base, round_up(size + base, level.unit), flags, level)


@acting
def do_map(core: PmapCore, request: MapRequest) -> Mapped:
    """Map all of it; an error means that nothing changed.

    LIB_ERR_PMAP_FRAME_SIZE: the frame ends too soon.  LIB_ERR_PMAP_DO_MAP on top of everything else.
    """
    _check_frame(core, request)
    pieces = _pieces(core, request)
    with pushing("LIB_ERR_PMAP_DO_MAP"):
        if core.undoes:
            _check_addresses(core, request)
            for piece in pieces:
                _check_room(core, request.level, piece)
        with all_or_nothing(core) as log:
            for piece in pieces:
                do_single_map(core, request, piece, log)
    return Mapped(_retoff(core, request, pieces), request.size)


@acting
def do_single_map(core: PmapCore, request: MapRequest, piece: Piece, log: UndoLog) -> Vnode:
    """One leaf in one table; the tables above it are made, empty ones in its way are removed."""
    level = request.level
    if level is core.layout.root:
        table = core.root
    else:
        with pushing("LIB_ERR_PMAP_GET_PTABLE"):
            table = get_ptable(core, piece.va, level, log)
    _check_entries(core, table, piece)
    if has_vnode(table, piece.entry, piece.entries, only_pages=False):
        remove_empty_vnodes(core, table, piece.entry, piece.entries, log)
    return _link_leaf(core, table, request, piece, log)


def _link_leaf(core: PmapCore, table: Vnode, request: MapRequest, piece: Piece, log: UndoLog) -> Vnode:
    offset, kept = request.offset + piece.offset, remembered(request.flags)
    block = core.slab.take()
    log.add(partial(core.slab.give, block))
    leaf = Vnode(
        core.new_id(),
        table,
        piece.entry,
        piece.entries,
        request.frame,
        request.identity.base + offset,
        flags=kept,
        offset=offset,
        block=block,
    )
    core.link(leaf)
    log.add(partial(core.unlink, leaf))
    mapping = core.slot_alloc()
    bits = kernel_flags(kept)
    try:
        core.world.vnode_map(table.invokable, request.frame, piece.entry, bits, offset, piece.entries, mapping)
    except LibError as error:
        core.slot_free(mapping)
        raise error.push("LIB_ERR_VNODE_MAP") from None
    log.add(partial(_unmap_again, core, table, mapping))
    core.set_mapping(leaf, mapping)
    return leaf


def _unmap_again(core: PmapCore, table: Vnode, mapping: CapRef) -> None:
    core.world.vnode_unmap(table.invokable, mapping)
    core.cap_delete(mapping)


# ---- deciding --------------------------------------------------------------------------------


def _check_frame(core: PmapCore, request: MapRequest) -> None:
    needed = request.size if FRAME_OVERRUN in core.quirks else request.offset + request.size
    if request.identity.bytes < needed:
        held = Size(request.identity.bytes)
        raise LibError("LIB_ERR_PMAP_FRAME_SIZE", f"{Size(needed)} of a frame of {held} are to be mapped")


def _check_addresses(core: PmapCore, request: MapRequest) -> None:
    """Whether the kernel would refuse the root's entries: it does so too, but a piece too late."""
    if request.va + request.size <= core.layout.user_end:
        return
    inner = ("LIB_ERR_PMAP_GET_PTABLE", "LIB_ERR_PMAP_MAP")
    names = ("LIB_ERR_VNODE_MAP",) if request.level is core.layout.root else inner
    where = f"addresses from {Address(core.layout.user_end)} on are the kernel's"
    raise chain(*names, "SYS_ERR_VNODE_SLOT_RESERVED", detail=where)


def _check_room(core: PmapCore, level: VnodeLevel, piece: Piece) -> None:
    """Whether a leaf is in the way of a piece; the tables for it need not exist yet."""
    table = core.root
    while table.holds is not level:
        assert table.holds is not None
        child = find_vnode(table, table.holds.index(piece.va))
        if child is None:
            return
        if not child.is_table:
            raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", f"a big page covers {Address(piece.va)}")
        table = child
    _check_entries(core, table, piece)


def _check_entries(core: PmapCore, table: Vnode, piece: Piece) -> None:
    first_decides = FIRST_TABLE_DECIDES in core.quirks
    if has_vnode(table, piece.entry, piece.entries, only_pages=True, first_decides=first_decides):
        raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", f"something is mapped from {Address(piece.va)} on")


# ---- the original's ways ---------------------------------------------------------------------


def _pieces(core: PmapCore, request: MapRequest) -> list[Piece]:
    level = request.level
    large = any(one.leaf_flag and one.leaf_flag & request.flags for one in core.layout.levels)
    if large and level is core.layout.pages and LARGE_FALLBACK_NOT_SPLIT in core.quirks:
        return [Piece(request.va, level.index(request.va), request.size // PAGE, 0)]
    return pieces_of(level, request.va, request.size)


def _retoff(core: PmapCore, request: MapRequest, pieces: list[Piece]) -> int:
    """The offset that was mapped from; the original moves it on with the pieces, and past a table's end."""
    if RETOFF_AFTER_SPLIT not in core.quirks or request.level is not core.layout.pages:
        return request.offset
    ends_a_table = (request.va + request.size) % request.level.span == 0
    return request.offset + (request.size if ends_a_table else pieces[-1].offset)
