"""What GitHub's archives of a version would hold, and that a solution in them is found."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.packaging import solutions


@pytest.fixture(scope="module")
def archived(root: Path) -> dict[str, bytes]:
    """The files of `git archive`, as the .gitattributes here have it."""
    command = ["git", "archive", "--format=tar", "--prefix=vmwidgets/", "--worktree-attributes", "HEAD"]
    answer = subprocess.run(command, cwd=root, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(answer.stdout)) as archive:
        return dict(solutions.files_of(archive))


def test_an_archive_has_the_labs_and_no_solution(archived: dict[str, bytes]) -> None:
    assert {"pyproject.toml", "notebooks/01-maps.ipynb", "vmwidgets/labs/sheet.py"} <= archived.keys()
    assert solutions.shown_in(archived.items()) == []


def test_each_lab_has_lines_that_are_looked_for() -> None:
    assert len(solutions.secret_lines()) > 100


@pytest.mark.parametrize("name", ["notebooks/01-maps.ipynb", "docs/own-lab.md", "vmwidgets/course/01-maps.ipynb"])
def test_a_line_of_a_solution_is_found(name: str) -> None:
    line = max(solutions.secret_lines(), key=lambda line: (line.count('"'), line))  # quotes are escaped in notebooks
    text = f"text\n    {line}\n"
    cells = json.dumps({"cells": [{"source": text.splitlines(keepends=True)}]})
    assert solutions.shown_in([(name, (cells if name.endswith(".ipynb") else text).encode())]) == [f"{name}: {line}"]


@pytest.mark.parametrize(
    "name",
    [
        "course/01-maps/lab.md",
        "tests/labs/test_sheets.py",
        "notebooks/solutions/01-maps.ipynb",
        "x/instructors/1.ipynb",
    ],
)
def test_a_path_of_solutions_is_found(name: str) -> None:
    assert name in solutions.shown_in([(name, b'{"cells": []}')])


def test_a_notebook_for_instructors_is_found() -> None:
    cells = json.dumps({"cells": [{"source": "For Instructors"}]})
    assert len(solutions.shown_in([("notebooks/01-maps.ipynb", cells.encode())])) == 1


def test_a_module_with_some_of_a_solution_is_found() -> None:
    one, other, *_ = sorted(solutions.secret_lines())
    assert solutions.shown_in([("vmwidgets/labs/a.py", f"{one}\n".encode())]) == [], "a judge's line by chance"
    assert len(solutions.shown_in([("vmwidgets/labs/a.py", f"{one}\n    {other}\n".encode())])) == 2
