"""An entry of a FreeBSD map: what every entry has, and what its tree keeps of gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Protocol

from ...base.errors import Broken, KernelError, KernelPanic
from ...base.events import (
    EntryClipped,
    EntryFields,
    EntryResized,
    GapCompared,
    MapResized,
    ObjectCreated,
    RangeInserted,
    SpaceSought,
    SubmapAttached,
    TranslationsRemoved,
)
from ...base.protection import ALL, INHERITANCE, pack_flags, protection_of
from ...base.rbtree import Node, RedBlackTree
from ...base.recorder import Recorder
from ...base.units import PAGE_SHIFT
from ..map.core import OFFSET_MASK, SUB_MAP, Entry, MapCore, compare
from ..map.fits import Fit
from ..map.ranges import INVALID_ADDRESS, INVALID_ARGUMENT, NO_SPACE, RESOURCE_SHORTAGE, SUCCESS, Unfit, join
from ..map.vm_object import KernelObject
from ..threads.waits import MapLock, MaySleep, Running
from .vm_page import PageQueues

NOFAULT = 0x100000
"""A fault in there is a panic (MAP_ENTRY_NOFAULT)."""


KERNEL_FLAGS = pack_flags(ALL, ALL, INHERITANCE["none"], 0)
"""Kernel memory may be read, written and executed; no process inherits it."""


class KernelEntry(Entry):
    """`flags` is the packed word, with NOFAULT and SUB_MAP; `max_gap` is kept by the tree."""

    __slots__ = ("max_gap",)

    prev: KernelEntry | None
    next: KernelEntry | None
    left: KernelEntry | None
    right: KernelEntry | None
    object: KernelObject | None
    submap: FreeBSDMap | None

    def __init__(self, identity: int, address: int = 0, static: bool = False) -> None:
        super().__init__(identity, address, static)
        self.max_gap = 0

    @property
    def first_page(self) -> int:
        """Number of its first page in the object."""
        return self.offset >> PAGE_SHIFT

    @property
    def pages(self) -> int:
        """How many pages it covers."""
        return (self.end - self.start) >> PAGE_SHIFT


class KernelEntrySource(Protocol):
    """Where the entries of FreeBSD's maps come from and go to."""

    def take(self) -> KernelEntry | None:
        """A fresh entry, or none."""

    def give(self, entry: KernelEntry) -> None:
        """An entry that is no longer needed."""


class PlainKernelEntries:
    """Entries without limit that live nowhere in the machine."""

    def __init__(self, identities: Iterator[int]) -> None:
        self._identities = identities

    def take(self) -> KernelEntry:
        """A fresh entry; never fails."""
        return KernelEntry(next(self._identities))

    def give(self, entry: KernelEntry) -> None:
        """Nothing keeps it."""


# ---- gap tree ----------------------------------------------------------------------------------
#
# The tree of a FreeBSD map's entries, which knows in each node the largest gap behind an entry below it.
#
# So the lowest gap that is long enough is found in O(log n) (FreeBSD's `vm_map_findspace` with its `max_free`). The
# gap of an entry is the free space behind it; the one before the first entry belongs to none and is the map's to look
# at.


class GapTree(RedBlackTree[KernelEntry]):
    """Entries of a map that ends at `end`; they are in its list when they come here."""

    __slots__ = ("_end",)

    def __init__(self, recorder: Recorder, name: str, end: int) -> None:
        super().__init__(compare, recorder, name)
        self._end = end

    # ---- finding -----------------------------------------------------------------------------

    def first_gap(self, length: int) -> KernelEntry | None:
        """The lowest entry with `length` free bytes behind it, or none.  O(log n)."""
        return None if self.root is None or self.root.max_gap < length else self._first_below(self.root, length)

    def first_gap_from(self, entry: KernelEntry, length: int) -> KernelEntry | None:
        """The lowest entry from `entry` on with `length` free bytes behind it, or none.  O(log n)."""
        node: KernelEntry | None = entry
        came_from: KernelEntry | None = None
        while node is not None:
            if came_from is None or came_from is node.left:
                if self.gap_behind(node) >= length:
                    self._report(node, length, "here")
                    return node
                if node.right is not None and node.right.max_gap >= length:
                    self._report(node, length, "right")
                    return self._first_below(node.right, length)
            came_from, node = node, node.parent  # type: ignore[assignment]  # parents are entries
        return None

    def _first_below(self, node: KernelEntry, length: int) -> KernelEntry:
        """The lowest with so much room behind it, of a subtree that has one."""
        while True:
            left, right = node.left, node.right
            if left is not None and left.max_gap >= length:
                outcome, following = "left", left
            elif self.gap_behind(node) >= length:
                outcome, following = "here", node
            else:
                assert right is not None, "the gap must be somewhere below"
                outcome, following = "right", right
            self._report(node, length, outcome)
            if following is node:
                return node
            node = following

    def _report(self, node: KernelEntry, length: int, outcome: str) -> None:
        emit = self._recorder.emit
        if emit is not None:
            emit((GapCompared.tag, self._name, node.id, length, node.max_gap, outcome))

    def gap_behind(self, entry: KernelEntry) -> int:
        """Free bytes between `entry` and the next, or the map's end."""
        following = entry.next
        return (self._end if following is None else following.start) - entry.end

    # ---- keeping the largest gaps ------------------------------------------------------------

    def insert(self, node: KernelEntry, key: int, duplicates: bool = False) -> None:
        """Insert; the gap before `node` is smaller now."""
        super().insert(node, key, duplicates)
        self.refresh(node)
        if node.prev is not None:
            self.refresh(node.prev)

    def remove(self, node: KernelEntry) -> None:
        """Remove; the gap before `node` takes in what it leaves."""
        super().remove(node)
        if node.prev is not None:
            self.refresh(node.prev)

    def refresh(self, entry: Node | None) -> None:
        """Work the largest gaps out again from `entry` up to the root."""
        while isinstance(entry, KernelEntry):
            self._work_out(entry)
            entry = entry.parent

    def _work_out(self, entry: KernelEntry) -> None:
        largest = self.gap_behind(entry)
        left, right = entry.left, entry.right
        if left is not None and left.max_gap > largest:
            largest = left.max_gap
        if right is not None and right.max_gap > largest:
            largest = right.max_gap
        entry.max_gap = largest

    def _discount(self, node: Node | None) -> None:
        super()._discount(node)
        self.refresh(node)

    def _rotate(self, node: Node, side: str) -> None:
        raised = node.right if side == "left" else node.left
        super()._rotate(node, side)
        assert isinstance(node, KernelEntry) and isinstance(raised, KernelEntry)
        self._work_out(node)
        self._work_out(raised)

    def check(self) -> None:
        """The tree's invariants, and 6: each entry knows the largest gap below it."""
        super().check()
        for entry in self:
            known = entry.max_gap
            self._work_out(entry)
            if entry.max_gap != known:
                raise Broken(f"6: entry {entry.id} knows a largest gap of {known} bytes, it is {entry.max_gap}")


# ---- freebsd map -------------------------------------------------------------------------------
#
# FreeBSD's kernel address space map (its `vm_map`, as of April 2008): what is in use, where room is, and inserting.
#
# Functions take what the original takes, plain integers of bytes, and return its status numbers; callers hold the
# map's lock. Deleting, wiring and submaps are in the modules beside: :mod:`.freebsd_delete`, :mod:`.freebsd_wire`,
# :mod:`.freebsd_submap`.


class KernelPmap(Protocol):
    """The page tables of kernel space, which all kernel maps share."""

    def enter(self, va: int, frame: int, wired: bool, protection: int) -> None:
        """Translate the page at `va` to `frame`; it can be read at least, since no hardware has less."""

    def remove(self, start: int, end: int) -> None:
        """Translate nothing in [start, end) any more."""

    def extract(self, va: int) -> int | None:
        """The frame that `va` is translated to, if any."""

    def protect(self, start: int, end: int, protection: int) -> None:
        """Give what is translated in [start, end) other rights."""

    def prepared(self, cuts: Iterable[int]) -> AbstractContextManager[None]:
        """Hold the tables that large pages cut at `cuts` need: NOMEM now, and no failure inside."""


@dataclass(frozen=True, slots=True)
class MapServices:
    """What kernel maps are given: page tables, pages, entries, fresh anonymous objects of so many pages, who runs."""

    recorder: Recorder
    running: Running
    pmap: KernelPmap
    pages: PageQueues
    entries: KernelEntrySource
    new_object: Callable[[int], KernelObject]


class FreeBSDMap(MapCore[KernelEntry]):
    """Used ranges of [start, end).

    `system` is the system flag; `size` is the bytes in entries.
    """

    def __init__(self, name: str, start: int, end: int, services: MapServices) -> None:
        super().__init__(name, start, end, services.recorder)
        self.tree: GapTree = GapTree(services.recorder, name, end)
        self.services = services
        self.lock = MapLock(name, services.recorder, services.running)
        self.size = 0
        self.fit: Fit | None = None
        """What takes the place of FreeBSD's first fit, if anything does."""
        self.submaps: dict[FreeBSDMap, int] = {}
        """The maps that have their places in this one, with the number of entries of each."""

    @property
    def system(self) -> bool:
        """The system flag: entries never hold pageable memory, and the lock is a mutex."""
        return self.lock.mutex

    @system.setter
    def system(self, system: bool) -> None:
        self.lock.mutex = system

    # ---- finding -----------------------------------------------------------------------------

    def find_space(self, length: int, start: int = 0) -> int | None:
        """The lowest address from `start` on with `length` free bytes (`vm_map_findspace`), or none.

        Length 0 is always found at the map's start, used or not.  O(log n).  A map that was given a rule of its own
        (:mod:`.fits`) goes by that, among the gaps from `start` on.
        """
        above = start > self.start
        if self.fit is not None and length:
            gap = self.fit.find(self, length, base=start if above else None)
            address = None if gap is None else gap.position
        else:
            address = self._first_fit_above(length, start) if above else self._first_fit(length)
        emit = self.recorder.emit
        if emit is not None:
            emit((SpaceSought.tag, self.name, length, address))
        return address

    def would_find(self, length: int) -> int | None:
        """What :meth:`find_space` would answer now; reports nothing and moves nothing."""
        fit, self.fit = self.fit, copy(self.fit)
        try:
            with self.recorder.quiet():
                return self.find_space(length)
        finally:
            self.fit = fit

    def hides_submap(self, start: int) -> bool:
        """Whether a range inserted at `start` could not become a submap's place.

        It would be part of the entry before, which gets an object when it is cut, or has one.  Reports nothing.
        """
        with self.recorder.quiet():
            following = self.tree.nearest(start)
        previous = self.last if following is None else following.prev
        if previous is None or not may_stretch(previous, start, KERNEL_FLAGS):
            return False
        return previous.object is not None or not self.system

    def _first_fit(self, length: int) -> int | None:
        if self.start + length > self.end:
            return None
        if length <= (self.end if self.first is None else self.first.start) - self.start:
            return self.start
        if length == 0:
            return self.start
        before = self.tree.first_gap(length)
        return None if before is None else before.end

    def _first_fit_above(self, length: int, start: int) -> int | None:
        """At `start`, or else behind the lowest entry above it (or around it) that leaves as much room."""
        following = self.tree.nearest(start)
        here = self.end if following is None else following.start
        if start < here and here - start >= length:
            return start
        before = None if following is None else self.tree.first_gap_from(following, length)
        return None if before is None else before.end

    def lookup(self, address: int) -> KernelEntry | None:
        """The entry that holds `address` (`vm_map_lookup_entry`), or none.  O(log n)."""
        entry = self.tree.nearest(address)
        return entry if entry is not None and entry.start <= address else None

    def covers(self, start: int, end: int) -> bool:
        """Whether all of [start, end) is in entries.  O(log n + entries there)."""
        entry = self.peek(start)
        while entry is not None and entry.start <= start < end:
            start, entry = entry.end, entry.next
        return start >= end

    # ---- submaps -----------------------------------------------------------------------------

    def inside(self) -> list[FreeBSDMap]:
        """The maps that have their places in this one, rising."""
        return sorted(self.submaps, key=lambda submap: submap.start)

    def innermost(self, address: int) -> FreeBSDMap:
        """The map that `address` is looked up in: this one, or the submap that has its place there, and so on.

        O(log n) for each level.  As `vm_map_lookup` goes down.
        """
        entry = self.peek(address)
        if entry is None or entry.submap is None or address < entry.start:
            return self
        return entry.submap.innermost(address)

    def count_submap(self, submap: FreeBSDMap | None, change: int) -> None:
        """So many entries more are the place of `submap`."""
        if submap is not None:
            self.submaps[submap] = self.submaps.get(submap, 0) + change
            if not self.submaps[submap]:
                del self.submaps[submap]

    def link(
        self, entry: KernelEntry, previous: KernelEntry | None, next_: KernelEntry | None, duplicates: bool = False
    ) -> None:
        """Put `entry` between two neighbours and into the tree."""
        super().link(entry, previous, next_, duplicates)
        self.count_submap(entry.submap, 1)

    def unlink(self, entry: KernelEntry) -> None:
        """Take `entry` out of tree and list."""
        super().unlink(entry)
        self.count_submap(entry.submap, -1)

    # ---- insert ------------------------------------------------------------------------------

    def insert(self, target: KernelObject | None, offset: int, start: int, end: int, flags: int = 0) -> int:
        """Make [start, end) used (`vm_map_insert`); status 1: no range of this map, 3: part of it is used.

        Without object, the entry that ends at `start` is stretched if it is of the same kind.  The caller has
        taken the reference on `target`.  O(log n).
        """
        status, following = self._obstacle(start, end)
        if status != SUCCESS:
            self._report_insert(target, offset, start, end, "", status)
            return status
        previous = self.last if following is None else following.prev
        word = KERNEL_FLAGS | flags
        if target is None and previous is not None and may_stretch(previous, start, word):
            self._stretch(previous, end)
            self._report_insert(target, offset, start, end, "extend", status)
            join(self, previous)
            return status
        entry = self.take_entry()
        entry.start, entry.end, entry.object, entry.offset, entry.flags = start, end, target, offset, word
        self.link(entry, previous, following)
        self.resize(end - start)
        self._report_insert(target, offset, start, end, "new", status)
        return status

    def _obstacle(self, start: int, end: int) -> tuple[int, KernelEntry | None]:
        """Status of an insertion, and the entry before which it goes."""
        if start < self.start or end > self.end or start >= end:
            return INVALID_ADDRESS, None
        following = self.tree.nearest(start)
        if following is not None and following.start < end:
            return NO_SPACE, None
        return SUCCESS, following

    def _stretch(self, entry: KernelEntry, end: int) -> None:
        before = entry.fields()
        self.resize(end - entry.end)
        entry.end = end
        self.tree.refresh(entry)
        if entry.object is not None:
            entry.object.size = max(entry.object.size, entry.first_page + entry.pages)
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryResized.tag, self.name, before, entry.fields(), "stretched"))

    def _report_insert(
        self, target: KernelObject | None, offset: int, start: int, end: int, how: str, status: int
    ) -> None:
        emit = self.recorder.emit
        if emit is not None:
            name = None if target is None else target.name
            emit((RangeInserted.tag, self.name, start, end, name, offset, how, status))

    # ---- entries -----------------------------------------------------------------------------

    def take_entry(self) -> KernelEntry:
        """A fresh entry; none left is a panic (`vm_map_entry_create`)."""
        entry = self.services.entries.take()
        if entry is None:
            raise KernelPanic("vm_map_entry_create", f"no entry is left for {self.name}")
        return entry

    def copy_entry(self, entry: KernelEntry) -> KernelEntry:
        """A fresh entry like `entry`; both map its object."""
        copy = self.take_entry()
        copy.copy_range_from(entry)
        if entry.object is not None:
            entry.object.reference()
        return copy

    def discard(self, entry: KernelEntry) -> None:
        """Take an entry out whose neighbour takes over its range."""
        self.unlink(entry)
        if entry.object is not None:
            entry.object.release()
        self.services.entries.give(entry)

    def clip_start(self, entry: KernelEntry, address: int) -> None:
        """Split `entry` where a range begins."""
        clip_start(self, entry, address)

    def clip_end(self, entry: KernelEntry, address: int) -> None:
        """Split `entry` where a range ends."""
        clip_end(self, entry, address)

    def gap_changed(self, entry: KernelEntry | None) -> None:
        """The free space behind `entry` is another than before."""
        self.tree.refresh(entry)

    @contextmanager
    def ready(self, cuts: Iterable[int], entered: Iterable[tuple[int, int]] = ()) -> Iterator[None]:
        """Hold the tables that a change of a range needs; Unfit, RESOURCE_SHORTAGE, before anything has changed.

        Kernel space has all tables for small pages, so what is `entered` needs none.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.services.pmap.prepared(cuts))
            except KernelError as error:
                raise Unfit(RESOURCE_SHORTAGE, error.reason) from None
            yield

    def reprotect(self, entry: KernelEntry) -> None:
        """Give the pages that are mapped in `entry` the rights that it allows now.

        Without any right none stay mapped, but for wired ones: deleting finds those by their translations.
        """
        protection, pmap = protection_of(entry.flags), self.services.pmap
        if protection or entry.wired_count:
            pmap.protect(entry.start, entry.end, protection)
            return
        emit = self.recorder.emit
        if emit is not None:
            emit((TranslationsRemoved.tag, entry.start, entry.end))
        pmap.remove(entry.start, entry.end)

    def resize(self, change: int) -> None:
        """So many bytes more are in entries."""
        before = self.size
        self.size += change
        emit = self.recorder.emit
        if emit is not None:
            emit((MapResized.tag, self.name, before, self.size))

    def check(self) -> None:
        """The core's invariants, and: 7. `size` is the sum of the entries' lengths; 8. a submap's place lies in it.

        The entries of each place are counted.  It is the submap's whole range until somebody frees a part of it, which
        the original allows.
        """
        super().check()
        total = sum(entry.end - entry.start for entry in self)
        if total != self.size:
            raise Broken(f"7: {self.name} says {self.size} bytes, its entries have {total}")
        for entry in self:
            submap = entry.submap
            if submap is not None and not submap.start <= entry.start < entry.end <= submap.end:
                raise Broken(f"8: entry {entry.id} of {self.name} lies outside its submap {submap.name}")
        places = Counter(entry.submap for entry in self if entry.submap is not None)
        if places != self.submaps:
            raise Broken(f"8: {self.name} has entries of {len(places)} submaps, and knows of {len(self.submaps)}")


def may_stretch(entry: KernelEntry, start: int, flags: int) -> bool:
    """Whether `entry` may be stretched over a range from `start` with these flags, and no object of its own."""
    if entry.end != start or entry.flags != flags or entry.wired_count != 0:
        return False
    return entry.object is None or entry.object.can_grow_behind(entry.first_page + entry.pages)


# ---- freebsd entries ---------------------------------------------------------------------------
#
# Splitting entries of a FreeBSD map (`vm_map_clip_start`, `vm_map_clip_end`); ranges change in place.


def clip_start(vm_map: FreeBSDMap, entry: KernelEntry, address: int) -> None:
    """Split `entry` where a range begins; it is joined with its neighbours first, and stays the back part."""
    if not entry.start < address < entry.end:
        return
    join(vm_map, entry)
    supply_object(vm_map, entry)
    before = entry.fields()
    front = vm_map.copy_entry(entry)
    front.end = address
    entry.offset = entry.offset + address - entry.start & OFFSET_MASK
    entry.start = address
    _report_resize(vm_map, entry, before, "the back part")
    vm_map.link(front, entry.prev, entry)
    _report_clip(vm_map, entry, address)


def clip_end(vm_map: FreeBSDMap, entry: KernelEntry, address: int) -> None:
    """Split `entry` where a range ends; it stays the front part."""
    if not entry.start < address < entry.end:
        return
    supply_object(vm_map, entry)
    before = entry.fields()
    back = vm_map.copy_entry(entry)
    back.start = address
    back.offset = entry.offset + address - entry.start & OFFSET_MASK
    entry.end = address
    _report_resize(vm_map, entry, before, "the front part")
    vm_map.link(back, entry, entry.next)
    _report_clip(vm_map, entry, address)


def supply_object(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
    """Before a split: an entry without object gets an anonymous one, so that both parts share it.

    Not in system maps, whose entries never hold pageable memory.
    """
    if entry.object is not None or entry.submap is not None or vm_map.system:
        return
    before = entry.fields()
    entry.object = vm_map.services.new_object(entry.pages)
    entry.offset = 0
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((ObjectCreated.tag, entry.object.name, entry.pages))
    _report_resize(vm_map, entry, before, "got an anonymous object")


def withdraw_object(vm_map: FreeBSDMap, entry: KernelEntry, offset: int) -> None:
    """Take an object that was supplied away again: no other entry maps it, and it has no pages."""
    target = entry.object
    assert target is not None and target.references == 1 and not target.pages
    before = entry.fields()
    entry.object = None
    entry.offset = offset
    target.release()
    _report_resize(vm_map, entry, before, "gave its anonymous object back")


def _report_resize(vm_map: FreeBSDMap, entry: KernelEntry, before: EntryFields, why: str) -> None:
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((EntryResized.tag, vm_map.name, before, entry.fields(), why))


def _report_clip(vm_map: FreeBSDMap, entry: KernelEntry, address: int) -> None:
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((EntryClipped.tag, vm_map.name, entry.id, address))


# ---- freebsd submap ----------------------------------------------------------------------------
#
# Giving a range of one map to another (FreeBSD `vm_map_submap`).


def attach_submap(parent: FreeBSDMap, start: int, end: int, submap: FreeBSDMap) -> MaySleep[int]:
    """Give [start, end) to `submap`; status 4: the entry there can't be its place."""
    yield from parent.lock.acquire()
    entry = parent.lookup(start)
    if entry is not None:
        clip_start(parent, entry, start)
        clip_end(parent, entry, end)
    status = INVALID_ARGUMENT
    if entry is not None and (entry.start, entry.end) == (start, end) and _is_plain(entry):
        status = SUCCESS
        _turn_into_submap(parent, entry, submap)
    emit = parent.recorder.emit
    if emit is not None:
        emit((SubmapAttached.tag, parent.name, submap.name, start, end, status))
    parent.lock.release()
    return status


def _is_plain(entry: KernelEntry) -> bool:
    return entry.object is None and not entry.flags & SUB_MAP


def _turn_into_submap(parent: FreeBSDMap, entry: KernelEntry, submap: FreeBSDMap) -> None:
    before = entry.fields()
    entry.flags |= SUB_MAP
    entry.submap = submap
    parent.count_submap(submap, 1)
    emit = parent.recorder.emit
    if emit is not None:
        emit((EntryResized.tag, parent.name, before, entry.fields(), "became the place of a submap"))
