"""nbgrader's pipeline, from assignments to exported grades: they are those that `vmwidgets grade` gives."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.grading.synthetic import COURSE as NAME
from tests.grading.synthetic import worth
from vmwidgets.cli import main
from vmwidgets.cli.copying import shipped
from vmwidgets.labs.exercise import exercises

from .nbgrader import Course
from .students import Points, Work

TIMEOUT = "--Execute.timeout=8"

CLASS: dict[str, Work] = {
    "ada": {"01/guard": "right", "01/gaps": "right 1"},
    "bert": {"01/guard": "spoilt 2"},
    "dan": {"01/guard": "crashing", "01/gaps": "hanging"},
}
EARNED = {
    ("ada", "01/guard"): "all", ("ada", "01/gaps"): "all",
    ("bert", "01/guard"): "some", ("bert", "01/gaps"): "none",
    ("dan", "01/guard"): "some", ("dan", "01/gaps"): "none",
}  # fmt: skip  # dan's four requests of five leave a gap, for which all criteria of 01/gaps wait
WORTH = {"01/guard": 10, "01/gaps": 4}


def set_up(folder: Path, wheel: Path, points: dict[str, int]) -> Course:
    """A course whose assignments are generated, as the guide says."""
    course = Course(folder, wheel)
    of = "\n".join(f"{json.dumps(name)} = {of}" for name, of in points.items())
    (folder / "course.toml").write_text(f"course = {json.dumps(NAME)}\n[exercises]\n{of}\n")
    command = "-m", "vmwidgets.tools", "assignment", "--for", "nbgrader", NAME, "--course", "course.toml"
    course.run(*command, cwd=folder)
    course.nbgrader("generate_assignment", "--assignment=*")
    return course


def journals_of(course: Course, to: Path) -> list[dict[str, str]]:
    """The rows of `vmwidgets grade` for the notebooks that nbgrader ran."""
    of = str(to / "course.toml")
    main(["grade", str(course.root / "autograded"), "--course", of, "--to", str(to / "out"), "--jobs", "1"])
    with (to / "out" / "grades.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def by_journals(course: Course, to: Path) -> Points:
    """Their points, none of which needs a look."""
    rows = journals_of(course, to)
    assert {row["says"] for row in rows} == {""}
    return {(row["student"], row["exercise"]): float(row["points"]) for row in rows}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Course:
    """Of one lab, autograded."""
    made = set_up(tmp_path_factory.mktemp("nbgrader"), wheel, WORTH)
    made.nbgrader("release_assignment", "01-maps")
    for student, work in CLASS.items():
        made.hand_in(student, "01-maps", work)
    made.nbgrader("autograde", "--assignment=*", TIMEOUT)
    made.nbgrader("export", "--to", "grades.csv")
    return made


def test_an_assignment_is_released_without_solutions(course: Course) -> None:
    (released,) = course.exchange.rglob("*.ipynb")
    assert released.relative_to(course.exchange) == Path(NAME, "outbound", "01-maps", "01-maps.ipynb")
    cells = json.loads(released.read_text())["cells"]
    sources = {cell["metadata"].get("nbgrader", {}).get("grade_id"): "".join(cell["source"]) for cell in cells}
    assert sources["01-guard-lines"].rstrip().endswith("# your code here: stacks.enter(… * vm.PAGE, at=…, prot=…)")
    locked = {cell["metadata"]["nbgrader"]["grade_id"] for cell in cells if not cell["metadata"].get("editable", True)}
    assert locked == {"01-guard", "01-gaps"}


@pytest.fixture(scope="module")
def points(course: Course) -> Points:
    """What nbgrader's gradebook has."""
    return course.points()


def test_points_are_those_that_the_journals_give(course: Course, points: Points) -> None:
    earned = {key: "all" if found == WORTH[key[1]] else "some" if found else "none" for key, found in points.items()}
    assert earned == EARNED
    assert by_journals(course, course.root.parent) == points


def test_the_export_has_the_sum_of_each_student(course: Course, points: Points) -> None:
    with (course.root / "grades.csv").open(newline="") as file:
        rows = {(row["student_id"], row["assignment"]): row for row in csv.DictReader(file)}
    assert {key[0] for key in rows} == set(CLASS)
    for (student, _), row in rows.items():
        assert float(row["max_score"]) == sum(WORTH.values())
        assert float(row["score"]) == sum(points[student, name] for name in WORTH)


REPLACED = "from types import SimpleNamespace\nlab.check = lambda *_: SimpleNamespace(points=4)"
WARNING = """import sys
real = lab.check
lab.check = lambda *given: (print("a warning", file=sys.stderr), real(*given))[1]"""


@pytest.mark.sweep
def test_both_differ_where_the_guide_says_so(tmp_path: Path, wheel: Path) -> None:
    course = set_up(tmp_path, wheel, {"01/guard": 10, "01/gaps": 4})
    right = {"01/guard": "right", "01/gaps": "right"}
    course.hand_in("ada", "01-maps", right)
    course.hand_in("eve", "01-maps", right, REPLACED)
    course.hand_in("fay", "01-maps", right, of="ada")
    course.hand_in("gus", "01-maps", right, of="")
    course.hand_in("hal", "01-maps", right, "import os\nos._exit(1)")
    course.hand_in("ivy", "01-maps", right, WARNING)
    said = course.nbgrader("autograde", "01-maps", TIMEOUT, status=1)
    assert "There was an error processing assignment '01-maps' for student 'hal'" in said
    points = course.points()
    found: Points = {}
    says: dict[str, str] = {}
    for row in journals_of(course, tmp_path):
        found[row["student"], row["exercise"]] = float(row["points"])
        says[row["file"].split("/")[0]] = row["says"]
    assert (points["eve", "01/guard"], says["eve"]) == (8, "nothing was checked or submitted"), "a check was replaced"
    assert (points["fay", "01/guard"], says["ada"]) == (10, "handed in twice: fay/01-maps/01-maps.ipynb counts")
    assert (points["gus", "01/guard"], says["gus"]) == (10, "no student ID: this is the default variant")
    assert (points["hal", "01/guard"], "hal" in says) == (0, False), "its kernel ended"
    assert (points["ivy", "01/guard"], found["ivy", "01/guard"]) == (0, 10), "what wrote to stderr"


@pytest.mark.sweep
def test_every_lab_is_graded_as_its_journals_are(tmp_path: Path, wheel: Path) -> None:
    labs = [name.removesuffix(".ipynb") for name in shipped()]
    all_points = {name: worth(name) for name, one in exercises().items() if one.shipped and one.sheet}
    course = set_up(tmp_path, wheel, all_points)
    for student, how in (("ada", "right"), ("bert", "spoilt 0")):
        for lab in labs:
            course.hand_in(student, lab, dict.fromkeys(all_points, how), short=False)
    course.nbgrader("autograde", "--assignment=*")
    points = course.points()
    assert {name: points["ada", name] for name in all_points} == all_points
    assert by_journals(course, tmp_path) == points
