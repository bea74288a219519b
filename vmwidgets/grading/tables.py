"""Grades as files: one row for each exercise, one for each student, all of it as JSON, and what Gradescope reads."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from vmwidgets.engine.base.files import written_whole

from .run import Grades, Row

COLUMNS = ("student", "exercise", "points", "of", "says", "file")


def write_tables(grades: Grades, folder: Path) -> list[Path]:
    """Write `grades.csv`, `students.csv`, `grades.json` and `gradescope/STUDENT.json` into `folder`; their paths."""
    texts = {
        folder / "grades.csv": _csv(COLUMNS, map(_cells, grades.rows)),
        folder / "students.csv": _csv(("student", "points"), grades.students().items()),
        folder / "grades.json": json.dumps([asdict(file) for file in grades.files], indent=1) + "\n",
    }
    for student in grades.students():
        texts[folder / "gradescope" / f"{student}.json"] = json.dumps(_gradescope(grades, student), indent=1) + "\n"
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            file.write(text.encode(errors="backslashreplace"))  # a file's name may be no text
    return list(texts)


def _cells(row: Row) -> Sequence[object]:
    return row.student, row.exercise, f"{row.points:g}", f"{row.of:g}", row.says, row.path


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _gradescope(grades: Grades, student: str) -> dict[str, object]:
    """The results.json of Gradescope's autograder, with a test for each exercise."""
    rows = [row for file in grades.files if student in file.students for row in file.rows]
    tests = [{"name": row.exercise, "score": row.points, "max_score": row.of, "output": _feedback(row)} for row in rows]
    return {"score": grades.students()[student], "tests": tests, "visibility": "after_published"}


def _feedback(row: Row) -> str:
    """Each criterion with its points and reason."""
    criteria = [f"{one['points']}/{one['of']} {one['sentence']}" for one in row.result.get("criteria", ())]
    return "\n".join([*[row.says] * bool(row.says), *criteria])
