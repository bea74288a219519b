"""Maps: entries, trees and searches as values, and what changes in the maps of both kernels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any

from ...base.errors import in_ascii, printable
from ...base.event import Called, Event, Returned
from ...base.frozen import frozen
from ...base.protection import (
    ADVICE,
    INHERITANCE,
    NOMERGE,
    advice_of,
    inheritance_of,
    max_protection_of,
    name_of,
    protection_of,
    protection_text,
)
from ...base.records import RETURNED, Raw, record
from ...base.tree_schema import LOOKED_UP, Path
from ...base.units import Address, Size

EntryFields = tuple[int, int, int, str | None, int, int, int, int]
"""ID, start, end, object's name, offset, flags, address of the entry itself (0: none), wired count."""

KEPT = 4096
"""How many of the latest values of entries and nodes are kept to be used again: most of a map stays as it is."""


@frozen
class EntryValue:
    """One entry: [start, end) in bytes; `object` is a name or None; `offset` in bytes; `flags` the packed word.

    `address` is the address of the entry itself in the machine (0: it has none); `role` names a range of the kernel's
    own; `wired` says how often the range was wired: while it is not 0, the pages stay in memory.
    """

    id: int
    start: int
    end: int
    object: str | None
    offset: int
    flags: int
    address: int = 0
    role: str = ""
    wired: int = 0

    @classmethod
    @lru_cache(maxsize=KEPT)
    def of(cls, fields: EntryFields, role: str = "") -> EntryValue:
        """Return the value of an event's fields; equal ones are one object, so that two looks are soon compared."""
        identity, start, end, target, offset, flags, address, wired = fields
        return cls(identity, Address(start), Address(end), target, offset, flags, address, role, wired)

    @property
    def size(self) -> Size:
        """Length in bytes."""
        return Size(self.end - self.start)

    @property
    def protection(self) -> str:
        """Three letters, such as ``"rw-"``."""
        return protection_text(protection_of(self.flags))

    @property
    def max_protection(self) -> str:
        """The protection's maximum, as three letters."""
        return protection_text(max_protection_of(self.flags))

    @property
    def inheritance(self) -> str:
        """Return what a child of the task gets: "none", "share" or "copy"."""
        return name_of(inheritance_of(self.flags), INHERITANCE)

    @property
    def advice(self) -> str:
        """Return how the range will be used: "normal", "random", "sequential", "willneed" or "dontneed"."""
        return name_of(advice_of(self.flags), ADVICE)

    @property
    def nomerge(self) -> bool:
        """Return whether the entry never becomes part of a neighbour."""
        return bool(self.flags & NOMERGE)

    @in_ascii
    def __repr__(self) -> str:
        name = None if self.object is None else printable(self.object)
        place = name is not None and name.startswith("submap:")  # a submap's place: offsets play no part there
        what = self.role or (name if place else f"{name}+{self.offset:#x}" if name is not None else "anonymous")
        wired = f" wired {self.wired}" if self.wired else ""
        limits = f"{Address(self.start)}–{Address(self.end)}"
        return f"<entry {self.id} {limits} {self.protection} {self.size} {what}{wired}>"


@frozen
class NodeValue:
    """One tree node: links are ids (0: none) of nodes or of folded subtrees."""

    id: int
    left: int
    right: int
    red: bool

    @classmethod
    @lru_cache(maxsize=KEPT)
    def of(cls, identity: int, left: int, right: int, red: bool) -> NodeValue:
        """Return a node; equal ones are one object."""
        return cls(identity, left, right, red)


@frozen
class Fold:
    """A subtree that a picture leaves out: its root's `id`, the number of entries, and the range around them."""

    id: int
    count: int
    start: int
    end: int


@frozen(slots=False)
class MapValue:
    """A map, or the requested part of it.

    `items` are entries and folds in list order; `nodes` is the tree of the shown entries. `find_cache_threshold` is
    None while nothing is known; `lookup_cache` is an ID (0: none); `klimit` is None except for the kernel's map.
    """

    name: str
    start: int
    end: int
    size: int
    nr_entries: int
    find_cache: int
    find_cache_threshold: int | None
    lookup_cache: int
    klimit: int | None
    root: int
    items: tuple[EntryValue | Fold, ...]
    nodes: dict[int, NodeValue]

    @cached_property
    def entries(self) -> tuple[EntryValue, ...]:
        """The entries that are not folded."""
        return tuple(item for item in self.items if isinstance(item, EntryValue))

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Return what was left out."""
        return tuple(item for item in self.items if isinstance(item, Fold))


NO_THRESHOLD = (2**64 - 1, 2**32 - 1)
"""The threshold in a map's find cache while nothing is known."""


# ---- FreeBSD's kernel maps ---------------------------------------------------------------------


@frozen
class KernelMapValue:
    """One of the kernel memory's maps and the submaps inside it.

    `locked_by` is the thread that has its lock ("": the learner's cell, None: it is free); `queue` are the threads
    that sleep until it has room, in the order in which they will look again, each with its number
    (:class:`.threads_schema.ThreadValue`).
    """

    map: MapValue
    system: bool
    needs_wakeup: bool
    locked_by: str | None
    queue: tuple[tuple[int, str], ...]
    submaps: tuple[KernelMapValue, ...]

    @property
    def sleepers(self) -> tuple[str, ...]:
        """The threads that sleep until it has room, in the order in which they will look again."""
        return tuple(name for _, name in self.queue)

    def all(self) -> Iterator[KernelMapValue]:
        """This map and the maps inside it, each before its own submaps."""
        yield self
        for submap in self.submaps:
            yield from submap.all()


# ---- maps ------------------------------------------------------------------------------------


class MapCreated(Event, changes=True):
    """A map of [start, end) was created; `map` is None if there was no memory for it."""

    map: str | None
    start: int
    end: int


class EntryJoined(Event):
    """`entry` merged with its neighbour on `side` ("prev" or "next"), and is [start, end) now."""

    map: str
    entry: int
    side: str
    start: int
    end: int


class EntryWired(Event, changes=True):
    """The wired count of `entry` changed."""

    map: str
    entry: int
    before: int
    after: int


class SubmapAttached(Event):
    """[start, end) was to become the range of a submap; `status` 4: the entry there is not suitable."""

    map: str
    submap: str
    start: int
    end: int
    status: int


# ---- map entries -----------------------------------------------------------------------------


class _EntryPlace(Event):
    """An entry and its neighbours in the list of `map` (0: the header)."""

    map: str
    entry: EntryFields
    previous: int
    next: int


class EntryLinked(_EntryPlace, changes=True):
    """An entry was put into the list of `map` between `previous` and `next` (0: the header)."""


class EntryUnlinked(_EntryPlace, changes=True):
    """An entry was removed from the list of `map`, where it was between `previous` and `next`."""


class _EntryChange(Event):
    """An entry of `map` before and after a change."""

    map: str
    before: EntryFields
    after: EntryFields
    why: str


class EntryResized(_EntryChange, changes=True):
    """An entry changed its range while out of the list: clipped or merged."""


class EntryChanged(_EntryChange, changes=True):
    """An entry kept its range, but its protection, its object or its submap changed."""


class Entries:
    """The changes of maps' entries by events: by map and ID, the fields before and after.

    None stands for an entry that is not in the list; changes of an entry outside the list are noticed when it is
    inserted.

    >>> found, entry = Entries(), (7, 0, 4096, None, 0, 0, 0, 0)
    >>> found.linked("m", entry)
    >>> found.changed("m", entry, (7, 0, 8192, None, 0, 0, 0, 0), "grown")
    >>> found.of["m"]
    {7: (None, (7, 0, 8192, None, 0, 0, 0, 0))}
    """

    def __init__(self) -> None:
        self.of: dict[str, dict[int, tuple[EntryFields | None, EntryFields | None]]] = {}

    @classmethod
    def reported(cls, events: Iterable[Event]) -> Entries:
        """Return the changes of entries by these events. O(events)."""
        found = cls()
        for event in events:
            if isinstance(event, EntryLinked):
                found.linked(event.map, event.entry)
            elif isinstance(event, EntryUnlinked):
                found.unlinked(event.map, event.entry)
            elif isinstance(event, (EntryResized, EntryChanged)):
                found.changed(event.map, event.before, event.after)
        return found

    def new(self, path: str) -> list[int]:
        """Return the IDs of entries that were inserted into the list of a map."""
        return [key for key, (before, after) in self.of.get(path, {}).items() if before is None and after is not None]

    def gone(self, path: str) -> list[int]:
        """Return the IDs of entries that were removed from the list of a map."""
        return [key for key, (before, after) in self.of.get(path, {}).items() if before is not None and after is None]

    def linked(self, path: str, entry: EntryFields, *_: Any) -> None:
        """An entry was put into the list."""
        entries = self.of.setdefault(path, {})
        known = entries.get(entry[0])
        was_there = known is not None and known[1] is None  # else it was changed before it ever was in the list
        entries[entry[0]] = (known[0] if known is not None and was_there else None), entry

    def unlinked(self, path: str, entry: EntryFields, *_: Any) -> None:
        """An entry was removed from the list."""
        entries = self.of.setdefault(path, {})
        known = entries.get(entry[0])
        entries[entry[0]] = (entry if known is None else known[0]), None

    def changed(self, path: str, before: EntryFields, after: EntryFields, *_: Any) -> None:
        """An entry's fields changed."""
        entries = self.of.setdefault(path, {})
        known = entries.get(before[0])
        if known is None or known[1] is not None:
            entries[before[0]] = (before if known is None else known[0]), after


class MergeTried(Event):
    """The request met a neighbour (`side` "previous", "next" or "both"): merged, or why not."""

    map: str
    neighbour: int
    side: str
    merged: bool
    why: str


# ---- the map ---------------------------------------------------------------------------------


class LookupCacheHit(Event):
    """The entry found last also contains this address: no search is needed."""

    map: str
    entry: int


class LookupCacheMoved(Event, changes=True):
    """The map remembers another entry (0: none)."""

    map: str
    before: int
    after: int


class FindCacheMoved(Event, changes=True):
    """The address at which the next search for a gap begins, and the size from which it may begin there."""

    map: str
    before: int
    after: int
    threshold_before: int
    threshold_after: int


class HintTried(Event):
    """A free search tried the caller's hint first."""

    map: str
    hint: int
    taken: bool
    why: str


class GapTried(Event):
    """A search looked at a gap of `space` bytes at `position`; `why` is the verdict if size alone does not decide."""

    map: str
    position: int
    space: int
    taken: bool
    why: str = ""


class SearchRestarted(Event):
    """A search for a gap that began at the find cache begins again at the map's start."""

    map: str
    position: int


class MapResized(Event, changes=True):
    """The sum of the entries' lengths changed (bytes)."""

    map: str
    before: int
    after: int


class RangeRemoved(Event):
    """A removal is complete: `entries` were removed, `cuts` of them were parts of others, `size` bytes in all."""

    map: str
    entries: int
    cuts: int
    size: int


# ---- records: several events as one ---------------------------------------------------------

MAP_LOOKED_UP = "MapLookedUp"
"""`vm_map_lookup_nearest`: map, address, path, whether the last node holds it, what was found, the lookup cache."""

MAP_CACHE_HIT = "MapCacheHit"
"""The same where the lookup cache had the entry: map, address, entry."""

NO_MERGE = "NoMerge"
"""A request that may not merge: map, and the ids of the neighbours that it touches (0: none)."""

ENTRY_LINKED = "MapLinked"
"""`vm_map_link` began, and the entry is in the list: map, the neighbours' ids, the entry's fields."""

UNLINKING = "MapUnlinking"
"""`vm_map_unlink` began: map, entry, and whether the lookup cache forgot it."""

ENTRY_UNLINKED = "MapUnlinked"
"""The entry is out of the list, and `vm_map_unlink` is done: map, the neighbours' ids, the entry's fields."""

_LOOKUP = "vm_map_lookup_nearest"


@record(MAP_LOOKED_UP)
def _map_looked_up(name: str, address: int, path: Path, hit: bool, found: int, cached: int) -> Iterator[Raw]:
    yield Called.tag, _LOOKUP, (address,)
    yield LOOKED_UP, name, path, address, hit, found
    if found and found != cached:
        yield LookupCacheMoved.tag, name, cached, found
    yield Returned.tag, found or None


@record(MAP_CACHE_HIT)
def _map_cache_hit(name: str, address: int, entry: int) -> Iterable[Raw]:
    return (Called.tag, _LOOKUP, (address,)), (LookupCacheHit.tag, name, entry), (Returned.tag, entry)


@record(NO_MERGE)
def _no_merge(name: str, previous: int, following: int) -> Iterator[Raw]:
    for neighbour, side in (previous, "previous"), (following, "next"):
        if neighbour:
            yield MergeTried.tag, name, neighbour, side, False, "the request may not merge"


@record(ENTRY_LINKED)
def _entry_linked(name: str, previous: int, following: int, *fields: Any) -> Iterable[Raw]:
    return (Called.tag, "vm_map_link", fields[:1]), (EntryLinked.tag, name, fields, previous, following)


@record(UNLINKING)
def _unlinking(name: str, entry: int, forgotten: bool) -> Iterator[Raw]:
    yield Called.tag, "vm_map_unlink", (entry,)
    if forgotten:
        yield LookupCacheMoved.tag, name, entry, 0


@record(ENTRY_UNLINKED)
def _entry_unlinked(name: str, previous: int, following: int, *fields: Any) -> Iterable[Raw]:
    return (EntryUnlinked.tag, name, fields, previous, following), RETURNED
