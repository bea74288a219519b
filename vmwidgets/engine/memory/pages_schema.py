"""Frames and their owners: values, and the page allocator's events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..base.event import Event
from ..base.frozen import frozen

MAX_ORDER = 10
"""The order of the largest block, 2**10 frames or 4 MiB."""


@frozen
class Block:
    """2**order adjacent frames that are free, pooled or owned together."""

    frame: int
    order: int
    state: str
    """``"free"`` (on a buddy list), ``"pooled"`` (in the processor's pool) or ``"owned"``."""
    owner: str = ""

    @property
    def frames(self) -> int:
        """The number of frames in the block."""
        return 1 << self.order


@frozen
class FreeList:
    """The free blocks of one order: their number, and the first few, in the order of allocation."""

    order: int
    count: int
    first: tuple[int, ...]


@frozen
class PagesValue:
    """All physical memory for pages: frames [first_frame, first_frame + frames)."""

    first_frame: int
    frames: int
    free_frames: int
    free_lists: tuple[FreeList, ...]
    pool: tuple[int, ...]
    """The frames in the processor's pool, the next to be allocated first."""
    pool_limit: int
    owners: tuple[tuple[str, int], ...]
    """The number of frames of each owner, by name."""


@frozen
class PageCounts:
    """The number of pages (4 KiB) in each state, and the limits below which requests are refused.

    `free` includes `zeroed` pages; total = free + cached + used; `wired` and `inactive` are part of `used`.  A request
    can use free + cached: NORMAL needs more than `free_reserved`, SYSTEM more than `interrupt_free_min`, INTERRUPT more
    than 0.  Threads waiting for pages wake at `free_min`; the page daemon works until `free_target` is reached.
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
        """The number of pages that a request can use."""
        return self.free + self.cached


@frozen
class FrameRun:
    """Adjacent frames [first, first + frames) with the same state.

    `state` is "free" (on a buddy list), "pooled" (free, in the processor's pool), "zeroed" (free and known to be zero),
    "cached" or "used"; `owner` names the owner; `wired` means that the frames can't be taken away.
    """

    first: int
    frames: int
    state: str
    owner: str = ""
    wired: bool = False


@frozen
class FrameValue:
    """One frame: its owner's page number (`pindex`, None if unknown), and the virtual addresses mapped to it.

    `mapped` contains pairs of a task's name ("" for the kernel) and an address; `mappings` is the total number of
    pairs.
    """

    frame: int
    state: str
    owner: str
    pindex: int | None
    wire_count: int
    mapped: tuple[tuple[str, int], ...]
    mappings: int


@frozen
class FramesValue:
    """Physical memory: counts, free blocks by order, owners, and the frames as runs in address order.

    Runs left out of the picture are between the runs shown; `owners` counts frames by owner.
    """

    counts: PageCounts
    orders: tuple[FreeList, ...]
    owners: tuple[tuple[str, int], ...]
    runs: tuple[FrameRun, ...]
    first_frame: int
    end_frame: int


def joined(runs: Iterable[FrameRun]) -> Iterator[FrameRun]:
    """Yield the runs, with equal neighbours joined."""
    last: FrameRun | None = None
    for run in runs:
        alike = last is not None and (last.state, last.owner, last.wired) == (run.state, run.owner, run.wired)
        if last is not None and alike and last.first + last.frames == run.first:
            last = replace(last, frames=last.frames + run.frames)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


# ---- owners of frames in the zeroed pool and the page cache ------------------------------------

ZEROED, CACHED = "zeroed pages", "cached: "
"""The owner of zeroed frames, and the prefix of a cached frame's owner."""


POOLED = 0
"""The owner of a free frame in the processor's pool."""


Owner = str | int | None
"""The owner of a frame; None for a frame on the free lists."""


def state_of(owner: Owner) -> str:
    """Return the state of a frame of `owner`.

    >>> state_of("page tables"), state_of("cached: file data"), state_of(None)
    ('used', 'cached', 'free')
    """
    if owner is None:
        return "free"
    if not isinstance(owner, str):
        return "pooled"
    return "zeroed" if owner == ZEROED else "cached" if owner.startswith(CACHED) else "used"


def shown_owner(owner: Owner) -> str:
    """Return the owner of a frame for pictures: a cached frame has its page's owner, a free frame none.

    >>> shown_owner("cached: file data"), shown_owner("zeroed pages")
    ('file data', '')
    """
    return owner.removeprefix(CACHED) if isinstance(owner, str) and owner != ZEROED else ""


# ---- pages, slabs, the kentry area -----------------------------------------------------------


class _OwnedFrames(Event):
    """2**order frames from `frame` on, and their owner."""

    frame: int
    order: int
    owner: str


class PageAllocated(_OwnedFrames, changes=True):
    """2**order frames from `frame` were allocated, for `owner`."""


class PageFreed(_OwnedFrames, changes=True):
    """2**order frames from `frame` were freed."""


class PageHandedOver(Event, changes=True):
    """A frame got another owner, and kept its contents."""

    frame: int
    before: str
    owner: str


class _FreeBlock(Event):
    """The free block at `frame` of `order`."""

    frame: int
    order: int


class BlockSplit(_FreeBlock, changes=True):
    """The free block at `frame` of `order` was halved; its upper half is now on the list of the next lower order."""


class BlockJoined(_FreeBlock, changes=True):
    """Two free buddies became the block at `frame` of `order`."""


class _PoolMove(Event):
    """Frames moved between a pool and the buddy system."""

    pool: str
    moved: tuple[int, ...]


class PoolFilled(_PoolMove, changes=True):
    """The processor's pool of segment `pool` got the frames `moved`."""


class PoolDrained(_PoolMove, changes=True):
    """The processor's pool of segment `pool` returned the frames `moved`, in this order."""
