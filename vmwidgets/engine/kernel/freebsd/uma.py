"""malloc(9) and the zone allocator over kmem_malloc (FreeBSD `kern_malloc`, `uma`): objects from slabs of kmem_map.

A request of up to a page goes to the zone of the next power of two, a larger one gets whole pages of its own.  Empty
slabs stay with their zone until `uma_reclaim` returns them.
"""

from __future__ import annotations

from collections.abc import Callable

from ...base.errors import Broken
from ...base.recorder import Recorder, kernel_function
from ...base.units import PAGE
from ...memory.slabs import ObjectCache
from ..threads.waits import MaySleep, WouldSleep, run_without_sleeping
from .kmem import M_ZERO, Kmem, round_page
from .kmem_schema import ZoneGrown, ZoneShrunk
from .vm_map import FreeBSDMap

SMALLEST, LARGEST = 16, PAGE
"""The sizes in bytes of objects in the smallest and in the largest zone (KMEM_ZMAX)."""


class Zone:
    """Objects of `size` bytes; `name` as vmstat prints it ("64").

    A zone supplies its own slabs: :meth:`Zones.malloc` allocates one before the cache asks for it, and `give_back`
    receives the empty ones.
    """

    def __init__(self, recorder: Recorder, size: int, give_back: Callable[[Zone, int], None]) -> None:
        self.size = size
        self.name = str(size)
        self.ready: list[int] = []
        """Slabs that were allocated in advance."""
        self._give_back = give_back
        self.cache = ObjectCache(recorder, f"zone {size}", size, self, off_slab=False)

    @property
    def slab_size(self) -> int:
        """The size of a slab in bytes."""
        return self.cache.layout.slab_size

    def allocate(self) -> int | None:
        """The slab that was allocated in advance, or None."""
        return self.ready.pop() if self.ready else None

    def free(self, address: int) -> None:
        """Free an empty slab."""
        self._give_back(self, address)


class Zones:
    """All zones of a machine, over kmem_map; `write_zeroes(address, size)` clears memory through the page tables.

    `large` maps the address of each request larger than a page to its size, and `taken` the address of each object to
    its zone.
    """

    def __init__(self, kmem: Kmem, kmem_map: FreeBSDMap, write_zeroes: Callable[[int, int], None]) -> None:
        self.kmem = kmem
        self.kmem_map = kmem_map
        self.recorder = kmem.recorder
        self.write_zeroes = write_zeroes
        self.zones = [Zone(kmem.recorder, SMALLEST << power, self._shrink) for power in range(9)]
        self.large: dict[int, int] = {}
        self.taken: dict[int, Zone] = {}
        self.slabs: dict[int, Zone] = {}
        """The slabs of zones, by address."""
        kmem.reclaim_zones = self.reclaim

    # ---- malloc and free ---------------------------------------------------------------------

    @kernel_function()
    def malloc(self, size: int, flags: int) -> MaySleep[int]:
        """Allocate at least `size` bytes; returns 0 only with M_NOWAIT. The flags are those of kmem_malloc."""
        if size > LARGEST:
            return (yield from self._malloc_large(size, flags))
        zone = self.zone_for(size)
        address = zone.cache.allocate()
        while address is None:
            slab = yield from self.kmem.kmem_malloc(self.kmem_map, zone.slab_size, flags & ~M_ZERO)
            if slab == 0:
                return 0
            self.grown(zone, slab)
            address = zone.cache.allocate()
        self.taken[address] = zone
        if flags & M_ZERO:
            self.write_zeroes(address, zone.size)
        return address

    def _malloc_large(self, size: int, flags: int) -> MaySleep[int]:
        """Allocate whole pages for one request (`uma_large_malloc`)."""
        address = yield from self.kmem.kmem_malloc(self.kmem_map, size, flags)
        if address:
            self.large[address] = round_page(size)
        return address

    @kernel_function()
    def free(self, address: int) -> MaySleep[None]:
        """Free what :meth:`malloc` returned."""
        size = self.large.get(address)
        if size is not None:
            yield from self.kmem.kmem_free(self.kmem_map, address, size)
            self.large.pop(address, None)  # not before: a call that is given up while it waits has freed nothing
            return
        self.taken.pop(address).cache.free(address)

    def zone_for(self, size: int) -> Zone:
        """Return the smallest zone whose objects have at least `size` bytes."""
        return next(zone for zone in self.zones if zone.size >= size)

    def reclaim(self) -> None:
        """Free the empty slabs of all zones (`uma_reclaim`); none while kmem_map is locked."""
        if self.kmem_map.lock.held:
            return
        for zone in self.zones:
            zone.cache.reap()
            while zone.ready:
                self._shrink(zone, zone.ready.pop())

    def _shrink(self, zone: Zone, address: int) -> None:
        del self.slabs[address]
        self.recorder.report(ZoneShrunk.tag, zone.name, address, zone.slab_size)
        try:
            run_without_sleeping(self.kmem.kmem_free(self.kmem_map, address, zone.slab_size))
        except WouldSleep as error:
            raise Broken(f"the lock of kmem_map was free; yet {error}") from error

    def grown(self, zone: Zone, address: int) -> None:
        """Note that kmem_malloc returned a slab."""
        self.slabs[address] = zone
        zone.ready.append(address)
        self.recorder.report(ZoneGrown.tag, zone.name, address, zone.slab_size)

    def drop_range(self, start: int, end: int) -> list[tuple[int, int]]:
        """Drop all slabs, objects and large requests in [start, end), whose pages were freed by other code.

        Returns start and end of each slab that lost a byte. O(slabs + large requests).
        """
        for address, size in list(self.large.items()):
            if address < end and start < address + size:
                del self.large[address]
        lost = []
        for address, zone in list(self.slabs.items()):
            if address < end and start < address + zone.slab_size:
                self._drop_slab(zone, address)
                lost.append((address, address + zone.slab_size))
        return lost

    def _drop_slab(self, zone: Zone, address: int) -> None:
        del self.slabs[address]
        if address in zone.ready:
            zone.ready.remove(address)
            return
        for one in zone.cache.drop_slab(address):
            del self.taken[one]

    def check(self) -> None:
        """Raise :class:`Broken` unless each zone's slabs are sound, and objects are counted."""
        for zone in self.zones:
            zone.cache.check()
            mine = sum(one is zone for one in self.taken.values())
            if mine != zone.cache.allocated:
                raise Broken(f"Z1: {mine} objects of zone {zone.name} are out, it counts {zone.cache.allocated}")
        listed = {slab.address for zone in self.zones for slab in zone.cache.slabs()}
        listed |= {address for zone in self.zones for address in zone.ready}
        if listed != set(self.slabs):
            raise Broken("Z2: the slabs of the zones are not those that came from kmem_map")
