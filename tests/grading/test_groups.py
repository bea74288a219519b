"""Who works together: how many may, with whom, and who is in two groups; and limits of one file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from vmwidgets.cli import main
from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading import Grades, grade, read_course
from vmwidgets.labs.saved import NOTEBOOK_BYTES

from .synthetic import COURSE, slow, solved, worth, written


def course(tmp_path: Path, more: str = "") -> Path:
    path = tmp_path / "course.toml"
    path.write_text(f'course = "{COURSE}"\nexercises = ["01/guard", "02/no-rotation"]\n{more}')
    return path


def hand_in(tmp_path: Path, *groups: str, lab: str = "01", exercise: str = "01/guard") -> Path:
    for group in groups:
        written(tmp_path / "in" / f"{lab}-{group}.ipynb", group, lab, solved(exercise, group))
    return tmp_path / "in"


def listed(grades: Grades) -> list[tuple[str, str]]:
    return [(row.student, row.says) for row in grades.look]


def test_eight_students_with_one_solution_are_listed_and_lose_nothing(tmp_path: Path) -> None:
    everyone = "+".join(f"s{number}" for number in range(8))
    folder = hand_in(tmp_path, everyone)
    grades = grade(folder, read_course(course(tmp_path)), jobs=1)
    assert listed(grades) == [(everyone, "8 students began it together, and the course allows groups of 1")]
    assert set(grades.students().values()) == {worth("01/guard")}
    assert listed(grade(folder, read_course(course(tmp_path, "groups = 8\n")), jobs=1)) == []


def test_who_is_in_two_groups_of_a_lab_is_listed_once(tmp_path: Path) -> None:
    """Another partner in another lab is usual, and so is the same pair twice, or work of one's own."""
    hand_in(tmp_path, "ada+bert", "bert+cleo", "dan+eve", "dan")
    hand_in(tmp_path, "dan+fay", lab="02", exercise="02/no-rotation")
    written(tmp_path / "in" / "again.ipynb", "eve+dan", "01", solved("01/guard", "dan+eve"))
    grades = grade(tmp_path / "in", read_course(course(tmp_path, "groups = 2\n")), jobs=1)
    assert listed(grades) == [("bert", "worked in 2 groups in lab 01: ada+bert, bert+cleo")]


def test_the_table_says_with_whom(tmp_path: Path) -> None:
    hand_in(tmp_path, "ada+bert", "cleo")
    hand_in(tmp_path, "ada+dan", lab="02", exercise="02/no-rotation")
    to = ["--course", str(course(tmp_path, "groups = 2\n")), "--to", str(tmp_path / "out"), "--jobs", "1"]
    assert main(["grade", str(tmp_path / "in"), *to]) == 0
    with (tmp_path / "out" / "students.csv").open(newline="") as file:
        found = {row["student"]: row["with"] for row in csv.DictReader(file)}
    assert found == {"ada": "bert, dan", "bert": "ada", "cleo": "", "dan": "ada"}


@pytest.mark.parametrize("given", ["0", "9", "-1", "true", '"2"', "2.5", "[2]"])
def test_a_number_of_students_that_can_not_be_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(Refused, match=r"^groups = .*: write how many students may share a notebook, 1 to 8$"):
        read_course(course(tmp_path, f"groups = {given}\n"))


# ---- limits ------------------------------------------------------------------------------------------


def test_a_file_that_is_larger_than_the_option_says_is_a_row_and_is_read_with_another(tmp_path: Path) -> None:
    path = written(tmp_path / "in" / "a.ipynb", "ada", "01", solved("01/guard", "ada"))
    path.write_text(path.read_text() + " " * 200_000)
    to = ["--course", str(course(tmp_path)), "--to", str(tmp_path / "out"), "--jobs", "1"]
    assert main(["grade", str(tmp_path / "in"), *to, "--size", "0.1"]) == 1
    assert "the file has more than 0.1 MiB" in (tmp_path / "out" / "grades.csv").read_text()
    assert main(["grade", str(tmp_path / "in"), *to, "--size", "1"]) == 0


def test_the_option_allows_files_that_are_larger_than_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With as much white space as a file may have, for grades, for questions at the desk and for a class's gain."""
    path = written(tmp_path / "in" / "a.ipynb", "ada", "01", solved("01/guard", "ada"))
    path.write_text(path.read_text() + " " * NOTEBOOK_BYTES)
    usual = NOTEBOOK_BYTES >> 20
    larger = "--size", f"{usual + 1}"
    to = ["--to", str(tmp_path / "out")]
    grades = ["grade", str(tmp_path / "in"), "--course", str(course(tmp_path)), *to, "--jobs", "1"]
    assert main(grades) == 1
    assert f"the file has more than {usual} MiB" in (tmp_path / "out" / "grades.csv").read_text()
    assert main([*grades, *larger]) == 0
    assert main(["grade", str(path), "--ask"]) == 2
    assert main(["grade", str(path), "--ask", *larger]) == 0
    capsys.readouterr()
    assert main(["grade", str(tmp_path / "in"), "--gain", *to, *larger]) == 2
    assert "it is of lab 01, and has no concept test" in capsys.readouterr().err


def test_a_file_that_takes_longer_than_the_option_says_is_a_row(tmp_path: Path) -> None:
    slow(tmp_path / "in" / "ada.ipynb", "ada")
    path = tmp_path / "course.toml"
    path.write_text(f'course = "{COURSE}"\nexercises = ["10/stack"]\n')
    to = ["--course", str(path), "--to", str(tmp_path / "out"), "--jobs", "1"]
    assert main(["grade", str(tmp_path / "in"), *to, "--seconds", "1"]) in (1, 3)
    assert "judging took longer than 1 seconds" in (tmp_path / "out" / "grades.csv").read_text()


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [("--size", "0", "0.1 to 1,024 MiB"), ("--size", "1025", "0.1 to 1,024 MiB"), ("--size", "nan", "such as 100"),
     ("--seconds", "0", "1 to 3,600 seconds"), ("--seconds", "inf", "such as 90")],
)  # fmt: skip  # a table
def test_a_limit_that_can_not_be_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, says: str
) -> None:
    folder = hand_in(tmp_path, "ada")
    to = ["--course", str(course(tmp_path)), "--to", str(tmp_path / "out")]
    assert main(["grade", str(folder), *to, option, value]) == 2
    assert says in capsys.readouterr().err
