"""The core of every kernel's map: entries, each of which is a link of a list and a node of a red-black tree.

:class:`MapCore` links, unlinks and finds entries, and changes ranges in place; the maps built on it choose the
range for a request. Entries come from an :class:`EntrySource`: in a machine, each is at an address in kernel memory.

A range is examined before it is changed: anything that prevents the change raises a :class:`MapError`, with nothing
changed. Then the entries across its edges are cut, so that the change covers the range and nothing else; afterwards,
equal neighbours are merged.  Sources: X15's `kern/vm_map` (2013) and FreeBSD's `vm_map` (2008), which have entries in
common, and FreeBSD's manual pages vm_map_protect(9), vm_map_inherit(9), vm_map_madvise(9), vm_map_wire(9) and
vm_map_simplify_entry(9).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar

from ...base.called import called
from ...base.errors import Broken, VMError
from ...base.protection import (
    ADVICE,
    ADVICE_SHIFT,
    ALL,
    INHERITANCE,
    INHERITANCE_SHIFT,
    MAX_PROTECTION_SHIFT,
    NOMERGE,
    PROTECTION_SHIFT,
    READ,
    max_protection_of,
    name_of,
    protection_of,
    protection_text,
)
from ...base.rbtree import Node, RedBlackTree
from ...base.recorder import Recorder
from ...base.records import RETURNED
from ...base.units import PAGE, Address, binary_size
from ...memory.slabs import ObjectCache
from .map_schema import (
    ENTRY_LINKED,
    ENTRY_UNLINKED,
    MAP_CACHE_HIT,
    MAP_LOOKED_UP,
    UNLINKING,
    EntryChanged,
    EntryFields,
    EntryJoined,
    EntryResized,
    EntryWired,
    MapResized,
)
from .vm_object import VmObject

BYTES_64, BYTES_32 = 80, 44
"""Size of an entry in X15, by word width."""

SUB_MAP = 0x200000
"""A flag of an entry: the range belongs to another map (FreeBSD MAP_ENTRY_IS_SUB_MAP)."""

OFFSET_MASK = (1 << 64) - 1
"""Offsets into objects have 64 bits on every machine, and wrap there."""


class Entry(Node):
    """[start, end) of a map; `offset` (bytes) is its beginning in `object`; `flags` is the packed word.

    `wired_count` says how often the range was wired.
    """

    __slots__ = (
        "address",
        "flags",
        "next",
        "object",
        "offset",
        "prev",
        "static",
        "wired_count",
    )

    def __init__(self, identity: int, address: int = 0, static: bool = False) -> None:
        Node.__init__(self, identity)  # each insertion makes one: `super` would cost as much as half of this
        self.address = address
        self.static = static
        self.prev: Entry | None = None
        self.next: Entry | None = None
        self.start = self.end = self.offset = self.flags = self.wired_count = 0
        self.object: VmObject | None = None

    def fields(self) -> EntryFields:
        """Return an entry's fields for events."""
        name = None if self.object is None else self.object.name
        return (self.id, self.start, self.end, name, self.offset, self.flags, self.address, self.wired_count)

    def in_events(self) -> tuple[int]:
        """Return its name in a call's arguments: the number."""
        return (self.id,)

    def offset_of(self, va: int) -> int:
        """Return the offset in its object, in bytes, of the address `va` in its range."""
        return self.offset + va - self.start & OFFSET_MASK

    def copy_range_from(self, other: Entry) -> None:
        """Copy everything from another entry except its place in list and tree, and its own address."""
        self.start, self.end, self.flags = other.start, other.end, other.flags
        self.object, self.offset, self.wired_count = other.object, other.offset, other.wired_count


E = TypeVar("E", bound=Entry)


class EntrySource(Protocol[E]):
    """A source of a map's entries, to which they return."""

    def allocate(self) -> E | None:
        """Return a new entry, or None."""

    def free(self, entry: E) -> None:
        """Free an entry."""


class PlainEntries(Generic[E]):
    """A source of unlimited entries without addresses, for a map on its own; `make(identity)` makes one."""

    def __init__(self, identities: Iterator[int], make: Callable[[int], E]) -> None:
        self._identities = identities
        self._make = make

    def allocate(self) -> E | None:
        """Return a new entry."""
        return self._make(next(self._identities))

    def free(self, entry: E) -> None:
        """Do nothing: the entry has no address."""


class CachedEntries(Generic[E]):
    """A source of entries with real addresses, from a cache: the kentry cache for X15's kernel map, or another one.

    `make(identity, address)` makes one.
    """

    def __init__(self, cache: ObjectCache, identities: Iterator[int], make: Callable[[int, int], E]) -> None:
        self.cache = cache
        self.live: dict[int, E] = {}
        """The allocated entries, by address."""
        self._identities = identities
        self._make = make

    def allocate(self) -> E | None:
        """Return an entry at the address of a free buffer; None if the cache has none."""
        address = self.cache.allocate()
        if address is None:
            return None
        entry = self.live[address] = self._make(next(self._identities), address)
        return entry

    def free(self, entry: E) -> None:
        """Return its buffer to the cache."""
        del self.live[entry.address]
        self.cache.free(entry.address)


SUCCESS, INVALID_ADDRESS, PROTECTION_FAILURE, NO_SPACE, INVALID_ARGUMENT, RESOURCE_SHORTAGE = 0, 1, 2, 3, 4, 6
"""Status numbers of FreeBSD's map functions (KERN_…)."""


class MapError(Exception):
    """Raised if a range can't be changed as requested: the `status` that FreeBSD's function returns, and `why`.

    Each kernel's map translates it once: X15's into a name of its `error.h`, FreeBSD's into the number it returns.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


# ---- the map -----------------------------------------------------------------------------------


class MapCore(ABC, Generic[E]):
    """The entries of one address space [start, end); `name` names the map in events, `size` is the bytes in entries.

    All entries of a map are of one kind, `E`, and so are their neighbours and children. `bits` is the width of a word:
    sizes wrap there.
    """

    counts_references = True
    """Whether objects count how many entries map them."""

    def __init__(
        self, name: str, start: int, end: int, entries: EntrySource[E], recorder: Recorder, *, bits: int = 64
    ) -> None:
        self.name = name
        self.called = called(name)
        """Its name in errors: "the map of init"."""
        self.start = start
        self.end = end
        self.entries = entries
        self.recorder = recorder
        self.bits = bits
        self.mask = (1 << bits) - 1
        self.size = 0
        self.first: E | None = None
        self.last: E | None = None
        self.tree: RedBlackTree[E] = RedBlackTree(recorder, name)
        self.nr_entries = 0
        self.by_id: dict[int, E] = {}
        self.made: dict[int, str] = {}
        """All entries that were ever in the list, in order: by ID, the object that each had first ("" for none).

        Pictures name ranges after it, also those that are gone.
        """
        self.lookup_cache: E | None = None
        self.needs_wakeup = False
        """Whether a thread sleeps for room in it, on FreeBSD's maps."""

    def __iter__(self) -> Iterator[E]:
        """The entries in list order."""
        entry = self.first
        while entry is not None:
            yield entry
            entry = entry.next  # type: ignore[assignment]  # neighbours are of the same kind

    def lookup_nearest(self, address: int) -> E | None:
        """Return the entry that contains `address`, or the next one above, or None (X15 `vm_map_lookup_nearest`).

        The lookup cache then names this entry, which the next lookup tries first. O(log n).
        """
        cached, emit = self.lookup_cache, self.recorder.emit
        if cached is not None and cached.start <= address < cached.end:
            if emit is not None:
                emit((MAP_CACHE_HIT, self.name, address, cached.id))
            return cached
        if emit is None:
            entry = self.tree.nearest(address)
            if entry is not None:
                self.lookup_cache = entry
            return entry
        entry, path, hit = self.tree.search(address)
        found = 0
        if entry is not None:
            self.lookup_cache, found = entry, entry.id
        emit((MAP_LOOKED_UP, self.name, address, path, hit, found, 0 if cached is None else cached.id))
        return entry

    def peek(self, address: int) -> E | None:
        """Return what :meth:`lookup_nearest` would find, without changing its cache, and without an event. O(log n)."""
        found, node = None, self.tree.root
        while node is not None:
            if address >= node.end:
                node = node.right  # type: ignore[assignment]  # children are entries
            else:
                found = node
                if address >= node.start:
                    break
                node = node.left  # type: ignore[assignment]
        return found

    def entry_at(self, address: int) -> E | None:
        """Return the entry that contains `address`, or None, without changing the lookup cache. O(log n)."""
        entry = self.peek(address)
        return entry if entry is not None and entry.start <= address else None

    def link(self, entry: E, previous: E | None, next_: E | None, duplicates: bool = False) -> None:
        """Insert `entry` into the list between two neighbours (None: the header) and into the tree (`vm_map_link`).

        Raises :class:`~vmwidgets.engine.base.rbtree.Duplicate` if its start is inside an entry; it is then in the list
        but not in the tree, as when the original stops.
        """
        entry.prev, entry.next = previous, next_
        if previous is None:
            self.first = entry
        else:
            previous.next = entry
        if next_ is None:
            self.last = entry
        else:
            next_.prev = entry
        emit = self.recorder.emit
        if emit is not None:
            before = 0 if previous is None else previous.id
            emit((ENTRY_LINKED, self.name, before, 0 if next_ is None else next_.id, *entry.fields()))
        if entry.id not in self.made:
            self.made[entry.id] = "" if entry.object is None else entry.object.name
        self.by_id[entry.id] = entry  # from here on, so that a folded picture shows it while the tree is repaired
        self.tree.insert(entry, entry.start, duplicates)
        self.nr_entries += 1
        if emit is not None:
            emit(RETURNED)

    def unlink(self, entry: E) -> None:
        """Remove `entry` from tree and list; the lookup cache is cleared if it names the entry (`vm_map_unlink`)."""
        previous, next_, emit = entry.prev, entry.next, self.recorder.emit
        forgotten = entry is self.lookup_cache
        if forgotten:
            self.lookup_cache = None
        if emit is not None:
            emit((UNLINKING, self.name, entry.id, forgotten))
        # The tree first: in between, a picture has an entry without a node, never a node without an entry.
        self.tree.remove(entry)
        if previous is None:
            self.first = next_  # type: ignore[assignment]
        else:
            previous.next = next_
        if next_ is None:
            self.last = previous  # type: ignore[assignment]
        else:
            next_.prev = previous
        self.nr_entries -= 1
        del self.by_id[entry.id]
        if emit is not None:
            before = 0 if previous is None else previous.id
            emit((ENTRY_UNLINKED, self.name, before, 0 if next_ is None else next_.id, *entry.fields()))

    # ---- entries -----------------------------------------------------------------------------

    def allocate_entry(self) -> E:
        """Return a new entry (X15 and FreeBSD `vm_map_entry_create`); raises :meth:`no_entry` if none is left."""
        entry = self.entries.allocate()
        if entry is None:
            raise self.no_entry()
        return entry

    def copy_entry(self, entry: E) -> E:
        """Return a new entry like `entry`; both map its object."""
        copy = self.allocate_entry()
        copy.copy_range_from(entry)
        if entry.object is not None and self.counts_references:
            entry.object.reference(copy)
        return copy

    def discard(self, entry: E) -> None:
        """Remove an entry whose neighbour takes over its range."""
        self.unlink(entry)
        if entry.object is not None and self.counts_references:
            entry.object.release(entry)
        self.free_entry(entry)

    def free_entry(self, entry: E) -> None:
        """Return an entry to its source; a static one was never allocated."""
        if not entry.static:
            self.entries.free(entry)

    def resize(self, change: int) -> None:
        """Add to the number of bytes in entries."""
        before = self.size
        self.size = (self.size + change) & self.mask
        emit = self.recorder.emit
        if emit is not None:
            emit((MapResized.tag, self.name, before, self.size))

    def report_resize(self, entry: E, before: EntryFields, why: str) -> None:
        """Report that the range of `entry` has changed; `before` are its fields until then."""
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryResized.tag, self.name, before, entry.fields(), why))

    def search_state(self) -> tuple[int, int | None, int | None]:
        """The find cache, its threshold, and the end of page tables, in maps that have them: X15's."""
        return 0, None, None

    # ---- what each kernel does in its own way ------------------------------------------------

    @abstractmethod
    def no_entry(self) -> VMError:
        """Return the error of a change for which no entry is left."""

    @abstractmethod
    def clip_start(self, entry: E, address: int) -> None:
        """Cut `entry` at `address`, inside it; the entry remains the upper part."""

    @abstractmethod
    def clip_end(self, entry: E, address: int) -> None:
        """Cut `entry` at `address`, inside it; the entry remains the lower part."""

    def gap_changed(self, entry: E | None) -> None:
        """Note that the free space after `entry` has changed."""

    @abstractmethod
    def ready(self, cuts: Iterable[int], entered: Iterable[tuple[int, int]] = ()) -> AbstractContextManager[None]:
        """Reserve the tables for translations cut at `cuts`, and for pages to be mapped in the ranges `entered`.

        Without memory for them, it fails here, before anything has changed, and nothing fails inside.
        """

    @abstractmethod
    def reprotect(self, entry: E) -> None:
        """Give the mapped pages of `entry` the permissions that it allows now; called inside :meth:`ready`."""

    # ---- deciding ----------------------------------------------------------------------------

    def entries_in(self, start: int, end: int) -> Iterator[E]:
        """Yield the entries that [start, end) touches, in address order. O(log n) for the first."""
        return self._from(self.tree.nearest(start), end)

    def decide(self, start: int, end: int, *, holes: bool) -> list[E]:
        """Return the entries of a range if all may be changed; nothing changes here.

        Raises :class:`MapError`: INVALID_ADDRESS for a hole if `holes` are not allowed, INVALID_ARGUMENT for the range
        of a submap (FreeBSD's alone).
        """
        entries = list(self.entries_in(start, end))
        position = start
        for entry in entries:
            if entry.start > position and not holes:
                break
            if entry.flags & SUB_MAP:
                limits = f"[{Address(entry.start)}, {Address(entry.end)})"
                raise MapError(INVALID_ARGUMENT, f"{limits} is the range of a submap")
            position = entry.end
        if position < end and not holes:
            raise MapError(INVALID_ADDRESS, f"nothing is mapped at {Address(position)} in {self.called}")
        return entries

    def granted(self, protection: int) -> int:
        """Return the accesses that tables allow to pages mapped for `protection`: some they can't refuse."""
        return protection

    def decide_wiring(self, start: int, end: int) -> list[E]:
        """Return the entries of a range that may be wired: there are no holes, and each entry can be read."""
        entries = self.decide(start, end, holes=False)
        for entry in entries:
            if not self.granted(protection_of(entry.flags)) & READ:
                allowed = protection_text(protection_of(entry.flags))
                raise MapError(
                    PROTECTION_FAILURE,
                    f"the entry at {Address(entry.start)} allows {allowed}: its pages can't be read in",
                )
        return entries

    # ---- changing ----------------------------------------------------------------------------

    def change_range(self, start: int, end: int, change: Callable[[E], None]) -> None:
        """Cut at both edges, call `change` for each entry in between, then merge equal neighbours.

        It may stop before any entry.
        """
        stop = self.recorder.take_stop()
        self.isolate(start, end)
        for entry in list(self._from(self.peek(start), end)):
            if stop is not None and stop(entry.start):
                break
            change(entry)
        self.merge_range(start, end)
        self.recorder.stop = stop

    def isolate(self, start: int, end: int) -> None:
        """Cut entries across the edges of [start, end); entries inside may be merged, if the kernel does that."""
        first = self.peek(start)
        if first is not None and first.start < start:
            self.clip_start(first, start)
        last = self.peek(end - 1)
        if last is not None and last.start < end < last.end:
            self.clip_end(last, end)

    def set_flags(self, entry: E, flags: int, why: str) -> None:
        """Set an entry's flags, and report it if they differ."""
        if entry.flags == flags:
            return
        before = entry.fields()
        entry.flags = flags
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryChanged.tag, self.name, before, entry.fields(), why))

    def set_wired_count(self, entry: E, count: int) -> None:
        """Note how often the range of `entry` was wired."""
        before, entry.wired_count = entry.wired_count, count
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryWired.tag, self.name, entry.id, before, count))

    def set_protection(self, start: int, end: int, protection: int, set_max: bool = False) -> None:
        """Set the protection of [start, end), or with `set_max` its maximum; rights beyond the maximum are removed.

        Mapped pages get the new permissions immediately. Raises MapError: INVALID_ADDRESS for a hole, INVALID_ARGUMENT
        for a submap, PROTECTION_FAILURE if `protection` exceeds an entry's maximum, and RESOURCE_SHORTAGE (NOMEM in
        X15's map) without a page for a table that is needed.  O((entries + 1) log n + pages).
        """
        entries = self.decide(start, end, holes=False)
        for entry in entries:
            beyond = protection & ~max_protection_of(entry.flags)
            if beyond:
                most = protection_text(max_protection_of(entry.flags))
                raise MapError(
                    PROTECTION_FAILURE,
                    f"the entry at {Address(entry.start)} may allow {most} at most, not {protection_text(beyond)}",
                )

        def changed(entry: E) -> int:
            return protection_of(entry.flags) & protection if set_max else protection

        def change(entry: E) -> None:
            old = protection_of(entry.flags)
            if set_max:
                flags = _with(entry.flags, protection, MAX_PROTECTION_SHIFT, ALL)
                flags = _with(flags, changed(entry), PROTECTION_SHIFT, ALL)
                why = f"at most {protection_text(protection)} now"
            else:
                flags = _with(entry.flags, protection, PROTECTION_SHIFT, ALL)
                why = f"{protection_text(old)} becomes {protection_text(protection)}"
            self.set_flags(entry, flags, why)
            if protection_of(flags) != old:
                self.reprotect(entry)

        reached = [one for one in entries if changed(one) != protection_of(one.flags)]
        wired = [
            (max(start, one.start), min(end, one.end))
            for one in reached
            if one.wired_count and self.granted(changed(one))
        ]
        with self.ready(edges_in(reached, start, end), wired):
            self.change_range(start, end, change)

    def set_inheritance(self, start: int, end: int, inheritance: int) -> None:
        """Set what a child of the task inherits from [start, end); holes are skipped.

        Raises MapError: INVALID_ARGUMENT for a number that is not an inheritance, and for a submap.  O((entries + 1)
        log n).
        """
        self._set_name(start, end, inheritance, INHERITANCE, INHERITANCE_SHIFT, "inheritance")

    def set_advice(self, start: int, end: int, advice: int) -> None:
        """Set the expected use of [start, end); holes are skipped.

        Raises MapError: INVALID_ARGUMENT for a number that is not an advice, and for a submap.  O((entries + 1) log n).
        """
        self._set_name(start, end, advice, ADVICE, ADVICE_SHIFT, "advice")

    def _set_name(self, start: int, end: int, number: int, table: dict[str, int], shift: int, what: str) -> None:
        if number not in table.values():
            raise MapError(INVALID_ARGUMENT, f"{what} {number} is unknown")
        self.decide(start, end, holes=True)

        def change(entry: E) -> None:
            old = name_of(entry.flags >> shift & 15, table)
            why = f"{what} {old} becomes {name_of(number, table)}"
            self.set_flags(entry, _with(entry.flags, number, shift, 15), why)

        self.change_range(start, end, change)

    def remove_wiring(self, start: int, end: int, unwired: Callable[[E], None] | None = None) -> None:
        """Remove one wiring of [start, end); `unwired` is called for each entry before its last wiring is removed.

        Raises MapError: INVALID_ADDRESS for a hole, INVALID_ARGUMENT for a submap, and for an entry that is not wired.
        """
        for entry in self.decide(start, end, holes=False):
            if not entry.wired_count:
                raise MapError(INVALID_ARGUMENT, f"the entry at {Address(entry.start)} is not wired")

        def change(entry: E) -> None:
            if entry.wired_count == 1 and unwired is not None:
                unwired(entry)
            self.set_wired_count(entry, entry.wired_count - 1)

        self.change_range(start, end, change)

    # ---- merging -----------------------------------------------------------------------------

    def merge_range(self, start: int, end: int) -> None:
        """Merge each entry that [start, end) touches with equal neighbours. It may stop before any entry."""
        stop = self.recorder.take_stop()
        for entry in self._from(self.peek(start), end):
            if stop is not None and stop(entry.start):
                break
            self.merge_neighbours(entry)

    def merge_neighbours(self, entry: E) -> None:
        """Absorb the previous entry, then the next one, if they are equal to `entry`, which stays valid.

        An absorbed entry drops its reference to the object. The range changes in place: an entry only grows into a
        neighbour's range, so the order in the tree stays right.  O(log n).
        """
        if entry.flags & SUB_MAP:
            return
        previous, following = entry.prev, entry.next
        if previous is not None and may_merge(previous, entry):
            before = entry.fields()
            self.discard(previous)  # type: ignore[arg-type]  # neighbours are of the same kind
            entry.start, entry.offset = previous.start, previous.offset
            self.gap_changed(entry.prev)  # type: ignore[arg-type]
            self._report_neighbour(entry, before, "prev")
        if following is not None and may_merge(entry, following):
            before = entry.fields()
            self.discard(following)  # type: ignore[arg-type]
            entry.end = following.end
            self.gap_changed(entry)
            self._report_neighbour(entry, before, "next")

    def _report_neighbour(self, entry: E, before: EntryFields, side: str) -> None:
        emit = self.recorder.emit
        if emit is not None:
            self.report_resize(entry, before, f"took in the entry {'before' if side == 'prev' else 'after'}")
            emit((EntryJoined.tag, self.name, entry.id, side, entry.start, entry.end))

    def _from(self, entry: E | None, end: int) -> Iterator[E]:
        """Yield `entry` and the entries after it that begin below `end`.

        Each may absorb the next before that is examined.
        """
        while entry is not None and entry.start < end:
            yield entry
            entry = entry.next  # type: ignore[assignment]  # neighbours are of the same kind

    # ---- invariants --------------------------------------------------------------------------

    def check(self) -> None:
        """Raise :class:`Broken` unless all of these hold, and the tree's own invariants.

        1. list and tree hold the same entries in the same order; 2. links lead back; 3. each range is
        page aligned, not empty, and inside the map; 4. ranges ascend and do not overlap;
        5. the number of entries is right; 6. the lookup cache names an entry of the map; 7. `size` is the sum of the
        entries' lengths.
        """
        self.tree.check()
        listed = list(self)
        if listed != list(self.tree):
            raise Broken(f"rule 1 of the map: list and tree of {self.called} differ")
        previous: E | None = None
        for entry in listed:
            if entry.prev is not previous:
                raise Broken(
                    f"rule 2 of the map: entry {entry.id} of {self.called} does not lead back to its predecessor"
                )
            if not self.start <= entry.start < entry.end <= self.end or (entry.start | entry.end) & 0xFFF:
                raise Broken(
                    f"rule 3 of the map: entry {entry.id} of {self.called} is "
                    f"{Address(entry.start)}–{Address(entry.end)}"
                )
            if previous is not None and entry.start < previous.end:
                raise Broken(f"rule 4 of the map: entry {entry.id} of {self.called} begins inside entry {previous.id}")
            previous = entry
        if self.last is not previous or self.nr_entries != len(listed):
            raise Broken(f"rule 5 of the map: {self.called} counts {self.nr_entries} entries and has {len(listed)}")
        if self.lookup_cache is not None and self.lookup_cache not in listed:
            raise Broken(
                f"rule 6 of the map: the lookup cache of {self.called} names entry {self.lookup_cache.id}, which is "
                "gone"
            )
        total = sum(entry.end - entry.start for entry in listed)
        if total != self.size:
            raise Broken(
                f"rule 7 of the map: {self.called} says {binary_size(self.size)}, its entries have {binary_size(total)}"
            )


def edges_in(entries: Iterable[Entry], start: int, end: int) -> Iterator[int]:
    """Yield where translations are cut if the parts of `entries` in [start, end) change one by one, in whole pages."""
    for entry in entries:
        yield max(start, entry.start) & -PAGE
        yield -(-min(end, entry.end) // PAGE) * PAGE


def may_merge(low: Entry, high: Entry) -> bool:
    """Return whether two neighbours may be one entry: equal in everything, and adjacent in their object.

    This is the rule after a change; a range that X15 enters merges by :meth:`.x15.vm_map.Request.obstacle`.
    Without an object, offsets make no difference. Entries that may not merge, or were supplied by the boot, stay alone.
    """
    return (
        low.end == high.start
        and low.object is high.object
        and (low.object is None or low.offset + low.end - low.start == high.offset)
        and low.flags == high.flags
        and low.wired_count == high.wired_count
        and not low.flags & (NOMERGE | SUB_MAP)
        and not (low.static or high.static)
    )


def _with(flags: int, value: int, shift: int, mask: int) -> int:
    return flags & ~(mask << shift) | value << shift
