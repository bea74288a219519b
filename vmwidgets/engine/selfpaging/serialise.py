"""A pmap as bytes, and into another one: regions and leaves, not tables, which the other makes for itself.

The original's functions do nothing.  Frames are named by their capabilities: those must be in the same slots there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from ..base.errors import Refused
from ..base.units import PAGE, Address
from ..base.values.domains import CapRef
from .errors import LibError, UndoLog
from .layouts import LARGE, kernel_flags, remembered
from .mapping import PmapCore, acting, pushing
from .memobj import Mapper
from .shadow_tree import Vnode
from .vspace import Vregion

# ---- serialised --------------------------------------------------------------------------------
#
# What the bytes of a pmap say, checked before anything is done with them: they may come from anywhere.


VERSION = 1


class RegionRow(NamedTuple):
    """A region, as it is written."""

    base: int
    size: int
    flags: int


class RunRow(NamedTuple):
    """[va, va + size) of a leaf has other flags than it was mapped with."""

    va: int
    size: int
    flags: int


class LeafRow(NamedTuple):
    """A leaf, as it is written: a frame's bytes from `offset` on at [va, va + size)."""

    va: int
    size: int
    cnode: str
    slot: int
    offset: int
    flags: int
    runs: list[Any]

    @property
    def frame(self) -> CapRef:
        """Where the frame's capability lies."""
        return CapRef(self.cnode, self.slot)


class Content(NamedTuple):
    """All that the bytes say; runs are :class:`RunRow`."""

    regions: list[RegionRow]
    leaves: list[LeafRow]


def content_of(core: PmapCore, data: bytes) -> Content:
    """What the bytes say, if this pmap can take it in; LIB_ERR_PMAP_DESERIALISE otherwise.

    Regions and leaves must be whole pages of the user's addresses, apart from one another and from the region for
    slab frames, with known flags; leaves of frames that are there and big enough, and in no region of a memory object.
    O(regions + leaves × log leaves).
    """
    content = _parsed(core, data)
    start, end = meta_range(core)
    if any(not start <= leaf.va < end for leaf in core.root.leaves()):
        raise _wrong("this pmap has mappings already: it is not empty")
    for region in content.regions:
        _check_range(core, "region", region.base, region.size, PAGE)
        _check_flags(region.flags)
    for leaf in content.leaves:
        _check_leaf(core, leaf)
    _check_apart("regions", ((region.base, region.size) for region in content.regions))
    _check_apart("leaves", ((leaf.va, leaf.size) for leaf in content.leaves))
    return content


def meta_range(core: PmapCore) -> tuple[int, int]:
    """The addresses for slab frames, which stay at home; none if the pmap is not the program's own."""
    start = core.layout.vspace_begin
    return (start, start + core.layout.meta_data_bytes) if core.current else (0, 0)


def _parsed(core: PmapCore, data: bytes) -> Content:
    try:
        content = json.loads(data)
        told = (content["version"], content["layout"])
        whole = all(_fits(region, (int, int, int)) for region in content["regions"])
        whole = whole and all(_fits(leaf, (int, int, str, int, int, int, list)) for leaf in content["leaves"])
        whole = whole and all(_fits(run, (int, int, int)) for leaf in content["leaves"] for run in leaf[-1])
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise _wrong("the bytes are not those of a pmap")
    if told != (VERSION, core.layout.name):
        raise _wrong(f"the bytes are not of version {VERSION} for {core.layout.name}")
    leaves = [LeafRow._make([*fields, [RunRow(*run) for run in runs]]) for *fields, runs in content["leaves"]]
    return Content([RegionRow(*region) for region in content["regions"]], leaves)


def _fits(row: Any, shape: tuple[type, ...]) -> bool:
    return isinstance(row, list) and [type(field) for field in row] == list(shape)


def _check_leaf(core: PmapCore, leaf: LeafRow) -> None:
    large = (level.unit for level in core.layout.levels if level.leaf_flag and leaf.flags & level.leaf_flag & LARGE)
    unit = next(large, PAGE)
    _check_range(core, "leaf", leaf.va, leaf.size, unit)
    _check_flags(leaf.flags)
    shown = [region.memobj for region in core.vspace.overlapping(leaf.va, leaf.va + leaf.size) if region.memobj]
    if shown:
        raise _wrong(f"leaf at {_told(leaf.va)}: memory object {shown[0].name!r} is shown there")
    with pushing("LIB_ERR_PMAP_DESERIALISE"), pushing("LIB_ERR_PMAP_FRAME_IDENTIFY"):
        identity = core.world.frame_identify(leaf.frame)
    if leaf.offset < 0 or leaf.offset % unit or leaf.offset + leaf.size > identity.bytes:
        why = f"{leaf.size:#x} bytes from {leaf.offset:#x} on are no pages of the {identity.bytes:#x} in {leaf.frame}"
        raise _wrong(f"leaf at {_told(leaf.va)}: {why}")
    for run in leaf.runs:
        _check_range(core, "leaf", run.va, run.size, unit)
        _check_flags(run.flags)
        if not leaf.va <= run.va < run.va + run.size <= leaf.va + leaf.size:
            raise _wrong(f"leaf at {_told(leaf.va)}: flags of {_told(run.va)} on are not those of its own pages")


def _check_range(core: PmapCore, what: str, base: int, size: int, unit: int) -> None:
    if base < 0 or base % unit or size <= 0 or size % unit or base + size > core.layout.user_end:
        limit = f"it has whole pages of {unit} bytes below {Address(core.layout.user_end)}"
        raise _wrong(f"{what} of {_told(size)} bytes at {_told(base)}: {limit}")
    start, end = meta_range(core)
    if base < end and start < base + size:
        raise _wrong(f"{what} at {_told(base)}: in [{Address(start)}, {Address(end)}) the pmap keeps its own records")


def _check_flags(flags: int) -> None:
    if not 0 <= flags < 1 << 32:
        raise _wrong(f"flags of {_told(flags)}: they have 32 bits")
    try:
        kernel_flags(remembered(flags))
    except Refused as refused:
        raise _wrong(str(refused)) from None


def _check_apart(what: str, ranges: Iterable[tuple[int, int]]) -> None:
    for (base, size), (after, _) in pairwise(sorted(ranges)):
        if after < base + size:
            raise _wrong(f"two {what} overlap at {Address(after)}")


def _told(number: int) -> str:
    return f"{number:#x}" if abs(number) < 1 << 64 else f"a number of {number.bit_length()} bits"


def _wrong(why: str) -> LibError:
    return LibError("LIB_ERR_PMAP_DESERIALISE", why)


# ---- serialise ---------------------------------------------------------------------------------


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
