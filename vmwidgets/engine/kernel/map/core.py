"""The core of every kernel's map: entries, each of which is a link of a list and a node of a red-black tree.

:class:`MapCore` links, unlinks and finds entries. It decides nothing: the maps built on it choose the range for a
request, and whether entries merge. Entries come from an :class:`EntrySource`: in a machine, each is at an address in
kernel memory. Sources: X15's `kern/vm_map` (2013) and FreeBSD's `vm_map` (2008), which have this in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from ...base.called import called
from ...base.errors import Broken, KernelPanic
from ...base.rbtree import Node, RedBlackTree
from ...base.recorder import Recorder
from ...base.records import RETURNED
from ...base.units import Address, binary_size
from ...memory.slabs import ObjectCache
from .map_schema import (
    ENTRY_LINKED,
    ENTRY_UNLINKED,
    MAP_CACHE_HIT,
    MAP_LOOKED_UP,
    UNLINKING,
    EntryFields,
    EntryResized,
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


# ---- the map -----------------------------------------------------------------------------------


class MapCore(Generic[E]):
    """The entries of one address space [start, end); `name` names the map in events, `size` is the bytes in entries.

    All entries of a map are of one kind, `E`, and so are their neighbours and children. `bits` is the width of a word:
    sizes wrap there.
    """

    entry_panic = "vm_map_entry_create"
    """The name of the panic when no entry is left."""

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
        found = self.peek(address)
        return found if found is not None and found.start <= address else None

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
        if previous is None:
            self.first = next_  # type: ignore[assignment]
        else:
            previous.next = next_
        if next_ is None:
            self.last = previous  # type: ignore[assignment]
        else:
            next_.prev = previous
        self.tree.remove(entry)
        self.nr_entries -= 1
        del self.by_id[entry.id]
        if emit is not None:
            # Reported last: in between, a picture has an entry without a node, never a node without an entry.
            before = 0 if previous is None else previous.id
            emit((ENTRY_UNLINKED, self.name, before, 0 if next_ is None else next_.id, *entry.fields()))

    # ---- entries -----------------------------------------------------------------------------

    def allocate_entry(self) -> E:
        """Return a new entry; without one, the kernel panics (X15 and FreeBSD `vm_map_entry_create`)."""
        entry = self.entries.allocate()
        if entry is None:
            raise KernelPanic(self.entry_panic, f"no entry is left for {self.called}")
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
