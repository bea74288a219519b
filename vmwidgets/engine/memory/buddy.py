"""The binary buddy system of one segment of physical memory.

Free memory is kept in blocks of 2**order frames, aligned to their size, on one LIFO list an order.
A request splits the smallest block that holds it, keeping the lower half; a freed block joins with
its buddy (the block at its address XOR its size) as long as that is free.  As in X15's `vm_phys`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ..base.errors import Broken
from ..base.events import BlockJoined, BlockSplit
from ..base.recorder import Recorder

MAX_ORDER = 10
"""The largest block has 2**10 frames: 4 MiB."""


class Buddy:
    """The free blocks of frames [first, first + frames).

    A dict is the list: its last key is the list's head, and a buddy leaves the middle in O(1).
    Blocks of the highest order that nobody took yet are a mere range of frames behind all others on
    their list, so that making a segment costs the same for a mebibyte and a tebibyte.
    """

    __slots__ = ("_recorder", "_untouched", "_untouched_end", "end", "first", "free_frames", "lists")

    def __init__(self, recorder: Recorder, first: int, frames: int) -> None:
        self._recorder = recorder
        self.first = first
        self.end = first + frames
        self.free_frames = frames
        self.lists: list[dict[int, None]] = [{} for _ in range(MAX_ORDER + 1)]
        top = 1 << MAX_ORDER
        self._untouched = min(-(-first // top) * top, self.end)
        self._untouched_end = max(self.end // top * top, self._untouched)
        # Lowest frames last, that is, at the head: a fresh segment hands out its lowest frames first.
        for start, order in reversed([*_cut(first, self._untouched), *_cut(self._untouched_end, self.end)]):
            self.lists[order][start] = None

    def allocate(self, order: int) -> int | None:
        """The first frame of a block of 2**order, or None; O(orders)."""
        for found in range(order, MAX_ORDER + 1):
            frame = self._pop(found)
            if frame is not None:
                break
        else:
            return None
        emit = self._recorder.emit
        for lower in reversed(range(order, found)):
            self.lists[lower][frame + (1 << lower)] = None
            if emit is not None:
                emit((BlockSplit.tag, frame, lower + 1))
        self.free_frames -= 1 << order
        return frame

    def free(self, frame: int, order: int) -> None:
        """Take a block back and join it with its free buddies; O(orders)."""
        emit = self._recorder.emit
        self.free_frames += 1 << order
        while order < MAX_ORDER:
            buddy = frame ^ (1 << order)
            # A buddy beyond the segment is on no list of it.
            if buddy not in self.lists[order]:
                break
            del self.lists[order][buddy]
            frame = min(frame, buddy)
            order += 1
            if emit is not None:
                emit((BlockJoined.tag, frame, order))
        self.lists[order][frame] = None

    def block_of(self, frame: int) -> tuple[int, int] | None:
        """First frame and order of the free block that holds `frame`, or None."""
        for order, blocks in enumerate(self.lists):
            head = frame >> order << order
            if head in blocks:
                return head, order
        if self._untouched <= frame < self._untouched_end:
            return frame >> MAX_ORDER << MAX_ORDER, MAX_ORDER
        return None

    def count(self, order: int) -> int:
        """How many free blocks there are of `order`."""
        return len(self.lists[order]) + (self._untouched_blocks if order == MAX_ORDER else 0)

    def in_order(self, order: int, limit: int | None = None) -> tuple[int, ...]:
        """The first `limit` free blocks of `order`, next to be taken first."""
        return tuple(islice(self._list(order), limit))

    def check(self) -> None:
        """Raise :class:`Broken` unless the numbered invariants hold; O(free blocks)."""
        previous_end = self.first
        blocks = sorted((frame, order) for order in range(MAX_ORDER + 1) for frame in self._list(order))
        for frame, order in blocks:
            where = f"free block {frame:#x} of order {order}"
            if frame % (1 << order):
                raise Broken(f"1. a block is aligned to its size: {where} is not")
            if frame < previous_end:
                raise Broken(f"2. free blocks lie inside the segment, apart: {where} begins before {previous_end:#x}")
            if order < MAX_ORDER and frame ^ (1 << order) in self.lists[order]:
                raise Broken(f"3. two free buddies are joined: {where} and its buddy are not")
            previous_end = frame + (1 << order)
        if previous_end > self.end:
            raise Broken(f"2. free blocks lie inside the segment: the last ends at {previous_end:#x}")
        counted = sum(1 << order for _, order in blocks)
        if counted != self.free_frames:
            raise Broken(f"4. the count of free frames is right: {self.free_frames} noted, {counted} on the lists")

    @property
    def _untouched_blocks(self) -> int:
        return (self._untouched_end - self._untouched) >> MAX_ORDER

    def _list(self, order: int) -> Iterator[int]:
        yield from reversed(self.lists[order])
        if order == MAX_ORDER:
            yield from range(self._untouched, self._untouched_end, 1 << MAX_ORDER)

    def _pop(self, order: int) -> int | None:
        blocks = self.lists[order]
        if blocks:
            return blocks.popitem()[0]
        if order == MAX_ORDER and self._untouched < self._untouched_end:
            frame = self._untouched
            self._untouched += 1 << MAX_ORDER
            return frame
        return None


def _cut(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut [start, end) into the largest aligned blocks below the highest order: (frame, order), ascending.

    >>> list(_cut(1, 8)), list(_cut(8, 13))
    ([(1, 0), (2, 1), (4, 2)], [(8, 2), (12, 0)])
    """
    while start < end:
        order = min((start & -start).bit_length() - 1 if start else MAX_ORDER, (end - start).bit_length() - 1)
        yield start, order
        start += 1 << order
