"""Labs as assignments of Otter-Grader: a notebook for each lab, which `otter assign` turns into the students' notebook.

Raw cells mark a question and its tests.  The cell of an exercise stays as it is.  A question has a test case for each
point of the exercise.  Otter gives each test case an equal share of the question's points, so a student's share of them
is the share of points earned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .cells import Cell, Lab, Task, cells_of, code, written

CONFIG = """\
# ASSIGNMENT CONFIG
requirements: ["vmwidgets @ git+https://github.com/vmwidgets/vmwidgets"]  # PyPI has no release
init_cell: false  # students don't need Otter; they submit the notebook
export_cell: false
run_tests: false  # there is no solution in it"""

QUESTION = """\
# BEGIN QUESTION
name: {name}
points: {points}
check_cell: false  # lab.check says more"""


def files(labs: Iterable[Lab], course: str, worth: Mapping[str, float]) -> dict[str, str]:
    """Return the folder's files by name: a notebook for each lab, in a folder of its own.

    `course` is the course's name in `lab.begin`; `worth` contains the points of each graded exercise.  Cells of other
    exercises are unchanged.
    """
    return {f"{lab.name}/{lab.name}.ipynb": assignment(lab, course, worth) for lab in labs}


def assignment(lab: Lab, course: str, worth: Mapping[str, float]) -> str:
    """Return a lab's notebook with Otter's raw cells."""
    cells = cells_of(lab, course, worth, _graded)
    return written(lab.notebook, [_raw(f"{lab.number}-config", CONFIG), *cells])


def _graded(cell: Cell, task: Task, points: float) -> Iterator[Cell]:
    """Yield the exercise's cell as a question's solution, and its tests."""
    name = cell["id"]
    yield _raw(f"{name}-question", QUESTION.format(name=task.label, points=points))
    yield _raw(f"{name}-solution", "# BEGIN SOLUTION")
    yield cell
    yield _raw(f"{name}-answered", "# END SOLUTION")
    yield _raw(f"{name}-tests", "# BEGIN TESTS")
    yield from (_test(f"{name}-test-{earned}", task, earned) for earned in range(1, task.worth + 1))
    yield _raw(f"{name}-tested", "# END TESTS")
    yield _raw(f"{name}-end", "# END QUESTION")


def _test(identity: str, task: Task, points: int) -> Cell:
    """Return a test case for at least this many points."""
    expected = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": ["True"]}}
    return {**code(identity, f"{task.check}.points >= {points}"), "outputs": [expected]}


def _raw(identity: str, source: str) -> Cell:
    return {"cell_type": "raw", "id": identity, "metadata": {}, "source": source.splitlines(keepends=True)}
