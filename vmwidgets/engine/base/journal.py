"""What was done to a machine: one compact record an operation, and the events of the latest thousand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from sys import getsizeof
from typing import Any, NamedTuple, overload

from .errors import printable
from .events import Event
from .recorder import Raw, materialize

KEPT = 1000
"""How many of the latest operations keep their events; older ones are made again by replay."""

MAX_EVENTS = 4096
"""How many events one operation keeps: the last ones, from which a picture can step backwards."""

_NOTHING: deque[Raw] = deque(maxlen=0)
"""What a record has for events that were dropped; one for all of them."""


class Operation(NamedTuple):
    """One call that passed the door.

    `target` is the path of what was called ("machine", "kernel_map", "task:init/map"), `arguments` the names and values
    that were given, `outcome` "done", "error", "panic" or "interrupted", `result` what came back or a sentence; `raw`
    are the events before anyone looked at them.  `stopped_at` is the number of the safe point at which an interrupted
    one stopped: made again, it stops there too.
    """

    number: int
    target: str
    name: str
    arguments: tuple[tuple[str, Any], ...]
    outcome: str
    result: Any
    raw: deque[Raw]
    stopped_at: int = 0

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened, each with the kernel function that did it; empty once forgotten. O(events)."""
        return materialize(self.raw, self.name)

    @property
    def truncated(self) -> bool:
        """Whether earlier events of this operation were left out."""
        return len(self.raw) == MAX_EVENTS

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        return printable(f"{self.number}: {self.target}.{self.name}({arguments}) → {self.result}")


class Journal:
    """The operations of one machine, oldest first; number 0 is the boot.

    `remake(number)` makes the events of an old operation again.
    """

    def __init__(self, remake: Callable[[int], tuple[Event, ...]] | None = None) -> None:
        self._operations: list[Operation] = []
        self._subjects: dict[int, frozenset[Any]] = {}
        self._remake = remake

    def append(self, operation: Operation) -> None:
        """Add a record; the events of the one a thousand back are dropped. O(1)."""
        self._operations.append(operation)
        if len(self._operations) > KEPT:
            self._operations[-KEPT - 1] = self._operations[-KEPT - 1]._replace(raw=_NOTHING)

    def events(self, number: int) -> tuple[Event, ...]:
        """The events of operation `number`, made again by replay if they were dropped."""
        operation = self[number]
        if len(self) - operation.number > KEPT and self._remake is not None:
            return self._remake(operation.number)
        return operation.events

    def latest_touching(self, names: Collection[str], among: int = KEPT) -> Operation | None:
        """The latest of the last `among` operations that reports on one of `names` or was called on it.

        A panic concerns everything.
        """
        operation: Operation
        for operation in reversed(self._operations[-among:]):
            subjects = self._subjects_of(operation)
            if operation.outcome == "panic" or operation.target in names or not subjects.isdisjoint(names):
                return operation
        return None

    def _subjects_of(self, operation: Operation) -> frozenset[Any]:
        """What the operation's events are about; worked out once."""
        known = self._subjects.get(operation.number)
        if known is None:
            if len(self._subjects) > 2 * KEPT:
                self._subjects.clear()
            known = self._subjects[operation.number] = _subjects(operation.raw)
        return known

    @property
    def last(self) -> Operation:
        """The latest operation."""
        return self._operations[-1]

    def bytes_an_operation(self) -> float:
        """Mean bytes of a record whose events are gone: what a long run costs for each operation."""
        if not self._operations:
            return 0.0
        return sum(_bytes(operation) for operation in self._operations) / len(self._operations)

    @overload
    def __getitem__(self, index: int) -> Operation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Operation]: ...
    def __getitem__(self, index: int | slice) -> Operation | list[Operation]:
        return self._operations[index]

    def __len__(self) -> int:
        return len(self._operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._operations)

    def __repr__(self) -> str:
        shown = [str(operation) for operation in self._operations[-10:]]
        left_out = len(self) - len(shown)
        return "\n".join([f"… {left_out} earlier"] * bool(left_out) + shown)


def _subjects(raw: deque[Raw]) -> frozenset[Any]:
    """The first field of each event: the map, tree or cache it is about, where it is about one."""
    return frozenset(event[1] for event in raw if len(event) > 1 and isinstance(event[1], str))


def _bytes(operation: Operation) -> int:
    arguments = sum(getsizeof(pair) + getsizeof(pair[1]) for pair in operation.arguments)
    events = 0 if operation.raw is _NOTHING else getsizeof(operation.raw)
    return getsizeof(operation) + arguments + getsizeof(operation.result) + events
