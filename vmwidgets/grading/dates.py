"""Dates in ISO 8601, as learning systems export them and TOML writes them."""

from __future__ import annotations

import re
from datetime import datetime

from vmwidgets.engine.base.errors import Refused, shown

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?: ?(?:(Z|UTC)|([+-]\d\d):?(\d\d)))?)?", re.ASCII
)


def is_iso(text: str) -> bool:
    """Return whether a text has the form of a date in ISO 8601."""
    return _ISO.fullmatch(text.strip()) is not None


def moment(text: str, what: str) -> datetime:
    """Return the date and time in ISO 8601, in this computer's zone if none is named; a date alone is its day's end.

    Raises :class:`Refused` for anything else; `what` says in the sentence where the text is from.

    >>> moment("2026-10-01 12:00", "--due").isoformat()[:19], moment("2026-10-01", "--due").isoformat()[:19]
    ('2026-10-01T12:00:00', '2026-10-01T23:59:59')
    """
    if match := _ISO.fullmatch(text.strip()):
        day, time, utc, hours, minutes = match.groups()
        zone = "+00:00" if utc else f"{hours}:{minutes}" if hours else ""
        try:
            return datetime.fromisoformat(f"{day}T{time or '23:59:59'}{zone}").astimezone()
        except (ValueError, OverflowError, OSError):  # no such day, hour or zone, or the computer's zone can't say it
            pass
    raise Refused(f"{what} {shown(text)} is not an ISO date: write 2026-10-01T12:00, or 2026-10-01 for the day's end")
