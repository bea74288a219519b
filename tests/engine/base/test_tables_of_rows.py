"""The list of the tables that events write is true of the events."""

from __future__ import annotations

import ast
from pathlib import Path

from vmwidgets.engine.base import events
from vmwidgets.engine.base.values.past import TABLES

SIDES = {"left", "right"}
"""Tables that an event names by its field `side`."""


def test_each_table_that_an_event_names_is_listed_and_no_other() -> None:
    named = set(SIDES)
    for path in sorted(Path(events.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            row = getattr(node, "elts", [])
            if len(row) >= 2 and isinstance(node, ast.Tuple) and isinstance(row[0], ast.Constant):
                named |= {row[0].value} if isinstance(row[0].value, str) and len(row) in (3, 5) else set()
    assert named == set(TABLES)
    assert list(TABLES) == sorted(TABLES)
