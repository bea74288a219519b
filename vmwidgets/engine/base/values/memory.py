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
class PagesValue:
    """All of physical memory that pages are allocated from: frames [first_frame, first_frame + frames)."""

    first_frame: int
    frames: int
    free_frames: int
    free_lists: tuple[FreeList, ...]
    pool: tuple[int, ...]
    """The processor's pool, next to be allocated first."""
    pool_limit: int
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
    """Addresses of the free buffers, next to be allocated first."""

    @property
    def used(self) -> int:
        """Buffers that are allocated."""
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
    allocated: int
    """Objects that are allocated."""
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


# ---- pages and frames --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageCounts:
    """How many pages (4 KiB) are what, and the marks below which requests are refused.

    `free` includes `zeroed` ones; total = free + cached + used; `wired` and `inactive` are part of `used`.  A request
    sees free + cached: NORMAL needs more than `free_reserved`, SYSTEM more than `interrupt_free_min`, INTERRUPT more
    than 0.  Who waits for pages goes on above `free_min`; the page daemon works until `free_target` is reached.
    """

    total: int
    free: int
    zeroed: int
    cached: int
    used: int
    wired: int
    inactive: int
    free_reserved: int
    interrupt_free_min: int
    free_min: int
    free_target: int
    deficit: int

    @property
    def available(self) -> int:
        """What a request can count on."""
        return self.free + self.cached


@dataclass(frozen=True, slots=True)
class FrameRun:
    """Neighbouring frames [first, first + frames) that are alike.

    `state` is "free" (on a buddy list), "pooled" (free, in the processor's pool), "zeroed" (free and known to be
    zero), "cached" or "used"; `owner` names who has them; `wired` says that they can't be taken away.
    """

    first: int
    frames: int
    state: str
    owner: str = ""
    wired: bool = False


@dataclass(frozen=True, slots=True)
class FrameValue:
    """One frame: which page of whom is in it (`pindex`, None: not known), and the virtual addresses that lead to it.

    `mapped` are pairs of a task's name ("" the kernel) and an address; `mappings` says how many there are in all.
    """

    frame: int
    state: str
    owner: str
    pindex: int | None
    wire_count: int
    mapped: tuple[tuple[str, int], ...]
    mappings: int


@dataclass(frozen=True, slots=True)
class FramesValue:
    """Physical memory: counts, free blocks by order, who owns how much, and the frames as runs in address order.

    Runs that were left out of the picture lie between those that are shown; `owners` counts frames by owner.
    """

    counts: PageCounts
    orders: tuple[FreeList, ...]
    owners: tuple[tuple[str, int], ...]
    runs: tuple[FrameRun, ...]
    first_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True)
class CachesValue:
    """The object caches and zones of a machine, each with its slabs by address; some of them, where there are many."""

    caches: tuple[CacheValue, ...]


# ---- owners of frames in the zeroed pool and the page cache ------------------------------------

ZEROED, CACHED = "zeroed pages", "cached: "
"""Owner of free frames that hold zeroes; and, before the name of whose page it holds, of a cached frame."""


def state_of(owner: str | None) -> str:
    """The state of a frame of `owner`; None: it is on the free lists.

    >>> state_of("page tables"), state_of("cached: file data"), state_of(None)
    ('used', 'cached', 'free')
    """
    if owner is None:
        return "free"
    return "zeroed" if owner == ZEROED else "cached" if owner.startswith(CACHED) else "used"


def shown_owner(owner: str | None) -> str:
    """The owner of a frame as pictures show it: of a cached frame the page's, of a free one none.

    >>> shown_owner("cached: file data"), shown_owner("zeroed pages")
    ('file data', '')
    """
    return "" if owner is None or owner == ZEROED else owner.removeprefix(CACHED)
