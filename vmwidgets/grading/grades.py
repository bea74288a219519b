"""What grades are: a row for each exercise of a file, the files of a folder, and what each student has."""

from __future__ import annotations

from collections.abc import Iterator
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

FORGED, DIFFERS, UNJUDGED, ELSEWHERE = "forged", "differs", "not judged", "of another variant"
"""What work may be beside fine: its claim was changed; its claim is not what was found, and the file need not have been
changed; nothing says what it is worth; its journal was judged, and earns nothing."""

COPIED = "the same journal as "
"""How what is said of equal work begins, before the others' ids."""


class Judged(NamedTuple):
    """Another piece of work for the same exercise in the same file, that does not count: from the output of `cell`.

    `points` is None where it was not judged, since it claims no more than was found; `says` is as in :class:`Row`.
    `stopped`: judging it was late, or its process ended.
    """

    cell: int
    claimed: int | None
    points: float | None
    says: str
    stopped: bool = False


@frozen(slots=False)
class Row:
    """One exercise of one file: `points` of `of` in the course; `claimed` is what the student's own check gave.

    `says` is what needs a look, in words, or "", and `note` which row counts instead of this one, if another does.
    `reads` is what its student reads instead, where `says` quotes the file; `again`, for the instructor, which runs
    judge it again.  `status` is what the work is beside fine, as above, and `copied`, whether others have the same.
    `result` is the data of the check that was made here, on what the output of `cell` keeps; `others` are other pieces
    of work in this file.  `late` are days; `override` is a person's reason for other points, or "".
    """

    path: str
    student: str
    exercise: str
    points: float = 0
    of: float = 0
    claimed: int | None = None
    says: str = ""
    work: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    late: int = 0
    override: str = ""
    cell: int = 0
    others: tuple[Judged, ...] = ()
    note: str = ""
    reads: str = ""
    again: str = ""
    status: str = ""
    copied: bool = False

    @classmethod
    def made_from(cls, data: dict[str, Any]) -> Row:
        """The row whose members, as :func:`dataclasses.asdict` and JSON have them, these are."""
        return cls(**{**data, "others": tuple(Judged(*one) for one in data["others"])})

    @property
    def stopped(self) -> bool:
        """Whether judging one of the works was late or its process ended."""
        return bool(self.result.get("stopped")) or any(one.stopped for one in self.others)

    @property
    def remark(self) -> str:
        """What the student reads of it: the same, but no suspicion and no other student's id."""
        if self.override:
            return f"{self.points:g} points were given: {self.override}"
        if self.elsewhere:
            return "it was done under another id or in another lab, or before lab.begin: run its cells again and save"
        return "" if self.suspicious else self.reads or self.says

    @property
    def suspicious(self) -> bool:
        """Whether a claim was changed, or others have the same work."""
        return self.copied or self.status == FORGED

    @property
    def elsewhere(self) -> bool:
        """Whether its journal is of another variant."""
        return self.status == ELSEWHERE

    @property
    def criteria(self) -> list[dict[str, Any]]:
        """Those that the student reads: none of a journal that is of another sheet."""
        return [] if self.elsewhere else self.result.get("criteria", [])

    @property
    def earned(self) -> str:
        """The points, after those of the exercise where the course counts them otherwise."""
        return f"{self._own}{self.points:g} of {self.of:g}"

    @property
    def _own(self) -> str:
        own = self.result.get("of", self.of)
        return (
            ""
            if self.override or not self.criteria or own == self.of
            else f"{self.result['points']} of {own}, counted as "
        )


@frozen(slots=False)
class Graded:
    """One file: its rows, and what it holds of predictions, outcomes and hints.

    `problem` says why it was not graded, or is "", and `nothing` why there is no work in it, or is "".  `unread`: the
    process that read the file was late or ended.
    `wrote` is the id as it was written in the notebook, made with vmwidgets of this `version`; `student` is the one
    that stands for it in all results.  `seed` is that of its sheets.  `reads` and `again` are as in :class:`Row`.
    """

    path: str
    student: str
    lab: str
    problem: str
    rows: tuple[Row, ...]
    predictions: dict[str, Any]
    outcomes: dict[str, Any]
    hints: dict[str, int]
    unread: bool = False
    version: str = ""
    seed: str = ""
    wrote: str = ""
    nothing: str = ""
    reads: str = ""
    again: str = ""

    @classmethod
    def none(cls, path: str, problem: str, unread: bool = False, reads: str = "") -> Graded:
        """A file of which only this is known."""
        return cls(path, "", "", problem, (), {}, {}, {}, unread, reads=reads)

    @classmethod
    def made_from(cls, data: dict[str, Any]) -> Graded:
        """The file of :meth:`data`; raises what Python does for data of another form."""
        return cls(**{**data, "rows": tuple(map(Row.made_from, data["rows"]))})

    def data(self) -> dict[str, Any]:
        """All of it, as JSON can say it; what is in it is shared, not copied."""
        return {**vars(self), "rows": [vars(row) for row in self.rows]}

    @property
    def stopped(self) -> bool:
        """Whether judging was late or its process ended, so that another run may have another result."""
        return self.unread or any(row.stopped for row in self.rows)

    @property
    def students(self) -> list[str]:
        """The ids of those whose it is."""
        return self.student.split("+") if self.student else []

    @property
    def predicted(self) -> set[str]:
        """The predictions of this lab that have an answer: of those that the lab asks for."""
        asked = of_lab(known_mistakes(), self.lab)
        return {
            name for name in asked
            if self.predictions.get(name, {}).get("answer") or self.outcomes.get(name, {}).get("said")
        }  # fmt: skip  # one set


@frozen(slots=False)
class Grades:
    """All files of a folder, in the order of their names; `notes` say what is odd in the roster and other tables.

    What is asked of a student is found in an index over all files, made when it is first needed.
    """

    course: Course
    files: tuple[Graded, ...]
    notes: tuple[Row, ...] = ()

    @property
    def rows(self) -> Iterator[Row]:
        """One for each exercise of each file; for a file that was not graded, one that says why."""
        for file in self.files:
            if says := file.problem or file.nothing:
                yield Row(file.path, file.student, "", says=f"{says}{file.again}")
            yield from map(self.told, file.rows)
        yield from self.notes

    @property
    def look(self) -> list[Row]:
        """The rows that need a look; what has an override was looked at."""
        return [row for row in self.rows if row.says and not row.override]

    def told(self, row: Row) -> Row:
        """The row of a file, if it does not count for one of its owners, with a note that says which one does.

        What it says is in the note then, but for what is suspicious.  One with points and fewer late days needs a look.
        """
        best = {one: self.rows_of(one).get(row.exercise, row) for one in row.student.split("+")}
        better = {one: other for one, other in best.items() if other is not row}
        row = replace(row, says=f"{row.says}{row.again}") if row.again else row
        if not better:
            return row
        alone = len(better) == len(best)
        notes = (f"{_named(other)}" if alone else f"for {one}: {_named(other)}" for one, other in better.items())
        note = "; ".join(dict.fromkeys(notes))
        later = bool(row.points) and any(row.late < other.late for other in better.values())
        if later or not alone:
            return replace(row, says="; ".join(filter(None, (row.says, note * later))), note=note)
        return replace(
            row, says=row.says * row.suspicious, note=f"{note}{f'; in this file: {row.says}' * bool(row.says)}"
        )

    def known_as(self, student: str) -> str:
        """The id that stands for this one in these grades: however it is written, it is one person's."""
        same = folded(student)
        owners = (one for file in self.files for one in file.students)
        wrote = (one for file in self.files for one in file.wrote.split("+"))
        return next((one for one in (*owners, *wrote) if folded(one) == same), student)

    def without_points(self) -> list[str]:
        """The students with a file of a lab in which they have no points, for a reason other than the judge's."""
        return [one for one in self.students() if any(self._lost(one))]

    def _lost(self, student: str) -> Iterator[bool]:
        """Of each lab of which a student has a file: whether no exercise has points, and none was judged."""
        rows, files = self.rows_of(student), self.files_of(student)
        for lab in {file.lab for file in files if file.lab} or {""}:
            own = [row for row in rows.values() if lab in labs_of(row.exercise)]
            judged = any(
                row.points or row.override or (row.result.get("criteria") and not row.elsewhere) for row in own
            )
            yield not judged

    def files_of(self, student: str) -> list[Graded]:
        """The files that this student has a part in."""
        return self._files_of.get(student, [])

    def rows_of(self, student: str) -> dict[str, Row]:
        """The row that counts for each exercise: an override of this student, or else the most points."""
        return self._rows_of.get(student, {})

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
        """How many predictions of each student are answered, each counted once."""
        return {
            student: len({name for file in files if not file.problem for name in file.predicted})
            for student, files in self._files_of.items()
        }

    def late_of(self, student: str) -> int:
        """The late days of a student: those of each lab once, of the work that counts."""
        days: dict[str, int] = {}
        for row in self.rows_of(student).values():
            lab = lab_of(row.exercise)
            days[lab] = max(days.get(lab, 0), row.late)
        return sum(days.values())

    def students(self) -> dict[str, float]:
        """The points of each student, over all exercises and with predictions, in the order of their ids.

        Each of a pair gets what the pair earned.  What one also did alone counts once: the better of both.
        """
        return {one: self.points_of(one) for one in sorted(self._files_of)}

    def points_of(self, student: str) -> float:
        """The points of one student."""
        return sum(row.points for row in self.rows_of(student).values()) + self.predicted(student)

    def predicted(self, student: str) -> float:
        """The points of a student for predictions."""
        return self._predicted.get(student, 0) * self.course.prediction


def _counting(student: str, files: list[Graded]) -> dict[str, Row]:
    """The row of these files that counts for each exercise."""
    rows: dict[str, Row] = {}
    for row in (row for file in files for row in file.rows):
        old = rows.get(row.exercise)
        if old is None or _counts(row, student) > _counts(old, student):
            rows[row.exercise] = row
    return rows


def _counts(row: Row, student: str) -> tuple[bool, float, int]:
    """Which row counts, the largest: a person's decision, then the most points, then the fewest late days."""
    return bool(row.override) and row.student == student, row.points, -row.late


def _named(row: Row) -> str:
    """A row that counts, in words."""
    late = f", {counted(row.late, 'day')} late" if row.late else ""
    return f"{printable(row.path) or 'an override'} counts, with {row.points:g} of {row.of:g}{late}"
