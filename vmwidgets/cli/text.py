"""The commands' output, written so that no contents of a file can harm or flood a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ..engine.base.errors import printable
from ..sources.traces.compare import Difference
from ..sources.traces.reader import short

__all__ = ["MOST_FIELDS", "comparison_table", "printable", "say_refused", "short_text", "value_text"]

MOST_FIELDS = 40
"""The most differing fields that are listed: more would be of little interest."""


def say_refused(why: object) -> None:
    """Print why a command refuses, after the program's name and below the command's other output."""
    sys.stdout.flush()
    print(f"vmwidgets: {printable(str(why))}", file=sys.stderr)


def comparison_table(found: Sequence[Difference]) -> list[str]:
    """Return the lines that show what differs, side by side."""
    rows = [("field", "expected", "actual")]
    rows += [
        (short_text(path), value_text(expected), value_text(actual)) for path, expected, actual in found[:MOST_FIELDS]
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = [f"    {field:{widths[0]}}  {expected:{widths[1]}}  {actual}" for field, expected, actual in rows]
    more = [f"    … and {len(found) - MOST_FIELDS:,} fields more"] if len(found) > MOST_FIELDS else []
    return [*table, *more]


def value_text(value: Any) -> str:
    """Return a value as it is in the file, and an address also in hexadecimal."""
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and value >= 10:
        return f"{value} = {value:#x}"
    return short(value)


def short_text(text: str) -> str:
    """Return a name from a file, shortened and on one line."""
    return short(text)[1:-1] if len(text) > 50 or not text.isprintable() else text
