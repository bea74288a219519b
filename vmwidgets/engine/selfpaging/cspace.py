"""The capability space: cnodes, the capabilities in their slots, and the slot allocator.

A program names a capability by its :class:`~.domain_schema.CapRef`, and never accesses it: the kernel looks it up here.
A program invokes only capabilities of its own cspace, and may copy from another's.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush, merge
from itertools import islice, pairwise

from ..base.errors import Broken, Refused
from ..base.recorder import Recorder
from ..base.units import counted
from .calls_schema import SlotAllocated, SlotFreed
from .capabilities import Capability
from .domain_schema import CapRef, CnodeValue, SlotFold
from .errors import LibError

ROOT_CNODE, PAGE_CNODE, SLOT_CNODE, FRAME_CNODE = "rootcn", "pagecn", "slots", "frames"
"""A program's first cnodes: the root cnode, and those of the root table, of the slot allocator, and of given frames."""
ROOT_TABLE = CapRef(PAGE_CNODE, 0)
"""The place of the root table's capability."""

# ---- slots in use ------------------------------------------------------------------------------


class SlotsByKind:
    """The slots in use, in order, by the kind of their capabilities.

    Counting a range and finding the next slot in use are O(kinds × log slots). Adding and removing a slot moves the
    numbers after it in a list, which takes less time than a call up to 100,000 slots.

    >>> slots = SlotsByKind()
    >>> for slot, kind in {70: "Frame", 3: "RAM", 71: "Frame"}.items():
    ...     slots.add(slot, kind)
    >>> slots.between(0, 71), slots.next(4), slots.last(71), list(slots.in_order())
    ({'Frame': 1, 'RAM': 1}, 70, 70, [3, 70, 71])
    """

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[str, list[int]] = {}

    def add(self, slot: int, kind: str) -> None:
        """Note that a slot is in use now."""
        insort(self._slots.setdefault(kind, []), slot)

    def remove(self, slot: int, kind: str) -> None:
        """Note that a slot is empty now, which contained this kind."""
        slots = self._slots[kind]
        del slots[bisect_left(slots, slot)]

    def between(self, first: int, end: int) -> dict[str, int]:
        """Return the number of each kind in [first, end)."""
        counts = {kind: bisect_left(slots, end) - bisect_left(slots, first) for kind, slots in self._slots.items()}
        return {kind: count for kind, count in counts.items() if count}

    def next(self, slot: int) -> int | None:
        """Return the first slot in use from `slot` on."""
        found = ((slots, bisect_left(slots, slot)) for slots in self._slots.values())
        return min((slots[at] for slots, at in found if at < len(slots)), default=None)

    def last(self, end: int) -> int | None:
        """Return the last slot in use below `end`."""
        found = ((slots, bisect_left(slots, end)) for slots in self._slots.values())
        return max((slots[at - 1] for slots, at in found if at), default=None)

    def in_order(self) -> Iterator[int]:
        """The slots in use."""
        return merge(*self._slots.values())

    def check(self, kinds: Mapping[int, str], name: str) -> None:
        """Raise `Broken` unless exactly these slots are in use, with these kinds."""
        noted = [(slot, kind) for kind, slots in self._slots.items() for slot in slots]
        in_order = all(slots == sorted(slots) for slots in self._slots.values())
        if not in_order or sorted(noted) != sorted(kinds.items()):
            raise Broken(f"C4: the counts of the slots of {name} differ from what is in them")


# ---- slot allocator ----------------------------------------------------------------------------

USED_SLOT = "allocated"
"""The only kind of slot that an allocator counts."""


class SlotAllocator:
    """Allocates slots [first, first + count) of a program's `cnode`, the lowest free one first.

    O(log count). Other parts of the program allocate slots too: :meth:`allocate_for_others`, :meth:`free_for_others`.

    >>> slots = SlotAllocator(Recorder(), "demo", Cnode("slots", 2), 0, 2)
    >>> slots.allocate().slot, slots.allocate().slot, slots.free_slots
    (0, 1, 0)
    """

    __slots__ = (
        "_domain",
        "_held",
        "_next",
        "_others",
        "_recorder",
        "_returned",
        "cnode",
        "count",
        "counts",
        "first",
        "used",
    )

    def __init__(self, recorder: Recorder, domain: str, cnode: Cnode, first: int, count: int) -> None:
        if first < 0 or count < 0:
            raise Refused(f"slots from {first} on, {count} of them: neither number is below 0")
        self._recorder, self._domain = recorder, domain
        self.cnode, self.first, self.count = cnode.name, first, count
        self._held = cnode.capabilities
        self.used: set[int] = set()
        """The slots that any part of the program has allocated."""
        self.counts = SlotsByKind()
        """The allocated slots, in order."""
        self._next = first
        """Slots from here on were never allocated: free ones below are in `_returned`, a heap."""
        self._returned: list[int] = []
        self._others: dict[int, None] = {}

    @property
    def free_slots(self) -> int:
        """Return how many slots are left."""
        return self.count - len(self.used)

    @property
    def others(self) -> tuple[int, ...]:
        """The slots that other parts of the program allocated, oldest first."""
        return tuple(self._others)

    def allocate(self) -> CapRef:
        """Allocate the lowest free slot; raises LIB_ERR_SLOT_ALLOC_NO_SPACE without one."""
        if not self.free_slots:
            self._recorder.report(SlotAllocated.tag, self._domain, None)
            why = f"all {self.count:,} slots of cnode {self.cnode!r} are in use"
            raise LibError("LIB_ERR_SLOT_ALLOC_NO_SPACE", why)
        if self._returned:
            slot = heappop(self._returned)
        else:
            slot = self._next
            self._next += 1
        self.used.add(slot)
        self.counts.add(slot, USED_SLOT)
        ref = CapRef(self.cnode, slot)
        self._recorder.report(SlotAllocated.tag, self._domain, ref)
        return ref

    def free(self, ref: CapRef) -> None:
        """Free an empty slot; raises LIB_ERR_SLOT_FREE if the pmap did not allocate it, or it holds a capability."""
        if ref.cnode == self.cnode and ref.slot in self._held:
            raise LibError("LIB_ERR_SLOT_FREE", f"{ref} holds a capability still: delete that first")
        if ref.cnode != self.cnode or ref.slot not in self.used or ref.slot in self._others:
            raise LibError("LIB_ERR_SLOT_FREE", f"{ref} is not a slot that the pmap allocated")
        self._put_back(ref.slot)

    def allocate_for_others(self, count: int) -> tuple[int, ...]:
        """Allocate the `count` lowest free slots for another part of the program; it is refused if there are fewer."""
        if not 0 <= count <= self.free_slots:
            raise Refused(f"count={count}: cnode {self.cnode!r} has {counted(self.free_slots, 'free slot')}")
        slots = tuple(self.allocate().slot for _ in range(count))
        self._others.update(dict.fromkeys(slots))
        return slots

    def free_for_others(self, count: int) -> tuple[int, ...]:
        """Free the last `count` slots that other parts of the program allocated."""
        if not 0 <= count <= len(self._others):
            raise Refused(
                f"count={count}: other parts of the program have {counted(len(self._others), 'slot')} of {self.cnode!r}"
            )
        slots = tuple(self._others.popitem()[0] for _ in range(count))
        for slot in slots:
            self._put_back(slot)
        return slots

    def _put_back(self, slot: int) -> None:
        self.used.discard(slot)
        self.counts.remove(slot, USED_SLOT)
        heappush(self._returned, slot)
        self._recorder.report(SlotFreed.tag, self._domain, CapRef(self.cnode, slot))

    def check(self) -> None:
        """Raise `Broken` unless the slots add up.

        A1. each slot is either in use or free. A2. slots of other parts of the program are in use.
        """
        free = set(self._returned) | set(range(self._next, self.first + self.count))
        twice = len(self._returned) - len(set(self._returned))
        if twice or free & self.used or len(free) + len(self.used) != self.count:
            counts = f"{len(free)} free and {len(self.used)} used slots of {self.count}"
            raise Broken(f"A1: {counts} in {self.cnode}, {twice} freed twice")
        lost = set(self._others) - self.used
        if lost:
            raise Broken(f"A2: other parts of the program hold slots of {self.cnode} that are free: {lost}")
        self.counts.check(dict.fromkeys(self.used, USED_SLOT), self.cnode)


# ---- cspace ------------------------------------------------------------------------------------


class Cnode:
    """A cnode: a table of `slots` slots; `own` says whether it is in the program's own cspace."""

    __slots__ = ("capabilities", "counts", "name", "own", "slots")

    def __init__(self, name: str, slots: int, *, own: bool = True) -> None:
        self.name = name
        self.slots = slots
        self.own = own
        self.capabilities: dict[int, Capability] = {}
        self.counts = SlotsByKind()
        """The slots in use, by kind."""

    def window(
        self,
        allocator: SlotAllocator | None,
        listed: int | None = None,
        first: int | None = None,
        focus: Iterable[int] = (),
    ) -> CnodeValue:
        """Return the `first` slots in use and those in `focus` as a frozen value, the others as counts.

        None: all of them. `allocator` is this cnode's allocator, if there is one. `listed` is as for
        :meth:`.Capability.snapshot`.  A fold has at least two slots. O(shown slots × log slots).
        """
        allocated: set[int] = set() if allocator is None else allocator.used
        folds: tuple[SlotFold, ...] = ()
        if first is None:
            shown = sorted({*self.capabilities, *allocated})
        else:
            counts = self.counts if allocator is None else allocator.counts
            wanted = {*islice(counts.in_order(), first), *(slot for slot in focus if 0 <= slot < self.slots)}
            found = list(self._folds(counts, allocator is not None, sorted(wanted)))
            shown = sorted({*wanted, *(fold.first for fold in found if fold.first == fold.last)})
            folds = tuple(fold for fold in found if fold.first < fold.last)
        held = tuple(self.capabilities[at].snapshot(listed) for at in shown if at in self.capabilities)
        reserved = tuple(at for at in shown if at in allocated and at not in self.capabilities)
        return CnodeValue(self.name, self.slots, held, reserved, folds)

    def only(self, allocator: SlotAllocator | None, listed: int, slots: set[int]) -> CnodeValue:
        """Return the contents of these slots as a frozen value, the others as counts."""
        are_all = self.capabilities.keys() <= slots and (allocator is None or allocator.used <= slots)
        return self.window(allocator, listed, *(() if are_all else (0, slots)))

    def _folds(self, counts: SlotsByKind, are_allocated: bool, shown: list[int]) -> Iterator[SlotFold]:
        for before, after in pairwise([-1, *shown, self.slots]):
            first = counts.next(before + 1) if before + 1 < after else None
            if first is None or first >= after:
                continue
            last = counts.last(after)
            assert last is not None
            kinds = self.counts.between(first, last + 1)
            empty = counts.between(first, last + 1)[USED_SLOT] - sum(kinds.values()) if are_allocated else 0
            yield SlotFold(first, last, tuple(sorted(kinds.items())), empty)


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
        """Make a new cnode with empty slots."""
        if name in self.cnodes or slots < 1:
            raise Refused(f"cnode {name!r} of {slots} slots: a cnode has a name of its own and at least one slot")
        cnode = self.cnodes[name] = Cnode(name, slots, own=own)
        return cnode

    def lookup(self, ref: CapRef, *, invoke: bool = False) -> Capability:
        """Return the capability in a slot.

        Raises SYS_ERR_CAP_NOT_FOUND if there is none, or if it can't be invoked but must be (`invoke`).
        """
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
        """Return whether a slot exists and is empty."""
        cnode = self.cnodes.get(ref.cnode)
        return cnode is not None and 0 <= ref.slot < cnode.slots and ref.slot not in cnode.capabilities

    def check_room(self, ref: CapRef) -> None:
        """Raise an error unless a new capability can be put into a slot."""
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
