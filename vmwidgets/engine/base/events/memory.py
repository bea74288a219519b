"""Events of frames, slabs, the kentry area and page tables, and of faults; `frame` is a page frame number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from ..values.memory import POOLED, Owner
from ..values.past import ABSENT, MOVED, Row
from .event import Event

# ---- pages, slabs, the kentry area -----------------------------------------------------------


class _OwnedFrames(Event):
    """2**order frames from `frame` on, and their owner."""

    frame: int
    order: int
    owner: str

    @property
    def free(self) -> Owner:
        """What frames of this order are when they have no owner: single ones pass through the processor's pool."""
        return None if self.order else POOLED


class PageAllocated(_OwnedFrames):
    """2**order frames from `frame` were allocated, for `owner`."""

    def writes(self) -> Iterable[Row]:
        for frame in range(self.frame, self.frame + (1 << self.order)):
            yield "frame", "", frame, self.free, self.owner
        if self.order:
            yield "blocks", "", self.order, MOVED, -1


class PageFreed(_OwnedFrames):
    """2**order frames from `frame` were freed."""

    def writes(self) -> Iterable[Row]:
        for frame in range(self.frame, self.frame + (1 << self.order)):
            yield "frame", "", frame, self.owner, self.free
        if self.order:
            yield "blocks", "", self.order, MOVED, 1


class PageHandedOver(Event):
    """An owned frame got another owner, with what it holds."""

    frame: int
    before: str
    owner: str

    def writes(self) -> Iterable[Row]:
        yield "frame", "", self.frame, self.before, self.owner


class _FreeBlock(Event):
    """The free block `frame` of `order`."""

    frame: int
    order: int


class BlockSplit(_FreeBlock):
    """The free block `frame` of `order` was halved; its upper half is on the list below."""

    def writes(self) -> Iterable[Row]:
        yield "blocks", "", self.order, MOVED, -1
        yield "blocks", "", self.order - 1, MOVED, 2


class BlockJoined(_FreeBlock):
    """Two free buddies became the block `frame` of `order`."""

    def writes(self) -> Iterable[Row]:
        yield "blocks", "", self.order, MOVED, 1
        yield "blocks", "", self.order - 1, MOVED, -2


class _PoolMove(Event):
    """What moved between a pool of frames and the buddy system."""

    pool: str
    moved: tuple[int, ...]


class PoolFilled(_PoolMove):
    """The processor's pool of segment `pool` got the frames `moved`."""

    def writes(self) -> Iterable[Row]:
        for frame in self.moved:
            yield "frame", "", frame, None, POOLED
        yield "blocks", "", 0, MOVED, -len(self.moved)


class PoolDrained(_PoolMove):
    """The processor's pool of segment `pool` gave the frames `moved` back, in this order."""

    def writes(self) -> Iterable[Row]:
        for frame in self.moved:
            yield "frame", "", frame, POOLED, None
        yield "blocks", "", 0, MOVED, len(self.moved)


class SlabCreated(Event):
    """A cache got a new slab at `address`, its first buffer shifted by `colour` bytes."""

    cache: str
    address: int
    colour: int

    def writes(self) -> Iterable[Row]:
        yield "slab", self.cache, self.address, ABSENT, self.colour
        yield "used", self.cache, self.address, ABSENT, 0


class SlabDestroyed(Event):
    """A cache gave a free slab back; `colour` and `free`, its free list, are what it was like."""

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


class _KentrySlab(Event):
    """Slab `index` of the kentry area, and the one behind it on the free list (-1: none)."""

    index: int
    next: int = -1


class KentrySlabTaken(_KentrySlab):
    """Slab `index` was popped from the kentry area's free list."""

    def writes(self) -> Iterable[Row]:
        yield "first slab", "", 0, self.index, self.next
        yield "next slab", "", self.index, self.next, ABSENT


class KentrySlabGiven(_KentrySlab):
    """Slab `index` was pushed on the kentry area's free list."""

    def writes(self) -> Iterable[Row]:
        yield "first slab", "", 0, self.next, self.index
        yield "next slab", "", self.index, ABSENT, self.next


# ---- page tables and faults ------------------------------------------------------------------


class PteWritten(Event):
    """A descriptor at physical address `pa`, at `level` of the tables, was written."""

    pa: int
    before: int
    after: int
    level: int
    va: int

    def writes(self) -> Iterable[Row]:
        yield "word", "", self.pa, self.before, self.after


class PageMarked(Event):
    """An access of `va` set bits of the page in its tables: the reference bit, the dirty bit, or both.

    The descriptor that was written is in a :class:`PteWritten` before.
    """

    va: int
    referenced: bool
    dirty: bool


class PteRunWritten(Event):
    """`count` descriptors in a row, `width` bytes apart from physical address `pa` on, were written.

    Number i held `before` + i × `before_step`, and holds `after` + i × `after_step`: a run of pages is one event.
    """

    pa: int
    count: int
    width: int
    before: int
    before_step: int
    after: int
    after_step: int
    level: int
    va: int

    def words(self) -> Iterator[tuple[int, int, int]]:
        """Of each descriptor its address, what it held, and what it holds.

        >>> list(PteRunWritten(0x1000, 2, 4, 0, 0, 0x503E, 0x1000, 1, 0).words())
        [(4096, 0, 20542), (4100, 0, 24638)]
        """
        for number in range(self.count):
            before, after = self.before + number * self.before_step, self.after + number * self.after_step
            yield self.pa + number * self.width, before, after

    def writes(self) -> Iterable[Row]:
        return (("word", "", *word) for word in self.words())


class TlbUpdated(Event):
    """Cached translations of [start, end) were dropped (`pages` one by one; 0: a whole flush)."""

    start: int
    end: int
    pages: int


class RootLoaded(Event):
    """The processor's base register was loaded: the tables of `pmap`, whose root is at `root`, are current."""

    pmap: str
    root: int


class FaultRaised(Event):
    """The walk of `va` stopped: `kind` and the processor's error code; `words` is the code with its fields' names."""

    va: int
    kind: str
    code: int
    words: str


class PagerAsked(Event):
    """An object was asked for the page at `offset`; `outcome` "hit", "miss" or an error's name."""

    object: str
    offset: int
    frame: int
    outcome: str
