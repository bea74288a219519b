"""The students of a course: a file from a learning management system or an office, with columns found by meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.labs.identity import folded

from .findings import Status, found
from .grades import Graded, Grades, Row
from .spreadsheet import Table, read_table
from .titles import MEANINGS, handed_in_columns

POSSIBLE = "points possible"
"""The beginning of a row in Canvas's files that does not belong to a student."""


@frozen(slots=False)
class Person:
    """One row: `cells` as in the file; `extension` is a string or empty, `handed_in` are strings by lab.

    `number` is Canvas's own number, found in the names of files it collects, or empty.  `ids` are all IDs that the
    student may use, `id` first.
    """

    id: str
    name: str
    cells: tuple[str, ...]
    extension: str = ""
    handed_in: Mapping[str, str] = field(default_factory=dict)
    number: str = ""
    ids: tuple[str, ...] = ()

    def handed_in_at(self, lab: str) -> str:
        """Return when work of this lab was submitted, from the lab's column or the column for all labs; or ""."""
        return self.handed_in.get(lab) or self.handed_in.get("", "")


@frozen(slots=False)
class Roster:
    """All `people` by their ID, in the order of the file; `problems` are odd rows, in words.

    `possible` is Canvas's row with the maximum points of columns, or empty.
    """

    table: Table
    people: dict[str, Person]
    problems: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def gives_more_time(self) -> bool:
        """Return whether a column has the extensions of students."""
        return self.table.column(MEANINGS["extension"]) is not None

    def find(self, student: str) -> Person | None:
        """Return the person with this ID in any column with IDs, ignoring case."""
        found = self.aliases.get(folded(student))
        return None if found is None else self.people[found]

    def person(self, student: str) -> str:
        """Return the roster's first ID for the person with this ID, or several joined by `+`; unknown IDs are kept."""
        if found := self.find(student):
            return found.id
        return "+".join(sorted(set(map(self.person, student.split("+"))))) if "+" in student else student

    def name_of(self, student: str) -> str:
        """Return the name of a student, or of several joined by `+`; the ID of a student without a name."""
        people = ((one, self.find(one)) for one in student.split("+"))
        return ", ".join((person and person.name) or one for one, person in people)


def read_roster(path: Path) -> Roster:
    """Return the roster in the file at `path`; raises :class:`Refused` with one sentence without a table or IDs."""
    table = read_table(path)
    ids = table.columns(MEANINGS["id"])
    if not ids:
        ids = [table.needed((*MEANINGS["id"], "student"), "ids")]
    number = None
    if table.column(("sis login id", "sis user id")) is not None:  # Canvas's own number, which no one writes
        number = next((column for column in ids if table.titles[column].casefold() == "id"), None)
        ids = [column for column in ids if column != number]
    name, first, last, extension = (table.column(MEANINGS[one]) for one in ("name", "first", "last", "extension"))
    of_labs = handed_in_columns(table)
    if name is None and (student := table.column(("student",))) not in ids:
        name = student
    roster = Roster(table, {}, aliases={})
    problems: list[str] = []
    possible: tuple[str, ...] = ()

    def cell(row: tuple[str, ...], column: int | None) -> str:
        return "" if column is None else row[column].strip()

    lines: dict[str, int] = {}
    for line, row in enumerate(table.rows, 2):
        if row[0].strip().casefold() == POSSIBLE:
            possible = row
            continue
        own = [row[column].strip() for column in ids if row[column].strip()]
        own.sort(key=lambda one: "+" in one)  # which separates the IDs of a pair
        own = own or [one for one in [cell(row, number)] if one]
        full = cell(row, name) or f"{cell(row, first)} {cell(row, last)}".strip()
        if not own:
            problems.append(f"row {line} has no id: it is left out")
        elif own[0] in roster.people:
            problems.append(f"row {line} has the id {own[0]!r} again: the first row counts")
        else:
            handed_in = {lab: _handed_in(cell(row, column)) for lab, column in of_labs.items()}
            person = Person(own[0], full, row, cell(row, extension), handed_in, cell(row, number), _different(own))
            roster.people[own[0]] = person
            for one in own:
                if (other := roster.aliases.setdefault(folded(one), own[0])) != own[0]:
                    raise Refused(
                        f"{path.name}, rows {lines[other]} and {line}: {shown(one)} is an id of both, since capitals "
                        "and wide letters don't count: give each person ids of their own"
                    )
            lines[own[0]] = line
            if person.number:
                roster.aliases.setdefault(folded(person.number), own[0])
    return Roster(table, roster.people, tuple(problems), possible, roster.aliases)


def _different(ids: list[str]) -> tuple[str, ...]:
    """Return the IDs without repetitions; case makes no difference."""
    found: dict[str, str] = {}
    for one in ids:
        found.setdefault(folded(one), one)
    return tuple(found.values())


def _handed_in(text: str) -> str:
    """Return when something was submitted; Moodle writes a dash for nothing."""
    return "" if text == "-" else text


def with_roster(grades: Grades, roster: Roster) -> Grades:
    """Return the grades, made with this roster's :meth:`Roster.person`.

    Adds a note for each odd row of the roster, each student who is not in it, and each student who used two IDs in one
    lab.
    """
    name = roster.table.path.name
    odd = [Row(name, "", "", findings=(found(Status.ROSTER, problem=one),)) for one in roster.problems]
    strangers = [one for one in grades.students() if roster.find(one) is None]
    odd += [Row(name, one, "", findings=(found(Status.STRANGER),)) for one in strangers]
    written: dict[tuple[str, str], dict[str, str]] = {}
    for file in grades.files:
        for one in file.wrote.split("+") if file.student else ():
            written.setdefault((roster.person(one), file.lab), {}).setdefault(folded(one), one)
    for (person, lab), ids in sorted(written.items()):
        if len(ids) > 1:
            wrote = ", ".join(sorted(ids.values()))
            odd.append(Row(name, person, "", findings=(found(Status.TWO_IDS, ids=wrote, lab=lab),)))
    return replace(grades, notes=(*grades.notes, *odd))


def missing(grades: Grades, roster: Roster) -> tuple[list[str], list[str]]:
    """Return the IDs in the roster without any file, and the IDs with files that can't be graded or have no work."""
    graded = {one for file in grades.files if file.finding is None for one in file.students}
    there = {one for file in grades.files if file.path for one in submitters_of(file, roster)}
    without = [one for one in roster.people if one not in graded]
    return [one for one in without if one not in there], [one for one in without if one in there]


def submitters_of(file: Graded, roster: Roster) -> list[str]:
    """Return the IDs of a file's submitters, for a file that names none also from its name, such as ``ada.ipynb``."""
    if file.students:
        return file.students
    if file.finding and file.finding.status is Status.UPLOADED:
        return [str(file.finding.about["by"])]
    names = (name.partition(".")[0] for name in reversed(file.path.split("/")))
    return [person.id for person in map(roster.find, names) if person][:1]
