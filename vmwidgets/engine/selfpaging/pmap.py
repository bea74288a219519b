"""The pmap: the part of a program's library that maps its own memory.

The kernel writes each descriptor that it requests. It is Barrelfish's for ARM (lib/barrelfish/arch/arm/pmap_arch.c, 15
August 2016), over any :class:`.layouts.PagingLayout`.  All or nothing: an error leaves mappings, slots, blocks and
tables as they were, except for completed rounds of a refill.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from ..base.errors import Refused, in_ascii
from ..base.recorder import kernel_function
from ..base.units import PAGE, Address, Size
from .calls_schema import MetaDataMoved, SlabRefillBegan, SlabRefillEnded
from .capabilities import FrameIdentity
from .cpu_driver import CpuDriver
from .cspace import SlotAllocator
from .domain_schema import CapRef
from .errors import BARRELFISH_QUIRKS, MODIFY_FLAGS_LOST, RAW_WRONG_WINDOW, LibError, chain, pushing
from .flags import READ, READ_WRITE, flag_names, kernel_flags, remembered
from .layouts import MapCall, Mapped, PagingLayout, round_up
from .mapping import Mapper, MapRequest
from .shadow_tree import ShadowTree
from .slab import SlabAllocator
from .vspace import Vregion, Vspace


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
        self._mapper = Mapper(kernel, slots, layout, self.tree, self.slab, quirks)
        self._pmap_init(foreign_root)
        if current:
            self._pmap_current_init()

    @kernel_function(errors=True)
    def _pmap_init(self, foreign_root: bool) -> None:
        """Add the pmap's own buffer to its slab, and make the root invocable."""
        self.slab.grow(0, self.layout.slab_buffer_bytes)
        if not foreign_root:
            return
        copy = self._mapper.slot_alloc()
        try:
            with pushing("LIB_ERR_CAP_COPY_FAIL"):
                self.kernel.cap_copy(copy, self.tree.root.cap)
        except LibError:
            self._mapper.slot_free(copy)
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

    # ---- mapping -----------------------------------------------------------------------------

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
        return self._map(va, frame, offset, _positive(size), flags)

    @kernel_function(errors=True)
    def _map(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> Mapped:
        """Provide enough blocks, and then map."""
        request = MapRequest.of(self.layout, va, frame, self._identify(frame), offset, size, flags)
        self._have_slabs(self.layout.slabs_wanted(request.level, va, size, request.size))
        return self._mapper.do_map(request)

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
        with pushing("LIB_ERR_PMAP_UNMAP"), self._mapper.all_or_nothing() as log:
            for leaf in leaves:
                self._mapper.do_single_unmap(leaf, log)
        return size

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
            with self._mapper.all_or_nothing() as log:
                for number, (leaf, first, end) in enumerate(runs):
                    passed_on = flags
                    if MODIFY_FLAGS_LOST in self.quirks:
                        passed_on = READ if number else 0
                    self._mapper.do_single_modify_flags(leaf, first, end - first, passed_on, log)
        return size

    @kernel_function(first=1, errors=True)
    def lookup(self, va: int) -> Found:
        """Return what is mapped at `va`; raises LIB_ERR_PMAP_LOOKUP if nothing is.

        O(levels). The original has no such function.
        """
        leaf = self.tree.leaf_at(va)
        if leaf is None:
            raise LibError("LIB_ERR_PMAP_LOOKUP")
        return Found(leaf.va, leaf.end - leaf.va, leaf.cap, leaf.offset, leaf.flags)

    def exact_parts(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> list[MapCall]:
        """Return the calls of :meth:`map` that show whole pages of a frame at `va` and nothing beyond; nothing changes.

        If large pages are requested, those completely inside are large. Raises LIB_ERR_PMAP_FRAME_IDENTIFY.
        """
        return self.layout.exact_parts(self._identify(frame), MapCall(va, offset, size, flags))

    def _identify(self, frame: CapRef) -> FrameIdentity:
        with pushing("LIB_ERR_PMAP_FRAME_IDENTIFY"):
            return self.kernel.frame_identify(frame)

    # ---- placing -----------------------------------------------------------------------------

    def determine_addr(self, size: int, alignment: int = 0) -> int:
        """Return the lowest address after a region with `size` free bytes before the next one, or else after the last.

        `alignment` is in bytes, 0 for a page's. Gaps below the region of the slab frames are skipped. Raises
        LIB_ERR_OUT_OF_VIRTUAL_ADDR if the user's addresses end too soon. O(log regions), and O(gaps of that size).
        """
        return self._determine_addr(_positive(size), alignment)

    @kernel_function(errors=True)
    def _determine_addr(self, size: int, alignment: int) -> int:
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

    def determine_addr_raw(self, size: int, alignment: int = 0) -> int:
        """Return the address of free entries of the root with room for `size` bytes, whatever the vspace says.

        `alignment` is as for :meth:`determine_addr`. Raises LIB_ERR_OUT_OF_VIRTUAL_ADDR if there is no such run of
        entries.
        """
        return self._determine_addr_raw(_positive(size), alignment)

    @kernel_function(errors=True)
    def _determine_addr_raw(self, size: int, alignment: int) -> int:
        alignment = round_up(alignment, PAGE) or PAGE
        wrong = RAW_WRONG_WINDOW in self.quirks
        searched = (wrong and self.layout.raw_quirk) or self.layout.raw
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
            with self._mapper.all_or_nothing() as log:
                with pushing("LIB_ERR_FRAME_ALLOC"):
                    frame, got = self.kernel.frame_alloc(self.slots, size)
                log.add(partial(self._mapper.cap_delete, frame))
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
        identity = FrameIdentity(self.kernel.frame_identify(frame).base, size)
        try:
            with pushing("LIB_ERR_PMAP_DO_MAP"):
                self._mapper.do_map(MapRequest.of(self.layout, va, frame, identity, 0, size, READ_WRITE))
        except LibError:
            if self._mapper.undoes:
                self._move_meta_data(used)
            raise
        self.slab.grow(va, size)

    def _move_meta_data(self, used: int) -> None:
        before, self.meta_used = self.meta_used, used
        emit = self.recorder.emit
        if emit is not None:
            start = self.layout.vspace_begin
            emit((MetaDataMoved.tag, self.name, start + before, start + used))

    def _refill_began(self, wanted: int, level: int) -> int:
        """Report that a refill begins; returns the number of bytes that it requests."""
        missing = wanted - self.slab.free_blocks
        size = self.slab.bytes_for(missing)
        emit = self.recorder.emit
        if emit is not None:
            emit((SlabRefillBegan.tag, self.name, missing, size, level))
        return size

    def _refill_ended(self, level: int) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((SlabRefillEnded.tag, self.name, level))


def _positive(size: int) -> int:
    if size <= 0:
        raise Refused(f"a range of {size} bytes: at least one is needed")
    return size
