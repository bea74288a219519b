"""Maps: entries, trees and searches as values, and what changes in the maps of both kernels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from ...base.errors import in_ascii, printable
from ...base.event import Called, Event, Returned
from ...base.frozen import frozen
from ...base.past import ABSENT, Past, Row, Writer, declare
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

declare(
    {
        "after": "of a map, by entry (0: the head): the entry behind it in the list",
        "entry": "of a map, by entry: its fields",
        "find cache": "of a map, one row: where a search for space begins",
        "lookup cache": "of a map, one row: the entry that was found last",
        "map": "by name: that the map is there",
        "size": "of a map, one row: its bytes in use",
        "wired": "of a map, by entry: how often it is wired",
    }
)


EntryFields = tuple[int, int, int, str | None, int, int, int, int]
"""id, start, end, object's name, offset, flags, address of the entry itself (0: none), wired count."""


@frozen
class EntryValue:
    """One entry: [start, end) in bytes; `object` is a name or None; `offset` in bytes; `flags` the packed word.

    `address` is where the entry itself lives in the machine (0: nowhere); `role` names a range of the kernel's own;
    `wired` says how often the range was wired: its pages stay while it is not 0.
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
    def of(cls, fields: EntryFields, role: str = "") -> EntryValue:
        """The value that an event carries."""
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
        """Three letters: what the protection may become."""
        return protection_text(max_protection_of(self.flags))

    @property
    def inheritance(self) -> str:
        """What a child of the task gets: "none", "share" or "copy"."""
        return name_of(inheritance_of(self.flags), INHERITANCE)

    @property
    def advice(self) -> str:
        """How it will be used: "normal", "random", "sequential", "willneed" or "dontneed"."""
        return name_of(advice_of(self.flags), ADVICE)

    @property
    def nomerge(self) -> bool:
        """Whether it never becomes part of a neighbour."""
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


@frozen
class Fold:
    """A subtree that a picture leaves out: `id` of its root, how many entries, and the addresses they lie between."""

    id: int
    count: int
    start: int
    end: int


@frozen(slots=False)
class MapValue:
    """A map, or as much of it as was asked for.

    `items` are entries and folds in list order; `nodes` the tree over the entries shown.
    `find_cache_threshold` is None while nothing is known; `lookup_cache` is an id (0: none); `klimit` None but
    for the kernel's map.
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
        """What was left out."""
        return tuple(item for item in self.items if isinstance(item, Fold))

    # ---- as it was -----------------------------------------------------------------------------

    def at(self, past: Past) -> MapValue:
        """The map as it was; what is folded has to be what it was then (:meth:`reach`).  O(items + rows).

        Between two events it is what they say: the list may hold an entry that the tree does not.
        """
        if not past:
            return self
        name = self.name
        items = self._items_at(past)
        find_cache, threshold = past.one("find cache", name, (self.find_cache, self.find_cache_threshold))
        return replace(
            self,
            size=past.one("size", name, self.size),
            nr_entries=sum(item.count if isinstance(item, Fold) else 1 for item in items),
            find_cache=find_cache,
            find_cache_threshold=None if threshold in NO_THRESHOLD else threshold,
            lookup_cache=past.one("lookup cache", name, self.lookup_cache),
            klimit=None if self.klimit is None else past.one("klimit", "", self.klimit),
            root=past.one("root", name, self.root),
            items=items,
            nodes=self._nodes_at(past),
        )

    def _items_at(self, past: Past) -> tuple[EntryValue | Fold, ...]:
        name = self.name
        things: dict[int, EntryValue | Fold] = {item.id: item for item in self.items}
        for identity, (before, after) in past.changes("entry", name).items():
            known = things.get(identity)
            if before is ABSENT:
                if isinstance(known, EntryValue):
                    del things[identity]
            elif isinstance(known, EntryValue) or after is ABSENT:
                things[identity] = EntryValue.of(before, known.role if isinstance(known, EntryValue) else "")
        for identity, wired in past.before("wired", name).items():
            entry = things.get(identity)
            if isinstance(entry, EntryValue):
                things[identity] = replace(entry, wired=wired)
        following = {item.id: after.id for item, after in pairwise(self.items)}
        following[0] = self.items[0].id if self.items else 0
        following |= past.before("after", name)
        items = []
        identity = following[0]
        while identity in things:
            items.append(things.pop(identity))
            identity = following.get(identity, 0)
        return tuple(self._refolded(items))

    def _refolded(self, items: Sequence[EntryValue | Fold]) -> Iterator[EntryValue | Fold]:
        """The folds with the addresses that they lie between now."""
        ends = [self.start, *(item.end for item in items)]
        starts = [*(item.start for item in items[1:]), self.end]
        for item, start, end in zip(items, ends, starts, strict=False):
            yield replace(item, start=start, end=end) if isinstance(item, Fold) else item

    def _nodes_at(self, past: Past) -> dict[int, NodeValue]:
        name = self.name
        left, right, red = past.before("left", name), past.before("right", name), past.before("red", name)
        nodes = past.laid_over(self.nodes, "node", name)
        for identity in (left.keys() | right.keys() | red.keys() | past.changes("node", name).keys()) & nodes.keys():
            node = self.nodes.get(identity, NodeValue(identity, 0, 0, False))
            nodes[identity] = NodeValue(
                identity, left.get(identity, node.left), right.get(identity, node.right), red.get(identity, node.red)
            )
        return nodes

    def reach(self, events: Sequence[Writer]) -> int:
        """How far back the map can be taken: so many of `events`, its latest, must stay done.

        A row of what is folded can't be laid over it: list and tree around an entry have to be shown.
        """
        if not self.folds:
            return 0
        shown = {0, *self.nodes}
        for index in range(len(events) - 1, -1, -1):
            for table, thing, key, before, after in events[index].writes():
                if thing == self.name and table in _STRUCTURE:
                    if after is ABSENT:
                        shown.add(key)
                    elif key not in shown or (table == "after" and before is not ABSENT and before not in shown):
                        return index + 1
        return 0


_STRUCTURE = frozenset(("entry", "after", "node", "left", "right", "root"))
"""Tables whose rows make list and tree."""


NO_THRESHOLD = (2**64 - 1, 2**32 - 1)
"""What a map's find cache has for a threshold while nothing is known."""


# ---- FreeBSD's kernel maps ---------------------------------------------------------------------


@frozen
class KernelMapValue:
    """One of the kernel memory's maps and the submaps inside it.

    `locked_by` is the thread that has its lock ("" the learner's cell, None: it is free); `queue` are the threads that
    sleep for room in it, in the order they will look again, each with its number
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
        """The threads that sleep for room in it, in the order they will look again."""
        return tuple(name for _, name in self.queue)

    def all(self) -> Iterator[KernelMapValue]:
        """This map and those inside it, each before its own submaps."""
        yield self
        for submap in self.submaps:
            yield from submap.all()

    def at(self, past: Past) -> KernelMapValue:
        """The maps as they were; the flag says that threads sleep, until the call that woke them is done with it."""
        name = self.map.name
        slept = past.laid_over({thread: since for since, thread in self.queue}, "sleeper", name)
        flag = bool(slept) if past.changes("sleeper", name) else past.one("needs_wakeup", name, self.needs_wakeup)
        unmade = past.marks("map").new
        return replace(
            self,
            map=self.map.at(past),
            needs_wakeup=flag,
            locked_by=past.before("lock").get(name, self.locked_by),
            queue=tuple(sorted((since, thread) for thread, since in slept.items())),
            submaps=tuple(submap.at(past) for submap in self.submaps if submap.map.name not in unmade),
        )

    def reach(self, events: Sequence[Writer]) -> int:
        """How many of `events` must stay done: :meth:`MapValue.reach` of all maps."""
        return max(one.map.reach(events) for one in self.all())


# ---- maps ------------------------------------------------------------------------------------


class MapCreated(Event):
    """A map of [start, end) was created; `map` is none if there was no memory for it."""

    map: str | None
    start: int
    end: int

    def writes(self) -> Iterable[Row]:
        if self.map is not None:
            yield "map", "", self.map, ABSENT, True


class EntryJoined(Event):
    """`entry` merged with its neighbour on `side` ("prev" or "next"), and is [start, end) now."""

    map: str
    entry: int
    side: str
    start: int
    end: int


class EntryWired(Event, row=("wired", "map", "entry", "before", "after")):
    """The wired count of `entry` changed."""

    map: str
    entry: int
    before: int
    after: int


class SubmapAttached(Event):
    """[start, end) was to become the place of a submap; `status` 4: the entry there can't serve."""

    map: str
    submap: str
    start: int
    end: int
    status: int


# ---- map entries -----------------------------------------------------------------------------


class _EntryPlace(Event):
    """An entry, and its neighbours in the list of `map` (0: the header)."""

    map: str
    entry: EntryFields
    previous: int
    next: int


class EntryLinked(_EntryPlace):
    """An entry was put into the list of `map` between `previous` and `next` (0: the header)."""

    def writes(self) -> Iterable[Row]:
        identity = self.entry[0]
        yield "entry", self.map, identity, ABSENT, self.entry
        yield "after", self.map, self.previous, self.next, identity
        yield "after", self.map, identity, ABSENT, self.next


class EntryUnlinked(_EntryPlace):
    """An entry was removed from the list of `map`, where it was between `previous` and `next`."""

    def writes(self) -> Iterable[Row]:
        identity = self.entry[0]
        yield "entry", self.map, identity, self.entry, ABSENT
        yield "after", self.map, self.previous, identity, self.next
        yield "after", self.map, identity, self.next, ABSENT


class _EntryChange(Event):
    """An entry of `map` before and after a change."""

    map: str
    before: EntryFields
    after: EntryFields
    why: str

    def writes(self) -> Iterable[Row]:
        yield "entry", self.map, self.before[0], self.before, self.after


class EntryResized(_EntryChange):
    """An entry changed its range while out of the list: clipped or merged."""


class EntryChanged(_EntryChange):
    """An entry kept its range, but its protection, its object or its submap changed."""


class MergeTried(Event):
    """The request met a neighbour (`side` "previous", "next" or "both"): merged, or why not."""

    map: str
    neighbour: int
    side: str
    merged: bool
    why: str


# ---- the map ---------------------------------------------------------------------------------


class LookupCacheHit(Event):
    """The entry found last contains the address, too: no search is needed."""

    map: str
    entry: int


class LookupCacheMoved(Event, row=("lookup cache", "map", 0, "before", "after")):
    """The map remembers another entry (0: none)."""

    map: str
    before: int
    after: int


class FindCacheMoved(Event):
    """The address at which the next search for a gap begins, and the size from which it may begin there."""

    map: str
    before: int
    after: int
    threshold_before: int
    threshold_after: int

    def writes(self) -> Iterable[Row]:
        before, after = (self.before, self.threshold_before), (self.after, self.threshold_after)
        yield "find cache", self.map, 0, before, after


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


class MapResized(Event, row=("size", "map", 0, "before", "after")):
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
