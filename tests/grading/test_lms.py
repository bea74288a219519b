"""Gradebook files against the formats that Canvas, Moodle and Blackboard publish.

docs/grading.md names the pages.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from vmwidgets.grading.comparing import compared
from vmwidgets.grading.course import Course
from vmwidgets.grading.grades import Graded, Grades, Row
from vmwidgets.grading.lms import gradebook
from vmwidgets.grading.output import file_names
from vmwidgets.grading.roster import read_roster, with_roster

COURSE = Course("os", {"01/guard": 5, "01/gaps": 4})


def file(student: str, guard: float, gaps: float) -> Graded:
    rows = (Row("", student, "01/guard", guard, 5), Row("", student, "01/gaps", gaps, 4))
    return Graded(f"{student}.ipynb", student, "01", None, rows, {}, {}, {})


GRADES = Grades(COURSE, (file("ada", 2.5, 4), file("bert+cleo", 5, 0)))


def made(tmp_path: Path, roster: str, system: str, grades: Grades = GRADES) -> tuple[str, bytes]:
    path = tmp_path / "roster.csv"
    path.write_text(roster)
    people = read_roster(path)
    return gradebook(with_roster(replace(grades, files=compared(grades.files, people)), people), people, system)


def test_who_wrote_two_ids_is_one_person_with_the_most_points(tmp_path: Path) -> None:
    """Whatever the other notebook is worth: anybody may have written that id."""
    course = replace(COURSE, prediction=1)
    answered = {"01/cut": {"answer": "1"}}
    files = replace(file("ada", 5, 1), predictions=answered), replace(file("ada@u", 0, 2), predictions=answered)
    _, content = made(tmp_path, "id,email\nada,ada@u\n", "moodle", Grades(course, files))
    assert content.decode().splitlines()[1] == "ada,ada@u,5,2,1"


CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Guard pages (77),01/guard (4711),Final Score
    Points Possible,,,,,3,5.0,(read only)
"Lovelace, Ada",12,00123,ada,Mon,1,,50
"Meitner, Lise",13,00124,lise,Mon,,3,40
"Müller, Bert",14,00125,BERT,Tue,,,30
"""


def test_canvas_keeps_identity_titles_and_the_second_row(tmp_path: Path) -> None:
    name, content = made(tmp_path, CANVAS, "canvas")
    assert name == "gradebook-canvas.csv"
    assert list(csv.reader(io.StringIO(content.decode()))) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01/guard (4711)", "01/gaps"],
        ["    Points Possible", "", "", "", "", "5.0", "4"],
        ["Lovelace, Ada", "12", "00123", "ada", "Mon", "2.5", "4"],
        ["Meitner, Lise", "13", "00124", "lise", "Mon", "3", ""],  # handed in nothing: nothing changes
        ["Müller, Bert", "14", "00125", "BERT", "Tue", "5", "0"],
    ]


def test_canvas_from_a_list_of_an_office(tmp_path: Path) -> None:
    _, content = made(tmp_path, "Login;First name;Last name\nada;Ada;Lovelace\n", "canvas")
    assert content.decode().splitlines() == [
        "Student;ID;SIS User ID;SIS Login ID;Section;01/guard;01/gaps", "    Points Possible;;;;;5;4",
        "Ada Lovelace;;;ada;;2,5;4",
    ]  # fmt: skip


def test_moodle_keeps_its_columns_of_identity(tmp_path: Path) -> None:
    roster = (
        "First name,Last name,ID number,Institution,Email address,Assignment: 01/gaps (Real),"
        "Assignment: 01/gaps (Feedback),Assignment: 01/guard (Real)\n"
        'Ada,Lovelace,007,,ada,,,"1,5"\nBert,Müller,008,,bert,-,,-\n'
    )
    name, content = made(tmp_path, roster, "moodle")
    assert name == "gradebook-moodle.csv"
    assert list(csv.reader(io.StringIO(content.decode()))) == [
        ["First name", "Last name", "ID number", "Email address", "Assignment: 01/guard (Real)",
         "Assignment: 01/gaps (Real)"],
        ["Ada", "Lovelace", "007", "ada", "2,5", "4"], ["Bert", "Müller", "008", "bert", "5", "0"],
    ]  # fmt: skip


def test_points_for_predictions_have_a_column_that_comes_on_top(tmp_path: Path) -> None:
    asked = {"01/cut": {"answer": "1"}, "01/merge": {"answer": None}, "01/first-fit": {"answer": "2"}}
    one = replace(GRADES, course=replace(COURSE, prediction=0.5), files=(replace(GRADES.files[0], predictions=asked),))
    _, content = made(tmp_path, "SIS Login ID\nada\n", "canvas", one)
    assert [line.split(",")[5:] for line in content.decode().splitlines()] == [
        ["01/guard", "01/gaps", "predictions"], ["5", "4", "0"], ["2.5", "4", "1"],
    ]  # fmt: skip


BLACKBOARD = (
    '"Last Name"{0}"First Name"{0}"Username"{0}"Student ID"{0}"Last Access"{0}"01/guard [Total Pts: 5 Score] |998_1"{0}'
    '"Stacks and their guard pages [Total Pts: 5 Score] |999_1"\n"Lovelace"{0}"Ada"{0}"ada"{0}"007"{0}""{0}""{0}""\n'
)


def test_blackboard_with_tabs_is_utf_16(tmp_path: Path) -> None:
    name, content = made(tmp_path, BLACKBOARD.format("\t"), "blackboard")
    assert name == "gradebook-blackboard.xls"
    assert content[:2] == b"\xff\xfe"
    assert content.decode("utf-16").splitlines() == [
        "Last Name\tFirst Name\tUsername\t01/guard [Total Pts: 5 Score] |998_1\t01/gaps", "Lovelace\tAda\tada\t2.5\t4",
    ]  # fmt: skip


def test_blackboard_with_commas_quotes_each_cell(tmp_path: Path) -> None:
    name, content = made(tmp_path, BLACKBOARD.format(","), "blackboard")
    assert name == "gradebook-blackboard.csv"
    assert content.decode().splitlines()[1] == '"Lovelace","Ada","ada","2.5","4"'


def test_who_worked_alone_and_in_a_pair_has_the_better_points(tmp_path: Path) -> None:
    grades = replace(GRADES, files=(*GRADES.files, file("bert", 1, 3)))
    _, content = made(tmp_path, "username\nbert\ncleo\n", "moodle", grades)
    assert content.decode().splitlines() == ["username,01/guard,01/gaps", "bert,5,3", "cleo,5,0"]


@pytest.mark.parametrize(
    ("student", "name"),
    [
        ("S123", "S123"), ("a.b@c.org", "a.b@c.org"), ("con", "con_-"), ("COM1.x", "COM1.x_-"), ("a:b", "a_b-"),
        ("../../etc", "___.._etc-"), ("a.", "a_-"), ("x" * 300, "x" * 80 + "-"), ("a\nb", "a_b-"),
    ],
)  # fmt: skip  # one list
def test_names_of_files_are_possible_on_each_system(student: str, name: str) -> None:
    found = file_names([student])[student]
    assert found == name if name == student else found.startswith(name)
    assert not set(found) & set('<>:"/\\|?*\n')


def test_names_that_differ_in_capitals_only_are_two_files() -> None:
    assert len({one.casefold() for one in file_names(["Ada", "ada"]).values()}) == 2
