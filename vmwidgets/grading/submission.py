"""What one file is worth: its works, judged, and compared with what the notebook claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vmwidgets import __version__
from vmwidgets.engine.base.errors import shown
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises

from .course import Course
from .grades import ELSEWHERE, FORGED, Graded, Row
from .notebook import notebook_of

Asking = Callable[[str, str, Any], dict[str, Any]]
"""Judges work: of an exercise, a sheet and the work, the data of a check's result."""


def graded_file(name: str, content: bytes, course: Course, ask: Asking) -> Graded:
    """The grades of the file called `name`; what it claims is compared with what is found here."""
    handed = notebook_of(content)
    begun = handed.begun or Beginning("")
    problem = handed.problem or _whose(begun, handed.version, course)
    rows = []
    for exercise, worth in course.exercises.items() if not problem else ():
        kept = handed.works.get(exercise)
        row = Row(name, begun.student, exercise, of=worth)
        if exercise.partition("/")[0] != begun.lab:
            if kept is not None:
                rows.append(replace(row, says=f"not judged: the notebook last began lab {begun.lab}"))
            continue
        sheet = f"{begun.seed:016x}"
        rows.append(replace(row, says="not handed in") if kept is None else _row(row, kept, sheet, course, ask))
    return Graded(
        name, begun.student, begun.lab, problem, tuple(rows), handed.predictions, handed.outcomes, handed.hints
    )


def _whose(begun: Beginning, version: str, course: Course) -> str:
    if not begun.students:
        return "no student: it has the default sheet"
    if begun.course != course.name:
        return f"it is of the course {begun.course!r}"
    if version != __version__:
        return f"it was made with vmwidgets {shown(version)}, and this is {__version__}"
    if not any(exercise.startswith(f"{begun.lab}/") for exercise in course.exercises):
        return f"lab {begun.lab!r} has no exercise in this course"
    return ""


def _row(row: Row, kept: dict[str, Any], sheet: str, course: Course, ask: Asking) -> Row:
    exercise = exercises()[row.exercise]
    wanted = sheet if exercise.sheet is not None else ""
    claimed = kept.get("points")
    claimed = claimed if isinstance(claimed, int) and not isinstance(claimed, bool) else None
    result = ask(row.exercise, sheet, kept["work"])
    points = int(result["points"])
    if kept.get("sheet") != wanted:
        points, says = 0, ELSEWHERE
    elif result["problem"] and not result["criteria"]:
        says = f"not judged: {result['problem']}"
    elif claimed != points:
        kind = "function" if result.get("ran") else "journal"
        claim = "no" if claimed is None else shown(claimed)
        counts = f" of {exercise.points}, counted as {course.scaled(exercise, points):g} of {row.of:g}"
        scaled = counts * (row.of != exercise.points)
        says = f"{FORGED}the notebook claims {claim} points, and its {kind} gives {points}{scaled}"
    else:
        says = str(result.get("problem", ""))
    work = str(result.pop("digest", ""))
    return replace(row, points=course.scaled(exercise, points), claimed=claimed, says=says, work=work, result=result)
