"""What a student reads before submitting: what will count, for whom, and what is missing; as the grader then finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.grading.earlier import beginning, prediction, result
from tests.labs.test_sheets import SOLVED
from vmwidgets.cli import main
from vmwidgets.grading import grade, read_course
from vmwidgets.grading.doctor import diagnosis
from vmwidgets.labs.mistakes import known_mistakes

from .synthetic import COURSE, begun, notebook, solved, written

QUESTIONS = [name for name in known_mistakes() if name.startswith("01/")]


def answered(*names: str) -> list[dict[str, Any]]:
    return [{prediction.MIME: {"id": name, "answer": "1"}} for name in names]


def said(path: Path) -> list[str]:
    return list(diagnosis(path).lines())


def test_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = solved("01/guard", "ada"), solved("01/gaps", "ada")
    path = written(tmp_path / "01-maps.ipynb", "ada", "01", *both, *answered(*QUESTIONS))
    assert main(["doctor", str(path)]) == 0
    first = "Lab 01 of ada, course os-2026. Are the id and the course as you received them from your instructor?"
    assert capsys.readouterr().out.splitlines() == [
        f"{first} If you have a code, it is missing.",
        "01/guard, cell 2: 5 of 5 points will count.",
        "01/gaps, cell 3: 4 of 4 points will count.",
        f"Predictions: {len(QUESTIONS)} of {len(QUESTIONS)} answered.",
    ]


def test_work_of_another_lab_than_was_begun_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As after a first cell that was copied from last week's notebook."""
    path = written(tmp_path / "03.ipynb", "ada", "02", solved("01/guard", "ada"))
    assert main(["doctor", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line.startswith("01/guard: does not count. Not judged: the notebook last began lab 02") for line in lines
    )


def test_a_lab_that_is_not_there_is_not_well(tmp_path: Path) -> None:
    path = written(tmp_path / "1.ipynb", "ada", "1", solved("01/guard", "ada"))
    assert main(["doctor", str(path)]) == 1


def test_a_zip_is_no_notebook_to_rename(tmp_path: Path) -> None:
    (tmp_path / "lab.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    assert said(tmp_path / "lab.zip") == [
        "Nothing counts: not a notebook: a zip archive without notebooks; unpack it, or name your .ipynb."
    ]
    assert main(["doctor", str(tmp_path / "lab.zip")]) == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf \r\n"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes.txt").write_bytes(content)
    assert said(tmp_path / "notes.txt") == ["Nothing counts: not a notebook: the file is empty; name your .ipynb."]
    (tmp_path / "01.ipynb").write_bytes(content)
    assert said(tmp_path / "01.ipynb") == ["Nothing counts: the file is empty."]


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(
        tmp_path / "x.txt", "ada", "01", solved("01/gaps", "ada", SOLVED["01/gaps"].spoilt[1]), *answered("01/cut")
    )
    assert main(["doctor", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The file's name does not end in .ipynb: graders read notebooks. Rename it."
    assert "01/gaps, cell 2: 3 of 4 points will count." in lines
    assert any(line.startswith("  ✗ ") for line in lines)
    assert "01/guard: not checked. Run the cell with lab.check, and save." in lines
    assert lines[-1] == f"  without an answer: {', '.join(name for name in QUESTIONS if name != '01/cut')}"


def without_begin(student: str) -> dict[str, Any]:
    made = notebook(student, "01", solved("01/guard", student))
    made["cells"][0]["outputs"] = []
    return made


def refused_to_begin(student: str) -> dict[str, Any]:
    """Cell 1 has the sentence that lab.begin said, and cell 2 another error."""
    made = without_begin(student)
    error = {"output_type": "error", "ename": "Refused", "evalue": "student=7: write it in quotes", "traceback": ["…"]}
    made["cells"].insert(0, {**made["cells"][0], "source": "1 / 0", "outputs": [error]})
    made["cells"][1].update(source=["from vmwidgets import lab\n", "lab.begin('01', student=7)"], outputs=[error])
    return made


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (refused_to_begin("ada"), "Nothing counts: lab.begin failed: cell 2 says why."),
        (without_begin("ada"), "Nothing counts: lab.begin was never run in it, or it was saved without outputs."),
        (notebook("", "01"), "Nothing counts: lab.begin has no student."),
        (notebook("ada", "01"), "Nothing was checked or submitted."),
        (notebook("ada", "01", solved("01/guard", "bert")),
         "01/guard, cell 2: does not count. It was done under another id or in another lab, or before lab.begin"),
        (notebook("ada", "01", {result.MIME: {**solved("01/guard", "ada")[result.MIME],
                                              "work": {"kind": "nothing", "why": "it is too large"}}}),
         "01/guard, cell 2: does not count. Not judged: it was not kept: it is too large."),
        (notebook("ada", "77"), "Nothing counts: there is no lab '77'."),
        ({"cells": []}, "Nothing counts: lab.begin was never run in it, or it was saved without outputs."),
    ],
)  # fmt: skip  # a table
def test_nothing_counts_and_why(tmp_path: Path, made: dict[str, Any], says: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(made))
    lines = said(path)
    assert any(line.startswith(says) for line in lines), lines
    assert main(["doctor", str(path)]) == 1


@pytest.mark.parametrize("content", ["[]", "{}", '{"cells": 3}', '{"a": [1]}', "7"])
def test_json_without_cells_is_not_a_notebook(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(content)
    assert said(path) == ["Nothing counts: not a notebook: the file has no cells."]
    assert main(["doctor", str(path)]) == 2


@pytest.mark.parametrize("name", ["missing.ipynb", "."])
def test_no_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["doctor", str(tmp_path / name)]) == 2
    assert "is not a file: name your notebook" in capsys.readouterr().err


def test_from_the_folder_above_the_labs_the_copied_notebook_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["course", "--no-open"]) == 0
    assert main(["doctor", "01-maps.ipynb"]) == 2
    copied = next(tmp_path.rglob("01-maps.ipynb")).relative_to(tmp_path)
    assert f"'01-maps.ipynb' is not a file: name '{copied}', which is there" in capsys.readouterr().err


def test_a_sheet_from_a_code_is_taken_as_the_notebook_says(tmp_path: Path) -> None:
    key = "a key of enough characters"
    path = written(tmp_path / "x.ipynb", "ada", "01", solved("01/gaps", "ada", key=key), key=key)
    assert "01/gaps, cell 2: 4 of 4 points will count." in said(path)
    assert said(path)[0].startswith("Lab 01 of ada, course os-2026, with a code.")
    broken = notebook("ada", "01", solved("01/gaps", "ada", key=key), key=key)
    broken["cells"][0]["outputs"][0]["data"][beginning.MIME]["seed"] = "not a number"
    path.write_text(json.dumps(broken))
    assert main(["doctor", str(path)]) == 2


@pytest.mark.parametrize("exercise", ["01/gaps", "05/handler", "10/stack", "11/policy"])
@pytest.mark.parametrize("way", ["right", "spoilt"])
def test_it_says_what_the_grader_then_finds(tmp_path: Path, exercise: str, way: str) -> None:
    (recipe, *_) = getattr(SOLVED[exercise], way)
    lab = exercise.partition("/")[0]
    path = written(tmp_path / "in" / "x.ipynb", "ada", lab, solved(exercise, "ada", recipe))
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["{exercise}"]\n')
    (graded,) = grade(tmp_path / "in", read_course(tmp_path / "course.toml"), jobs=1).rows
    (row,) = [row for row in diagnosis(path).rows if row.exercise == exercise]
    assert (row.points, row.says, row.cell) == (graded.points, graded.says, graded.cell)
    assert begun("ada", lab).student == graded.student
