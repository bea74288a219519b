"""Segments in physical memory: frozen values, as views get them."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import NamedTuple

from ..engine.base.frozen import frozen


class Segment(NamedTuple):
    """A part of a program: `size` bytes from the virtual address `start` on, at the physical address `base`."""

    name: str
    start: int
    base: int
    size: int
    rights: str

    @property
    def end(self) -> int:
        """The first physical address after the segment."""
        return self.base + self.size


class Stretch(NamedTuple):
    """A range of physical memory, the segments in it, and whether programs may use it."""

    start: int
    end: int
    names: tuple[str, ...]
    free: bool


@frozen
class SegmentsValue:
    """A program's segments, and the `free` pieces of memory (start and size); if there are none, all memory is free."""

    segments: tuple[Segment, ...]
    free: tuple[tuple[int, int], ...] = ()

    @property
    def placed(self) -> tuple[Segment, ...]:
        """The segments that are not empty."""
        return tuple(one for one in self.segments if one.size)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The memory from address 0 to the end of all free pieces and segments, divided at each edge.

        >>> code, data = Segment("code", 0, 0x2000, 0x2000, "r-x"), Segment("data", 0x1000, 0x3000, 0x2000, "rw-")
        >>> for one in SegmentsValue((code, data), free=((0x2000, 0x2000),)).stretches:
        ...     print(f"{one.start:#x}-{one.end:#x}", one.names, one.free)
        0x0-0x2000 () False
        0x2000-0x3000 ('code',) True
        0x3000-0x4000 ('code', 'data') True
        0x4000-0x5000 ('data',) False
        """
        ranges = [(one.base, one.end) for one in self.placed] + [(at, at + size) for at, size in self.free]
        edges = sorted({0, *(edge for both in ranges for edge in both)})
        parts = []
        for start, end in pairwise(edges):
            names = tuple(one.name for one in self.placed if one.base <= start and end <= one.end)
            free = not self.free or any(at <= start and end <= at + size for at, size in self.free)
            parts.append(Stretch(start, end, names, free))
        alike = (tuple(some) for _, some in groupby(parts, lambda one: (one.names, one.free)))
        return tuple(some[0]._replace(end=some[-1].end) for some in alike)
