"""A course of nbgrader in a folder."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.grading.synthetic import COURSE

from .students import Points, Programs, Work, lines_of, needed

POINTS = """
SELECT student_id, name, coalesce(auto_score, 0)
FROM grade
JOIN base_cell ON base_cell.id = grade.cell_id
JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
"""


class Course(Programs):
    """A folder of assignments, written and graded by programs of nbgrader's own environment alone."""

    host = "nbgrader"

    def __init__(self, folder: Path, wheel: Path) -> None:
        super().__init__(folder, wheel)
        self.root, self.exchange = folder / COURSE, folder / "exchange"
        self.exchange.mkdir(mode=0o777)

    def nbgrader(self, *arguments: str, status: int = 0) -> str:
        """Run one of nbgrader's commands in the course's folder."""
        command = "-m", "nbgrader", *arguments, f"--Exchange.root={self.exchange}"
        return self.run(*command, cwd=self.root, status=status)

    def hand_in(
        self, student: str, lab: str, work: Work, last: str = "", of: str | None = None, *, short: bool = True
    ) -> None:
        """A released notebook as a student hands it in; a `short` one has no cells that nothing graded needs.

        `last` are lines at the end of each exercise; `of` is the id in it, if that is not the student's.
        """
        whose = student if of is None else of
        notebook = json.loads((self.root / "release" / lab / f"{lab}.ipynb").read_text())
        tests = {_name(cell): "".join(cell["source"]) for cell in notebook["cells"] if _name(cell)}
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"]).replace('student=""', f'student="{whose}"')
            exercise = _name(cell).removesuffix("-lines").replace("-", "/", 1)
            if exercise in work and _name(cell).endswith("-lines"):
                test = tests[_name(cell).removesuffix("-lines")]
                cell["source"] = f"{lines_of(exercise, whose, work[exercise], test)}\n{last}"
        if short:
            notebook["cells"] = [cell for cell in notebook["cells"] if _name(cell) or needed(cell["source"])]
        path = self.root / "submitted" / student / lab / f"{lab}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))

    def points(self) -> Points:
        """What nbgrader's gradebook, a database, has for each student and exercise."""
        with closing(sqlite3.connect(self.root / "gradebook.db")) as gradebook:
            rows = gradebook.execute(POINTS).fetchall()
        return {(student, grade.replace("-", "/", 1)): points for student, grade, points in rows}


def _name(cell: dict[str, Any]) -> str:
    found: str = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
    return found
