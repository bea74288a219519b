"""Names that docstrings refer to are there, and so are the files that pages for contributors name."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "vmwidgets"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name not in ("__main__.py", "converted.py")  # the latter is nbconvert's
}
ROLE = re.compile(r":(?:class|func|meth|data|attr|mod):`~?([\w.]+)`")
FOLDERS = [
    ROOT,
    *(folder for name in ("vmwidgets", "tests", "js/src", "course") for folder in (ROOT / name).glob("**/")),
]


def has(thing: Any, names: list[str]) -> bool:
    """Whether a chain of attributes is there; those that only instances have are looked for in the class's source."""
    for place, name in enumerate(names):
        if hasattr(thing, name):
            thing = getattr(thing, name)
        else:
            is_last_of_class = place == len(names) - 1 and isinstance(thing, type)
            kind: Any = thing
            return is_last_of_class and bool(re.search(rf"\b{name}\b", source(kind)))
    return True


@cache
def source(kind: Any) -> str:
    """The text of a class, with those that it is made of; a class that was not written has none."""
    return "".join(classes_of(one.__module__).get(one.__qualname__, "") for one in kind.__mro__)


@cache
def classes_of(module: str) -> dict[str, str]:
    """The texts of a module's classes, parsed once: `inspect` parses a module anew for each of its classes."""
    try:
        text = inspect.getsource(sys.modules[module])
    except (KeyError, OSError, TypeError):
        return {}
    lines = text.splitlines()
    tops = [one for one in ast.parse(text).body if isinstance(one, ast.ClassDef)]
    return {one.name: "\n".join(lines[one.lineno - 1 : one.end_lineno]) for one in tops}


def is_pythons(parts: list[str]) -> bool:
    """Whether a name is in Python's own library."""
    return parts[0] in sys.stdlib_module_names and has(importlib.import_module(parts[0]), parts[1:])


@cache
def called(name: str) -> list[Any]:
    """What is called so in any module."""
    modules = [importlib.import_module(one) for one in MODULES]
    return [vars(one)[name] for one in modules if name in vars(one)]


@cache
def leads_somewhere(role: str, of: str) -> bool:
    """Whether a name in a docstring of the module `of` is there: in a module that ends so, its classes, or Python."""
    parts = role.strip(".").split(".")
    if is_pythons(parts) or has(builtins, parts):
        return True
    classes = [one for one in vars(importlib.import_module(of)).values() if inspect.isclass(one)]
    if any(has(one, parts) for one in classes):
        return True
    for cut in range(len(parts), 0, -1):
        ending = ".".join(parts[:cut])
        modules = [name for name in MODULES if f".{name}".endswith(f".{ending}")]
        if any(has(importlib.import_module(name), parts[cut:]) for name in modules):
            return True
    return any(has(one, parts[1:]) for one in called(parts[0]))


@pytest.mark.parametrize("role", [".task_memory.FORK", "vmwidgets.engine.base.errors.Refuses", "NoSuchName"])
def test_a_name_that_leads_nowhere_is_found(role: str) -> None:
    assert not leads_somewhere(role, "vmwidgets.engine.base.errors")


@pytest.mark.parametrize("package", sorted({name.split(".")[1] for name in MODULES if "." in name}))
def test_names_in_docstrings_are_there(package: str) -> None:
    lost = []
    for name, path in MODULES.items():
        if name.split(".")[1:2] == [package]:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                lost += [f"{name}:{number}: {role}" for role in ROLE.findall(line) if not leads_somewhere(role, name)]
    assert lost == []


def test_files_that_pages_for_contributors_name_are_there() -> None:
    pages = ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / "dev").glob("*.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"`([\w/.-]+\.(?:py|ts|css|toml))`", text))
    assert [
        one for one in sorted(named) if not any((folder / one).exists() for folder in (*FOLDERS, ROOT / "js"))
    ] == []
