"""Labs as assignments of nbgrader: a folder for its course, with the labs' notebooks in source/.

A cell of an exercise becomes two cells.  Students write in the first, a solution cell.  The second is locked and tests
the solution: its last expression is the points, which nbgrader uses for partial credit.  It also shows the check's
result, with the journal that `vmwidgets grade` judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .cells import Cell, Lab, Task, cells_of, code, written

SCHEMA = 3
"""The schema of a cell's metadata, as in nbgrader since version 0.6."""

REGION = "### BEGIN SOLUTION\n### END SOLUTION"
"""The marks around the part of a solution cell that students don't get.  Without marks, they would get an empty
cell.
"""

CONFIG = """\
c = get_config()

c.ClearSolutions.code_stub = {"python": ""}  # the cell says what to write
"""


def files(labs: Iterable[Lab], course: str, worth: Mapping[str, float]) -> dict[str, str]:
    """Return the folder's files by name: its configuration, and a notebook for each lab.

    `course` is the course's name in `lab.begin`; `worth` contains the points of each graded exercise.  Cells of other
    exercises are unchanged.
    """
    notebooks = {f"source/{lab.name}/{lab.name}.ipynb": assignment(lab, course, worth) for lab in labs}
    identity = f'c.CourseDirectory.course_id = "{course}"\n' if course else ""
    return {"nbgrader_config.py": CONFIG + identity, **notebooks}


def assignment(lab: Lab, course: str, worth: Mapping[str, float]) -> str:
    """Return a lab's notebook with nbgrader's metadata."""
    return written(lab.notebook, cells_of(lab, course, worth, _graded))


def _graded(cell: Cell, task: Task, points: float) -> Iterator[Cell]:
    """Yield a solution cell in place of the exercise's cell, and a cell that tests the solution."""
    lines = f"{task.lines}\n\n{REGION}"
    yield code(cell["id"], lines, nbgrader=_metadata(f"{task.label}-lines", solution=True, locked=False))
    graded = {**_metadata(task.label, solution=False, locked=True), "grade": True, "points": points}
    yield code(f"{cell['id']}-check", _test(task, points), nbgrader=graded)


def _test(task: Task, points: float) -> str:
    earned = "checked.points"
    if points != task.worth:
        earned = f"round({earned} * {points} / {task.worth}, 2)  # of {points} in this course"
    return f"display(checked := {task.check})\n{earned}"


def _metadata(name: str, *, solution: bool, locked: bool) -> dict[str, object]:
    return {
        "schema_version": SCHEMA,
        "grade_id": name,
        "grade": False,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
