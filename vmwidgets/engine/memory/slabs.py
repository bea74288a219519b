"""Object caches: objects of one size from slabs, after Bonwick, as in X15's `kern/kmem`.

A slab is a run of whole pages cut into equal buffers.  Its descriptor is at the slab's end; if big buffers would then
waste too much memory, it is elsewhere.  A cache is given its supplier of slabs, so that kernel map entries can come
from a cache whose pages need no map entry.  The original's optional pool for a processor, in front of the slabs, is
left out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

from ..base.errors import Broken, KernelPanic, Refused
from ..base.frozen import frozen
from ..base.recorder import Recorder
from ..base.units import PAGE, PAGE_SHIFT, round_up
from .slabs_schema import BufferAllocated, BufferFreed, CacheValue, SlabCreated, SlabDestroyed, SlabValue

MIN_ALIGN = 8

SMALL_BUFFER = 512
"""The buffer size below which the descriptor is always inside the slab."""

ENOUGH_BUFFERS = 8

MAX_SLAB_SIZE = 8 * PAGE
"""The greatest size of a slab, even with fewer than :data:`ENOUGH_BUFFERS`."""

DESCRIPTOR_SIZES = {64: 40, 32: 20}
"""The bytes of a slab's descriptor, by the machine's word width."""


@frozen
class SlabLayout:
    """The layout of one cache's slabs, with sizes in bytes."""

    object_size: int
    align: int
    buffer_size: int
    slab_size: int
    buffers: int
    """The number of buffers in a slab."""
    leftover: int
    """The bytes that the buffers and an inside descriptor leave unused; colours shift the buffers within this space."""
    descriptor_inside: bool

    def next_colour(self, colour: int) -> int:
        """Return the first buffer's shift in the next slab, after a slab with the shift `colour`."""
        following = colour + self.align
        return following if following <= self.leftover else 0


def slab_layout(object_size: int, align: int = MIN_ALIGN, *, bits: int = 64, off_slab: bool = True) -> SlabLayout:
    """Return the layout for objects of `object_size` bytes; without `off_slab`, descriptors are always inside.

    Slabs for 1, 2, … buffers, rounded up to pages, are tried until 8 buffers fit or the slab has 8 pages; after a slab
    with room for more buffers, the next try continues from that number.  The slab that wastes least is used; of equal
    slabs, the later.

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
    """Return size, buffers and unused bytes of the slab that wastes least; `reserved` bytes are the descriptor's."""
    best: tuple[int, int, int] | None = None
    buffers = 0
    while True:
        slab_size = round_up((buffers + 1) * buffer_size + reserved, PAGE)
        buffers = (slab_size - reserved) // buffer_size
        waste = slab_size - reserved - buffers * buffer_size
        if best is None or waste <= best[2]:
            best = slab_size, buffers, waste
        if buffers >= ENOUGH_BUFFERS or slab_size >= MAX_SLAB_SIZE:
            return best


STATES = ("partial", "free", "full")
"""The lists of slabs, in the order in which buffers are searched for."""


class SlabSupplier(Protocol):
    """The supplier of a cache's slabs: runs of its layout's `slab_size` bytes, page aligned."""

    def allocate(self) -> int | None:
        """Return the address of a run, or None if there is none."""

    def free(self, address: int) -> None:
        """Free a run."""


class Slab:
    """One slab: its free list contains buffer numbers, the next to be allocated last."""

    __slots__ = ("address", "colour", "free", "state", "used")

    def __init__(self, address: int, colour: int, buffers: int) -> None:
        self.address = address
        self.colour = colour
        self.free = list(range(buffers))  # so a new slab gives its highest buffer first
        self.used = bytearray(buffers)
        self.state = "free"


class ObjectCache:
    """A cache of objects of `object_size` bytes, in slabs from `supplier`.

    Partial slabs are used first, then the first free slab, then a new slab.  A slab that becomes partial goes to the
    list's tail if it was free, and to the list's head if it was full.  The cache of kernel map entries keeps no data
    outside its slabs (`off_slab=False`).  `bits` is the machine's word width.  Addresses are the supplier's; the memory
    at them is never accessed.

    >>> class Supplier:
    ...     def allocate(self):
    ...         return 0x7000
    ...
    ...     def free(self, address): ...
    >>> cache = ObjectCache(Recorder(), "entry", 80, Supplier())
    >>> hex(cache.allocate()), cache.layout.buffers
    ('0x7f50', 50)
    """

    __slots__ = ("_by_page", "_colour", "_lists", "_recorder", "allocated", "layout", "name", "supplier")

    def __init__(
        self,
        recorder: Recorder,
        name: str,
        object_size: int,
        supplier: SlabSupplier,
        *,
        align: int = MIN_ALIGN,
        bits: int = 64,
        off_slab: bool = True,
    ) -> None:
        self._recorder = recorder
        self.name = name
        self.layout = slab_layout(object_size, align, bits=bits, off_slab=off_slab)
        """The layout of the slabs."""
        self.supplier = supplier
        self.allocated = 0
        """The number of allocated objects."""
        self._lists: dict[str, OrderedDict[int, Slab]] = {state: OrderedDict() for state in STATES}
        self._colour = 0
        # The original rounds a buffer's address (one-page slabs) or reads its page's private word (others).
        self._by_page: dict[int, Slab] = {}

    # ---- objects -----------------------------------------------------------------------------

    def allocate(self) -> int | None:
        """Return the address of a free object; None if the supplier has no slab for it.  O(1)."""
        partial = self._lists["partial"]
        slab = next(iter(partial.values())) if partial else self._first("free") or self._grow()
        if slab is None:
            return None
        free = slab.free
        index = free.pop()
        slab.used[index] = 1
        if not free:
            self._move(slab, "full")
        elif slab.state == "free":
            self._move(slab, "partial")
        self.allocated += 1
        layout, first = self.layout, slab.address + slab.colour
        address = first + index * layout.buffer_size
        emit = self._recorder.emit
        if emit is not None:
            emit((BufferAllocated.tag, self.name, address, slab.address))
        return address

    def provide(self, count: int) -> bool:
        """Ensure this many free objects, with new slabs if needed; returns False if the supplier runs out.

        O(new slabs).
        """
        if count == 1 and self._lists["partial"]:
            return True
        while sum(map(len, self._lists.values())) * self.layout.buffers - self.allocated < count:
            if self._grow() is None:
                return False
        return True

    def free(self, address: int) -> None:
        """Free an object.  O(1).

        The address of anything but an allocated object causes a panic: `slab_foreign_free` or `slab_double_free`.
        """
        layout, slab = self.layout, self._by_page.get(address >> PAGE_SHIFT)
        if slab is None:
            raise self._foreign(address)
        first, free = slab.address + slab.colour, slab.free
        index, rest = divmod(address - first, layout.buffer_size)
        if rest or not 0 <= index < layout.buffers:
            raise self._foreign(address)
        if not slab.used[index]:
            raise KernelPanic("slab_double_free", f"the object at {address:#x} of cache {self.name} is free already")
        slab.used[index] = 0
        free.append(index)
        if len(free) == layout.buffers:
            self._move(slab, "free")
        elif slab.state == "full":
            self._move(slab, "partial")
            self._lists["partial"].move_to_end(slab.address, last=False)
        self.allocated -= 1
        emit = self._recorder.emit
        if emit is not None:
            emit((BufferFreed.tag, self.name, address, slab.address))

    def reap(self) -> int:
        """Return all free slabs to the supplier; returns their number.  The original's caches only grow."""
        free = list(self._lists["free"].values())
        for slab in free:
            self._remove(slab)
            self.supplier.free(slab.address)
        return len(free)

    def drop_slab(self, address: int) -> list[int]:
        """Remove the slab at `address`, whose memory another caller has freed; returns its objects, now free."""
        slab = self._by_page[address >> PAGE_SHIFT]
        objects = [self._address(slab, index) for index in range(self.layout.buffers) if slab.used[index]]
        for one in objects:
            self.free(one)
        self._remove(slab)
        return objects

    # ---- looking -----------------------------------------------------------------------------

    def slab_at(self, address: int) -> int | None:
        """Return the address of the slab that contains `address`, or None."""
        slab = self._by_page.get(address >> PAGE_SHIFT)
        return None if slab is None else slab.address

    def slab_value(self, address: int) -> SlabValue:
        """Return the slab that contains `address` as a frozen value."""
        return self._value(self._by_page[address >> PAGE_SHIFT])

    def slabs(self) -> Iterator[SlabValue]:
        """Yield the slabs as frozen values: partial, free and full slabs, each kind in list order."""
        for state in STATES:
            for slab in self._lists[state].values():
                yield self._value(slab)

    def snapshot(self) -> CacheValue:
        """Return the cache as a frozen value.  O(buffers)."""
        return self.summary(tuple(self.slabs()))

    def summary(self, slabs: tuple[SlabValue, ...]) -> CacheValue:
        """Return the cache as a frozen value with only the given slabs.  O(1)."""
        cut = self.layout
        sizes = (cut.object_size, cut.buffer_size, cut.slab_size, cut.buffers)
        return CacheValue(self.name, *sizes, slabs, self.allocated, tuple(self.slab_counts.items()))

    @property
    def slab_counts(self) -> dict[str, int]:
        """The number of partial, free and full slabs."""
        return {state: len(slabs) for state, slabs in self._lists.items()}

    def check(self) -> None:
        """Raise :class:`Broken` unless the numbered invariants hold.  O(buffers)."""
        pages = 0
        for state in STATES:
            for slab in self._lists[state].values():
                self._check_slab(slab, state)
                pages += len(self._pages_of(slab))
                for page in self._pages_of(slab):
                    if self._by_page.get(page) is not slab:
                        raise Broken(f"5. a page leads to its slab: {page << PAGE_SHIFT:#x} of {self.name} does not")
        if pages != len(self._by_page):
            raise Broken(f"6. only pages of slabs lead to one: {len(self._by_page)} do in {self.name}, not {pages}")
        used = sum(sum(slab.used) for state in STATES for slab in self._lists[state].values())
        if used != self.allocated:
            raise Broken(f"7. objects are counted: {self.name} has {used} allocated, and counts {self.allocated}")

    def _check_slab(self, slab: Slab, state: str) -> None:
        where = f"the slab at {slab.address:#x} of {self.name}"
        buffers = self.layout.buffers
        if slab.address % PAGE or slab.colour % self.layout.align or slab.colour > self.layout.leftover:
            raise Broken(f"1. a slab is page aligned and its colour fits: {where} has colour {slab.colour}")
        if slab.state != state:
            raise Broken(f"2. a slab knows its list: {where} is on {state}, and says {slab.state}")
        if sorted(slab.free) != [index for index in range(buffers) if not slab.used[index]]:
            raise Broken(f"3. each buffer is allocated or on the free list, once: {where} has {slab.free} free")
        right = "full" if not slab.free else "free" if len(slab.free) == buffers else "partial"
        if state != right:
            raise Broken(f"4. a slab is on the list that its buffers say: {where} is {right}, and on {state}")

    # ---- slabs -------------------------------------------------------------------------------

    def _foreign(self, address: int) -> KernelPanic:
        """Return the panic about an address that is not an object's address."""
        return KernelPanic("slab_foreign_free", f"{address:#x} is not the address of an object of cache {self.name}")

    def _first(self, state: str) -> Slab | None:
        return next(iter(self._lists[state].values()), None)

    def _grow(self) -> Slab | None:
        address = self.supplier.allocate()
        if address is None:
            return None
        slab = Slab(address, self._colour, self.layout.buffers)
        self._colour = self.layout.next_colour(self._colour)
        self._lists["free"][address] = slab
        for page in self._pages_of(slab):
            self._by_page[page] = slab
        emit = self._recorder.emit
        if emit is not None:
            emit((SlabCreated.tag, self.name, address, slab.colour))
        return slab

    def _remove(self, slab: Slab) -> None:
        """Remove a free slab; the caller handles its memory."""
        del self._lists["free"][slab.address]
        for page in self._pages_of(slab):
            del self._by_page[page]
        emit = self._recorder.emit
        if emit is not None:
            emit((SlabDestroyed.tag, self.name, slab.address))

    def _move(self, slab: Slab, state: str) -> None:
        del self._lists[slab.state][slab.address]
        self._lists[state][slab.address] = slab
        slab.state = state

    def _value(self, slab: Slab) -> SlabValue:
        free = tuple(self._address(slab, index) for index in reversed(slab.free))
        return SlabValue(slab.address, slab.colour, slab.state, self.layout.buffers, free)

    def _pages_of(self, slab: Slab) -> range:
        return range(slab.address >> PAGE_SHIFT, (slab.address + self.layout.slab_size) >> PAGE_SHIFT)

    def _address(self, slab: Slab, index: int) -> int:
        return slab.address + slab.colour + index * self.layout.buffer_size
