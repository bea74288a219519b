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
        # A column for each field of a record, since one object an operation would be most of what it takes.
        self._targets: list[str] = []
        self._names: list[str] = []
        self._words: list[tuple[str, ...]] = []
        self._values: list[tuple[Any, ...]] = []
        self._results: list[Any] = []
        self._others: dict[int, tuple[str, int]] = {}
        """Outcome, and where it stopped, of those that were not just done."""
        self._raw: deque[deque[Raw]] = deque(maxlen=KEPT)
        """The events of the latest."""
        self._subjects: dict[int, frozenset[Any]] = {}
        self._remake = remake

    def append(self, operation: Operation) -> None:
        """Add a record that was made elsewhere.  O(1)."""
        _, target, name, given, outcome, result, raw, stopped_at = operation
        self.record(target, name, None, given, outcome, result, raw, stopped_at)

    def record(
        self,
        target: str,
        name: str,
        words: tuple[str, ...] | None,
        values: tuple[Any, ...],
        outcome: str,
        result: Any,
        raw: deque[Raw],
        stopped_at: int = 0,
    ) -> None:
        """Add a record; the events of the one a thousand back are dropped.  O(1).

        `words` are the arguments' names; without them `values` are pairs of name and value.
        """
        if words is None:
            words, values = tuple(word for word, _ in values), tuple(value for _, value in values)
        if outcome != "done":
            self._others[len(self._targets)] = outcome, stopped_at
        self._names.append(name)
        self._words.append(words)
        self._values.append(values)
        self._results.append(result)
        self._raw.append(raw)
        self._targets.append(target)  # last: the number of records

    def _at(self, number: int) -> Operation:
        pairs = tuple(zip(self._words[number], self._values[number], strict=True))
        outcome, stopped_at = self._others.get(number, ("done", 0))
        raw = self._raw_of(number)
        return Operation(
            number, self._targets[number], self._names[number], pairs, outcome, self._results[number], raw, stopped_at
        )

    def _raw_of(self, number: int) -> deque[Raw]:
        kept = number - len(self)
        return self._raw[kept] if -kept <= len(self._raw) else _NOTHING

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
        for number in reversed(range(max(0, len(self) - among), len(self))):
            panicked = self._others.get(number, ("", 0))[0] == "panic"
            if panicked or self._targets[number] in names or not self._subjects_of(number).isdisjoint(names):
                return self._at(number)
        return None

    def _subjects_of(self, number: int) -> frozenset[Any]:
        """What the operation's events are about; worked out once."""
        known = self._subjects.get(number)
        if known is None:
            if len(self._subjects) > 2 * KEPT:
                self._subjects.clear()
            known = self._subjects[number] = _subjects(self._raw_of(number))
        return known

    @property
    def last(self) -> Operation:
        """The latest operation."""
        return self[-1]

    def bytes_an_operation(self) -> float:
        """Mean bytes of a record whose events are gone: what a long run costs for each operation."""
        columns = self._targets, self._names, self._words, self._values, self._results
        own = sum(map(getsizeof, self._results)) + sum(
            getsizeof(given) + sum(map(getsizeof, given)) for given in self._values
        )
        return (sum(map(getsizeof, columns)) + own) / len(self) if self else 0.0

    @overload
    def __getitem__(self, index: int) -> Operation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Operation]: ...
    def __getitem__(self, index: int | slice) -> Operation | list[Operation]:
        if isinstance(index, slice):
            return [self._at(number) for number in range(*index.indices(len(self)))]
        return self._at(range(len(self))[index])

    def __len__(self) -> int:
        return len(self._targets)

    def __iter__(self) -> Iterator[Operation]:
        return map(self._at, range(len(self)))

    def __repr__(self) -> str:
        shown = [str(operation) for operation in self[-10:]]
        left_out = len(self) - len(shown)
        return "\n".join([f"… {left_out} earlier"] * bool(left_out) + shown)


def _subjects(raw: deque[Raw]) -> frozenset[Any]:
    """The first field of each event: the map, tree or cache it is about, where it is about one."""
    return frozenset(event[1] for event in raw if len(event) > 1 and isinstance(event[1], str))
