"""The page allocator: the frames of physical memory and their owners.

It works like X15's `vm_phys` with one segment: a buddy system with a processor's pool.  Creating it costs the same for
any amount of memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Protocol

from ..base.errors import Broken, KernelPanic, Refused
from ..base.recorder import Recorder
from .pages_schema import (
    MAX_ORDER,
    Block,
    BlockJoined,
    BlockSplit,
    FreeList,
    PageAllocated,
    PageFreed,
    PageHandedOver,
    PagesValue,
    PoolDrained,
    PoolFilled,
)


class Buddy:
    """The free blocks of frames [first, first + frames): a binary buddy system.

    Free memory is kept in blocks of 2**order frames, aligned to their size, with one LIFO list for each order.  A
    request splits the smallest sufficient block, and keeps the lower half; a freed block joins with its buddy (the
    block at its address XOR its size) as long as that is free.

    Each list is a dict: its last key is the head, and a buddy is removed from the middle in O(1).  Blocks of the
    highest order that were never allocated are just a range of frames, after all other blocks on their list, so that a
    segment's creation costs the same for a mebibyte and a tebibyte.
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
        """Return the first frame of a block of 2**order, or None; O(orders)."""
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
        """Free a block and join it with its free buddies; O(orders)."""
        emit = self._recorder.emit
        self.free_frames += 1 << order
        while order < MAX_ORDER:
            buddy = frame ^ (1 << order)
            # A buddy outside the segment is on none of the segment's lists.
            if buddy not in self.lists[order]:
                break
            del self.lists[order][buddy]
            frame = min(frame, buddy)
            order += 1
            if emit is not None:
                emit((BlockJoined.tag, frame, order))
        self.lists[order][frame] = None

    def block_of(self, frame: int) -> tuple[int, int] | None:
        """Return the first frame and the order of the free block that contains `frame`, or None."""
        for order, blocks in enumerate(self.lists):
            head = frame >> order << order
            if head in blocks:
                return head, order
        if self._untouched <= frame < self._untouched_end:
            return frame >> MAX_ORDER << MAX_ORDER, MAX_ORDER
        return None

    def count(self, order: int) -> int:
        """Return the number of free blocks of `order`."""
        return len(self.lists[order]) + (self._untouched_blocks if order == MAX_ORDER else 0)

    def in_order(self, order: int, limit: int | None = None) -> tuple[int, ...]:
        """Return the first `limit` free blocks of `order`, the next to be allocated first."""
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
    """Yield the largest aligned blocks in [start, end), below the highest order: (frame, order), ascending.

    >>> list(_cut(1, 8)), list(_cut(8, 13))
    ([(1, 0), (2, 1), (4, 2)], [(8, 2), (12, 0)])
    """
    while start < end:
        order = min((start & -start).bit_length() - 1 if start else MAX_ORDER, (end - start).bit_length() - 1)
        yield start, order
        start += 1 << order


FRAMES_PER_POOLED_FRAME = 1024

MAX_POOL = 128


class Segment:
    """Frames [first, first + frames), allocated in blocks: a buddy system with a processor's pool.

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
        """The number of frames without an owner, in the buddy system or the pool."""
        return self.buddy.free_frames + len(self.pool)

    def holds(self, frame: int) -> bool:
        """Return whether `frame` is one of this segment's."""
        return self.buddy.first <= frame < self.buddy.end

    def allocate(self, order: int) -> int | None:
        """Return the first frame of a block of 2**order, or None."""
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
        """Free a block from :meth:`allocate`."""
        if order:
            self.buddy.free(frame, order)
            return
        if len(self.pool) == self.pool_limit:
            self._drain(self.transfer)
        self.pool.append(frame)
        self._pooled.add(frame)

    def makeable(self, order: int, others: Mapping[int, int]) -> Iterator[int]:
        """Yield the first frames of possible blocks of 2**order: all its frames are free, pooled or in `others`.

        `others` has the numbers of owned frames in each block, by the block's first frame.  O(free blocks).
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
        """Return all frames of the pool to the buddy system, to be joined."""
        self._drain(len(self.pool))

    def block_of(self, frame: int) -> Block | None:
        """Return the free block or pooled frame at `frame`, or None if it has an owner."""
        if frame in self._pooled:
            return Block(frame, 0, "pooled")
        free = self.buddy.block_of(frame)
        return free and Block(*free, "free")

    def check(self) -> None:
        """Raise :class:`Broken` unless the invariants of the buddy system and the pool hold."""
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


class Stock(Protocol):
    """Frames with an owner that are still available: zeroed and cached frames."""

    def __len__(self) -> int:
        """Return the number of frames.  O(1)."""

    def __iter__(self) -> Iterator[int]:
        """Yield the frames in the order in which they are given up, one by one."""

    def give_up(self, frame: int) -> None:
        """Free one of the frames."""


class PageAllocator:
    """Frames [first_frame, first_frame + frames), and their owners.

    `veto` is a hook for tests and lessons: it is called with the owner before each allocation, and makes the allocation
    fail by returning true.

    >>> pages = PageAllocator(Recorder(), first_frame=256, frames=1 << 20)
    >>> block = pages.allocate(3, owner="init")
    >>> pages.owner(block + 7), pages.total_pages - pages.free_pages
    ('init', 8)
    """

    __slots__ = ("_counts", "_owned", "recorder", "segment", "stock", "total_pages", "veto")
    readable = (
        "block_of",
        "blocks",
        "blocks_known",
        "check",
        "free_pages",
        "obtainable_pages",
        "owner",
        "owners",
        "snapshot",
        "total_pages",
    )
    """The attributes that learners may use."""

    def __init__(self, recorder: Recorder, first_frame: int, frames: int) -> None:
        if first_frame < 0 or frames < 1:
            raise Refused(f"memory of {frames} frames from frame {first_frame}: it needs at least one, from 0 upward")
        self.recorder = recorder
        self.segment = Segment(recorder, "normal", first_frame, frames)
        self.total_pages = frames
        self.veto: Callable[[str], bool] | None = None
        self.stock: Stock | None = None
        """The frames that requests get when none are free."""
        self._owned: dict[int, tuple[int, str]] = {}
        self._counts: dict[str, int] = {}

    @property
    def owners(self) -> tuple[tuple[str, int], ...]:
        """The number of frames of each owner, by name.  O(owners log owners), for any number of frames."""
        return tuple(sorted((owner, count) for owner, count in self._counts.items() if count))

    @property
    def blocks_known(self) -> int:
        """The number of blocks, owned and free: the cost of examining all of them."""
        free = sum(self.segment.buddy.count(order) for order in range(MAX_ORDER + 1))
        return len(self._owned) + free + len(self.segment.pool)

    @property
    def free_pages(self) -> int:
        """The number of frames without an owner."""
        return self.segment.free_frames

    @property
    def obtainable_pages(self) -> int:
        """The number of single pages available: free pages and pages in stock."""
        return self.free_pages + (0 if self.stock is None else len(self.stock))

    def allocate(self, order: int = 0, owner: str = "") -> int | None:
        """Return the first of 2**order adjacent frames, aligned to their size; None if there are none.

        The frames keep their last owner's contents.  If the buddy system has no block of this order, a single frame is
        taken from the stock, and a larger block is assembled from frames in the pool and the stock, if possible; a
        failed request changes nothing.  O(orders), or then O(free blocks + frames in stock).
        """
        if not 0 <= order <= MAX_ORDER:
            raise Refused(f"order {order}: a block has 2**order frames with an order from 0 to {MAX_ORDER}")
        if self.veto is not None and self.veto(owner):
            return None
        frame = self.segment.allocate(order)
        if frame is None and (self._make_block(order) if order else self._give_up_one()):
            frame = self.segment.allocate(order)
        if frame is not None:
            self._owned[frame] = (order, owner)
            self._counts[owner] = self._counts.get(owner, 0) + (1 << order)
            emit = self.recorder.emit
            if emit is not None:
                emit((PageAllocated.tag, frame, order, owner))
        return frame

    def allocate_run(self, order: int, owner: str = "") -> int | None:
        """Return the first of 2**order adjacent, aligned frames that are freed one by one; None if there are none.

        O(2**order).
        """
        frame = self.allocate(order, owner)
        if frame is not None and order:
            self._owned.update({frame + at: (0, owner) for at in range(1 << order)})
        return frame

    def _give_up_one(self) -> bool:
        """Free the first frame of the stock; returns False if there is none.  O(1)."""
        frame = None if self.stock is None else next(iter(self.stock), None)
        if self.stock is None or frame is None:
            return False
        self.stock.give_up(frame)
        return True

    def _make_block(self, order: int) -> bool:
        """Assemble a block from free, pooled and stock frames; returns False, without changes, if that is impossible.

        The block that needs the fewest frames from the stock is taken; of several such blocks, the lowest.
        """
        stock = [] if self.stock is None else list(self.stock)
        stocked = Counter(frame >> order << order for frame in stock)
        found = [(stocked[head], head) for head in self.segment.makeable(order, stocked)]
        if not found:
            return False
        _, chosen = min(found)
        for frame in stock:
            if self.stock is not None and frame >> order << order == chosen:
                self.stock.give_up(frame)
        self.segment.empty_pool()
        return True

    def hand_over(self, frame: int, owner: str) -> None:
        """Give an owned single frame another owner, with its contents.  O(1)."""
        before = self._owned.get(frame)
        if before is None or before[0] != 0:
            raise Broken(f"frame {frame:#x} is handed over to {owner!r} and is no single owned frame")
        self._owned[frame] = (0, owner)
        self._counts[before[1]] -= 1
        self._counts[owner] = self._counts.get(owner, 0) + 1
        emit = self.recorder.emit
        if emit is not None:
            emit((PageHandedOver.tag, frame, before[1], owner))

    def free(self, frame: int, order: int = 0) -> None:
        """Free the block that :meth:`allocate` returned for the same order.

        Anything else is a panic: `double_free`, `free_unknown_page` or `free_wrong_order`.
        """
        held = self._owned.get(frame)
        if held is None:
            raise self._bad_free(frame)
        if held[0] != order:
            raise KernelPanic("free_wrong_order", f"frame {frame:#x} was allocated with order {held[0]}, not {order}")
        del self._owned[frame]
        self._counts[held[1]] -= 1 << order
        if not self._counts[held[1]]:
            del self._counts[held[1]]
        self.segment.free(frame, order)
        emit = self.recorder.emit
        if emit is not None:
            emit((PageFreed.tag, frame, order, held[1]))

    def owner(self, frame: int) -> str | None:
        """Return the owner of `frame`; None if it is free or not a frame of this allocator."""
        block = self.block_of(frame)
        return block.owner if block is not None and block.state == "owned" else None

    def block_of(self, frame: int) -> Block | None:
        """Return the block, free or owned, that contains `frame`; None for other frames.  O(orders)."""
        for order in range(MAX_ORDER + 1):
            head = frame >> order << order
            held = self._owned.get(head)
            if held is not None and head + (1 << held[0]) > frame:
                return Block(head, held[0], "owned", held[1])
        return self.segment.block_of(frame) if self.segment.holds(frame) else None

    def blocks(self, first: int, count: int) -> Iterator[Block]:
        """Yield the blocks of frames [first, first + count), ascending; frames of other allocators are left out."""
        frame = first
        while frame < first + count:
            block = self.block_of(frame)
            if block is not None:
                yield block
            frame = frame + 1 if block is None else block.frame + block.frames

    def snapshot(self, limit: int = 64) -> PagesValue:
        """Return a frozen value, with the first `limit` blocks of each free list."""
        buddy, segment = self.segment.buddy, self.segment
        lists = [FreeList(order, buddy.count(order), buddy.in_order(order, limit)) for order in range(MAX_ORDER + 1)]
        pool = tuple(reversed(segment.pool))
        return PagesValue(
            buddy.first, self.total_pages, self.free_pages, tuple(lists), pool, segment.pool_limit, self.owners
        )

    def check(self) -> None:
        """Raise :class:`Broken` unless the numbered invariants hold; O(blocks)."""
        owned, owners = 0, dict[str, int]()
        self.segment.check()
        for frame, (order, owner) in self._owned.items():
            owned += 1 << order
            owners[owner] = owners.get(owner, 0) + (1 << order)
            for inner in range(frame, frame + (1 << order)):
                if not self.segment.holds(inner):
                    raise Broken(f"an owned block lies inside the segment: frame {inner:#x} does not")
                if self.segment.block_of(inner) is not None:
                    raise Broken(f"8. what is owned is not free: frame {inner:#x}, owned by {owner!r}, is also free")
        if owned + self.free_pages != self.total_pages:
            raise Broken(
                f"9. each frame is owned or free: {owned} + {self.free_pages} are not the {self.total_pages} there are"
            )

        if tuple(sorted(owners.items())) != self.owners:
            raise Broken(f"10. frames are counted by owner: {self.owners} are noted, {owners} are owned")

    def _bad_free(self, frame: int) -> KernelPanic:
        block = self.block_of(frame)
        if block is None:
            return KernelPanic("free_unknown_page", f"frame {frame:#x} is not in physical memory")
        if block.state == "owned":
            return KernelPanic("free_wrong_order", f"frame {frame:#x} lies inside the block of {block.frame:#x}")
        return KernelPanic("double_free", f"frame {frame:#x} is free already")
