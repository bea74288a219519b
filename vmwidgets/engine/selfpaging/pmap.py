"""The pmap: the library in a program that maps its own memory, a kernel writing each entry it asks for.

Barrelfish's for ARM, as of August 2016, over any format of :mod:`.layouts`.  All or nothing: an error leaves mappings,
slots, blocks and tables as they were, but for turns of a refill that were complete.
"""

from __future__ import annotations

from typing import NamedTuple

from ..base.errors import Refused
from ..base.events import MetaDataMoved, SlabRefillBegan, SlabRefillEnded
from ..base.recorder import Recorder
from ..base.units import PAGE, Address, Size
from ..base.values.domains import CapRef, SlabValue, VnodeValue
from .check import check
from .errors import BARRELFISH_QUIRKS, RAW_WRONG_WINDOW, LibError, chain
from .invocations import FrameIdentity, Invocations
from .layouts import (
    READ_WRITE,
    Mapped,
    Part,
    PmapLayout,
    RawWindow,
    exact_parts,
    flag_names,
    kernel_flags,
    max_slabs_required,
    remembered,
    round_up,
    slabs_wanted,
)
from .mapping import PmapCore, acting, all_or_nothing, do_map, leaf_at, map_request, modify_range, pushing, unmap_range
from .serialise import deserialise, serialise
from .shadow_tree import find_vnode
from .vspace import Vregion, Vspace
from .window import WordAt, snapshot

# ---- placement ---------------------------------------------------------------------------------
#
# Where something new can go: behind a region of the vspace, or under free entries of the root.


@acting
def determine_addr(core: PmapCore, size: int, alignment: int) -> int:
    """The lowest address behind a region where `size` bytes fit, before the next; else behind the last.

    `alignment` in bytes, 0 for a page's.  Gaps below the region of the slab frames are passed over.
    LIB_ERR_OUT_OF_VIRTUAL_ADDR if the user's addresses end too soon.  O(regions).
    """
    alignment = round_up(alignment, PAGE) if alignment else PAGE
    size = round_multiple(size, alignment)
    regions = list(core.vspace)
    answer = round_multiple(core.layout.vspace_begin, alignment)
    for at, region in enumerate(regions):
        behind = region.base + round_up(region.size, PAGE)
        answer = round_multiple(behind, alignment)
        if at + 1 == len(regions):
            break
        if regions[at + 1].base >= answer + size and behind > core.layout.vspace_begin:
            return answer
    if answer + size > core.layout.user_end:
        raise LibError("LIB_ERR_OUT_OF_VIRTUAL_ADDR", f"no {Size(size)} are free behind the last region")
    return answer


@acting
def determine_addr_raw(core: PmapCore, size: int, alignment: int) -> int:
    """The address of free entries of the root that `size` bytes fit under, whatever the vspace says.

    `alignment` as for :func:`determine_addr`.  LIB_ERR_OUT_OF_VIRTUAL_ADDR if no such run is in the window.
    """
    alignment = round_up(alignment, PAGE) if alignment else PAGE
    layout = core.layout
    needed = -(-round_multiple(size, alignment) // layout.root.unit)
    wrong = RAW_WRONG_WINDOW in core.quirks
    window = layout.raw_quirk if wrong else layout.raw
    free = 0
    for entry in range(window.first, window.end):
        if find_vnode(core.root, entry) is not None:
            free = 0
            continue
        if not free and not wrong and _address(window, entry) % alignment:
            continue
        free += 1
        if free >= needed:
            return _address(window, entry + 1 - free)
    raise LibError("LIB_ERR_OUT_OF_VIRTUAL_ADDR", f"no {Size(size)} of the root's entries are free in a row")


def round_multiple(value: int, unit: int) -> int:
    """The next multiple of `unit`, which need not be a power of two."""
    return -(-value // unit) * unit


def _address(window: RawWindow, entry: int) -> int:
    return entry * window.answer


# ---- refill ------------------------------------------------------------------------------------
#
# Blocks for vnodes: from the heap, or from frames that the pmap maps itself, which takes blocks again.


def have_slabs(core: PmapCore, wanted: int) -> None:
    """See to it that `wanted` blocks are free."""
    if core.slab.free >= wanted:
        return
    if core.current:
        with pushing("LIB_ERR_SLAB_REFILL"):
            refill_slabs(core, wanted, 1)
        return
    missing = wanted - core.slab.free
    size = core.slab.bytes_for(missing)
    _began(core, missing, size, 1)
    with pushing("LIB_ERR_MALLOC_FAIL"):
        core.world.malloc(size)
    core.slab.grow(0, size)
    _ended(core, 1)


@acting
def refill_slabs(core: PmapCore, request: int, level: int) -> None:
    """Map frames for blocks until `request` are free; turns that were done stay done if a later one fails.

    A frame that needs more blocks to be mapped than there are has them refilled first, from a smaller frame: `level`
    counts how deep.  A page can always be mapped, since every map leaves a reserve.
    """
    while core.slab.free < request:
        missing = request - core.slab.free
        size = core.slab.bytes_for(missing)
        _began(core, missing, size, level)
        with all_or_nothing(core) as log:
            with pushing("LIB_ERR_FRAME_ALLOC"):
                frame, got = core.world.frame_alloc(size)
            log.add(lambda frame=frame: core.cap_delete(frame))  # type: ignore[misc]
            _grow(core, frame, got, level)
    _ended(core, level)


def _grow(core: PmapCore, frame: CapRef, size: int, level: int) -> None:
    """Map a frame behind those there are, and cut it into blocks."""
    needed = max_slabs_required(core.layout, size)
    if core.slab.free < needed and size > PAGE:
        with pushing("LIB_ERR_SLAB_REFILL"):
            refill_slabs(core, needed, level + 1)
    start = core.layout.vspace_begin
    used = core.meta_used
    if used + size > core.layout.meta_data_bytes:
        left = Size(core.layout.meta_data_bytes - used)
        raise LibError("LIB_ERR_OUT_OF_VIRTUAL_ADDR", f"{left} are left for the pmap's own frames, not {Size(size)}")
    _move(core, used + size)
    identity = FrameIdentity(core.world.frame_identify(frame).base, size)
    try:
        with pushing("LIB_ERR_PMAP_DO_MAP"):
            do_map(core, map_request(core, start + used, frame, identity, 0, size, READ_WRITE))
    except LibError:
        if core.undoes:
            _move(core, used)
        raise
    core.slab.grow(start + used, size)


def _move(core: PmapCore, used: int) -> None:
    before, core.meta_used = core.meta_used, used
    emit = core.recorder.emit
    if emit is not None:
        start = core.layout.vspace_begin
        emit((MetaDataMoved.tag, core.name, start + before, start + used))


def _began(core: PmapCore, missing: int, size: int, level: int) -> None:
    emit = core.recorder.emit
    if emit is not None:
        emit((SlabRefillBegan.tag, core.name, missing, size, level))


def _ended(core: PmapCore, level: int) -> None:
    emit = core.recorder.emit
    if emit is not None:
        emit((SlabRefillEnded.tag, core.name, level))


# ---- pmap --------------------------------------------------------------------------------------


class Found(NamedTuple):
    """What lookup tells: the leaf [va, va + size) that covers an address, and the frame's bytes it shows."""

    va: int
    size: int
    frame: CapRef
    offset: int
    flags: int

    def __repr__(self) -> str:
        flags = " ".join(flag_names(self.flags)) or "no access"
        where = f"{Address(self.va)}–{Address(self.va + self.size)}"
        return f"<{where} {Size(self.size)}: {self.frame} from byte {self.offset:#x}, {flags}>"


class Pmap:
    """One program's pmap; `world` does what it asks for, `quirks` bring bugs of the original back.

    `current`: it is the running program's own; else its blocks come from the heap.  `root` is the root table's
    capability, at physical `root_base`; `foreign_root`: that lies in another cspace, so that a copy is invoked.
    """

    def __init__(
        self,
        world: Invocations,
        recorder: Recorder,
        name: str,
        layout: PmapLayout,
        root: CapRef,
        root_base: int,
        *,
        current: bool = True,
        foreign_root: bool = False,
        quirks: frozenset[str] = frozenset(),
    ) -> None:
        unknown = quirks - set(BARRELFISH_QUIRKS)
        if unknown:
            raise Refused(
                f"{', '.join(sorted(unknown))}: no quirk of the pmap; known are {', '.join(BARRELFISH_QUIRKS)}"
            )
        self.vspace = Vspace(recorder, name)
        self.core = PmapCore(
            world, recorder, name, layout, root, root_base, self.vspace, current=current, quirks=quirks
        )
        pmap_init(self.core, foreign_root)
        if current:
            pmap_current_init(self.core)

    # ---- mapping -----------------------------------------------------------------------------

    def map(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> Mapped:
        """Map `size` bytes of a frame from byte `offset` on at `va`; the offset and bytes that came of it.

        Both are widened to whole pages: of 1 MiB (x86-64: 2 MiB), if `flags` have LARGE and address and frame allow.
        """
        return map_frame(self.core, va, frame, offset, size, flags)

    def unmap(self, va: int, size: int) -> int:
        """Unmap what one call mapped at `va`, or its part in one table; the bytes that were unmapped."""
        return unmap(self.core, va, size)

    def modify_flags(self, va: int, size: int, flags: int) -> int:
        """Give what is mapped in [va, va + size) other flags; the bytes that were changed."""
        return modify_flags(self.core, va, size, flags)

    def lookup(self, va: int) -> Found:
        """What is mapped at `va`; LIB_ERR_PMAP_LOOKUP if nothing is.  O(levels)."""
        return lookup(self.core, va)

    def exact_parts(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> list[Part]:
        """The calls of :meth:`map` that show whole pages of a frame at `va` and nothing beyond; nothing changes.

        Where large pages are asked for, whole ones that lie inside are large; LIB_ERR_PMAP_FRAME_IDENTIFY.
        """
        with pushing("LIB_ERR_PMAP_FRAME_IDENTIFY"):
            identity = self.core.world.frame_identify(frame)
        return exact_parts(self.core.layout, identity, Part(va, offset, size, flags))

    # ---- placing -----------------------------------------------------------------------------

    def determine_addr(self, size: int, alignment: int = 0) -> int:
        """Where the vspace has room; see :func:`.placement.determine_addr`."""
        return determine_addr(self.core, _positive(size), alignment)

    def determine_addr_raw(self, size: int, alignment: int = 0) -> int:
        """Where the root has free entries; see :func:`.placement.determine_addr_raw`."""
        return determine_addr_raw(self.core, _positive(size), alignment)

    # ---- carrying over -----------------------------------------------------------------------

    def serialise(self) -> bytes:
        """Regions and leaves as bytes, for the pmap of another program; see :mod:`.serialise`."""
        return serialise(self.core)

    def deserialise(self, data: bytes = b"") -> None:
        """Take in what :meth:`serialise` gave, into a pmap that maps nothing; without bytes nothing is done."""
        if data:
            deserialise(self.core, self, data)

    # ---- looking -----------------------------------------------------------------------------

    @property
    def meta_used(self) -> int:
        """Bytes of the region for slab frames that were handed out."""
        return self.core.meta_used

    def tree(self, word_at: WordAt | None = None) -> VnodeValue:
        """The shadow tree; `word_at` reads descriptors from RAM."""
        return snapshot(self.core, word_at)

    def slab(self) -> SlabValue:
        """The slab of the vnodes."""
        return self.core.slab.snapshot()

    def check(self, word_at: WordAt | None = None) -> None:
        """All invariants; with `word_at` against the tables in RAM too: :mod:`.check`."""
        check(self.core, word_at)


@acting
def pmap_init(core: PmapCore, foreign_root: bool) -> None:
    """The buffer that a pmap brings along joins its slab; the root can be invoked."""
    core.slab.grow(0, core.layout.slab_buffer_bytes)
    if not foreign_root:
        return
    copy = core.slot_alloc()
    try:
        with pushing("LIB_ERR_CAP_COPY_FAIL"):
            core.world.cap_copy(copy, core.root.cap)
    except LibError:
        core.slot_free(copy)
        raise
    core.root.invokable = copy


@acting
def pmap_current_init(core: PmapCore) -> None:
    """The region for slab frames: the vspace's first."""
    core.vspace.add(Vregion(core.vspace.new_id(), core.layout.vspace_begin, core.layout.meta_data_bytes))


def map_frame(core: PmapCore, va: int, frame: CapRef, offset: int, size: int, flags: int) -> Mapped:
    """The map function: enough blocks first, then the mapping itself."""
    if va < 0 or va % PAGE:
        raise Refused(
            f"map at {Address(va) if va >= 0 else va}: an address that begins a page of {PAGE} bytes is needed"
        )
    if offset < 0:
        raise Refused(f"map from offset {offset}: a frame begins at 0")
    kernel_flags(remembered(flags))
    return _map(core, va, frame, offset, _positive(size), flags)


@acting
def _map(core: PmapCore, va: int, frame: CapRef, offset: int, size: int, flags: int) -> Mapped:
    with pushing("LIB_ERR_PMAP_FRAME_IDENTIFY"):
        identity = core.world.frame_identify(frame)
    request = map_request(core, va, frame, identity, offset, size, flags)
    have_slabs(core, slabs_wanted(core.layout, request.level, va, size, request.size))
    return do_map(core, request)


@acting
def unmap(core: PmapCore, va: int, size: int) -> int:
    """The unmap function."""
    if size <= 0:
        raise chain("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE", detail=f"{size} bytes are no mapping")
    return unmap_range(core, va, size)


@acting
def modify_flags(core: PmapCore, va: int, size: int, flags: int) -> int:
    """The modify_flags function."""
    if size <= 0:
        names = ("LIB_ERR_PMAP_MODIFY_FLAGS", "LIB_ERR_PMAP_FIND_VNODE")
        raise chain(*names, detail=f"{size} bytes are no range of a mapping")
    return modify_range(core, va, size, flags)


@acting
def lookup(core: PmapCore, va: int) -> Found:
    """The lookup function: the original has none."""
    leaf = leaf_at(core, va)
    if leaf is None:
        raise LibError("LIB_ERR_PMAP_LOOKUP")
    return Found(leaf.va, leaf.end - leaf.va, leaf.cap, leaf.offset, leaf.flags)


def _positive(size: int) -> int:
    if size <= 0:
        raise Refused(f"a range of {size} bytes: at least one is needed")
    return size
