"""Case files: page tables with queries and perhaps answers; walked and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastjsonschema

from tests.oracles.compare import Difference
from tests.oracles.reader import Record, Unreadable, read_records
from tests.oracles.tables_schema import CASE
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.mmu.tables_schema import Walk
from vmwidgets.sources.tables.architectures import architecture
from vmwidgets.sources.tables.recorded import RecordedTables, answer, tables_of

_validate = fastjsonschema.compile(CASE)
_LONGEST = 200
"""The most characters of a reason, which may quote the file."""


@frozen(slots=False)
class Case:
    """One line of a case file: tables in memory, and queries about them."""

    line: int
    tables: RecordedTables
    record: Record

    @property
    def name(self) -> str:
        """The architecture, as case files call it."""
        return architecture(self.record["arch"]).name

    @property
    def answers(self) -> tuple[Record, ...] | None:
        """The file's answers, in its form, or None."""
        return self.tables.answers if "answers" in self.record else None

    def walks(self) -> Iterator[Walk]:
        """The hardware's walks for all queries."""
        for query in self.tables.queries:
            yield self.tables.walk(query.va, query.access, user=query.user)


@frozen
class Mismatch:
    """A query with another answer: the case (from 1), the query (from 1), the walk, and the fields that differ."""

    case: Case
    number: int
    query_number: int
    walk: Walk
    differences: tuple[Difference, ...]


@dataclass
class Comparison:
    """The result for one file: how much was compared, how many answers differ, and the first mismatch."""

    cases: int = 0
    queries: int = 0
    compared: int = 0
    mismatches: int = 0
    first: Mismatch | None = None


def read_cases(path: Path) -> Iterator[Case]:
    """Yield each case of a file; raises :class:`Unreadable` with line and reason."""
    line = 0
    for line, record in read_records(path):
        yield _case_of(path, line, record)
    if not line:
        raise Unreadable(path, 1, "the file is empty")


def compare(case: Case, comparison: Comparison) -> None:
    """Walk all queries of a case, and add the differences from the file's answers to `comparison`."""
    comparison.cases += 1
    comparison.queries += len(case.tables.queries)
    for number, (found, expected) in enumerate(zip(case.walks(), case.answers or (), strict=False), 1):
        comparison.compared += 1
        differing = differences(expected, answer(found))
        if differing:
            comparison.mismatches += 1
            if comparison.first is None:
                comparison.first = Mismatch(case, comparison.cases, number, found, differing)


def differences(expected: Record, actual: Record) -> tuple[Difference, ...]:
    """Return the differences in address, kind, level and code."""
    pairs = zip(_fields(expected), _fields(actual), strict=True)
    return tuple(
        (name, one, other) for (name, one), (_, other) in pairs if one != other or type(one) is not type(other)
    )


def _fields(record: Record) -> tuple[tuple[str, Any], ...]:
    fault = record.get("fault", {})
    return ("address", record.get("pa")), *((name, fault.get(name)) for name in ("kind", "level", "code"))


def _case_of(path: Path, line: int, record: Record) -> Case:
    try:
        _validate(record)
        return Case(line, tables_of(record, f"{path.name}:{line}"), record)
    except fastjsonschema.JsonSchemaValueException as error:
        name = error.name or ""
        where = name.removeprefix("data").lstrip(".") or "the line"
        reason = f"{where[:_LONGEST]}: {error.message.removeprefix(name).strip()}"
        raise Unreadable(path, line, reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}…") from None
    except Refused as error:
        raise Unreadable(path, line, f"{error}") from None
