"""Otter's pipeline, from assignments to results: they are those that `vmwidgets grade` gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.grading.synthetic import COURSE, solved, written
from tests.labs.test_sheets import SOLVED
from vmwidgets.assignments.cells import task_of
from vmwidgets.grading import grade, read_course

from .students import Points, Programs, Work, lines_of, needed

CLASS: dict[str, Work] = {
    "ada": {"01/guard": "right 1", "01/gaps": "spoilt 0"},
    "bert": {"01/guard": "spoilt 2", "01/gaps": "crashing"},
}
WORTH = {"01/guard": 10, "01/gaps": 4}


class Otter(Programs):
    """Otter's programs, in a folder with its assignments."""

    host = "otter"

    def __init__(self, folder: Path, wheel: Path) -> None:
        super().__init__(folder, wheel)
        self.folder = folder
        of = "\n".join(f"{json.dumps(name)} = {points}" for name, points in WORTH.items())
        (folder / "course.toml").write_text(f"course = {json.dumps(COURSE)}\n[exercises]\n{of}\n")
        command = "-m", "vmwidgets.tools", "assignment", "--for", "otter", COURSE, "--course", "course.toml"
        self.run(*command, cwd=folder)
        self.run("-m", "otter", "assign", f"{COURSE}/01-maps/01-maps.ipynb", "dist", cwd=folder)

    def graded(self, student: str, work: Work) -> Points:
        """What Otter gives for a student's notebook."""
        notebook = json.loads((self.folder / "dist" / "student" / "01-maps.ipynb").read_text())
        cells = []
        for cell in notebook["cells"]:
            source = "".join(cell["source"]).replace('student=""', f'student="{student}"')
            task = task_of(source) if cell["cell_type"] == "code" else None
            if task:
                source = f"{lines_of(task.exercise, student, work[task.exercise], source)}\n{task.check}"
            cells += [{**cell, "source": source}] if task or needed(source) else []
        (self.folder / f"{student}.ipynb").write_text(json.dumps({**notebook, "cells": cells}))
        (self.folder / student).mkdir()
        (zipped,) = (self.folder / "dist" / "autograder").glob("*.zip")
        self.run("-m", "otter", "run", f"{student}.ipynb", "-a", zipped, "-o", student, "--no-logo", cwd=self.folder)
        tests = json.loads((self.folder / student / "results.json").read_text())["tests"]
        return {(student, one["name"].replace("-", "/", 1)): one["score"] for one in tests if "score" in one}


@pytest.fixture(scope="module")
def otter(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Otter:
    return Otter(tmp_path_factory.mktemp("otter"), wheel)


def test_students_get_the_labs_cells_and_need_no_otter(otter: Otter) -> None:
    student = otter.folder / "dist" / "student" / "01-maps.ipynb"
    sources = ["".join(cell["source"]) for cell in json.loads(student.read_text())["cells"]]
    lab = otter.folder / COURSE / "01-maps" / "01-maps.ipynb"
    cells = json.loads(lab.read_text())["cells"]
    kept = ["".join(cell["source"]) for cell in cells if cell["cell_type"] != "raw" and not cell.get("outputs")]
    assert sources == kept


@pytest.mark.parametrize("student", [pytest.param("ada", marks=pytest.mark.sweep), "bert"])
def test_points_are_those_that_the_journals_give(otter: Otter, tmp_path: Path, student: str) -> None:
    points = otter.graded(student, CLASS[student])
    guard = SOLVED["01/guard"]
    recipes = {"right 1": guard.right[1], "spoilt 2": guard.spoilt[2]}
    outputs = [solved("01/guard", student, recipes[CLASS[student]["01/guard"]])]
    gaps = SOLVED["01/gaps"]
    how = {"spoilt 0": gaps.spoilt[0], "crashing": lambda asked: "\n".join(gaps.right[0](asked).splitlines()[:-1])}
    outputs.append(solved("01/gaps", student, how[CLASS[student]["01/gaps"]]))
    written(tmp_path / "in" / f"{student}.ipynb", student, "01", *outputs)
    journals = grade(tmp_path / "in", read_course(otter.folder / "course.toml"), jobs=1)
    assert points == {(row.student, row.exercise): row.points for row in journals.rows}
    assert any(0 < found < WORTH[exercise] for (_, exercise), found in points.items())
