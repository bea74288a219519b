"""Who was given which kernel addresses: what the door needs to know that the maps don't tell.

Entries join, so a map can't say which allocation an address belongs to; the kernel trusts its callers to know.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass

from ..base.units import Address, Size

REMEMBERED = 10_000
"""Of how many freed allocations it is remembered that they were freed."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """[start, end) of the map called `map`, got from `function` for `owner` ("" the learner)."""

    start: int
    end: int
    map: str
    function: str
    owner: str = ""

    @property
    def size(self) -> Size:
        """Bytes, whole pages."""
        return Size(self.end - self.start)

    def __repr__(self) -> str:
        owner = f" for {self.owner}" if self.owner else ""
        return f"<{Address(self.start)}–{Address(self.end)} {self.size} of {self.map} by {self.function}{owner}>"


class Allocations:
    """Live allocations by address; none overlaps another."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._live: dict[int, Allocation] = {}
        self._freed: dict[int, str] = {}

    def add(self, allocation: Allocation) -> None:
        """One more."""
        insort(self._starts, allocation.start)
        self._live[allocation.start] = allocation
        self._freed.pop(allocation.start, None)

    def drop(self, start: int, end: int, by: str) -> None:
        """Whatever lies in [start, end) is freed `by` a function; what sticks out stays, cut."""
        for one in self.overlapping(start, end):
            del self._live[one.start]
            self._starts.pop(bisect_left(self._starts, one.start))
            self._freed[one.start] = by
            if one.start < start:
                self.add(Allocation(one.start, start, one.map, one.function, one.owner))
            if one.end > end:
                self.add(Allocation(end, one.end, one.map, one.function, one.owner))
        while len(self._freed) > REMEMBERED:
            del self._freed[next(iter(self._freed))]

    def overlapping(self, start: int, end: int) -> list[Allocation]:
        """The allocations with a byte in [start, end), rising.  O(log n + found)."""
        index = max(0, bisect_right(self._starts, start) - 1)
        found = []
        for first in self._starts[index : bisect_left(self._starts, end)]:
            one = self._live[first]
            if one.end > start:
                found.append(one)
        return found

    def at(self, address: int) -> Allocation | None:
        """The allocation that holds `address`."""
        found = self.overlapping(address, address + 1)
        return found[0] if found else None

    def freed_by(self, start: int) -> str:
        """Which function freed the allocation that began at `start`; "" if none is remembered."""
        return self._freed.get(start, "")

    def __iter__(self) -> Iterator[Allocation]:
        return (self._live[start] for start in list(self._starts))

    def __len__(self) -> int:
        return len(self._starts)
