"""The kentry area as learners hold it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..base.memory_values import KentryContents, SlabValue
from ..base.operations import Door, operation
from ..base.units import Address, binary_size
from ..kernel.kentry import KentryArea
from ..memory.object_cache import ObjectCache
from . import checks

if TYPE_CHECKING:
    from ..kernel.entry import CachedEntries, Entry
    from .machine import Machine

OPEN_SLABS = 3
"""How many slabs a picture opens at most."""


class MachineKentry:
    """Where the kernel map's entries come from: the reserved range, its slabs, the slots in them."""

    path = "kentry"

    def __init__(self, machine: Machine, area: KentryArea, cache: ObjectCache, entries: CachedEntries[Entry]) -> None:
        self.machine = machine
        self.area = area
        self.cache = cache
        self._entries = entries

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

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
        live = self._entries.live
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
