"""Replaying a recorded trace: every field of its results, events and states must be reproduced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import fastjsonschema

from tests.oracles import barrelfish_schema, freebsd_schema, x15_schema
from tests.oracles.barrelfish import STOPPED, BarrelfishReplay
from tests.oracles.compare import MISSING, Difference, differences
from tests.oracles.freebsd import FreeBSDReplay
from tests.oracles.reader import Record, Unreadable, read_records, short
from tests.oracles.x15 import X15Replay
from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.frozen import frozen


class System(Protocol):
    """One system's substitutes, and its recorded operations done on our engine."""

    def run(self, record: Record) -> Any:
        """Do one operation; returns its result in the recording's form.

        Raises :class:`ValueError` for an unknown operation.
        """

    def beside(self) -> Record:
        """Return the recording's further fields of the operation: a short state, events."""

    def state(self) -> Record:
        """Return the full state that follows at intervals."""

    def state_due(self, record: Record) -> bool:
        """Return whether the recording has a full state after this operation."""


@runtime_checkable
class Corrected(System, Protocol):
    """A system whose traces show bugs that we do not have, and also contain the correct values."""

    diverged: bool
    """Whether the original's state differs from a correct kernel's by now."""

    def at_start(self) -> list[Difference]:
        """Return the differences before the first operation, by the facts in the header."""

    def partly(self, record: Record, result: Any) -> list[Difference] | None:
        """Return the differences of an operation that is compared in part; None if it is compared completely."""


Validator = Callable[[Any], Any]


@frozen
class Kind:
    """Facts on one system's traces: how to start a replay, and the shape of their lines."""

    start: Callable[[Record], System]
    header: Validator
    operations: dict[str, Validator]
    last: Validator | None
    """The schema of a last line that is not an operation; None if the last line is an operation."""
    open_ended: bool = False
    """Whether a trace ends with its file: then its last operation has the full state, or stopped the program."""

    def ends_with(self, record: Record) -> bool:
        """Return whether nothing can follow this line."""
        return record.get("op") == "end" if self.last is None else "op" not in record


SYSTEMS = {
    "x15": Kind(
        X15Replay,
        fastjsonschema.compile(x15_schema.HEADER),
        {name: fastjsonschema.compile(schema) for name, schema in x15_schema.OPERATIONS.items()},
        fastjsonschema.compile(x15_schema.LAST),
    ),
    "freebsd": Kind(
        FreeBSDReplay,
        fastjsonschema.compile(freebsd_schema.HEADER),
        {name: fastjsonschema.compile(schema) for name, schema in freebsd_schema.OPERATIONS.items()},
        None,
    ),
    "barrelfish": Kind(
        BarrelfishReplay,
        fastjsonschema.compile(barrelfish_schema.HEADER),
        {name: fastjsonschema.compile(schema) for name, schema in barrelfish_schema.OPERATIONS.items()},
        None,
        open_ended=True,
    ),
}
"""The systems whose traces can be replayed, by the header's `system`."""


@frozen
class Divergence:
    """The first operation with another result: the recorded line, and each field that differs."""

    line: int
    record: Record
    differences: tuple[Difference, ...]


@frozen
class Outcome:
    """The result for one file: how many operations agreed, and the first operation that did not.

    Among the operations, `corrected` agree with the recording's correct values, since the original had a bug;
    `passed_over` were done but not compared, since the original was in a wrong state after a bug.
    """

    path: Path
    operations: int
    divergence: Divergence | None
    corrected: int = 0
    passed_over: int = 0


def replay(path: Path) -> Outcome:
    """Replay one trace file, up to its first divergence; raises :class:`Unreadable` with line and reason."""
    records = read_records(path)
    kind, system, header = _open(path, records)
    found = _differences_at_start(header["setup"], system)
    if found:
        return Outcome(path, 0, Divergence(1, {"op": "setup"}, tuple(found)))
    done = corrected = passed_over = 0
    record: Record = {}
    for number, record in records:
        if kind.last is not None and kind.ends_with(record):
            _finish(path, number, record, kind.last, done)
            _nothing_follows(path, number, records)
            return Outcome(path, done, None)
        found = _step(path, number, record, kind, system, done)
        if found:
            return Outcome(path, done, Divergence(number, record, tuple(found)))
        done += 1
        if isinstance(system, Corrected):
            corrected += "correct" in record
            passed_over += system.diverged and "correct" not in record
        if kind.last is None and kind.ends_with(record):
            _nothing_follows(path, number, records)
            return Outcome(path, done, None)
    if kind.open_ended and ("state" in record or record.get("result", {}).get("error") in STOPPED):
        return Outcome(path, done, None, corrected, passed_over)
    raise Unreadable(path, done + 2, "the trace ends here, without its last line")


def _open(path: Path, records: Iterator[tuple[int, Record]]) -> tuple[Kind, System, Record]:
    first = next(records, None)
    if first is None:
        raise Unreadable(path, 1, "the file is empty")
    number, header = first
    if "system" not in header:
        raise Unreadable(path, number, "the first line names no 'system': it is not the header of a trace")
    name = header["system"]
    if not isinstance(name, str) or name not in SYSTEMS:
        close = get_close_matches(str(name)[:40].casefold(), SYSTEMS, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise Unreadable(path, number, f"'system' is {short(name)}: known are {', '.join(SYSTEMS)}{hint}")
    kind = SYSTEMS[name]
    _validate(path, number, kind.header, header)
    try:
        return kind, kind.start(header), header
    except KeyError as error:
        raise Unreadable(path, number, f"'setup' lacks {error}, which the map of this trace needs") from None
    except (ValueError, VMError) as error:
        raise Unreadable(path, number, f"the header does not fit together: {error}") from None


def _differences_at_start(setup: Record, system: System) -> list[Difference]:
    """Return the differences in the state before the first operation, if the header has it."""
    if isinstance(system, Corrected):
        return system.at_start()
    return differences(setup["state"], system.state(), "setup.state") if "state" in setup else []


def _step(path: Path, number: int, record: Record, kind: Kind, system: System, done: int) -> list[Difference]:
    operation = record.get("op")
    if not isinstance(operation, str) or operation not in kind.operations:
        raise Unreadable(path, number, f"'op' is {short(operation)}: known are {', '.join(kind.operations)}")
    _validate(path, number, kind.operations[operation], record)
    if record["i"] != done:
        raise Unreadable(path, number, f"'i' is {record['i']}, and this is operation {done}")
    if "state" not in record and system.state_due(record):
        raise Unreadable(path, number, f"operation {done} lacks the full 'state' that is due after it")
    try:
        result = system.run(record)
    except ValueError as error:
        raise Unreadable(path, number, f"{error}") from None
    if isinstance(system, Corrected):
        partly = system.partly(record, result)
        if partly is not None:
            return partly
    found = differences(record["result"], result, "result")
    for name, value in system.beside().items():
        found += differences(record.get(name, MISSING), value, name)
    if "state" in record:
        found += differences(record["state"], system.state(), "state")
    return found


def _finish(path: Path, number: int, record: Record, last: Validator, done: int) -> None:
    _validate(path, number, last, record)
    if record["ops"] != done:
        raise Unreadable(path, number, f"the last line counts {record['ops']} operations, the file has {done}")


def _nothing_follows(path: Path, number: int, rest: Iterator[Any]) -> None:
    if next(rest, None) is not None:
        raise Unreadable(path, number + 1, "lines follow the last one")


def _validate(path: Path, number: int, validator: Validator, value: Record) -> None:
    try:
        validator(value)
    except fastjsonschema.JsonSchemaValueException as error:
        name = error.name or ""
        where = name.removeprefix("data").lstrip(".") or "the line"
        raise Unreadable(path, number, f"{where}: {error.message.removeprefix(name).strip()}") from None
