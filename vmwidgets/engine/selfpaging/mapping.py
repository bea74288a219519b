"""Mapping: adding and removing leaves and tables, in the page tables and in the shadow tree.

Each step makes one invocation of the kernel and changes the tree accordingly, and each has a step that undoes it: a
request is done completely or not at all.  The functions, their order and their errors are those of Barrelfish's pmap
for ARM (lib/barrelfish/arch/arm/pmap_arch.c, 15 August 2016), over any :class:`.layouts.PagingLayout`.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from ..base.frozen import frozen
from ..base.recorder import kernel_function
from ..base.units import PAGE, Address, Size
from ..mmu.levels import Level
from .calls_schema import MapUndone
from .capabilities import FrameIdentity
from .cpu_driver import CpuDriver
from .cspace import SlotAllocator
from .domain_schema import CapRef
from .errors import (
    FIRST_TABLE_DECIDES,
    FRAME_OVERRUN,
    LARGE_FALLBACK_NOT_SPLIT,
    MAP_NOT_UNDONE,
    RETOFF_AFTER_SPLIT,
    TABLE_MAPPING_SLOT_LEAK,
    LibError,
    UndoLog,
    chain,
    pushing,
)
from .flags import TABLE_FLAGS, kernel_flags, overlay, remembered, runs_over
from .layouts import Mapped, PagingLayout, TablePiece, pieces, round_up
from .shadow_tree import ShadowTree, Vnode
from .slab import SlabAllocator


@frozen
class MapRequest:
    """A frame's bytes from `offset` on for [va, va + size), in whole entries of the `level` of its leaves."""

    va: int
    frame: CapRef
    identity: FrameIdentity
    offset: int
    size: int
    flags: int
    level: Level

    @classmethod
    def of(
        cls, layout: PagingLayout, va: int, frame: CapRef, identity: FrameIdentity, offset: int, size: int, flags: int
    ) -> MapRequest:
        """Return the request, widened to whole pages of the size that will be used."""
        level = layout.leaf_level(va, identity, flags)
        base = offset % level.span
        return cls(va, frame, identity, offset - base, round_up(size + base, level.span), flags, level)

    def in_events(self) -> tuple[Any, ...]:
        """The arguments of do_map."""
        return (self.va, self.frame, self.offset, self.size, self.flags)


class Mapper:
    """Changes the tables and the tree of one pmap; blocks for vnodes come from `slab`."""

    def __init__(
        self,
        kernel: CpuDriver,
        slots: SlotAllocator,
        layout: PagingLayout,
        tree: ShadowTree,
        slab: SlabAllocator,
        quirks: frozenset[str],
    ) -> None:
        self.kernel = kernel
        self.slots = slots
        self.recorder = kernel.recorder
        self.domain = kernel.domain
        self.layout = layout
        self.tree = tree
        self.slab = slab
        self.quirks = quirks
        self.undoes = MAP_NOT_UNDONE not in quirks

    def all_or_nothing(self) -> UndoLog:
        """Return a log for one request: an error undoes what was done, unless the quirk `map-not-undone` is on."""
        return UndoLog(self._report_undone, keep=not self.undoes)

    def _report_undone(self, error: LibError) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((MapUndone.tag, self.domain, f"{error}"))

    # ---- slots -------------------------------------------------------------------------------

    def slot_alloc(self) -> CapRef:
        """Allocate a slot; raises LIB_ERR_SLOT_ALLOC without a free one."""
        with pushing("LIB_ERR_SLOT_ALLOC"):
            return self.slots.allocate()

    def slot_free(self, ref: CapRef) -> None:
        """Free an empty slot."""
        with pushing("LIB_ERR_SLOT_FREE"):
            self.slots.free(ref)

    def cap_delete(self, ref: CapRef) -> None:
        """Delete the capability in a slot, and free the slot."""
        with pushing("LIB_ERR_CAP_DELETE"):
            self.kernel.cap_delete(ref)
        self.slot_free(ref)

    # ---- tables ------------------------------------------------------------------------------

    @kernel_function(errors=True)
    def alloc_vnode(self, parent: Vnode, entry: int, log: UndoLog, number: int | None = None) -> Vnode:
        """Make a new table in `entry` of `parent`: a block, a slot with the table, a slot with its Mapping."""
        assert parent.holds is not None
        level = self.layout.fmt.level(parent.holds.number - 1)
        kind = self.layout.table(level).name
        block = self.slab.allocate()
        log.add(partial(self.slab.free, block))
        cap = self.slot_alloc()
        log.add(partial(self.slot_free, cap))
        with pushing("LIB_ERR_VNODE_CREATE"):
            base = self.kernel.vnode_create(cap, kind)
        log.add(partial(self.kernel.cap_delete, cap))
        if number is None:
            number = self.tree.new_id()
        node = Vnode(number, parent, entry, 1, cap, base, kind=kind, holds=level, block=block)
        self.tree.link(node)
        log.add(partial(self.tree.unlink, node))
        mapping = self.slot_alloc()
        log.add(partial(self.slot_free, mapping))
        with pushing("LIB_ERR_PMAP_MAP"):
            self.kernel.vnode_map(parent.invokable, cap, entry, TABLE_FLAGS, 0, 1, mapping)
        log.add(partial(self._undo_alloc, node, parent, mapping))
        self.tree.set_mapping(node, mapping)
        return node

    def _undo_alloc(self, node: Vnode, parent: Vnode, mapping: CapRef) -> None:
        self.kernel.vnode_unmap(parent.invokable, mapping)
        self.kernel.cap_delete(mapping)
        self.tree.set_mapping(node, None)

    @kernel_function(first=1, errors=True)
    def get_ptable(self, va: int, level: Level, log: UndoLog) -> Vnode:
        """Return the table of `level` for `va`; missing tables on the way down are made."""
        table = self.tree.root
        while table.holds is not level:
            assert table.holds is not None
            entry = table.holds.index(va)
            child = table.by_entry.get(entry)
            if child is None:
                child = self.alloc_vnode(table, entry, log)
            elif not child.is_table:
                raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", f"a big page covers {va:#x}")
            table = child
        return table

    @kernel_function(errors=True)
    def remove_empty_vnodes(self, table: Vnode, entry: int, count: int, log: UndoLog) -> None:
        """Remove the empty tables in entries [entry, entry + count): tables are removed nowhere else."""
        for node in table.children_in(entry, count):
            if node.is_table:
                self._remove_vnode(table, node, log)

    def _remove_vnode(self, table: Vnode, node: Vnode, log: UndoLog) -> None:
        mapping = node.mapping
        if mapping is not None:
            with pushing("LIB_ERR_VNODE_UNMAP"):
                self.kernel.vnode_unmap(table.invokable, mapping)
        log.add(partial(self._undo_remove, table, node, table.position_of(node)))
        self.cap_delete(node.cap)
        if mapping is not None and TABLE_MAPPING_SLOT_LEAK not in self.quirks:
            self.slot_free(mapping)
        self.tree.unlink(node)
        self.slab.free(node.block)

    def _undo_remove(self, table: Vnode, node: Vnode, position: int) -> None:
        """Make an empty table like the removed one. If that fails, there is none: nothing was mapped in it."""
        if node.id in table.children:  # its entry was cleared, and then its capability could not be deleted
            assert node.mapping is not None
            with suppress(LibError):
                self.kernel.cap_delete(node.mapping)
                self.kernel.vnode_map(table.invokable, node.cap, node.entry, TABLE_FLAGS, 0, 1, node.mapping)
            return
        with suppress(LibError), UndoLog() as log:
            made = self.alloc_vnode(table, node.entry, log, node.id)
            if position:
                self.tree.unlink(made)
                self.tree.link(made, position)

    # ---- mapping -----------------------------------------------------------------------------

    @kernel_function(errors=True)
    def do_map(self, request: MapRequest) -> Mapped:
        """Map all of it; after an error, nothing has changed.

        Raises LIB_ERR_PMAP_FRAME_SIZE if the frame ends too soon, and LIB_ERR_PMAP_DO_MAP over any other error.
        """
        self._check_frame(request)
        parts = self._pieces(request)
        with pushing("LIB_ERR_PMAP_DO_MAP"):
            if self.undoes:
                self._check_addresses(request)
                for piece in parts:
                    self._check_room(request.level, piece)
            with self.all_or_nothing() as log:
                for piece in parts:
                    self.do_single_map(request, piece, log)
        return Mapped(self._retoff(request, parts), request.size)

    @kernel_function(errors=True)
    def do_single_map(self, request: MapRequest, piece: TablePiece, log: UndoLog) -> Vnode:
        """Map one leaf in one table; missing tables above it are made, and empty ones in its way are removed."""
        table = self.tree.root
        if request.level is not table.holds:
            with pushing("LIB_ERR_PMAP_GET_PTABLE"):
                table = self.get_ptable(piece.va, request.level, log)
        self._check_entries(table, piece)
        if table.children_in(piece.entry, piece.entries):
            self.remove_empty_vnodes(table, piece.entry, piece.entries, log)
        return self._link_leaf(table, request, piece, log)

    def _link_leaf(self, table: Vnode, request: MapRequest, piece: TablePiece, log: UndoLog) -> Vnode:
        offset, flags = request.offset + piece.offset, remembered(request.flags)
        base, frame = request.identity.base + offset, request.frame
        block = self.slab.allocate()
        log.add(partial(self.slab.free, block))
        number = self.tree.new_id()
        leaf = Vnode(number, table, piece.entry, piece.entries, frame, base, flags=flags, offset=offset, block=block)
        self.tree.link(leaf)
        log.add(partial(self.tree.unlink, leaf))
        mapping = self.slot_alloc()
        bits = kernel_flags(flags)
        try:
            self.kernel.vnode_map(table.invokable, frame, piece.entry, bits, offset, piece.entries, mapping)
        except LibError as error:
            self.slot_free(mapping)
            raise error.push("LIB_ERR_VNODE_MAP") from None
        log.add(partial(self._undo_leaf, table, mapping))
        self.tree.set_mapping(leaf, mapping)
        return leaf

    def _undo_leaf(self, table: Vnode, mapping: CapRef) -> None:
        self.kernel.vnode_unmap(table.invokable, mapping)
        self.cap_delete(mapping)

    # ---- deciding ----------------------------------------------------------------------------

    def _check_frame(self, request: MapRequest) -> None:
        needed = request.size if FRAME_OVERRUN in self.quirks else request.offset + request.size
        if request.identity.bytes < needed:
            held = Size(request.identity.bytes)
            raise LibError("LIB_ERR_PMAP_FRAME_SIZE", f"{Size(needed)} of a frame of {held} are to be mapped")

    def _check_addresses(self, request: MapRequest) -> None:
        """Refuse what the kernel would refuse in the root, since the kernel would do so a piece too late."""
        if request.va + request.size <= self.layout.user_end:
            return
        inner = ("LIB_ERR_PMAP_GET_PTABLE", "LIB_ERR_PMAP_MAP")
        names = ("LIB_ERR_VNODE_MAP",) if request.level is self.layout.root else inner
        where = f"addresses from {Address(self.layout.user_end)} on are the kernel's"
        raise chain(*names, "SYS_ERR_VNODE_SLOT_RESERVED", detail=where)

    def _check_room(self, level: Level, piece: TablePiece) -> None:
        """Refuse a piece that has a leaf in its way; the tables for the piece need not exist yet."""
        table = self.tree.root
        while table.holds is not level:
            assert table.holds is not None
            child = table.by_entry.get(table.holds.index(piece.va))
            if child is None:
                return
            if not child.is_table:
                raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", f"a big page covers {Address(piece.va)}")
            table = child
        self._check_entries(table, piece)

    def _check_entries(self, table: Vnode, piece: TablePiece) -> None:
        first_decides = FIRST_TABLE_DECIDES in self.quirks
        if table.maps_any(piece.entry, piece.entries, first_decides=first_decides):
            raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", f"something is mapped from {Address(piece.va)} on")

    def _pieces(self, request: MapRequest) -> list[TablePiece]:
        level = request.level
        falls_back = level is self.layout.pages and self.layout.large_unit(request.flags)
        if falls_back and LARGE_FALLBACK_NOT_SPLIT in self.quirks:
            return [TablePiece(request.va, level.index(request.va), request.size // PAGE, 0)]
        return pieces(level, request.va, request.size)

    def _retoff(self, request: MapRequest, parts: list[TablePiece]) -> int:
        """Return the offset from which it mapped; the original advances it with the pieces, and past a table's end."""
        if RETOFF_AFTER_SPLIT not in self.quirks or request.level is not self.layout.pages:
            return request.offset
        ends_a_table = (request.va + request.size) % request.level.table_span == 0
        return request.offset + (request.size if ends_a_table else parts[-1].offset)

    # ---- unmapping ---------------------------------------------------------------------------

    @kernel_function(errors=True)
    def do_single_unmap(self, leaf: Vnode, log: UndoLog) -> None:
        """Remove one leaf from its table: its entries, its Mapping, its slot, its block.  The table stays."""
        table = leaf.parent
        assert table is not None
        with pushing("LIB_ERR_VNODE_UNMAP"):
            mapping = leaf.mapping_slot()
            self.kernel.vnode_unmap(table.invokable, mapping)
        log.add(partial(self._undo_unmap, leaf))
        try:
            self.cap_delete(mapping)
        finally:
            log.add(partial(self._undo_delete, leaf))
        position = self.tree.unlink(leaf)
        self.slab.free(leaf.block)
        log.add(partial(self._undo_unlink, leaf, position))

    def _undo_unlink(self, leaf: Vnode, position: int) -> None:
        leaf.block = self.slab.allocate()
        self.tree.link(leaf, position)
        self.tree.set_mapping(leaf, None)

    def _undo_delete(self, leaf: Vnode) -> None:
        self.tree.set_mapping(leaf, self.slot_alloc())

    def _undo_unmap(self, leaf: Vnode) -> None:
        assert leaf.parent is not None and leaf.mapping is not None
        mapping, bits = leaf.mapping, kernel_flags(leaf.flags)
        self.kernel.vnode_map(leaf.parent.invokable, leaf.cap, leaf.entry, bits, leaf.offset, leaf.count, mapping)
        for run in leaf.modified:
            self.kernel.mapping_modify_flags(mapping, run.start, run.end - run.start, kernel_flags(run.flags))

    # ---- modifying ---------------------------------------------------------------------------

    @kernel_function(errors=True)
    def do_single_modify_flags(self, leaf: Vnode, first: int, count: int, flags: int, log: UndoLog) -> None:
        """Make the kernel rewrite the rights of `count` entries of a leaf, from its own entry `first` on."""
        mapping, before = leaf.mapping_slot(), leaf.modified
        self.kernel.mapping_modify_flags(mapping, first, count, kernel_flags(flags))
        log.add(partial(self._undo_modify, leaf, first, first + count))
        leaf.modified = overlay(before, first, first + count, flags)
        log.add(partial(setattr, leaf, "modified", before))

    def _undo_modify(self, leaf: Vnode, first: int, end: int) -> None:
        mapping = leaf.mapping_slot()
        for run in runs_over(leaf.modified, first, end, leaf.flags):
            self.kernel.mapping_modify_flags(mapping, run.start, run.end - run.start, kernel_flags(run.flags))
