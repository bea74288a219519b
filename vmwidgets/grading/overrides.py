"""Points given by a person: a table of student, exercise, points and reason, which overrides the grader's results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.labs.identity import folded
from vmwidgets.labs.moved import lab_of

from .findings import Status, found
from .grades import Graded, Grades, Row
from .roster import Roster
from .spreadsheet import read_table
from .titles import MEANINGS

STUDENT = ("student", *MEANINGS["id"])
EXERCISE, POINTS, REASON = ("exercise", "task"), ("points", "score"), ("reason", "why", "comment")


@frozen(slots=False)
class Override:
    """One row of the file, as strings; `number` is its line."""

    number: int
    student: str
    exercise: str
    points: str
    reason: str


@frozen(slots=False)
class Overrides:
    """The rows of the file with this name."""

    name: str
    rows: tuple[Override, ...]


def read_overrides(path: Path) -> Overrides:
    """Return the overrides in the file at `path`; raises :class:`Refused` with one sentence if a column is missing."""
    table = read_table(path)
    columns = [
        table.needed(meanings, meanings[0] if meanings[0] == "points" else f"the {meanings[0]}")
        for meanings in (STUDENT, EXERCISE, POINTS, REASON)
    ]
    rows = (
        Override(number, *(normalize("NFC", row[column].strip()) for column in columns))
        for number, row in enumerate(table.rows, 2)
    )
    return Overrides(path.name, tuple(rows))


def with_overrides(grades: Grades, overrides: Overrides, roster: Roster | None) -> Grades:
    """Return the grades with these points instead of the computed ones; rows that match nothing are listed."""
    students = {folded(one): one for file in grades.files for one in (file.student, *file.students)}
    notes, given = list(grades.notes), dict[tuple[str, str], Row]()
    for one in overrides.rows:
        person = roster.find(one.student) if roster else None
        student = roster.person(one.student) if roster else one.student
        student = students.get(folded(student), student)
        points = _points(one.points)
        if folded(student) not in students and person is None:
            problem = f"student {one.student!r} is unknown"
        elif one.exercise not in grades.course.exercises:
            problem = f"exercise {one.exercise!r} is not in this course"
        elif points is None:
            problem = f"points {one.points!r} are not a number from 0"
        elif points > round(grades.course.exercises[one.exercise], 2):  # as points are rounded
            problem = f"{points:g} points are more than the {grades.course.exercises[one.exercise]:g} of {one.exercise}"
        elif (student, one.exercise) in given:
            problem = f"{student} has points for {one.exercise} in an earlier row, which counts"
        else:
            before = grades.rows_of(student).get(one.exercise)
            row = Row("", student, one.exercise, points, grades.course.exercises[one.exercise])
            late = before.late if before else 0
            given[student, one.exercise] = replace(row, override=one.reason or "no reason given", late=late)
            continue
        odd = found(Status.ODD_OVERRIDE, row=str(one.number), problem=problem)
        notes.append(Row(overrides.name, one.student, "", findings=(odd,)))
    return replace(grades, files=tuple(_put(grades.files, given)), notes=tuple(notes))


def _put(files: Iterable[Graded], given: Mapping[tuple[str, str], Row]) -> Iterator[Graded]:
    """Yield the files with these rows replaced, and one more file for each row that belongs to no file."""
    left = dict(given)
    for file in files:
        rows = list(file.rows)
        for index, old in enumerate(rows):
            key = file.student, old.exercise
            if row := given.get(key):
                rows[index] = replace(old, points=row.points, override=row.override)
                left.pop(key, None)
        yield replace(file, rows=tuple(rows))
    for (student, exercise), row in left.items():
        yield Graded("", student, lab_of(exercise), None, (row,), {}, {}, {})


def _points(text: str) -> float | None:
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        return None
    return round(points, 2) if points >= 0 else None
