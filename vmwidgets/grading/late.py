"""Late days: when a file was submitted, and when it was due for this student."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.frozen import frozen

from .dates import is_iso, moment
from .findings import Status, found
from .grades import Graded, Grades, Row
from .roster import Person, Roster

DAY = timedelta(days=1)

MOST_HOURS = 10_000
"""The most hours of grace, or of an extension."""

_HOURS = re.compile(r"([0-9]{1,5}(?:[.,][0-9]{1,4})?)\s*(?:h|hours?)?", re.IGNORECASE)


@frozen(slots=False)
class Due:
    """The due date of each lab, and under "" of all others; up to `grace` later, files are on time."""

    dates: Mapping[str, datetime]
    grace: timedelta = timedelta()

    def date_of(self, lab: str) -> datetime | None:
        """Return when files of this lab are due."""
        return self.dates.get(lab) or self.dates.get("")

    def late(self, handed_in: datetime, date: datetime) -> int:
        """Return late days, rounded up; 0 within the grace period."""
        over = handed_in - date
        return 0 if over <= self.grace else -(-over // DAY)


def due(date: str, grace: float = 0, of_labs: Mapping[str, datetime] | None = None) -> Due:
    """Return due dates, with hours of grace: by lab and, if `date` is not "", for all other labs."""
    if not 0 <= grace <= MOST_HOURS:
        raise Refused(f"--grace {grace:g}: write hours, 0 to {MOST_HOURS}")
    of_others = {"": moment(date, "--due")} if date else {}
    return Due({**of_others, **(of_labs or {})}, timedelta(hours=grace))


def check_times(roster: Roster) -> None:
    """Refuse a roster if not one of its submission times is in ISO 8601: otherwise, each student would be listed."""
    times = [time for person in roster.people.values() for time in person.handed_in.values() if time]
    if times and not any(map(is_iso, times)):
        moment(times[0], f"{roster.table.path.name}: the submission time")


def with_late_days(grades: Grades, folder: Path, until: Due, roster: Roster | None) -> tuple[Grades, int]:
    """Return the grades with each row's late days; unreadable cells of the roster are listed.

    An unreadable extension does not affect a readable time, and vice versa.

    A file's time is in the roster's column "handed in"; without that column, it is the time of the file's last change.
    The returned number counts the files whose last change was used.
    """
    odd: dict[tuple[str, str], Row] = {}
    by_change = 0

    def handed_in_by(person: Person, lab: str) -> datetime | None:
        text = person.handed_in_at(lab)
        try:
            return moment(text, "submission time") if text else None
        except Refused as error:
            odd[person.id, "handed in"] = _odd(person, f"{error}")
            return None

    def own_date(person: Person, date: datetime) -> datetime:
        try:
            return _extended(person.extension, date)
        except Refused as error:
            says = f"{error}; an extension may also be hours, such as 48 h"
            odd[person.id, "extension"] = _odd(person, says)
            return date

    def late(file: Graded) -> int:
        nonlocal by_change
        date = until.date_of(file.lab)
        if date is None or not file.rows:
            return 0
        owners = [person for one in file.students if roster and (person := roster.find(one))]
        times = [at for person in owners if (at := handed_in_by(person, file.lab))]
        handed_in = max(times) if times else _changed(folder / file.path)
        by_change += not times
        return until.late(handed_in, max([date, *(own_date(person, date) for person in owners)])) if handed_in else 0

    files = []
    for file in grades.files:
        days = late(file)
        files.append(replace(file, rows=tuple(replace(row, late=days) for row in file.rows)))
    return replace(grades, files=tuple(files), notes=(*grades.notes, *odd.values())), by_change


def _odd(person: Person, problem: str) -> Row:
    return Row("roster", person.id, "", findings=(found(Status.ODD_DATE, problem=problem),))


def _extended(text: str, date: datetime) -> datetime:
    """Return the student's own due date: `text` is a date, or hours after the common `date`, which is the earliest."""
    hours = _HOURS.fullmatch(text)
    if hours:
        return date + timedelta(hours=min(float(hours[1].replace(",", ".")), MOST_HOURS))
    return max(date, moment(text, "extension")) if text else date


def _changed(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    except (OSError, ValueError, OverflowError):
        return None
