"""Schemas: tables, values and events of a structure stand in one module, which imports nothing that they describe."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from vmwidgets import engine, events
from vmwidgets.engine.base.event import EVENTS
from vmwidgets.engine.base.past import TABLES

ENGINE = Path(engine.__file__).parent
SCHEMAS = sorted(ENGINE.rglob("*_schema.py"))
GROUND = {"event", "frozen", "past", "records", "units", "errors", "protection"}
"""What of the ground a schema may import."""


def declared(tree: ast.Module) -> list[str]:
    """The names of the tables that a module declares."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "declare"]
    return [name for call in calls for name in ast.literal_eval(call.args[0])]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_schema_declares_each_table_that_its_events_name_and_no_other(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    classes = [
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and re.search(r"Event|_[A-Z]", ast.unparse(node.bases[0]) if node.bases else "")
    ]
    named: set[str] = set()
    for node in (inner for one in classes for inner in ast.walk(one)):
        row = getattr(node, "elts", [])
        if len(row) in (3, 5) and isinstance(node, ast.Tuple) and isinstance(row[0], ast.Constant):
            named |= {row[0].value} if isinstance(row[0].value, str) else set()
    tables = declared(tree)
    assert named == set(tables)
    assert tables == sorted(tables)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_schema_imports_the_ground_and_schemas_alone(path: Path) -> None:
    own = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom) and node.level
    ]
    for node in own:
        last = (node.module or "").split(".")[-1]
        assert last.endswith("_schema") or last in GROUND, ast.unparse(node)


def test_no_table_is_declared_twice() -> None:
    names = [name for path in SCHEMAS for name in declared(ast.parse(path.read_text("utf-8")))]
    assert len(names) == len(set(names))
    assert set(names) == set(TABLES)


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
