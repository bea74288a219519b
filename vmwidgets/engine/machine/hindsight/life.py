"""The history of a page: its origin, its frames and slots, and the page that it was copied from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ...base.errors import in_ascii
from ...base.event import Event
from ...base.frozen import frozen
from ...base.journal import Operation
from ...base.units import PAGE
from ...kernel.map.vm_object import PagerAsked
from ...kernel.tasks.objects_schema import (
    PageCopied,
    PageIn,
    PageJoined,
    PageOut,
    PagesEntered,
    PagesLeft,
    SwapFreed,
    SwapLeft,
    SwapMoved,
    SwapShared,
)
from ...kernel.tasks.vm_object import TaskObject

MOST = 10_000
"""The number of latest operations read for a history, about 50 µs each; histories of older pages lack the beginning."""

_FILE = "file "
"""The beginning of the names of files' objects."""

ZEROES = "zeroes"
"""The place of a page that was never written, or about which nothing else is known."""

NOWHERE = "nowhere"
"""The place of a page that was discarded."""

Key = tuple[str, int]
"""An object's name, and the number of a page in it."""


class Station(NamedTuple):
    """The place of a page from `operation` on: `place`, such as "frame 0x1e1", and `how` it got there."""

    operation: Operation
    place: str
    how: str

    @in_ascii
    def __repr__(self) -> str:
        return f"{self.operation.number}: {self.place}, {self.how}"


@frozen
class _Stay:
    """A station, linked to the stay before it."""

    station: Station
    before: _Stay | None

    def line(self) -> tuple[Station, ...]:
        """Return all stations in order."""
        found, at = [self.station], self.before
        while at is not None:
            found.append(at.station)
            at = at.before
        return tuple(reversed(found))


class Lives:
    """The histories of all pages; :meth:`follow` continues them by one operation."""

    def __init__(self) -> None:
        self.of: dict[Key, _Stay] = {}
        self._in_frame: dict[int, dict[Key, None]] = {}
        """The pages in frames, by frame."""
        self._last_in: dict[int, _Stay] = {}
        """The latest stay in each frame, by its number, and in each swap slot, by a number below 0."""
        self._left: dict[int, _Stay] = {}
        """The pages that left a frame in this operation, by frame; the frame may belong to another object now."""
        self._gone: dict[Key, _Stay] = {}
        """The pages that left memory in this operation and are nowhere else."""
        self._operation: Operation

    def follow(self, operation: Operation) -> None:
        """Follow an operation's effects on pages.  O(its events)."""
        self._operation = operation
        self._left.clear()
        self._gone.clear()
        for event in operation.events:
            take = _TAKES.get(type(event))
            if take is not None:
                take(self, event)
        for key, stay in self._gone.items():
            self._stay(key, NOWHERE, "forgotten", stay)

    def _stay(self, key: Key, place: str, how: str, before: _Stay | None, at: int | None = None) -> None:
        stay = _Stay(Station(self._operation, place, how), before)
        self.of[key] = stay
        if at is not None:
            self._last_in[at] = stay

    def _entered(self, event: PagesEntered) -> None:
        for index, frame in event.pages:
            key = event.object, index
            others = self._in_frame.setdefault(frame, {})
            shares, moved = next(iter(others), None), self._left.get(frame)
            others[key] = None
            known = self.of.get(key)
            if key in self._gone:  # another frame of the same page: a copy
                del self._gone[key]
            place = f"frame {frame:#x}"
            if known is not None and known.station.operation is self._operation and known.station.place == place:
                continue  # it was read back
            if known is not None and known.station.place.startswith("slot"):
                self._stay(key, place, "found in memory, where another task has it", known, frame)
            elif shares is not None:
                self._stay(key, place, "shared by the fork", self.of.get(shares), frame)
            elif moved is not None:
                self.of[key] = moved  # the objects were joined: the page stays where it is
                self._gone = {one: stay for one, stay in self._gone.items() if stay is not moved}
            else:
                came_from = (
                    known if known is not None and known.station.place in (event.object, ZEROES, NOWHERE) else None
                )
                self._stay(key, place, "new", came_from, frame)

    def _left_pages(self, event: PagesLeft) -> None:
        for index, frame in event.pages:
            key = event.object, index
            self._in_frame.get(frame, {}).pop(key, None)
            if key in self.of:
                self._left[frame] = self._gone[key] = self.of[key]

    def _asked(self, event: PagerAsked) -> None:
        key, place = (event.object, event.offset // PAGE), f"frame {event.frame:#x}"
        stay = self.of.get(key)
        if event.outcome != "miss" or stay is None or stay.station[1:] == (place, "read back from swap space"):
            return
        is_file = event.object.startswith(_FILE)
        first = Station(self._operation, event.object if is_file else ZEROES, "as it began")
        how = "read from the file" if is_file else "filled with zeroes"
        self._stay(key, place, how, stay.before or _Stay(first, None), event.frame)

    def _copied(self, event: PageCopied) -> None:
        before = self._last_in.get(event.source_frame)
        self._stay((event.object, event.index), f"frame {event.frame:#x}", "copied", before, event.frame)

    def _out(self, event: PageOut) -> None:
        key = event.object, event.index
        self._left.pop(event.frame, None)
        self._gone.pop(key, None)
        before = self.of.get(key)
        if event.slot >= 0:
            self._stay(key, f"slot {event.slot}", "paged out", before, ~event.slot)
        elif event.to == "file" or event.has == "file":
            how = "written to the file" if event.to == "file" else "dropped: the file has it"
            self._stay(key, event.object, how, before)
        elif event.has == "zeroes":
            self._stay(key, ZEROES, "dropped: it was never written", before)
        elif event.has == "swap":
            slot = next(
                (stay.station.place for stay in self._stays(before) if "slot" in stay.station.place), "its slot"
            )
            self._stay(key, slot, "dropped: the slot has it", before)

    def _stays(self, at: _Stay | None) -> Iterable[_Stay]:
        while at is not None:
            yield at
            at = at.before

    def _back(self, event: PageIn | PageJoined) -> None:
        key = event.object, event.index
        before = self.of.get(key) or self._last_in.get(~event.slot)
        if before is not None and before.station[:2] == (self._operation, f"frame {event.frame:#x}"):
            return  # it is there already: another task had it in memory
        self._stay(key, f"frame {event.frame:#x}", "read back from swap space", before, event.frame)

    def _slots_shared(self, event: SwapShared) -> None:
        for index, slot in event.slots:
            self._stay((event.object, index), f"slot {slot}", "shared by the fork", self._last_in.get(~slot))

    def _slots_left(self, event: SwapFreed | SwapLeft) -> None:
        for index, slot in event.slots:
            stay = self.of.get((event.object, index))
            if stay is not None and stay.station.place == f"slot {slot}":
                self._gone[event.object, index] = stay

    def _slots_moved(self, event: SwapMoved) -> None:
        for index, _ in event.slots:
            stay = self.of.get((event.before, index))
            self._gone.pop((event.before, index), None)
            if stay is not None:
                self.of[event.object, index] = stay


_TAKES: dict[type[Event], Callable[[Lives, Any], None]] = {
    PagesEntered: Lives._entered,
    PagesLeft: Lives._left_pages,
    PagerAsked: Lives._asked,
    PageCopied: Lives._copied,
    PageOut: Lives._out,
    PageIn: Lives._back,
    PageJoined: Lives._back,
    SwapShared: Lives._slots_shared,
    SwapFreed: Lives._slots_left,
    SwapLeft: Lives._slots_left,
    SwapMoved: Lives._slots_moved,
}


def life_of(machine: Any, space: Any, address: int) -> tuple[Station, ...]:
    """Return the stations of the task's page at an address, from the first on; none if there is no page.

    O(events of the latest :data:`MOST` operations).
    """
    entry = next(iter(space.vm_map.entries_in(address, address + 1)), None)
    if entry is None or not isinstance(entry.object, TaskObject):
        return ()
    target, index = entry.object, entry.offset_of(address) // PAGE
    chain = list(target.chain(index))
    holder = next((one for one in chain if index in one.pages or index in one.swapped), None)
    journal = machine.journal
    lives = Lives()
    for number in range(max(journal.first_kept, len(journal) - MOST), len(journal)):
        lives.follow(journal[number])
    stays = (lives.of.get((one.name, index)) for one in ([holder] if holder is not None else chain))
    stay = next(filter(None, stays), None)
    return () if stay is None else stay.line()
