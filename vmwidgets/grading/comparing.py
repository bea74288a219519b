"""What is only seen when all files are side by side: the same work of two students, and a student's second file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from vmwidgets.engine.base.errors import printable
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.sheet import sheet_of

from .course import Course
from .grades import COPIED, Graded, Row


def compared(files: Iterable[Graded], course: Course, person: Callable[[str], str] = str) -> Iterator[Graded]:
    """The files, with what is only seen side by side: the same work of two students, and a student's second file.

    `person` gives who wrote an id: nobody copies from themselves.
    """
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
        me = _persons(file.student, person)
        rows = tuple(
            _beside(row, [one for one in sorted(owners.get(row.work, ())) if _persons(one, person) != me], course)
            for row in file.rows
        )
        if file.student and not file.problem and last[file.student, file.lab] != file.path:
            yield replace(file, rows=(), problem=f"handed in twice: {printable(last[file.student, file.lab])} counts")
        else:
            yield replace(file, rows=rows)


def _persons(student: str, person: Callable[[str], str]) -> set[str]:
    """Those who are behind an id, or behind several joined by `+`."""
    return {person(one) for one in student.split("+")}


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
