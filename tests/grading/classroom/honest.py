"""What honest students hand in: each exercise of each lab right, spoilt, untouched, in the ways that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.grading.earlier import prediction, result, submitting
from tests.grading.synthetic import COURSE, seed_of, solved, worth, written
from tests.labs.test_sheets import SOLVED
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.sheet import sheet_of
from vmwidgets.labs.submitting import Submission
from vmwidgets.labs.work import by_kind

from .kinds import LABS, Kind, Rows, hand_in, not_graded, of_lab

Recipe = Callable[[Any], str]


def points(exercise: str, student: str, number: int) -> int:
    """What a spoilt recipe earns on this student's sheet."""
    found = SOLVED[exercise].points[number]
    return found(sheet_of(exercise, seed_of(student, exercise.partition("/")[0])).given) if callable(found) else found


def untouched(_asked: Any) -> str:
    """Nothing is typed."""
    return ""


Answers = dict[str, tuple[Recipe, float]]
"""By exercise what is typed, and the points for it."""


def right(lab: str, student: str, way: int) -> Answers:
    """All of a lab right, in one of the ways."""
    return {one: (SOLVED[one].right[way % len(SOLVED[one].right)], worth(one)) for one in LABS[lab]}


def partly(lab: str, student: str, number: int) -> Answers:
    """Each exercise spoilt in one way."""
    found: Answers = {}
    for one in LABS[lab]:
        here = number % len(SOLVED[one].spoilt)
        found[one] = SOLVED[one].spoilt[here], points(one, student, here)
    return found


def nothing(lab: str, student: str, number: int) -> Answers:
    """The machines of the sheets, checked as they are."""
    return dict.fromkeys(LABS[lab], (untouched, 0))


def submission(
    lab: str, student: str, outputs: dict[str, dict[str, Any]], names: str = "as they are"
) -> dict[str, Any]:
    """The output of lab.submit after these checks."""
    works = {}
    for exercise, output in outputs.items():
        data = output[result.MIME]
        work = by_kind(data["work"]) if names == "by kind" else data["work"]
        works[exercise] = {key: data[key] for key in ("sheet", "edition", "points", "of")} | {"work": work}
    whose = Beginning(lab, COURSE, tuple(sorted(student.split("+"))))
    return {submitting.MIME: Submission(whose, works).data()}


def lab_kind(name: str, lab: str, answers: Callable[[str, str, int], Answers], number: int, how: str) -> Kind:
    """A lab, checked; or handed in by lab.submit at the end, whose checks are then gone; or in a pair."""

    def make(path: Path, student: str) -> Rows:
        whose = f"{student}+{student}b" if how == "in a pair" else student
        typed = answers(lab, whose, number)
        outputs = {one: solved(one, whose, recipe) for one, (recipe, _) in typed.items()}
        if how in ("handed in", "by kind"):
            names = "by kind" if how == "by kind" else "as they are"
            hand_in(path, whose, lab, submission(lab, whose, outputs, names))
        else:
            hand_in(path, whose, lab, *outputs.values())
        return of_lab(path, lab, {one: (earned, "") for one, (_, earned) in typed.items()})

    return Kind(name, make, lab)


def every_lab() -> Iterator[Kind]:
    """Every exercise right in each of its right ways, spoilt in each of its spoilt ways, and untouched."""
    for lab, exercises in LABS.items():
        for way in range(max(len(SOLVED[one].right) for one in exercises)):
            yield lab_kind(f"right: {lab}, way {way}", lab, right, way, HOW[way % 2])
        for number in range(max(len(SOLVED[one].spoilt) for one in exercises)):
            yield lab_kind(f"partly: {lab}, {number}", lab, partly, number, HOW[number % 2])
        yield lab_kind(f"untouched: {lab}", lab, nothing, 0, HOW[0])
    for lab in ("02", "08", "11"):
        yield replace(lab_kind(f"a pair: {lab}", lab, right, 0, "in a pair"), others=("{0}+{0}b",))
    for lab in ("00", "05", "10"):
        yield lab_kind(f"names by kind: {lab}", lab, right, 0, "by kind")


HOW = "checked", "handed in"


def one_of_two(path: Path, student: str) -> Rows:
    """Only one exercise of the lab was done."""
    hand_in(path, student, "01", solved("01/gaps", student))
    return of_lab(path, "01", {"01/gaps": (4, "")})


def checked_again(path: Path, student: str) -> Rows:
    """Spoilt, and right in the next cell: the best counts."""
    first = solved("01/gaps", student, SOLVED["01/gaps"].spoilt[0])
    hand_in(path, student, "01", first, solved("01/gaps", student))
    return of_lab(path, "01", {"01/gaps": (4, "")})


def spoilt_at_last(path: Path, student: str) -> Rows:
    """And the other way round: trying something else costs nothing."""
    last = solved("01/gaps", student, SOLVED["01/gaps"].spoilt[0])
    hand_in(path, student, "01", solved("01/gaps", student), last)
    return of_lab(path, "01", {"01/gaps": (4, "")})


def an_old_submission_below(path: Path, student: str) -> Rows:
    """What was handed in by the last cell, and then made better above: the last cell was not run again."""
    spoilt = {"01/gaps": solved("01/gaps", student, SOLVED["01/gaps"].spoilt[0])}
    hand_in(path, student, "01", solved("01/gaps", student), submission("01", student, spoilt))
    return of_lab(path, "01", {"01/gaps": (4, "")})


def two_labs(path: Path, student: str) -> Rows:
    """Two files of one student."""
    other = path.with_name(f"{path.stem}-02.ipynb")
    hand_in(path, student, "01", solved("01/guard", student), solved("01/gaps", student))
    hand_in(other, student, "02", solved("02/no-rotation", student))
    return {
        **of_lab(path, "01", {"01/guard": (5, ""), "01/gaps": (4, "")}),
        **of_lab(other, "02", {"02/no-rotation": (4, "")}),
    }


def twice(path: Path, student: str) -> Rows:
    """The same lab in two files: the better work for each exercise counts, whatever the files are called."""
    later = path.with_name(f"{path.stem}-final.ipynb")
    hand_in(path, student, "01", solved("01/gaps", student, SOLVED["01/gaps"].spoilt[1]))
    hand_in(later, student, "01", solved("01/gaps", student))
    first, second = sorted((path, later), key=lambda one: one.name)
    earned = {path: 3, later: 4}
    return {
        **of_lab(first, "01", {"01/gaps": (earned[first], "")}),
        **of_lab(second, "01", {"01/gaps": (earned[second], ""), "01/guard": (0, "")}),  # said in the first row
    }


def alone_and_in_a_pair(path: Path, student: str) -> Rows:
    """A sheet of one's own, and one of the pair's: of each exercise the row with points counts for the one."""
    pair, other = f"{student}+{student}b", path.with_name(f"{path.stem}-pair.ipynb")
    hand_in(path, student, "01", solved("01/gaps", student))
    hand_in(other, pair, "01", solved("01/guard", pair))
    own = {"01/gaps": (4, ""), "01/guard": (0, "")}
    return {**of_lab(path, "01", own), **of_lab(other, "01", {"01/guard": (5, "")})}


def with_predictions(path: Path, student: str) -> Rows:
    """Predictions are not rows."""
    made = {prediction.MIME: {"id": "01/cut", "question": "How many?", "answer": "2"}}
    hand_in(path, student, "01", made, solved("01/gaps", student))
    return of_lab(path, "01", {"01/gaps": (4, "")})


def in_a_folder(path: Path, student: str) -> Rows:
    """As learning systems unpack them; beside a copy that Jupyter keeps, which is left out."""
    own = path.with_suffix("")
    copies = own / ".ipynb_checkpoints"
    copies.mkdir(parents=True)
    hand_in(own / "lab.ipynb", student, "01", solved("01/gaps", student))
    hand_in(copies / "lab-checkpoint.ipynb", student, "01", solved("01/gaps", student))
    found = of_lab(path, "01", {"01/gaps": (4, "")})
    return {(f"{path.stem}/lab.ipynb", exercise): row for (_, exercise), row in found.items()}


def not_begun(path: Path, student: str) -> Rows:
    """The default sheet."""
    hand_in(path, "", "01", {result.MIME: {"id": "01/gaps", "work": {"kind": "nothing"}}})
    return not_graded(path, "no student ID: this is the default variant")


def nothing_checked(path: Path, student: str) -> Rows:
    """Begun, and no more."""
    hand_in(path, student, "01")
    return not_graded(path, "nothing was checked or submitted")


def not_done(path: Path, student: str) -> Rows:
    """lab.check(…) of what is not there yet keeps no work."""
    hand_in(path, student, "01", {result.MIME: {"id": "01/gaps", "problem": "not done yet", "work": {}}})
    return not_graded(path, "nothing has been done yet")


def of_another_course(path: Path, student: str) -> Rows:
    """A file of last year's course."""
    written(path, student, "01", solved("01/gaps", student), course="os-2025")
    return not_graded(path, f"it is of the course 'os-2025', not {COURSE!r}")


def a_lab_without_exercises(path: Path, student: str) -> Rows:
    """Of a notebook that is not in the course."""
    hand_in(path, student, "99", solved("01/gaps", student))
    return not_graded(path, "lab '99' has no exercise in this course")


def a_concept_test(path: Path, student: str) -> Rows:
    """Of a test that was put into the folder of the labs."""
    hand_in(path, student, "concepts", solved("01/gaps", student))
    return not_graded(path, "it is a concept test, for vmwidgets grade FOLDER --gain")


HONEST = [
    Kind("one exercise of two", one_of_two),
    Kind("checked again", checked_again),
    Kind("spoilt at last", spoilt_at_last),
    Kind("an old submission below", an_old_submission_below),
    Kind("two labs", two_labs),
    Kind("the same twice", twice),
    Kind("alone and in a pair", alone_and_in_a_pair, others=("{0}+{0}b",)),
    Kind("with predictions", with_predictions),
    Kind("in a folder", in_a_folder),
    Kind("not begun", not_begun),
    Kind("nothing checked", nothing_checked),
    Kind("not done", not_done),
    Kind("another course", of_another_course),
    Kind("another lab", a_lab_without_exercises),
    Kind("a concept test", a_concept_test),
]
