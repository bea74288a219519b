"""The allocations of kernel memory, each with the function that returned it, for the checks of m.kmem_free.

Entries are merged, so a map can't say which allocation an address belongs to; the kernel trusts its callers to know.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from heapq import merge
from typing import NamedTuple

from ..base.errors import in_ascii
from ..base.units import Address, Size

REMEMBERED = 10_000
"""The number of freed allocations that are remembered."""


class Allocation(NamedTuple):
    """A range [start, end) of the map called `map`, returned by `function` to `owner` ("" for the learner)."""

    start: int
    end: int
    map: str
    function: str
    owner: str = ""

    @property
    def size(self) -> Size:
        """The size in bytes, whole pages."""
        return Size(self.end - self.start)

    @in_ascii
    def __repr__(self) -> str:
        owner = f" for {self.owner}" if self.owner else ""
        return f"<{Address(self.start)}–{Address(self.end)} {self.size} of {self.map} by {self.function}{owner}>"


class Allocations:
    """Live allocations by map and address; no two of one map overlap."""

    def __init__(self) -> None:
        self._maps: dict[str, _Ledger] = {}
        self._freed: dict[tuple[str, int], str] = {}
        self._going: dict[tuple[str, int], str] = {}

    def add(self, allocation: Allocation) -> None:
        """Add an allocation; drop allocations of its map that it overlaps, since they were freed without a report."""
        if self.overlapping(allocation.start, allocation.end, allocation.map):
            self.drop(allocation.map, allocation.start, allocation.end, allocation.function)
        self._put(allocation)

    def drop(self, map: str, start: int, end: int, by: str) -> None:  # noqa: A002  the kernel's own argument
        """Note that [start, end) of a map is freed `by` a function; parts of allocations outside the range stay.

        A remaining part belongs to the learner, since the former owner does not know of it.
        """
        for one in self.overlapping(start, end, map):
            self._maps[map].remove(one.start)
            self._freed[map, one.start] = by
            if one.start < start:
                self._put(Allocation(one.start, start, map, one.function))
            if one.end > end:
                self._put(Allocation(end, one.end, map, one.function))
        while len(self._freed) > REMEMBERED:
            del self._freed[next(iter(self._freed))]

    def _put(self, allocation: Allocation) -> None:
        ledger = self._maps.get(allocation.map)
        if ledger is None:
            ledger = self._maps[allocation.map] = _Ledger()
        ledger.add(allocation)
        self._freed.pop((allocation.map, allocation.start), None)

    def begin_going(self, map: str, start: int, end: int, by: str) -> list[tuple[str, int]]:  # noqa: A002
        """Mark [start, end) of a map as being freed; at the end, pass the returned value to :meth:`end_going`."""
        places = [(map, one.start) for one in self.overlapping(start, end, map)]
        for place in places:
            self._going[place] = by
        return places

    def end_going(self, places: list[tuple[str, int]]) -> None:
        """Note that the function that frees these allocations no longer waits."""
        for place in places:
            self._going.pop(place, None)

    def is_free_to_go(self, start: int, end: int, map: str) -> bool:  # noqa: A002  the kernel's own argument
        """Return whether [start, end) of a map is a learner's allocation that no function is freeing.  O(1)."""
        ledger = self._maps.get(map)
        one = None if ledger is None else ledger.live.get(start)
        return one is not None and one.end == end and not one.owner and (map, start) not in self._going

    def going_by(self, allocation: Allocation) -> str:
        """Return the function that is waiting in the middle of freeing an allocation; "" if there is none."""
        return self._going.get((allocation.map, allocation.start), "")

    def overlapping(self, start: int, end: int, map: str | None = None) -> list[Allocation]:  # noqa: A002
        """Return the allocations of one map, or of all, with a byte in [start, end), in address order.

        O(log n + found) for each map.
        """
        if start >= end:
            return []
        if map is not None:
            ledger = self._maps.get(map)
            if ledger is None:
                return []
            one = ledger.live.get(start)
            return [one] if one is not None and one.end >= end else ledger.overlapping(start, end)  # usually just one
        found = [one for ledger in self._maps.values() for one in ledger.overlapping(start, end)]
        return sorted(found, key=_start)

    def at(self, address: int) -> Allocation | None:
        """Return the allocation that contains `address`."""
        found = self.overlapping(address, address + 1)
        return found[0] if found else None

    def freed_by(self, map: str, start: int) -> str:  # noqa: A002
        """Return the function that freed a map's allocation at `start`; "" if that is not remembered."""
        return self._freed.get((map, start), "")

    def __iter__(self) -> Iterator[Allocation]:
        return merge(*(ledger.all() for ledger in self._maps.values()), key=_start)

    def __len__(self) -> int:
        return sum(len(ledger.starts) for ledger in self._maps.values())

    @in_ascii
    def __repr__(self) -> str:
        first = [repr(one) for one, _ in zip(self, range(20), strict=False)]
        more = [f"… {len(self) - 20:,} more"] if len(self) > 20 else []
        return "\n".join([*first, *more]) or "nothing is allocated"


class _Ledger:
    """The allocations of one map."""

    __slots__ = ("live", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.live: dict[int, Allocation] = {}

    def add(self, allocation: Allocation) -> None:
        insort(self.starts, allocation.start)
        self.live[allocation.start] = allocation

    def remove(self, start: int) -> None:
        del self.live[start]
        self.starts.pop(bisect_left(self.starts, start))

    def overlapping(self, start: int, end: int) -> list[Allocation]:
        starts, live = self.starts, self.live
        first = bisect_right(starts, start)
        if first and live[starts[first - 1]].end > start:
            first -= 1
        last = bisect_left(starts, end, first)
        return [live[at] for at in starts[first:last]] if first < last else []

    def all(self) -> list[Allocation]:
        return [self.live[start] for start in self.starts]


def _start(allocation: Allocation) -> int:
    return allocation.start
