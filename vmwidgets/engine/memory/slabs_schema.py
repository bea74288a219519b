"""Object caches: the values of slabs and buffers, and their events."""

from __future__ import annotations

from ..base.event import Event
from ..base.frozen import frozen


@frozen
class SlabValue:
    """A slab of a cache: one run of memory cut into equal buffers."""

    address: int
    colour: int
    state: str
    """``"partial"``, ``"free"`` or ``"full"``: the slab's list."""
    buffers: int
    free: tuple[int, ...]
    """The addresses of the free buffers, the next to be allocated first."""

    @property
    def used(self) -> int:
        """The number of allocated buffers."""
        return self.buffers - len(self.free)

    @classmethod
    def of(cls, address: int, colour: int, buffers: int, free: tuple[int, ...]) -> SlabValue:
        """Return the slab, with the state that its free buffers imply."""
        return cls(address, colour, slab_state(buffers - len(free), buffers), buffers, free)


def slab_state(used: int, buffers: int) -> str:
    """Return the list that a slab is on: "free", "full" or "partial"."""
    return "free" if not used else "full" if used == buffers else "partial"


@frozen
class CacheValue:
    """An object cache and its slabs: partial, free and full slabs, each kind in list order."""

    name: str
    object_size: int
    buffer_size: int
    slab_size: int
    buffers_per_slab: int
    slabs: tuple[SlabValue, ...]
    allocated: int
    """The number of allocated objects."""
    counts: tuple[tuple[str, int], ...] = ()
    """The number of "partial", "free" and "full" slabs, including slabs that `slabs` leaves out."""


@frozen
class CachesValue:
    """The object caches and zones of a machine, each with its slabs by address, or with some if there are many."""

    caches: tuple[CacheValue, ...]


class SlabCreated(Event, changes=True):
    """A cache got a new slab at `address`, its first buffer shifted by `colour` bytes."""

    cache: str
    address: int
    colour: int


class SlabDestroyed(Event, changes=True):
    """A cache freed an empty slab."""

    cache: str
    address: int


class _Buffer(Event):
    """The buffer of a cache at `address`, in `slab`."""

    cache: str
    address: int
    slab: int = 0


class BufferAllocated(_Buffer, changes=True):
    """A cache allocated the buffer at `address`."""


class BufferFreed(_Buffer, changes=True):
    """A cache freed the buffer at `address`."""
