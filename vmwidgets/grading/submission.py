"""The grades of one file: its work is judged, and compared with the notebook's claims."""

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
from vmwidgets.labs.moved import CONCEPTS, called, lab_of, labs_of, of_lab
from vmwidgets.labs.work import FUNCTION

from .course import Course
from .findings import NO_WORK, NOT_JUDGED, Finding, Status, found
from .grades import Graded, Judged, Row, unjudged
from .notebook import Handed, Work, made_with, notebook_of

Asking = Callable[[str, str, Any], dict[str, Any]]
"""A function that judges work: it takes an exercise, a sheet and the work, and returns the data of a check's result."""


MOST_STOPPED = 2
"""The most judgments of one file that may be stopped; after that, no other work of it is judged."""

MOST_JUDGED = 20
"""The most works for one exercise that are judged in one notebook: each may use all of its time."""


def graded_file(name: str, content: bytes, course: Course, ask: Asking) -> Graded:
    """Return the grades of the file called `name`: the best of all that was checked or submitted, by exercise."""
    handed = notebook_of(content, course.size)
    begun = Beginning.made_from(handed.begun.data(), course.key) if handed.begun else Beginning("")
    finding = handed.finding
    if finding is None or finding.status in NO_WORK:
        finding = _whose(handed, begun, course) or finding
    rows = () if finding else tuple(rows_of(name, handed, begun.seed, course, _patient(ask, course.seconds)))
    version = handed.version if begun.students else __version__
    return Graded(
        name, begun.student, begun.lab, finding, rows, handed.predictions, handed.outcomes, handed.hints,
        version=version, build=handed.build if begun.students else "", seed=f"{begun.seed:016x}",
    )  # fmt: skip  # one call


def _patient(ask: Asking, seconds: float) -> Asking:
    """Return `ask` with limits for one file: after `seconds`, or some stopped judgments, it refuses other work."""
    until, stopped = time.monotonic() + seconds, 0

    def answer(exercise: str, sheet: str, work: Any) -> dict[str, Any]:
        nonlocal stopped
        if stopped == MOST_STOPPED:
            return unjudged(exercise, f"judging of {MOST_STOPPED} pieces of work of this file was stopped")
        if time.monotonic() > until:
            return unjudged(exercise, f"the work of this file takes longer than {seconds:g} seconds")
        result = ask(exercise, sheet, work)
        stopped += bool(result.get("stopped"))
        return result

    return answer


def rows_of(name: str, handed: Handed, seed: int, course: Course, ask: Asking) -> Iterator[Row]:
    """Yield a row for each exercise of the lab that was begun, judged on this seed's sheet, and for other work."""
    assert handed.begun is not None
    for exercise, worth in course.exercises.items():
        row, works = Row(name, handed.begun.student, exercise, of=worth), handed.works.get(exercise, ())
        if handed.begun.lab not in labs_of(exercise):
            if works:
                labs = {"began": called(handed.begun.lab), "lab": called(lab_of(exercise))}
                yield replace(row, findings=(found(Status.OTHER_LAB, **labs),))
        elif works:
            yield _best(row, works, f"{seed:016x}", handed.version, course, ask)
        else:
            yield replace(row, findings=(found(Status.UNCHECKED),))


def _whose(handed: Handed, begun: Beginning, course: Course) -> Finding | None:
    """Return why a file counts for no student of this course; None if it counts.  `begun` has the course's codes."""
    if not begun.students:
        return found(Status.NO_STUDENT)
    if folded(begun.course) != folded(course.name):
        return found(Status.OTHER_COURSE, course=repr(begun.course), ours=repr(course.name))
    if course.key and not handed.coded:
        return found(Status.NO_CODE)
    if handed.coded and not course.key:
        return found(Status.NO_KEY)
    if course.key and handed.seed != f"{begun.seed:016x}":
        return found(Status.OTHER_CODES if len(begun.students) > 1 else Status.OTHER_CODE, student=begun.student)
    if begun.lab == CONCEPTS:
        return found(Status.CONCEPT_TEST)
    if not of_lab(course.exercises, begun.lab):
        return found(Status.NOT_IN_COURSE, lab=repr(begun.lab))
    return None


def _best(row: Row, works: Sequence[Work], sheet: str, version: str, course: Course, ask: Asking) -> Row:
    """Return the row of the best work: the highest claims are judged first, until none exceeds the points found."""
    exercise = exercises()[row.exercise]
    own = [work for work in works if work.sheet == (sheet if exercise.sheet else "")]
    judged: list[tuple[Work, Row]] = []
    most = -1
    for work in sorted(own or works, key=lambda work: (-work.claim, -work.cell)):
        if judged and (most >= work.claim or len(judged) == MOST_JUDGED):
            break
        result = ask(row.exercise, sheet, work.data)
        same = work.edition in exercise.judged
        points = int(result["points"]) if own and same else 0
        digest, _ = str(result.pop("digest", "")), result.pop("judged_by", "")
        finding = _finding(row, work, exercise, result, version, course) if own else found(Status.OTHER_VARIANT)
        made = replace(
            row,
            points=course.scaled(exercise, points),
            claimed=work.claimed,
            work=digest,
            cell=work.cell,
            findings=(finding,) if finding else (),
            result=result if same else {**result, "criteria": []},
        )
        judged.append((work, made))
        most = max(most, points)
    best = max((made for _, made in judged), key=lambda one: one.points)
    others = [
        Judged(one.cell, one.claimed, one.points, one.findings, one.stopped) for _, one in judged if one is not best
    ]
    seen = {id(work) for work, _ in judged}
    others += [Judged(work.cell, work.claimed, None) for work in works if id(work) not in seen]
    higher = (one for work, one in judged if one.has(*NOT_JUDGED) and work.claim > most)
    lost = None if best.has(*NOT_JUDGED) else next(higher, None)
    best = replace(best, others=tuple(others))
    if lost is None:
        return best
    # the student may have earned more than what was found
    was = found(Status.HIGHER, cell=str(lost.cell), claim=shown(lost.claimed), was=lost.findings[0])
    return replace(best, findings=(*best.findings, was))


def _finding(
    row: Row, work: Work, exercise: Exercise, result: dict[str, Any], version: str, course: Course
) -> Finding | None:
    """Return the finding on a piece of work for the student's own sheet, if there is one."""
    if work.data.get("kind") == FUNCTION:
        return found(Status.FUNCTION)
    if work.edition not in exercise.judged:
        made = made_with(version) if version != __version__ else "the exercises as they were then"
        return found(Status.OTHER_EDITION, edition=shown(work.edition), ours=str(exercise.edition), made=made)
    problem = str(result.get("problem", ""))
    if problem and not result["criteria"]:
        return found(Status.UNMADE if result.get("unmade") else Status.UNJUDGED, problem=problem)
    points = int(result["points"])
    if work.claimed == points:
        return found(Status.STOPPED_CHECK, problem=problem) if problem else None
    # The same code gives a journal the same points each time: only a claim that was changed can be higher.  A version
    # has many builds, so an equal number says nothing.
    build = work.build(exercise)
    certain = not problem and not build and work.edition == exercise.edition and work.claim > points
    claim = "no points" if work.claimed is None else f"{shown(work.claimed)} point{'s' * (work.claimed != 1)}"
    edition = f", edition {shown(work.edition)} of this exercise" if work.edition != exercise.edition else ""
    other = build or version != __version__
    made = f", made with {made_with(version, build)}{edition}" if edition or other else ""
    judge = f" with {made_with(__version__)}" if other else ""
    worth = _worth(row, exercise, points, course)
    if certain:
        return found(Status.FORGED, claim=claim, points=str(points), worth=worth)
    return found(Status.DIFFERS, claim=claim, made=made, points=str(points), worth=worth, judge=judge)


def _worth(row: Row, exercise: Exercise, points: int, course: Course) -> str:
    """Return the value of the points in words, if the course counts them differently."""
    if row.of == exercise.points:
        return ""
    return f" of {exercise.points}, counted as {course.scaled(exercise, points):g} of {row.of:g}"
