"""Blocks for vnodes: from the heap, or from frames that the pmap maps itself, which takes blocks again."""

from __future__ import annotations

from ..base.domain_values import CapRef
from ..base.events import MetaDataMoved, SlabRefillBegan, SlabRefillEnded
from ..base.units import PAGE, Size
from .core import PmapCore, acting, pushing
from .errors import LibError
from .flags import READ_WRITE
from .invocations import FrameIdentity
from .mapping import do_map, map_request
from .pieces import max_slabs_required
from .undo import all_or_nothing


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
