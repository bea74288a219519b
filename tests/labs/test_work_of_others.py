"""Another student's right work, handed to the judge as one's own: on average it earns about half of the points at most.

``pytest -s -m "sweep or not sweep" tests/labs/test_work_of_others.py`` prints what it earns in each exercise.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.sheet import sheet_of
from vmwidgets.labs.work import remade

from .solutions import run
from .test_sheets import SHIPPED, SOLVED

STUDENTS = tuple(f"student-{number}" for number in range(6))

MOST = 0.55
"""Of an exercise's points, on average."""

SAMPLE = ("01/guard", "03/window", "00/segments", "08/survivor")
"""Two in which it earns next to nothing, and two in which it earns most."""


def earned(exercise: str) -> list[int]:
    """The points of each student's right work on the variant of each other student."""
    variants = [f"{Beginning(exercise.partition('/')[0], 'os-2026', (one,)).seed:016x}" for one in STUDENTS]
    works = {}
    for variant in variants:
        sheet = sheet_of(exercise, variant)
        names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": sheet.start()}
        run(SOLVED[exercise].right[0](sheet.given), names)
        works[variant] = judged_for(exercise, variant, names["thing"]).work
    return [judged_for(exercise, mine, remade(works[theirs])).points for theirs, mine in permutations(variants, 2)]


@pytest.mark.parametrize(
    "exercise", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.sweep) for name in SHIPPED]
)
def test_the_work_of_others_earns_about_half_at_most(exercise: str) -> None:
    found, of = earned(exercise), exercises()[exercise].points
    mean = sum(found) / len(found)
    print(f"{exercise}: {mean:.1f} of {of} on average, all points in {found.count(of)} of {len(found)}")
    assert mean <= MOST * of
