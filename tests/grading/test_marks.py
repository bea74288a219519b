"""Marks that can be explained: from which cell, why, for whom, and whom to ask at the desk; and codes of students."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.grading.earlier import beginning, result
from tests.labs.test_sheets import SOLVED
from vmwidgets import __version__
from vmwidgets.cli import main
from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading import Course, Graded, Grades, Row, grade, read_course
from vmwidgets.grading.findings import Status, found
from vmwidgets.grading.sample import sampled, share_of
from vmwidgets.grading.submission import MOST_JUDGED

from .synthetic import COURSE, notebook, solved, worth, written

KEY = "a key of enough characters"
WRONG = "another key of enough characters"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    path = tmp_path / "course.toml"
    path.write_text(f'course = "{COURSE}"\nexercises = {json.dumps(["01/guard", "01/gaps"])}\npredictions = 0.5\n')
    return path


def command(course: Path, *options: str) -> int:
    folder = course.parent
    return main(
        ["grade", str(folder / "in"), "--course", str(course), "--to", str(folder / "out"), "--jobs", "1", *options]
    )


def spoilt(student: str) -> dict[str, Any]:
    return solved("01/guard", student, SOLVED["01/guard"].spoilt[0])


# ---- why ---------------------------------------------------------------------------------------------


def test_a_file_that_is_not_a_notebook_has_no_version(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is its uploader's by the name of the file; nor does a notebook that names none have one called ''."""
    name = "Lab 01_zoe_attempt_2026-10-01-12-00-00"
    (course.parent / "in").mkdir(exist_ok=True)
    (course.parent / "in" / f"{name}.pdf").write_bytes(b"%PDF")
    made = notebook("bert", "01", solved("01/guard", "bert"))
    del made["cells"][0]["outputs"][0]["data"][beginning.MIME]["version"]
    (course.parent / "in" / "x.ipynb").write_text(json.dumps(made))
    (course.parent / "roster.csv").write_text("id,name\nzoe,Zoe\nbert,Bert\n")
    command(course, "--roster", str(course.parent / "roster.csv"), "--explain", "zoe")
    said = capsys.readouterr().out
    assert f"1 notebook of an unknown version of vmwidgets, judged by {__version__}" in said
    assert f"  {name}.pdf\n    not graded: not a notebook: a PDF" in said
    assert "''" not in said


def test_points_are_explained_by_file_and_cell(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first cell begins the lab, so the checks are in cells 2 and 3."""
    folder = tmp_path / "in"
    written(folder / "a.ipynb", "ada", "01", spoilt("ada"), solved("01/guard", "ada"))
    lied = {result.MIME: {**solved("01/gaps", "ADA", SOLVED["01/gaps"].spoilt[1])[result.MIME], "points": 4}}
    written(folder / "b.ipynb", "ADA", "01", lied)
    written(folder / "c.ipynb", "bert", "01", solved("01/guard", "bert"))
    assert command(course, "--explain", "Ada") == 1
    said = capsys.readouterr().out.partition("ada: ")[2].splitlines()
    assert f"  01/guard: {worth('01/guard')} of {worth('01/guard')}, from cell 3 of a.ipynb" in said
    assert "  01/gaps: 3 of 4, from cell 2 of b.ipynb" in said
    assert "    forged: the notebook claims 4 points, and its journal gives 3" in said
    assert f"  b.ipynb: lab 01, begun as ADA, vmwidgets {__version__!r}" in said
    assert "    01/gaps: 0 points; b.ipynb counts, with 3 of 4; in this file: no check of it is in the file" in said
    assert "    01/guard, cell 2: claims 4 points; not judged: it claims no more than the 5 that were found" in said
    assert not [line for line in said if "bert" in line or "c.ipynb" in line]


def test_why_work_was_not_judged_is_said_as_it_is(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As much as it claims was found; and the variant of another claims more than was found."""
    folder = tmp_path / "in"
    of_bert = solved("01/guard", "bert")
    written(folder / "a.ipynb", "ada", "01", {result.MIME: {**spoilt("ada")[result.MIME], "points": 5}}, of_bert)
    written(folder / "c.ipynb", "cleo", "01", spoilt("cleo"), {result.MIME: {**of_bert[result.MIME], "points": 1}})
    said = {}
    for student in "ada", "cleo":
        command(course, "--explain", student)
        said[student] = capsys.readouterr().out
    assert "01/guard, cell 3: claims 5 points; not judged: it was made for another variant\n" in said["ada"]
    found = int(spoilt("cleo")[result.MIME]["points"])
    assert f"cell 3: claims 1 point; not judged: it claims no more than the {found} that were found\n" in said["cleo"]


def test_no_more_works_of_an_exercise_are_judged_than_said(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    works = []
    for number in range(MOST_JUDGED + 1):
        data = spoilt("ada")[result.MIME]
        works.append({result.MIME: {**data, "points": 99 - number, "work": {**data["work"], "mark": number}}})
    written(tmp_path / "in" / "a.ipynb", "ada", "01", *works)
    command(course, "--explain", "ada")
    assert (
        f"cell {MOST_JUDGED + 2}: claims 79 points; not judged: {MOST_JUDGED} others were\n" in capsys.readouterr().out
    )


def test_who_is_unknown_is_said_and_who_has_no_file_too(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "in" / "a.ipynb", "ada", "01", solved("01/guard", "ada"))
    assert command(course, "--explain", "zoe") == 2
    assert "--explain 'zoe': there is no file from this student" in capsys.readouterr().err
    (tmp_path / "roster.csv").write_text("id,name\nada,Ada\nzoe,Zoe\n")
    assert command(course, "--roster", str(tmp_path / "roster.csv"), "--explain", "zoe") == 0
    assert "zoe: 0 of 9 points\n  no file has this student's id" in capsys.readouterr().out


def test_the_exit_code_tells_zeros_from_what_is_only_listed(tmp_path: Path, course: Path) -> None:
    """Wrong work is worth nothing and all is well; a file that can't be graded is its student's only one."""
    folder = tmp_path / "in"
    written(folder / "a.ipynb", "ada", "01", solved("01/guard", "ada"), solved("01/gaps", "ada"))
    nothing = [solved(one, "bert", lambda _asked: "") for one in ("01/guard", "01/gaps")]
    written(folder / "b.ipynb", "bert", "01", *nothing)
    assert command(course) == 0
    written(folder / "c.ipynb", "ada", "01", course="another")
    assert command(course) == 1
    written(folder / "d.ipynb", "cleo", "01", course="another")
    assert command(course) == 3
    (tmp_path / "given.csv").write_text("student,exercise,points,reason\ncleo,01/guard,3,read\n")
    assert command(course, "--overrides", str(tmp_path / "given.csv")) == 1


LOOK = found(Status.STOPPED_CHECK, problem="look")


# ---- whom --------------------------------------------------------------------------------------------


def a_class(count: int, listed: str = "") -> Grades:
    def file(student: str) -> Graded:
        row = Row(f"{student}.ipynb", student, "01/guard", 5, 5, findings=(LOOK,) * (student == listed))
        return Graded(row.path, student, "01", None, (row,), {}, {}, {})

    return Grades(Course("os", {"01/guard": 5}), tuple(file(f"s{number}") for number in range(count)))


def test_a_part_of_the_class_is_drawn_with_a_secret_and_all_who_are_listed() -> None:
    assert len(sampled(a_class(41), 0.1, "a")) == 5
    assert sampled(a_class(41), 0.1, "a") == sampled(a_class(41), 0.1, "a") != sampled(a_class(41), 0.1, "b")
    assert {f"s{number}" for number in range(41)} == {
        one for secret in range(100) for one in sampled(a_class(41), 0.1, str(secret))
    }, "everybody may be asked"
    for listed in ("s0", "s40"):
        assert set(sampled(a_class(41, listed), 0.1, "a")) == {*sampled(a_class(41), 0.1, "a"), listed}


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "1.5", "ten", "-5%", "5 %%"])
def test_a_part_that_can_not_be_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="write a part of the class"):
        share_of(text)


# ---- codes -------------------------------------------------------------------------------------------


def test_with_a_key_only_work_from_the_own_code_counts(tmp_path: Path, course: Path) -> None:
    course.write_text(course.read_text() + f'key = "{KEY}"\ngroups = 2\n')
    folder = tmp_path / "in"
    for name, key in {"right": KEY, "without": "", "made-up": WRONG, "Zoe+right2": KEY}.items():
        written(folder / f"{name}.ipynb", name, "01", solved("01/gaps", name, key=key), key=key)
    # The code of another, whose sheet this then is: the notebook says the own seed.
    lied = solved("01/gaps", "right", key=KEY)
    written(folder / "liar.ipynb", "liar", "01", lied, key=KEY)
    grades = grade(folder, read_course(course), jobs=1)
    assert grades.students() == {
        "Zoe": worth("01/gaps"), "right": worth("01/gaps"), "right2": worth("01/gaps"), "liar": 0, "made-up": 0,
        "without": 0,
    }  # fmt: skip  # a table
    says = {row.student: row.says for row in grades.look if row.exercise in ("", "01/gaps")}
    assert says == {
        "liar": "the same journal as right; its journal is of another variant",
        "made-up": "it was begun with a code that is not that of made-up",
        "without": "it was begun without a code: write code= in lab.begin and do the exercises again",
    }


def test_codes_need_the_key_to_be_graded(tmp_path: Path, course: Path) -> None:
    written(tmp_path / "in" / "ada.ipynb", "ada", "01", solved("01/gaps", "ada", key=KEY), key=KEY)
    (row,) = grade(tmp_path / "in", read_course(course), jobs=1).rows
    assert row.says == "it was begun with a code, and the course's file has no key"


def test_the_key_is_in_no_result(tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course.write_text(course.read_text() + f'key = "{KEY}"\n')
    written(tmp_path / "in" / "ada.ipynb", "ada", "01", solved("01/gaps", "ada", key=KEY), key=KEY)
    command(course, "--explain", "ada")
    said = "".join(capsys.readouterr())
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in said
    assert KEY not in repr(read_course(course))


@pytest.mark.parametrize("key", ['"short"', "5", '["a"]'])
def test_a_key_that_can_not_be_is_refused_without_its_text(tmp_path: Path, course: Path, key: str) -> None:
    course.write_text(f"{course.read_text()}key = {key}\n")
    with pytest.raises(Refused, match="key is not a text of at least 16 characters") as caught:
        read_course(course)
    assert "short" not in str(caught.value)


def test_the_course_of_the_handbook_can_be_pasted(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "grading.md").read_text(encoding="utf-8")
    sample = page.partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "course.toml"
    path.write_text(sample)
    assert (read_course(path).name, [*read_course(path).exercises]) == ("os-2026", ["01/guard", "01/gaps"])
    path.write_text(re.sub("^# (?!key|modules)", "", sample, flags=re.MULTILINE))
    assert (read_course(path).prediction, [*read_course(path).due], read_course(path).groups) == (0.5, ["01"], 2)


def test_an_unknown_key_of_a_course_is_called_a_key(course: Path) -> None:
    course.write_text(f"{course.read_text()}predictons = 1\n")
    with pytest.raises(Refused, match=r"^unknown key in \w+\.toml: 'predictons'; did you mean 'predictions'\?"):
        read_course(course)
