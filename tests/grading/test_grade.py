"""A folder of notebooks, right, partly right, wrong, forged, copied and broken, is graded to an expected table."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from tests.grading.earlier import beginning, hinting, outcome, prediction, result, submitting
from tests.labs.test_sheets import SOLVED
from vmwidgets.cli import main
from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading import Graded, Grades, Row, feedback, grade, read_course
from vmwidgets.grading.comparing import compared
from vmwidgets.grading.judge import judged
from vmwidgets.grading.notebook import notebook_of
from vmwidgets.grading.tables import write_tables
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.mistakes import known_mistakes
from vmwidgets.labs.sheet import sheet_of
from vmwidgets.released import install

from .synthetic import COURSE, checked, seed_of, solved, worth, written

EXERCISES = ["01/guard", "01/gaps"]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    path = tmp_path / "course.toml"
    path.write_text(f'course = "{COURSE}"\nexercises = {json.dumps(EXERCISES)}\n')
    return path


def graded(folder: Path, course: Path, **options: Any) -> Grades:
    return grade(folder, read_course(course), jobs=1, **options)


def found(grades: Grades) -> dict[tuple[str, str], tuple[float, str]]:
    return {(row.path, row.exercise): (row.points, row.says) for row in grades.rows}


def hand_in(folder: Path, student: str, *outputs: dict[str, Any], name: str = "") -> Path:
    return written(folder / f"{name or student}.ipynb", student, "01", *outputs)


def changed(output: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {result.MIME: {**output[result.MIME], **members}}


def test_right_and_partly_right_work_gets_its_points(tmp_path: Path, course: Path) -> None:
    folder = tmp_path / "in"
    guard = SOLVED["01/guard"]
    hand_in(folder, "ada", solved("01/guard", "ada"), solved("01/gaps", "ada", SOLVED["01/gaps"].right[1]))
    hand_in(folder, "bert", solved("01/guard", "bert", guard.spoilt[0]))
    hand_in(folder, "cleo+dan", solved("01/gaps", "cleo+dan"), name="pair")
    table = found(graded(folder, course))
    assert table["ada.ipynb", "01/guard"] == (worth("01/guard"), "")
    assert table["ada.ipynb", "01/gaps"] == (worth("01/gaps"), "")
    points, says = table["bert.ipynb", "01/guard"]
    assert 0 < points < worth("01/guard")
    assert says == ""
    assert table["bert.ipynb", "01/gaps"] == (0, "")
    assert table["pair.ipynb", "01/gaps"] == (worth("01/gaps"), "")


def test_each_of_a_pair_gets_its_points_and_what_one_did_twice_counts_once(tmp_path: Path, course: Path) -> None:
    folder = tmp_path / "in"
    hand_in(folder, "ada", solved("01/guard", "ada"))
    hand_in(folder, "ada+bert", solved("01/guard", "ada+bert"), solved("01/gaps", "ada+bert"))
    grades = graded(folder, course)
    both = worth("01/guard") + worth("01/gaps")
    assert grades.students() == {"ada": both, "bert": both}
    scope = {
        path.stem: json.loads(path.read_text()) for path in write_tables(grades, tmp_path) if path.suffix == ".json"
    }
    assert [test["name"] for test in scope["bert"]["tests"]] == EXERCISES
    assert scope["bert"]["score"] == both


def test_predictions_of_this_lab_count_where_they_were_made(tmp_path: Path, course: Path) -> None:
    course.write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\npredictions = 0.5\n')
    folder = tmp_path / "in"
    asked = {"01/cut": "2", "01/merge": None, "02/uncle": "1", "x": "1"}
    made = [{prediction.MIME: {"id": name, "answer": answer}} for name, answer in asked.items()]
    hand_in(folder, "ada", solved("01/guard", "ada"), *made)
    assert graded(folder, course).students() == {"ada": worth("01/guard") + 0.5}


def test_the_last_beginning_counts_whatever_was_before(tmp_path: Path, course: Path) -> None:
    broken = {beginning.MIME: {"lab": "01", "student": "two words", "course": COURSE}}
    folder = tmp_path / "in"
    hand_in(folder, "ada", solved("01/guard", "ada"), broken)
    made = json.loads(hand_in(folder, "bert", solved("01/guard", "bert")).read_text())
    made["cells"].insert(0, {"outputs": [{"data": broken}]})
    (folder / "bert.ipynb").write_text(json.dumps(made))
    assert graded(folder, course).students() == {"ada": 0, "bert": worth("01/guard")}


def test_predictions_count_where_nothing_was_checked(tmp_path: Path, course: Path) -> None:
    """Four answers, and no exercise: the file is listed, and the answers are worth their points."""
    course.write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\npredictions = 0.5\n')
    asked = [name for name in known_mistakes() if name.startswith("01/")][:4]
    hand_in(tmp_path / "in", "ada", *({prediction.MIME: {"id": name, "answer": "1"}} for name in asked))
    grades = graded(tmp_path / "in", course)
    assert grades.students() == {"ada": 2}
    assert found(grades) == {("ada.ipynb", ""): (0, "nothing was checked or submitted")}
    assert grades.without_points() == ["ada"], "an instructor still reads that there is no exercise"
    said = feedback.html(grades, "ada", "ada")
    assert "In a file of lab 01 in your name, nothing was checked or submitted" in said
    assert said.count("You said: 1") == 4


def test_predictions_of_a_file_that_counts_for_no_one_do_not_count(tmp_path: Path, course: Path) -> None:
    course.write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\npredictions = 0.5\n')
    written(tmp_path / "in" / "a.ipynb", "ada", "01", {prediction.MIME: {"id": "01/cut", "answer": "2"}}, course="os")
    assert graded(tmp_path / "in", course).students() == {"ada": 0}


def test_what_a_notebook_claims_is_compared_with_what_its_journal_gives(tmp_path: Path, course: Path) -> None:
    folder = tmp_path / "in"
    wrong = solved("01/gaps", "ada", SOLVED["01/gaps"].spoilt[0])
    hand_in(folder, "ada", changed(wrong, points=4, passed=True))
    points, says = found(graded(folder, course))["ada.ipynb", "01/gaps"]
    assert points < 4
    assert says.startswith("forged: the notebook claims 4 points")


def test_work_of_another_sheet_earns_nothing(tmp_path: Path, course: Path) -> None:
    folder = tmp_path / "in"
    hand_in(folder, "ada", solved("01/gaps", "bert"))
    lied = changed(solved("01/gaps", "bert"), sheet=seed_of("cleo", "01"))
    hand_in(folder, "cleo", lied)
    table = found(graded(folder, course))
    assert table["ada.ipynb", "01/gaps"] == (0, "its journal is of another variant")
    points, says = table["cleo.ipynb", "01/gaps"]
    assert points == 0
    assert says.startswith("not judged: this machine does not begin as the variant does")


def test_the_same_journal_twice_is_listed(tmp_path: Path, course: Path) -> None:
    """Where it earns points: here by a sheet that asks for the anomaly of the same policy, in another length."""
    course.write_text(f'course = "{COURSE}"\nexercises = ["11/anomaly"]\n')
    folder = tmp_path / "in"

    def students(policy: str, frames: int) -> Iterator[str]:
        """Those who are asked for this."""
        for name in map(str, range(1000)):
            asked: Any = sheet_of("11/anomaly", seed_of(name, "11")).given
            if (asked.policy, asked.frames) == (policy, frames):
                yield name

    (ada, bert), cleo = islice(students("fifo", 3), 2), next(students("clock", 3))
    one = solved("11/anomaly", ada)
    for student, output in (
        (ada, one),
        (bert, changed(one, sheet=seed_of(bert, "11"))),
        (cleo, solved("11/anomaly", cleo)),
    ):
        written(folder / f"{student}.ipynb", student, "11", output)
    says = {
        student: found(graded(folder, course))[f"{student}.ipynb", "11/anomaly"][1] for student in (ada, bert, cleo)
    }
    forged = "; forged: the notebook claims 5 points, and its journal gives 3"
    assert says == {ada: f"the same journal as {bert}", bert: f"the same journal as {ada}{forged}", cleo: ""}


BOMB = "200 MiB of empty lines"
"""Stands for a journal that would take each worker a second to pack when it collects the tests."""

LOOPS = {"kind": "machine", "part": "machine", "journal": BOMB}
BROKEN = {"kind": "machine", "part": "task:stacks/map", "journal": "AAAA"}


@pytest.mark.parametrize(
    "work", [LOOPS, BROKEN, {"kind": "?"}, {"kind": "machine"}], ids=["bomb", "broken", "?", "empty"]
)
def test_work_that_can_not_be_made_again_is_said_and_others_are_graded(
    tmp_path: Path, course: Path, work: dict[str, Any]
) -> None:
    folder = tmp_path / "in"
    if work.get("journal") == BOMB:
        work = {**work, "journal": base64.b64encode(gzip.compress(b"\n" * (200 << 20), 9)).decode()}
    hand_in(folder, "ada", changed(solved("01/guard", "ada"), work=work))
    hand_in(folder, "bert", solved("01/guard", "bert"))
    table = found(graded(folder, course))
    points, says = table["ada.ipynb", "01/guard"]
    assert points == 0
    assert says
    assert "\n" not in says
    assert table["bert.ipynb", "01/guard"] == (worth("01/guard"), "")


def test_files_that_are_none_are_one_row_each(tmp_path: Path, course: Path) -> None:
    folder = tmp_path / "in"
    hand_in(folder, "ada", solved("01/guard", "ada"))
    (folder / "cut.ipynb").write_bytes((folder / "ada.ipynb").read_bytes()[:500])
    (folder / "empty.ipynb").write_text("")
    (folder / "list.ipynb").write_text("[1, 2]")
    (folder / "deep.ipynb").write_text("[" * 100_000)
    (folder / "other.ipynb").write_text(json.dumps({"cells": [{"outputs": [{"data": {"text/plain": "hello"}}]}]}))
    written(folder / "elsewhere.ipynb", "eve", "01", solved("01/guard", "eve"), course="cs-101")
    written(folder / "nobody.ipynb", "", "01")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "ada-checkpoint.ipynb").write_text("{}")
    grades = graded(folder, course)
    problems = {file.path: file.says for file in grades.files}
    assert problems.pop("ada.ipynb") == ""
    assert len(problems) == 7
    assert [path for path, problem in problems.items() if not problem] == []
    assert "course 'cs-101'" in problems["elsewhere.ipynb"]


IDS = ["../../ada", "/tmp/ada", "a\0b", "\ud800", "x" * 300, "=cmd", ["ada"], 5, "ada++bert", "+"]


@pytest.mark.parametrize("member", ["student", "lab", "course"])
@pytest.mark.parametrize("value", IDS, ids=range(len(IDS)))
def test_a_beginning_that_can_not_be_is_one_row_and_no_file_elsewhere(
    tmp_path: Path, course: Path, member: str, value: Any
) -> None:
    folder, out = tmp_path / "in", tmp_path / "deep" / "er" / "out"
    whose = {**Beginning("01", COURSE, ("ada",)).data(), member: value}
    folder.mkdir()
    (folder / "ada.ipynb").write_text(json.dumps({"cells": [{"outputs": [{"data": {beginning.MIME: whose}}]}]}))
    grades = graded(folder, course)
    (row,) = grades.rows
    assert (row.path, row.student, row.points) == ("ada.ipynb", "", 0)
    assert row.says.startswith("its lab.begin can't be")
    write_tables(grades, out)
    assert sorted(found.name for found in tmp_path.rglob("*.json")) == ["grades.json"]


def test_a_second_file_that_can_not_be_graded_takes_nothing_away(tmp_path: Path, course: Path) -> None:
    folder = tmp_path / "in"
    hand_in(folder, "ada", solved("01/guard", "ada"), name="a-first")
    hand_in(folder, "ada", name="b-second")
    assert graded(folder, course).students() == {"ada": worth("01/guard")}


def test_work_that_is_not_judged_is_not_called_forged(tmp_path: Path, course: Path) -> None:
    """What is too large to be kept: an honest student's check gave points."""
    folder = tmp_path / "in"
    lost = {"kind": "nothing", "why": "its journal has more than 8 MiB"}
    hand_in(folder, "ada", changed(solved("01/guard", "ada"), work=lost))
    table = found(graded(folder, course))
    assert table["ada.ipynb", "01/guard"][1].startswith("not judged: it was not kept: its journal has more")


def test_no_function_is_run_what_it_chose_is_judged(tmp_path: Path, course: Path) -> None:
    """Its text is there to be read: another text is another function, which was asked something else."""
    course.write_text(f'course = "{COURSE}"\nexercises = ["11/policy"]\n')
    folder, mark = tmp_path / "in", tmp_path / "mark"
    right = solved("11/policy", "ada")
    written(folder / "ada.ipynb", "ada", "11", right)
    ran = f"open({str(mark)!r}, 'w')\ndef thing(pages): open({str(mark)!r}, 'w')"
    for student, work in {
        "bert": {**solved("11/policy", "bert")[result.MIME]["work"], "source": ran},
        "cleo": {**solved("11/policy", "cleo")[result.MIME]["work"], "text": "[[1, 2], 'x', {}, None]"},
        "dan": {"kind": "function", "name": "thing", "source": ran},
    }.items():
        old = {"edition": 2} if student == "dan" else {}
        written(folder / f"{student}.ipynb", student, "11", changed(solved("11/policy", student), work=work, **old))
    grades = graded(folder, course)
    table = {path: one for (path, _), one in found(grades).items()}
    assert table["ada.ipynb"] == (worth("11/policy"), "")
    assert table["bert.ipynb"][0] < worth("11/policy")
    assert table["bert.ipynb"][1].startswith("forged: the notebook claims 6 points, and its journal gives")
    assert table["cleo.ipynb"] == (0, "forged: the notebook claims 6 points, and its journal gives 0")
    assert table["dan.ipynb"][1].startswith("not judged: it is a function, as earlier versions kept it")
    assert "your instructor reads it" in feedback.html(grades, "dan", "dan")
    assert not mark.exists()


def test_a_text_for_strace_is_never_a_files_name(tmp_path: Path, course: Path) -> None:
    """It would be opened on the computer of the grader, and its first line be in the feedback."""
    secret = tmp_path / "secret"
    secret.write_text("of the grader")
    result = judged("10/stack", "default", {"kind": "strace", "text": str(secret)})
    assert "line 1 of the text" in result["problem"]
    assert "of the grader" not in result["problem"]


def test_work_is_judged_alike_whatever_was_judged_before() -> None:
    """Its picture too: on a processor that has judged others, or on another computer, it is the same bytes."""
    pictures = 0
    for exercise, ways in SOLVED.items():
        work = checked(exercise, "default", ways.spoilt[0])["work"]
        first = judged(exercise, "default", work)
        assert judged(exercise, "default", work) == first
        pictures += bool(first.get("picture"))
    assert pictures > len(SOLVED) / 2


@pytest.mark.parametrize("names", [("a-first", "b-second"), ("b-second", "a-first"), ("01-maps", "01-maps (1)")])
def test_of_a_students_files_the_best_work_for_each_exercise_counts(
    tmp_path: Path, course: Path, names: tuple[str, str]
) -> None:
    """Whatever their names are; where the points are is written beside each row."""
    better, other = (f"{name}.ipynb" for name in names)
    folder = tmp_path / "in"
    half = solved("01/guard", "ADA", SOLVED["01/guard"].spoilt[0])
    hand_in(folder, "ada", solved("01/guard", "ada"), name=names[0])
    hand_in(folder, "ADA", half, solved("01/gaps", "ADA"), name=names[1])
    grades = graded(folder, course)
    assert list(grades.students().values()) == [worth("01/guard") + worth("01/gaps")], "ada and ADA are one person"
    assert grades.look == []
    notes = {(row.path, row.exercise): row.note for row in grades.rows}
    assert notes == {
        (better, "01/guard"): "",
        (other, "01/guard"): f"{better} counts, with 5 of 5",
        (other, "01/gaps"): "",
        (better, "01/gaps"): f"{other} counts, with 4 of 4; in this file: no check of it is in the file",
    }


def test_of_all_that_was_checked_in_a_notebook_the_best_counts(tmp_path: Path, course: Path) -> None:
    """A submission at the end that is older than a check above it, a later check that is worse, and one that lies."""
    folder = tmp_path / "in"
    for name in ("stale", "worse", "first", "liar"):
        right, half = solved("01/guard", name), solved("01/guard", name, SOLVED["01/guard"].spoilt[0])
        old = {submitting.MIME: {"works": {"01/guard": half[result.MIME]}}}
        ways = {"stale": (right, old), "worse": (right, half), "first": (half, right)}
        hand_in(folder, name, *ways.get(name, (changed(half, points=5), right)))
    grades = graded(folder, course)
    assert {row.path: row.points for row in grades.rows if row.exercise == "01/guard"} == dict.fromkeys(
        ["stale.ipynb", "worse.ipynb", "first.ipynb", "liar.ipynb"], worth("01/guard")
    )
    assert [row.says for row in grades.look if row.exercise == "01/guard"] == []


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, course: Path) -> None:
    folder, state = tmp_path / "in", tmp_path / "out" / "state.jsonl"
    for student in ("ada", "bert", "cleo"):
        hand_in(folder, student, solved("01/guard", student))
    whole = graded(folder, course, state=state)
    lines = state.read_text().splitlines(keepends=True)
    state.write_text(lines[0] + lines[1][:100])  # killed while it wrote the second
    assert graded(folder, course, state=state) == whole
    assert len(state.read_text().splitlines()) == 4
    hand_in(folder, "bert", solved("01/guard", "bert", SOLVED["01/guard"].spoilt[0]))
    again = graded(folder, course, state=state)
    assert found(again)["bert.ipynb", "01/guard"][0] < worth("01/guard"), "a file that changed is graded again"


def test_the_command_writes_tables_and_says_what_needs_a_look(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    hand_in(folder, "ada", solved("01/guard", "ada"), solved("01/gaps", "ada"))
    hand_in(folder, "@cmd", solved("01/guard", "@cmd"), name="formula")
    written(folder / "other.ipynb", "cleo", "01", course="another")
    arguments = ["grade", str(folder), "--course", str(course), "--to", str(out), "--jobs", "1"]
    assert main(arguments) == 3
    with (out / "grades.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "student": "ada",
        "exercise": "01/guard",
        "points": "5",
        "of": "5",
        "late": "0",
        "override": "",
        "says": "",
        "note": "",
        "file": "ada.ipynb",
    }
    (skipped,) = (row for row in rows if row["file"] == "formula.ipynb" and row["exercise"] == "01/gaps")
    assert skipped["student"] == "'@cmd"
    assert (skipped["says"], skipped["note"]) == ("", "no check of it is in the file"), "an exercise may be left out"
    scope = json.loads((out / "gradescope" / "ada.json").read_text())
    assert (scope["score"], [test["max_score"] for test in scope["tests"]]) == (9, [5, 4])
    for name in "formula", "other":
        (folder / f"{name}.ipynb").unlink()
    assert main(arguments) == 0
    assert "1 file of 1 student;" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no course"), ('course = "x"', "no exercises"), ('course = "x"\nexercises = ["01/gard"]', "01/guard"),
        ("course = ", "not TOML"), ('course = "x"\nexercises = {"01/guard" = -1}', "0 or more"),
        ('course = "x"\nexercises = ["01/guard"]\nlate = 3', "late"),
    ],
)  # fmt: skip  # one list
def test_a_course_that_can_not_be_is_one_sentence(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    course.write_text(text)
    assert main(["grade", str(tmp_path / "in"), "--course", str(course), "--to", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("due", "says"),
    [
        ('{ "01" = 5 }', "due date of lab 01: '5' is not an ISO date: write 2026-10-01T12:00"),
        ('"soon"', "due: 'soon' is not an ISO date"),
    ],
)
def test_a_due_date_that_can_not_be_is_said_with_its_lab(course: Path, due: str, says: str) -> None:
    course.write_text(f"{course.read_text()}due = {due}\n")
    with pytest.raises(Refused, match=re.escape(says)):
        read_course(course)


def test_a_terminal_shows_how_far_it_is(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "one", "two", "three":
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.ipynb").write_text("{")
    command = ["grade", str(tmp_path / "in"), "--course", str(course), "--to", str(tmp_path / "out")]
    assert main(command) == 1
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(command) == 1
    *_, last = capsys.readouterr().err.split("\r")
    assert last == f"[{'#' * 30}] 3 of 3\n"


def test_results_go_into_no_file(tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "taken").write_text("mine")
    assert main(["grade", str(tmp_path / "in"), "--course", str(course), "--to", str(tmp_path / "taken")]) == 2
    assert "that is a file, so name a folder" in capsys.readouterr().err
    assert (tmp_path / "taken").read_text() == "mine"


def test_nothing_to_grade_is_exit_code_two(tmp_path: Path, course: Path) -> None:
    (tmp_path / "in").mkdir()
    for folder in "in", "missing":
        assert main(["grade", str(tmp_path / folder), "--course", str(course), "--to", str(tmp_path / "out")]) == 2


def test_more_predictions_than_a_lab_asks_earn_no_more(tmp_path: Path, course: Path) -> None:
    course.write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\npredictions = 1\n')
    asked = [name for name in known_mistakes() if name.startswith("01/")]
    made = [{prediction.MIME: {"id": f"01/{number}", "answer": "2"}} for number in range(100)]
    hand_in(tmp_path / "in", "ada", solved("01/guard", "ada"), *made)
    assert graded(tmp_path / "in", course).students() == {"ada": worth("01/guard")}, "no lab asks these"
    made = [{prediction.MIME: {"id": name, "answer": "2"}} for name in (*asked, *asked, "02/uncle")]
    hand_in(tmp_path / "in", "ada", solved("01/guard", "ada"), *made)
    assert graded(tmp_path / "in", course).students() == {"ada": worth("01/guard") + len(asked)}


def test_a_copy_of_another_sheet_is_listed_with_whose_it_is(tmp_path: Path, course: Path) -> None:
    """And the one whose it is, is not, if no other earns by it."""
    for student in "ada", "bert":
        hand_in(tmp_path / "in", student, solved("01/gaps", "ada"))
    table = found(graded(tmp_path / "in", course))
    assert table["ada.ipynb", "01/gaps"] == (worth("01/gaps"), "")
    assert table["bert.ipynb", "01/gaps"] == (0, "the same journal as ada; its journal is of another variant")


def asked_the_same(exercise: str) -> tuple[str, str]:
    """Two students whose sheets say the same."""
    texts: dict[str, str] = {}
    for student in (f"s{number}" for number in range(1000)):
        text = sheet_of(exercise, seed_of(student, exercise.partition("/")[0])).text
        if text in texts:
            return texts[text], student
        texts[text] = student
    raise AssertionError("no two sheets are alike")


def test_those_who_were_asked_the_same_may_have_the_same_journal(tmp_path: Path, course: Path) -> None:
    course.write_text(f'course = "{COURSE}"\nexercises = ["11/anomaly"]\n')
    pair = asked_the_same("11/anomaly")
    for student in pair:
        written(tmp_path / "in" / f"{student}.ipynb", student, "11", solved("11/anomaly", student))
    says = {row.student: row.says for row in graded(tmp_path / "in", course).rows}
    first, second = pair
    assert says == {first: f"the same journal as {second} (asked the same)",
                    second: f"the same journal as {first} (asked the same)"}  # fmt: skip


def test_a_journal_that_was_packed_otherwise_is_the_same(tmp_path: Path, course: Path) -> None:
    """Compressed again, with a member more and blanks between others: it makes the same machine."""
    ada, bert = asked_the_same("01/gaps")
    one = solved("01/gaps", ada)
    journal = gzip.decompress(base64.b64decode(one[result.MIME]["work"]["journal"]))
    again = {**one[result.MIME]["work"], "journal": base64.b64encode(gzip.compress(journal, 1)).decode(), "by": "bert"}
    hand_in(tmp_path / "in", ada, one)
    hand_in(tmp_path / "in", bert, changed(one, sheet=seed_of(bert, "01"), work=again))
    table = found(graded(tmp_path / "in", course))
    assert table[f"{ada}.ipynb", "01/gaps"] == (worth("01/gaps"), f"the same journal as {bert} (asked the same)")


def test_many_with_the_same_work_are_named_as_far_as_ten(tmp_path: Path) -> None:
    """With each other all would be named, a class that copies would take the time of its square."""
    rows = [Row(f"{one:03}", f"s{one:03}", "10/stack", 5, 5, work="same") for one in range(50)]
    files = [Graded(row.path, row.student, "10", None, (row,), {}, {}, {}, seed=f"{row.path}") for row in rows]
    says = [row.says for file in compared(files) for row in file.rows]
    assert says[0] == f"the same journal as {', '.join(f's{one:03}' for one in range(1, 11))}, others"
    assert all(one.count("s0") == 10 for one in says)


@pytest.mark.parametrize("given", ["--course", "--roster", "--overrides"])
def test_tables_among_the_submissions_are_not_believed(
    tmp_path: Path, course: Path, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anyone who submits can put one there."""
    folder = tmp_path / "in"
    hand_in(folder, "ada", solved("01/guard", "ada"))
    (folder / "table").write_text("id,student,exercise,points,reason\nada,ada,01/gaps,4,mine\n")
    command = ["grade", str(folder), "--course", str(course), "--to", str(tmp_path / "out")]
    assert main([*command, given, str(folder / "table")]) == 2
    assert "lies in the folder of submissions" in capsys.readouterr().err


def test_a_claim_is_said_in_a_few_words(tmp_path: Path, course: Path) -> None:
    """A claim that is too high was changed; of any other this is not certain."""
    claims = {"a number of 13288 bits": 10**4000, "-1": -1, "no": 1.5}
    for student, claim in zip("abc", claims.values(), strict=True):
        hand_in(tmp_path / "in", student, changed(solved("01/guard", student), points=claim))
    said = [row.says for row in graded(tmp_path / "in", course).rows if row.exercise == "01/guard"]
    kinds = ("forged", "differs", "differs")
    assert said == [
        f"{kind}: the notebook claims {claim} points, and its journal gives 5"
        for kind, claim in zip(kinds, claims, strict=True)
    ]


def test_work_of_another_lab_in_a_notebook_is_listed(tmp_path: Path, course: Path) -> None:
    course.write_text(f'course = "{COURSE}"\nexercises = ["01/guard", "02/no-rotation"]\n')
    written(tmp_path / "in" / "ada.ipynb", "ada", "02", solved("01/guard", "ada"), solved("02/no-rotation", "ada"))
    assert found(graded(tmp_path / "in", course)) == {
        ("ada.ipynb", "01/guard"): (0, "not judged: the notebook last began lab 02, and this is of lab 01"),
        ("ada.ipynb", "02/no-rotation"): (worth("02/no-rotation"), ""),
    }


def test_letters_with_marks_are_the_same_in_one_sign_or_two(tmp_path: Path, course: Path) -> None:
    """As a Mac writes names of files, and some editors texts."""
    course.write_text(normalize("NFD", 'course = "été"\nexercises = ["01/guard"]\n'))
    written(tmp_path / "in" / "ada.ipynb", "ada", "01", solved("01/gaps", "ada"), course="été")
    assert [row.note for row in graded(tmp_path / "in", course).rows] == ["no check of it is in the file"]


def test_who_is_graded_again_has_to_be_there(tmp_path: Path, course: Path) -> None:
    hand_in(tmp_path / "in", "zoé+bert", name="pair")
    state = tmp_path / "state.jsonl"
    for only in "", "bert", "bert+zoé", normalize("NFD", "zoé"):
        graded(tmp_path / "in", course, state=state, only=only)
    with pytest.raises(Refused, match="--only 'ada': no notebook is of ada"):
        graded(tmp_path / "in", course, state=state, only="ada")


def test_of_predictions_is_kept_what_is_shown(tmp_path: Path, course: Path) -> None:
    """A small notebook can hold data that is many times larger where it is written with its indents."""
    deep: Any = [1] * 10_000
    for _ in range(40):
        deep = [deep]
    outputs = [{kind: {"id": f"01/{number}", "answer": deep, "said": deep, "x": deep}}
               for number in range(3) for kind in (prediction.MIME, outcome.MIME)]  # fmt: skip
    hints = [{hinting.MIME: {"id": f"{number}" * 100, "tier": 10**4000}} for number in range(1000)]
    hand_in(tmp_path / "in", "ada", solved("01/guard", "ada"), *outputs, *hints)
    write_tables(graded(tmp_path / "in", course), tmp_path)
    assert (tmp_path / "grades.json").stat().st_size < 20_000


def test_data_that_would_take_gigabytes_of_memory_is_not_read() -> None:
    assert "commas and brackets" in notebook_of(b"[" + b"{}," * 5_000_000 + b"{}]").finding.staff


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--dask", "here"], "'here' is not an address of a Dask scheduler: write one as tcp://10.0.0.1:8786"),
        (["--dask", "http://10.0.0.1:80"], "'http://10.0.0.1:80' is not an address"),
        (["--dask", "tcp://10.0.0.1:70000"], "'tcp://10.0.0.1:70000' is not an address"),
        (["--dask", "tcp://10.0.0.1:8786", "--jobs", "2"], "--jobs is for this computer"),
        (["--dask", "tls://[::1]:8786"], install("dask")),
    ],
)
def test_a_cluster_that_can_not_be_is_one_sentence(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    """What is known without the package that clusters need, which these tests don't have."""
    hand_in(tmp_path / "in", "ada")
    assert main(["grade", str(tmp_path / "in"), "--course", str(course), "--to", str(tmp_path / "out"), *options]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_course_that_is_lists_in_lists_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "course.toml").write_text("a=" + "[" * 20_000)
    (tmp_path / "class").mkdir()
    given = [str(tmp_path / "class"), "--course", str(tmp_path / "course.toml"), "--to", str(tmp_path / "to")]
    assert main(["grade", *given]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "too deep" in said
