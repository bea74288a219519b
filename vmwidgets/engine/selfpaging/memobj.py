"""Memory objects, which regions of the vspace show; and a pmap as bytes.

They call the pmap, which does not know them. The interface is Barrelfish's: a memory object is filled with frames,
mapped by a region, and asked to resolve a fault, to change its protection, or to unmap its region.

Regions and leaves, but not tables, can be written as bytes, and read into another pmap, which makes its own tables.
The original's functions do nothing.  Frames are named by their capabilities, which must be in the same slots there.
"""

from __future__ import annotations

import json
from bisect import bisect_right, insort
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

from ..base.errors import Refused
from ..base.recorder import kernel_function
from ..base.units import PAGE, Address, Size, round_up
from .domain_schema import CapRef, Vregion
from .errors import LibError, UndoLog, pushing
from .flags import LARGE, SIZES, FlagRun, kernel_flags, overlay, remembered, runs_over
from .layouts import MapCall
from .pmap import DomainPmap
from .shadow_tree import Vnode


class Fill(NamedTuple):
    """A part [offset, offset + size) of a memory object, which shows a frame's bytes from `frame_offset` on."""

    offset: int
    size: int
    frame: CapRef
    frame_offset: int


class Memobj:
    """A memory object of `size` bytes (whole pages), which one region can show.

    The kinds differ in the frames that they accept, and in when they map them.
    """

    kind = "memobj"

    def __init__(self, pmap: DomainPmap, name: str, size: int) -> None:
        if size <= 0 or size % PAGE:
            raise Refused(f"a memory object of {size} bytes: it has whole pages of {PAGE}")
        self.pmap = pmap
        self.name = name
        self.size = size
        self.region: Vregion | None = None
        self.fills: list[Fill] = []
        """The filled parts by offset, without overlap."""
        self._mapped: dict[Fill, list[MapCall]] = {}
        """The mapped parts, with the calls that mapped them."""
        self._flags: tuple[FlagRun, ...] = ()
        """The ranges, in bytes of the object, in which :meth:`protect` set other flags than the region's."""

    # ---- what callers ask --------------------------------------------------------------------

    def map_region(self, region: Vregion) -> None:
        """Make `region` show this object from now on.

        Raises LIB_ERR_MEMOBJ_VREGION_ALREADY_MAPPED if another one does.
        """
        if self.region is not None:
            raise LibError("LIB_ERR_MEMOBJ_VREGION_ALREADY_MAPPED", f"{self.name} is shown at {self.region.base:#x}")
        if region.offset < 0 or region.offset % PAGE or region.offset + region.size > self.size:
            why = f"the region shows {Size(region.size)} from {region.offset:#x} on, and there are {Size(self.size)}"
            raise LibError("LIB_ERR_MEMOBJ_WRONG_OFFSET", why)
        self.region, self._flags = region, ()
        try:
            self._on_map()
        except LibError:
            self.region = None
            raise

    def unmap_region(self) -> None:
        """Unmap all of it, so that no region shows it.

        Raises LIB_ERR_MEMOBJ_UNMAP_REGION, with nothing changed, on failure.
        """
        with pushing("LIB_ERR_MEMOBJ_UNMAP_REGION"):
            self._unmap(list(self._mapped))
        self.region = None

    def protect(self, offset: int, size: int, flags: int) -> None:
        """Change the flags of [offset, offset + size), also for parts mapped later.

        Raises LIB_ERR_MEMOBJ_PROTECT, with nothing changed, if a frame's capability lacks a right, or if only a part of
        a large page is in the range.
        """
        region = self._shown()
        if offset < 0 or size <= 0 or offset % PAGE or size % PAGE or offset + size > self.size:
            raise LibError(
                "LIB_ERR_MEMOBJ_WRONG_OFFSET", f"[{offset:#x}, {offset + size:#x}) is not a range of its pages"
            )
        kernel_flags(remembered(flags))
        shift = region.base - region.offset
        with pushing("LIB_ERR_MEMOBJ_PROTECT"), UndoLog() as log:
            for part in [part for parts in self._mapped.values() for part in parts]:
                start, end = max(part.va - shift, offset), min(part.va + part.size - shift, offset + size)
                if start < end:
                    self.pmap.modify_flags(shift + start, end - start, flags)
                    log.add(self._protect_again, region, start, end)
        self._flags = overlay(self._flags, offset, offset + size, remembered(flags) | region.flags & SIZES)

    def fill(self, offset: int, frame: CapRef, frame_offset: int, size: int) -> None:
        """Fill [offset, offset + size) with a frame's bytes.

        Raises LIB_ERR_MEMOBJ_DUPLICATE_FILL if it is not empty.
        """
        size = round_up(size, PAGE)
        outside = offset < 0 or offset % PAGE or size <= 0 or offset + size > self.size
        if outside or frame_offset < 0 or frame_offset % PAGE:
            why = (
                f"{size:#x} bytes at {offset:#x}, of a frame from {frame_offset:#x} on: there are {self.size:#x} in all"
            )
            raise LibError("LIB_ERR_MEMOBJ_WRONG_OFFSET", why)
        if any(one.offset < offset + size and offset < one.offset + one.size for one in self.fills):
            raise LibError("LIB_ERR_MEMOBJ_DUPLICATE_FILL", f"part of [{offset:#x}, {offset + size:#x}) has its frame")
        fill = Fill(offset, size, frame, frame_offset)
        self._check_fill(fill)
        insort(self.fills, fill)
        try:
            self._on_fill(fill)
        except LibError:
            self.fills.remove(fill)
            raise

    def unfill(self, offset: int) -> Fill:
        """Remove the frame that begins at `offset`, after unmapping it, and return it."""
        fill = self.filled(offset)
        if fill is None or fill.offset != offset:
            raise LibError("LIB_ERR_MEMOBJ_WRONG_OFFSET", f"no frame of {self.name} begins at {offset:#x}")
        if fill in self._mapped:
            with pushing("LIB_ERR_MEMOBJ_UNMAP_REGION"):
                self._unmap([fill])
        self.fills.remove(fill)
        return fill

    def pagefault(self, offset: int) -> None:
        """Map the frame at `offset`, which an access found unmapped; raises LIB_ERR_MEMOBJ_UNDER_FILLED without one."""
        self._shown()
        fill = self.filled(offset)
        if fill is None:
            raise LibError("LIB_ERR_MEMOBJ_UNDER_FILLED", f"byte {offset:#x} of {self.name} has no frame")
        if fill not in self._mapped:
            self._map([fill])

    def filled(self, offset: int) -> Fill | None:
        """Return the frame for a byte of the object."""
        at = bisect_right(self.fills, offset, key=lambda fill: fill.offset) - 1
        return self.fills[at] if at >= 0 and offset < self.fills[at].offset + self.fills[at].size else None

    # ---- what a kind says --------------------------------------------------------------------

    def _check_fill(self, fill: Fill) -> None:
        """Check that this kind of object accepts the frame."""

    def _on_fill(self, fill: Fill) -> None:
        """Note that a part was filled."""

    def _on_map(self) -> None:
        """Note that a region shows the object."""

    # ---- beneath -----------------------------------------------------------------------------

    def _shown(self) -> Vregion:
        if self.region is None:
            raise LibError("LIB_ERR_VSPACE_VREGION_NOT_FOUND", f"no region shows {self.name}")
        return self.region

    def _map(self, fills: list[Fill]) -> None:
        """Map the visible part of each frame; all or none."""
        region = self._shown()
        with pushing("LIB_ERR_MEMOBJ_MAP_REGION"), UndoLog() as log:
            for fill in fills:
                parts = self._parts(region, fill)
                for part in parts:
                    self._map_part(fill.frame, part)
                    log.add(self.pmap.unmap, part.va, part.size)
                self._mapped[fill] = parts
                log.add(self._mapped.pop, fill)

    def _unmap(self, fills: list[Fill]) -> None:
        with UndoLog() as log:
            for fill in fills:
                for part in self._mapped[fill]:
                    self.pmap.unmap(part.va, part.size)
                    log.add(self._map_again, fill.frame, part)
        for fill in fills:
            del self._mapped[fill]

    def _map_part(self, frame: CapRef, part: MapCall) -> None:
        self.pmap.map(part.va, frame, part.offset, part.size, part.flags)

    def _map_again(self, frame: CapRef, part: MapCall) -> None:
        """Map a part of a frame again as it was mapped, with the flags that were set since then."""
        region = self._shown()
        start = part.va - region.base + region.offset
        self._map_part(frame, part)
        self._protect_again(region, start, start + part.size)

    def _protect_again(self, region: Vregion, start: int, end: int) -> None:
        for run in runs_over(self._flags, start, end, region.flags):
            self.pmap.modify_flags(region.base - region.offset + run.start, run.end - run.start, run.flags)

    def _parts(self, region: Vregion, fill: Fill) -> list[MapCall]:
        """Return the calls that map the visible part of a frame: nothing beyond it, and each page with its flags."""
        start = max(fill.offset, region.offset)
        size = min(fill.offset + fill.size, region.offset + region.size) - start
        if size <= 0:
            raise LibError("LIB_ERR_MEMOBJ_WRONG_OFFSET", f"the region does not show byte {fill.offset:#x}")
        shift, skip = region.base - region.offset, fill.frame_offset - fill.offset
        runs = runs_over(self._flags, start, start + size, region.flags)
        asked = ((shift + one.start, fill.frame, skip + one.start, one.end - one.start, one.flags) for one in runs)
        return [part for one in asked for part in self.pmap.exact_parts(*one)]


class Anonymous(Memobj):
    """An object with frames at any offsets, each mapped when a fault needs it."""

    kind = "anonymous"


class OneFrame(Memobj):
    """An object with one frame for all of it, mapped when a fault needs it."""

    kind = "one frame"

    def _check_fill(self, fill: Fill) -> None:
        if (fill.offset, fill.size) != (0, self.size):
            raise LibError("LIB_ERR_MEMOBJ_WRONG_OFFSET", f"{self.name} takes one frame for all its {Size(self.size)}")


class OneFrameOneMap(OneFrame):
    """An object with one frame for all of it, mapped as soon as a region shows it."""

    kind = "one frame one map"

    def _on_map(self) -> None:
        if not self.fills:
            raise LibError("LIB_ERR_MEMOBJ_UNDER_FILLED", f"{self.name} has no frame yet")
        self._map(list(self.fills))


class Pinned(Memobj):
    """An object with frames at any offsets, mapped immediately, so no access to them faults."""

    kind = "pinned"

    def _on_map(self) -> None:
        self._map(list(self.fills))

    def _on_fill(self, fill: Fill) -> None:
        if self.region is not None:
            self._map([fill])


class Fixed(Pinned):
    """An object with aligned pieces of one size, mapped immediately."""

    kind = "fixed"

    def __init__(self, pmap: DomainPmap, name: str, size: int, piece: int) -> None:
        super().__init__(pmap, name, size)
        if piece <= 0 or piece % PAGE or size % piece:
            raise Refused(f"{size} bytes in pieces of {piece}: the pieces are whole pages, and make up the whole")
        self.piece = piece

    def _check_fill(self, fill: Fill) -> None:
        if fill.offset % self.piece or fill.size != self.piece:
            raise LibError(
                "LIB_ERR_MEMOBJ_WRONG_OFFSET", f"{self.name} takes pieces of {Size(self.piece)} on their borders"
            )


MEMOBJ_KINDS = {kind.kind: kind for kind in (Anonymous, OneFrame, OneFrameOneMap, Pinned, Fixed)}
"""The kinds of memory objects, by name."""


# ---- writing a pmap as bytes -------------------------------------------------------------------


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
