"""Dates as Moodle, Canvas and Blackboard write them, in four languages."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading.course import Course
from vmwidgets.grading.dates import MONTHS, moment, order_of
from vmwidgets.grading.grades import Graded, Grades, Row
from vmwidgets.grading.late import due, with_late_days
from vmwidgets.grading.roster import read_roster

MOODLE = (
    "Thursday, 1 October 2026, 11:58 PM", "Donnerstag, 1. Oktober 2026, 23:58", "jeudi 1 octobre 2026, 23:58",
    "jueves, 1 de octubre de 2026, 23:58",
)  # fmt: skip  # a language each
OTHERS = (
    "October 1, 2026 at 11:58 PM", "Oct 1, 2026 11:58pm", "2026-10-01 23:58", "2026-10-01T23:58:00", "01.10.2026 23:58",
    "1er octobre 2026, 23h58", "1. Okt. 2026, 23:58 Uhr", "2026-10-01 11:58 PM", "2026/10/01 23:58",
    "2026-10-01 23:58:00.000", "THURSDAY, 1 OCTOBER 2026, 11:58\u202fPM",
)  # fmt: skip  # one list


@pytest.mark.parametrize("text", [*MOODLE, *OTHERS])
def test_one_moment_in_many_writings(text: str) -> None:
    assert moment(text, "") == datetime(2026, 10, 1, 23, 58).astimezone()


@pytest.mark.parametrize("text", ["2026-10-01 23:58:00 UTC", "2026-10-01T23:58:00Z", "Thu, 1 Oct 2026 23:58:00 GMT",
                                  "2026-10-02T01:58:00+02:00", "2026-10-02 01:58:00 +0200",
                                  "October 1, 2026 7:58:00 PM EDT", "Thursday, October 1, 2026 4:58 PM PDT",
                                  "Fri, 2 Oct 2026 01:58:00 +0200", "Fri, 2 Oct 2026 01:58:00 +0200 (CEST)",
                                  "2. Oktober 2026, 01:58 Uhr MESZ", "10/1/26, 6:58 PM CDT",
                                  "2026-10-01 19:58:00 EDT", "Thu, 1 Oct 2026 23:58:00 -0000"])  # fmt: skip
def test_a_zone_is_kept(text: str) -> None:
    assert moment(text, "", "month") == datetime(2026, 10, 1, 23, 58, tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["1 May 2026, 12:00 XYZT", "2026-05-01 12:00 XYZT"])
def test_a_zone_that_is_not_known_is_said(text: str) -> None:
    with pytest.raises(Refused, match=r"the zone 'xyzt' is not known: write an offset, such as \+02:00"):
        moment(text, "--due")


NAMES = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}


@pytest.mark.parametrize("language", NAMES)
def test_each_month_of_each_language_is_itself(language: str) -> None:
    names = NAMES[language].split()
    assert [moment(f"7 {name} 2026, 12:00", "").month for name in names] == list(range(1, len(MONTHS) + 1))


@pytest.mark.parametrize(("text", "hour"), [("12:05 AM", 0), ("12:05 PM", 12), ("1:05 pm", 13), ("11:05 a.m.", 11)])
def test_halves_of_a_day(text: str, hour: int) -> None:
    assert moment(f"1 May 2026, {text}", "").hour == hour


@pytest.mark.parametrize(
    "text", ["", "-", "hello", "32 May 2026", "30 February 2026", "2026-02-30", "1 Maybe", "1 May 2026, 13:00 PM",
             "1 May 2026, 25:00", "1 Brumaire 2026", "13/13/2026", "12:00", "2026", "10-2026",
             "2026-10-01 12:00 +9900", "1 May 2026, 12:00 +9900"],
)  # fmt: skip  # one list
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a date"):
        moment(text, "handed in")


def test_a_date_in_numbers_is_read_in_the_order_of_its_column() -> None:
    """An American column and a British one have the same first date, and mean other days."""
    american, british = ["03/04/2026 10:00", "03/17/2026 10:00"], ["03/04/2026 10:00", "17/03/2026 10:00"]
    assert [moment(one, "", order_of(american)).timetuple()[1:3] for one in american] == [(3, 4), (3, 17)]
    assert [moment(one, "", order_of(british)).timetuple()[1:3] for one in british] == [(4, 3), (3, 17)]
    for texts in (american[:1], ["17/03/2026", "03/17/2026"]):
        assert order_of(texts) == ""
        with pytest.raises(Refused, match="which number is the month"):
            moment("03/04/2026", "handed in", order_of(texts))


def test_days_late_are_counted_from_moodles_own_worksheet(tmp_path: Path) -> None:
    """And who handed in nothing, which is a dash there, is not listed."""
    (tmp_path / "roster.csv").write_text(
        'Identifier,Full name,Email address,Last modified (submission)\n'
        'P1,Ada,ada@u,"Thursday, 1 October 2026, 11:58 PM"\nP2,Bert,bert@u,"Saturday, 3 October 2026, 12:05 AM"\n'
        "P3,Cleo,cleo@u,-\n"
    )  # fmt: skip  # a table
    roster = read_roster(tmp_path / "roster.csv")
    files = [
        Graded(f"{one}.ipynb", one, "01", None, (Row(f"{one}.ipynb", one, "01/guard", 5, 5),), {}, {}, {})
        for one in ("ada@u", "bert@u")
    ]
    grades = Grades(Course("os", {"01/guard": 5}), tuple(files))
    found, by_change = with_late_days(grades, tmp_path, due("2026-10-02"), roster)
    assert [row.late for row in found.rows] == [0, 1]
    assert (by_change, found.notes) == (0, ())
