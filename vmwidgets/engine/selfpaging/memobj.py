"""Memory objects: what regions of the vspace show.  They call the pmap; the pmap knows nothing of them.

The interface is Barrelfish's: a memory object is filled with frames, mapped by a region, asked to resolve a fault, to
change its protection, to unmap its region.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from functools import partial
from typing import NamedTuple

from ..base.errors import Refused
from ..base.units import PAGE, Size
from .domain_schema import CapRef
from .errors import LibError, UndoLog, pushing
from .flags import SIZES, FlagRun, kernel_flags, overlay, remembered, runs_over
from .layouts import MapCall, round_up
from .pmap import DomainPmap
from .vspace import Vregion


class Fill(NamedTuple):
    """[offset, offset + size) of a memory object shows a frame's bytes from `frame_offset` on."""

    offset: int
    size: int
    frame: CapRef
    frame_offset: int


class Memobj:
    """`size` bytes (whole pages) that one region can show.  The kinds differ in what they take and when they map it."""

    kind = "memobj"

    def __init__(self, pmap: DomainPmap, name: str, size: int) -> None:
        if size <= 0 or size % PAGE:
            raise Refused(f"a memory object of {size} bytes: it has whole pages of {PAGE}")
        self.pmap = pmap
        self.name = name
        self.size = size
        self.region: Vregion | None = None
        self.fills: list[Fill] = []
        """In order of their offsets, none overlapping another."""
        self._mapped: dict[Fill, list[MapCall]] = {}
        """What the pmap maps of them, by the calls that it was mapped with."""
        self._flags: tuple[FlagRun, ...] = ()
        """Where :meth:`protect` gave other flags than the region's, in bytes of the object."""

    # ---- what callers ask --------------------------------------------------------------------

    def map_region(self, region: Vregion) -> None:
        """`region` shows this object from now on; LIB_ERR_MEMOBJ_VREGION_ALREADY_MAPPED if another one does."""
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
        """Unmap all of it: no region shows it then.  LIB_ERR_MEMOBJ_UNMAP_REGION, and nothing changed."""
        with pushing("LIB_ERR_MEMOBJ_UNMAP_REGION"):
            self._unmap(list(self._mapped))
        self.region = None

    def protect(self, offset: int, size: int, flags: int) -> None:
        """Other flags for [offset, offset + size) of the object, also where it is mapped later.

        LIB_ERR_MEMOBJ_PROTECT, and nothing changed, where a frame's capability lacks a right, or a large page is only
        partly meant.
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
                    log.add(partial(self._protect_again, region, start, end))
        self._flags = overlay(self._flags, offset, offset + size, remembered(flags) | region.flags & SIZES)

    def fill(self, offset: int, frame: CapRef, frame_offset: int, size: int) -> None:
        """Put a frame's bytes behind [offset, offset + size): LIB_ERR_MEMOBJ_DUPLICATE_FILL if something is there."""
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
        """Remove the frame that begins at `offset`, unmapped if it was mapped; which it was."""
        fill = self.filled(offset)
        if fill is None or fill.offset != offset:
            raise LibError("LIB_ERR_MEMOBJ_WRONG_OFFSET", f"no frame of {self.name} begins at {offset:#x}")
        if fill in self._mapped:
            with pushing("LIB_ERR_MEMOBJ_UNMAP_REGION"):
                self._unmap([fill])
        self.fills.remove(fill)
        return fill

    def pagefault(self, offset: int) -> None:
        """An access met nothing at `offset`: map the frame there; LIB_ERR_MEMOBJ_UNDER_FILLED without one."""
        self._shown()
        fill = self.filled(offset)
        if fill is None:
            raise LibError("LIB_ERR_MEMOBJ_UNDER_FILLED", f"byte {offset:#x} of {self.name} has no frame")
        if fill not in self._mapped:
            self._map([fill])

    def filled(self, offset: int) -> Fill | None:
        """The frame behind a byte of the object."""
        at = bisect_right(self.fills, offset, key=lambda fill: fill.offset) - 1
        return self.fills[at] if at >= 0 and offset < self.fills[at].offset + self.fills[at].size else None

    # ---- what a kind says --------------------------------------------------------------------

    def _check_fill(self, fill: Fill) -> None:
        """Check whether the kind takes that."""

    def _on_fill(self, fill: Fill) -> None:
        """Something was filled."""

    def _on_map(self) -> None:
        """A region shows it."""

    # ---- beneath -----------------------------------------------------------------------------

    def _shown(self) -> Vregion:
        if self.region is None:
            raise LibError("LIB_ERR_VSPACE_VREGION_NOT_FOUND", f"no region shows {self.name}")
        return self.region

    def _map(self, fills: list[Fill]) -> None:
        """Map what the region shows of each; all or none."""
        region = self._shown()
        with pushing("LIB_ERR_MEMOBJ_MAP_REGION"), UndoLog() as log:
            for fill in fills:
                parts = self._parts(region, fill)
                for part in parts:
                    self._map_part(fill.frame, part)
                    log.add(partial(self.pmap.unmap, part.va, part.size))
                self._mapped[fill] = parts
                log.add(partial(self._mapped.pop, fill))

    def _unmap(self, fills: list[Fill]) -> None:
        with UndoLog() as log:
            for fill in fills:
                for part in self._mapped[fill]:
                    self.pmap.unmap(part.va, part.size)
                    log.add(partial(self._map_again, fill.frame, part))
        for fill in fills:
            del self._mapped[fill]

    def _map_part(self, frame: CapRef, part: MapCall) -> None:
        self.pmap.map(part.va, frame, part.offset, part.size, part.flags)

    def _map_again(self, frame: CapRef, part: MapCall) -> None:
        """As it was mapped, and with what was protected since."""
        region = self._shown()
        start = part.va - region.base + region.offset
        self._map_part(frame, part)
        self._protect_again(region, start, start + part.size)

    def _protect_again(self, region: Vregion, start: int, end: int) -> None:
        for run in runs_over(self._flags, start, end, region.flags):
            self.pmap.modify_flags(region.base - region.offset + run.start, run.end - run.start, run.flags)

    def _parts(self, region: Vregion, fill: Fill) -> list[MapCall]:
        """The calls that map what the region shows of a frame: nothing beyond it, and each page with its flags."""
        start = max(fill.offset, region.offset)
        size = min(fill.offset + fill.size, region.offset + region.size) - start
        if size <= 0:
            raise LibError("LIB_ERR_MEMOBJ_WRONG_OFFSET", f"the region does not show byte {fill.offset:#x}")
        shift, skip = region.base - region.offset, fill.frame_offset - fill.offset
        runs = runs_over(self._flags, start, start + size, region.flags)
        asked = ((shift + one.start, fill.frame, skip + one.start, one.end - one.start, one.flags) for one in runs)
        return [part for one in asked for part in self.pmap.exact_parts(*one)]


class Anonymous(Memobj):
    """Frames wherever they were filled in, each mapped when a fault asks for it."""

    kind = "anonymous"


class OneFrame(Memobj):
    """One frame for the whole of it, mapped when a fault asks for it."""

    kind = "one frame"

    def _check_fill(self, fill: Fill) -> None:
        if (fill.offset, fill.size) != (0, self.size):
            raise LibError("LIB_ERR_MEMOBJ_WRONG_OFFSET", f"{self.name} takes one frame for all its {Size(self.size)}")


class OneFrameOneMap(OneFrame):
    """One frame for the whole of it, mapped as soon as a region shows it."""

    kind = "one frame one map"

    def _on_map(self) -> None:
        if not self.fills:
            raise LibError("LIB_ERR_MEMOBJ_UNDER_FILLED", f"{self.name} has no frame yet")
        self._map(list(self.fills))


class Pinned(Memobj):
    """Frames wherever they were filled in, mapped at once, so that no access to them faults."""

    kind = "pinned"

    def _on_map(self) -> None:
        self._map(list(self.fills))

    def _on_fill(self, fill: Fill) -> None:
        if self.region is not None:
            self._map([fill])


class Fixed(Pinned):
    """Pieces of one size, filled on their borders and mapped at once."""

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
"""By name."""
