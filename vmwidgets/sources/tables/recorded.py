"""Recorded page tables, such as those of a real Linux process."""

from __future__ import annotations

from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, shown
from ...engine.base.files import place_of
from ...engine.machine import arguments
from ...engine.mmu.tables import PageTables
from ..traces.reader import Record, Unreadable
from .cases import Query, read_cases

SHIPPED = ("linux-armv7", "linux-x86_64")
"""The recorded tables in the package."""

MOST_CASES = 100_000
"""The most cases that are read to find the requested one."""


class RecordedTables(PageTables[Any]):
    """Page tables from a case file; `options`, `queries` and `answers` are the file's, which may have no answers."""

    options: dict[str, Any]
    queries: tuple[Query, ...]
    answers: tuple[Record, ...]


@says_what_it_takes
def load_tables(path: str | Path, case: int = 0) -> RecordedTables:
    """Return the page tables of case number `case` (from 0) of a case file, ``.jsonl`` or ``.jsonl.gz``.

    Raises :class:`Refused` with one sentence for a file or a case that can't be read.  O(cases up to number `case`).
    """
    wanted: object = case
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 0 <= wanted < MOST_CASES:
        raise Refused(f"case={shown(case)}: write a whole number from 0, the number of a case in the file")
    where = place_of(path, "tables.jsonl.gz")
    try:
        found = next(islice(read_cases(where), case, None), None)
    except Unreadable as error:
        raise Refused(f"{error}") from None
    except OSError as error:
        raise Refused(f"{where}: {error.strerror or error}") from None
    if found is None:
        count = sum(1 for _ in read_cases(where))
        raise Refused(f"{where}: there is no case {case}; it has {count}, from 0 to {count - 1}")
    stem = where.name.removesuffix(".gz").removesuffix(".jsonl")
    about = f"case {case} of {where.name}"
    name = f"{stem} {case}" if case else stem
    tables = RecordedTables(name, found.memory, found.architecture.fmt, found.root, found.controls, about)
    tables.options = dict(found.record["options"])
    tables.queries = found.queries
    tables.answers = found.answers or ()
    return tables


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
