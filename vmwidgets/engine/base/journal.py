"""A machine's operations: one compact record for each, and the events of the latest thousand.

A machine can be rebuilt from its journal, by :mod:`~vmwidgets.engine.machine.history`.  Undone operations are kept too:
first to be redone, and as a branch once something else has been done instead.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from itertools import chain, islice
from operator import index as whole
from typing import Any, NamedTuple, Protocol, overload

from .attributes import Suggesting
from .errors import Refused, a_kind, in_ascii, printable, shown
from .event import ROLES, Called, Event
from .packed import KEPT, Rows
from .recorder import Raw, Unrecorded, materialize
from .records import unpacked
from .scripts import Script
from .tree_schema import TreeRotated
from .units import MIB, Address

MOST_EVENTS = 200_000
"""The most events kept for all of the latest operations together; beyond this number, the oldest are dropped."""

MAX_EVENTS = 4096
"""The most events kept of one operation: the last ones, from which a picture can step backwards."""

ACCESSES = frozenset(("read", "write", "load", "store", "fetch", "touch", "read_file"))
"""Operations that may fault; a record notes whether one did."""

LEAST_ADDRESS = 16 * MIB
"""The least number that counts as an address in a list of arguments."""

_FAULTED = 1 << 15
"""The bit of a note that means "faulted"; the other bits count events."""


class Running:
    """The cell or code that is running now, as far as known: a notebook's host sets it."""

    cell = 0
    """The number of the running cell; 0 if no cell is running or known."""


RUNNING = Running()


class Operation(NamedTuple):
    """One recorded call.

    `number` is its place in the journal, and `serial` a number that is never used again.  `target` is the path of the
    called part ("machine", "kernel_map", "task:init/map").  `arguments` are names and values, and `outcome` is "done",
    "error", "panic" or "interrupted".  `result` is the returned value, or the kind of failure, as data; `said` is the
    sentence of a failure.  `stopped_at` is the number of the safe point at which an interrupted call stopped; a replay
    stops there too.  `records` are the events in the form in which they were reported (:mod:`.records`).
    """

    number: int
    serial: int
    target: str
    name: str
    arguments: tuple[tuple[str, Any], ...]
    outcome: str
    result: Any
    said: str = ""
    stopped_at: int = 0
    records: Sequence[Raw] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """The events, each with its kernel function; empty after they were dropped.  O(events)."""
        return materialize(self.records, self.name)

    @property
    def raw(self) -> tuple[Raw, ...]:
        """The events as reported, with a path down a tree as one event.  O(events)."""
        return tuple(unpacked(self.records))

    @property
    def truncated(self) -> bool:
        """Return whether earlier events of this operation were dropped."""
        return len(self.records) == MAX_EVENTS

    @property
    def rotations(self) -> int:
        """The number of tree rotations.

        >>> import vmwidgets as vm
        >>> m = vm.boot()
        >>> m.task("t").map.fill(3)
        >>> m.journal.last.rotations
        1
        """
        return sum(isinstance(event, TreeRotated) for event in self.events)

    @property
    def faults(self) -> list[str]:
        """The kinds of its page faults, in order.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> task = m.task("init")
        >>> task.write(task.mmap("8 KiB"), b"x")
        >>> m.journal.last.faults
        ['not-present']
        """
        return [str(getattr(event, "kind")) for event in self.events if ROLES.get(event.tag) == "faults"]  # noqa: B009

    @property
    def called(self) -> list[str]:
        """The kernel and library functions that it called, in order.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kernel_map.enter("4 KiB")
        >>> m.journal.last.called[0]
        'vm_map_enter'
        """
        return [event.name for event in self.events if isinstance(event, Called)]

    @property
    def calls(self) -> list[str]:
        """The kernel functions that it called, with arguments, one line per call, indented by nesting.

        >>> import vmwidgets as vm
        >>> m = vm.boot("armv7")
        >>> d = m.domain("hello")
        >>> a = d.map(d.frame(), at=0x5000_0000)
        >>> changed = d.modify_flags(a, "4 KiB", "r")
        >>> m.journal.last.calls[0]
        'modify_flags(0x5000_0000, 4096, 1)'
        """
        calls = [event for event in self.events if isinstance(event, Called)]
        return ["    " * (event.depth - 1) + f"{event.name}({_listed(event)})" for event in calls]

    def outline(self, *words: str) -> object:
        """Return the operation's story, like :meth:`explain`, without the steps in trees, lists and slabs of entries.

        With `words`, return only the steps that contain one of the words.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64", layout="tiny")
        >>> a = m.kmem_malloc("4 KiB")
        >>> m.journal.last.outline("SYSTEM", "4 KiB")
        4 KiB ...0xffff_8080_0011_0000...
        kmem_malloc
             kmem_malloc
          1. ...4 KiB...
          2. ...SYSTEM...
        """
        return EXPLAINED_BY[-1](self).outline(*words)

    def explain(self) -> Told:
        """Return the operation's story as text: step by step, with the kernel functions, in the pictures' words.

        Dropped events are rebuilt by a replay.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kernel_map.lookup(m.kernel_map.start)
        >>> m.journal.last.explain()
        The address lies ...0xffff_8080_0000_0000-0xffff_8080_000c_0000...
        vm_map_lookup_nearest
             vm_map_lookup_nearest
          1. ...0xffff_8080_0000_0000...
        """
        return EXPLAINED_BY[-1](self)

    def is_same(self, other: Operation) -> bool:
        """Return whether both are the same record of one journal, or are certain to be equal."""
        return self.records is other.records and self.serial == other.serial and self.agrees(other)

    def agrees(self, other: Operation) -> bool:
        """Return whether `other`, another run of the operation, had the same effects and the same result."""
        return self[2:7] == other[2:7] and self.stopped_at == other.stopped_at

    @in_ascii
    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        return printable(f"{self.number}: {self.target}.{self.name}({arguments}) → {self.said or self.result}")


def _listed(event: Called) -> str:
    words = (Address(one) if isinstance(one, int) and one >= LEAST_ADDRESS else one for one in event.arguments)
    return ", ".join(map(str, words))


class Told(Protocol):
    """An operation's story, which prints as text."""

    def outline(self, *words: str) -> object:
        """Return the story without the steps in structures; with `words`, only the steps with one of these words."""


EXPLAINED_BY: list[Callable[[Operation], Told]] = []
"""The functions that write an operation's story; the last is used.  Views add it, since the engine has no words."""


class Line(NamedTuple):
    """Undone operations, oldest first, with the recorded actions of the learners' code in them.

    `after` is the serial of the operation before them.
    """

    after: int
    operations: tuple[Operation, ...]
    scripts: dict[str, Script]

    def packed(self) -> Line:
        """Return this line without its operations' events, which can be rebuilt."""
        return self._replace(operations=tuple(one._replace(records=()) for one in self.operations))


class Group(NamedTuple):
    """Operations that are undone as one; `first` and `last` are serials."""

    name: str
    first: int
    last: int


class Journal(Suggesting):
    """The operations of one machine, oldest first; number 0 is the boot.

    `remake(number)` recreates the events of an old operation.
    """

    def __init__(self, remake: Callable[[int], tuple[Event, ...]] | None = None) -> None:
        self._rows = Rows()
        self._events: deque[Sequence[Raw]] = deque()
        """The latest operations' events; as events are added, old events are freed, to spare the garbage collector.
        """
        self._held = 0
        """The total number of events in `_events`."""
        self._notes = array("H")
        """For each operation, its number of events and whether it faulted; kept when the events are dropped."""
        self._forgotten = _Forgotten()
        self._remake = remake
        self.next_serial = 0
        """The serial of the current or the next operation."""
        self.most_serial = 0
        """The highest serial used so far."""
        self.scripts: dict[str, Script] = {}
        """The recorded actions of learners' code, by the name of its thread or handler."""
        self.undone: Line | None = None
        """The operations that can be redone."""
        self.branches: list[Line] = []
        """Undone operations that other operations have replaced."""
        self.groups: list[Group] = []
        self.open_groups = 0
        """The number of groups that are open, one inside another."""
        self.unrecorded = Unrecorded()
        """The listener for events between operations."""
        self.marks: dict[str, int] = {}
        """The learners' names for moments, each with the serial of the operation just before the moment."""
        self.cell = 0
        """The number of the notebook cell whose operations are recorded; 0 if there is none."""
        self._cells: list[tuple[int, int]] = []
        """For each run of operations in one cell: the first operation's serial, and the cell's number."""

    def append(self, operation: Operation) -> None:
        """Append a record made elsewhere, with its serial.  O(1)."""
        self.next_serial = operation.serial
        _, _, target, name, pairs, outcome, result, said, stopped_at, raw = operation
        self.record(target, name, None, pairs, outcome, result, said, raw, stopped_at)

    def record(
        self,
        target: str,
        name: str,
        words: tuple[str, ...] | None,
        values: tuple[Any, ...],
        outcome: str,
        result: Any,
        said: str,
        raw: Sequence[Raw],
        stopped_at: int = 0,
    ) -> None:
        """Append a record, and drop the events of operations a thousand back, or earlier if there are many events.

        O(1).

        `words` are the arguments' names; without `words`, `values` are pairs of name and value.
        """
        serial, events = self.next_serial, self._events
        self._rows.append((serial, target, name, words, values, outcome, result, said, stopped_at))
        events.append(raw)
        count = len(raw)
        faulted = name in ACCESSES and "faults" in {ROLES.get(one[0]) for one in raw}
        self._notes.append(count | _FAULTED if faulted else count)
        self._held += count
        while len(events) > KEPT or self._held > MOST_EVENTS:
            self._held -= len(events.popleft())
        self.next_serial = following = serial + 1
        if serial >= self.most_serial:
            self.most_serial = following
            if self.undone is not None:
                self.branches.append(self.undone.packed())
                self.undone = None

    def events(self, number: int) -> tuple[Event, ...]:
        """Return the events of operation `number`, recreated by replay if they were dropped."""
        operation = self[number]
        if self._remake is None or self.keeps(operation.number):
            return operation.events
        return self._remake(operation.number)

    def keeps(self, number: int) -> bool:
        """Return whether the events of operation `number` are kept."""
        return number >= self.first_kept

    def size(self, number: int) -> int:
        """Return the number of events of operation `number`, at most 4,096; a path down a tree counts as one.  O(1)."""
        return self._notes[number] & ~_FAULTED

    def faulted(self, number: int) -> bool:
        """Return whether operation `number` is an access that faulted.  O(1)."""
        return self._notes[number] >= _FAULTED

    @property
    def first_kept(self) -> int:
        """The number of the first operation whose events are kept."""
        return len(self) - len(self._events)

    def reported_since(self, number: int) -> Iterator[Raw]:
        """Yield the reports of operation `number`, whose events are kept, and of the operations after it."""
        return chain.from_iterable(islice(self._events, number - self.first_kept, None))

    @property
    def incomplete(self) -> str:
        """The reason why the machine differs from the result of its operations, in a sentence; "" if it doesn't."""
        first = self.unrecorded.first
        return first and (
            f"this machine was changed past its operations ({first}), and its journal does not have that: "
            "what changes it is an operation, also m.unchecked and m.set_descriptor"
        )

    # ---- serials, marks, groups --------------------------------------------------------------

    def number_of(self, serial: int) -> int | None:
        """Return the number of the operation with this serial; None if it is not in the journal now.  O(log n)."""
        number = self.first_from(serial)
        return number if number < len(self) and self.serial(number) == serial else None

    def first_from(self, serial: int) -> int:
        """Return the number of the first operation with this serial or a later one."""
        return bisect_left(range(len(self)), serial, key=self.serial)

    def serial(self, number: int) -> int:
        """Return the serial of operation `number`, 0 to the latest, without unpacking its record.  O(1)."""
        return self._rows.serial(number)

    def unit_before(self, number: int) -> int:
        """Return how many of the first `number` operations are left after undoing one unit, an operation or a group."""
        group = self.group_of(self.serial(number - 1))
        return number - 1 if group is None else self.first_from(group.first)

    def group_of(self, serial: int) -> Group | None:
        """Return the outermost group that contains the operation with this serial; None if there is none."""
        groups = reversed(self.groups)  # an inner group ends before the outer one
        return next((group for group in groups if group.first <= serial <= group.last), None)

    @contextmanager
    def group(self, name: str) -> Iterator[None]:
        """Count the operations in this ``with`` block as one."""
        first = self.most_serial
        self.open_groups += 1
        try:
            yield
        finally:
            self.open_groups -= 1
            if self.most_serial > first:
                self.groups.append(Group(name, first, self.most_serial - 1))

    def begin_cell(self, number: int) -> None:
        """Assign the next operations to the cell with this number, or to no cell (0)."""
        self.cell = number
        self._cells.append((self.next_serial, number))

    def forget_cells(self) -> None:
        """Note that no operation so far belongs to a cell of this process: all come from another process."""
        self.cell, self._cells = 0, []

    def cell_of(self, serial: int) -> int:
        """Return the number of the notebook cell that ran the operation with this serial; 0 if no cell did.

        O(log n).

        >>> journal = Journal()
        >>> journal.begin_cell(3)
        >>> journal.cell_of(0)
        3
        """
        place = bisect_left(self._cells, (serial + 1, 0))
        return self._cells[place - 1][1] if place else 0

    def mark(self, name: str, serial: int) -> None:
        """Name the moment after the operation of this serial; a name that is used again moves to the new moment."""
        self.marks[name] = serial

    # ---- undoing -----------------------------------------------------------------------------

    def give_up(self, before: Line | None) -> None:
        """Make a branch of the operations just undone; the operations `before` can then be redone."""
        first = before.operations[0].serial if before is not None else -1
        lines = (line for line in (*self.branches, self.undone) if line is not None)
        self.branches = [line for line in lines if line.operations[0].serial != first]
        self.undone = before

    def amend(self, then: Operation) -> None:
        """Give the latest operation the outcome, the result and the sentence of `then`."""
        *head, _, _, _, stopped_at = self._rows[-1]
        self._rows[-1] = (*head, then.outcome, then.result, then.said, stopped_at)

    def cut(self, number: int) -> None:
        """Remove all operations from `number` on."""
        self._keep(list(self._events)[: max(0, len(self._events) - (len(self) - number))])
        self._rows.cut(number)
        del self._notes[number:]

    def _keep(self, events: Iterable[Sequence[Raw]]) -> None:
        self._events = deque(events)
        self._held = sum(map(len, self._events))

    def begin_as(self, other: Journal, count: int) -> None:
        """Copy only the first `count` operations of another journal.  O(count / 1000)."""
        self._rows = other._rows.begin(count)
        self._notes = other._notes[:count]
        self.cell, self._cells = 0, [*other._cells, (other.most_serial, 0)]
        self._keep(list(other._events)[: max(0, count - len(other) + len(other._events))])
        self.next_serial = self.most_serial = self.serial(count - 1) + 1

    def state(self) -> dict[str, Any]:
        """Return the journal's state, for :meth:`restore`; later changes do not affect it."""
        held = {**self.__dict__, "_rows": self._rows.begin(len(self))}
        kinds = (list, dict, deque, array)
        return {name: copy(value) if isinstance(value, kinds) else value for name, value in held.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore an earlier state from :meth:`state`."""
        self.__dict__.update(state)

    # ---- reading -----------------------------------------------------------------------------

    @property
    def last(self) -> Operation:
        """The latest operation."""
        return self[-1]

    def bytes_an_operation(self) -> float:
        """Return the mean number of bytes of a packed record: the cost of each operation in a long run."""
        rows = self._rows.begin(len(self))
        rows.pack()
        return rows.bytes / max(1, len(rows))

    @overload
    def __getitem__(self, index: int) -> Operation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Operation]: ...
    def __getitem__(self, index: int | slice) -> Operation | list[Operation]:
        if isinstance(index, slice):
            return [self._operation(number) for number in range(*index.indices(len(self)))]
        try:
            number = whole(index)
        except TypeError:
            raise Refused(f"journal[{shown(index)}] is {a_kind(index)}: write an operation's number") from None
        number += len(self) * (number < 0)
        if not 0 <= number < len(self):
            raise NoSuchOperation(f"journal[{shown(index)}]: it has operations 0 to {len(self) - 1}")
        return self._operation(number)

    def _operation(self, number: int) -> Operation:
        serial, target, name, words, values, *rest = self._rows[number]
        pairs = values if words is None else tuple(zip(words, values, strict=True))
        place = number - len(self) + len(self._events)
        rest.append(self._events[place] if place >= 0 else self._forgotten)
        return Operation(number, serial, target, name, pairs, *rest)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Operation]:
        return (self[number] for number in range(len(self)))

    def units(self, most: int = 10) -> list[Unit]:
        """Return the latest units, oldest first: one ``undo`` undoes one unit.

        >>> Journal().units()
        []
        """
        found: list[Unit] = []
        end = len(self)
        while end and len(found) < most:
            begin, group = self.unit_before(end), self.group_of(self.serial(end - 1))
            found.append(Unit("" if group is None else group.name, self[begin:end]))
            end = begin
        return found[::-1]

    @in_ascii
    def __repr__(self) -> str:
        units = self.units()
        left_out = len(self) - sum(len(unit.operations) for unit in units)
        return "\n".join([f"… {left_out} earlier"] * bool(left_out) + [str(unit) for unit in units])


class Unit(NamedTuple):
    """Operations that are undone as one: the group `name`, or a single operation without a name."""

    name: str
    operations: list[Operation]

    @in_ascii
    def __str__(self) -> str:
        first, last = self.operations[0], self.operations[-1]
        if not self.name:
            return str(first)
        count = len(self.operations)
        as_one = f", {count:,} operations as one" if count > 1 else ""
        return f"{first.number} to {last.number}: {printable(self.name)}{as_one}"


class _Forgotten(tuple[Raw, ...]):
    """The mark for dropped events.

    Each journal has its own mark, which distinguishes its old operations from another journal's.
    """

    __slots__ = ()


class NoSuchOperation(Refused, IndexError):
    """Raised if the journal has no operation of this number."""
