"""The capability space: cnodes with slots, and which capability is in which.

A program names a capability by its :class:`~vmwidgets.engine.base.values.domains.CapRef` and never touches one: the
kernel looks it up here.  Invoking works only in the program's own cspace; cnodes of another's may be copied from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from ..base.errors import Broken, Refused
from ..base.values.domains import CapRef
from .errors import LibError

if TYPE_CHECKING:
    from .capabilities import Capability


# ---- slot counts -------------------------------------------------------------------------------
#
# How many slots of a cnode hold what, for any range of them, without looking at each.


FAN = 6
"""Slots are counted in runs of 2**6, these in runs of as many, and so on."""


class SlotCounts:
    """The kinds of what is in `slots` slots; `kind_at` tells what is in one, none if nothing is.

    Adding and removing, counting a range and finding the next slot in use are O(log slots).

    >>> held = {3: "RAM", 70: "Frame", 71: "Frame"}
    >>> counts = SlotCounts(200, held.get)
    >>> for slot, kind in held.items():
    ...     counts.add(slot, kind)
    >>> counts.between(0, 71), counts.next(4), counts.last(71)
    ({'RAM': 1, 'Frame': 1}, 70, 70)
    """

    __slots__ = ("_kind_at", "_runs", "slots")

    def __init__(self, slots: int, kind_at: Callable[[int], str | None]) -> None:
        self.slots = slots
        self._kind_at = kind_at
        levels = max(1, -(-(slots - 1).bit_length() // FAN))
        self._runs: list[dict[int, dict[str, int]]] = [{} for _ in range(levels)]
        """By level, from the shortest runs on: the counts of each run that is not empty, by kind."""

    def add(self, slot: int, kind: str) -> None:
        """A slot holds something now."""
        for runs in self._runs:
            slot >>= FAN
            kinds = runs.setdefault(slot, {})
            kinds[kind] = kinds.get(kind, 0) + 1

    def remove(self, slot: int, kind: str) -> None:
        """A slot is empty now, which held that."""
        for runs in self._runs:
            slot >>= FAN
            kinds = runs[slot]
            kinds[kind] -= 1
            if not kinds[kind]:
                del kinds[kind]
                if not kinds:
                    del runs[slot]

    def between(self, first: int, end: int) -> dict[str, int]:
        """How many of each kind are in [first, end)."""
        found: dict[str, int] = {}
        for level, number in self._covering(first, end):
            if level:
                for kind, count in self._runs[level - 1].get(number, {}).items():
                    found[kind] = found.get(kind, 0) + count
            elif (single := self._kind_at(number)) is not None:
                found[single] = found.get(single, 0) + 1
        return found

    def next(self, slot: int) -> int | None:
        """The first slot in use from `slot` on."""
        for level, number in self._covering(slot, self.slots):
            if self._is_used(level, number):
                return self._end_of(level, number, iter)
        return None

    def last(self, end: int) -> int | None:
        """The last slot in use below `end`."""
        for level, number in reversed(list(self._covering(0, end))):
            if self._is_used(level, number):
                return self._end_of(level, number, reversed)
        return None

    def in_order(self) -> Iterator[int]:
        """The slots in use."""
        slot = self.next(0)
        while slot is not None:
            yield slot
            slot = self.next(slot + 1)

    def check(self, kinds: Mapping[int, str], name: str) -> None:
        """Raise :class:`.errors.Broken` unless slots with these kinds are what is counted."""
        right = SlotCounts(self.slots, kinds.get)
        for slot, kind in kinds.items():
            right.add(slot, kind)
        if right._runs != self._runs:
            raise Broken(f"C5: the counts of the slots of {name} differ from what is in them")

    def _end_of(self, level: int, number: int, order: Callable[[range], Iterable[int]]) -> int:
        """The first slot in use of a run that is not empty, in that order."""
        for below in reversed(range(level)):
            number = next(one for one in order(_parts(number)) if self._is_used(below, one))
        return number

    def _is_used(self, level: int, number: int) -> bool:
        return number in self._runs[level - 1] if level else self._kind_at(number) is not None

    def _covering(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """The longest runs that make up [first, end), in order: (level, number); single slots are of level 0."""
        at = first
        while at < end:
            level = 0
            while level < len(self._runs):
                size = 1 << FAN * (level + 1)
                if at % size or at + size > end:
                    break
                level += 1
            yield level, at >> FAN * level
            at += 1 << FAN * level


def _parts(run: int) -> range:
    return range(run << FAN, run + 1 << FAN)


# ---- slot allocator ----------------------------------------------------------------------------
#
# The slot allocator: which slots of a cnode are free; always the lowest first.


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


# ---- cspace ------------------------------------------------------------------------------------


ROOT_CNODE, PAGE_CNODE, SLOT_CNODE, FRAME_CNODE = "rootcn", "pagecn", "slots", "frames"
"""What a program starts with: the root cnode, that of the root table, the slot allocator's, that of given frames."""


ROOT_TABLE = CapRef(PAGE_CNODE, 0)
"""Where the root table's capability lies."""


class Cnode:
    """A table of `slots` slots; `own` says whether it is in the program's own cspace."""

    __slots__ = ("capabilities", "counts", "name", "own", "slots")

    def __init__(self, name: str, slots: int, *, own: bool = True) -> None:
        self.name = name
        self.slots = slots
        self.own = own
        self.capabilities: dict[int, Capability] = {}
        self.counts = SlotCounts(slots, self._kind_at)
        """How many of each kind it holds, for any range."""

    def _kind_at(self, slot: int) -> str | None:
        held = self.capabilities.get(slot)
        return None if held is None else held.object.kind.name


class Cspace:
    """The cnodes that a program can name.

    >>> cspace = Cspace()
    >>> cspace.add("slots", 16).name
    'slots'
    >>> cspace.is_empty(CapRef("slots", 3))
    True
    """

    __slots__ = ("cnodes",)

    def __init__(self) -> None:
        self.cnodes: dict[str, Cnode] = {}

    def add(self, name: str, slots: int, *, own: bool = True) -> Cnode:
        """A new cnode with empty slots."""
        if name in self.cnodes or slots < 1:
            raise Refused(f"cnode {name!r} of {slots} slots: a cnode has a name of its own and at least one slot")
        cnode = self.cnodes[name] = Cnode(name, slots, own=own)
        return cnode

    def lookup(self, ref: CapRef, *, invoke: bool = False) -> Capability:
        """The capability in a slot; SYS_ERR_CAP_NOT_FOUND if there is none, or it is not one to `invoke`."""
        cnode = self.cnodes.get(ref.cnode)
        capability = None if cnode is None else cnode.capabilities.get(ref.slot)
        if cnode is None or capability is None:
            why = f"there is no capability in {ref}"
            if cnode is None:
                why = f"there is no cnode {ref.cnode!r}: the program has {', '.join(self.cnodes)}"
            raise LibError("SYS_ERR_CAP_NOT_FOUND", why)
        if invoke and not cnode.own:
            why = f"{ref} lies in another cspace, and only copies in the program's own can be invoked"
            raise LibError("SYS_ERR_CAP_NOT_FOUND", why)
        return capability

    def is_empty(self, ref: CapRef) -> bool:
        """Whether a slot exists and holds nothing."""
        cnode = self.cnodes.get(ref.cnode)
        return cnode is not None and 0 <= ref.slot < cnode.slots and ref.slot not in cnode.capabilities

    def check_room(self, ref: CapRef) -> None:
        """Raise unless a new capability can be put into a slot."""
        cnode = self.cnodes.get(ref.cnode)
        if cnode is None or not 0 <= ref.slot < cnode.slots:
            raise LibError("SYS_ERR_DEST_CNODE_LOOKUP", f"there is no slot {ref}")
        if ref.slot in cnode.capabilities:
            raise LibError("SYS_ERR_SLOT_IN_USE", f"{ref} holds a capability already")

    def put(self, capability: Capability) -> None:
        """Put a capability into its slot, which is empty."""
        ref = capability.ref
        cnode = self.cnodes[ref.cnode]
        cnode.capabilities[ref.slot] = capability
        cnode.counts.add(ref.slot, capability.object.kind.name)

    def remove(self, ref: CapRef) -> None:
        """Empty a slot."""
        cnode = self.cnodes[ref.cnode]
        gone = cnode.capabilities.pop(ref.slot)
        cnode.counts.remove(ref.slot, gone.object.kind.name)
