"""Gradebook files for learning management systems: the roster's IDs and titles, with the points of this run.

docs/grading.md names the pages that describe these formats.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Sequence

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.machine.arguments import known
from vmwidgets.labs.exercise import exercises

from .grades import Grades
from .roster import Person, Roster
from .spreadsheet import Table, plain_title
from .titles import MEANINGS


@frozen(slots=False)
class Format:
    """The format of a file that a system reads.

    `identity` are the columns before those of exercises; if it is empty, they are the roster's columns that identify a
    student. `decoration` is the text that the system adds to the title of an exercise's column.  `possible` says that a
    second row contains the maximum points.
    """

    identity: tuple[str, ...]
    decoration: re.Pattern[str]
    possible: bool = False
    separators: str = ",;\t"
    quoted: bool = False


PREDICTIONS = "predictions"
"""The column for points outside exercises, which are extra credit."""

FORMATS = {
    "canvas": Format(
        ("Student", "ID", "SIS User ID", "SIS Login ID", "Section"),
        re.compile(r"\s*\([0-9]+\)$"),
        possible=True,
        separators=",;",
    ),
    "moodle": Format((), re.compile(r"^[^:/]+:\s*|\s*\(Real\)$")),
    "blackboard": Format(
        ("Last Name", "First Name", "Username"),
        re.compile(r"\s*(\[[^\]]*\])?\s*(\|[^|]*)?$"),
        separators=",\t",
        quoted=True,
    ),
}

FALLBACK: dict[str, Callable[[Person], str]] = {
    "Student": lambda person: person.name or person.id,
    "SIS Login ID": lambda person: person.id,
    "Username": lambda person: person.id,
}
"""The values for columns that the roster does not have; columns not named here are left empty."""


def format_of(system: str) -> Format:
    """Return the format of this system; raises :class:`Refused` for an unknown system."""
    return FORMATS[known(system, FORMATS, "--lms")]


def gradebook(grades: Grades, roster: Roster, system: str) -> tuple[str, bytes]:
    """Return the name and the content of the file that `system` imports, with a row for each person in the roster.

    The grades must use the roster's first IDs.

    The cell of a student who submitted nothing keeps the roster's value, or is empty, so the import changes nothing.
    """
    form, table = format_of(system), roster.table
    separator = table.separator if table.separator in form.separators else form.separators[0]
    worth = grades.course.exercises | ({PREDICTIONS: 0} if grades.course.prediction else {})
    columns = [(exercise, _column(table, form, exercise)) for exercise in worth]
    identity = form.identity or tuple(
        title for column, title in enumerate(table.titles) if column in table.columns(_IDENTITY)
    )
    titles = [exercise if column is None else table.titles[column] for exercise, column in columns]
    rows = [[*(_title(table, title) for title in identity), *titles]]
    if form.possible:
        possible = [
            (roster.possible[index] if roster.possible and index is not None else "") or _number(worth[exercise], table)
            for exercise, index in columns
        ]
        rows.append(["    Points Possible", *[""] * (len(identity) - 1), *possible])
    by_id = _points(grades)
    for person in roster.people.values():
        points = by_id.get(person.id, {})
        cells = [
            _number(points[exercise], table) if exercise in points else "" if column is None else person.cells[column]
            for exercise, column in columns
        ]
        rows.append([*(_cell(table, person, title) for title in identity), *cells])
    return _written(rows, system, form, separator)


_IDENTITY = ("student", *(title for what in ("id", "first", "last", "name") for title in MEANINGS[what]))


def _points(grades: Grades) -> dict[str, dict[str, float]]:
    """Return the points of each person, by the roster's ID and by exercise, for submitted labs."""
    return {
        student: {
            **{row.exercise: row.points for row in grades.rows_of(student).values()},
            PREDICTIONS: grades.predicted(student),
        }
        for student in grades.students()
    }


def _column(table: Table, form: Format, exercise: str) -> int | None:
    """Return the roster's column for an exercise: its ID or its title, whatever the system adds."""
    titles = [exercise] if exercise == PREDICTIONS else [exercise, exercises()[exercise].title]
    wanted = set(map(plain_title, titles))
    for column, title in enumerate(table.titles):
        if plain_title(form.decoration.sub("", title)) in wanted:
            return column
    return None


def _index(table: Table, title: str) -> int | None:
    return table.column((plain_title(title),))


def _title(table: Table, title: str) -> str:
    column = _index(table, title)
    return title if column is None else table.titles[column]


def _cell(table: Table, person: Person, title: str) -> str:
    column = _index(table, title)
    if column is not None:
        return person.cells[column]
    fill = FALLBACK.get(title)
    return fill(person) if fill else ""


def _number(points: float, table: Table) -> str:
    return f"{points:.2f}".rstrip("0").rstrip(".").replace(".", table.decimal)


def _written(rows: Sequence[Sequence[str]], system: str, form: Format, separator: str) -> tuple[str, bytes]:
    text = io.StringIO()
    tabs = separator == "\t"
    csv.writer(
        text,
        delimiter=separator,
        quoting=csv.QUOTE_ALL if form.quoted and not tabs else csv.QUOTE_MINIMAL,
        lineterminator="\r\n",
    ).writerows(rows)
    if tabs and form.quoted:
        return "gradebook-blackboard.xls", codecs.BOM_UTF16_LE + text.getvalue().encode("utf-16-le")
    return f"gradebook-{system}.csv", text.getvalue().encode()
