"""The kentry area: its slabs as values, and the events of their allocation."""

from __future__ import annotations

from ...base.event import Event
from ...base.frozen import frozen
from ...memory.slabs_schema import SlabValue


@frozen
class KentryValue:
    """The kentry area: `slabs` slabs of `slab_size` bytes from `start` on, `allocated` of them with a page."""

    start: int
    slab_size: int
    slabs: int
    allocated: int
    free: tuple[int, ...]
    """The numbers of the first slabs on the free list, head first."""

    def index(self, address: int) -> int:
        """Return the number of the slab that contains `address`."""
        return (address - self.start) // self.slab_size


@frozen
class KentryContents:
    """The kentry area with some of its slabs open, which show the entry in each slot.

    `cache` divides the slabs into `buffers` slots of `buffer_size` bytes, for the entries of `map`.
    """

    area: KentryValue
    cache: str
    map: str
    buffers: int
    buffer_size: int
    slabs: tuple[SlabValue, ...]
    residents: dict[int, tuple[int, int]]
    """The ID and the start of the entry in each slot, by the slot's address."""

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
