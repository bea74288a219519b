"""Findings from a comparison of all files: authors, uploaders, and the same work of two students."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.identity import folded
from vmwidgets.labs.sheet import sheet_of

from .findings import Status, found
from .grades import Graded, Row
from .roster import Roster
from .uploaders import uploaders

Person = Callable[[str], str]
"""A function from an ID to the ID that stands for its owner in all results."""


MOST_NAMED = 10
"""The most students with the same work who are named in one row."""


def first_writings(files: Iterable[Graded]) -> Person:
    """Return a function from an ID to its most frequent spelling (or the first), ignoring case.

    >>> person = first_writings([Graded("a.ipynb", "Ada", "01", None, (), {}, {}, {})])
    >>> person("ADA"), person("bert")
    ('Ada', 'bert')
    """
    names: dict[str, Counter[str]] = {}
    for file in files:
        for one in file.students:
            names.setdefault(folded(one), Counter())[one] += 1
    most = {same: max(written, key=lambda one: written[one]) for same, written in names.items()}
    return lambda student: most.get(folded(student), student)


def _person(files: Sequence[Graded], roster: Roster | None) -> Person:
    """Return an ID's owner: by the roster or, for IDs not in it, by the spelling of most files."""
    stranger = first_writings(files)
    if roster is None:
        return stranger
    return lambda student: roster.person(student) if roster.find(student) else stranger(student)


def compared(files: Iterable[Graded], roster: Roster | None = None) -> tuple[Graded, ...]:
    """Return the files, each with its owner and with the other students who have the same work.

    A file that another person uploaded counts for no student: otherwise, anyone could submit work in a classmate's
    name.
    """
    files = list(files)
    person = _person(files, roster)
    uploader = uploaders(roster, [(file.path, list(map(person, file.students))) for file in files])
    return tuple(_beside([_owned(file, person, uploader) for file in files]))


def _owned(file: Graded, person: Person, uploader: Person) -> Graded:
    """Return the file with its owners' IDs; nothing in it counts if another person uploaded it.

    A file without contents of a lab, such as a web page, belongs to its uploader.
    """
    students = sorted({person(one) for one in file.students})
    student = "+".join(students)
    rows = tuple(replace(row, student=student) for row in file.rows)
    file = replace(file, student=student, wrote=file.student, rows=rows)
    by = uploader(file.path)
    if not students:
        return replace(file, student=by)
    if not by or by in students:
        return file
    finding = found(Status.UPLOADED, by=by, students=" and ".join(students))
    return replace(file, rows=(), finding=finding, student="", predictions={}, outcomes={}, hints={})


def _beside(files: Sequence[Graded]) -> Iterator[Graded]:
    """Yield the files, each with the other students who earn points with the same work.

    Work that earns no one more than half is not compared: students who did little have done the same.
    """
    owners: dict[str, dict[str, str]] = {}
    much: set[str] = set()
    for file in files:
        for row in file.rows:
            if row.work and row.points:
                owners.setdefault(row.work, {})[file.student] = file.seed
                if 2 * row.points > row.of:
                    much.add(row.work)
    ordered = {work: sorted(owners[work].items()) for work in much}
    for file in files:
        me = set(file.students)
        yield replace(file, rows=tuple(_copied(row, ordered.get(row.work, []), me, file.seed) for row in file.rows))


def _copied(row: Row, owners: list[tuple[str, str]], me: set[str], seed: str) -> Row:
    """Return the row with the other students who earn points with the same work; a mark means "asked the same"."""
    others = ((one, theirs) for one, theirs in owners if me.isdisjoint(one.split("+")))
    named = list(islice(others, MOST_NAMED))
    if not named:
        return row
    mine = _asked(row.exercise, seed)
    whose = [f"{one}{' (asked the same)' * (_asked(row.exercise, theirs) == mine)}" for one, theirs in named]
    whose += ["others"] * any(True for _other in others)
    return replace(row, findings=(found(Status.COPIED, others=", ".join(whose)), *row.findings))


def odd_groups(files: Iterable[Graded], most: int) -> Iterator[Row]:
    """Yield notes on files of groups that are too large, and on students in two groups of one lab."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for file in files:
        count = len(file.students)
        if count > most and file.counts:
            large = found(Status.LARGE_GROUP, count=str(count), most=str(most))
            yield Row(file.path, file.student, "", findings=(large,))
        for one in file.students if count > 1 and file.counts else ():
            groups.setdefault((one, file.lab), {})[file.student] = None
    for (student, lab), several in sorted(groups.items()):
        if len(several) > 1:
            names = ", ".join(sorted(several))
            two = found(Status.TWO_GROUPS, count=str(len(several)), lab=lab, groups=names)
            yield Row("", student, "", findings=(two,))


@lru_cache(maxsize=10_000)
def _asked(exercise: str, seed: str) -> tuple[str, ...]:
    """Return the words on this seed's sheet, sorted, so that lists may be in any order; none without variants."""
    return () if exercises()[exercise].sheet is None else tuple(sorted(sheet_of(exercise, seed).text.split()))
