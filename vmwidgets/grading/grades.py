"""What grades are: a row for each exercise of a file, the files of a folder, and what each student has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vmwidgets.labs.mistakes import known_mistakes

from .course import Course

SUSPICIONS = FORGED, COPIED = "forged: ", "the same journal as "
"""How what is said begins where it is for the instructor only."""

ELSEWHERE = "its journal is of another sheet"
"""How what is said ends where a journal is judged and earns nothing."""


@dataclass(frozen=True)
class Row:
    """One exercise of one file: `points` of `of` in the course; `claimed` is what the student's own check gave.

    `says` is what needs a look, in words, or "".  `result` is the data of the check that was made here.  `late` are
    days; `override` is a person's reason for other points, or "".
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

    @property
    def remark(self) -> str:
        """What the student reads of it: the same, but no suspicion and no other student's id."""
        if self.override:
            return f"{self.points:g} points were given: {self.override}"
        if self.elsewhere:
            return "this was not made from your sheet"
        return "" if self.says.startswith(SUSPICIONS) else self.says

    @property
    def elsewhere(self) -> bool:
        """Whether its journal is of another sheet."""
        return self.says.endswith(ELSEWHERE)

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


@dataclass(frozen=True)
class Graded:
    """One file: its rows, and what it holds of predictions, outcomes and hints.  `problem`: why it was not graded."""

    path: str
    student: str
    lab: str
    problem: str
    rows: tuple[Row, ...]
    predictions: dict[str, Any]
    outcomes: dict[str, Any]
    hints: dict[str, int]

    @classmethod
    def none(cls, path: str, problem: str) -> Graded:
        """A file of which only this is known."""
        return cls(path, "", "", problem, (), {}, {}, {})

    @property
    def stopped(self) -> bool:
        """Whether judging did not come to its end, which may be otherwise another time."""
        return any(row.result.get("stopped") for row in self.rows)

    @property
    def students(self) -> list[str]:
        """The ids of those whose it is."""
        return self.student.split("+") if self.student else []

    @property
    def predicted(self) -> int:
        """How many predictions of this lab have an answer; not more than the lab asks for."""
        mine = f"{self.lab}/"
        made = sum(name.startswith(mine) and bool(one.get("answer")) for name, one in self.predictions.items())
        return min(made, sum(name.startswith(mine) for name in known_mistakes()))


@dataclass(frozen=True)
class Grades:
    """All files of a folder, in the order of their names; `notes` say what is odd in the roster and other tables."""

    course: Course
    files: tuple[Graded, ...]
    notes: tuple[Row, ...] = ()

    @property
    def rows(self) -> Iterator[Row]:
        """One for each exercise of each file; for a file that was not graded, one that says why."""
        for file in self.files:
            if file.problem:
                yield Row(file.path, file.student, "", says=file.problem)
            yield from file.rows
        yield from self.notes

    @property
    def look(self) -> list[Row]:
        """The rows that need a look; what has an override was looked at."""
        return [row for row in self.rows if row.says and not row.override]

    def files_of(self, student: str) -> list[Graded]:
        """The files that this student has a part in."""
        return [file for file in self.files if student in file.students]

    def rows_of(self, student: str) -> dict[str, Row]:
        """The row that counts for each exercise: an override of this student, or else the most points."""
        rows: dict[str, Row] = {}
        for row in (row for file in self.files_of(student) for row in file.rows):
            old = rows.get(row.exercise)
            if old is None or _counts(row, student) > _counts(old, student):
                rows[row.exercise] = row
        return rows

    def late_of(self, student: str) -> int:
        """The late days of a student: those of each lab once, of the work that counts."""
        days: dict[str, int] = {}
        for row in self.rows_of(student).values():
            lab = row.exercise.partition("/")[0]
            days[lab] = max(days.get(lab, 0), row.late)
        return sum(days.values())

    def students(self) -> dict[str, float]:
        """The points of each student, over all exercises and with predictions, in the order of their ids.

        Each of a pair gets what the pair earned.  What one also did alone counts once: the better of both.
        """
        ids = sorted({one for file in self.files for one in file.students})
        return {one: self.points_of(one) for one in ids}

    def points_of(self, student: str) -> float:
        """The points of one student."""
        return sum(row.points for row in self.rows_of(student).values()) + self.predicted(student)

    def predicted(self, student: str) -> float:
        """The points of a student for predictions."""
        made: dict[str, int] = {}
        for file in self.files_of(student):
            made[file.lab] = max(made.get(file.lab, 0), 0 if file.problem else file.predicted)
        return sum(made.values()) * self.course.prediction


def _counts(row: Row, student: str) -> tuple[bool, float, int]:
    return bool(row.override) and row.student == student, row.points, -row.late
