"""A map entry: one contiguous range of one address space, all of it with the same attributes.

An entry is at once a link of the map's list and a node of its tree.  The kernel gives each an address; here the
entry source says which (0 where it comes from nowhere in the machine).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ...base.errors import Broken
from ...base.events import Called, EntryFields, EntryLinked, EntryUnlinked, LookupCacheHit, LookupCacheMoved, Returned
from ...base.rbtree import Node, RedBlackTree
from ...base.recorder import Recorder

if TYPE_CHECKING:
    from .vm_object import VmObject


BYTES_64, BYTES_32 = 80, 44
"""Size of an entry in X15, by word width."""


SUB_MAP = 0x200000
"""In an entry's flags: the range belongs to another map (FreeBSD MAP_ENTRY_IS_SUB_MAP)."""


OFFSET_MASK = (1 << 64) - 1
"""Offsets into objects have 64 bits on every machine, and wrap there."""


class Entry(Node):
    """[start, end) of a map; `offset` (bytes) is where in `object` it begins; `flags` is the packed word.

    `wired_count` says how often the range was wired; `submap` is the map that the range was given to, if it was.
    """

    __slots__ = (
        "address", "end", "flags", "next", "object", "offset", "prev", "start", "static", "submap", "wired_count",
    )  # fmt: skip  # read as a list of names

    start: int
    end: int

    def __init__(self, identity: int, address: int = 0, static: bool = False) -> None:
        super().__init__(identity)
        self.address = address
        self.static = static
        self.prev: Entry | None = None
        self.next: Entry | None = None
        self.start = self.end = self.offset = self.flags = self.wired_count = 0
        self.object: VmObject | None = None
        self.submap: MapCore[Any] | None = None

    def fields(self) -> EntryFields:
        """What events carry of an entry; a submap stands as "submap:NAME"."""
        name = None if self.object is None else self.object.name
        if self.submap is not None:
            name = f"submap:{self.submap.name}"
        return (self.id, self.start, self.end, name, self.offset, self.flags, self.address, self.wired_count)

    def copy_range_from(self, other: Entry) -> None:
        """Take over everything but the place in list and tree, and where the entry itself lives."""
        self.start, self.end, self.flags = other.start, other.end, other.flags
        self.object, self.offset = other.object, other.offset
        self.wired_count, self.submap = other.wired_count, other.submap


def compare(key: int, entry: Entry) -> int:
    """Where `key` lies: 0 inside `entry`, negative below it, positive at or above its end."""
    if key >= entry.end:
        return 1
    return -1 if key < entry.start else 0


class EntrySource(Protocol):
    """Where a map's entries come from and go to."""

    def take(self) -> Entry | None:
        """A fresh entry, or none."""

    def give(self, entry: Entry) -> None:
        """An entry that is no longer needed."""


class PlainEntries:
    """Entries without limit that live nowhere in the machine, for a map on its own."""

    def __init__(self, identities: Iterator[int]) -> None:
        self._identities = identities

    def take(self) -> Entry:
        """A fresh entry; never fails."""
        return Entry(next(self._identities))

    def give(self, entry: Entry) -> None:
        """Nothing keeps it."""


class EntryCache(Protocol):
    """A cache of entry-sized buffers."""

    def allocate(self) -> int | None:
        """The address of a free buffer, or none."""

    def free(self, address: int) -> None:
        """A buffer that is free again."""


E = TypeVar("E", bound=Entry)


class CachedEntries(Generic[E]):
    """Entries of one kind with real addresses, from a cache: the kentry cache for X15's kernel map, or another.

    `make(identity, address)` makes one.
    """

    def __init__(self, cache: EntryCache, identities: Iterator[int], make: Callable[[int, int], E]) -> None:
        self.cache = cache
        self.live: dict[int, E] = {}
        """By address: the entries that were taken and not given back."""
        self._identities = identities
        self._make = make

    def take(self) -> E | None:
        """An entry at the address of a free buffer; none when the cache has none."""
        address = self.cache.allocate()
        if address is None:
            return None
        entry = self.live[address] = self._make(next(self._identities), address)
        return entry

    def give(self, entry: E) -> None:
        """The buffer goes back to the cache."""
        del self.live[entry.address]
        self.cache.free(entry.address)


# ---- map core ----------------------------------------------------------------------------------
#
# What every map is made of: entries in a list and in a red-black tree, kept in step.
#
# The core links, unlinks and finds; it decides nothing. Which range a request gets and whether entries merge is the
# business of the maps built on it.


class MapCore(Generic[E]):
    """Entries of one address space [start, end); `name` names the map in events.

    All entries of a map are of one kind, `E`, and so are their neighbours and children.
    """

    def __init__(self, name: str, start: int, end: int, recorder: Recorder) -> None:
        self.name = name
        self.start = start
        self.end = end
        self.recorder = recorder
        self.first: E | None = None
        self.last: E | None = None
        self.tree: RedBlackTree[E] = RedBlackTree(compare, recorder, name)
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
        """The entry that holds `address`, or else the next one above, or none (X15 `vm_map_lookup_nearest`).

        What is found is remembered and looked at first the next time. O(log n).
        """
        cached, emit = self.lookup_cache, self.recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_lookup_nearest", (address,)))
        if cached is not None and cached.start <= address < cached.end:
            entry: E | None = cached
            if emit is not None:
                emit((LookupCacheHit.tag, self.name, cached.id))
        else:
            entry = self.tree.nearest(address)
            if entry is not None:
                self._remember(entry)
        if emit is not None:
            emit((Returned.tag, 0 if entry is None else entry.id))
        return entry

    def peek(self, address: int) -> E | None:
        """What :meth:`lookup_nearest` would find, for looking only: no cache moves and nothing is reported."""
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

    def _remember(self, entry: E | None) -> None:
        before = self.lookup_cache
        if before is entry:
            return
        self.lookup_cache = entry
        emit = self.recorder.emit
        if emit is not None:
            emit(
                (LookupCacheMoved.tag, self.name, 0 if before is None else before.id, 0 if entry is None else entry.id)
            )

    def link(self, entry: E, previous: E | None, next_: E | None, duplicates: bool = False) -> None:
        """Put `entry` into the list between two neighbours (none: the header) and into the tree.

        Raises :class:`~vmwidgets.engine.base.rbtree.Duplicate` when its start lies inside an entry; the list then
        holds it and the tree does not, which is how the original stops too.
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
            after = 0 if next_ is None else next_.id
            emit((Called.tag, "vm_map_link", (entry.id,)))
            emit((EntryLinked.tag, self.name, entry.fields(), before, after))
        self.tree.insert(entry, entry.start, duplicates)
        self.nr_entries += 1
        self.by_id[entry.id] = entry
        if emit is not None:
            emit((Returned.tag,))

    def unlink(self, entry: E) -> None:
        """Take `entry` out of tree and list; a lookup cache that names it is cleared."""
        previous, next_ = entry.prev, entry.next
        emit = self.recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_unlink", (entry.id,)))
        if entry is self.lookup_cache:
            self._remember(None)
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
            after = 0 if next_ is None else next_.id
            emit((EntryUnlinked.tag, self.name, entry.fields(), before, after))
            emit((Returned.tag,))

    # ---- what each kernel does in its own way ------------------------------------------------

    def clip_start(self, entry: E, address: int) -> None:
        """Cut `entry` at `address` if that lies inside; the entry stays the high part."""
        raise NotImplementedError

    def clip_end(self, entry: E, address: int) -> None:
        """Cut `entry` at `address` if that lies inside; the entry stays the low part."""
        raise NotImplementedError

    def discard(self, entry: E) -> None:
        """Take an entry out whose neighbour takes over its range."""
        raise NotImplementedError

    def gap_changed(self, entry: E | None) -> None:
        """The free space behind `entry` is another than before."""

    def ready(self, cuts: Iterable[int], entered: Iterable[tuple[int, int]] = ()) -> AbstractContextManager[None]:
        """Hold the tables that translations cut at `cuts`, and pages mapped in the ranges `entered`, need.

        Without memory for them it fails here, before anything has changed, and nothing fails inside.
        """
        raise NotImplementedError

    def reprotect(self, entry: E) -> None:
        """Give the pages that are mapped in `entry` the rights that it allows now; called inside :meth:`ready`."""
        raise NotImplementedError

    # ---- invariants --------------------------------------------------------------------------

    def check(self) -> None:
        """Raise :class:`Broken` unless all hold, beside the tree's own invariants.

        1. list and tree hold the same entries in the same order; 2. links lead back; 3. each range is
        page aligned, not empty, and lies inside the map; 4. ranges ascend and do not overlap;
        5. the number of entries is right; 6. the lookup cache names an entry of the map.
        """
        self.tree.check()
        listed = list(self)
        if listed != list(self.tree):
            raise Broken(f"1: list and tree of {self.name} differ")
        previous: E | None = None
        for entry in listed:
            if entry.prev is not previous:
                raise Broken(f"2: entry {entry.id} of {self.name} does not lead back to its predecessor")
            if not self.start <= entry.start < entry.end <= self.end or (entry.start | entry.end) & 0xFFF:
                raise Broken(f"3: entry {entry.id} of {self.name} is [{entry.start:#x}, {entry.end:#x})")
            if previous is not None and entry.start < previous.end:
                raise Broken(f"4: entry {entry.id} of {self.name} begins inside entry {previous.id}")
            previous = entry
        if self.last is not previous or self.nr_entries != len(listed):
            raise Broken(f"5: {self.name} counts {self.nr_entries} entries and has {len(listed)}")
        if self.lookup_cache is not None and self.lookup_cache not in listed:
            raise Broken(f"6: the lookup cache of {self.name} names entry {self.lookup_cache.id}, which is gone")
