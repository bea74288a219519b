"""How an object cache cuts memory: pure arithmetic, as in X15's `kern/kmem`.

A slab is a run of whole pages cut into equal buffers.  Its descriptor sits at the slab's end, or,
for big buffers that would waste too much for it, elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..base.errors import Refused
from ..base.units import KIB, PAGE

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
