"""The page allocator: who owns which frames of physical memory.

As X15's `vm_phys`: up to two segments, each a buddy system behind a processor's pool; requests are
served from highmem first.  The cost of making one does not depend on how much memory there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

from ..base.errors import Broken, KernelPanic, Refused
from ..base.events import PageAllocated, PageFreed, PageHandedOver
from ..base.memory_values import Block, PagesValue
from ..base.recorder import Recorder
from .buddy import MAX_ORDER
from .segment import Segment


class Stock(Protocol):
    """Frames that have an owner and can be had at once: zeroed and cached ones."""

    def __len__(self) -> int:
        """How many there are.  O(1)."""

    def __iter__(self) -> Iterator[int]:
        """The frames, in the order in which single ones are given up."""

    def give_up(self, frame: int) -> None:
        """Free one of them."""


class PageAllocator:
    """Frames [first_frame, first_frame + frames), and `highmem` = (first frame, frames) if there is any.

    `veto` is a hook for tests and lessons: called before each allocation, it makes that one fail by
    answering true.

    >>> pages = PageAllocator(Recorder(), first_frame=256, frames=1 << 20)
    >>> block = pages.allocate(3, owner="init")
    >>> pages.owner(block + 7), pages.total_pages - pages.free_pages
    ('init', 8)
    """

    __slots__ = ("_counts", "_owned", "recorder", "segments", "stock", "total_pages", "veto")

    def __init__(
        self, recorder: Recorder, first_frame: int, frames: int, *, highmem: tuple[int, int] | None = None
    ) -> None:
        ranges = [("normal", first_frame, frames)]
        if highmem is not None:
            ranges.insert(0, ("highmem", *highmem))
        _refuse_nonsense(ranges)
        self.recorder = recorder
        self.segments = tuple(Segment(recorder, *one) for one in ranges)
        """The segments, in the order requests try them."""
        self.total_pages = sum(count for _, _, count in ranges)
        self.veto: Callable[[], bool] | None = None
        self.stock: Stock | None = None
        """Frames that requests get when none are free."""
        self._owned: dict[int, tuple[int, str]] = {}
        self._counts: dict[str, int] = {}

    @property
    def owners(self) -> tuple[tuple[str, int], ...]:
        """Who owns how many frames, by name.  O(owners log owners), however many frames there are."""
        return tuple(sorted((owner, count) for owner, count in self._counts.items() if count))

    @property
    def blocks_known(self) -> int:
        """How many blocks there are, owned and free: what looking at all of them costs."""
        free = sum(segment.buddy.count(order) for segment in self.segments for order in range(MAX_ORDER + 1))
        return len(self._owned) + free + sum(len(segment.pool) for segment in self.segments)

    @property
    def free_pages(self) -> int:
        """Frames that nobody owns."""
        return sum(segment.free_frames for segment in self.segments)

    @property
    def obtainable_pages(self) -> int:
        """How many single pages could be had: free ones, and those in stock."""
        return self.free_pages + (0 if self.stock is None else len(self.stock))

    def allocate(self, order: int = 0, owner: str = "") -> int | None:
        """The first of 2**order neighbouring frames, aligned to as many; None when there are none.

        What lies in the frames is what their last owner left there.  Where the buddy system has no such block, a single
        frame comes out of the stock, and a larger block is made of frames in pool and stock if they make one; a request
        that fails changes nothing.  O(orders), or then O(free blocks + frames in stock).
        """
        if not 0 <= order <= MAX_ORDER:
            raise Refused(f"order {order}: a block has 2**order frames with an order from 0 to {MAX_ORDER}")
        if self.veto is not None and self.veto():
            return None
        frame = self._find(order)
        if frame is None and (self._make_block(order) if order else self._give_up_one()):
            frame = self._find(order)
        if frame is not None:
            self._owned[frame] = (order, owner)
            self._counts[owner] = self._counts.get(owner, 0) + (1 << order)
            emit = self.recorder.emit
            if emit is not None:
                emit((PageAllocated.tag, frame, order, owner))
        return frame

    def allocate_run(self, order: int, owner: str = "") -> int | None:
        """The first of 2**order neighbouring frames, aligned, each to be given back by itself; None without.

        O(2**order).
        """
        frame = self.allocate(order, owner)
        if frame is not None and order:
            self._owned.update({frame + at: (0, owner) for at in range(1 << order)})
        return frame

    def _find(self, order: int) -> int | None:
        for segment in self.segments:
            frame = segment.allocate(order)
            if frame is not None:
                return frame
        return None

    def _give_up_one(self) -> bool:
        """Free the first frame of the stock; false if there is none.  O(1)."""
        frame = None if self.stock is None else next(iter(self.stock), None)
        if self.stock is None or frame is None:
            return False
        self.stock.give_up(frame)
        return True

    def _make_block(self, order: int) -> bool:
        """Make a block of frames that are free, pooled or in stock; false, with nothing changed, if none can be made.

        Of all such blocks it is the one that takes the fewest frames from the stock, and the lowest of these.
        """
        stock = [] if self.stock is None else list(self.stock)
        stocked = Counter(frame >> order << order for frame in stock)
        found = [
            (stocked[head], head, segment) for segment in self.segments for head in segment.makeable(order, stocked)
        ]
        if not found:
            return False
        _, chosen, segment = min(found, key=lambda block: block[:2])
        for frame in stock:
            if self.stock is not None and frame >> order << order == chosen:
                self.stock.give_up(frame)
        segment.empty_pool()
        return True

    def hand_over(self, frame: int, owner: str) -> None:
        """A single frame that is owned gets another owner, and keeps what it holds.  O(1)."""
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
        """Give back the block that :meth:`allocate` gave with the same order.

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
        self._segment(frame).free(frame, order)
        emit = self.recorder.emit
        if emit is not None:
            emit((PageFreed.tag, frame, order, held[1]))

    def owner(self, frame: int) -> str | None:
        """The owner of `frame`; None if it is free or not one of ours."""
        block = self.block_of(frame)
        return block.owner if block is not None and block.state == "owned" else None

    def block_of(self, frame: int) -> Block | None:
        """The block, free or owned, that `frame` belongs to; None for a frame of no segment.  O(orders)."""
        for order in range(MAX_ORDER + 1):
            head = frame >> order << order
            held = self._owned.get(head)
            if held is not None and head + (1 << held[0]) > frame:
                return Block(head, held[0], "owned", held[1])
        for segment in self.segments:
            if segment.holds(frame):
                return segment.block_of(frame)
        return None

    def blocks(self, first: int, count: int) -> Iterator[Block]:
        """The blocks that frames [first, first + count) belong to, ascending; frames of no segment are left out."""
        frame = first
        while frame < first + count:
            block = self.block_of(frame)
            if block is not None:
                yield block
            frame = frame + 1 if block is None else block.frame + block.frames

    def snapshot(self, limit: int = 64) -> PagesValue:
        """A frozen value: the segments with the first `limit` blocks of each free list, and the owners."""
        segments = tuple(segment.value(limit) for segment in self.segments)
        return PagesValue(segments, self.total_pages, self.free_pages, self.owners)

    def check(self) -> None:
        """Raise :class:`Broken` unless the numbered invariants hold; O(blocks)."""
        owned, owners = 0, dict[str, int]()
        for segment in self.segments:
            segment.check()
        for frame, (order, owner) in self._owned.items():
            owned += 1 << order
            owners[owner] = owners.get(owner, 0) + (1 << order)
            for inner in range(frame, frame + (1 << order)):
                if self._segment(inner).block_of(inner) is not None:
                    raise Broken(f"8. what is owned is not free: frame {inner:#x}, owned by {owner!r}, is also free")
        if owned + self.free_pages != self.total_pages:
            raise Broken(
                f"9. each frame is owned or free: {owned} + {self.free_pages} are not the {self.total_pages} there are"
            )

        if tuple(sorted(owners.items())) != self.owners:
            raise Broken(f"10. frames are counted by owner: {self.owners} are noted, {owners} are owned")

    def _segment(self, frame: int) -> Segment:
        for segment in self.segments:
            if segment.holds(frame):
                return segment
        raise Broken(f"an owned block lies inside a segment: frame {frame:#x} does not")

    def _bad_free(self, frame: int) -> KernelPanic:
        block = self.block_of(frame)
        if block is None:
            return KernelPanic("free_unknown_page", f"frame {frame:#x} is in no segment of physical memory")
        if block.state == "owned":
            return KernelPanic("free_wrong_order", f"frame {frame:#x} lies inside the block of {block.frame:#x}")
        return KernelPanic("double_free", f"frame {frame:#x} is free already")


def _refuse_nonsense(ranges: list[tuple[str, int, int]]) -> None:
    for name, first, frames in ranges:
        if first < 0 or frames < 1:
            raise Refused(f"{name} memory of {frames} frames from frame {first}: it needs at least one, from 0 upward")
    if len(ranges) == 2:
        (_, high, high_frames), (_, low, low_frames) = ranges
        if high < low + low_frames and low < high + high_frames:
            raise Refused(f"highmem from frame {high:#x} overlaps normal memory, which ends at {low + low_frames:#x}")
