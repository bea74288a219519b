"""Students who do the labs in their own ways, for systems that run notebooks, each in an environment of its own."""

from __future__ import annotations

import ast
import os
import subprocess
import zipfile
from pathlib import Path

from tests.grading.synthetic import seed_of
from tests.labs.test_sheets import SOLVED
from tools import hosts
from vmwidgets.labs.sheet import sheet_of

ENDS = {"crashing": "1 / 0", "hanging": "import time\ntime.sleep(1000)"}
"""What comes in place of the last line of a right solution."""

Work = dict[str, str]
"""How a student does each exercise: "right", "right 1", "spoilt 0", "crashing", "hanging"."""

Points = dict[tuple[str, str], float]
"""Of each student and exercise."""


class Programs:
    """The programs of a host's environment, with the package's wheel, in a folder and without a person's settings."""

    host = ""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.home, self.installed = folder / "home", folder / "installed"
        self.home.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.installed)

    def run(self, *arguments: str | Path, cwd: Path, status: int = 0) -> str:
        """Run Python of the environment, which ends with this status; what it printed."""
        python = hosts.python_of(self.host)
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
            [python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stdout[-1000:] + done.stderr[-4000:]
        return done.stdout + done.stderr * bool(status)


def lines_of(exercise: str, student: str, how: str, test: str) -> str:
    """What a student writes in the cell of an exercise, for the thing that the cell's `test` looks at."""
    name = exercise.partition("/")[0]
    given = sheet_of(exercise, seed_of(student, name) if student else "default").given
    kind, _, number = how.partition(" ")
    recipes = SOLVED[exercise].spoilt if kind == "spoilt" else SOLVED[exercise].right
    lines = recipes[int(number or 0)](given).splitlines()
    if kind in ENDS:
        lines = [*lines[:-1], ENDS[kind]]
    calls = [node for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Call)]
    (call,) = [node for node in calls if ast.unparse(node.func) == "lab.check"]
    thing = ast.unparse(call.args[1])
    return "\n".join([f'thing = {thing} = lab.variant("{exercise}").start()', *lines, f"{thing} = thing"])


def needed(source: str) -> bool:
    """Whether a cell that is none of an exercise is needed by one."""
    return any(call in source for call in ("lab.begin(", "lab.variant("))
