"""What sentences call things: addresses, ranges, frames, entries, counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.base.values.maps import EntryFields

Starts = Mapping[int, int]
"""Where entries start, by their ids."""

UNKNOWN: Starts = MappingProxyType({})


def address(value: object) -> str:
    """An address in a sentence: whole, and such that Python reads it.

    >>> address(0xFFFF808000A07000), address("8 KiB")
    ('0xffff_8080_00a0_7000', '8 KiB')
    """
    return str(Address(value)) if isinstance(value, int) else str(value)


def span(start: int, end: int) -> str:
    """[start, end).

    >>> span(0x400000, 0x402000)
    '0x40_0000–0x40_2000'
    """
    return f"{Address(start)}–{Address(end)}"


def frames(first: int, count: int = 1) -> str:
    """Frames in a row.

    >>> frames(0x1C0), frames(0x1C0, 2)
    ('0x1c0', '0x1c0–0x1c1')
    """
    return f"{first:#x}" if count == 1 else f"{first:#x}–{first + count - 1:#x}"


class Names:
    """What entries are called: by where they start, as it was at each event.

    Events that change an entry say where it started before, and win over `starts`, which is of after the operation.

    >>> names = Names([], {17: 0x400000})
    >>> names.entry(17), names.entry(18)
    ('0x40_0000', 'entry 18')
    """

    def __init__(self, events: Iterable[ev.Event], starts: Starts = UNKNOWN) -> None:
        self._later = starts
        self._starts: dict[int, int] = {}
        for event in events:
            fields = _before(event)
            if fields is not None:
                self._starts.setdefault(fields[0], fields[1])

    def entry(self, identity: int) -> str:
        """An entry, by its start."""
        start = self._starts.get(identity)
        if start is None:
            start = self._later.get(identity)
        return f"entry {identity}" if start is None else address(start)

    def follow(self, event: ev.Event) -> None:
        """From here on an entry starts elsewhere."""
        if isinstance(event, (ev.EntryResized, ev.EntryChanged)):
            self._starts[event.after[0]] = event.after[1]
        elif isinstance(event, ev.EntryLinked):
            self._starts[event.entry[0]] = event.entry[1]


def _before(event: ev.Event) -> EntryFields | None:
    """An entry that an event shows, as it was before."""
    if isinstance(event, (ev.EntryResized, ev.EntryChanged)):
        return event.before
    return event.entry if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)) else None
