"""The reasons for a state: the fewest operations that produce it, found by leaving out operations.

:mod:`.last` finds the operations that changed the thing, and the journal the operations that created the parts used
there: the task, the file, the mapping.  All these operations are run on a fresh machine; if the result is the same,
each operation is left out once, to see whether it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from itertools import islice
from typing import Any, NamedTuple

from ...base.errors import KernelError, Refused, in_ascii, shown
from ...base.frozen import frozen
from ...base.journal import Operation
from ...base.operations import PartReference
from ...base.units import Address
from .. import arguments
from ..arguments import ADDRESSES
from ..handles.map_part import MapPart
from ..handles.tables import MachineTables, MachineWalk
from ..handles.tasks import Task
from ..replay import CannotGoOn, Replay, booted
from .last import LastChanges, Sight, byte_of, entry_at, mapped_at
from .life import Station, life_of

RECENT = 24
"""The number of latest changes that are tried before longer lists of operations."""

LINES = 5
"""The most operations in the text."""

LONGEST = 200
"""The most characters of an operation's line: a file's content may be an argument."""


@frozen(slots=False)
class Why:
    """The reason for `what`: `operations` alone produce it; if one of them is left out, the others no longer do.

    `last` is the operation that last changed it.  If only `last` is known, `reason` says why.
    """

    what: str
    operations: tuple[Operation, ...]
    last: Operation = field(repr=False)
    reason: str = ""
    cells: tuple[int, ...] = field(default=(), repr=False)
    """The number of the notebook cell of each operation, 0 for none; the cell of `last` at the end."""
    life: tuple[Station, ...] = field(default=(), repr=False)
    """For a byte of a task: the places of its page, from a file or zeros to its current place."""
    address: int | None = field(default=None, repr=False)
    """For a byte of a task: its address."""

    @in_ascii
    def __repr__(self) -> str:
        lines = [f"{self.what}, because of"] if self.operations else [f"{self.what} without any operation"]
        left_out = len(self.operations) - LINES
        lines += [f"  … {left_out} earlier"] * (left_out > 0)
        lines += [f"  {self._written(operation)}" for operation in self.operations[-LINES:]]
        if self.last not in self.operations and self.last.number:
            lines.append(f"last changed by\n  {self._written(self.last)}")
        if self.reason:
            lines.append(self.reason)
        return "\n".join(lines)

    def cell_of(self, operation: Operation) -> int:
        """Return the number of the notebook cell that ran `operation`, which is one of these operations; 0 for none."""
        serials = (one.serial for one in (*self.operations, self.last))
        return dict(zip(serials, self.cells, strict=False)).get(operation.serial, 0)

    def _written(self, operation: Operation) -> str:
        cell, said = self.cell_of(operation), str(operation)
        said = said if len(said) <= LONGEST else f"{said[: LONGEST - 3]}..."
        return f"cell [{cell}]  {said}" if cell else said

    def explain(self) -> str:
        """Return the stories of all operations, including the last change, as from ``operation.explain()``."""
        told = [*self.operations, *([self.last] if self.last not in self.operations and self.last.number else [])]
        return "\n\n".join(f"{operation}\n{operation.explain()}" for operation in told)


class Subject(NamedTuple):
    """The subject of a question: its space, path and address, and how to read it on a machine."""

    path: str
    """The path of the task or map; for page tables, their task's path, or "kernel_map" for the kernel's."""
    address: int
    look: Callable[[Any, int], Any]
    """The subject's value on a machine, at its address there."""
    says: Callable[[Any], str]
    """The value in words."""


def subject_of(thing: Any, where: Any) -> Subject:
    """Return the subject of a learner's question, which is known to be part of this machine."""
    if isinstance(thing, MachineWalk):
        return _of_tables(thing.task, thing.va, thing.access, thing.user)
    address = arguments.whole(where, "where")
    if isinstance(thing, MachineTables):
        walk = thing.walk(address)
        return _of_tables(thing.task, address, walk.access, walk.user)
    if isinstance(thing, Task):
        path, name = thing.path, thing.name
        return Subject(
            path, address, lambda m, va: _byte(m.part(path), va), lambda seen: _byte_said(name, address, seen)
        )
    path = thing.path
    return Subject(path, address, lambda m, va: _entry(m.part(path), va), lambda seen: _entry_said(path, address, seen))


def _of_tables(task: str, address: int, access: str, user: bool) -> Subject:
    whose = task or "the kernel"

    def look(machine: Any, va: int) -> Any:
        walk = machine.tables_of(task or None).walk(va, access, user=user)
        return (walk.fault.kind if walk.fault is not None else "", walk.permissions, walk.page_size)

    def says(seen: Any) -> str:
        came = f"faults ({seen[0]})" if seen[0] else "passes"
        return f"a walk of {whose} to {Address(address)}, to {access}, {came}"

    return Subject(f"task:{task}" if task and ":" not in task else task or "kernel_map", address, look, says)


def _byte(task: Task, va: int) -> int | str:
    try:
        return task.peek(va)[0]
    except KernelError as error:
        return error.name


def _byte_said(name: str, address: int, seen: int | str) -> str:
    what = f"is {seen:#04x}" if isinstance(seen, int) else f"can't be read ({seen})"
    return f"the byte at {Address(address)} of task {name!r} {what}"


def _entry(space: MapPart, va: int) -> Any:
    """Return an entry's properties, without its id, its place in memory, and its address."""
    found = next((one for one in space.entries() if one.start <= va < one.end), None)
    if found is None:
        return None
    target = found.object if found.object is None or not found.object.startswith("memory ") else "memory"
    rights = found.protection, found.max_protection, found.inheritance, found.advice
    return (va - found.start, found.size, *rights, found.nomerge, found.wired, target)


def _entry_said(path: str, address: int, seen: Any) -> str:
    if seen is None:
        return f"no entry of {path} holds {Address(address)}"
    return f"the entry of {path} at {Address(address)} has {seen[1]!r} and allows {seen[2]}"


# ---- which operations are tried ------------------------------------------------------------------


class Candidates:
    """The operations that may have caused a state, from few to all."""

    def __init__(self, machine: Any, subject: Subject, places: list[Sight]) -> None:
        self._journal = machine.journal
        self._changes = LastChanges.of(machine)
        self._subject = subject
        self._places = places
        self._made: dict[str, int] = {}
        """The number of the operation that made a part, by its path."""
        for then in self._journal[1:]:
            if isinstance(then.result, PartReference):
                self._made.setdefault(str(then.result), then.number)

    def tiers(self, last: Operation) -> Iterable[list[Operation]]:
        """Yield ever longer lists of operations to try.

        First come the latest changes with the operations that they need, then all operations on the same parts, and
        then all operations.  Running the first list takes some 2 ms, and running all operations takes as long as a
        replay.
        """
        yield self._journal_of(self._needed([last.number]))
        numbers = self._needed([last.number, *islice(self._changes.backwards(self._places), RECENT)])
        yield self._journal_of(numbers)
        kin = {path for then in self._journal_of(numbers) for path in _parts_of(then)} | {_root(self._subject.path)}
        related = {then.number for then in self._journal[1:] if kin & _parts_of(then)}
        yield self._journal_of(numbers | related)
        yield self._journal[1:]

    def _journal_of(self, numbers: Iterable[int]) -> list[Operation]:
        return [self._journal[number] for number in sorted(numbers) if number]

    def _needed(self, changes: Iterable[int]) -> set[int]:
        """Return these operations, which changed the thing, and the operations that made the parts they name."""
        found: set[int] = set()
        todo: list[tuple[int, int]] = [(number, self._subject.address) for number in changes]
        todo += self._before(_root(self._subject.path), self._subject.address, len(self._journal))
        while todo:
            number, address = todo.pop()
            if number in found or not number:
                continue
            found.add(number)
            then = self._journal[number]
            for path in _parts_of(then):
                todo.append((self._made.get(path, 0), address))
            if then.target.startswith("task:"):
                given = [address] if then.name == "fork" else _addresses(then) or [address]
                writes_it = then.target != _root(self._subject.path) or _covers(then, address)
                for one in given:
                    todo += self._before(_root(then.target), one, number, is_written=then.name == "write" and writes_it)
        return found

    def _before(self, path: str, address: int, number: int, *, is_written: bool = False) -> list[tuple[int, int]]:
        """Return the numbers of earlier operations on which the byte at `address` depends, each with an address.

        If the operation writes the whole byte, it depends only on the mapping, and not on the earlier contents.
        """
        made = [(self._made.get(path, 0), address)]
        if not path.startswith("task:"):
            return made
        name = path.removeprefix("task:")
        sights = [mapped_at(name, address), entry_at(f"{path}/map", address)]
        if not is_written:
            sights.insert(0, byte_of(name, address))
        next(self._changes.backwards(sights, number), None)  # one replay for all of them
        found = (self._changes.latest([one], number) for one in sights)
        made += [(then.number, address) for then in found if then is not None]
        return made


def _root(path: str) -> str:
    return path.partition("/")[0]


def _parts_of(then: Operation) -> set[str]:
    """Return the parts that an operation names and another operation created."""
    named = [then.target, *(str(value) for _, value in then.arguments if isinstance(value, PartReference))]
    return {_root(path) for path in named if ":" in path}


def _covers(then: Operation, address: int) -> bool:
    """Return whether an operation writes the byte at `address` of its own task."""
    given = dict(then.arguments)
    data, starts = given.get("data"), _addresses(then)
    return isinstance(data, bytes) and len(starts) == 1 and starts[0] <= address < starts[0] + len(data)


def _addresses(then: Operation) -> list[int]:
    found = []
    for name, value in then.arguments:
        if name in ADDRESSES and value is not None:
            try:
                found.append(arguments.whole(value, name))
            except Refused:
                continue
    return found


# ---- leaving out ---------------------------------------------------------------------------------


class Trial:
    """A trial: some of a machine's operations are run on a fresh machine, and the state there is compared."""

    def __init__(self, machine: Any, subject: Subject) -> None:
        self._machine = machine
        self._subject = subject
        self.seen = subject.look(machine, subject.address)
        self.why_not = ""
        """The reason why the latest trial did not reach its end."""

    def __call__(self, operations: Sequence[Operation]) -> bool:
        """Return whether these operations alone produce the state."""
        subject, self.why_not = self._subject, ""
        target = booted(self._machine)
        replay = Replay(target, self._machine)
        try:
            for then in operations:
                replay.otherwise(then)
            va = replay.now(replay.space_of(subject.path), subject.address)
            return bool(subject.look(target, va) == self.seen)
        except CannotGoOn as reason:
            self.why_not = f"operation {then.number}, {then.target}.{then.name}: {reason}"
        except Refused:
            pass  # the thing does not exist
        return False


def smallest(holds: Callable[[Sequence[Operation]], bool], operations: Sequence[Operation]) -> list[Operation]:
    """Return a minimal set of these operations for which the statement holds: without any one, it would not.

    Large and early parts are left out first, since late operations are more likely to be the reason.

    >>> smallest(lambda some: {2, 7} <= set(some), range(10))
    [2, 7]
    """
    kept, size = list(operations), max(1, len(operations) // 2)
    while True:
        before, begin = len(kept), 0
        while begin < len(kept):
            fewer = kept[:begin] + kept[begin + size :]
            if holds(fewer):
                kept = fewer
            else:
                begin += size
        if size == 1 and len(kept) == before:
            return kept
        size = max(1, size // 2)


def _chain(holds: Trial, operations: Sequence[Operation], last: Operation) -> list[Operation]:
    """Return the fewest operations that produce the state, including the last to change the thing, if needed.

    Without that operation, the others may produce the state by chance: the same byte may have been written earlier.
    """
    others = [then for then in operations if then.number != last.number]

    def holds_with_last(some: Sequence[Operation]) -> bool:
        return holds(sorted([*some, last], key=lambda then: then.number))

    if len(others) == len(operations) or not holds_with_last(others):
        return smallest(holds, operations)
    kept = smallest(holds_with_last, others)
    if holds(kept):
        return smallest(holds, kept)
    return sorted([*kept, last], key=lambda then: then.number)


def why(machine: Any, thing: Any, where: Any, places: list[Sight], last: Operation) -> Why:
    """Return the reason for a state; `places` are looks at it, and operation `last` changed it last."""
    subject = subject_of(thing, where)
    holds = Trial(machine, subject)
    what = subject.says(holds.seen)
    is_byte = isinstance(thing, Task)
    life = life_of(machine, thing.space, subject.address) if is_byte else ()
    byte = subject.address if is_byte else None
    for operations in Candidates(machine, subject, places).tiers(last):
        if holds(operations):
            chain = tuple(_chain(holds, operations, last))
            return Why(what, chain, last, cells=_cells_of(machine, (*chain, last)), life=life, address=byte)
    reason = holds.why_not or "the result differs when these operations are repeated alone"
    said = f"what that needed is not known: {shown(reason)[1:-1]}"
    return Why(what, (last,), last, said, _cells_of(machine, (last, last)), life, byte)


def _cells_of(machine: Any, operations: Iterable[Operation]) -> tuple[int, ...]:
    return tuple(machine.journal.cell_of(then.serial) for then in operations)
