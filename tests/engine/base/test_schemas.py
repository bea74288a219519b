"""Schemas: values and events of a structure stand in one module, which imports nothing that they describe."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from vmwidgets import engine, events
from vmwidgets.engine.base.event import EVENTS

ENGINE = Path(engine.__file__).parent
SCHEMAS = sorted(ENGINE.rglob("*_schema.py"))
GROUND = {"event", "frozen", "records", "units", "errors", "protection"}
"""What of the ground a schema may import."""


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_schema_imports_the_ground_and_schemas_alone(path: Path) -> None:
    own = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom) and node.level
    ]
    for node in own:
        last = (node.module or "").split(".")[-1]
        assert last.endswith("_schema") or last in GROUND, ast.unparse(node)


def test_all_events_are_offered() -> None:
    classes = {
        name
        for path in SCHEMAS
        for name in re.findall(r"^class ([A-Z]\w+)\((?:Event|_\w+)\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert classes < {*EVENTS} == {*dir(events)} - {"Event"}


def test_views_may_import_each_schema() -> None:
    text = (ENGINE.parent.parent / "pyproject.toml").read_text("utf-8")
    allowed = set(re.findall(r"vmwidgets\.views\.\*\* -> vmwidgets\.engine\.(\S+_schema)", text))
    above = [path for path in SCHEMAS if path.parent.name != "base"]
    assert allowed == {".".join(path.relative_to(ENGINE).with_suffix("").parts) for path in above}
