"""`python -m vmwidgets.tools assignment`: what it writes for nbgrader and Otter, and what it refuses."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.assignments import otter
from vmwidgets.assignments.cells import Lab, for_course, labs_of, task_of
from vmwidgets.assignments.nbgrader import REGION, files
from vmwidgets.cli import TOOLS, main
from vmwidgets.cli.copying import shipped
from vmwidgets.grading import Course
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.moved import lab_of

LABS = labs_of(shipped())
WORTH = {name: one.points for name, one in exercises().items() if one.shipped}
FILES = files(LABS.values(), "os-2026", WORTH)

by_lab = pytest.mark.parametrize("number", LABS)


def cells_of(one: Lab) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(FILES[f"source/{one.name}/{one.name}.ipynb"])["cells"]
    return cells


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def graded(cells: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each cell that tests, behind the one before it."""
    for before, cell in pairwise(cells):
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            yield before, cell


@by_lab
def test_each_exercise_has_a_cell_for_students_and_a_locked_one_that_tests(number: str) -> None:
    pairs = list(graded(cells_of(LABS[number])))
    found = {test["metadata"]["nbgrader"]["grade_id"]: test["metadata"]["nbgrader"]["points"] for _, test in pairs}
    wanted = {name.replace("/", "-"): points for name, points in WORTH.items() if lab_of(name) == number}
    assert found == wanted
    for lines, test in pairs:
        kind = lines["metadata"]["nbgrader"]
        assert (kind["solution"], kind["grade"], kind["locked"]) == (True, False, False)
        kind = test["metadata"]["nbgrader"]
        assert (kind["solution"], kind["grade"], kind["locked"]) == (False, True, True)
        assert "lab.check" not in source(lines)
        assert source(lines).endswith(f"\n\n{REGION}")


@by_lab
def test_all_else_is_as_it_is_in_the_lab(number: str) -> None:
    """Each line of the lab is there, in its order, and no others but those of the region and the test."""
    one = LABS[number]
    lines = [line for cell in cells_of(one) for line in source(cell).splitlines()]
    lines = [line.replace('course="os-2026"', 'course=""') for line in lines if line not in REGION.splitlines()]
    lines = [line.removeprefix("display(checked := ") for line in lines if line and line != "checked.points"]
    was = [line for cell in one.notebook["cells"] for line in source(cell).splitlines() if line]
    assert [line if line in was else line.removesuffix(")") for line in lines] == was


@by_lab
def test_it_is_a_notebook_whose_cells_have_different_names(number: str) -> None:
    cells = cells_of(LABS[number])
    nbformat.validate(json.loads(FILES[f"source/{LABS[number].name}/{LABS[number].name}.ipynb"]))
    assert len({cell["id"] for cell in cells}) == len(cells)
    (begins,) = [source(cell) for cell in cells if "lab.begin(" in source(cell)]
    assert f'lab.begin("{number}", student="", course="os-2026")' in begins


def test_the_same_labs_give_the_same_bytes() -> None:
    assert files(labs_of(shipped()).values(), "os-2026", WORTH) == FILES


MARKS = ("SOLUTION", "# IGNORE", "# SEED", "PROMPT")
"""How a line ends that Otter leaves out for students."""


@by_lab
def test_each_exercise_is_a_question_of_otter_with_a_case_for_each_point(number: str) -> None:
    one = LABS[number]
    made = json.loads(otter.assignment(one, "", WORTH))
    nbformat.validate(made)
    assert len({cell["id"] for cell in made["cells"]}) == len(made["cells"])
    cases = [source(cell) for cell in made["cells"] if cell.get("outputs")]
    assert len(cases) == sum(WORTH[name] for name in one.exercises)
    questions = [source(cell).splitlines()[1:3] for cell in made["cells"] if "BEGIN QUESTION" in source(cell)]
    names = [[f"name: {name.replace('/', '-')}", f"points: {WORTH[name]}"] for name in one.exercises]
    assert questions == names
    others = [cell for cell in made["cells"] if cell["cell_type"] != "raw" and not cell.get("outputs")]
    assert others == one.notebook["cells"], "the lab, cell by cell"
    assert [line for cell in others for line in source(cell).splitlines() if line.rstrip().endswith(MARKS)] == []


def test_otter_installs_from_the_repository_and_no_package_of_that_name() -> None:
    """Anyone can register the name on an index, and an autograder would run what they put there."""
    assert re.findall("^requirements: (.*?)  #", otter.CONFIG, re.MULTILINE) == [
        '["vmwidgets @ git+https://github.com/vmwidgets/vmwidgets"]'
    ]


@pytest.mark.parametrize("points", range(4))
def test_as_many_cases_hold_as_there_are_points(points: int) -> None:
    cell = {"cell_type": "code", "id": "t", "metadata": {}, "outputs": [], "source": ['lab.check("t/so-many", x)']}
    made = json.loads(otter.assignment(Lab("t-labs", {"cells": [cell]}), "", {"t/so-many": 9}))
    held = [eval(source(case), {"lab": lab, "x": points}) for case in made["cells"] if case.get("outputs")]
    assert sum(held) == points
    assert len(held) == 3


def test_an_exercise_that_is_not_in_the_course_stays_a_labs_cell() -> None:
    cells = json.loads(files([LABS["01"]], "os-2026", {"01/gaps": 4})["source/01-maps/01-maps.ipynb"])["cells"]
    assert [test["metadata"]["nbgrader"]["grade_id"] for _, test in graded(cells)] == ["01-gaps"]
    assert any(source(cell).endswith('\n\nlab.check("01/guard", stacks)') for cell in cells)


def so_many(number: int) -> Iterator[Any]:
    yield lab.author.criterion(3, number, "all", "some")


lab.author.exercise("t/so-many", "So many", points=3, takes=int)(so_many)


def half(_number: int) -> Iterator[Any]:
    yield lab.author.criterion(3, vm.Size(1), "all", "some")


lab.author.exercise("t/half", "Half", points=3, takes=int)(half)


@pytest.mark.parametrize("points", [3, 1, 10, 2.5, 0, 100.0])
def test_the_last_value_of_a_test_is_the_courses_points_as_a_number(points: float) -> None:
    """nbgrader reads the text of that value: what is not a number there would earn all points."""
    cell = {"cell_type": "code", "id": "t", "metadata": {}, "outputs": [], "source": ['x = 1\nlab.check("t/half", x)']}
    made = files([Lab("t-labs", {"cells": [cell]})], "", {"t/half": points})["source/t-labs/t-labs.ipynb"]
    ((_, test),) = graded(json.loads(made)["cells"])
    shown: list[Any] = []
    names = {"lab": lab, "x": 1, "display": shown.append}
    show, value = ast.parse(source(test)).body
    exec(ast.unparse(show), names)
    text = repr(eval(ast.unparse(value), names))
    course = Course("c", {"t/half": points})
    assert float(text) == course.scaled(exercises()["t/half"], judged_for("t/half", "default", 1).points)
    assert [result.id for result in shown] == ["t/half"], "its journal is in the notebook"


@pytest.mark.parametrize(
    "text",
    ['# lab.check("01/gaps", x)', 'x = """\nlab.check("01/gaps", x)\n"""', "", 'a = lab.check("01/gaps", x)',
     'lab.check("01/gaps", x)\nprint(x)', "lab.check(name, x)", 'print(lab.check("01/gaps", x))'],
)  # fmt: skip  # one list
def test_only_a_check_that_ends_its_cell_is_a_task(text: str) -> None:
    assert task_of(text) is None


def test_a_check_may_take_several_lines() -> None:
    task = task_of('x = """\n#"""\n# mine\nlab.check(\n    "01/gaps",  # é\n    x,\n)')
    assert (task.lines, task.check) == ('x = """\n#"""\n# mine', 'lab.check(\n    "01/gaps",  # é\n    x,\n)')


def test_a_courses_name_is_written_where_the_tree_has_it() -> None:
    text = '"course=\\"\\""; é = "\u2028"; lab.begin("01", course="", student="")  # course=""\n'
    there = text.index('"", student')
    assert for_course(text, "ö") == f'{text[:there]}"ö"{text[there + 2 :]}'


COURSE = 'course = "os-2026"\nexercises = { "01/guard" = 10, "06/by-hand" = 3 }\n'


@pytest.fixture
def course(tmp_path: Path) -> Path:
    path = tmp_path / "course.toml"
    path.write_text(COURSE)
    return path


def test_the_command_writes_the_labs_of_a_course(
    tmp_path: Path, course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deep" / "os"
    assert main(["assignment", "--for", "nbgrader", str(folder), "--course", str(course)], TOOLS) == 0
    assert capsys.readouterr().out == f"{folder}: 2 assignments for nbgrader, 2 exercises, 13 points\n"
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        "01-maps.ipynb", "06-x86-tables.ipynb", "nbgrader_config.py",
    ]  # fmt: skip
    assert 'course_id = "os-2026"' in (folder / "nbgrader_config.py").read_text()


def test_the_command_writes_for_otter_too(tmp_path: Path, course: Path) -> None:
    assert main(["assignment", "--for", "otter", str(tmp_path / "os"), "--course", str(course)], TOOLS) == 0
    written = (tmp_path / "os" / "06-x86-tables" / "06-x86-tables.ipynb").read_text()
    assert 'course=\\"os-2026\\"' in written


def test_labs_may_be_chosen(tmp_path: Path) -> None:
    assert main(["assignment", "--for", "nbgrader", str(tmp_path / "os"), "--labs", "02, beyond,02"], TOOLS) == 0
    assert sorted(path.name for path in (tmp_path / "os" / "source").iterdir()) == ["02-trees", "beyond"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nbgrade", "new"], "did you mean 'nbgrader'"),
        (["nbgrader", "new", "--labs", "01,13"], "unknown lab '13'"),
        (["nbgrader", "new", "--labs", "12"], "lab 12 has no exercise of the course: leave it out"),
        (["nbgrader", "new", "--labs", ","], "unknown lab ''"),
        (["nbgrader", "new", "--labs", "02", "--course", "course.toml"], "lab 02 has no exercise of the course"),
        (["nbgrader", "new", "--course", "missing.toml"], "can't be read"),
        (["nbgrader", "new", "--course", "odd.toml"], "course='a course'"),
        (["nbgrader", "full"], "already exists"),
        (["nbgrader", "course.toml"], "already exists"),
        (["nbgrader", "link"], "already exists"),
        (["nbgrader", "."], "already exists"),
        (["nbgrader", "course.toml/below"], "can't be written"),
        (["nbgrader", "x" * 300], "File name too long"),
        (["nbgrader", "a\0b"], "is not a path"),
    ],
)
def test_what_can_not_be_is_one_sentence_and_nothing_is_written(
    tmp_path: Path,
    course: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    Path("full", "mine").touch()
    Path("link").symlink_to("nowhere")
    Path("odd.toml").write_text(COURSE.replace("os-2026", "a course"))
    before = sorted(tmp_path.rglob("*"))
    assert main(["assignment", "--for", *arguments], TOOLS) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_disk_that_is_full_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last step fails, as on a disk without room for a name."""

    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    assert main(["assignment", "--for", "nbgrader", str(tmp_path / "os"), "--labs", "01"], TOOLS) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_lab_knows_its_questions_in_its_text_and_in_its_calls() -> None:
    sources = (
        'a = lab.predict(id="00/pieces", kind="number")', 'b = lab.predict("How many?", id="x/one")',
        'words = "How large?"\nc = lab.predict(words, id="x/two")', 'd = lab.predict(f"{1 + 1}?", id="x/computed")',
        'e = lab.predict(id="x/nowhere")', 'f = lab.predict(question="Where?", id="x/named")',
    )  # fmt: skip  # a cell each
    cells: list[dict[str, object]] = [{"cell_type": "code", "source": source} for source in sources]
    assert Lab("00-mine", {"cells": cells}).questions == {
        "00/pieces": "Pieces of 600, 500 and 400 KiB are free. Can a segment of 1 MiB be placed?",
        "x/one": "How many?", "x/two": "How large?", "x/named": "Where?",
    }  # fmt: skip  # a question each
