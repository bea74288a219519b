"""Pieces of work to ask of: each exercise, done in a right way and in a spoilt one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest

from tests.grading.synthetic import Recipe, checked
from tests.labs.test_sheets import SHIPPED, SOLVED
from vmwidgets.grading.checkoff.kinds import questions, subject_of
from vmwidgets.questions.question import Question

OF = "default"
RIGHT, OTHERWISE, SPOILT = "right", "right in another way", "spoilt"
SLOW = {"07/eleven", "09/grant", "10/loader", "beyond/pages"}
"""Exercises whose judge takes its time."""


def works(names: Iterable[str], *now: tuple[str, str]) -> pytest.MarkDecorator:
    """Each of these exercises, right and spoilt: those of `now` by `make test`, all others in the sweep."""
    every = [(name, how) for name in names for how in (RIGHT, SPOILT)]
    params = [pytest.param(*one, marks=() if one in now else pytest.mark.sweep) for one in every]
    return pytest.mark.parametrize(("exercise", "how"), params)


ALL = works(SHIPPED, *((name, RIGHT) for name in SHIPPED if name not in SLOW))


def recipe_of(exercise: str, how: str) -> Recipe:
    """What was typed."""
    solved = SOLVED[exercise]
    return {RIGHT: solved.right[0], OTHERWISE: solved.right[-1], SPOILT: solved.spoilt[0]}[how]


@cache
def work_of(exercise: str, how: str, of: str = OF) -> dict[str, Any]:
    """The work as a notebook keeps it."""
    recipe = recipe_of(exercise, how)
    work: dict[str, Any] = checked(exercise, of, recipe)["work"]
    return work


@cache
def asked_of(exercise: str, how: str) -> tuple[Question, ...]:
    """All questions on it."""
    return tuple(questions(subject_of(exercise, OF, work_of(exercise, how))))
