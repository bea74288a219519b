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

from .errors import Refused, in_ascii


class Absent:
    """The type of :data:`ABSENT`."""

    __slots__ = ()

    @in_ascii
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""What a row holds that is not there."""


MOVED: Final = "moved"
"""What a row has for a before where an event only knows by how much a count moved: that is its after."""


Row = tuple[str, str, Any, Any, Any]
"""Table, thing, key, what the row held before, and what after; where only its presence matters, after is True."""


TABLES: dict[str, str] = {}
"""All tables: of what thing each is, by what its rows are known, and what they hold.  One row has the key 0.

Each is declared beside the events that write it, in the schema of its structure.
"""


def declare(tables: Mapping[str, str]) -> None:
    """List the tables of a structure, by name."""
    TABLES.update(tables)


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

    >>> from vmwidgets.events import MetaDataMoved
    >>> past = Past([MetaDataMoved("d", 0, 4096), MetaDataMoved("d", 4096, 8192)])
    >>> past.one("meta data", "d", 8192), past.changes("meta data", "d")
    (0, {0: Change(before=0, after=8192)})
    """

    __slots__ = ("_tables",)

    def __init__(self, later: Iterable[Writer], operations: Iterable[Operated] = ()) -> None:
        self._tables: dict[tuple[str, str], dict[Any, Change]] = {}
        self._add(later)
        for operation in operations:
            if operation.truncated:
                raise Refused(f"operation {operation.number} can't be undone: only its last events were kept")
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

    def things(self, table: str = "") -> set[str]:
        """The things of which rows of a table were written; without one, of any."""
        return {thing for known, thing in self._tables if not table or known == table}

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
