"""Lives in the engine before and in today's: they are alike, and what compares them finds what is not."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest

from tests.beside.alike import unlike
from tests.beside.before import AbsentCommit, before
from tests.beside.drawing import SUBJECTS, Drawing
from tests.beside.lives import Different, Life, Side


@pytest.fixture(autouse=True, scope="module")
def engine_before() -> None:
    try:
        before()
    except AbsentCommit as absent:
        pytest.skip(str(absent))  # a copy without history, such as a shallow clone


@pytest.mark.parametrize("seed", range(len(SUBJECTS)), ids=[*SUBJECTS])
def test_a_life_of_each_subject_is_alike(seed: int) -> None:
    life = Life(seed, lines=12)
    life.live()
    assert life.outcomes["done"] > 8


# ---- what compares -----------------------------------------------------------------------------


def changed(change: Callable[[str], str]) -> Callable[[Side], None]:
    """Have a side do other lines than it was given."""

    def spoil(side: Side) -> None:
        do = side.do
        side.do = lambda line: do(change(line))  # type: ignore[method-assign]

    return spoil


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda line: "None" if ".write(" in line else line, "operations recorded|came|bytes of RAM"),
        (lambda line: line.replace("'rw'", "'r'"), "arguments|came"),
        (lambda line: line.replace("fork='", "fork='eager' or '"), "arguments|fork"),
        (lambda line: line.replace("b'slow'", "b'fast'"), "b'slowslow' and b'fastfast'"),
    ],
)
def test_a_side_that_does_something_else_is_found(change: Callable[[str], str], what: str) -> None:
    life = Life(0, lines=20)
    changed(change)(life.new)
    with pytest.raises(Different, match=f"(?s)# life 0: tasks\nm = vm.boot.*# before and now: .*({what})"):
        life.live()


def test_bytes_that_no_operation_wrote_are_found() -> None:
    life = Life(0, lines=0)
    for line in life.drawing.boot():
        life.do(line)
    life.look(whole=False)
    life.new.m.system.ram.write(0x20_0000, b"x")
    with pytest.raises(Different, match=r"bytes of RAM: at 0x200000 b'\\x00.*and b'x"):
        life.look(whole=False)


def test_lines_are_the_same_whatever_machines_answer() -> None:
    def lines() -> list[str]:
        drawing = Drawing(3)
        return [*drawing.boot(), *(drawing.line() for _ in range(50))]

    alone = lines()
    life = Life(3, lines=50)
    life.live()
    asked = [line for line in life.lines if line != "m.undo()"]
    assert [one for one in asked if one not in alone] == ["saved(m)"]


def value(*fields: str) -> Any:
    """Return a class of values that is called the same whatever its fields are."""
    return namedtuple("Value", fields)


One, Other, Wider = value("size", "names"), value("size", "names"), value("size", "names", "more")


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (One(1, ("a",)), Other(1, ("a",)), ""),
        (One(1, ("a",)), Other(2, ("a",)), ".size: 1 and 2"),
        (One(1, ("a",)), Other(1, ("a", "b")), "1 and 2 items"),
        (One(1, ({"a": 1},)), Other(1, ({"a": True},)), "int and bool"),
        (One(1, ()), Wider(1, (), 2), "has the fields"),
        (One(1, ({"a": 1, "b": 2},)), Other(1, ({"b": 2, "a": 1},)), "keys"),
        ("in vmwidgets_before.events", "in vmwidgets.events", ""),
        (float("nan"), float("nan"), ""),
        ({1, 2}, {2, 3}, "and"),
        (b"abc", b"abd", "at 0x2"),
    ],
)
def test_values_are_alike_or_not(one: object, other: object, found: str) -> None:
    said = unlike(one, other)
    assert found in said
    assert bool(said) == bool(found)
