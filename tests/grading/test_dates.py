"""Dates in ISO, as Canvas and TOML write them, and what is said about all others."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading.course import Course
from vmwidgets.grading.dates import moment
from vmwidgets.grading.grades import Graded, Grades, Row
from vmwidgets.grading.late import check_times, due, with_late_days
from vmwidgets.grading.roster import Roster, read_roster


@pytest.mark.parametrize("text", ["2026-10-01 23:58", "2026-10-01T23:58:00", " 2026-10-01 23:58:00.000 "])
def test_a_time_without_a_zone_is_this_computers(text: str) -> None:
    assert moment(text, "") == datetime(2026, 10, 1, 23, 58).astimezone()


@pytest.mark.parametrize(
    "text",
    ["2026-10-01 23:58:00 UTC", "2026-10-01T23:58:00Z", "2026-10-02T01:58:00+02:00", "2026-10-01 19:58:00 -0400",
     "2026-10-02T05:28+05:30"],
)  # fmt: skip  # one list
def test_a_zone_is_kept(text: str) -> None:
    assert moment(text, "") == datetime(2026, 10, 1, 23, 58, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    ["", "-", "hello", "2026", "2026-02-30", "2026-10-01 25:00", "2026-10-01 12:00 +9900", "2026-10-01 12:00 EDT",
     "12:00", "9999-12-31T23:59-23:00", "03/04/2026", "01.10.2026 23:58", "Thursday, 1 October 2026, 11:58 PM"],
)  # fmt: skip  # one list
def test_what_is_no_iso_date_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not an ISO date: write 2026-10-01T12:00"):
        moment(text, "--due")


def roster(path: Path, *times: str) -> Roster:
    rows = "".join(f'{student}@u,"{time}"\n' for student, time in zip(("ada", "bert", "cleo"), times, strict=True))
    (path / "roster.csv").write_text(f"Email address,Last modified (submission)\n{rows}")
    return read_roster(path / "roster.csv")


def test_days_late_are_counted_from_a_worksheet(tmp_path: Path) -> None:
    """And who handed in nothing, which is a dash in Moodle's, is not listed."""
    people = roster(tmp_path, "2026-10-02 23:58", "2026-10-03 00:05", "-")
    check_times(people)
    files = [
        Graded(f"{one}.ipynb", one, "01", None, (Row(f"{one}.ipynb", one, "01/guard", 5, 5),), {}, {}, {})
        for one in ("ada@u", "bert@u")
    ]
    grades = Grades(Course("os", {"01/guard": 5}), tuple(files))
    found, by_change = with_late_days(grades, tmp_path, due("2026-10-02"), people)
    assert [row.late for row in found.rows] == [0, 1]
    assert (by_change, found.notes) == (0, ())


def test_a_column_without_any_iso_date_is_one_sentence(tmp_path: Path) -> None:
    """Moodle writes its dates in words, and no two languages have the same."""
    words = "Thursday, 1 October 2026, 11:58 PM"
    with pytest.raises(Refused, match=rf"^roster.csv: the submission time '{words}' is not an ISO date: write "):
        check_times(roster(tmp_path, "-", words, "Saturday, 3 October 2026, 12:05 AM"))
    check_times(roster(tmp_path, "-", words, "2026-10-03 00:05"))
    check_times(roster(tmp_path, "-", "-", ""))
