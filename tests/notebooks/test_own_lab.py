"""The lab that docs/own-lab.md makes: its module, its test and its notebook do what the page says."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbformat
import pytest

from vmwidgets.labs.records import MIME, TAG

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?:python |toml )?(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall((ROOT / "docs" / "own-lab.md").read_text("utf-8"))
CELLS = [text for name, text in BLOCKS if name == "cell"]
CHECK, OUTCOME, PREDICTION = "check", "outcome", "prediction"

SOLUTION = """
for first, pages in holes.holes_from(variant.given):
    space.remove(first * vm.PAGE, size=pages * vm.PAGE)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the page's files."""
    for name, text in BLOCKS:
        if name.endswith((".py", ".toml")):
            (tmp_path / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def test_its_test_passes(folder: Path) -> None:
    command = [sys.executable, "-m", "unittest", "test_holes"]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "Ran 4 tests" in answer.stderr


@pytest.fixture
def run(folder: Path) -> Callable[..., dict[str, dict[str, object]]]:
    """Runs the notebook, changed by `edit`; gives the last data of each kind."""

    def execute(edit: Callable[[str], str] = str) -> dict[str, dict[str, object]]:
        cells = [nbformat.v4.new_code_cell(edit(text)) for text in CELLS]
        notebook = nbformat.v4.new_notebook(cells=cells)
        nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
        nbformat.write(notebook, folder / "holes.ipynb")
        return {
            output["data"][MIME][TAG]: output["data"][MIME]
            for cell in notebook.cells
            for output in cell.outputs
            if MIME in output.get("data", {})
        }

    return execute


def test_its_notebook_runs_and_earns_nothing(run: Callable[..., dict[str, dict[str, object]]]) -> None:
    data = run()
    assert (data[CHECK]["points"], data[CHECK]["of"], data[CHECK]["problem"]) == (0, 3, "")
    assert (data[PREDICTION]["happened"], OUTCOME in data) == ("2", False)


def solved(source: str) -> str:
    """A cell as a student leaves it who knows how."""
    named = source.replace('student="", course=""', 'student="anna", course="os-2026"')
    answered = named.replace('kind="number"', 'kind="number", answer=3')
    return re.sub(r"^# your code here.*$", SOLUTION, answered, flags=re.MULTILINE)


def test_its_notebook_is_solved_for_a_student(run: Callable[..., dict[str, dict[str, object]]]) -> None:
    data = run(solved)
    assert data[CHECK]["passed"]
    assert data[CHECK]["sheet"] != "default"
    assert data[OUTCOME]["mistake"] == "the hole is an entry"


def test_a_check_looks_as_the_page_shows_it(folder: Path) -> None:
    """Of the default variant."""
    code = """
import holes
from vmwidgets import lab
import test_holes
variant = lab.variant("h1/rooms")
space = variant.start()
test_holes.moved_down(space, variant.given)
print(lab.check("h1/rooms", space))
"""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    (shown,) = [text for name, text in BLOCKS if name == "text"]
    assert answer.stdout == shown, answer.stderr


@pytest.mark.parametrize("given", [[], ["--exercises", "holes.py"]], ids=["in the course's file", "by hand"])
def test_marks_come_from_the_page_s_own_command(
    folder: Path, run: Callable[..., dict[str, dict[str, object]]], given: list[str]
) -> None:
    """In a folder of its own, as a teacher types it."""
    if given:
        course = (folder / "course.toml").read_text()
        (folder / "course.toml").write_text(course.replace('modules = ["holes.py"]\n', ""))
    (folder / "submissions").mkdir()
    run(solved)
    (folder / "holes.ipynb").rename(folder / "submissions" / "anna.ipynb")
    (line,) = re.findall(r"^    vmwidgets (grade .*)$", (ROOT / "docs" / "own-lab.md").read_text("utf-8"), re.MULTILINE)
    program = "import sys; from vmwidgets.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *line.split(), *given]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = csv.DictReader((folder / "grades" / "grades.csv").read_text().splitlines())
    assert (row["student"], row["exercise"], row["points"], row["of"], row["says"]) == (
        "anna",
        "h1/rooms",
        "3",
        "3",
        "",
    )
