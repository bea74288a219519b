"""Object caches: the values of slabs and buffers, and what happens to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from ..base.event import Event
from ..base.frozen import frozen
from ..base.past import ABSENT, Past, Row, declare

declare(
    {
        "first buffer": "of a cache, by slab: the head of its free list",
        "next buffer": "of a cache, by address of a free buffer: the next one",
        "slab": "of a cache, by address: the slab's colour",
        "used": "of a cache, by slab: how many of its buffers are taken",
    }
)


@frozen
class SlabValue:
    """A slab of a cache: one run of memory cut into equal buffers."""

    address: int
    colour: int
    state: str
    """``"partial"``, ``"free"`` or ``"full"``: the list it is on."""
    buffers: int
    free: tuple[int, ...]
    """Addresses of the free buffers, next to be allocated first."""

    @property
    def used(self) -> int:
        """Buffers that are allocated."""
        return self.buffers - len(self.free)

    @classmethod
    def of(cls, address: int, colour: int, buffers: int, free: tuple[int, ...]) -> SlabValue:
        """The slab, on the list on which its free buffers put it."""
        return cls(address, colour, slab_state(buffers - len(free), buffers), buffers, free)


def slab_state(used: int, buffers: int) -> str:
    """The list that a slab is on: "free", "full" or "partial"."""
    return "free" if not used else "full" if used == buffers else "partial"


def slabs_at(slabs: Iterable[SlabValue], cache: str, buffers: int, past: Past) -> tuple[SlabValue, ...]:
    """The slabs of a cache as they were, by address: those in `slabs`, and those that are gone.  O(buffers + rows)."""
    now = {slab.address: slab for slab in slabs}
    colours = past.laid_over({address: slab.colour for address, slab in now.items()}, "slab", cache)
    first = {address: slab.free[0] if slab.free else 0 for address, slab in now.items()}
    first |= past.before("first buffer", cache)
    following = {one: other for slab in now.values() for one, other in pairwise((*slab.free, 0))}
    following |= past.before("next buffer", cache)
    return tuple(
        SlabValue.of(address, colour, buffers, chain(first.get(address, 0), following))
        for address, colour in sorted(colours.items())
    )


def chain(first: int, following: Mapping[int, int], end: int = 0) -> tuple[int, ...]:
    """A list as it is linked, up to `end` or to the last that is known.

    >>> chain(3, {3: 1, 1: 0})
    (3, 1)
    """
    found = []
    while first != end:
        found.append(first)
        first = following.get(first, end)
    return tuple(found)


@frozen
class CacheValue:
    """An object cache and its slabs, partial ones first, then free, then full, each in list order."""

    name: str
    object_size: int
    buffer_size: int
    slab_size: int
    buffers_per_slab: int
    slabs: tuple[SlabValue, ...]
    allocated: int
    """Objects that are allocated."""
    counts: tuple[tuple[str, int], ...] = ()
    """How many slabs are "partial", "free" and "full", those that `slabs` leaves out among them."""

    def at(self, past: Past) -> CacheValue:
        """The cache as it was, its slabs by address."""
        counts, allocated = Counter(dict(self.counts)), self.allocated
        for change in past.changes("used", self.name).values():
            for used, sign in ((change.before, 1), (change.after, -1)):
                if used is not ABSENT:
                    counts[slab_state(used, self.buffers_per_slab)] += sign
                    allocated += sign * used
        slabs = slabs_at(self.slabs, self.name, self.buffers_per_slab, past)
        counted = tuple((state, counts[state]) for state, _ in self.counts)
        return replace(self, slabs=slabs, allocated=allocated, counts=counted)


@frozen
class CachesValue:
    """The object caches and zones of a machine, each with its slabs by address; some of them, where there are many."""

    caches: tuple[CacheValue, ...]

    def at(self, past: Past) -> CachesValue:
        """The caches as they were."""
        return CachesValue(tuple(cache.at(past) for cache in self.caches)) if past else self


class SlabCreated(Event):
    """A cache got a new slab at `address`, its first buffer shifted by `colour` bytes."""

    cache: str
    address: int
    colour: int

    def writes(self) -> Iterable[Row]:
        yield "slab", self.cache, self.address, ABSENT, self.colour
        yield "used", self.cache, self.address, ABSENT, 0


class SlabDestroyed(Event):
    """A cache freed an empty slab; `colour` and `free`, its free list, describe the slab."""

    cache: str
    address: int
    colour: int = 0
    free: tuple[int, ...] = ()

    def writes(self) -> Iterable[Row]:
        yield "slab", self.cache, self.address, self.colour, ABSENT
        yield "used", self.cache, self.address, 0, ABSENT
        for buffer, following in pairwise((*self.free, 0)):
            yield "next buffer", self.cache, buffer, following, ABSENT
        if self.free:
            yield "first buffer", self.cache, self.address, self.free[0], ABSENT


class _Buffer(Event):
    """The buffer of a cache at `address`, in `slab`, of which `used` buffers were allocated before.

    `next` is the free buffer behind it on the slab's free list, where it is the first (0: none).
    """

    cache: str
    address: int
    slab: int = 0
    next: int = 0
    used: int = 0


class BufferAllocated(_Buffer):
    """A cache allocated the buffer at `address`."""

    def writes(self) -> Iterable[Row]:
        yield "first buffer", self.cache, self.slab, self.address, self.next
        yield "next buffer", self.cache, self.address, self.next, ABSENT
        yield "used", self.cache, self.slab, self.used, self.used + 1


class BufferFreed(_Buffer):
    """A cache freed the buffer at `address`."""

    def writes(self) -> Iterable[Row]:
        yield "first buffer", self.cache, self.slab, self.next, self.address
        yield "next buffer", self.cache, self.address, ABSENT, self.next
        yield "used", self.cache, self.slab, self.used, self.used - 1
