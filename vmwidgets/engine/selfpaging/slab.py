"""The slab of a pmap: blocks of one size, one for each vnode, cut from pieces of memory that are added to it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..base.errors import Broken, Refused
from ..base.recorder import Recorder
from .calls_schema import BlockGiven, BlockTaken, SlabGrown
from .domain_schema import SlabAllocatorValue, SlabFold, SlabHeadValue
from .errors import LibError


@dataclass(slots=True, eq=False)
class SlabHead:
    """A piece of memory with blocks [first, first + blocks); its `address` is 0 if it is not a mapped frame."""

    address: int
    bytes: int
    first: int
    blocks: int
    untouched: int
    """The first block that was never allocated."""
    freed: list[int] = field(default_factory=list)

    @property
    def free_blocks(self) -> int:
        """The number of free blocks."""
        return len(self.freed) + self.first + self.blocks - self.untouched


class SlabAllocator:
    """Blocks of `block_bytes`; the head of each piece of memory takes `head_bytes`.

    The slab grows and never shrinks.  Blocks are numbered from 1 on. The cost of allocating and freeing does not depend
    on the number of heads.

    >>> slab = SlabAllocator(Recorder(), "demo", block_bytes=64, head_bytes=16)
    >>> slab.grow(0, 512), slab.allocate(), slab.free_blocks
    (7, 1, 6)
    """

    def __init__(self, recorder: Recorder, domain: str, block_bytes: int, head_bytes: int) -> None:
        self._recorder = recorder
        self._domain = domain
        self.block_bytes = block_bytes
        self.head_bytes = head_bytes
        self.total = 0
        """Blocks, free or not."""
        self.free_blocks = 0
        self._heads: list[SlabHead] = []
        self._with_free: list[SlabHead] = []
        self._head_of: dict[int, SlabHead] = {}

    def bytes_for(self, blocks: int) -> int:
        """Return the number of bytes needed for this many blocks."""
        return self.block_bytes * blocks + self.head_bytes

    def grow(self, address: int, size: int) -> int:
        """Add `size` bytes at `address`; returns the number of new blocks."""
        blocks = (size - self.head_bytes) // self.block_bytes
        if blocks < 1:
            raise Refused(f"{size} bytes give no block of {self.block_bytes} beside a head of {self.head_bytes}")
        head = SlabHead(address, size, self.total + 1, blocks, self.total + 1)
        self._heads.append(head)
        self._with_free.append(head)
        self.total += blocks
        self.free_blocks += blocks
        self._recorder.report(SlabGrown.tag, self._domain, address, size, blocks)
        return blocks

    def allocate(self) -> int:
        """Allocate a block; raises LIB_ERR_SLAB_ALLOC_FAIL without a free one."""
        if not self.free_blocks:
            self._recorder.report(BlockTaken.tag, self._domain, None, 0)
            raise LibError("LIB_ERR_SLAB_ALLOC_FAIL")
        head = self._with_free[-1]
        if head.freed:
            block = head.freed.pop()
        else:
            block = head.untouched
            head.untouched += 1
        if not head.free_blocks:
            self._with_free.pop()
        self._head_of[block] = head
        self.free_blocks -= 1
        self._recorder.report(BlockTaken.tag, self._domain, block, self.free_blocks)
        return block

    def free(self, block: int) -> None:
        """Free a block that is allocated."""
        head = self._head_of.pop(block, None)
        if head is None:
            raise Broken(f"block {block} of the slab of {self._domain} is freed, and was not allocated")
        if not head.free_blocks:
            self._with_free.append(head)
        head.freed.append(block)
        self.free_blocks += 1
        self._recorder.report(BlockGiven.tag, self._domain, block, self.free_blocks)

    def allocated(self) -> Iterator[int]:
        """The blocks in use."""
        return iter(self._head_of)

    def snapshot(self) -> SlabAllocatorValue:
        """Return its heads, newest first."""
        return self.window(len(self._heads))

    def window(self, newest: int, blocks: Iterable[int] = ()) -> SlabAllocatorValue:
        """Return the `newest` heads and those of `blocks`, the others as counts; O(shown heads × log heads)."""
        shown = set(range(max(0, len(self._heads) - newest), len(self._heads)))
        for block in blocks:
            if 1 <= block <= self.total:
                shown.add(bisect_right(self._heads, block, key=lambda head: head.first) - 1)
        heads = []
        for number in sorted(shown, reverse=True):
            head = self._heads[number]
            heads.append(SlabHeadValue(head.address, head.bytes, head.blocks, head.free_blocks, number + 1, head.first))
        blocks_there, free = sum(head.blocks for head in heads), sum(head.free for head in heads)
        rest = SlabFold(len(self._heads) - len(heads), self.total - blocks_there, self.free_blocks - free)
        return SlabAllocatorValue(self.block_bytes, self.total, self.free_blocks, tuple(heads), rest)

    def check(self) -> None:
        """Raise `Broken` unless the numbered invariants hold.

        1 the heads add up; 2 a block is free or allocated, never both; 3 the heads with free blocks are listed.
        """
        heads, free = self._heads, self.free_blocks
        if (sum(head.blocks for head in heads), sum(head.free_blocks for head in heads)) != (self.total, free):
            raise Broken(f"slab invariant 1: the heads of {self._domain} do not add up to {free} of {self.total}")
        freed = {block for head in heads for block in head.freed}
        never = self.total - sum(head.untouched - head.first for head in heads)
        whole = len(freed) + never == free and len(self._head_of) + free == self.total
        if not whole or freed & set(self._head_of):
            raise Broken(f"slab invariant 2: a block of {self._domain} is both free and allocated, or neither")
        if {id(head) for head in self._heads if head.free_blocks} != {id(head) for head in self._with_free}:
            raise Broken(f"slab invariant 3: the list of heads of {self._domain} with free blocks is wrong")
