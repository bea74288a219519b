"""Twice as many files cost twice as much, and what is in them costs the main process nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vmwidgets.engine.base.files import written_whole
from vmwidgets.grading import cluster, files, grade, notebook, output, read_course, submission
from vmwidgets.grading.grades import Graded, Grades

from .large import COURSE, finished, graded
from .synthetic import COURSE as NAME
from .synthetic import solved, written

MOST = 2.4
"""Times the work, for twice as many files."""


def calls(do: Callable[[], object]) -> int:
    """How many functions are called, of Python's own too; nothing depends on how fast they are."""
    count = 0

    def called(_frame: object, event: str, _given: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        do()
    finally:
        sys.setprofile(None)
    return count


def test_all_that_is_done_after_judging_is_linear(tmp_path: Path) -> None:
    finished(10, tmp_path / "first")  # what is imported and made once
    once, twice = (calls(lambda: finished(count, tmp_path / str(count))) for count in (100, 200))  # noqa: B023  called at once
    assert once < twice <= MOST * once


def test_each_student_is_found_without_a_look_at_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the number of times that the students of a file are asked for."""
    asked = 0
    students: Any = vars(Graded)["students"]

    def counted(file: Graded) -> Any:
        nonlocal asked
        asked += 1
        return students.fget(file)

    monkeypatch.setattr(Graded, "students", property(counted))
    grades = Grades(COURSE, tuple(graded(100)))
    for student in grades.students():
        grades.rows_of(student)
        grades.files_of(student)
        grades.late_of(student)
        grades.points_of(student)
    assert asked == 100


def test_a_student_has_the_files_and_rows_of_a_search_through_all() -> None:
    grades = Grades(COURSE, tuple(graded(30)))
    for student in grades.students():
        found = [file for file in grades.files if student in file.student.split("+")]
        assert grades.files_of(student) == found
        assert set(grades.rows_of(student)) == {row.exercise for file in found for row in file.rows}
    assert (grades.files_of("nobody"), grades.rows_of("nobody"), grades.points_of("nobody")) == ([], {}, 0)


def test_the_main_process_reads_no_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "course.toml").write_text(f'course = "{NAME}"\nexercises = ["01/guard"]\n')
    for student in "ada", "bert":
        written(tmp_path / "in" / f"{student}.ipynb", student, "01", solved("01/guard", student))

    def fails(*_given: object) -> Any:
        raise AssertionError("a notebook is read in the main process")

    for module in files, notebook, cluster:
        monkeypatch.setattr(module, "content_of", fails)
    monkeypatch.setattr(submission, "notebook_of", fails)
    state = tmp_path / "out" / "state.jsonl"
    for _ in range(2):
        rows = grade(tmp_path / "in", read_course(tmp_path / "course.toml"), state=state, jobs=2).rows
        assert [(row.student, row.points) for row in rows] == [("ada", 5), ("bert", 5)]


def test_a_result_that_is_there_already_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written_now: list[Path] = []

    def noted(path: Path, **options: Any) -> Any:
        written_now.append(path)
        return written_whole(path, **options)

    monkeypatch.setattr(output, "written_whole", noted)
    same, other = tmp_path / "same", tmp_path / "other"
    output.write({same: "a", other: "b"})
    assert output.write({same: "a", other: "c", tmp_path / "new": "d"}) == [same, other, tmp_path / "new"]
    assert written_now == [same, other, other, tmp_path / "new"]
    assert (same.read_text(), other.read_text()) == ("a", "c")
