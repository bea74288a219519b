"""What was before: rows that events wrote, laid over a value of later.

An event names each row that it wrote, with what the row held before and after (:meth:`.event.Event.writes`).  A row
is a key of a table, and a table belongs to one thing: a map, a tree, a cache, a domain.  Of all writes to a row after a
moment, the first one says what it held at that moment.  So :class:`Past` is read off the events in one pass, forwards,
and each value has a method `at(past)` that lays it over itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from ..errors import Refused


class Absent:
    """The type of :data:`ABSENT`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""What a row holds that is not there."""

MOVED: Final = "moved"
"""What a row has for a before where an event only knows by how much a count moved: that is its after."""

Row = tuple[str, str, Any, Any, Any]
"""Table, thing, key, what the row held before, and what after; where only its presence matters, after is True."""


TABLES: Final = {
    "after": "of a map, by entry (0: the head): the entry behind it in the list",
    "blank": "by frame: that its page has come as zeroes and no write of it is noted; False once one is",
    "blocks": "by order: how many free blocks there are",
    "capability": "of a domain, by slot: the capability in it",
    "deficit": "one row: how many pages were asked for in vain",
    "dirty": "of an object, by page: that its file does not have it yet",
    "doing": "by thread: the call that it is in",
    "doubts": "of a processor, one row: flushes forgotten and edits by hand since its TLB was empty",
    "entry": "of a map, by entry: its fields",
    "file": "by name: the size of a file, -1 when it is gone",
    "find cache": "of a map, one row: where a search for space begins",
    "first buffer": "of a cache, by slab: the head of its free list",
    "first slab": "one row: the head of the kentry area's free list",
    "frame": "by frame: who has it",
    "free block": "of a domain, by block: that it is free",
    "hand": "of a ring, one row: the place where its policy looks next",
    "inactive": "by frame: that its page is inactive",
    "klimit": "one row: the kernel's limit",
    "last use": "of a processor, by set and way: when the line was used last",
    "left": "of a tree, by node (0: above the root): its left child",
    "line": "of a processor, by set and way: what its TLB keeps there",
    "loaded": "of a processor, one row: whose tables it has loaded, their root, their number",
    "lock": "by map: the thread that has its lock",
    "lookup cache": "of a map, one row: the entry that was found last",
    "map": "by name: that the map is there",
    "mapping": "of a domain, by vnode: what it maps",
    "meta data": "of a domain, one row: how far its own memory is used",
    "needs_wakeup": "of a map, one row: that a thread sleeps for room",
    "next buffer": "of a cache, by address of a free buffer: the next one",
    "next slab": "by free slab of the kentry area: the next one",
    "node": "of a tree, by node: that it is there",
    "note": "of a ring, by frame: the number that its policy keeps of the page",
    "object": "by name: a memory object's kind, and what is behind it",
    "page": "of an object, by page: its frame",
    "pending": "of a processor, by number: a request that waits",
    "pieces": "of a domain, one row: how many pieces of memory its slab has",
    "red": "of a tree, by node: that it is red",
    "region": "of a domain, by number: a region",
    "replacement": "one row: the policy by which pages are replaced",
    "right": "of a tree, by node: its right child",
    "ring": "of a ring, by frame: its place in the order of the policy",
    "shootdown": "one row: what becomes of requests",
    "shootdowns": "by what became of them: how many requests",
    "size": "of a map, one row: its bytes in use",
    "slab": "of a cache, by address: the slab's colour",
    "sleeper": "of a map, by thread that sleeps for room in it: since when",
    "slot": "of a domain, by slot: that it is taken",
    "swap size": "one row: how many slots of swap space there are",
    "swapped": "of an object, by page: its slot of swap space",
    "task": "by name: the task that it was forked from",
    "thread": "by name: a thread",
    "ticks": "one row: the clock",
    "tlb count": "of a processor, by name: how many hits, misses, evictions, flushed entries",
    "used": "of a cache, by slab: how many of its buffers are taken",
    "vnode": "of a domain, by number: a node of its shadow tree",
    "wired": "of a map, by entry: how often it is wired",
    "wirings": "by frame: how often its page is wired",
    "word": "by physical address: a descriptor",
}
"""All tables: of what thing each is, by what its rows are known, and what they hold.  One row has the key 0."""


class Change(NamedTuple):
    """What a row held before the first of some events that wrote it, and after the last."""

    before: Any
    after: Any


class Marks(NamedTuple):
    """The keys of a table that are new after some events, that changed, and that are gone."""

    new: frozenset[Any]
    changed: frozenset[Any]
    leaving: frozenset[Any]


class Writer(Protocol):
    """An event, as far as it counts here."""

    def writes(self) -> Iterable[Row]:
        """The rows that it wrote."""


class Operated(Protocol):
    """An operation, as far as it counts here."""

    @property
    def number(self) -> int:
        """Its number."""

    @property
    def events(self) -> Iterable[Writer]:
        """What happened in it."""

    @property
    def truncated(self) -> bool:
        """Whether earlier events of it were left out."""


_NOTHING: Mapping[Any, Change] = {}


class Past:
    """The rows that `later` events wrote, and then all `operations` after these.  O(rows).

    An operation can't be crossed if not all of its events were kept: :class:`Refused`.

    >>> from ..events import MapResized
    >>> past = Past([MapResized("m", 0, 4096), MapResized("m", 4096, 8192)])
    >>> past.one("size", "m", 8192), past.changes("size", "m")
    (0, {0: Change(before=0, after=8192)})
    """

    __slots__ = ("_tables",)

    def __init__(self, later: Iterable[Writer], operations: Iterable[Operated] = ()) -> None:
        self._tables: dict[tuple[str, str], dict[Any, Change]] = {}
        self._add(later)
        for operation in operations:
            if operation.truncated:
                raise Refused(f"operation {operation.number} can't be taken back: only its last events were kept")
            self._add(operation.events)

    def _add(self, events: Iterable[Writer]) -> None:
        tables = self._tables
        for event in events:
            for table, thing, key, before, after in event.writes():
                rows = tables.setdefault((table, thing), {})
                known = rows.get(key)
                if known is None:
                    rows[key] = Change(before, after)
                else:
                    rows[key] = Change(known.before, known.after + after if before is MOVED else after)

    def __bool__(self) -> bool:
        return bool(self._tables)

    def changes(self, table: str, thing: str = "") -> Mapping[Any, Change]:
        """The rows of one table that were written, by key, in the order in which each was written first."""
        return self._tables.get((table, thing), _NOTHING)

    def things(self, table: str) -> set[str]:
        """The things of which rows of a table were written."""
        return {thing for known, thing in self._tables if known == table}

    def before(self, table: str, thing: str = "") -> dict[Any, Any]:
        """What these rows held, by key."""
        return {key: change.before for key, change in self.changes(table, thing).items()}

    def values(self, table: str, thing: str = "") -> list[Any]:
        """All that the rows of one table held, before and after."""
        return [one for change in self.changes(table, thing).values() for one in change if one is not ABSENT]

    def moved(self, table: str, thing: str = "") -> Counter[Any]:
        """By how much counts moved, by key."""
        return Counter({key: change.after for key, change in self.changes(table, thing).items()})

    def one(self, table: str, thing: str, now: Any) -> Any:
        """What a table of one row held, which holds `now` today."""
        change = self.changes(table, thing).get(0)
        return now if change is None else change.before

    def laid_over(self, now: Mapping[Any, Any], table: str, thing: str = "") -> dict[Any, Any]:
        """A table as it was, which holds `now` today: all of it, or a window.

        Of a window, rows that are still there and that it does not show are left out.
        """
        found = dict(now)
        for key, (before, after) in self.changes(table, thing).items():
            if before is ABSENT:
                found.pop(key, None)
            elif key in now or after is ABSENT:
                found[key] = before
        return found

    def marks(self, table: str, thing: str = "") -> Marks:
        """What these events did to the rows of one table, from before the first to after the last."""
        found: tuple[set[Any], set[Any], set[Any]] = (set(), set(), set())
        for key, (before, after) in self.changes(table, thing).items():
            if before is not ABSENT or after is not ABSENT:
                found[0 if before is ABSENT else 2 if after is ABSENT else 1].add(key)
        return Marks(*map(frozenset, found))


NOTHING: Final = Past(())
"""No rows: values are as they are now."""
