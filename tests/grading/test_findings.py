"""Findings: each has words for both readers, and comes back from a file; what one hides, and whom it lists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from tests.grading.earlier import result
from tests.labs.test_sheets import SOLVED
from vmwidgets.cli import main
from vmwidgets.grading import grade, read_course, report
from vmwidgets.grading.findings import SUSPICIOUS, Finding, Status, found
from vmwidgets.labs.sheet import sheet_of

from .synthetic import COURSE, checked, notebook, seed_of, solved, written

TWICE = "thing.task('init').fork('left')\nthing.task('init').fork('right')"
RIGHT, ALL = SOLVED["06/by-hand"].right[0], SOLVED["08/survivor"].right[0]
CLEARED = json.dumps({**notebook("ada", "01"), "cells": []}).encode()

OF_THE_FILE = {"course", "student", "edition", "others", "by", "students", "made", "kind", "ids"}
"""Values that a file says of itself, or that are other students'."""


def named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("status", Status)
def test_each_finding_has_words_for_staff_and_for_students(status: Status) -> None:
    about: dict[str, Any] = dict.fromkeys(named(status.staff) | named(status.student), "4711")
    finding = found(status, **about)
    assert finding.staff
    assert "{" not in finding.staff + finding.student
    assert bool(finding.student) != (status in SUSPICIOUS or not status.student)
    assert not named(status.student) & OF_THE_FILE
    again = Finding.made_from(json.loads(json.dumps(finding.data())))
    assert again == finding


def test_a_finding_about_another_says_both_to_each_reader() -> None:
    was = found(Status.OTHER_EDITION, edition="'Ada.is.reported'", ours="2", made="vmwidgets 3")
    both = found(Status.HIGHER, cell="4", claim="6", was=was)
    again = Finding.made_from(json.loads(json.dumps(both.data())))
    assert again.staff == f"the work of cell 4, which claims 6, was {was.staff}"
    assert again.student.endswith("was not judged: it was made with another edition of this exercise")


# ---- the same journal --------------------------------------------------------------------------------


def students(parent: str, count: int) -> list[str]:
    """Students who are asked for other frames, and for the same tasks."""
    found: dict[str, str] = {}
    for name in map(str, range(200)):
        one: Any = sheet_of("08/family", seed_of(name, "08b")).given
        if one.parent == parent:
            found.setdefault(one.text, name)
    return [*found.values()][:count]


def done(student: str, recipe: str) -> dict[str, Any]:
    return {result.MIME: checked("08/family", seed_of(student, "08b"), lambda _asked: recipe)}


def said(folder: Path, tmp_path: Path, *exercises: str) -> dict[str, tuple[float, str]]:
    """What is found of each file's exercises, by student."""
    course = tmp_path / "course.toml"
    course.write_text(f'course = "{COURSE}"\nexercises = {json.dumps(exercises)}\n')
    return {row.student: (row.points, row.says) for row in grade(folder, read_course(course), jobs=1).rows}


def test_two_weak_students_who_did_as_little_are_not_listed(tmp_path: Path) -> None:
    """Both forked twice, which is the first that the task asks for, and no more: there is but one way to do this."""
    ada, bert = students("init", 2)
    for student in ada, bert:
        written(tmp_path / "in" / f"{student}.ipynb", student, "08b", done(student, TWICE))
    assert said(tmp_path / "in", tmp_path, "08/family") == {ada: (1, ""), bert: (1, "")}


def test_work_that_earns_one_of_them_more_than_half_is_listed_for_both(tmp_path: Path) -> None:
    ada, bert = students("init", 2)
    whole = checked("08/family", seed_of(ada, "08b"), SOLVED["08/family"].right[0])
    written(tmp_path / "in" / "a.ipynb", ada, "08b", {result.MIME: whole})
    written(tmp_path / "in" / "b.ipynb", bert, "08b", {result.MIME: {**whole, "sheet": seed_of(bert, "08b")}})
    found = said(tmp_path / "in", tmp_path, "08/family")
    assert 0 < found[bert][0] <= 3 < found[ada][0] == 6
    assert f"the same journal as {bert}" in found[ada][1]
    assert f"the same journal as {ada}" in found[bert][1]


# ---- whom the command names --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [("01-maps.ipynb", CLEARED), ("01-maps.py", b"print()"), ("01.zip", b"PK\x05\x06"), ("x", b""), ("x.pdf", b"%PDF")],
)
def test_who_has_a_good_file_of_one_lab_and_none_of_another_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    """The file's name is a learning system's, which says whose it is; of which lab it should be is not said."""
    folder = tmp_path / "in" / "Ada Lovelace_1_assignsubmission_file"
    written(folder / "06.ipynb", "ada", "06", {result.MIME: checked("06/by-hand", seed_of("ada", "06"), RIGHT)})
    (tmp_path / "roster.csv").write_text("id,name\nada,Ada Lovelace\n")
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard", "06/by-hand"]\n')
    files = [str(tmp_path / "in"), "--course", str(tmp_path / "course.toml"), "--to", str(tmp_path / "out")]
    command = ["grade", *files, "--roster", str(tmp_path / "roster.csv"), "--jobs", "1"]
    assert main(command) == 0
    (folder / name).write_bytes(content)
    capsys.readouterr()
    assert main(command) == 3
    assert "no points for exercises, although no work was found wrong: ada" in capsys.readouterr().out
    written(folder / "01.ipynb", "ada", "01", solved("01/guard", "ada"))
    assert main(command) == 1, "work of each lab is there: the file is something else"


def test_an_exercise_that_is_left_out_needs_no_look_and_its_student_reads_so(tmp_path: Path) -> None:
    """Half a lab may be optional: whoever skips it is not to be asked at the desk."""
    written(tmp_path / "in" / "a.ipynb", "ada", "01", solved("01/guard", "ada"))
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard", "01/gaps"]\n')
    grades = grade(tmp_path / "in", read_course(tmp_path / "course.toml"), jobs=1)
    (skipped,) = (row for row in grades.rows if row.exercise == "01/gaps")
    assert grades.look == []
    assert skipped.note == skipped.remark == "no check of it is in the file"


def test_the_report_has_no_number_of_one_student(tmp_path: Path) -> None:
    """What is met says which page a variant asked for: the class was asked for others."""
    written(
        tmp_path / "in" / "a.ipynb", "ada", "08a", {result.MIME: checked("08/survivor", seed_of("ada", "08a"), ALL)}
    )
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["08/survivor"]\n')
    page = report.html(grade(tmp_path / "in", read_course(tmp_path / "course.toml"), jobs=1), str)
    assert "the last signal is a SIGBUS for page …" in page
    assert not re.search(r"SIGBUS for page \d", page)
