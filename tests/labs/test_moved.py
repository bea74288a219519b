"""Exercises that are in another notebook than their ids say: work in both counts, and in no third one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.grading.earlier import result
from tests.grading.synthetic import COURSE, checked, seed_of, written
from tests.labs.test_sheets import SOLVED
from vmwidgets import lab
from vmwidgets.grading import grade, read_course

COUNTS = {"08": ("08/survivor", "08/family"), "08a": ("08/survivor",), "08b": ("08/family",), "09": ()}


@pytest.mark.parametrize("name", COUNTS)
def test_work_counts_where_the_exercise_is_and_where_its_id_says(tmp_path: Path, name: str) -> None:
    works = [
        {result.MIME: checked(exercise, seed_of("ada", name), SOLVED[exercise].right[0])} for exercise in COUNTS["08"]
    ]
    written(tmp_path / "in" / "ada.ipynb", "ada", name, *works)
    rules = tmp_path / "course.toml"
    rules.write_text(f'course = "{COURSE}"\nexercises = ["08/survivor", "08/family", "09/refill"]\n')
    found = {row.exercise: row.points for row in grade(tmp_path / "in", read_course(rules), jobs=1).rows if row.points}
    assert found == dict.fromkeys(COUNTS[name], 6)


@pytest.mark.parametrize("name", COUNTS)
def test_a_check_says_the_same(name: str) -> None:
    lab.begin(name, student="ada", course=COURSE)
    assert [one for one in COUNTS["08"] if not lab.check(one).problem.startswith("this is an exercise of lab")] == [
        *COUNTS[name]
    ]


def test_dates_are_those_of_both(tmp_path: Path) -> None:
    rules = tmp_path / "course.toml"
    rules.write_text(
        f'course = "{COURSE}"\nexercises = ["08/family"]\ndue = {{ "08" = "2026-01-01", "08b" = "2026-02-01" }}\n'
    )
    assert [date.month for date in read_course(rules).due.values()] == [1, 2]
