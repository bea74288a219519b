"""The object caches and zones of a machine as learners hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from ..base.kmem_values import CachesValue
from ..base.memory_values import CacheValue, SlabValue
from ..base.operations import Door
from ..base.units import binary_size
from ..memory.object_cache import ObjectCache
from . import checks

if TYPE_CHECKING:
    from .machine import Machine

SLABS = 8
"""Slabs of a cache that a value holds: those in focus, then partial, free and full ones in list order."""


class MachineCaches:
    """All caches: of the kernel map's entries, of other maps', of kernel memory's; and the zones of malloc."""

    path = "caches"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    def __iter__(self) -> Iterator[ObjectCache]:
        """The caches in the order they came to be."""
        kernel = self.machine.kernel
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
            told = ", ".join(f"{count} {state}" for state, count in slabs.items())
            lines.append(f"  {cache.name:<16} {cache.allocated:>6,} objects, slabs: {told}, {size}")
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
