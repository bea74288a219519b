"""A pmap as bytes, and into another one: regions and leaves, not tables, which the other makes for itself.

The original's functions do nothing.  Frames are named by their capabilities: those must be in the same slots there.
"""

from __future__ import annotations

import json
from typing import Any

from ..base.domain_values import CapRef
from ..base.errors import Refused
from .core import PmapCore, acting
from .errors import LibError
from .flags import LARGE
from .mapper import Mapper
from .undo import UndoLog
from .vnode import Vnode
from .vspace import Vregion

VERSION = 1


@acting
def serialise(core: PmapCore) -> bytes:
    """All regions but that of the slab frames, and all leaves but those of slab frames, by address."""
    meta = _meta(core)
    regions = [
        [region.base, region.size, region.flags] for region in core.vspace if not meta[0] <= region.base < meta[1]
    ]
    leaves = sorted(_leaf(core, leaf) for leaf in core.root.leaves() if not meta[0] <= leaf.va < meta[1])
    content = {"version": VERSION, "layout": core.layout.name, "regions": regions, "leaves": leaves}
    return json.dumps(content, separators=(",", ":")).encode()


@acting
def deserialise(core: PmapCore, pmap: Mapper, data: bytes) -> None:
    """All regions and leaves, or none: LIB_ERR_PMAP_DESERIALISE, over the error that came in between."""
    content = _content(core, data)
    log = UndoLog()
    try:
        for base, size, flags in content["regions"]:
            region = Vregion(core.vspace.new_id(), base, size, flags)
            core.vspace.add(region)
            log.add(lambda region=region: core.vspace.remove(region))  # type: ignore[misc]
        for va, size, cnode, slot, offset, flags, runs in content["leaves"]:
            pmap.map(va, CapRef(cnode, slot), offset, size, flags)
            log.add(lambda va=va, size=size: pmap.unmap(va, size))  # type: ignore[misc]
            for start, length, changed in runs:
                pmap.modify_flags(start, length, changed)
    except (LibError, Refused) as error:
        log.take_back()
        if isinstance(error, LibError):
            raise error.push("LIB_ERR_PMAP_DESERIALISE") from None
        raise LibError("LIB_ERR_PMAP_DESERIALISE", str(error)) from None


def _leaf(core: PmapCore, leaf: Vnode) -> list[Any]:
    assert leaf.level is not None
    unit, size = leaf.level.unit, leaf.count << leaf.level.shift
    flags = leaf.flags | (LARGE if leaf.level is not core.layout.pages else 0)
    runs = [[leaf.va + run.first * unit, run.entries * unit, run.flags] for run in leaf.rights]
    return [leaf.va, size, leaf.cap.cnode, leaf.cap.slot, leaf.offset, flags, runs]


def _meta(core: PmapCore) -> tuple[int, int]:
    start = core.layout.vspace_begin
    return (start, start + core.layout.meta_data_bytes) if core.current else (0, 0)


def _content(core: PmapCore, data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
        told = (content["version"], content["layout"])
        whole = all(_fits(region, _REGION) for region in content["regions"])
        whole = whole and all(_fits(leaf, _LEAF) for leaf in content["leaves"])
        whole = whole and all(_fits(run, _RUN) for leaf in content["leaves"] for run in leaf[-1])
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise LibError("LIB_ERR_PMAP_DESERIALISE", "the bytes are not those of a pmap")
    if told != (VERSION, core.layout.name):
        why = f"the bytes are not of version {VERSION} for {core.layout.name}"
        raise LibError("LIB_ERR_PMAP_DESERIALISE", why)
    start, end = _meta(core)
    if any(not start <= leaf.va < end for leaf in core.root.leaves()):
        raise LibError("LIB_ERR_PMAP_DESERIALISE", "this pmap has mappings already: it is not empty")
    return content  # type: ignore[no-any-return]


def _fits(row: Any, shape: tuple[type, ...]) -> bool:
    return isinstance(row, list) and [type(field) for field in row] == list(shape)


_REGION = (int, int, int)
_LEAF = (int, int, str, int, int, int, list)
_RUN = (int, int, int)
