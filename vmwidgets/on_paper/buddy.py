"""A buddy system on paper: what each of some requests gets, computed by the engine's own."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.recorder import Raw, Recorder
from vmwidgets.engine.base.units import PAGE, Size, binary_size
from vmwidgets.engine.memory.pages import Buddy
from vmwidgets.engine.memory.pages_schema import MAX_ORDER, BlockSplit

MOST = 8
"""The most requests."""


@frozen
class BuddyRequest:
    """A request for `asked` bytes, and the block that it got: `size` bytes from `start` on.

    `halved` are the blocks that were cut for it, in order; `free` are the free blocks after it, by address.  Each is a
    start and a size in bytes.
    """

    asked: int
    start: int
    size: int
    halved: tuple[tuple[int, int], ...]
    free: tuple[tuple[int, int], ...]

    @property
    def waste(self) -> int:
        """The bytes of the block that were not asked for: internal fragmentation."""
        return self.size - self.asked


@frozen
class BuddyValue:
    """A memory of `size` bytes, one free block at first, and the requests, in their order."""

    size: int
    requests: tuple[BuddyRequest, ...]


def buddy(memory: int | str, requests: Sequence[int | str]) -> BuddyValue:
    """Return the blocks that a buddy system gives for requests, each rounded up to a power of two of pages (4 KiB).

    `memory` and `requests` are sizes in bytes or in words.  Memory is one block, from 4 KiB to 4 MiB, the engine's
    largest.  Raises :class:`Refused` for another memory, for no request, for more than 8, and for a request that no
    free block is large enough for.

    >>> import vmwidgets as vm
    >>> one = vm.buddy("1 MiB", ["21 KiB"]).requests[0]
    >>> one.size >> 10, one.waste >> 10, len(one.halved)
    (32, 11, 5)
    """
    size = int(Size(memory))
    if size < PAGE or size & (size - 1) or size > PAGE << MAX_ORDER:
        raise Refused(
            f"buddy: a memory of {binary_size(size)} is not one block: say a power of two of pages, "
            f"from {binary_size(PAGE)} to {binary_size(PAGE << MAX_ORDER)}"
        )
    if isinstance(requests, str) or not 1 <= len(requests) <= MOST:
        raise Refused(f'buddy: say from 1 to {MOST} requests in a list, such as ["21 KiB"]')
    recorder = Recorder()
    events: list[Raw] = []
    recorder.emit = events.append
    blocks = Buddy(recorder, 0, size // PAGE)
    done = []
    for number, one in enumerate(requests, 1):
        asked = int(Size(one))
        if asked < 1:
            raise Refused(f"buddy: request {number} is for {asked} bytes: say at least 1")
        order = (-(-asked // PAGE) - 1).bit_length()
        events.clear()
        frame = blocks.allocate(order) if order <= MAX_ORDER else None
        if frame is None:
            most = max((length for _, length in _free(blocks)), default=0)
            left = f"the largest free block is {binary_size(most)}" if most else "no block is free"
            raise Refused(f"buddy: request {number} is for {binary_size(asked)}, and {left}")
        cuts = tuple((raw[1] * PAGE, PAGE << raw[2]) for raw in events if raw[0] == BlockSplit.tag)
        done.append(BuddyRequest(asked, frame * PAGE, PAGE << order, cuts, _free(blocks)))
    return BuddyValue(size, tuple(done))


def _free(blocks: Buddy) -> tuple[tuple[int, int], ...]:
    """Return the free blocks by address: their starts and sizes in bytes."""
    found = ((frame * PAGE, PAGE << order) for order in range(MAX_ORDER + 1) for frame in blocks.in_order(order))
    return tuple(sorted(found))
