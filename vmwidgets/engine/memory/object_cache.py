"""Object caches: objects of one size from slabs, through a processor's pool where there is one.

As X15's `kern/kmem`, after Bonwick.  A cache is given its supplier of slabs, so that kernel map
entries can come from a cache whose pages need no map entry.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..base.errors import Broken, KernelPanic
from ..base.events import BufferAllocated, BufferFreed, PoolDrained, PoolFilled
from ..base.memory_values import CacheValue, SlabValue
from ..base.recorder import Recorder
from .slab import Slabs, SlabSupplier
from .slab_layout import MIN_ALIGN, SlabLayout, pool_size, slab_layout


class ObjectCache:
    """A cache of objects of `object_size` bytes.

    `pooled` puts a processor's pool before the slabs; the cache of kernel map entries has none, and
    no data outside its slabs (`off_slab=False`).  `bits` is the machine's word width.

    >>> class Supplier:
    ...     def take(self):
    ...         return 0x7000
    ...
    ...     def give(self, address): ...
    >>> cache = ObjectCache(Recorder(), "entry", 80, Supplier())
    >>> hex(cache.allocate()), cache.layout.buffers
    ('0x7f50', 50)
    """

    __slots__ = ("_pool_limit", "_recorder", "_slabs", "allocated", "name", "pool")

    def __init__(
        self,
        recorder: Recorder,
        name: str,
        object_size: int,
        supplier: SlabSupplier,
        *,
        align: int = MIN_ALIGN,
        bits: int = 64,
        pooled: bool = False,
        off_slab: bool = True,
    ) -> None:
        self._recorder = recorder
        self.name = name
        layout = slab_layout(object_size, align, bits=bits, off_slab=off_slab)
        self._slabs = Slabs(recorder, name, layout, supplier)
        self._pool_limit = pool_size(layout.buffer_size) if pooled else 0
        self.pool: list[int] = []
        self.allocated = 0
        """Objects handed out and not freed."""

    @property
    def layout(self) -> SlabLayout:
        """How the slabs are cut."""
        return self._slabs.layout

    def allocate(self) -> int | None:
        """The address of a free object; None when the supplier has no slab for it.  O(1)."""
        address = self._from_pool() if self._pool_limit else self._slabs.take()
        if address is not None:
            self.allocated += 1
            emit = self._recorder.emit
            if emit is not None:
                emit((BufferAllocated.tag, self.name, address))
        return address

    def free(self, address: int) -> None:
        """Take an object back.  O(1).

        Anything that is not an object handed out by this cache is a panic: `slab_foreign_free` or
        `slab_double_free`.
        """
        self._check_handed_out(address)
        self.allocated -= 1
        if not self._pool_limit:
            self._slabs.give(address)
        else:
            if len(self.pool) == self._pool_limit:
                self._drain_pool()
            self.pool.append(address)
        emit = self._recorder.emit
        if emit is not None:
            emit((BufferFreed.tag, self.name, address))

    def reap(self) -> int:
        """Give all free slabs back to the supplier; how many they were.

        The original never does this: its caches only grow.  The processor's pool keeps what it has.
        """
        return self._slabs.reap()

    def lose(self, address: int) -> list[int]:
        """The memory of the slab at `address` is somebody else's now: forget it, and its objects, which are returned.

        For caches without a processor's pool.
        """
        objects = self._slabs.objects(address)
        for one in objects:
            self.free(one)
        self._slabs.forget(address)
        return objects

    def slabs(self) -> Iterator[SlabValue]:
        """The slabs as frozen values: partial ones, free ones, full ones, each in list order."""
        return self._slabs.values()

    def slab_at(self, address: int) -> int | None:
        """The address of the slab that `address` lies in, or None."""
        return self._slabs.slab_at(address)

    def slab_value(self, address: int) -> SlabValue:
        """The slab at `address` as a frozen value."""
        return self._slabs.value(address)

    def snapshot(self) -> CacheValue:
        """The cache as a frozen value."""
        return self.summary(tuple(self.slabs()))

    def summary(self, slabs: tuple[SlabValue, ...]) -> CacheValue:
        """The cache as a frozen value that holds these of its slabs.  O(1)."""
        cut = self.layout
        sizes = (cut.object_size, cut.buffer_size, cut.slab_size, cut.buffers)
        counts = tuple(self.slab_counts.items())
        return CacheValue(self.name, *sizes, slabs, tuple(reversed(self.pool)), self.allocated, counts)

    @property
    def slab_counts(self) -> dict[str, int]:
        """How many slabs are partial, free and full."""
        return {state: len(slabs) for state, slabs in self._slabs.lists.items()}

    def check(self) -> None:
        """Raise :class:`Broken` unless the slabs' numbered invariants and the pool's hold; O(objects)."""
        taken = self._slabs.check()
        if taken != self.allocated + len(self.pool):
            raise Broken(
                f"7. a taken buffer is handed out or pooled: {self.name} has {taken} taken, "
                f"{self.allocated} handed out and {len(self.pool)} pooled"
            )
        if len(set(self.pool)) != len(self.pool) or len(self.pool) > self._pool_limit:
            raise Broken(f"8. the pool of {self.name} holds a buffer once, {self._pool_limit} at most: {self.pool}")

    def _check_handed_out(self, address: int) -> None:
        found = self._slabs.find(address)
        if found is None:
            raise KernelPanic("slab_foreign_free", f"{address:#x} is not the address of an object of cache {self.name}")
        slab, index = found
        if not slab.taken[index] or address in self.pool:
            raise KernelPanic("slab_double_free", f"the object at {address:#x} of cache {self.name} is free already")

    def _from_pool(self) -> int | None:
        if not self.pool:
            self._fill_pool()
        return self.pool.pop() if self.pool else None

    def _fill_pool(self) -> None:
        moved: list[int] = []
        while len(moved) < self._transfer:
            address = self._slabs.take()
            if address is None:
                break
            moved.append(address)
        self.pool += moved
        emit = self._recorder.emit
        if emit is not None and moved:
            emit((PoolFilled.tag, self.name, tuple(moved)))

    def _drain_pool(self) -> None:
        moved = [self.pool.pop() for _ in range(self._transfer)]
        for address in moved:
            self._slabs.give(address)
        emit = self._recorder.emit
        if emit is not None:
            emit((PoolDrained.tag, self.name, tuple(moved)))

    @property
    def _transfer(self) -> int:
        """Half a pool, which is what moves between the pool and the slabs at a time."""
        return max(1, self._pool_limit // 2)
