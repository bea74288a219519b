"""The object caches and zones of a machine as learners hold them, and the kentry area."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ..base.operations import operation
from ..base.units import Address, binary_size
from ..base.values.memory import CachesValue, CacheValue, KentryContents, SlabValue
from ..kernel.map.core import CachedEntries
from ..kernel.x15.kmem import KentryArea
from ..memory.slabs import ObjectCache
from . import checks
from .system import Part

SLABS = 8
"""Slabs of a cache that a value holds: those in focus, then partial, free and full ones in list order."""


class MachineCaches(Part):
    """All caches: of the kernel map's entries, of other maps', of kernel memory's; and the zones of malloc."""

    def __iter__(self) -> Iterator[ObjectCache]:
        """The caches in the order they came to be."""
        kernel = self.system.kernel
        yield from (kernel.kentry_cache, kernel.entry_cache, kernel.kmem.entry_cache)
        yield from (zone.cache for zone in kernel.kmem.zones.zones)

    def value(self, focus: Iterable[int] = (), most: int = SLABS) -> CachesValue:
        """The caches as frozen values, each with up to `most` slabs: those of the buffers in `focus`, then others.

        O(caches + slabs shown).
        """
        wanted, limit = list(focus), checks.count(most, "most")
        return CachesValue(tuple(_some(cache, wanted, limit) for cache in self))

    def __repr__(self) -> str:
        lines = []
        for cache in self:
            slabs = cache.slab_counts
            size = binary_size(sum(slabs.values()) * cache.layout.slab_size)
            counts = ", ".join(f"{count} {state}" for state, count in slabs.items())
            lines.append(f"  {cache.name:<16} {cache.allocated:>6,} objects, slabs: {counts}, {size}")
        return "\n".join(["<object caches>", *lines])


def _some(cache: ObjectCache, focus: Iterable[int], most: int) -> CacheValue:
    chosen: dict[int, SlabValue] = {}
    for address in focus:
        slab = cache.slab_at(address)
        if slab is not None and len(chosen) < most // 2:
            chosen[slab] = cache.slab_value(slab)
    for value in islice(cache.slabs(), most):
        if len(chosen) < most:
            chosen.setdefault(value.address, value)
    return cache.summary(tuple(sorted(chosen.values(), key=lambda slab: slab.address)))


OPEN_SLABS = 3
"""How many slabs a picture opens at most."""


class MachineKentry(Part):
    """Where the kernel map's entries come from: the reserved range, its slabs, the slots in them."""

    @property
    def area(self) -> KentryArea:
        """The reserved range, slab by slab."""
        return self.system.kernel.kentry

    @property
    def cache(self) -> ObjectCache:
        """The cache of entries that grows in it."""
        return self.system.kernel.kentry_cache

    @operation
    def reap(self) -> int:
        """Give the free slabs back to the area, and their pages to the machine; how many they were."""
        return self.cache.reap()

    @property
    def start(self) -> Address:
        """First address of the area."""
        return Address(self.area.start)

    @property
    def room(self) -> int:
        """How many entries the whole area can hold."""
        return self.area.slabs * self.cache.layout.buffers

    def contents(self, focus: Iterable[int] = (), most: int = OPEN_SLABS) -> KentryContents:
        """The area as a frozen value with up to `most` slabs open: those of the slots in `focus`, then partial ones."""
        opened: dict[int, SlabValue] = {}
        limit = checks.count(most, "most")
        for address in focus:
            slab = self.cache.slab_at(address)
            if slab is not None and len(opened) < limit:
                opened[slab] = self.cache.slab_value(slab)
        for value in self.cache.slabs():
            if len(opened) >= limit:
                break
            opened.setdefault(value.address, value)
        slots = (
            address
            for slab in opened.values()
            for address in range(
                slab.address + slab.colour, slab.address + self.slab_size, self.cache.layout.buffer_size
            )
        )
        entries = self.system.kernel.kernel_map.entries
        assert isinstance(entries, CachedEntries), "the boot ends with the kentry area in place"
        live = entries.live
        residents = {address: (live[address].id, live[address].start) for address in slots if address in live}
        slabs = tuple(opened[address] for address in sorted(opened))
        return KentryContents(self.area.snapshot(), self.cache.layout.buffer_size, slabs, residents)

    @property
    def slab_size(self) -> int:
        """Bytes of a slab."""
        return self.cache.layout.slab_size

    def __repr__(self) -> str:
        used = (
            f"{self.cache.allocated:,} of {self.room:,} entries in {self.area.allocated:,} of {self.area.slabs:,} slabs"
        )
        return f"<kentry area at {self.start}: {used}, {binary_size(self.area.allocated * self.slab_size)} in memory>"
