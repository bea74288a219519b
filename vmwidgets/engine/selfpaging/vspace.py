"""A program's address space (vspace): its regions, in order.  The pmap asks it where something new can go."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from ..base.errors import Broken, Refused
from ..base.events import RegionAdded, RegionRemoved
from ..base.recorder import Recorder
from ..base.units import PAGE, Address
from ..base.values.domains import RegionFold, RegionValue
from .errors import LibError


@dataclass(slots=True, eq=False)
class Vregion:
    """[base, base + size) of the addresses, where the memory object called `memobj` is shown from `offset` on.

    Without a name it is the region of the slab frames, or one that a map without a memory object made.
    """

    id: int
    base: int
    size: int
    flags: int = 0
    memobj: str = ""
    offset: int = 0

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.base + self.size

    def snapshot(self) -> RegionValue:
        """As views see it."""
        return RegionValue(self.id, self.base, self.size, self.flags, self.memobj, self.offset)


class Vspace:
    """Regions by base, none overlapping another.  Finding one is O(log n).

    >>> vspace = Vspace(Recorder(), "demo")
    >>> vspace.add(Vregion(1, 0x4000_0000, 0x1000))
    >>> vspace.find(0x4000_0800).id
    1
    """

    def __init__(self, recorder: Recorder, domain: str) -> None:
        self._recorder = recorder
        self._domain = domain
        self._regions: list[Vregion] = []
        self._bases: list[int] = []
        self.by_id: dict[int, Vregion] = {}
        self._last_id = 0

    def __iter__(self) -> Iterator[Vregion]:
        return iter(self._regions)

    def __len__(self) -> int:
        return len(self._regions)

    def new_id(self) -> int:
        """The id of a new region."""
        self._last_id += 1
        return self._last_id

    def add(self, region: Vregion) -> None:
        """Insert a region; LIB_ERR_VSPACE_REGION_OVERLAP if there is one already in its range."""
        if region.base < 0 or region.base % PAGE or region.size <= 0:
            raise Refused(f"region of {region.size} bytes at {region.base:#x}: it begins on a page border, with a byte")
        at = bisect_left(self._bases, region.base)
        for other in self._regions[max(at - 1, 0) : at + 1]:
            if other.base < region.end and region.base < other.end:
                where = f"[{Address(other.base)}, {Address(other.end)}) is a region already"
                raise LibError("LIB_ERR_VSPACE_REGION_OVERLAP", where)
        self._regions.insert(at, region)
        self._bases.insert(at, region.base)
        self.by_id[region.id] = region
        self._last_id = max(self._last_id, region.id)
        self._report(RegionAdded.tag, region)

    def remove(self, region: Vregion) -> None:
        """Remove a region; what is mapped there stays."""
        at = bisect_left(self._bases, region.base)
        if self._regions[at : at + 1] != [region]:
            raise LibError("LIB_ERR_VSPACE_VREGION_NOT_FOUND", f"region {region.id} is not in the vspace")
        del self._regions[at], self._bases[at], self.by_id[region.id]
        self._report(RegionRemoved.tag, region)

    def change_flags(self, region: Vregion, flags: int) -> None:
        """Give a region other flags: as if it left and came back."""
        if flags != region.flags:
            self._report(RegionRemoved.tag, region)
            region.flags = flags
            self._report(RegionAdded.tag, region)

    def find(self, va: int) -> Vregion | None:
        """The region that covers `va`."""
        at = bisect_left(self._bases, va + 1) - 1
        return self._regions[at] if at >= 0 and va < self._regions[at].end else None

    def overlapping(self, start: int, end: int) -> list[Vregion]:
        """The regions with a byte in [start, end), in order; O(log n + found)."""
        first = max(bisect_left(self._bases, start + 1) - 1, 0)
        return [one for one in self._regions[first : bisect_left(self._bases, end)] if start < one.end]

    def window(self, first: int, bases: Iterable[int], around: int) -> tuple[list[RegionValue], list[RegionFold]]:
        """The `first` regions, and those at `bases` with so many `around` them; what is left out between them.

        O(regions that are shown × log n).
        """
        count = len(self._regions)
        shown = set(range(min(first, count)))
        for base in bases:
            at = bisect_left(self._bases, base)
            shown.update(range(max(0, at - around), min(count, at + around + 1)))
        borders = {0, count, *shown, *(number + 1 for number in shown)}
        folds = [
            RegionFold(self._bases[start], self._regions[end - 1].end, end - start)
            for start, end in pairwise(sorted(borders))
            if start not in shown
        ]
        return [self._regions[number].snapshot() for number in sorted(shown)], folds

    def check(self) -> None:
        """Invariant: regions are in order, and none overlaps another."""
        for one, other in zip(self._regions, self._regions[1:], strict=False):
            if one.end > other.base:
                raise Broken(f"vspace invariant 1: region {other.id} of {self._domain} begins in region {one.id}")
        if self._bases != [region.base for region in self._regions]:
            raise Broken(f"vspace invariant 2: the index of the regions of {self._domain} is wrong")
        if self.by_id != {region.id: region for region in self._regions}:
            raise Broken(f"vspace invariant 2: the regions of {self._domain} are not found by their ids")

    def _report(self, tag: str, region: Vregion) -> None:
        emit = self._recorder.emit
        if emit is not None:
            emit((tag, self._domain, region.id, region.base, region.size, region.flags, region.memobj, region.offset))
