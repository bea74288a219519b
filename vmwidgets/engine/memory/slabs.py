"""How an object cache cuts memory: pure arithmetic, as in X15's `kern/kmem`.

A slab is a run of whole pages cut into equal buffers.  Its descriptor sits at the slab's end, or,
for big buffers that would waste too much for it, elsewhere.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..base.errors import Broken, KernelPanic, Refused
from ..base.events import BufferAllocated, BufferFreed, PoolDrained, PoolFilled, SlabCreated, SlabDestroyed
from ..base.recorder import Recorder
from ..base.units import KIB, PAGE, PAGE_SHIFT
from ..base.values.memory import CacheValue, SlabValue

MIN_ALIGN = 8


SMALL_BUFFER = 512
"""Below this buffer size the descriptor is always inside the slab."""


ENOUGH_BUFFERS = 8


MAX_SLAB_SIZE = 8 * PAGE
"""A slab stops growing here, even with fewer than :data:`ENOUGH_BUFFERS`."""


DESCRIPTOR_SIZES = {64: 40, 32: 20}
"""Bytes of a slab's descriptor, by the machine's word width."""


GENERAL_SIZES = tuple(32 << i for i in range(13))
"""Object sizes of the 13 general caches: 32 bytes to 128 KiB by doubling."""


_POOL_SIZES = ((256, 128), (4 * KIB, 64), (32 * KIB, 8))


@dataclass(frozen=True, slots=True)
class SlabLayout:
    """How one cache's slabs are cut; all sizes in bytes."""

    object_size: int
    align: int
    buffer_size: int
    slab_size: int
    buffers: int
    """Buffers in a slab."""
    leftover: int
    """What the buffers and an inside descriptor leave unused; the colours shift the buffers in it."""
    descriptor_inside: bool

    def next_colour(self, colour: int) -> int:
        """The shift of the first buffer in the slab that follows one shifted by `colour`."""
        following = colour + self.align
        return following if following <= self.leftover else 0


def slab_layout(object_size: int, align: int = MIN_ALIGN, *, bits: int = 64, off_slab: bool = True) -> SlabLayout:
    """The layout for objects of `object_size` bytes; without `off_slab` descriptors are always inside.

    Slabs of 1, 2, … buffers, rounded up to pages, are tried (each time going on from the number that
    fitted) until 8 buffers fit or the slab has 8 pages; the one that wastes least is kept, the later on a tie.

    >>> slab_layout(80).buffers, slab_layout(80).leftover
    (50, 56)
    >>> slab_layout(44, bits=32).buffers, slab_layout(44, bits=32).leftover
    (84, 44)
    """
    if object_size < 1 or align < 1 or align & (align - 1):
        raise Refused(f"objects of {object_size} bytes aligned to {align}: at least 1 byte, and a power of two")
    align = max(align, MIN_ALIGN)
    buffer_size = -(-object_size // align) * align
    descriptor = DESCRIPTOR_SIZES[bits]
    reserved = descriptor if buffer_size < SMALL_BUFFER or not off_slab else 0
    slab_size, buffers, waste = _least_waste(buffer_size, reserved)
    inside = bool(reserved) or waste >= descriptor
    leftover = waste - descriptor if inside and not reserved else waste
    return SlabLayout(object_size, align, buffer_size, slab_size, buffers, leftover, inside)


def _least_waste(buffer_size: int, reserved: int) -> tuple[int, int, int]:
    """Slab size, buffers and unused bytes of the slab that wastes least, `reserved` bytes being the descriptor's."""
    best: tuple[int, int, int] | None = None
    buffers = 0
    while True:
        slab_size = -(-((buffers + 1) * buffer_size + reserved) // PAGE) * PAGE
        buffers = (slab_size - reserved) // buffer_size
        waste = slab_size - reserved - buffers * buffer_size
        if best is None or waste <= best[2]:
            best = slab_size, buffers, waste
        if buffers >= ENOUGH_BUFFERS or slab_size >= MAX_SLAB_SIZE:
            return best


def pool_size(buffer_size: int) -> int:
    """How many objects a processor's pool holds: 128 up to 256 bytes, 64 to 4 KiB, 8 to 32 KiB, 1 above."""
    return next((count for limit, count in _POOL_SIZES if buffer_size <= limit), 1)


def general_size(size: int) -> int | None:
    """The object size of the general cache that serves `size` bytes; None: too big, kernel space serves it.

    >>> general_size(33), general_size(128 * KIB + 1)
    (64, None)
    """
    return next((general for general in GENERAL_SIZES if size <= general), None)


# ---- slab --------------------------------------------------------------------------------------
#
# Slabs: runs of memory cut into equal buffers, and the three lists a cache keeps them on.
#
# Partial slabs are used first, then the first free one, then a new one. A slab that becomes partial goes to the
# list's tail when it was free and to its head when it was full, as in X15's `kern/kmem`. Addresses are those the
# supplier gives; what lies there is never touched.


STATES = ("partial", "free", "full")
"""The lists, in the order in which buffers are looked for."""


class SlabSupplier(Protocol):
    """Where a cache's slabs come from: runs of its layout's `slab_size` bytes, page aligned."""

    def take(self) -> int | None:
        """The address of a run, or None when there is none."""

    def give(self, address: int) -> None:
        """Take a run back."""


class Slab:
    """One slab: its free list holds buffer numbers, the next to be taken last."""

    __slots__ = ("address", "colour", "free", "state", "taken")

    def __init__(self, address: int, colour: int, buffers: int) -> None:
        self.address = address
        self.colour = colour
        self.free = list(range(buffers))  # so a new slab gives its highest buffer first
        self.taken = bytearray(buffers)
        self.state = "free"


class Slabs:
    """All slabs of the cache called `name`, cut as `layout` says."""

    __slots__ = ("_by_page", "_colour", "_recorder", "layout", "lists", "name", "supplier")

    def __init__(self, recorder: Recorder, name: str, layout: SlabLayout, supplier: SlabSupplier) -> None:
        self._recorder = recorder
        self.name = name
        self.layout = layout
        self.supplier = supplier
        self.lists: dict[str, OrderedDict[int, Slab]] = {state: OrderedDict() for state in STATES}
        self._colour = 0
        # Stands for rounding a buffer's address (one-page slabs) and for its page's private word (others).
        self._by_page: dict[int, Slab] = {}

    def take(self) -> int | None:
        """The address of a free buffer; None when there is none and the supplier has no slab.  O(1)."""
        slab = self._first("partial") or self._first("free") or self._grow()
        if slab is None:
            return None
        index = slab.free.pop()
        slab.taken[index] = 1
        if not slab.free:
            self._move(slab, "full")
        elif slab.state == "free":
            self._move(slab, "partial")
        return self._address(slab, index)

    def give(self, address: int) -> None:
        """Take back the buffer that :meth:`take` gave.  O(1)."""
        found = self.find(address)
        if found is None:
            raise Broken(f"{address:#x} is no buffer of {self.name}")
        slab, index = found
        slab.taken[index] = 0
        slab.free.append(index)
        if len(slab.free) == self.layout.buffers:
            self._move(slab, "free")
        elif slab.state == "full":
            self._move(slab, "partial")
            self.lists["partial"].move_to_end(slab.address, last=False)

    def find(self, address: int) -> tuple[Slab, int] | None:
        """The slab and number of the buffer at exactly `address`, taken or free; None if there is none."""
        slab = self._by_page.get(address >> PAGE_SHIFT)
        if slab is None:
            return None
        index, rest = divmod(address - slab.address - slab.colour, self.layout.buffer_size)
        return (slab, index) if not rest and 0 <= index < self.layout.buffers else None

    def slab_at(self, address: int) -> int | None:
        """The address of the slab that `address` lies in, or None."""
        slab = self._by_page.get(address >> PAGE_SHIFT)
        return None if slab is None else slab.address

    def reap(self) -> int:
        """Give all free slabs back to the supplier; how many they were."""
        free = list(self.lists["free"].values())
        for slab in free:
            self.forget(slab.address)
            self.supplier.give(slab.address)
        return len(free)

    def forget(self, address: int) -> None:
        """Have the free slab at `address` no more; the supplier is not told."""
        slab = self.lists["free"].pop(address)
        for page in self._pages_of(slab):
            del self._by_page[page]
        emit = self._recorder.emit
        if emit is not None:
            emit((SlabDestroyed.tag, self.name, slab.address, slab.colour, self._value(slab).free))

    def objects(self, address: int) -> list[int]:
        """The taken buffers of the slab at `address`, rising."""
        slab = self._by_page[address >> PAGE_SHIFT]
        return [self._address(slab, index) for index in range(self.layout.buffers) if slab.taken[index]]

    def values(self) -> Iterator[SlabValue]:
        """The slabs as frozen values: partial ones, free ones, full ones, each in list order."""
        for state in STATES:
            for slab in self.lists[state].values():
                yield self._value(slab)

    def value(self, address: int) -> SlabValue:
        """The slab at `address` as a frozen value."""
        return self._value(self._by_page[address >> PAGE_SHIFT])

    def _value(self, slab: Slab) -> SlabValue:
        free = tuple(self._address(slab, index) for index in reversed(slab.free))
        return SlabValue(slab.address, slab.colour, slab.state, self.layout.buffers, free)

    def check(self) -> int:
        """Raise :class:`Broken` unless the numbered invariants hold; how many buffers are taken.  O(buffers)."""
        pages = 0
        for state in STATES:
            for slab in self.lists[state].values():
                self._check_slab(slab, state)
                pages += len(self._pages_of(slab))
                for page in self._pages_of(slab):
                    if self._by_page.get(page) is not slab:
                        raise Broken(f"5. a page leads to its slab: {page << PAGE_SHIFT:#x} of {self.name} does not")
        if pages != len(self._by_page):
            raise Broken(f"6. only pages of slabs lead to one: {len(self._by_page)} do in {self.name}, not {pages}")
        return sum(sum(slab.taken) for state in STATES for slab in self.lists[state].values())

    def _check_slab(self, slab: Slab, state: str) -> None:
        where = f"the slab at {slab.address:#x} of {self.name}"
        buffers = self.layout.buffers
        if slab.address % PAGE or slab.colour % self.layout.align or slab.colour > self.layout.leftover:
            raise Broken(f"1. a slab is page aligned and its colour fits: {where} has colour {slab.colour}")
        if slab.state != state:
            raise Broken(f"2. a slab knows its list: {where} is on {state}, and says {slab.state}")
        if sorted(slab.free) != [index for index in range(buffers) if not slab.taken[index]]:
            raise Broken(f"3. each buffer is taken or on the free list, once: {where} has {slab.free} free")
        right = "full" if not slab.free else "free" if len(slab.free) == buffers else "partial"
        if state != right:
            raise Broken(f"4. a slab is on the list that its buffers say: {where} is {right}, and on {state}")

    def _first(self, state: str) -> Slab | None:
        return next(iter(self.lists[state].values()), None)

    def _grow(self) -> Slab | None:
        address = self.supplier.take()
        if address is None:
            return None
        slab = Slab(address, self._colour, self.layout.buffers)
        self._colour = self.layout.next_colour(self._colour)
        self.lists["free"][address] = slab
        for page in self._pages_of(slab):
            self._by_page[page] = slab
        emit = self._recorder.emit
        if emit is not None:
            emit((SlabCreated.tag, self.name, address, slab.colour))
        return slab

    def _move(self, slab: Slab, state: str) -> None:
        del self.lists[slab.state][slab.address]
        self.lists[state][slab.address] = slab
        slab.state = state

    def _pages_of(self, slab: Slab) -> range:
        return range(slab.address >> PAGE_SHIFT, (slab.address + self.layout.slab_size) >> PAGE_SHIFT)

    def _address(self, slab: Slab, index: int) -> int:
        return slab.address + slab.colour + index * self.layout.buffer_size


# ---- object cache ------------------------------------------------------------------------------
#
# Object caches: objects of one size from slabs, through a processor's pool where there is one.
#
# As X15's `kern/kmem`, after Bonwick. A cache is given its supplier of slabs, so that kernel map entries can come
# from a cache whose pages need no map entry.


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
