"""do_map: a range of a frame into the tables, a piece for each, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..base.events import Called, MapUndone, Returned, VnodeLinked, VnodeMapped, VnodeUnlinked
from ..base.recorder import Recorder
from ..base.units import PAGE, Address, Size
from ..base.values.domains import CapRef
from .errors import (
    FIRST_TABLE_DECIDES,
    FRAME_OVERRUN,
    LARGE_FALLBACK_NOT_SPLIT,
    MAP_NOT_UNDONE,
    MODIFY_FLAGS_LOST,
    RETOFF_AFTER_SPLIT,
    TABLE_MAPPING_SLOT_LEAK,
    LibError,
    UndoLog,
    chain,
)
from .invocations import FrameIdentity, Invocations
from .layouts import (
    READ,
    TABLE_FLAGS,
    Mapped,
    Piece,
    PmapLayout,
    VnodeLevel,
    kernel_flags,
    leaf_level,
    pieces_of,
    remembered,
    round_up,
)
from .shadow_tree import ROOT_ID, RightsRun, Vnode, children_in, find_vnode, has_vnode, inside_region, overlay
from .slab import Slab
from .vspace import Vspace

# ---- core --------------------------------------------------------------------------------------
#
# What all functions of a pmap work on: its tree, its slab, its world, and how they report what they do.


P = ParamSpec("P")


T = TypeVar("T")


class PmapCore:
    """The records of one pmap.  `current`: it is the running program's own, so its slab grows by self-made mappings."""

    def __init__(
        self,
        world: Invocations,
        recorder: Recorder,
        name: str,
        layout: PmapLayout,
        root: CapRef,
        root_base: int,
        vspace: Vspace,
        *,
        current: bool,
        quirks: frozenset[str],
    ) -> None:
        self.world = world
        self.recorder = recorder
        self.name = name
        self.layout = layout
        self.vspace = vspace
        self.current = current
        self.quirks = quirks
        self.undoes = MAP_NOT_UNDONE not in quirks
        self.slab = Slab(recorder, name, layout.slab_block_bytes, layout.slab_head_bytes)
        self.root = Vnode(ROOT_ID, None, 0, 1, root, root_base, holds=layout.root)
        self.meta_used = 0
        """Bytes of the region for slab frames that were handed out."""
        self._last_id = ROOT_ID
        self.by_id = {ROOT_ID: self.root}
        """The vnodes of the tree."""

    # ---- the tree ----------------------------------------------------------------------------

    def new_id(self) -> int:
        """The id of a new vnode; none is used twice."""
        self._last_id += 1
        return self._last_id

    def link(self, node: Vnode, position: int = 0) -> None:
        """Put a vnode into its parent's list."""
        assert node.parent is not None
        node.parent.link(node, position)
        self.by_id[node.id] = node
        emit = self.recorder.emit
        if emit is not None:
            emit((VnodeLinked.tag, self.name, node.id, *_described(node)))

    def unlink(self, node: Vnode) -> int:
        """Take a vnode out of its parent's list; how many steps behind the first child it stood."""
        assert node.parent is not None
        position = node.parent.position_of(node)
        node.parent.unlink(node)
        del self.by_id[node.id]
        emit = self.recorder.emit
        if emit is not None:
            parent, *rest = _described(node)
            emit((VnodeUnlinked.tag, self.name, node.id, parent, position, *rest, node.mapping))
        return position

    def set_mapping(self, node: Vnode, mapping: CapRef | None) -> None:
        """Where the Mapping capability of a vnode lies from now on."""
        before, node.mapping = node.mapping, mapping
        emit = self.recorder.emit
        if emit is not None:
            emit((VnodeMapped.tag, self.name, node.id, before, mapping))

    # ---- the world ---------------------------------------------------------------------------

    def slot_alloc(self) -> CapRef:
        """A free slot; LIB_ERR_SLOT_ALLOC without one."""
        try:
            return self.world.slot_alloc()
        except LibError as error:
            raise error.push("LIB_ERR_SLOT_ALLOC") from None

    def cap_delete(self, ref: CapRef) -> None:
        """Delete the capability in a slot, and give the slot back."""
        with pushing("LIB_ERR_CAP_DELETE"):
            self.world.cap_delete(ref)
        self.slot_free(ref)

    def slot_free(self, ref: CapRef) -> None:
        """Give a slot back."""
        with pushing("LIB_ERR_SLOT_FREE"):
            self.world.slot_free(ref)


class pushing:  # noqa: N801  used as a statement: `with pushing(name):`
    """A caller's name is pushed on whatever error comes out of here."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, LibError):
            raise error.push(self._name) from None


def acting(
    function: Callable[Concatenate[PmapCore, P], T],
) -> Callable[Concatenate[PmapCore, P], T]:
    """Report where a function of the pmap begins, and where it is done and with what: a result, or an error's name."""
    name = function.__name__.removeprefix("_")

    @wraps(function)
    def reported(core: PmapCore, /, *args: P.args, **kwargs: P.kwargs) -> T:
        emit = core.recorder.emit
        if emit is None:
            return function(core, *args, **kwargs)
        emit((Called.tag, name, tuple(plain for value in args for plain in _plain(value))))
        try:
            result = function(core, *args, **kwargs)
        except LibError as error:
            emit((Returned.tag, error.name))
            raise
        emit((Returned.tag, next(iter(_plain(result)), None)))
        return result

    return reported


def _plain(value: Any) -> tuple[Any, ...]:
    """What an event can say of an argument or a result."""
    if value is None or isinstance(value, (bool, int, str, CapRef)):
        return (value,)
    if isinstance(value, Vnode):
        return (value.id,)
    if hasattr(value, "told"):
        return tuple(value.told())
    if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
        return (tuple(value),)
    return ()


def _described(node: Vnode) -> tuple[Any, ...]:
    assert node.parent is not None
    return (node.parent.id, node.entry, node.count, node.is_table, node.cap, node.flags, node.offset)


# ---- undo --------------------------------------------------------------------------------------
#
# All or nothing: what a request has done so far, and how to take it back.


@contextmanager
def all_or_nothing(core: PmapCore) -> Iterator[UndoLog]:
    """A log for what is done in here; an error takes it all back, unless the quirk `map-not-undone` is on."""
    log = UndoLog()
    try:
        yield log
    except LibError as error:
        if core.undoes and log.steps:
            log.take_back()
            emit = core.recorder.emit
            if emit is not None:
                emit((MapUndone.tag, core.name, str(error)))
        raise


# ---- looking -----------------------------------------------------------------------------------
#
# What the shadow tree says of an address, and of a range.


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


# ---- tables ------------------------------------------------------------------------------------
#
# Tables: finding the one for an address, making those that are missing, removing empty ones.


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
    log.add(partial(_unmap_table_again, core, node))
    core.set_mapping(node, mapping)
    return node


def _unmap_table_again(core: PmapCore, node: Vnode) -> None:
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


# ---- unmapping ---------------------------------------------------------------------------------
#
# unmap: the leaves of a range out of the tables, all of them or none.


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


# ---- mapping -----------------------------------------------------------------------------------


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


# ---- modifying ---------------------------------------------------------------------------------
#
# modify_flags: other rights for what is mapped already, for the whole range or none of it.


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
