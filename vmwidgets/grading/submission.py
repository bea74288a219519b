"""What one file is worth: its works, judged, and compared with what the notebook claims."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from vmwidgets import __version__
from vmwidgets.engine.base.errors import shown
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import Exercise, exercises
from vmwidgets.labs.identity import folded
from vmwidgets.labs.moved import lab_of, labs_of, of_lab

from .course import Course
from .grades import DIFFERS, ELSEWHERE, FORGED, UNJUDGED, Graded, Judged, Row
from .notebook import Handed, Work, made_with, notebook_of

Asking = Callable[[str, str, Any], dict[str, Any]]
"""Judges work: of an exercise, a sheet and the work, the data of a check's result."""


MOST_STOPPED = 2
"""Pieces of work of one file whose judging is stopped; no others are judged after that."""

MOST_SECONDS = 300
"""That judging all work of one file may take; what is left then is not judged."""

MOST_JUDGED = 20
"""Pieces of work of one exercise that are judged in one notebook: each may take as long as judging may."""


def graded_file(name: str, content: bytes, course: Course, ask: Asking) -> Graded:
    """The grades of the file called `name`: for each exercise, of all that was checked or submitted, the best."""
    handed = notebook_of(content)
    begun = Beginning.made_from(handed.begun.data(), course.key) if handed.begun else Beginning("")
    problem, reads = (handed.problem, handed.reads) if handed.problem else _whose(handed, begun, course)
    rows = () if problem or handed.nothing else tuple(rows_of(name, handed, begun.seed, course, _patient(ask)))
    version = handed.version if begun.students else __version__
    return Graded(
        name, begun.student, begun.lab, problem, rows, handed.predictions, handed.outcomes, handed.hints,
        version=version, seed=f"{begun.seed:016x}", nothing="" if problem else handed.nothing, reads=reads,
    )  # fmt: skip  # one call


def _patient(ask: Asking) -> Asking:
    """The same for one file, whose work may not hold the grader for long."""
    until, stopped = time.monotonic() + MOST_SECONDS, 0

    def answer(exercise: str, sheet: str, work: Any) -> dict[str, Any]:
        nonlocal stopped
        problem = ""
        if stopped == MOST_STOPPED:
            problem = f"judging of {MOST_STOPPED} pieces of work of this file was stopped"
        elif time.monotonic() > until:
            problem = f"the work of this file takes longer than {MOST_SECONDS} seconds"
        if problem:
            return {"id": exercise, "points": 0, "problem": problem, "criteria": [], "stopped": True}
        result = ask(exercise, sheet, work)
        stopped += bool(result.get("stopped"))
        return result

    return answer


def rows_of(name: str, handed: Handed, seed: int, course: Course, ask: Asking) -> Iterator[Row]:
    """A row for each exercise of the lab that was begun, judged on the sheet of this seed; and for works of others."""
    assert handed.begun is not None
    for exercise, worth in course.exercises.items():
        row, works = Row(name, handed.begun.student, exercise, of=worth), handed.works.get(exercise, ())
        if handed.begun.lab not in labs_of(exercise):
            if works:
                began = f"the notebook last began lab {handed.begun.lab}, and this is of {lab_of(exercise)}"
                yield replace(row, says=f"{UNJUDGED}: {began}", status=UNJUDGED)
        elif works:
            yield _best(row, works, f"{seed:016x}", handed.version, course, ask)
        else:
            yield replace(row, says="no check of it is in the file")


def _whose(handed: Handed, begun: Beginning, course: Course) -> tuple[str, str]:
    """Why a file counts for no student of this course, or "", and what the student reads, where that quotes the file.

    `begun` has the codes that the course gave out.
    """
    if not begun.students:
        return "no student ID: this is the default variant", ""
    if folded(begun.course) != folded(course.name):
        return f"it is of the course {begun.course!r}", "it is of another course"
    if course.key and not handed.coded:
        return "it was begun without a code: write code= in lab.begin and do the exercises again", ""
    if handed.coded and not course.key:
        return "it was begun with a code, and the course's file has no key", ""
    if course.key and handed.seed != f"{begun.seed:016x}":
        wrong = "it was begun with a code that is not that of"
        return f"{wrong} {begun.student}", f"{wrong} {'its students' if len(begun.students) > 1 else 'its student'}"
    if not of_lab(course.exercises, begun.lab):
        return f"lab {begun.lab!r} has no exercise in this course", "its lab has no exercise in this course"
    return "", ""


def _best(row: Row, works: Sequence[Work], sheet: str, version: str, course: Course, ask: Asking) -> Row:
    """The row of the work with the most points: the highest claims first, until none claims more than was found."""
    exercise = exercises()[row.exercise]
    own = [work for work in works if work.sheet == (sheet if exercise.sheet else "")]
    judged: list[tuple[Work, Row]] = []
    most = -1
    for work in sorted(own or works, key=lambda work: (-work.claim, -work.cell)):
        if judged and (most >= work.claim or len(judged) == MOST_JUDGED):
            break
        result = ask(row.exercise, sheet, work.data)
        status, says, reads = _says(work, exercise, result, version) if own else OF_ANOTHER
        same = work.edition == exercise.edition
        points = int(result["points"]) if own and same else 0
        digest = str(result.pop("digest", ""))
        worth = _worth(row, exercise, points, course) if status in (FORGED, DIFFERS) else ""
        made = replace(
            row, points=course.scaled(exercise, points), claimed=work.claimed, says=f"{says}{worth}", work=digest,
            result=result if same else {**result, "criteria": []}, cell=work.cell, status=status,
            reads=reads and f"{reads}{worth}",
        )  # fmt: skip  # one call
        judged.append((work, made))
        most = max(most, points)
    best = max((made for _, made in judged), key=lambda one: one.points)
    others = [Judged(one.cell, one.claimed, one.points, one.says, one.stopped) for _, one in judged if one is not best]
    seen = {id(work) for work, _ in judged}
    others += [Judged(work.cell, work.claimed, None, "") for work in works if id(work) not in seen]
    higher = (one for work, one in judged if one.status == UNJUDGED and work.claim > most)
    lost = None if best.status == UNJUDGED else next(higher, None)
    best = replace(best, others=tuple(others))
    if lost is None:
        return best
    # the student may have earned more than what was found
    was = f"the work of cell {lost.cell}, which claims {shown(lost.claimed)}, was "
    says, reads = (
        "; ".join(filter(None, (first, f"{was}{second}")))
        for first, second in ((best.says, lost.says), (best.reads or best.says, lost.reads or lost.says))
    )
    return replace(best, says=says, reads=reads)


OF_ANOTHER = ELSEWHERE, "its journal is of another variant", ""


def _says(work: Work, exercise: Exercise, result: dict[str, Any], version: str) -> tuple[str, str, str]:
    """What a piece of work for the student's own sheet is beside fine; what needs a look, or ""; and as in `reads`."""
    if work.edition != exercise.edition:
        how = made_with(version) if version != __version__ else "the exercises as they were then"
        made = f"it was made with edition {shown(work.edition)} of this exercise, and this is edition"
        says = f"{UNJUDGED}: {made} {exercise.edition}: grade it with {how}"
        return UNJUDGED, says, f"{UNJUDGED}: it was made with another edition of this exercise"
    if result["problem"] and not result["criteria"]:
        return UNJUDGED, f"{UNJUDGED}: {result['problem']}", ""
    points = int(result["points"])
    if work.claimed == points:
        return "", str(result.get("problem", "")), ""
    claim = "no points" if work.claimed is None else f"{shown(work.claimed)} point{'s' * (work.claimed != 1)}"
    ran = bool(result.get("ran"))
    # What is judged from a journal is the same each time: only a claim that was changed can be higher.
    certain = not ran and not result["problem"] and version == __version__ and work.claim > points
    status = FORGED if certain else DIFFERS
    made = f", made with {made_with(version)}" if version != __version__ else ""
    found = f"and its {'function' if ran else 'journal'} gives {points}"
    reads = f"{status}: the notebook claims {claim}, {found}"
    return status, f"{status}: the notebook claims {claim}{made}, {found}", reads if made else ""


def _worth(row: Row, exercise: Exercise, points: int, course: Course) -> str:
    """What the points are worth, where the course counts them otherwise."""
    if row.of == exercise.points:
        return ""
    return f" of {exercise.points}, counted as {course.scaled(exercise, points):g} of {row.of:g}"
