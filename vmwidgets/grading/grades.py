"""Grades: a row for each exercise of a file, the files of a folder, and each student's totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from functools import cached_property
from typing import Any, NamedTuple

from vmwidgets.engine.base.errors import printable
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted
from vmwidgets.labs.identity import folded
from vmwidgets.labs.mistakes import known_mistakes
from vmwidgets.labs.moved import lab_of, labs_of, of_lab

from .course import Course
from .findings import NO_LOOK, NO_WORK, SUSPICIOUS, Finding, Status, found, in_words, tried


def unjudged(exercise: str, problem: str) -> dict[str, Any]:
    """Return the data of a result for work that was not judged to the end."""
    return {"id": exercise, "points": 0, "problem": problem, "criteria": [], "stopped": True}


class Judged(NamedTuple):
    """Other work for the same exercise in the same file, from the output of `cell`, that does not count.

    `points` is None if the work was not judged, since it claims no more than the best; `findings` are as in
    :class:`Row`. `stopped` says that judging took too long, or that its process ended.
    """

    cell: int
    claimed: int | None
    points: float | None
    findings: tuple[Finding, ...] = ()
    stopped: bool = False


@frozen(slots=False)
class Row:
    """One exercise of one file: `points` of `of` in the course; `claimed` is the result of the student's own check.

    `findings` are the remarks on it, and `note` names the row that counts instead, if there is one.  `attempts` is the
    number of runs that were stopped while judging it, if no other run will try.  `result` is the data of the grader's
    check of the work in the output of `cell`; `others` are other pieces of work in this file.  `late` is in days;
    `override` is a person's reason for other points, or "".
    """

    path: str
    student: str
    exercise: str
    points: float = 0
    of: float = 0
    claimed: int | None = None
    findings: tuple[Finding, ...] = ()
    work: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    late: int = 0
    override: str = ""
    cell: int = 0
    others: tuple[Judged, ...] = ()
    note: str = ""
    attempts: int = 0

    @classmethod
    def made_from(cls, data: dict[str, Any]) -> Row:
        """Return the row rebuilt from :meth:`data`; raises Python's own errors for malformed data."""
        others = tuple(
            Judged(cell, claimed, points, _findings(findings), stopped)
            for cell, claimed, points, findings, stopped in data["others"]
        )
        return cls(**{**data, "findings": _findings(data["findings"]), "others": others})

    def data(self) -> dict[str, Any]:
        """Return everything as JSON values, which are shared, not copied."""
        others = [one._replace(findings=_data(one.findings)) for one in self.others]  # type: ignore[arg-type]  # JSON's
        return {**vars(self), "findings": _data(self.findings), "others": others}

    @property
    def stopped(self) -> bool:
        """Return whether judging one of the works took too long or its process ended."""
        return bool(self.result.get("stopped")) or any(one.stopped for one in self.others)

    def has(self, *statuses: Status) -> bool:
        """Return whether a finding has one of these statuses."""
        return any(one.status in statuses for one in self.findings)

    @property
    def says(self) -> str:
        """Return what needs attention, in words for staff, or ""."""
        words = in_words(one for one in self.findings if one.status not in NO_LOOK)
        return words and f"{words}{tried(self.attempts, self.student)}"

    @property
    def needs_look(self) -> bool:
        """Return whether staff should look at this row."""
        return any(one.status not in NO_LOOK for one in self.findings)

    @property
    def remark(self) -> str:
        """The words for the student: no suspicion and no other student's ID."""
        if self.override:
            return found(Status.GIVEN, points=f"{self.points:g}", reason=self.override).student
        return in_words(self.findings, student=True)

    @property
    def suspicious(self) -> bool:
        """Return whether a claim was changed, or others have the same work."""
        return self.has(*SUSPICIOUS)

    @property
    def elsewhere(self) -> bool:
        """Return whether the journal is of another variant."""
        return self.has(Status.OTHER_VARIANT)

    @property
    def criteria(self) -> list[dict[str, Any]]:
        """The criteria that the student reads: none if the journal is of another sheet."""
        return [] if self.elsewhere else self.result.get("criteria", [])

    @property
    def earned(self) -> str:
        """The points, with the exercise's own points if the course counts them differently."""
        return f"{self._own}{self.points:g} of {self.of:g}"

    @property
    def _own(self) -> str:
        own = self.result.get("of", self.of)
        return (
            ""
            if self.override or not self.criteria or own == self.of
            else f"{self.result['points']} of {own}, counted as "
        )


def _data(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [one.data() for one in findings]


def _findings(data: Iterable[dict[str, Any]]) -> tuple[Finding, ...]:
    return tuple(map(Finding.made_from, data))


@frozen(slots=False)
class Graded:
    """One file: its rows, its predictions, outcomes and hints.

    `finding` says why it was not graded, or why it contains no work; None otherwise.  `wrote` is the ID as written in
    the notebook, made with vmwidgets of this `version`; `student` is the ID that stands for it in all results.  `build`
    says which other build checked its work, or is "".  `seed` is the seed of the file's sheets.  `attempts` is as in
    :class:`Row`.
    """

    path: str
    student: str
    lab: str
    finding: Finding | None
    rows: tuple[Row, ...]
    predictions: dict[str, Any]
    outcomes: dict[str, Any]
    hints: dict[str, int]
    version: str = ""
    build: str = ""
    seed: str = ""
    wrote: str = ""
    attempts: int = 0

    @classmethod
    def none(cls, path: str, finding: Finding) -> Graded:
        """Return a file of which nothing else is known."""
        return cls(path, "", "", finding, (), {}, {}, {})

    @classmethod
    def made_from(cls, data: dict[str, Any]) -> Graded:
        """Return the file rebuilt from :meth:`data`; raises Python's own errors for malformed data."""
        finding = data["finding"] and Finding.made_from(data["finding"])
        return cls(**{**data, "finding": finding, "rows": tuple(map(Row.made_from, data["rows"]))})

    def data(self) -> dict[str, Any]:
        """Return everything as JSON values, which are shared, not copied."""
        finding = self.finding and self.finding.data()
        return {**vars(self), "finding": finding, "rows": [row.data() for row in self.rows]}

    @property
    def counts(self) -> bool:
        """Return whether the file was graded, even without work: its predictions count."""
        return self.finding is None or self.finding.status in NO_WORK

    @property
    def says(self) -> str:
        """The reason why the file was not graded or has no work, in words for staff; otherwise ""."""
        return self.finding.staff if self.finding else ""

    @property
    def unread(self) -> bool:
        """Return whether the process that read it took too long or ended."""
        return self.finding is not None and self.finding.status is Status.UNREAD

    @property
    def stopped(self) -> bool:
        """Return whether judging took too long or its process ended, so that another run may have another result."""
        return self.unread or any(row.stopped for row in self.rows)

    @property
    def students(self) -> list[str]:
        """The IDs of its students."""
        return self.student.split("+") if self.student else []

    @property
    def predicted(self) -> set[str]:
        """The answered predictions that the lab asks for."""
        asked = of_lab(known_mistakes(), self.lab)
        return {
            name
            for name in asked
            if self.predictions.get(name, {}).get("answer") or self.outcomes.get(name, {}).get("said")
        }


@frozen(slots=False)
class Grades:
    """All files of a folder, in the order of their names; `notes` describe oddities in the roster and other tables.

    Queries about a student use an index over all files, made at the first query.
    """

    course: Course
    files: tuple[Graded, ...]
    notes: tuple[Row, ...] = ()

    @property
    def rows(self) -> Iterator[Row]:
        """One row for each exercise of each file; for a file that was not graded, one row with the reason."""
        for file in self.files:
            if file.finding:
                yield Row(file.path, file.student, "", findings=(file.finding,), attempts=file.attempts)
            yield from map(self.told, file.rows)
        yield from self.notes

    @property
    def look(self) -> list[Row]:
        """The rows that need attention; rows with an override do not."""
        return [row for row in self.rows if row.needs_look and not row.override]

    def told(self, row: Row) -> Row:
        """Return a file's row.  If another row counts instead for an owner, a note names it.

        The note replaces the row's words, except suspicious ones.  A row with points and fewer late days needs
        attention.
        """
        best = {one: self.rows_of(one).get(row.exercise, row) for one in row.student.split("+")}
        better = {one: other for one, other in best.items() if other is not row}
        if not better:
            return replace(row, note=in_words(one for one in row.findings if one.status in NO_LOOK))
        alone = len(better) == len(best)
        notes = (f"{_named(other)}" if alone else f"for {one}: {_named(other)}" for one, other in better.items())
        note = "; ".join(dict.fromkeys(notes))
        later = bool(row.points) and any(row.late < other.late for other in better.values())
        if later or not alone:
            counts = [found(Status.OTHER_COUNTS, counts=note)] * later
            return replace(row, findings=(*row.findings, *counts), note=note)
        here = f"{in_words(row.findings)}{tried(row.attempts, row.student)}"
        return replace(
            row, findings=row.findings if row.suspicious else (), note=f"{note}{f'; in this file: {here}' * bool(here)}"
        )

    def known_as(self, student: str) -> str:
        """Return the ID that stands for this ID in these grades, whatever the spelling."""
        same = folded(student)
        owners = (one for file in self.files for one in file.students)
        wrote = (one for file in self.files for one in file.wrote.split("+"))
        return next((one for one in (*owners, *wrote) if folded(one) == same), student)

    def without_points(self) -> list[str]:
        """The students with a file of a lab in which they have neither points nor judged work."""
        return [one for one in self.students() if any(self._lost(one))]

    def _lost(self, student: str) -> Iterator[bool]:
        """Yield, for each lab with a file of the student, whether no exercise has points and none was judged.

        For a file without a lab, also whether the course has another lab, to which it may belong.
        """
        rows, files = self.rows_of(student), self.files_of(student)
        labs = {file.lab for file in files if file.lab}
        if not all(file.lab for file in files if file.path):  # some file does not name its lab
            there = {name for name in self.course.exercises for lab in labs if lab in labs_of(name)}
            yield there != set(self.course.exercises)
        for lab in labs:
            own = [row for row in rows.values() if lab in labs_of(row.exercise)]
            judged = any(
                row.points or row.override or (row.result.get("criteria") and not row.elsewhere) for row in own
            )
            yield not judged

    def files_of(self, student: str) -> list[Graded]:
        """Return the files in which this student has a part."""
        return self._files_of.get(student, [])

    def rows_of(self, student: str) -> dict[str, Row]:
        """Return the row that counts for each exercise: this student's override, or else the one with most points."""
        return self._rows_of.get(student, {})

    def partners_of(self, student: str) -> list[str]:
        """Return the students who submitted a file together with this one, sorted."""
        owners = {one for file in self.files_of(student) if file.counts for one in file.students}
        return sorted(owners - {student})

    @cached_property
    def _files_of(self) -> dict[str, list[Graded]]:
        found: dict[str, list[Graded]] = {}
        for file in self.files:
            for student in dict.fromkeys(file.students):
                found.setdefault(student, []).append(file)
        return found

    @cached_property
    def _rows_of(self) -> dict[str, dict[str, Row]]:
        return {student: _counting(student, files) for student, files in self._files_of.items()}

    @cached_property
    def _predicted(self) -> dict[str, int]:
        """Return how many predictions each student answered, each counted once."""
        return {
            student: len({name for file in files if file.counts for name in file.predicted})
            for student, files in self._files_of.items()
        }

    def late_of(self, student: str) -> int:
        """Return the late days of a student's work that counts, once for each lab."""
        days: dict[str, int] = {}
        for row in self.rows_of(student).values():
            lab = lab_of(row.exercise)
            days[lab] = max(days.get(lab, 0), row.late)
        return sum(days.values())

    def students(self) -> dict[str, float]:
        """Return the points of each student, over all exercises and with predictions, in the order of their IDs.

        Both members of a pair get the pair's points.  For work that a member also did alone, the better result counts.
        """
        return {one: self.points_of(one) for one in sorted(self._files_of)}

    def points_of(self, student: str) -> float:
        """Return the points of one student."""
        return sum(row.points for row in self.rows_of(student).values()) + self.predicted(student)

    def predicted(self, student: str) -> float:
        """Return the points of a student for predictions."""
        return self._predicted.get(student, 0) * self.course.prediction


def _counting(student: str, files: list[Graded]) -> dict[str, Row]:
    """Return, for each exercise, the row in these files that counts."""
    rows: dict[str, Row] = {}
    for row in (row for file in files for row in file.rows):
        old = rows.get(row.exercise)
        if old is None or _counts(row, student) > _counts(old, student):
            rows[row.exercise] = row
    return rows


def _counts(row: Row, student: str) -> tuple[bool, float, int]:
    """Return a row's sort key; the largest counts: a person's decision, the most points, then the fewest late days."""
    return bool(row.override) and row.student == student, row.points, -row.late


def _named(row: Row) -> str:
    """Return, in words, that a row counts, with its points and its days of delay."""
    late = f", {counted(row.late, 'day')} late" if row.late else ""
    return f"{printable(row.path) or 'an override'} counts, with {row.points:g} of {row.of:g}{late}"
