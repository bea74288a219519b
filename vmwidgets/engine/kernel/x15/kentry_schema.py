"""The kentry area: its slabs as values, and which are taken and given."""

from __future__ import annotations

from ...base.event import Event
from ...base.frozen import frozen
from ...memory.slabs_schema import SlabValue


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

    def taken(self, slab: SlabValue) -> list[int]:
        """The slots of a slab that are not free, by address."""
        first, free = slab.address + slab.colour, {*slab.free}
        slots = range(first, first + self.buffers * self.buffer_size, self.buffer_size)
        return [slot for slot in slots if slot not in free]


class _KentrySlab(Event):
    """Slab `index` of the kentry area."""

    index: int


class KentrySlabTaken(_KentrySlab, changes=True):
    """Slab `index` was popped from the kentry area's free list."""


class KentrySlabGiven(_KentrySlab, changes=True):
    """Slab `index` was pushed on the kentry area's free list."""
