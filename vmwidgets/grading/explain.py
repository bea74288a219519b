"""The reasons for a student's points: each file, and each exercise with the cell that counts."""

from __future__ import annotations

from collections.abc import Iterator

from vmwidgets.engine.base.errors import Refused, printable, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.labs.moved import called

from .findings import in_words, tried
from .grades import Graded, Grades, Judged, Row
from .notebook import made_with
from .roster import Roster, submitters_of
from .submission import MOST_JUDGED


def explained(grades: Grades, student: str, roster: Roster | None = None) -> Iterator[str]:
    """Yield a student's points and their origins, line by line; raises :class:`Refused` for an unknown ID."""
    who = roster.person(student) if roster else grades.known_as(student)
    files = grades.files_of(who)
    if not files and not (roster and roster.find(who)):
        raise Refused(f"--explain {shown(student)}: there is no file from this student")
    yield f"{who}: {grades.points_of(who):g} of {grades.course.of:g} points"
    if not files:
        files = [file for file in grades.files if roster and who in submitters_of(file, roster)]
        whose = "; by its name or its upload, this file is the student's:" if files else ""
        yield f"  no file has this student's id{whose}"
    rows = grades.rows_of(who)
    for exercise in grades.course.exercises:
        if exercise in rows:
            yield from _row(rows[exercise])
    made = grades.predicted(who)
    if grades.course.prediction:
        yield f"  predictions: {_points(made)}"
    for file in files:
        yield from _file(grades, file, rows)


def _row(row: Row) -> Iterator[str]:
    """Yield an exercise, with the work that counts."""
    where = f", from {_place(row.path, row.cell)}" if row.cell else ""
    yield f"  {row.exercise}: {row.points:g} of {row.of:g}{where}"
    if row.override:
        yield f"    given by a person: {row.override}"
    if row.findings:
        yield f"    {printable(row.says or in_words(row.findings))}"
    yield from (f"    ✗ {one['sentence']}" for one in row.criteria if not one["met"])
    if row.late:
        yield f"    {counted(row.late, 'day')} late"


def _file(grades: Grades, file: Graded, rows: dict[str, Row]) -> Iterator[str]:
    """Yield a file, with its other contents."""
    if file.wrote:
        made = made_with(file.version, file.build)
        yield f"  {printable(file.path)}: {called(file.lab)}, begun as {file.wrote}, {made}"
    else:
        yield f"  {printable(file.path)}"
    if file.finding:
        says = f"{file.finding.staff}{tried(file.attempts, file.student)}"
        yield f"    {'' if file.counts else 'not graded: '}{printable(says)}"
    for row in file.rows:
        if row is not rows.get(row.exercise):
            told = grades.told(row)
            yield f"    {row.exercise}: {_points(row.points)}; {printable(told.note or told.says)}"
        yield from (_other(row, one) for one in row.others)


def _other(row: Row, one: Judged) -> str:
    """Return a piece of work that does not count."""
    found = _not_judged(row, one) if one.points is None else _points(one.points)
    says = f"; {printable(in_words(one.findings))}" if one.findings else ""
    return f"    {row.exercise}, cell {one.cell}: claims {_claim(one)}; {found}{says}"


def _not_judged(row: Row, one: Judged) -> str:
    """Return why a piece of work was not judged, compared with the work that counts."""
    most = int(row.result.get("points", 0)) if row.points or not row.of else 0
    if one.claimed is None or one.claimed <= most:
        return f"not judged: it claims no more than the {most} that were found"
    judged = 1 + sum(other.points is not None for other in row.others)
    if judged >= MOST_JUDGED:
        return f"not judged: {judged} others were"
    return "not judged: it was made for another variant"


def _claim(one: Judged) -> str:
    return "no points" if one.claimed is None else f"{shown(one.claimed)} point{'s' * (one.claimed != 1)}"


def _points(number: float) -> str:
    return f"{number:g} point{'s' * (number != 1)}"


def _place(path: str, cell: int) -> str:
    return f"cell {cell} of {printable(path)}"
