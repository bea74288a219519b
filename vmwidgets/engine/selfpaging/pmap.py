"""The pmap: the part of a program's library that maps its own memory, and remembers its mappings in a shadow tree.

The kernel writes each descriptor that it requests.  The functions, their order and their errors are those of
Barrelfish's pmap for ARM (lib/barrelfish/arch/arm/pmap_arch.c, 15 August 2016), over any
:class:`.layouts.PagingLayout`.  All or nothing: an error leaves mappings, slots, blocks and tables as they were, except
for completed rounds of a refill.

Vnodes are blocks of the pmap's slab, which is cut from frames that the pmap maps itself, or from the heap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..base.errors import Broken, Refused, in_ascii
from ..base.frozen import frozen
from ..base.recorder import Recorder, kernel_function
from ..base.units import PAGE, Address, Size, round_up
from ..mmu.levels import Level
from .calls_schema import BlockGiven, BlockTaken, MapUndone, MetaDataMoved, SlabGrown, SlabRefillBegan, SlabRefillEnded
from .capabilities import FrameIdentity, SlotAllocator
from .cpu_driver import CpuDriver
from .domain_schema import CapRef, SlabAllocatorValue, SlabFold, SlabHeadValue, Vregion
from .errors import (
    BARRELFISH_QUIRKS,
    FIRST_TABLE_DECIDES,
    FRAME_OVERRUN,
    LARGE_FALLBACK_NOT_SPLIT,
    MAP_NOT_UNDONE,
    MODIFY_FLAGS_LOST,
    RAW_WRONG_WINDOW,
    RETOFF_AFTER_SPLIT,
    TABLE_MAPPING_SLOT_LEAK,
    LibError,
    UndoLog,
    chain,
    pushing,
)
from .flags import READ, READ_WRITE, TABLE_FLAGS, FlagRun, flag_names, kernel_flags, overlay, remembered, runs_over
from .layouts import MapCall, Mapped, PagingLayout, TablePiece, pieces
from .shadow_tree import ShadowTree, Vnode
from .vspace import Vspace

# ---- the slab ----------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class SlabHead:
    """A piece of memory with blocks [first, first + blocks); its `address` is 0 if it is not a mapped frame."""

    address: int
    bytes: int
    first: int
    blocks: int
    untouched: int
    """The first block that was never allocated."""
    freed: list[int] = field(default_factory=list)

    @property
    def free_blocks(self) -> int:
        """The number of free blocks."""
        return len(self.freed) + self.first + self.blocks - self.untouched


class SlabAllocator:
    """Blocks of `block_bytes`; the head of each piece of memory takes `head_bytes`.

    The slab grows and never shrinks.  Blocks are numbered from 1 on. The cost of allocating and freeing does not depend
    on the number of heads.

    >>> slab = SlabAllocator(Recorder(), "demo", block_bytes=64, head_bytes=16)
    >>> slab.grow(0, 512), slab.allocate(), slab.free_blocks
    (7, 1, 6)
    """

    def __init__(self, recorder: Recorder, domain: str, block_bytes: int, head_bytes: int) -> None:
        self._recorder = recorder
        self._domain = domain
        self.block_bytes = block_bytes
        self.head_bytes = head_bytes
        self.total = 0
        """Blocks, free or not."""
        self.free_blocks = 0
        self._heads: list[SlabHead] = []
        self._with_free: list[SlabHead] = []
        self._head_of: dict[int, SlabHead] = {}

    def bytes_for(self, blocks: int) -> int:
        """Return the number of bytes needed for this many blocks."""
        return self.block_bytes * blocks + self.head_bytes

    def grow(self, address: int, size: int) -> int:
        """Add `size` bytes at `address`; returns the number of new blocks."""
        blocks = (size - self.head_bytes) // self.block_bytes
        if blocks < 1:
            raise Refused(f"{size} bytes give no block of {self.block_bytes} beside a head of {self.head_bytes}")
        head = SlabHead(address, size, self.total + 1, blocks, self.total + 1)
        self._heads.append(head)
        self._with_free.append(head)
        self.total += blocks
        self.free_blocks += blocks
        self._recorder.report(SlabGrown.tag, self._domain, address, size, blocks)
        return blocks

    def allocate(self) -> int:
        """Allocate a block; raises LIB_ERR_SLAB_ALLOC_FAIL without a free one."""
        if not self.free_blocks:
            self._recorder.report(BlockTaken.tag, self._domain, None, 0)
            raise LibError("LIB_ERR_SLAB_ALLOC_FAIL")
        head = self._with_free[-1]
        if head.freed:
            block = head.freed.pop()
        else:
            block = head.untouched
            head.untouched += 1
        if not head.free_blocks:
            self._with_free.pop()
        self._head_of[block] = head
        self.free_blocks -= 1
        self._recorder.report(BlockTaken.tag, self._domain, block, self.free_blocks)
        return block

    def free(self, block: int) -> None:
        """Free a block that is allocated."""
        head = self._head_of.pop(block, None)
        if head is None:
            raise Broken(f"block {block} of the slab of {self._domain} is freed, and was not allocated")
        if not head.free_blocks:
            self._with_free.append(head)
        head.freed.append(block)
        self.free_blocks += 1
        self._recorder.report(BlockGiven.tag, self._domain, block, self.free_blocks)

    def allocated(self) -> Iterator[int]:
        """The blocks in use."""
        return iter(self._head_of)

    def snapshot(self) -> SlabAllocatorValue:
        """Return its heads, newest first."""
        return self.window(len(self._heads))

    def window(self, newest: int, blocks: Iterable[int] = ()) -> SlabAllocatorValue:
        """Return the `newest` heads and those of `blocks`, the others as counts; O(shown heads × log heads)."""
        shown = set(range(max(0, len(self._heads) - newest), len(self._heads)))
        for block in blocks:
            if 1 <= block <= self.total:
                shown.add(bisect_right(self._heads, block, key=lambda head: head.first) - 1)
        heads = []
        for number in sorted(shown, reverse=True):
            head = self._heads[number]
            heads.append(SlabHeadValue(head.address, head.bytes, head.blocks, head.free_blocks, number + 1, head.first))
        blocks_there, free = sum(head.blocks for head in heads), sum(head.free for head in heads)
        rest = SlabFold(len(self._heads) - len(heads), self.total - blocks_there, self.free_blocks - free)
        return SlabAllocatorValue(self.block_bytes, self.total, self.free_blocks, tuple(heads), rest)

    def check(self) -> None:
        """Raise `Broken` unless the numbered invariants hold.

        1 the heads add up; 2 a block is free or allocated, never both; 3 the heads with free blocks are listed.
        """
        heads, free = self._heads, self.free_blocks
        if (sum(head.blocks for head in heads), sum(head.free_blocks for head in heads)) != (self.total, free):
            raise Broken(f"slab invariant 1: the heads of {self._domain} do not add up to {free} of {self.total}")
        freed = {block for head in heads for block in head.freed}
        never = self.total - sum(head.untouched - head.first for head in heads)
        whole = len(freed) + never == free and len(self._head_of) + free == self.total
        if not whole or freed & set(self._head_of):
            raise Broken(f"slab invariant 2: a block of {self._domain} is both free and allocated, or neither")
        if {id(head) for head in self._heads if head.free_blocks} != {id(head) for head in self._with_free}:
            raise Broken(f"slab invariant 3: the list of heads of {self._domain} with free blocks is wrong")


# ---- the pmap ----------------------------------------------------------------------------------


class Found(NamedTuple):
    """The result of a lookup: the leaf [va, va + size) that covers an address, and the frame's bytes that it shows."""

    va: int
    size: int
    frame: CapRef
    offset: int
    flags: int

    @in_ascii
    def __repr__(self) -> str:
        flags = " ".join(flag_names(self.flags)) or "no access"
        where = f"{Address(self.va)}–{Address(self.va + self.size)}"
        return f"<{where} {Size(self.size)}: {self.frame} from byte {self.offset:#x}, {flags}>"


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


class DomainPmap:
    """One program's pmap, which calls the `kernel`; `quirks` switch on bugs of the original.

    `current`: it is the running program's own; otherwise, its blocks come from the heap. `root` is the root table's
    capability; `foreign_root`: this is in another cspace, so a copy is invoked.
    """

    def __init__(
        self,
        kernel: CpuDriver,
        slots: SlotAllocator,
        layout: PagingLayout,
        root: CapRef,
        *,
        current: bool = True,
        foreign_root: bool = False,
        quirks: frozenset[str] = frozenset(),
    ) -> None:
        unknown = quirks - set(BARRELFISH_QUIRKS)
        if unknown:
            raise Refused(
                f"{', '.join(sorted(unknown))}: not a quirk of the pmap; known are {', '.join(BARRELFISH_QUIRKS)}"
            )
        self.kernel = kernel
        self.slots = slots
        self.recorder = recorder = kernel.recorder
        self.name = name = kernel.domain
        self.layout = layout
        self.current = current
        self.quirks = quirks
        self.vspace = Vspace(recorder, name)
        self.slab = SlabAllocator(recorder, name, layout.slab_block_bytes, layout.slab_head_bytes)
        self.tree = ShadowTree(recorder, name, layout, root, kernel.cspace.lookup(root).object.base)
        self.meta_used = 0
        """The number of bytes in use in the region for slab frames; it only grows."""
        self.undo = UndoLog(self._report_undone, keep=MAP_NOT_UNDONE in quirks)
        """The steps that undo what the request in progress has done."""
        self._pmap_init(foreign_root)
        if current:
            self._pmap_current_init()

    @kernel_function(errors=True)
    def _pmap_init(self, foreign_root: bool) -> None:
        """Add the pmap's own buffer to its slab, and make the root invocable."""
        self.slab.grow(0, self.layout.slab_buffer_bytes)
        if not foreign_root:
            return
        copy = self.slots.allocate()
        try:
            with pushing("LIB_ERR_CAP_COPY_FAIL"):
                self.kernel.cap_copy(copy, self.tree.root.cap)
        except LibError:
            self.slots.free(copy)
            raise
        self.tree.root.invokable = copy

    @kernel_function(errors=True)
    def _pmap_current_init(self) -> None:
        """Add the region for slab frames, the vspace's first."""
        self.vspace.add(Vregion(self.vspace.new_id(), self.layout.vspace_begin, self.layout.meta_data_bytes))

    @property
    def meta_range(self) -> tuple[int, int]:
        """The addresses for slab frames, [first, end); empty if the pmap is not the running program's own."""
        return (self.layout.vspace_begin, self.layout.meta_end) if self.current else (0, 0)

    # ---- tables ------------------------------------------------------------------------------

    def cap_delete(self, ref: CapRef) -> None:
        """Delete the capability in a slot, and free the slot."""
        with pushing("LIB_ERR_CAP_DELETE"):
            self.kernel.cap_delete(ref)
        self.slots.free(ref)

    @kernel_function(errors=True)
    def alloc_vnode(self, parent: Vnode, entry: int, number: int | None = None) -> Vnode:
        """Make a new table in `entry` of `parent`: a block, a slot with the table, a slot with its Mapping."""
        assert parent.holds is not None
        level = self.layout.fmt.level(parent.holds.number - 1)
        kind = self.layout.table(level).name
        block = self.slab.allocate()
        self.undo.add(self.slab.free, block)
        cap = self.slots.allocate()
        self.undo.add(self.slots.free, cap)
        with pushing("LIB_ERR_VNODE_CREATE"):
            base = self.kernel.vnode_create(cap, kind)
        self.undo.add(self.kernel.cap_delete, cap)
        number = self.tree.new_id() if number is None else number
        node = Vnode(number, parent, entry, 1, cap, base, kind=kind, holds=level, block=block)
        self.tree.link(node)
        self.undo.add(self.tree.unlink, node)
        mapping = self.slots.allocate()
        self.undo.add(self.slots.free, mapping)
        with pushing("LIB_ERR_PMAP_MAP"):
            self.kernel.vnode_map(parent.invokable, cap, entry, TABLE_FLAGS, 0, 1, mapping)
        self.undo.add(self._unmap_again, node, mapping)
        self.tree.set_mapping(node, mapping)
        return node

    @kernel_function(first=1, errors=True)
    def get_ptable(self, va: int, level: Level) -> Vnode:
        """Return the table of `level` for `va`; missing tables on the way down are made."""
        table = self.tree.root
        while table.holds is not level:
            assert table.holds is not None
            entry = table.holds.index(va)
            child = table.by_entry.get(entry)
            if child is None:
                child = self.alloc_vnode(table, entry)
            elif not child.is_table:
                raise LibError("LIB_ERR_PMAP_EXISTING_MAPPING", f"a big page covers {va:#x}")
            table = child
        return table

    @kernel_function(errors=True)
    def remove_empty_vnodes(self, table: Vnode, entry: int, count: int) -> None:
        """Remove the empty tables in entries [entry, entry + count): tables are removed nowhere else."""
        for node in table.children_in(entry, count):
            if node.is_table:
                self._remove_vnode(table, node)

    def _remove_vnode(self, table: Vnode, node: Vnode) -> None:
        mapping, position = node.mapping, table.position_of(node)
        if mapping is not None:
            with pushing("LIB_ERR_VNODE_UNMAP"):
                self.kernel.vnode_unmap(table.invokable, mapping)
        self.cap_delete(node.cap)
        if mapping is not None and TABLE_MAPPING_SLOT_LEAK not in self.quirks:
            if self.kernel.cspace.is_empty(mapping):
                self.slots.free(mapping)
            else:  # the program has a copy of the table's capability, so the Mapping was not deleted with it
                self.cap_delete(mapping)
        self.tree.unlink(node)
        self.slab.free(node.block)
        self.undo.add(self._map_again, node, position)

    # ---- mapping -----------------------------------------------------------------------------

    @kernel_function(errors=True)
    def do_single_map(self, request: MapRequest, piece: TablePiece) -> Vnode:
        """Map one leaf in one table; missing tables above it are made, and empty ones in its way are removed."""
        table = self.tree.root
        if request.level is not table.holds:
            with pushing("LIB_ERR_PMAP_GET_PTABLE"):
                table = self.get_ptable(piece.va, request.level)
        if table.children_in(piece.entry, piece.entries):
            self._check_entries(table, piece)
            self.remove_empty_vnodes(table, piece.entry, piece.entries)
        return self._link_leaf(table, request, piece)

    def _link_leaf(self, table: Vnode, request: MapRequest, piece: TablePiece) -> Vnode:
        offset, flags = request.offset + piece.offset, remembered(request.flags)
        base, frame, bits = request.identity.base + offset, request.frame, kernel_flags(flags)
        block = self.slab.allocate()
        self.undo.add(self.slab.free, block)
        number = self.tree.new_id()
        leaf = Vnode(number, table, piece.entry, piece.entries, frame, base, flags=flags, offset=offset, block=block)
        self.tree.link(leaf)
        self.undo.add(self.tree.unlink, leaf)
        mapping = self.slots.allocate()
        try:
            self.kernel.vnode_map(table.invokable, frame, piece.entry, bits, offset, piece.entries, mapping)
        except LibError as error:
            self.slots.free(mapping)
            raise error.push("LIB_ERR_VNODE_MAP") from None
        self.undo.add(self.slots.free, mapping)
        self.undo.add(self._unmap_again, leaf, mapping)
        self.tree.set_mapping(leaf, mapping)
        return leaf

    @kernel_function(errors=True)
    def do_map(self, request: MapRequest) -> Mapped:
        """Map all of it; after an error, nothing has changed.

        Raises LIB_ERR_PMAP_FRAME_SIZE if the frame ends too soon, and LIB_ERR_PMAP_DO_MAP over any other error.
        """
        needed = request.size if FRAME_OVERRUN in self.quirks else request.offset + request.size
        if request.identity.bytes < needed:
            held = Size(request.identity.bytes)
            raise LibError("LIB_ERR_PMAP_FRAME_SIZE", f"{Size(needed)} of a frame of {held} was to be mapped")
        parts = self._pieces(request)
        with pushing("LIB_ERR_PMAP_DO_MAP"):
            if MAP_NOT_UNDONE not in self.quirks:
                self._check_addresses(request)
                for piece in parts:
                    self._check_room(request.level, piece)
            with self.undo:
                for piece in parts:
                    self.do_single_map(request, piece)
        return Mapped(self._retoff(request, parts), request.size)

    @kernel_function(errors=True)
    def map(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> Mapped:
        """Map `size` bytes of a frame from byte `offset` on at `va`; returns the resulting offset and size.

        Both are widened to whole pages: of 1 MiB (x86-64: 2 MiB), if `flags` have LARGE and address and frame allow it.
        """
        if va < 0 or va % PAGE:
            where = Address(va) if va >= 0 else va
            raise Refused(f"map at {where}: an address that begins a page of {PAGE} bytes is needed")
        if offset < 0:
            raise Refused(f"map from offset {offset}: a frame begins at 0")
        kernel_flags(remembered(flags))
        _check_size(size)
        request = MapRequest.of(self.layout, va, frame, self._identify(frame), offset, size, flags)
        self._have_slabs(self.layout.slabs_wanted(request.level, va, size, request.size))
        return self.do_map(request)

    def exact_parts(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> list[MapCall]:
        """Return the calls of :meth:`map` that show whole pages of a frame at `va` and nothing beyond; nothing changes.

        If large pages are requested, those completely inside are large. Raises LIB_ERR_PMAP_FRAME_IDENTIFY.
        """
        return self.layout.exact_parts(self._identify(frame), MapCall(va, offset, size, flags))

    def _identify(self, frame: CapRef) -> FrameIdentity:
        with pushing("LIB_ERR_PMAP_FRAME_IDENTIFY"):
            return self.kernel.frame_identify(frame)

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
        return [*pieces(level, request.va, request.size)]

    def _retoff(self, request: MapRequest, parts: list[TablePiece]) -> int:
        """Return the offset from which it mapped; the original advances it with the pieces, and past a table's end."""
        is_split = request.level is self.layout.pages
        if LARGE_FALLBACK_NOT_SPLIT in self.quirks and self.layout.large_unit(request.flags):
            is_split = False
        if RETOFF_AFTER_SPLIT not in self.quirks or not is_split:
            return request.offset
        ends_a_table = (request.va + request.size) % request.level.table_span == 0
        return request.offset + (request.size if ends_a_table else parts[-1].offset)

    # ---- blocks for vnodes -------------------------------------------------------------------

    def _have_slabs(self, wanted: int) -> None:
        """Make sure that `wanted` blocks are free: from frames that the pmap maps itself, or from the heap."""
        if self.slab.free_blocks >= wanted:
            return
        if self.current:
            with pushing("LIB_ERR_SLAB_REFILL"):
                self._refill_slabs(wanted, 1)
            return
        size = self._refill_began(wanted, 1)
        with pushing("LIB_ERR_MALLOC_FAIL"):
            self.kernel.malloc(size)
        self.slab.grow(0, size)
        self._refill_ended(1)

    @kernel_function(errors=True)
    def _refill_slabs(self, request: int, level: int) -> None:
        """Map frames for blocks until `request` are free; completed rounds stay if a later one fails.

        Mapping a frame may need more blocks than there are: these are provided first, from a smaller frame, and `level`
        counts this nesting. A page can always be mapped, since every map leaves a reserve.
        """
        while self.slab.free_blocks < request:
            size = self._refill_began(request, level)
            with self.undo:
                with pushing("LIB_ERR_FRAME_ALLOC"):
                    frame, got = self.kernel.frame_alloc(self.slots, size)
                self.undo.add(self.cap_delete, frame)
                self._grow_slab(frame, got, level)
        self._refill_ended(level)

    def _grow_slab(self, frame: CapRef, size: int, level: int) -> None:
        """Map a frame after the slab's others, and cut it into blocks."""
        needed = self.layout.max_slabs_required(size)
        if self.slab.free_blocks < needed and size > PAGE:
            with pushing("LIB_ERR_SLAB_REFILL"):
                self._refill_slabs(needed, level + 1)
        used, va = self.meta_used, self.layout.vspace_begin + self.meta_used
        if used + size > self.layout.meta_data_bytes:
            left = Size(self.layout.meta_data_bytes - used)
            why = f"{left} are left for the pmap's own frames, not {Size(size)}"
            raise LibError("LIB_ERR_OUT_OF_VIRTUAL_ADDR", why)
        self._move_meta_data(used + size)
        self.undo.add(self._move_meta_data, used)
        identity = FrameIdentity(self.kernel.frame_identify(frame).base, size)
        with pushing("LIB_ERR_PMAP_DO_MAP"):
            self.do_map(MapRequest.of(self.layout, va, frame, identity, 0, size, READ_WRITE))
        self.slab.grow(va, size)

    def _move_meta_data(self, used: int) -> None:
        before, self.meta_used = self.meta_used, used
        start = self.layout.vspace_begin
        self.recorder.report(MetaDataMoved.tag, self.name, start + before, start + used)

    def _refill_began(self, wanted: int, level: int) -> int:
        """Report that a refill begins; returns the number of bytes that it requests."""
        missing = wanted - self.slab.free_blocks
        size = self.slab.bytes_for(missing)
        self.recorder.report(SlabRefillBegan.tag, self.name, missing, size, level)
        return size

    def _refill_ended(self, level: int) -> None:
        self.recorder.report(SlabRefillEnded.tag, self.name, level)

    # ---- unmapping ---------------------------------------------------------------------------

    @kernel_function(errors=True)
    def do_single_unmap(self, leaf: Vnode) -> None:
        """Remove one leaf from its table: its entries, its Mapping, its slot, its block.  The table stays."""
        table = leaf.parent
        assert table is not None
        position = table.position_of(leaf)
        with pushing("LIB_ERR_VNODE_UNMAP"):
            mapping = leaf.mapping_slot()
            self.kernel.vnode_unmap(table.invokable, mapping)
        self.cap_delete(mapping)
        self.tree.unlink(leaf)
        self.slab.free(leaf.block)
        self.undo.add(self._map_again, leaf, position)

    @kernel_function(errors=True)
    def unmap(self, va: int, size: int) -> int:
        """Unmap [va, va + size), rounded up to pages; returns the number of bytes unmapped.

        In each table, the range must be exactly one mapping: otherwise, raises LIB_ERR_PMAP_UNMAP, with nothing
        changed. Empty tables stay, to be used again.
        """
        if size <= 0:
            raise chain("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE", detail=f"{size} bytes are not a mapping")
        size = round_up(size, PAGE)
        leaves = self.tree.leaves_to_unmap(va, size)
        with pushing("LIB_ERR_PMAP_UNMAP"), self.undo:
            for leaf in leaves:
                self.do_single_unmap(leaf)
        return size

    # ---- flags -------------------------------------------------------------------------------

    @kernel_function(errors=True)
    def do_single_modify_flags(self, leaf: Vnode, first: int, count: int, flags: int) -> None:
        """Make the kernel rewrite the rights of `count` entries of a leaf, from its own entry `first` on."""
        before = leaf.modified
        self._set_flags(leaf, [FlagRun(first, first + count, flags)])
        leaf.modified = overlay(before, first, first + count, flags)
        self.undo.add(self._modify_again, leaf, first, first + count, before)

    def _set_flags(self, leaf: Vnode, runs: Iterable[FlagRun]) -> None:
        mapping = leaf.mapping_slot()
        for run in runs:
            self.kernel.mapping_modify_flags(mapping, run.start, run.end - run.start, kernel_flags(run.flags))

    @kernel_function(errors=True)
    def modify_flags(self, va: int, size: int, flags: int) -> int:
        """Change the flags of [va, va + size), rounded up to pages; returns the number of bytes changed.

        Each piece of the range, one for each table, must be in one leaf: otherwise, raises LIB_ERR_PMAP_MODIFY_FLAGS,
        with nothing changed. A range without any mapping is not an error: there is nothing to change. The tree
        continues to remember the original flags.
        """
        if size <= 0:
            names = ("LIB_ERR_PMAP_MODIFY_FLAGS", "LIB_ERR_PMAP_FIND_VNODE")
            raise chain(*names, detail=f"{size} bytes are not a range of a mapping")
        size = round_up(size, PAGE)
        flags = remembered(flags)
        kernel_flags(flags)
        if not self.tree.maps_anything(va, va + size):
            return size
        with pushing("LIB_ERR_PMAP_MODIFY_FLAGS"):
            runs = self.tree.runs_to_modify(va, size)
            with self.undo:
                for number, (leaf, first, end) in enumerate(runs):
                    passed_on = flags
                    if MODIFY_FLAGS_LOST in self.quirks:
                        passed_on = READ if number else 0
                    self.do_single_modify_flags(leaf, first, end - first, passed_on)
        return size

    # ---- looking and placing -----------------------------------------------------------------

    @kernel_function(first=1, errors=True)
    def lookup(self, va: int) -> Found:
        """Return what is mapped at `va`; raises LIB_ERR_PMAP_LOOKUP if nothing is.

        O(levels). The original has no such function.
        """
        leaf = self.tree.leaf_at(va)
        if leaf is None:
            raise LibError("LIB_ERR_PMAP_LOOKUP")
        return Found(leaf.va, leaf.end - leaf.va, leaf.cap, leaf.offset, leaf.flags)

    @kernel_function(errors=True)
    def determine_addr(self, size: int, alignment: int = 0) -> int:
        """Return the lowest address after a region with `size` free bytes before the next one, or else after the last.

        `alignment` is in bytes, 0 for a page's. Gaps below the region of the slab frames are skipped. Raises
        LIB_ERR_OUT_OF_VIRTUAL_ADDR if the user's addresses end too soon. O(log regions), and O(gaps of that size).
        """
        _check_size(size)
        alignment = round_up(alignment, PAGE) or PAGE
        size = round_up(size, alignment)
        begin, last = self.layout.vspace_begin, self.vspace.last
        gap = self.vspace.lowest_gap(size, alignment, begin)
        if gap is not None:
            return round_up(gap, alignment)
        answer = round_up(begin if last is None else last.page_end, alignment)
        if answer + size > self.layout.user_end:
            raise LibError("LIB_ERR_OUT_OF_VIRTUAL_ADDR", f"no {Size(size)} are free behind the last region")
        return answer

    @kernel_function(errors=True)
    def determine_addr_raw(self, size: int, alignment: int = 0) -> int:
        """Return the address of free entries of the root with room for `size` bytes, whatever the vspace says.

        `alignment` is as for :meth:`determine_addr`. Raises LIB_ERR_OUT_OF_VIRTUAL_ADDR if there is no such run of
        entries.
        """
        _check_size(size)
        alignment = round_up(alignment, PAGE) or PAGE
        wrong = RAW_WRONG_WINDOW in self.quirks
        searched = self.layout.raw
        if wrong and self.layout.raw_quirk is not None:
            searched = self.layout.raw_quirk
        needed = -(-round_up(size, alignment) // self.layout.root.span)
        free = 0
        for entry in range(searched.first, searched.end):
            if entry in self.tree.root.by_entry:
                free = 0
                continue
            if not free and not wrong and entry * searched.answer % alignment:
                continue
            free += 1
            if free >= needed:
                return (entry + 1 - free) * searched.answer
        raise LibError("LIB_ERR_OUT_OF_VIRTUAL_ADDR", f"no {Size(size)} of the root's entries are free in a row")

    # ---- undoing -----------------------------------------------------------------------------

    def _unmap_again(self, node: Vnode, mapping: CapRef) -> None:
        """Undo the kernel's part of a new table or leaf; other steps undo the rest."""
        assert node.parent is not None
        self.kernel.vnode_unmap(node.parent.invokable, mapping)
        self.kernel.cap_delete(mapping)
        if node.is_table:
            self.tree.set_mapping(node, None)

    def _map_again(self, node: Vnode, position: int) -> None:
        """Undo the removal of a leaf or of an empty table.  A table that can't be made again was not needed."""
        table = node.parent
        assert table is not None
        if node.is_table:
            with suppress(LibError), self.undo.silent():
                made = self.alloc_vnode(table, node.entry, node.id)
                if position:
                    self.tree.unlink(made)
                    self.tree.link(made, position)
            return
        node.block = self.slab.allocate()
        self.tree.link(node, position)
        self.tree.set_mapping(node, None)
        mapping, bits = self.slots.allocate(), kernel_flags(node.flags)
        self.tree.set_mapping(node, mapping)
        self.kernel.vnode_map(table.invokable, node.cap, node.entry, bits, node.offset, node.count, mapping)
        self._set_flags(node, node.modified)

    def _modify_again(self, leaf: Vnode, first: int, end: int, before: tuple[FlagRun, ...]) -> None:
        """Undo a change of flags."""
        leaf.modified = before
        self._set_flags(leaf, runs_over(before, first, end, leaf.flags))

    def _report_undone(self, error: LibError) -> None:
        self.recorder.report(MapUndone.tag, self.name, f"{error}")


def _check_size(size: int) -> None:
    if size <= 0:
        raise Refused(f"a range of {size} bytes: at least one is needed")
