"""Recorded page tables, such as those of a real Linux process: cases in files, one line of JSON for each."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, a_kind, shown
from ...engine.base.files import place_of
from ...engine.base.frozen import frozen
from ...engine.base.units import counted
from ...engine.machine import arguments
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import PageTables
from ...engine.mmu.tables_schema import Walk
from .. import given_text
from .architectures import architecture
from .memory import ListedMemory

SHIPPED = ("linux-armv7", "linux-x86_64")
"""The recorded tables in the package."""

MOST_CASES = 100_000
"""The highest number of a case, and one."""

MOST_TABLES_BYTES = 256 << 20
"""Bytes of one file."""

_SHAPE = {
    "arch": str,
    "root": int,
    "options": dict,
    "memory": [[int, str]],
    "queries": [{"va": int, "access": ("read", "write", "execute"), "user": bool}],
    "answers": [dict],
}
"""The members of a case: each is of a class, or one of some words; a list of one shape may have any length.

The answers may be left out.
"""


@frozen
class Query:
    """An access to ask about; `va` is the register's value."""

    va: int
    access: Access
    user: bool


class RecordedTables(PageTables[Any]):
    """Page tables from a case file; `options`, `queries` and `answers` are the file's, which may have no answers."""

    options: dict[str, Any]
    queries: tuple[Query, ...]
    answers: tuple[dict[str, Any], ...]


@says_what_it_takes
def load_tables(path: str | Path, case: int = 0) -> RecordedTables:
    """Return the page tables of case number `case` (from 0) of a case file, ``.jsonl`` or ``.jsonl.gz``.

    Raises :class:`Refused` with one sentence for a file or a case that can't be read.  O(bytes of the file).
    """
    wanted: object = case
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 0 <= wanted < MOST_CASES:
        raise Refused(f"case={shown(case)}: write a whole number from 0, the number of a case in the file")
    where = place_of(path, "tables.jsonl.gz")
    try:
        text = given_text.read(str(where), "recorded page tables", "not recorded page tables", MOST_TABLES_BYTES)
    except Refused as error:
        raise Refused(f"{error}".removesuffix(given_text.OR_TEXT)) from None
    return tables_in(text, str(where), case)


@says_what_it_takes
def recorded_tables(name: str) -> RecordedTables:
    """Recorded page tables of a Linux process, which come with vmwidgets: "linux-armv7" or "linux-x86_64".

    >>> import vmwidgets as vm
    >>> linux = vm.recorded_tables("linux-armv7")
    >>> linux.format, len(linux.queries)
    ('armv7', 1500)
    """
    known = arguments.known(name, SHIPPED, "recorded tables")
    with resources.as_file(resources.files("vmwidgets.sources") / "data" / "tables" / f"{known}.jsonl.gz") as path:
        return load_tables(path)


def tables_in(text: str, source: str, case: int = 0) -> RecordedTables:
    """Return the page tables of case number `case` of a case file's text; `source` is its path or another name."""
    lines = text.rstrip("\n").split("\n")
    if not text.strip():
        raise Refused(f"{source}:1: the file is empty")
    if case >= len(lines):
        raise Refused(f"{source}: there is no case {case}; it has {len(lines)}, from 0 to {len(lines) - 1}")
    file = Path(source).name
    name = file.removesuffix(".gz").removesuffix(".jsonl") + f" {case}" * bool(case)
    try:
        return tables_of(_json(lines[case]), name, f"case {case} of {file}")
    except Refused as error:
        raise Refused(f"{source}:{case + 1}: {error}") from None


def tables_of(record: Any, name: str, about: str = "") -> RecordedTables:
    """Return the page tables of a case, which is a line of a file as Python's dicts and lists.

    Raises :class:`Refused` if a member lacks, is of another kind, or does not fit the others.
    """
    _check(record, dict, "")
    _check({"answers": [], **record}, _SHAPE, "")
    arch = architecture(record["arch"])
    controls = arch.controls(record["options"])
    root = arch.check_root(record["root"], controls)
    queries = tuple(Query(arch.check_va(one["va"]), one["access"], one["user"]) for one in record["queries"])
    answers = tuple(record.get("answers", ()))
    if "answers" in record and len(answers) != len(queries):
        raise Refused(f"there are {len(queries)} queries and {len(answers)} answers")
    memory = ListedMemory((start, text) for start, text in record["memory"])
    tables = RecordedTables(name, memory, arch.fmt, root, controls, about)
    tables.options, tables.queries, tables.answers = dict(record["options"]), queries, answers
    return tables


def answer(found: Walk) -> dict[str, Any]:
    """Return a walk's answer, in the form of the files."""
    if found.fault is None:
        return {"pa": int(found.pa or 0)}
    return {"fault": {"kind": found.fault.kind, "level": found.fault.level, "code": found.fault.code}}


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except RecursionError:
        why = "it is nested too deeply"
    except ValueError as error:  # a JSONDecodeError, or Python's limit of digits
        why = getattr(error, "msg", "a number has thousands of digits")
    raise Refused(f"not a line of JSON: {why}")


def _check(value: Any, shape: Any, where: str) -> None:
    """Raise :class:`Refused`, with the place, unless a value has this shape."""
    here = f"{where}: " if where else ""
    if isinstance(shape, dict):
        _check(value, dict, where)
        odd = next((name for name in {**shape, **value} if name not in shape or name not in value), None)
        if odd is not None:
            what = "is not a member of a case" if odd in value else "lacks"
            raise Refused(f"{here}{shown(odd)} {what}; there are {', '.join(shape)}")
        for name, one in shape.items():
            _check(value[name], one, f"{where}.{name}".lstrip("."))
    elif isinstance(shape, list):
        _check(value, list, where)
        shapes = shape * len(value) if len(shape) == 1 else shape
        if len(value) != len(shapes):
            raise Refused(f"{here}{counted(len(value), 'item')}; there are {len(shapes)}")
        for number, one in enumerate(shapes):
            _check(value[number], one, f"{where}[{number}]")
    elif isinstance(shape, tuple):
        if value not in shape:
            raise Refused(f"{here}{shown(value)} must be one of {', '.join(shape)}")
    elif type(value) is not shape:
        raise Refused(f"{here}{shown(value)} is {a_kind(value)}; it must be {a_kind(shape())}")
