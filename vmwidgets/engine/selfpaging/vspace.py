"""A program's address space (vspace): its regions, in order.  The pmap asks it for addresses of new mappings."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from ..base.errors import Broken, Refused
from ..base.recorder import Recorder
from ..base.units import PAGE, Address, round_up
from .calls_schema import RegionAdded, RegionRemoved
from .domain_schema import RegionFold, Vregion
from .errors import LibError


class Vspace:
    """Regions by base, without overlap. Finding one is O(log n).

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
        self._gaps: dict[int, list[int]] = {}
        """The starts of the gaps between two regions, ascending, by the number of bits of their lengths."""
        self.by_id: dict[int, Vregion] = {}
        self._last_id = 0

    def __iter__(self) -> Iterator[Vregion]:
        return iter(self._regions)

    def __len__(self) -> int:
        return len(self._regions)

    @property
    def last(self) -> Vregion | None:
        """The one with the highest addresses."""
        return self._regions[-1] if self._regions else None

    def new_id(self) -> int:
        """Return the ID of a new region."""
        self._last_id += 1
        return self._last_id

    def add(self, region: Vregion) -> None:
        """Insert a region; raises LIB_ERR_VSPACE_REGION_OVERLAP if another one is in its range."""
        if region.base < 0 or region.base % PAGE or region.size <= 0:
            raise Refused(f"region of {region.size} bytes at {region.base:#x}: it begins on a page border, with a byte")
        at = bisect_left(self._bases, region.base)
        for other in self._regions[max(at - 1, 0) : at + 1]:
            if other.base < region.end and region.base < other.end:
                where = f"[{Address(other.base)}, {Address(other.end)}) is a region already"
                raise LibError("LIB_ERR_VSPACE_REGION_OVERLAP", where)
        before, after = self._regions[max(at - 1, 0) : at], self._regions[at : at + 1]
        self._count_gaps([*before, *after], -1)
        self._count_gaps([*before, region, *after], 1)
        self._regions.insert(at, region)
        self._bases.insert(at, region.base)
        self.by_id[region.id] = region
        self._last_id = max(self._last_id, region.id)
        self._report(RegionAdded.tag, region)

    def remove(self, region: Vregion) -> None:
        """Remove a region; its mappings stay."""
        at = bisect_left(self._bases, region.base)
        if self._regions[at : at + 1] != [region]:
            raise LibError("LIB_ERR_VSPACE_VREGION_NOT_FOUND", f"region {region.id} is not in the vspace")
        before, after = self._regions[max(at - 1, 0) : at], self._regions[at + 1 : at + 2]
        self._count_gaps([*before, region, *after], -1)
        self._count_gaps([*before, *after], 1)
        del self._regions[at], self._bases[at], self.by_id[region.id]
        self._report(RegionRemoved.tag, region)

    def _count_gaps(self, regions: list[Vregion], change: int) -> None:
        """Add gaps (1 or -1) between each two neighbouring regions to the counts."""
        for low, high in pairwise(regions):
            behind = low.page_end
            if behind < high.base:
                begins = self._gaps.setdefault((high.base - behind).bit_length(), [])
                if change > 0:
                    insort(begins, behind)
                else:
                    del begins[bisect_left(begins, behind)]

    def lowest_gap(self, size: int, alignment: int, above: int) -> int | None:
        """Return the lowest gap between two regions with room for `size` aligned bytes that begins above `above`.

        O(log regions), and O(gaps of about that size).
        """
        found: int | None = None
        for bits, begins in self._gaps.items():
            if bits < size.bit_length():
                continue
            for at in range(bisect_right(begins, above), len(begins)):
                behind = begins[at]
                if found is not None and behind > found:
                    break
                if self._bases[bisect_left(self._bases, behind)] >= round_up(behind, alignment) + size:
                    found = behind
                    break
        return found

    def change_flags(self, region: Vregion, flags: int) -> Vregion:
        """Return the region with other flags, which takes its place."""
        if flags == region.flags:
            return region
        self.remove(region)
        changed = replace(region, flags=flags)
        self.add(changed)
        return changed

    def find(self, va: int) -> Vregion | None:
        """The region that covers `va`."""
        at = bisect_left(self._bases, va + 1) - 1
        return self._regions[at] if at >= 0 and va < self._regions[at].end else None

    def overlapping(self, start: int, end: int) -> list[Vregion]:
        """Return the regions with a byte in [start, end), in order; O(log n + found)."""
        first = max(bisect_left(self._bases, start + 1) - 1, 0)
        return [one for one in self._regions[first : bisect_left(self._bases, end)] if start < one.end]

    def window(self, first: int, bases: Iterable[int], around: int) -> tuple[list[Vregion], list[RegionFold]]:
        """Return the `first` regions, those at `bases` with this many `around` them, and folds for the others.

        O(shown regions × log n).
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
        return [self._regions[number] for number in sorted(shown)], folds

    def check(self) -> None:
        """Check the invariant: regions are in order, and none overlaps another."""
        for one, other in zip(self._regions, self._regions[1:], strict=False):
            if one.end > other.base:
                raise Broken(f"vspace invariant 1: region {other.id} of {self._domain} begins in region {one.id}")
        if self._bases != [region.base for region in self._regions]:
            raise Broken(f"vspace invariant 2: the index of the regions of {self._domain} is wrong")
        gaps = [(low.page_end, high.base) for low, high in pairwise(self._regions) if low.page_end < high.base]
        known = sorted((begin, bits) for bits, begins in self._gaps.items() for begin in begins)
        if known != [(begin, (end - begin).bit_length()) for begin, end in gaps]:
            raise Broken(f"vspace invariant 2: the index of the gaps of {self._domain} is wrong")
        if self.by_id != {region.id: region for region in self._regions}:
            raise Broken(f"vspace invariant 2: the regions of {self._domain} are not found by their ids")

    def _report(self, tag: str, region: Vregion) -> None:
        self._recorder.report(
            tag, self._domain, region.id, region.base, region.size, region.flags, region.memobj, region.offset
        )
