"""Records of several events: events that always come together are one flat tuple, at a third of the cost.

A record begins with an event's tag, or with a tag of its own, and continues with fields.  Readers call
:func:`unpacked`, which yields the events. A record contains existing numbers and strings, and few tuples: the events of
a thousand operations are kept, and creating, reading and freeing each tuple costs time.  A structure's records are
declared next to its events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from .event import Called, Returned

Raw = tuple[Any, ...]
"""An event as reported: its tag, then its fields; or a record of several."""

Events = Callable[..., Iterable[Raw]]
"""A function from a record's fields to its events."""

F = TypeVar("F", bound=Events)

RECORDS: dict[str, Events] = {}
"""The functions that unpack records, by tag."""

WAYS: dict[str, Events] = {}
"""The functions that unpack paths down trees; a path remains one record until each comparison is needed."""


def record(tag: str, among: dict[str, Events] = RECORDS) -> Callable[[F], F]:
    """Register a function that returns the events of the records with this tag."""

    def listed(events: F) -> F:
        among[tag] = events
        return events

    return listed


RETURNED: Raw = (Returned.tag, None)
"""The record of a kernel function that ends without a result."""

BEGAN = "Began"
"""The record of a kernel function that begins: its name, then its arguments."""


@record(BEGAN)
def _began(called: str, *arguments: Any) -> Iterable[Raw]:
    return ((Called.tag, called, arguments),)


def unpacked(raw: Iterable[Raw]) -> Iterator[Raw]:
    """Yield the reported events one by one; a path down a tree stays one event.

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
    """Yield the reported events, with an event for each comparison on a path down a tree."""
    for one in unpacked(raw):
        way = WAYS.get(one[0])
        if way is None:
            yield one
        else:
            yield from way(*one[1:])
