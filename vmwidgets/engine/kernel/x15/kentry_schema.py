"""The kentry area: its slabs as values, and which are taken and given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from ...base.event import Event
from ...base.frozen import frozen
from ...base.past import ABSENT, Past, Row, declare
from ...memory.slabs_schema import SlabValue, chain, slabs_at

declare(
    {
        "first slab": "one row: the head of the kentry area's free list",
        "next slab": "by free slab of the kentry area: the next one",
    }
)


@frozen
class KentryValue:
    """The kentry area: `slabs` slabs of `slab_size` bytes from `start` on, `allocated` of them with a page behind."""

    start: int
    slab_size: int
    slabs: int
    allocated: int
    free: tuple[int, ...]
    """Numbers of the first slabs on the free list, head first."""

    def index(self, address: int) -> int:
        """The number of the slab that `address` lies in."""
        return (address - self.start) // self.slab_size

    def at(self, past: Past) -> KentryValue:
        """The area as it was; of a free list that is not shown to its end, as much as is known."""
        rows = past.changes("next slab")
        following = {**dict(pairwise((*self.free, -1))), **past.before("next slab")}
        first = past.one("first slab", "", self.free[0] if self.free else -1)
        allocated = self.allocated + sum((before is ABSENT) - (after is ABSENT) for before, after in rows.values())
        return replace(self, allocated=allocated, free=chain(first, following, -1))


@frozen
class KentryContents:
    """The kentry area with some of its slabs open: who lives where.

    `cache` cuts the slabs into `buffers` slots of `buffer_size` bytes, for the entries of `map`.
    """

    area: KentryValue
    cache: str
    map: str
    buffers: int
    buffer_size: int
    slabs: tuple[SlabValue, ...]
    residents: dict[int, tuple[int, int]]
    """By address of a slot: the id and the start of the entry in it."""

    def at(self, past: Past) -> KentryContents:
        """The area as it was.  An entry lives in its slot while it is in the list of the map."""
        if not past:
            return self
        slabs = slabs_at(self.slabs, self.cache, self.buffers, past)
        written, listed = past.before("entry", self.map), past.before("after", self.map)
        residents = {at: (one, start) for at, (one, start) in self.residents.items() if one not in written}
        residents |= {entry[6]: entry[:2] for entry in written.values() if entry is not ABSENT}
        residents = {at: who for at, who in residents.items() if listed.get(who[0]) is not ABSENT}
        living = {slot: residents[slot] for slab in slabs for slot in self.taken(slab) if slot in residents}
        return replace(self, area=self.area.at(past), slabs=slabs, residents=living)

    def taken(self, slab: SlabValue) -> list[int]:
        """The slots of a slab that are not free, by address."""
        first, free = slab.address + slab.colour, {*slab.free}
        slots = range(first, first + self.buffers * self.buffer_size, self.buffer_size)
        return [slot for slot in slots if slot not in free]


class _KentrySlab(Event):
    """Slab `index` of the kentry area, and the one behind it on the free list (-1: none)."""

    index: int
    next: int = -1


class KentrySlabTaken(_KentrySlab):
    """Slab `index` was popped from the kentry area's free list."""

    def writes(self) -> Iterable[Row]:
        yield "first slab", "", 0, self.index, self.next
        yield "next slab", "", self.index, self.next, ABSENT


class KentrySlabGiven(_KentrySlab):
    """Slab `index` was pushed on the kentry area's free list."""

    def writes(self) -> Iterable[Row]:
        yield "first slab", "", 0, self.next, self.index
        yield "next slab", "", self.index, ABSENT, self.next
