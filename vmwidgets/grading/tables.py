"""Grades as files: a row for each exercise, a row for each student, everything as JSON, and Gradescope's format."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import printable

from .findings import Finding, in_words
from .grades import Graded, Grades, Row
from .output import file_names, write

COLUMNS = ("student", "exercise", "points", "of", "late", "override", "says", "note", "file")


def write_tables(grades: Grades, folder: Path) -> list[Path]:
    """Write `grades.csv`, `students.csv`, `grades.json` and `gradescope/STUDENT.json`; returns the paths."""
    texts = {
        folder / "grades.csv": as_csv(COLUMNS, map(_cells, grades.rows)),
        folder / "students.csv": as_csv(("student", "points", "of", "predictions", "late", "with"), _totals(grades)),
        folder / "grades.json": json.dumps([_data(file) for file in grades.files], indent=1) + "\n",
    }
    for student, name in file_names(grades.students()).items():
        texts[folder / "gradescope" / f"{name}.json"] = json.dumps(results_of(grades, student), indent=1) + "\n"
    return write(texts)


def _data(file: Graded) -> dict[str, object]:
    """Return all of a file's grades, with names and findings in words, but without pictures, which the feedback has."""
    said = _said([file.finding] if file.finding else [])
    kept = {name: one for name, one in vars(file).items() if name != "finding"}
    return {**kept, "rows": list(map(_row, file.rows)), **said}


def _row(row: Row) -> dict[str, object]:
    result = {name: one for name, one in row.result.items() if name != "picture"}
    others = [{**one._asdict(), **_said(one.findings)} for one in row.others]
    return {**vars(row), "result": result, "others": others, **_said(row.findings)}


def _said(findings: Sequence[Finding]) -> dict[str, object]:
    return {
        "findings": [one.status.value for one in findings],
        "says": in_words(findings),
        "reads": in_words(findings, student=True),
    }


def _cells(row: Row) -> Sequence[object]:
    points = f"{row.points:g}", f"{row.of:g}"
    return row.student, row.exercise, *points, row.late, row.override, row.says, row.note, printable(row.path)


def _totals(grades: Grades) -> Iterable[Sequence[object]]:
    for student, points in grades.students().items():
        predicted = f"{grades.predicted(student):g}"
        together = ", ".join(grades.partners_of(student))
        yield student, f"{points:g}", f"{grades.course.of:g}", predicted, grades.late_of(student), together


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table with a row of titles, each cell harmless to a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


FORMULA = re.compile(
    r"(^|[;,|\t\r\n])(?=[\s\"']*[=+\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
    r"\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}])"
)
"""The places where a formula may begin: in a cell, and after any character that may end one."""


def harmless(cell: object) -> object:
    """Return the cell in a form that no spreadsheet takes for a formula, whatever the separator.

    >>> harmless("=1+1"), harmless("x;=1+1.ipynb"), harmless("3 points; and its journal gives 2")
    ("'=1+1", "x;'=1+1.ipynb", '3 points; and its journal gives 2')
    """
    return FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell


def results_of(grades: Grades, student: str) -> dict[str, Any]:
    """Return a student's results in the format of Gradescope's results.json, with a test for each exercise."""
    rows = grades.rows_of(student).values()
    tests = [{"name": row.exercise, "score": row.points, "max_score": row.of, "output": _feedback(row)} for row in rows]
    return {"score": grades.points_of(student), "tests": tests, "visibility": "after_published"}


def _feedback(row: Row) -> str:
    """Return the points, and each criterion with its points and reason."""
    criteria = [f"{one['points']}/{one['of']} {one['sentence']}" for one in row.criteria]
    return "\n".join([*[row.remark] * bool(row.remark), *[row.earned] * bool(criteria), *criteria])
