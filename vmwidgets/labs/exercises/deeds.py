"""The changes since the start of a sheet, read from events, whatever the call's name and its caller.

Pages are removed by `remove`, `munmap`, `brk`, `exec` or a mapping over them, perhaps by a thread or a handler inside
another operation.  The events are always the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.tree_schema import TreeRotated
from vmwidgets.engine.kernel.map.map_schema import (
    EntryChanged,
    EntryLinked,
    EntryUnlinked,
    GapTried,
    MapResized,
    RangeRemoved,
)
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.engine.mmu.tables_schema import PteRunWritten, PteWritten
from vmwidgets.engine.mmu.tlb_schema import TlbFlushed

from ..starting import machine_of

Range = tuple[int, int]
"""The start and the end of a range, in bytes."""

READ = (
    EntryChanged,
    EntryLinked,
    EntryUnlinked,
    GapTried,
    MapResized,
    PteRunWritten,
    PteWritten,
    RangeRemoved,
    TlbFlushed,
    TreeRotated,
)
"""The events that judges read."""

ENTERED, REMOVED, CHANGED, UNSEEN = "entered", "removed", "changed", "unseen"


@frozen(slots=False)
class Deed:
    """A change of a map by an operation.

    `kind` is "entered", "removed", "changed" (entries were changed in another way), or "unseen" (the operation had more
    events than a journal keeps).  `ranges` are the ranges that were entered or removed.  `searched` says whether the
    kernel chose the place, and `rotations` counts the rotations of the map's tree.
    """

    kind: str
    ranges: tuple[Range, ...] = ()
    searched: bool = False
    rotations: int = 0

    @property
    def start(self) -> int:
        """The address of the first range."""
        return self.ranges[0][0]

    @property
    def size(self) -> int:
        """The size of all ranges in bytes."""
        return sum(end - start for start, end in self.ranges)


@lru_cache(maxsize=64)
def begun(asked: Any) -> int:
    """Return the number of operations of a sheet's start."""
    machine = machine_of(asked.start())
    return 0 if machine is None else len(machine.journal)


class Done(NamedTuple):
    """An operation after the start of a sheet, with the events that judges read; `truncated` if some are missing."""

    operation: Operation
    events: tuple[Event, ...]
    truncated: bool


def operations_since(machine: Machine, asked: Any) -> tuple[Done, ...]:
    """Return the operations after the start of the sheet, except undone ones.

    Events that the journal has dropped are recreated: O(operations), and again only if the machine has changed.
    """
    known = _done.get(machine)
    now = begun(asked), machine.journal.next_serial, len(machine.journal)
    if known is None or known[0] != now:
        found: list[Done] = []

        def see(operation: Operation) -> None:
            read = tuple(event for event in operation.events if isinstance(event, READ))
            found.append(Done(operation._replace(records=()), read, operation.truncated))

        machine.history.visit(begun(asked), see)
        known = _done[machine] = now, tuple(found)
    return known[1]


_done: WeakKeyDictionary[Machine, tuple[tuple[int, int, int], tuple[Done, ...]]] = WeakKeyDictionary()


def deeds(space: MachineMap, asked: Any) -> list[Deed]:
    """Return what was done to this map after the start of the sheet, in order; failed calls count too."""
    found: list[Deed] = []
    for operation, events, truncated in operations_since(space.machine, asked):
        if truncated:
            found.append(Deed(UNSEEN))
        else:
            found += _Reading(space.path).of(operation, events)
    return found


def removals(found: Iterable[Deed]) -> list[Deed]:
    """Return the deeds that unmapped something, or may have done so."""
    return [deed for deed in found if deed.kind in (REMOVED, UNSEEN)]


class _Reading:
    """The reader of one operation's events about one map."""

    def __init__(self, space: str) -> None:
        self._space = space
        self._begin()

    def _begin(self) -> None:
        self._unlinked: list[Range] = []
        self._gone: dict[int, Range] = {}
        """The ranges of entries that are out of the list now, by the numbers of the entries."""
        self._linked: Range = (0, 0)
        self._shrunk = self._changed = self._searched = False
        self._rotations = 0

    def of(self, operation: Operation, events: Iterable[Event]) -> Iterator[Deed]:
        """Yield the deeds, in order."""
        free = operation.name == "mmap" and dict(operation.arguments).get("at") is None  # it searches before it enters
        for event in events:
            if isinstance(event, TreeRotated):
                self._rotations += event.tree == self._space
            elif getattr(event, "map", None) == self._space and (kind := self._read(event)):
                yield self._deed(kind, free)
        if self._shrunk or self._changed or self._rotations:
            yield self._deed(REMOVED if self._shrunk else CHANGED, free)

    def _read(self, event: Event) -> str:
        """Return the deed that an event completes, if any."""
        if isinstance(event, EntryUnlinked):
            self._unlinked.append(event.entry[1:3])
            self._gone[event.entry[0]] = event.entry[1:3]
        elif isinstance(event, EntryLinked):
            self._linked, self._changed = event.entry[1:3], True
            self._gone.pop(event.entry[0], None)
        elif isinstance(event, EntryChanged):
            self._changed = True
        elif isinstance(event, GapTried):
            self._searched = event.taken
        elif isinstance(event, MapResized):
            self._shrunk = event.after < event.before
            return "" if self._shrunk else ENTERED
        elif isinstance(event, RangeRemoved) and self._shrunk:
            return REMOVED
        return ""

    def _deed(self, kind: str, free: bool) -> Deed:
        """Return the events read so far as one deed."""
        ranges = {ENTERED: (self._new(),), REMOVED: tuple(sorted(self._gone.values()))}.get(kind, ())
        deed = Deed(kind, ranges, free or self._searched, self._rotations)
        self._begin()
        return deed

    def _new(self) -> Range:
        """Return the range that was entered: the linked entry without the neighbours merged into it."""
        start, end = self._linked
        for first, last in self._unlinked:
            start, end = last if first == start else start, first if last == end else end
        return start, end
