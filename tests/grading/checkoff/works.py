"""Pieces of work to ask of: each exercise, done in a right way and in a spoilt one."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.grading.synthetic import Recipe, checked
from tests.labs.test_sheets import SHIPPED, SOLVED
from vmwidgets.grading.checkoff.kinds import questions
from vmwidgets.labs.sheet import sheet_of
from vmwidgets.questions.question import Question

OF = "default"
RIGHT, SPOILT = "right", "spoilt"
SLOW = {"07/eleven", "09/thrift", "10/execve", "beyond/pages"}
"""Exercises whose judge takes its time: their spoilt work is asked of in the sweep."""

ALL = pytest.mark.parametrize(
    ("exercise", "how"),
    [
        pytest.param(name, how, marks=pytest.mark.sweep if how == SPOILT and name in SLOW else ())
        for name in SHIPPED
        for how in (RIGHT, SPOILT)
    ],
)


def recipe_of(exercise: str, how: str) -> Recipe:
    """What was typed."""
    solved = SOLVED[exercise]
    return solved.right[0] if how == RIGHT else solved.spoilt[0]


@cache
def work_of(exercise: str, how: str, of: str = OF) -> dict[str, Any]:
    """The work as a notebook keeps it; a function that was typed in no file has its source given here."""
    recipe = recipe_of(exercise, how)
    if exercise == "11/policy":
        return {"kind": "function", "name": "thing", "source": recipe(sheet_of(exercise, of).given)}
    work: dict[str, Any] = checked(exercise, of, recipe)["work"]
    return work


@cache
def asked_of(exercise: str, how: str) -> tuple[Question, ...]:
    """All questions on it."""
    return tuple(questions(exercise, OF, work_of(exercise, how)))
