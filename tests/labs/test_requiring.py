"""`lab.require`: a check that raises one sentence where a point is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.requiring import PointsMissing
from vmwidgets.widgets.host.tracebacks import brief_traceback

from .solutions import of_lab


def built(recipe: Any) -> tuple[Any, Any]:
    """A practice sheet of 01/guard, and what a recipe makes of it."""
    sheet = lab.practice("01/guard", 1)
    names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": sheet.start()}
    exec(recipe(sheet.given), names)
    return sheet, names["thing"]


def missing(name: Any, thing: Any) -> str:
    with pytest.raises(PointsMissing) as raised:
        lab.require(name, thing)
    assert isinstance(raised.value, AssertionError)
    assert raised.value.result.data() == lab.check(name, thing).data()
    sentence = str(raised.value)
    assert "\n" not in sentence
    return sentence


def test_all_points_give_the_result_of_the_check() -> None:
    sheet, stacks = built(of_lab("01-maps").SOLVED["01/guard"].right[1])
    result = lab.require(sheet, stacks)
    assert result.passed
    assert result.data() == lab.check(sheet, stacks).data()


@pytest.mark.parametrize("number", range(4))
def test_a_missing_point_is_said_and_a_met_criterion_is_not(number: int) -> None:
    sheet, stacks = built(of_lab("01-maps").SOLVED["01/guard"].spoilt[number])
    result = lab.check(sheet, stacks)
    sentence = missing(sheet, stacks)
    assert [criterion.sentence in sentence for criterion in result.criteria] == [n == number for n in range(4)]
    assert f"{result.points} of {result.of} points" in sentence


@pytest.mark.parametrize("thing", [None, ...])
def test_what_is_not_done_yet_is_said(thing: Any) -> None:
    assert missing("01/guard", thing) == "01/guard: 0 of 5 points: not done yet"


def stopping(_number: int) -> Iterator[Any]:
    yield lab.author.criterion(1, True, "a start", "no start")
    raise RuntimeError("over")


lab.author.exercise("t/stopping", "Stopping", points=1, takes=int)(stopping)


def test_a_check_that_stopped_is_said_also_where_no_point_is_missing() -> None:
    assert missing("t/stopping", 1) == "t/stopping: 1 of 1 points: the check stopped: RuntimeError: over"


def test_what_a_check_refuses_is_refused() -> None:
    for name, thing in (("01/gard", vm.boot()), ("01/guard", "text")):
        with pytest.raises(vm.Refused):
            lab.require(name, thing)


def test_a_cell_shows_its_own_line_and_the_sentence() -> None:
    with pytest.raises(PointsMissing) as raised:
        lab.require("01/guard", None)
    where, last = brief_traceback(raised.value)
    assert where.endswith(': lab.require("01/guard", None)')
    assert last.endswith(f"PointsMissing\x1b[0m: {raised.value}")
