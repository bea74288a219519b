"""Several events in one record: what always comes together is reported as one flat tuple, which costs a third.

A record is an event's tag and its fields, or a tag of its own.  Who reads what was reported reads it :func:`unpacked`,
and sees the events.  A record holds numbers and texts that are there already, and as few tuples as may be: the events
of a thousand operations are kept, and each tuple of them is made, found again in memory that no cache holds any more,
and freed.  Records of a structure are declared beside its events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from .event import Called, Returned

Raw = tuple[Any, ...]
"""An event before anyone looked at it: its tag, then its fields; or a record of several."""

Events = Callable[..., Iterable[Raw]]
"""Gives the events of a record from its fields."""

F = TypeVar("F", bound=Events)

RECORDS: dict[str, Events] = {}
"""By tag: what gives the events of a record."""

WAYS: dict[str, Events] = {}
"""The same of records that stay one until each comparison is wanted: ways down trees."""


def record(tag: str, among: dict[str, Events] = RECORDS) -> Callable[[F], F]:
    """Have a function give the events of the records with this tag."""

    def listed(events: F) -> F:
        among[tag] = events
        return events

    return listed


RETURNED: Raw = (Returned.tag, None)
"""A kernel function that gives nothing back is done."""

BEGAN = "Began"
"""A kernel function began: its name, then its arguments."""


@record(BEGAN)
def _began(called: str, *arguments: Any) -> Iterable[Raw]:
    return ((Called.tag, called, arguments),)


def unpacked(raw: Iterable[Raw]) -> Iterator[Raw]:
    """Yield what was reported, event by event; ways down trees stay one each.

    >>> list(unpacked([(BEGAN, "vm_map_enter", 4096, 8192), ("Returned", None)]))
    [('Called', 'vm_map_enter', (4096, 8192)), ('Returned', None)]
    """
    for one in raw:
        events = RECORDS.get(one[0])
        if events is None:
            yield one
        else:
            yield from events(*one[1:])


def expanded(raw: Iterable[Raw]) -> Iterator[Raw]:
    """Yield what was reported, with an event for each comparison on a way down a tree."""
    for one in unpacked(raw):
        way = WAYS.get(one[0])
        if way is None:
            yield one
        else:
            yield from way(*one[1:])
