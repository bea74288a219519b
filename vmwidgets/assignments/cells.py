"""A lab's cells as syntax trees: its beginning, the student's lines, and the checks."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.explained import question_of

Cell = dict[str, Any]


@frozen(slots=False)
class Lab:
    """The notebook `name` (``01-maps``) as JSON."""

    name: str
    notebook: dict[str, Any]

    @property
    def number(self) -> str:
        """The number that students write in `lab.begin`: ``01``."""
        return self.name.partition("-")[0]

    @property
    def exercises(self) -> list[str]:
        """The exercises that its cells check, in order."""
        tasks = (task_of(source_of(cell)) for cell in self.notebook["cells"] if cell["cell_type"] == "code")
        return [task.exercise for task in tasks if task]

    @property
    def questions(self) -> dict[str, str]:
        """The question of each prediction in its cells, by ID; computed questions are left out."""
        found: dict[str, str] = {}
        for cell in self.notebook["cells"]:
            if cell["cell_type"] == "code":
                found.update(_questions(ast.parse(source_of(cell))))
        return found


@frozen(slots=False)
class Task:
    """A cell of an exercise: a student's `lines`, and the call of lab.check at the end.

    `worth` is the number of its points.
    """

    exercise: str
    lines: str
    check: str

    @property
    def worth(self) -> int:
        """The exercise's own points."""
        return exercises()[self.exercise].points

    @property
    def label(self) -> str:
        """The exercise as a name of letters, digits and dashes."""
        return self.exercise.replace("/", "-")


def labs_of(files: Mapping[str, bytes]) -> dict[str, Lab]:
    """Return the labs by number, from the notebooks' files by name."""
    labs = (Lab(name.removesuffix(".ipynb"), json.loads(content)) for name, content in files.items())
    return {lab.number: lab for lab in labs}


def task_of(source: str) -> Task | None:
    r"""Return the exercise's task in a cell; None if the cell does not end in ``lab.check("…", …)``.

    >>> task = task_of('space = sheet.start()\n\n# your lines\n\nlab.check("01/gaps", space)')
    >>> task.exercise, task.lines, task.check
    ('01/gaps', 'space = sheet.start()\n\n# your lines', 'lab.check("01/gaps", space)')
    """
    body = ast.parse(source).body
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    if not isinstance(last, ast.Call) or not _calls(last, "check"):
        return None
    exercise = last.args[0].value if isinstance(last.args[0], ast.Constant) else None
    if not isinstance(exercise, str):
        return None
    lines = "\n".join(source.split("\n")[: last.lineno - 1])
    return Task(exercise, lines.strip("\n"), ast.get_source_segment(source, last) or "")


def for_course(source: str, course: str) -> str:
    """Return a cell with the course's name in its ``lab.begin``; a cell without that call is unchanged.

    >>> for_course('lab.begin("01", student="", course="")  # your id', "os-2026")
    'lab.begin("01", student="", course="os-2026")  # your id'
    """
    lines = [line.encode() for line in source.split("\n")]  # a syntax tree counts bytes
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _calls(node, "begin"):
            (name,) = [keyword.value for keyword in node.keywords if keyword.arg == "course"]
            line = lines[name.lineno - 1]
            lines[name.lineno - 1] = line[: name.col_offset] + f'"{course}"'.encode() + line[name.end_col_offset :]
    return b"\n".join(lines).decode()


def cells_of(
    lab: Lab, course: str, worth: Mapping[str, float], graded: Callable[[Cell, Task, float], Iterable[Cell]]
) -> list[Cell]:
    """Return the lab's cells with the course's name; `graded` replaces the cells of exercises in `worth`."""
    found: list[Cell] = []
    for cell in lab.notebook["cells"]:
        if cell["cell_type"] != "code":
            found.append(cell)
            continue
        source = for_course(source_of(cell), course)
        task, own = task_of(source), code(cell["id"], source, **cell["metadata"])
        found += graded(own, task, worth[task.exercise]) if task and task.exercise in worth else [own]
    return found


def course_name(name: str) -> str:
    """Return a course's name as `lab.begin` accepts it; raises :class:`Refused` for any other."""
    return Beginning.made_from({"lab": "01", "student": "", "course": name}).course


def source_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's text."""
    return "".join(cell["source"])


def code(identity: str, source: str, **metadata: Any) -> Cell:
    """Return a code cell that has not been run."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": identity,
        "metadata": metadata,
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def written(notebook: Mapping[str, Any], cells: list[Cell]) -> str:
    """Return a notebook's file with these cells."""
    return json.dumps({**notebook, "cells": cells}, indent=1, ensure_ascii=False) + "\n"


def _questions(cell: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the ID and the question of each prediction of a cell.

    The question is in the call, in a variable of the cell, or, if the call has only an ID, in the text of a lab.
    """
    texts = {
        name.id: node.value
        for node in ast.walk(cell)
        if isinstance(node, ast.Assign)
        for name in node.targets
        if isinstance(name, ast.Name)
    }
    for node in ast.walk(cell):
        if isinstance(node, ast.Call) and _calls(node, "predict"):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            name, text = given.get("id"), node.args[0] if node.args else given.get("question")
            if isinstance(name, ast.Constant) and text is None and question_of(str(name.value)):
                yield str(name.value), question_of(str(name.value))
            text = texts.get(text.id) if isinstance(text, ast.Name) else text
            if isinstance(name, ast.Constant) and isinstance(text, ast.Constant):
                yield str(name.value), str(text.value)


def _calls(node: ast.Call, name: str) -> bool:
    """Return whether `node` is a call of `lab.NAME`."""
    return ast.unparse(node.func) == f"lab.{name}"
