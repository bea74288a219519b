"""The slot allocator: which slots of a cnode are free; always the lowest first."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from ..base.domain_values import CapRef
from ..base.errors import Broken, Refused
from .errors import LibError
from .slot_counts import SlotCounts

GIVEN = "given"
"""The only kind of slot that is counted here."""


class SlotAllocator:
    """Slots [first, first + count) of the cnode `cnode`.

    Somebody else in the program may take some, and give them back: :meth:`take`, :meth:`give_back`.  O(log count).

    >>> slots = SlotAllocator("slots", 0, 2)
    >>> slots.alloc().slot, slots.alloc().slot, slots.free_slots
    (0, 1, 0)
    """

    __slots__ = ("_next", "_returned", "_taken", "cnode", "count", "counts", "first", "used")

    def __init__(self, cnode: str, first: int, count: int) -> None:
        if first < 0 or count < 0:
            raise Refused(f"slots from {first} on, {count} of them: neither number is below 0")
        self.cnode, self.first, self.count = cnode, first, count
        self.used: set[int] = set()
        """Slots that were given, to whomever."""
        self.counts = SlotCounts(first + count, lambda slot: GIVEN if slot in self.used else None)
        """How many of them there are in any range."""
        self._next = first
        """Slots from here on were never given: those below that are free are in `_returned`, a heap."""
        self._returned: list[int] = []
        self._taken: list[int] = []

    @property
    def free_slots(self) -> int:
        """How many slots are left."""
        return self.count - len(self.used)

    @property
    def taken(self) -> tuple[int, ...]:
        """The slots that somebody else has, in the order they were taken."""
        return tuple(self._taken)

    def alloc(self) -> CapRef:
        """The lowest free slot; LIB_ERR_SLOT_ALLOC_NO_SPACE without one."""
        if not self.free_slots:
            why = f"all {self.count:,} slots of cnode {self.cnode!r} are in use"
            raise LibError("LIB_ERR_SLOT_ALLOC_NO_SPACE", why)
        if self._returned:
            slot = heappop(self._returned)
        else:
            slot = self._next
            self._next += 1
        self.used.add(slot)
        self.counts.add(slot, GIVEN)
        return CapRef(self.cnode, slot)

    def free(self, ref: CapRef) -> None:
        """Give a slot back; LIB_ERR_SLOT_FREE if it was not given."""
        if ref.cnode != self.cnode or ref.slot not in self.used or ref.slot in self._taken:
            raise LibError("LIB_ERR_SLOT_FREE", f"{ref} is not a slot that the allocator gave")
        self._put_back(ref.slot)

    def take(self, count: int) -> tuple[int, ...]:
        """Somebody else takes the `count` lowest free slots; all of them, or it is refused."""
        if not 0 <= count <= self.free_slots:
            raise Refused(f"{count} slots: {self.free_slots} of {self.cnode} are free")
        taken = tuple(self.alloc().slot for _ in range(count))
        self._taken += taken
        return taken

    def give_back(self, count: int) -> tuple[int, ...]:
        """Somebody else gives back the `count` slots that they took last."""
        if not 0 <= count <= len(self._taken):
            raise Refused(f"{count} slots: somebody else has taken {len(self._taken)} of {self.cnode}")
        back = tuple(self._taken.pop() for _ in range(count))
        for slot in back:
            self._put_back(slot)
        return back

    def _put_back(self, slot: int) -> None:
        self.used.discard(slot)
        self.counts.remove(slot, GIVEN)
        heappush(self._returned, slot)

    def __iter__(self) -> Iterator[int]:
        """The slots in use, in order."""
        return iter(sorted(self.used))

    def check(self) -> None:
        """Raise :class:`.errors.Broken` unless the slots add up.

        A1. a slot is in use or free, none is both or neither.  A2. what somebody else took is in use.
        """
        free = set(self._returned) | set(range(self._next, self.first + self.count))
        twice = len(self._returned) - len(set(self._returned))
        if twice or free & self.used or len(free) + len(self.used) != self.count:
            counts = f"{len(free)} free and {len(self.used)} used slots of {self.count}"
            raise Broken(f"A1: {counts} in {self.cnode}, {twice} given back twice")
        if not set(self._taken) <= self.used:
            raise Broken(f"A2: somebody else holds slots of {self.cnode} that are free: {set(self._taken) - self.used}")
        self.counts.check(dict.fromkeys(self.used, GIVEN), self.cnode)
