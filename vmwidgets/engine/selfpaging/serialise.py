"""A pmap as bytes, and into another one: regions and leaves, not tables, which the other makes for itself.

The original's functions do nothing.  Frames are named by their capabilities: those must be in the same slots there.
"""

from __future__ import annotations

import json
from functools import partial

from .core import PmapCore, acting
from .errors import LibError
from .flags import LARGE
from .mapper import Mapper
from .serialised import VERSION, LeafRow, RegionRow, RunRow, content_of, meta_range
from .undo import UndoLog
from .vnode import Vnode
from .vspace import Vregion


@acting
def serialise(core: PmapCore) -> bytes:
    """All regions but that of the slab frames, and all leaves but those of slab frames, by address."""
    meta = meta_range(core)
    regions = [
        RegionRow(region.base, region.size, region.flags)
        for region in core.vspace
        if not meta[0] <= region.base < meta[1]
    ]
    leaves = sorted(_leaf(core, leaf) for leaf in core.root.leaves() if not meta[0] <= leaf.va < meta[1])
    content = {"version": VERSION, "layout": core.layout.name, "regions": regions, "leaves": leaves}
    return json.dumps(content, separators=(",", ":")).encode()


@acting
def deserialise(core: PmapCore, pmap: Mapper, data: bytes) -> None:
    """All regions and leaves, or none: LIB_ERR_PMAP_DESERIALISE, over the error that came in between.

    What the bytes say is checked first (:func:`.serialised.content_of`): what fails later lacks rights, slots or
    memory, and then tables that were made for it stay, empty.
    """
    content = content_of(core, data)
    log = UndoLog()
    try:
        for base, size, flags in content.regions:
            region = Vregion(core.vspace.new_id(), base, size, flags)
            core.vspace.add(region)
            log.add(partial(core.vspace.remove, region))
        for leaf in content.leaves:
            pmap.map(leaf.va, leaf.frame, leaf.offset, leaf.size, leaf.flags)
            log.add(partial(pmap.unmap, leaf.va, leaf.size))
            for start, length, changed in leaf.runs:
                pmap.modify_flags(start, length, changed)
    except LibError as error:
        log.take_back()
        raise error.push("LIB_ERR_PMAP_DESERIALISE") from None


def _leaf(core: PmapCore, leaf: Vnode) -> LeafRow:
    assert leaf.level is not None
    unit, size = leaf.level.unit, leaf.count << leaf.level.shift
    flags = leaf.flags | (LARGE if leaf.level is not core.layout.pages else 0)
    runs = [RunRow(leaf.va + run.first * unit, run.entries * unit, run.flags) for run in leaf.rights]
    return LeafRow(leaf.va, size, leaf.cap.cnode, leaf.cap.slot, leaf.offset, flags, runs)
