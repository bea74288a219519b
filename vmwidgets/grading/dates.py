"""Dates as people write them."""

from __future__ import annotations

import re
from datetime import datetime, time

from vmwidgets.engine.base.errors import Refused, shown


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
