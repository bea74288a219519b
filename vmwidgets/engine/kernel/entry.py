"""A map entry: one contiguous range of one address space, all of it with the same attributes.

An entry is at once a link of the map's list and a node of its tree.  The kernel gives each an address; here the
entry source says which (0 where it comes from nowhere in the machine).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ..base.events import EntryFields
from ..base.rbtree import Node

if TYPE_CHECKING:
    from .map_core import MapCore
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
