"""A course of nbgrader in a folder, with the package's wheel, and students who do the labs in their own ways."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from scripts import hosts
from tests.grading.synthetic import COURSE, seed_of
from tests.labs.test_sheets import SOLVED
from vmwidgets.labs.sheet import sheet_of

ENDS = {"crashing": "1 / 0", "hanging": "while True:\n    pass"}
"""What comes after all but the last line of a right solution."""

POINTS = """
import json, sys
from nbgrader.api import Gradebook

found = {}
with Gradebook("sqlite:///gradebook.db", sys.argv[1]) as gradebook:
    for assignment in gradebook.assignments:
        for submission in assignment.submissions:
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    found[f"{submission.student.id} {grade.name}"] = grade.score
print(json.dumps(found))
"""

Work = dict[str, str]
"""How a student does each exercise: "right", "right 1", "spoilt 0", "crashing", "hanging"."""


class Course:
    """A folder of assignments, written and graded by programs of nbgrader's own environment alone."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.home, self.root = folder / "home", folder / COURSE
        self.home.mkdir()
        self.exchange = folder / "exchange"
        self.exchange.mkdir(mode=0o777)
        self.installed = folder / "installed"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.installed)

    def run(self, *arguments: str | Path, cwd: Path | None = None, fails: bool = False) -> str:
        """Run Python of nbgrader's environment; what it printed."""
        python = hosts.python_of("nbgrader")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON"))}
        environment = {
            **kept,
            "PATH": f"{python.parent}{os.pathsep}{kept['PATH']}",
            "PYTHONPATH": str(self.installed),
            "HOME": str(self.home),
            "IPYTHONDIR": str(self.home / "ipython"),
            "JUPYTER_PLATFORM_DIRS": "1",
            **{f"JUPYTER_{name}_DIR": str(self.home / name) for name in ("CONFIG", "DATA", "RUNTIME")},
        }
        done = subprocess.run(
            [python, *arguments], cwd=cwd or self.root, env=environment, capture_output=True, text=True, check=False
        )
        assert bool(done.returncode) == fails, done.stdout[-1000:] + done.stderr[-4000:]
        return done.stdout

    def nbgrader(self, *arguments: str, fails: bool = False) -> str:
        """Run one of nbgrader's commands in the course's folder."""
        return self.run("-m", "nbgrader", *arguments, f"--Exchange.root={self.exchange}", fails=fails)

    def hand_in(self, student: str, lab: str, work: Work, *, short: bool = True) -> None:
        """A released notebook as a student hands it in; a `short` one has no cells that nothing graded needs."""
        notebook = json.loads((self.root / "release" / lab / f"{lab}.ipynb").read_text())
        tests = {_name(cell): cell for cell in notebook["cells"] if _name(cell)}
        for cell in notebook["cells"]:
            source = "".join(cell["source"]).replace('student=""', f'student="{student}"')
            exercise = _name(cell).removesuffix("-lines").replace("-", "/", 1)
            if exercise in work and _name(cell).endswith("-lines"):
                source = lines_of(exercise, student, work[exercise], "".join(tests[_name(cell)[:-6]]["source"]))
            cell["source"] = source
        if short:
            needed = "lab.begin(", "lab.sheet("
            notebook["cells"] = [
                cell for cell in notebook["cells"] if _name(cell) or any(text in cell["source"] for text in needed)
            ]
        path = self.root / "submitted" / student / lab / f"{lab}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))

    def points(self) -> dict[tuple[str, str], float]:
        """What nbgrader's gradebook has for each student and exercise."""
        found: dict[str, float] = json.loads(self.run("-c", POINTS, COURSE))
        pairs = ((name.partition(" "), points) for name, points in found.items())
        return {(student, grade.replace("-", "/", 1)): points for (student, _, grade), points in pairs}


def lines_of(exercise: str, student: str, how: str, test: str) -> str:
    """What a student writes in the cell of an exercise, for the thing that the cell's test looks at."""
    name = exercise.partition("/")[0]
    given = sheet_of(exercise, seed_of(student, name)).given
    kind, _, number = how.partition(" ")
    recipes = SOLVED[exercise].spoilt if kind == "spoilt" else SOLVED[exercise].right
    lines = recipes[int(number or 0)](given).splitlines()
    if kind in ENDS:
        lines = [*lines[:-1], ENDS[kind]]
    calls = [node for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Call)]
    (call,) = [node for node in calls if ast.unparse(node.func) == "lab.check"]
    thing = ast.unparse(call.args[1])
    return "\n".join([f'thing = {thing} = lab.sheet("{exercise}").start()', *lines, f"{thing} = thing"])


def _name(cell: dict[str, Any]) -> str:
    found: str = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
    return found
