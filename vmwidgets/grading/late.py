"""Late days: when a file was handed in, and until when this student might."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path

from vmwidgets.engine.base.errors import Refused, shown

from .grades import Graded, Grades, Row
from .roster import Person, Roster

DAY = timedelta(days=1)

MOST_HOURS = 10_000
"""Of grace, or of an extension."""

_HOURS = re.compile(r"([0-9]{1,5}(?:[.,][0-9]{1,4})?)\s*(?:h|hours?)?", re.IGNORECASE)


@dataclass(frozen=True)
class Due:
    """Files are due at `date`; up to `grace` later they are still on time."""

    date: datetime
    grace: timedelta = timedelta()

    def late(self, handed_in: datetime, extended: datetime | None) -> int:
        """Begun days after the date, or after the student's own; 0 within the time of grace."""
        over = handed_in - (extended or self.date)
        return 0 if over <= self.grace else -(-over // DAY)


def moment(text: str, what: str) -> datetime:
    """A date and time, in this computer's zone where it names none; a date alone is the end of its day.

    >>> moment("2026-10-01 12:00", "--due").isoformat()[:16]
    '2026-10-01T12:00'
    """
    try:
        found = datetime.fromisoformat(re.sub("Z$", "+00:00", text.strip()))
        if re.fullmatch(r"[0-9-]+", text.strip()):
            found = datetime.combine(found, time(23, 59, 59))
        return found.astimezone()
    except (ValueError, OverflowError, OSError):
        raise Refused(f"{what} {shown(text)} is no date: write one such as 2026-10-01T12:00") from None


def due(date: str, grace: float = 0) -> Due:
    """When files are due, from a date in words and hours of grace."""
    if not 0 <= grace <= MOST_HOURS:
        raise Refused(f"--grace {grace:g}: write hours, 0 to {MOST_HOURS}")
    return Due(moment(date, "--due"), timedelta(hours=grace))


def with_late_days(grades: Grades, folder: Path, until: Due, roster: Roster | None) -> Grades:
    """The grades with each row's late days; what is no date or extension in the roster is listed.

    A file's time is that of the roster's column "handed in"; without one, that of its last change.
    """
    odd: dict[str, Row] = {}

    def read(person: Person) -> tuple[datetime | None, datetime | None]:
        try:
            handed_in = moment(person.handed_in, "handed in") if person.handed_in else None
            return handed_in, _extended(person.extension, until.date)
        except Refused as error:
            odd[person.id] = Row("roster", person.id, "", says=f"the roster's {error}")
            return None, None

    def late(file: Graded) -> int:
        people = [person for one in file.students if roster and (person := roster.find(one))]
        found = [read(person) for person in people]
        times = [handed_in for handed_in, _ in found if handed_in]
        dates = [date for _, date in found if date]
        handed_in = max(times) if times else _changed(folder / file.path)
        return until.late(handed_in, max(dates, default=None)) if handed_in else 0

    files = []
    for file in grades.files:
        days = late(file)
        files.append(replace(file, rows=tuple(replace(row, late=days) for row in file.rows)))
    return replace(grades, files=tuple(files), notes=(*grades.notes, *odd.values()))


def _extended(text: str, date: datetime) -> datetime | None:
    """The student's own date, from hours after that of all or from a date; None without an extension."""
    hours = _HOURS.fullmatch(text)
    if hours:
        return date + timedelta(hours=min(float(hours[1].replace(",", ".")), MOST_HOURS))
    return moment(text, "extension") if text else None


def _changed(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    except (OSError, ValueError, OverflowError):
        return None
