"""Which work counts where there is much of it: in one file, in several of one student, alone and in a pair, late."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.grading.earlier import prediction, result
from tests.labs.test_sheets import SOLVED
from vmwidgets import __version__
from vmwidgets.cli import main
from vmwidgets.grading import Course, Graded, Grades, grade, read_course
from vmwidgets.grading.notebook import MOST_ANSWERS, MOST_WORKS, notebook_of
from vmwidgets.grading.state import MOST_ATTEMPTS, State
from vmwidgets.grading.submission import MOST_STOPPED, graded_file

from .synthetic import COURSE, notebook, solved, worth, written

WHOLE = {"points": 5, "problem": "", "criteria": [{"met": True}]}
"""What a judge answers for right work of 01/guard."""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    path = tmp_path / "course.toml"
    path.write_text(f'course = "{COURSE}"\ngroups = 2\nexercises = ["01/guard"]\n')
    return path


def claiming(points: int, number: int = 0) -> dict[str, Any]:
    """Another piece of work for 01/guard that claims so many points."""
    data = solved("01/guard", "ada")[result.MIME]
    return {result.MIME: {**data, "points": points, "work": {**data["work"], "number": number}}}


def judged(*works: dict[str, Any], answers: dict[int, dict[str, Any]]) -> tuple[Graded, list[int]]:
    """The file with these works, by a judge that answers by a work's number; and the numbers that it was asked."""
    asked: list[int] = []

    def ask(_exercise: str, _sheet: str, work: Any) -> dict[str, Any]:
        asked.append(work["number"])
        return {"id": "01/guard", "points": 0, "problem": "", "criteria": [], **answers[work["number"]]}

    content = json.dumps(notebook("ada", "01", *works)).encode()
    return graded_file("a.ipynb", content, Course(COURSE, {"01/guard": 5}), ask), asked


def with_days(grades: Grades, days: dict[str, int]) -> Grades:
    """The grades with late days by file."""
    files = (
        replace(file, rows=tuple(replace(row, late=days[file.path]) for row in file.rows)) for file in grades.files
    )
    return replace(grades, files=tuple(files))


def test_work_after_any_number_of_outputs_and_cells_counts() -> None:
    shown = {"data": {"text/plain": "…"}}
    made = notebook("ada", "01", claiming(5, 1))
    made["cells"].insert(1, {"outputs": [shown] * 10_001})
    made["cells"][1:1] = [{"outputs": []}] * 10_001
    handed = notebook_of(json.dumps(made).encode())
    assert [work.cell for work in handed.works["01/guard"]] == [10_004]


def test_of_too_many_works_those_that_claim_most_are_kept() -> None:
    first, *others = claiming(4, 0), *(claiming(number % 3, number) for number in range(1, MOST_WORKS + 5))
    handed = notebook_of(json.dumps(notebook("ada", "01", first, *others)).encode())
    kept = [work.data["number"] for work in handed.works["01/guard"]]
    assert kept == sorted({*range(MOST_WORKS + 5)} - {3, 6, 9, 12, 15}), "they are in order, and the first claims 0"


def test_predictions_after_any_number_of_others_count() -> None:
    own = [{prediction.MIME: {"id": f"own/{number}", "answer": "1"}} for number in range(200)]
    asked = {prediction.MIME: {"id": "01/cut", "answer": "2"}}
    handed = notebook_of(json.dumps(notebook("ada", "01", *own, asked)).encode())
    assert handed.predictions["01/cut"]["answer"] == "2"
    assert len(handed.predictions) == MOST_ANSWERS + 1


def test_a_journal_of_another_variant_stays_one_where_judging_is_stopped(tmp_path: Path) -> None:
    """Its student reads neither its criteria nor the instructor's sentence, also after the last attempt."""
    works = [claiming(5, 1), claiming(3, 2)]
    for one in works:
        one[result.MIME]["sheet"] = "of another"
    late = {"problem": "judging took longer than 90 seconds", "stopped": True}
    file, _ = judged(*works, answers={1: WHOLE, 2: late})
    state = State(tmp_path / "state.jsonl")
    for _ in range(MOST_ATTEMPTS):
        state = State(tmp_path / "state.jsonl")
        file = state.keep("key", file)
    (row,) = file.rows
    assert row.elsewhere
    assert row.criteria == []
    assert row.remark.startswith("it was done under another id")
    (told,) = Grades(Course(COURSE, {"01/guard": 5}), (file,)).rows
    assert told.says == "its journal is of another variant (3 times; only --only ada tries again)"


def test_what_an_earlier_run_kept_is_the_same(tmp_path: Path) -> None:
    file, _ = judged(claiming(5, 1), answers={1: {**WHOLE, "points": 3}})
    State(tmp_path / "state.jsonl").keep("key", file)
    kept = State(tmp_path / "state.jsonl").of(file.path, "key")
    assert kept == file
    assert kept.rows[0].suspicious, "it claims more than was found"


def test_work_that_was_not_judged_is_listed_beside_less_that_was() -> None:
    late = {"problem": "judging took longer than 90 seconds", "stopped": True}
    file, _ = judged(claiming(5, 1), claiming(3, 2), answers={1: late, 2: {**WHOLE, "points": 3}})
    (row,) = file.rows
    assert row.points == 3
    assert row.says == "the work of cell 2, which claims 5, was not judged: judging took longer than 90 seconds"
    assert file.stopped, "another run tries again"


def test_work_that_claims_no_more_needs_no_judge() -> None:
    file, asked = judged(claiming(5, 1), claiming(5, 2), claiming(2, 3), answers={2: WHOLE})
    assert asked == [2]
    assert [one.points for one in file.rows[0].others] == [None, None]


def test_one_file_can_stop_so_many_judges_and_no_more() -> None:
    late = {"problem": "judging took longer than 90 seconds", "stopped": True}
    works = [claiming(5, number) for number in range(10)]
    file, asked = judged(*works, answers=dict.fromkeys(range(10), late))
    assert len(asked) == MOST_STOPPED
    assert file.stopped
    assert "not judged" in file.rows[0].says


def test_the_rows_of_a_pair_say_for_whom_another_counts(tmp_path: Path, course: Path) -> None:
    half = solved("01/guard", "ada+bert", SOLVED["01/guard"].spoilt[0])
    written(tmp_path / "in" / "pair.ipynb", "ada+bert", "01", half)
    written(tmp_path / "in" / "x.ipynb", "ada", "01", solved("01/guard", "ada"))
    grades = grade(tmp_path / "in", read_course(course), jobs=1)
    notes = {row.path: row.note for row in grades.rows}
    assert notes == {"pair.ipynb": "for ada: x.ipynb counts, with 5 of 5", "x.ipynb": ""}


def test_late_work_with_more_points_counts_and_is_listed(tmp_path: Path, course: Path) -> None:
    """So that who put a better file in a classmate's name, or named one as a partner, is seen."""
    written(tmp_path / "in" / "own.ipynb", "ada", "01", solved("01/guard", "ada", SOLVED["01/guard"].spoilt[0]))
    written(tmp_path / "in" / "pair.ipynb", "ada+mal", "01", solved("01/guard", "ada+mal"))
    grades = grade(tmp_path / "in", read_course(course), jobs=1)
    own = grades.rows_of("ada")["01/guard"]
    assert (own.path, own.points) == ("pair.ipynb", worth("01/guard"))
    assert grades.look == []
    days = {"own.ipynb": 0, "pair.ipynb": 8}
    late = with_days(grades, days)
    assert late.late_of("ada") == 8
    assert [(row.path, row.says) for row in late.look] == [("own.ipynb", "pair.ipynb counts, with 5 of 5, 8 days late")]


def test_of_two_with_the_same_points_the_one_that_is_not_late_counts_and_is_named(tmp_path: Path, course: Path) -> None:
    written(tmp_path / "in" / "a late.ipynb", "ada", "01", solved("01/guard", "ada"))
    written(tmp_path / "in" / "b.ipynb", "ada", "01", solved("01/guard", "ada"))
    grades = grade(tmp_path / "in", read_course(course), jobs=1)
    days = {"a late.ipynb": 3, "b.ipynb": 0}
    late = with_days(grades, days)
    assert {row.path: row.note for row in late.rows} == {"a late.ipynb": "b.ipynb counts, with 5 of 5", "b.ipynb": ""}
    assert late.look == []


def test_a_student_whose_only_work_is_of_another_edition_has_nothing(tmp_path: Path, course: Path) -> None:
    old = {result.MIME: {**solved("01/guard", "ada")[result.MIME], "edition": 99}}
    written(tmp_path / "in" / "a.ipynb", "ada", "01", old)
    where = [str(tmp_path / "in"), "--course", str(course), "--to", str(tmp_path / "out"), "--jobs", "1"]
    assert main(["grade", *where]) == 3
    (row,) = grade(tmp_path / "in", read_course(course), jobs=1).look
    assert row.says.endswith("grade it with the exercises as they were then")
    assert f"vmwidgets {__version__!r}" not in row.says


def test_the_way_in_which_most_files_write_an_id_stands_for_all(tmp_path: Path, course: Path) -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in "ADA")
    for name, student in (("1", wide), ("2", "ada"), ("3", "ada")):
        written(tmp_path / "in" / f"{name}.ipynb", student, "01", solved("01/guard", student))
    assert grade(tmp_path / "in", read_course(course), jobs=1).students() == {"ada": worth("01/guard")}


def test_work_without_an_edition_is_of_the_first_one(tmp_path: Path, course: Path) -> None:
    """It was made when no exercise had another."""
    course.write_text(f'course = "{COURSE}"\nexercises = ["11/anomaly"]\n')
    old = {name: value for name, value in solved("11/anomaly", "ada")[result.MIME].items() if name != "edition"}
    written(tmp_path / "in" / "a.ipynb", "ada", "11", {result.MIME: old})
    assert grade(tmp_path / "in", read_course(course), jobs=1).students() == {"ada": worth("11/anomaly")}
