"""A segment of physical memory: a buddy system behind a processor's pool of single frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ..base.errors import Broken
from ..base.events import PoolDrained, PoolFilled
from ..base.memory_values import Block, FreeList, SegmentValue
from ..base.recorder import Recorder
from .buddy import MAX_ORDER, Buddy

FRAMES_PER_POOLED_FRAME = 1024
MAX_POOL = 128


class Segment:
    """Frames [first, first + frames), handed out in blocks.

    Single frames pass through a LIFO pool that the processor can use without a lock.  It holds a
    1024th of the segment's frames, between 1 and 128, and is filled and drained by half of that,
    rounded up.
    """

    __slots__ = ("_pooled", "_recorder", "buddy", "name", "pool", "pool_limit", "transfer")

    def __init__(self, recorder: Recorder, name: str, first: int, frames: int) -> None:
        self._recorder = recorder
        self.name = name
        self.buddy = Buddy(recorder, first, frames)
        self.pool_limit = max(1, min(MAX_POOL, frames // FRAMES_PER_POOLED_FRAME))
        self.transfer = (self.pool_limit + 1) // 2
        self.pool: list[int] = []
        self._pooled: set[int] = set()

    @property
    def free_frames(self) -> int:
        """Frames that nobody owns, in the buddy system or the pool."""
        return self.buddy.free_frames + len(self.pool)

    def holds(self, frame: int) -> bool:
        """Whether `frame` is one of this segment's."""
        return self.buddy.first <= frame < self.buddy.end

    def allocate(self, order: int) -> int | None:
        """The first frame of a block of 2**order, or None."""
        if order:
            return self.buddy.allocate(order)
        if not self.pool:
            self._fill()
        if not self.pool:
            return None
        frame = self.pool.pop()
        self._pooled.discard(frame)
        return frame

    def free(self, frame: int, order: int) -> None:
        """Take back a block that :meth:`allocate` gave."""
        if order:
            self.buddy.free(frame, order)
            return
        if len(self.pool) == self.pool_limit:
            self._drain(self.transfer)
        self.pool.append(frame)
        self._pooled.add(frame)

    def makeable(self, order: int, others: Mapping[int, int]) -> Iterator[int]:
        """First frames of blocks of 2**order that could be free: all their frames are free, pooled or one of `others`.

        `others` are counts of owned frames, by the first frame of such a block.  O(free blocks).
        """
        free = Counter(frame >> order << order for frame in self.pool)
        for lower in range(order):
            for frame in self.buddy.lists[lower]:
                free[frame >> order << order] += 1 << lower
        size = 1 << order
        for head in {**free, **others}:
            inside = self.holds(head) and self.holds(head + size - 1)
            if inside and free[head] + others.get(head, 0) == size:
                yield head

    def empty_pool(self) -> None:
        """Let the buddy system have all frames of the pool, to join them."""
        self._drain(len(self.pool))

    def block_of(self, frame: int) -> Block | None:
        """The free block or pooled frame at `frame`, or None when somebody owns it."""
        if frame in self._pooled:
            return Block(frame, 0, "pooled")
        free = self.buddy.block_of(frame)
        return free and Block(*free, "free")

    def value(self, limit: int) -> SegmentValue:
        """The segment as a frozen value, with the first `limit` blocks of each list."""
        orders = range(MAX_ORDER + 1)
        lists = tuple(FreeList(order, self.buddy.count(order), self.buddy.in_order(order, limit)) for order in orders)
        first = self.buddy.first
        frames = self.buddy.end - first
        pool = tuple(reversed(self.pool))
        return SegmentValue(self.name, first, frames, self.free_frames, lists, pool, self.pool_limit)

    def check(self) -> None:
        """Raise :class:`Broken` unless the buddy system's invariants and the pool's hold."""
        self.buddy.check()
        if len(self.pool) > self.pool_limit:
            raise Broken(f"5. a pool has its limit: {self.name} holds {len(self.pool)} frames of {self.pool_limit}")
        if len(self._pooled) != len(self.pool) or self._pooled != set(self.pool):
            raise Broken(f"6. a frame is in the pool of {self.name} once: {self.pool}")
        for frame in self.pool:
            if self.buddy.block_of(frame) is not None:
                raise Broken(f"7. a pooled frame is on no buddy list: frame {frame:#x} of {self.name} is")

    def _fill(self) -> None:
        moved: list[int] = []
        while len(moved) < self.transfer:
            frame = self.buddy.allocate(0)
            if frame is None:
                break
            moved.append(frame)
        self.pool += moved
        self._pooled.update(moved)
        emit = self._recorder.emit
        if emit is not None and moved:
            emit((PoolFilled.tag, self.name, tuple(moved)))

    def _drain(self, count: int) -> None:
        moved = []
        for _ in range(count):
            frame = self.pool.pop()
            self._pooled.discard(frame)
            self.buddy.free(frame, 0)
            moved.append(frame)
        emit = self._recorder.emit
        if emit is not None and moved:
            emit((PoolDrained.tag, self.name, tuple(moved)))
