"""What a student holds tells the task and nothing of its solution: no attribute or method of a sheet is an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.sheet import Sheet

from .test_sheets import SHIPPED, SOLVED

LEVELS = 3


def parts(value: Any) -> Iterator[Any]:
    """The value, and what was drawn in it: rows and frozen values."""
    yield value
    inner = [getattr(value, one.name) for one in fields(value)] if is_dataclass(value) else value
    if isinstance(inner, (list, tuple)):
        for one in inner:
            yield from parts(one)


def public(value: Any) -> set[str]:
    return {name for name in dir(value) if not name.startswith("_")}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_sheet_offers_what_was_drawn_and_what_its_text_says(name: str) -> None:
    for number in range(1, 6):
        for part in parts(lab.practice(name, number).given):
            if is_dataclass(part):
                drawn = {one.name for one in fields(part)}
                assert public(part) - drawn <= {"drawn", "text", "start"} | SOLVED[name].tells, part


def reachable(thing: Any, levels: int = LEVELS) -> Iterator[Any]:
    """Values behind public names, items, and methods that can be called with nothing; `levels` names deep."""
    yield thing
    if not levels:
        return
    if isinstance(thing, (list, tuple, set)):
        for one in thing:
            yield from reachable(one, levels - 1)
    elif isinstance(thing, dict):
        for one in thing.values():
            yield from reachable(one, levels - 1)
    elif type(thing).__module__.startswith("vmwidgets.labs"):
        for name in sorted(public(thing)):
            with suppress(Exception):  # a method that needs more
                value = getattr(thing, name)
                yield from reachable(value, levels - 1)
                if callable(value):
                    yield from reachable(value(), levels - 1)


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_that_a_sheet_leads_to_earns_a_point(name: str) -> None:
    for sheet in (lab.variant(name), lab.practice(name, 2)):
        for value in reachable(sheet):
            with suppress(vm.Refused):  # another kind of thing
                assert lab.check(sheet, value).points == 0, value


def test_the_search_would_find_an_answer() -> None:
    class Given:
        text = "Which number?"

        def start(self) -> int:
            """Nothing yet."""
            return 0

        def answer(self) -> dict[str, int]:
            """What is asked for."""
            return {"right": 7}

    Given.__module__ = "vmwidgets.labs.exercises.other"
    lab.author.exercise("t/told", "Told", points=1, takes=int, variant=lambda _draws: Given())(
        lambda number, _asked: [lab.author.criterion(1, number == 7, "right", "wrong")]
    )
    sheet: Sheet = lab.variant("t/told")
    assert 7 in list(reachable(sheet))
