"""A headline that says something of the last event of a kind says of which map, cache, task or object it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets import events as ev
from vmwidgets.views.story import words
from vmwidgets.views.story.words.headlines import Facts


def last_ones(source: str) -> Iterator[str]:
    """Each place where the last is taken of all events of a kind, of whatever they are: `facts.of(…)[-1]`."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        found: set[str] = set()
        for one in ast.walk(function):
            if isinstance(one, ast.Assign) and any(is_of_all(call) for call in ast.walk(one.value)):
                found |= {name.id for target in one.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        for one in ast.walk(function):
            if isinstance(one, ast.Subscript) and ast.unparse(one.slice) == "-1":
                is_named = isinstance(one.value, ast.Name) and one.value.id in found
                if is_named or is_of_all(one.value):
                    yield f"{function.name}: {ast.unparse(one)}"


def is_of_all(node: ast.AST) -> bool:
    """Whether it is `facts.of(…)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "of"


def test_no_headline_takes_the_last_event_of_a_kind() -> None:
    sources = sorted(Path(words.__file__).parent.glob("*.py"))
    assert {path.name: found for path in sources if (found := [*last_ones(path.read_text())])} == {}


def test_such_a_place_is_found() -> None:
    assert [*last_ones("def one(facts):\n    a, b = facts.of(X), 1\n    return a[-1], facts.of(Y)[-1]")] == [
        "one: a[-1]",
        "one: facts.of(Y)[-1]",
    ]


def test_the_last_one_is_asked_for_by_name() -> None:
    machine = vm.boot("x86-64", layout="tiny", ram="4 MiB")
    machine.kmem_malloc("12 KiB")
    facts = Facts(machine.journal.last, machine.journal.last.events)
    found = facts.last(ev.MapResized, map="kmem_map")
    assert found is not None
    assert found.after - found.before == 12 << 10
    assert facts.last(ev.MapResized, map="exec_map") is None
    with pytest.raises(TypeError, match=r"the last MapResized of which map\?"):
        facts.last(ev.MapResized)
