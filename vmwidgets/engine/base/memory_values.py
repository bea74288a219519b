"""What views and graders see of physical memory and object caches: frozen values.

They are taken from :mod:`vmwidgets.engine.memory`, which alone knows how they come about.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """2**order neighbouring frames that are free, pooled or owned together."""

    frame: int
    order: int
    state: str
    """``"free"`` (on a buddy list), ``"pooled"`` (in the processor's pool) or ``"owned"``."""
    owner: str = ""

    @property
    def frames(self) -> int:
        """How many frames the block has."""
        return 1 << self.order


@dataclass(frozen=True, slots=True)
class FreeList:
    """The free blocks of one order: how many, and the first few in the order they would be taken."""

    order: int
    count: int
    first: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SegmentValue:
    """A segment of physical memory: frames [first_frame, first_frame + frames)."""

    name: str
    first_frame: int
    frames: int
    free_frames: int
    free_lists: tuple[FreeList, ...]
    pool: tuple[int, ...]
    """The processor's pool, next to be taken first."""
    pool_limit: int


@dataclass(frozen=True, slots=True)
class PagesValue:
    """All of physical memory that pages are allocated from."""

    segments: tuple[SegmentValue, ...]
    total_pages: int
    free_pages: int
    owners: tuple[tuple[str, int], ...]
    """Who owns how many frames, by name."""


@dataclass(frozen=True, slots=True)
class SlabValue:
    """A slab of a cache: one run of memory cut into equal buffers."""

    address: int
    colour: int
    state: str
    """``"partial"``, ``"free"`` or ``"full"``: the list it is on."""
    buffers: int
    free: tuple[int, ...]
    """Addresses of the free buffers, next to be taken first."""

    @property
    def used(self) -> int:
        """Buffers taken from the slab."""
        return self.buffers - len(self.free)


@dataclass(frozen=True, slots=True)
class CacheValue:
    """An object cache and its slabs, partial ones first, then free, then full, each in list order."""

    name: str
    object_size: int
    buffer_size: int
    slab_size: int
    buffers_per_slab: int
    slabs: tuple[SlabValue, ...]
    pool: tuple[int, ...]
    """The processor's pool, next to be taken first; empty for a cache without."""
    allocated: int
    """Objects handed out and not freed."""
    counts: tuple[tuple[str, int], ...] = ()
    """How many slabs are "partial", "free" and "full", those that `slabs` leaves out among them."""


@dataclass(frozen=True, slots=True)
class KentryValue:
    """The kentry area: `slabs` slabs of `slab_size` bytes from `start` on, `allocated` of them with a page behind."""

    start: int
    slab_size: int
    slabs: int
    allocated: int
    free: tuple[int, ...]
    """Numbers of the first slabs on the free list, head first."""

    def index(self, address: int) -> int:
        """The number of the slab that `address` lies in."""
        return (address - self.start) // self.slab_size


@dataclass(frozen=True, slots=True)
class KentryContents:
    """The kentry area with some of its slabs open: who lives where."""

    area: KentryValue
    buffer_size: int
    slabs: tuple[SlabValue, ...]
    residents: dict[int, tuple[int, int]]
    """By address of a slot: the id and the start of the entry in it."""
