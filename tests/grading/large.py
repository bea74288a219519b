"""A large class as it looks after judging, made at once: what comes after judging can be measured without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vmwidgets.grading import Course, Graded, Grades, Row
from vmwidgets.grading.comparing import compared
from vmwidgets.grading.feedback import write_feedback
from vmwidgets.grading.late import due, with_late_days
from vmwidgets.grading.overrides import Override, Overrides, with_overrides
from vmwidgets.grading.report import write_report
from vmwidgets.grading.roster import missing, read_roster, with_roster
from vmwidgets.grading.tables import write_tables

COURSE = Course("os-2026", {"01/guard": 5, "01/gaps": 4}, 0.5)

CRITERION = {
    "sentence": "it is so", "met": True, "points": 5, "of": 5, "mistake": "", "expected": "", "actual": "", "why": ""
}  # fmt: skip  # one line


def graded(count: int) -> Iterator[Graded]:
    """The files of so many students; each tenth has two, and one is of a pair."""
    for number in range(count):
        one = number - (number % 10 == 9)
        student = f"s{one:05}" if number % 10 else f"s{number:05}+s{number + 1:05}"
        path = f"{number:05}.ipynb"
        rows = tuple(
            Row(path, student, exercise, of, of, int(of), work=f"{path} {exercise}", result={
                "points": 5, "of": 5, "criteria": [CRITERION], "picture": "<svg/>",
            })
            for exercise, of in COURSE.exercises.items()
        )  # fmt: skip  # data
        said = {"01/cut": {"question": "How many?", "answer": "3"}}
        yield Graded(path, student, "01", None, rows, said, {}, {"01/guard": 1})


def finished(count: int, folder: Path) -> Grades:
    """All that a run does after judging, with a roster, late days and overrides, for so many files."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "roster.csv"
    table.write_text("id,name\n" + "".join(f"s{number:05},Name {number}\n" for number in range(count)))
    roster = read_roster(table)
    grades = with_roster(Grades(COURSE, compared(graded(count), roster)), roster)
    grades, _ = with_late_days(grades, folder, due("2026-10-01T12:00"), roster)
    rows = (Override(number + 2, f"s{number:05}", "01/gaps", "3", "a reason") for number in range(count // 2))
    grades = with_overrides(grades, Overrides("overrides.csv", tuple(rows)), roster)
    missing(grades, roster)
    write_tables(grades, folder / "out")
    write_feedback(grades, folder / "out" / "feedback")
    write_report(grades, folder / "out")
    return grades
