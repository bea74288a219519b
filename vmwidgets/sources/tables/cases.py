"""Case files: page tables with queries and perhaps answers; walked and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastjsonschema

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.errors import Refused
from ...engine.mmu.rules import Access
from ...engine.mmu.tables_schema import Walk
from ...engine.mmu.walk import walk
from ..traces.compare import Difference
from ..traces.reader import Record, Unreadable, read_records
from .architectures import Architecture, architecture
from .memory import ListedMemory
from .schema import CASE

_validate = fastjsonschema.compile(CASE)
_LONGEST = 200
"""The most characters of a reason, which may quote the file."""


@frozen
class Query:
    """An access to ask about; `va` is the register's value."""

    va: int
    access: Access
    user: bool


@frozen(slots=False)
class Case:
    """One line of a case file: tables in memory, and queries about them.

    `answers` are the file's answers, in its form, or None.
    """

    line: int
    architecture: Architecture
    root: int
    controls: Any
    memory: ListedMemory
    queries: tuple[Query, ...]
    answers: tuple[Record, ...] | None
    record: Record

    def walk(self, query: Query) -> Walk:
        """Return the hardware's walk for a query."""
        fmt = self.architecture.fmt
        return walk(self.memory, fmt, self.root, query.va, query.access, query.user, self.controls)


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
    comparison.queries += len(case.queries)
    for number, (query, expected) in enumerate(zip(case.queries, case.answers or (), strict=False), 1):
        found = case.walk(query)
        comparison.compared += 1
        differing = differences(expected, answer(found))
        if differing:
            comparison.mismatches += 1
            if comparison.first is None:
                comparison.first = Mismatch(case, comparison.cases, number, found, differing)


def answer(found: Walk) -> Record:
    """Return a walk's answer, in the form of the files."""
    if found.fault is None:
        return {"pa": found.pa}
    return {"fault": {"kind": found.fault.kind, "level": found.fault.level, "code": found.fault.code}}


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
        return _case(line, record)
    except Refused as error:
        raise Unreadable(path, line, f"{error}") from None


def _case(line: int, record: Record) -> Case:
    try:
        _validate(record)
    except fastjsonschema.JsonSchemaValueException as error:
        name = error.name or ""
        where = name.removeprefix("data").lstrip(".") or "the line"
        reason = f"{where[:_LONGEST]}: {error.message.removeprefix(name).strip()}"
        raise Refused(reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}…") from None
    arch = architecture(record["arch"])
    controls = arch.controls(record["options"])
    root = arch.check_root(record["root"], controls)
    queries = [Query(arch.check_va(one["va"]), one["access"], one["user"]) for one in record["queries"]]
    answers = record.get("answers")
    if answers is not None and len(answers) != len(queries):
        raise Refused(f"there are {len(queries)} queries and {len(answers)} answers")
    memory = ListedMemory((start, text) for start, text in record["memory"])
    return Case(line, arch, root, controls, memory, tuple(queries), None if answers is None else tuple(answers), record)
