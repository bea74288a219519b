"""Writing a pmap as bytes, and reading them into another pmap: regions and leaves, but not tables.

The other pmap makes its own tables. The original's functions do nothing.  Frames are named by their capabilities, which
must be in the same slots there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

from ..base.errors import Refused
from ..base.recorder import kernel_function
from ..base.units import PAGE, Address
from .domain_schema import CapRef
from .errors import LibError, UndoLog, pushing
from .flags import LARGE, kernel_flags, remembered
from .pmap import DomainPmap
from .shadow_tree import Vnode
from .vspace import Vregion

VERSION = 1


# ---- rows --------------------------------------------------------------------------------------


class RangeRow(NamedTuple):
    """A range [base, base + size) with its flags: a region, or pages of a leaf with other flags."""

    base: int
    size: int
    flags: int


class LeafRow(NamedTuple):
    """A leaf in its written form: a frame's bytes from `offset` on at [va, va + size)."""

    va: int
    size: int
    cnode: str
    slot: int
    offset: int
    flags: int
    runs: list[Any]

    @property
    def frame(self) -> CapRef:
        """Return the slot of the frame's capability."""
        return CapRef(self.cnode, self.slot)


class Content(NamedTuple):
    """The contents of the bytes; the runs of leaves are :class:`RangeRow`."""

    regions: list[RangeRow]
    leaves: list[LeafRow]


# ---- serialise ---------------------------------------------------------------------------------


@kernel_function(errors=True)
def serialise(pmap: DomainPmap) -> bytes:
    """Return all regions and all leaves, except those of slab frames, by address, as bytes."""
    start, end = pmap.meta_range
    regions = [RangeRow(one.base, one.size, one.flags) for one in pmap.vspace if not start <= one.base < end]
    leaves = sorted(_leaf(pmap, leaf) for leaf in pmap.tree.root.leaves() if not start <= leaf.va < end)
    content = {"version": VERSION, "layout": pmap.layout.fmt.name, "regions": regions, "leaves": leaves}
    return json.dumps(content, separators=(",", ":")).encode()


@kernel_function(first=0, errors=True)
def deserialise(pmap: DomainPmap, data: bytes = b"") -> None:
    """Put all regions and leaves into a pmap that maps nothing, or none of them; without bytes, nothing is done.

    Raises LIB_ERR_PMAP_DESERIALISE, over the error that occurred. The contents are checked first (:func:`content_of`):
    a later failure is due to missing rights, slots or memory, and then new tables stay, empty.
    """
    if not data:
        return
    content = content_of(pmap, data)
    with pushing("LIB_ERR_PMAP_DESERIALISE"), UndoLog() as log:
        for base, size, flags in content.regions:
            region = Vregion(pmap.vspace.new_id(), base, size, flags)
            pmap.vspace.add(region)
            log.add(pmap.vspace.remove, region)
        for leaf in content.leaves:
            pmap.map(leaf.va, leaf.frame, leaf.offset, leaf.size, leaf.flags)
            log.add(pmap.unmap, leaf.va, leaf.size)
            for start, length, changed in leaf.runs:
                pmap.modify_flags(start, length, changed)


def _leaf(pmap: DomainPmap, leaf: Vnode) -> LeafRow:
    assert leaf.level is not None
    unit = leaf.level.span
    flags = leaf.flags | (LARGE if leaf.level is not pmap.layout.pages else 0)
    runs = [RangeRow(leaf.va + run.start * unit, (run.end - run.start) * unit, run.flags) for run in leaf.modified]
    return LeafRow(leaf.va, leaf.count * unit, leaf.cap.cnode, leaf.cap.slot, leaf.offset, flags, runs)


# ---- checking ----------------------------------------------------------------------------------


def content_of(pmap: DomainPmap, data: bytes) -> Content:
    """Return the contents of the bytes, if this pmap can accept them; raises LIB_ERR_PMAP_DESERIALISE otherwise.

    Regions and leaves must be whole pages of the user's addresses, must not overlap one another or the region for slab
    frames, and must have known flags. The frames of leaves must exist and be large enough, and leaves must not be in a
    region of a memory object.  O(regions + leaves × log leaves).
    """
    content = _parsed(pmap, data)
    start, end = pmap.meta_range
    if any(not start <= leaf.va < end for leaf in pmap.tree.root.leaves()):
        raise _wrong("this pmap has mappings already: it is not empty")
    for region in content.regions:
        _check_range(pmap, "region", region.base, region.size, PAGE)
        _check_flags(region.flags)
    for leaf in content.leaves:
        _check_leaf(pmap, leaf)
    _check_apart("regions", ((region.base, region.size) for region in content.regions))
    _check_apart("leaves", ((leaf.va, leaf.size) for leaf in content.leaves))
    return content


def _parsed(pmap: DomainPmap, data: bytes) -> Content:
    try:
        content = json.loads(data)
        made_by = (content["version"], content["layout"])
        whole = all(_fits(region, (int, int, int)) for region in content["regions"])
        whole = whole and all(_fits(leaf, (int, int, str, int, int, int, list)) for leaf in content["leaves"])
        whole = whole and all(_fits(run, (int, int, int)) for leaf in content["leaves"] for run in leaf[-1])
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise _wrong("the bytes are not those of a pmap")
    if made_by != (VERSION, pmap.layout.fmt.name):
        raise _wrong(f"the bytes are not of version {VERSION} for {pmap.layout.fmt.name}")
    leaves = [LeafRow._make([*fields, [RangeRow(*run) for run in runs]]) for *fields, runs in content["leaves"]]
    return Content([RangeRow(*region) for region in content["regions"]], leaves)


def _fits(row: Any, shape: tuple[type, ...]) -> bool:
    return isinstance(row, list) and [type(field) for field in row] == list(shape)


def _check_leaf(pmap: DomainPmap, leaf: LeafRow) -> None:
    unit = pmap.layout.large_unit(leaf.flags) or PAGE
    _check_range(pmap, "leaf", leaf.va, leaf.size, unit)
    _check_flags(leaf.flags)
    memobjs = [region.memobj for region in pmap.vspace.overlapping(leaf.va, leaf.va + leaf.size) if region.memobj]
    if memobjs:
        raise _wrong(f"leaf at {_number(leaf.va)}: memory object {memobjs[0]!r} is shown there")
    with pushing("LIB_ERR_PMAP_DESERIALISE"), pushing("LIB_ERR_PMAP_FRAME_IDENTIFY"):
        identity = pmap.kernel.frame_identify(leaf.frame)
    if leaf.offset < 0 or leaf.offset % unit or leaf.offset + leaf.size > identity.bytes:
        why = f"{leaf.size:#x} bytes from {leaf.offset:#x} on are not pages of the {identity.bytes:#x} in {leaf.frame}"
        raise _wrong(f"leaf at {_number(leaf.va)}: {why}")
    for run in leaf.runs:
        _check_range(pmap, "leaf", run.base, run.size, unit)
        _check_flags(run.flags)
        if not leaf.va <= run.base < run.base + run.size <= leaf.va + leaf.size:
            raise _wrong(f"leaf at {_number(leaf.va)}: flags of {_number(run.base)} on are not those of its own pages")


def _check_range(pmap: DomainPmap, what: str, base: int, size: int, unit: int) -> None:
    if base < 0 or base % unit or size <= 0 or size % unit or base + size > pmap.layout.user_end:
        limit = f"it has whole pages of {unit} bytes below {Address(pmap.layout.user_end)}"
        raise _wrong(f"{what} of {_number(size)} bytes at {_number(base)}: {limit}")
    start, end = pmap.meta_range
    if base < end and start < base + size:
        raise _wrong(f"{what} at {_number(base)}: in [{Address(start)}, {Address(end)}) the pmap keeps its own records")


def _check_flags(flags: int) -> None:
    if not 0 <= flags < 1 << 32:
        raise _wrong(f"flags of {_number(flags)}: they have 32 bits")
    try:
        kernel_flags(remembered(flags))
    except Refused as refused:
        raise _wrong(f"{refused}") from None


def _check_apart(what: str, ranges: Iterable[tuple[int, int]]) -> None:
    for (base, size), (after, _) in pairwise(sorted(ranges)):
        if after < base + size:
            raise _wrong(f"two {what} overlap at {Address(after)}")


def _number(value: int) -> str:
    return f"{value:#x}" if abs(value) < 1 << 64 else f"a number of {value.bit_length()} bits"


def _wrong(why: str) -> LibError:
    return LibError("LIB_ERR_PMAP_DESERIALISE", why)
