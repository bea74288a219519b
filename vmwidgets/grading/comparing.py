"""What is only seen when all files are side by side: the same work of two students, and a student's second file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from vmwidgets.engine.base.errors import printable
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.sheet import sheet_of

from .course import Course
from .grades import COPIED, Graded, Row


def compared(files: Iterable[Graded], course: Course) -> Iterator[Graded]:
    """The files, with what is only seen side by side: the same work of two students, and a student's second file."""
    files = list(files)
    owners: dict[str, set[str]] = {}
    last: dict[tuple[str, str], str] = {}
    for file in files:
        if not file.problem:
            last[file.student, file.lab] = file.path
        for row in file.rows:
            if row.work and row.points:
                owners.setdefault(row.work, set()).add(file.student)
    for file in files:
        rows = tuple(_beside(row, sorted(owners.get(row.work, set()) - {row.student}), course) for row in file.rows)
        if file.student and not file.problem and last[file.student, file.lab] != file.path:
            yield replace(file, rows=(), problem=f"handed in twice: {printable(last[file.student, file.lab])} counts")
        else:
            yield replace(file, rows=rows)


def _beside(row: Row, others: list[str], course: Course) -> Row:
    """The row, with the others who earn points by the same work; of those who were asked the same, that they were."""
    if not others:
        return row
    mine = _asked(row.exercise, row.student, course.name)
    whose = (f"{one}{' (asked the same)' * (_asked(row.exercise, one, course.name) == mine)}" for one in others)
    return replace(row, says="; ".join([f"{COPIED}{', '.join(whose)}", *[row.says] * bool(row.says)]))


@lru_cache(maxsize=10_000)
def _asked(exercise: str, student: str, course: str) -> str:
    """What a student's sheet says, or "" where all are asked the same."""
    if exercises()[exercise].sheet is None:
        return ""
    return sheet_of(
        exercise, f"{Beginning(exercise.partition('/')[0], course, tuple(student.split('+'))).seed:016x}"
    ).text
