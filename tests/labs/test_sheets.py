"""Each exercise: two right solutions earn all points, each criterion can be lost alone, and no two sheets are alike."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.hinting import hints_of
from vmwidgets.labs.result import Result
from vmwidgets.labs.sheet import Sheet, asked

from .solutions import run, solved

SOLVED = solved()
SHIPPED = sorted(name for name, one in exercises().items() if one.shipped and one.sheet is not None)
SHEETS = 100
SHARED = 5
"""Of :data:`SHEETS`: how many one fixed sequence of calls may solve."""

TRIED = 6
"""Of :data:`SHEETS`, in `make check`."""

SAMPLE = range(1, 4)
SPOILT = [(name, number) for name, solved in sorted(SOLVED.items()) for number in range(len(solved.spoilt))]

by_name = pytest.mark.parametrize("name", SHIPPED)


def done(sheet: Sheet, recipe: str) -> Result:
    """What a recipe earns on a sheet; what stops it is an answer too, since others' recipes need not fit."""
    names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": sheet.start()}
    with suppress(vm.VMError, LookupError):
        run(recipe, names)
    return lab.check(sheet, names["thing"])


def points(result: Result) -> list[bool]:
    return [criterion.met for criterion in result.criteria]


def waits(result: Result) -> list[bool]:
    """Which criteria are not judged before another is met."""
    return ["(not judged yet: first " in criterion.sentence for criterion in result.criteria]


@by_name
def test_two_right_solutions_earn_all_points(name: str) -> None:
    assert len(SOLVED[name].right) >= 2
    for number in SAMPLE:
        sheet = lab.practice(name, number)
        recipes = [recipe(sheet.given) for recipe in SOLVED[name].right]
        assert len(set(recipes)) == len(recipes), "the same twice"
        for recipe in recipes:
            result = done(sheet, recipe)
            assert result.passed, f"{sheet}\n{recipe}\n{result}"


@by_name
def test_each_criterion_has_a_solution_that_loses_it(name: str) -> None:
    sheet = lab.practice(name)
    assert len(SOLVED[name].spoilt) == len(done(sheet, SOLVED[name].right[0](sheet.given)).criteria)


@pytest.mark.parametrize(("name", "number"), SPOILT)
def test_a_spoilt_solution_loses_exactly_its_criterion(name: str, number: int) -> None:
    for practice in SAMPLE:
        sheet = lab.practice(name, practice)
        recipe = SOLVED[name].spoilt[number](sheet.given)
        result = done(sheet, recipe)
        wanted = [index != number for index in range(len(SOLVED[name].spoilt))]
        waiting = waits(result)
        assert waiting[:1] == [False]
        met = [one or wait for one, wait in zip(points(result), waiting, strict=True)]
        assert met == wanted, f"{sheet}\n{recipe}\n{result}"


@by_name
def test_nothing_done_earns_nothing(name: str) -> None:
    """Also for a sheet that starts with a machine: what is given is not an answer."""
    for number in SAMPLE:
        sheet = lab.practice(name, number)
        assert done(sheet, "").points == 0, sheet


@by_name
def test_few_sheets_have_the_same_solution(name: str) -> None:
    """With some of the sheets tried; all of them are in the sweep."""
    sheets, commonest, count = commonest_of(name)
    assert count <= SHARED
    others = [sheet for sheet in sheets if SOLVED[name].right[0](sheet.given) != commonest]
    assert sum(done(sheet, commonest).passed for sheet in others[:TRIED]) <= 1


@pytest.mark.sweep
@by_name
def test_one_sequence_of_calls_solves_few_sheets(name: str) -> None:
    sheets, commonest, _ = commonest_of(name)
    assert sum(done(sheet, commonest).passed for sheet in sheets) <= SHARED


def commonest_of(name: str) -> tuple[list[Sheet], str, int]:
    """A hundred sheets, the sequence of calls that solves most of them, and how many."""
    sheets = [lab.practice(name, number) for number in range(1, SHEETS + 1)]
    (commonest, count), *_ = Counter(SOLVED[name].right[0](sheet.given) for sheet in sheets).most_common(1)
    return sheets, commonest, count


@by_name
def test_the_words_say_what_differs(name: str) -> None:
    """Who reads only the text can do the exercise: sheets that want other solutions have other texts.

    The text of one exercise leads to a long list of addresses.
    """
    sheets = [lab.practice(name, number) for number in range(1, SHEETS + 1)]
    listed = "`trace_variant.given.addresses`"
    texts = {
        SOLVED[name].right[0](sheet.given): sheet.text.replace(listed, f"{getattr(sheet.given, 'addresses', listed)}")
        for sheet in sheets
    }
    assert len(set(texts.values())) == len(texts)


@by_name
def test_it_has_hints_that_differ(name: str) -> None:
    texts = hints_of(*asked(name))
    assert texts
    assert len(set(texts)) == len(texts)
