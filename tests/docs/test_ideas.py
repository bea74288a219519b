"""The instructors' table of all that is asked: each prediction and each exercise, and which mistake it tells apart."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.labs.test_sheets import SOLVED
from tests.notebooks.test_form import NOTEBOOKS, asked
from vmwidgets.labs.exercise import exercises

pytestmark = pytest.mark.once

PAGE = Path(__file__).resolve().parents[2] / "course" / "instructors" / "README.md"
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]
"""The cells of each row; the first begins with a name in quotes."""


def name_of(row: list[str]) -> str:
    return row[0].split("`")[1]


def test_each_prediction_has_its_row_with_the_right_answer_and_a_mistake() -> None:
    rows = [row for row in ROWS if len(row) == 3]
    assert sorted(map(name_of, rows)) == sorted(name for path in NOTEBOOKS for name in asked(path))
    for row in rows:
        assert all(row), row
        assert re.match(r"\*.+?\*: .+\. .+", row[2]), "an answer, the mistake's name, and why it is one"


def test_each_exercise_has_a_row_for_each_way_to_lose_points() -> None:
    rows = [row for row in ROWS if len(row) == 4]
    shipped = [name for name, one in exercises().items() if one.shipped]
    assert Counter(map(name_of, rows)) == {name: len(SOLVED[name].spoilt) for name in shipped}
    for row in rows:
        assert all(row), row
        assert row[2] != row[3]
