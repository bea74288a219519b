"""Dates as people and learning systems write them: ISO, in words of four languages, and in numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_tz

from vmwidgets.engine.base.errors import Refused, shown

MONTHS = (
    ("jan", "ene"), ("feb", "fev"), ("mar",), ("apr", "avr", "abr"), ("mai", "may"), ("jun", "juin"),
    ("jul", "juil"), ("aug", "aou", "ago"), ("sep", "set"), ("okt", "oct"), ("nov",), ("dez", "dec", "dic"),
)  # fmt: skip  # a year
"""The beginnings of months' names in English, German, French and Spanish, without accents, as in Moodle."""

_WORD = r"[^\W\d_]+\.?"
_TIME = (
    r",?\s+(?:at|um|a|a las)?\s*(?P<hour>\d{1,2})(?:[:.]|\s?h\s?)(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
    r"\s*(?P<half>[ap]\.?\s?m\.?)?(?:\s*uhr)?(?:\s*(?P<zone>[a-z]{1,5}|[+-]\d{2}:?\d{2})(?:\s*\([a-z ]+\))?)?"
)
_DAYS = (
    re.compile(rf"(?:{_WORD},?\s+)?(?P<day>\d{{1,2}})(?:\.|er|st|nd|rd|th)?\s+(?:de\s+)?(?P<month>{_WORD}),?\s+(?:del?\s+)?(?P<year>\d{{4}})(?:{_TIME})?"),
    re.compile(rf"(?:{_WORD},?\s+)?(?P<month>{_WORD})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})(?:{_TIME})?"),
)  # fmt: skip  # two orders
HOURS = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "mez": 1, "cest": 2, "mesz": 2,
    "eet": 2, "eest": 3,
}  # fmt: skip  # a table
"""The hours by which Europe's time zones are ahead of UTC; American zones have the names used in email."""

_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})(?P<sign>[-/])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}})(?:{_TIME})?")
_NUMBERS = re.compile(
    rf"(?P<one>\d{{1,2}})(?P<sign>[/.-])(?P<two>\d{{1,2}})(?P=sign)(?P<year>\d{{4}}|\d{{2}})(?:{_TIME})?"
)


class UnknownZone(ValueError):
    """Raised if a time is in a zone with an unknown name."""


def moment(text: str, what: str, order: str = "") -> datetime:
    """Return a text's date and time, in this computer's zone if none is named; a date alone is the end of its day.

    `order` says which number comes first in 03/04/2026, "day" or "month"; without it, such a date is refused unless
    only one order is possible.

    >>> moment("2026-10-01 12:00", "--due").isoformat()[:16]
    '2026-10-01T12:00'
    >>> moment("jueves, 1 de octubre de 2026, 23:58", "--due").isoformat()[:16]
    '2026-10-01T23:58'
    >>> moment("October 1, 2026 11:58 PM EDT", "--due").astimezone(timezone.utc).isoformat()[:16]
    '2026-10-02T03:58'
    """
    plain = _plain(text)
    try:
        found = _iso(plain) or _in_words(plain) or _in_numbers(plain, order)
        if found is not None:
            return found.astimezone()
    except UnknownZone as zone:
        raise Refused(
            f"{what} {shown(text)}: the zone {shown(str(zone))} is not known: write an offset, such as +02:00"
        ) from None
    except (ValueError, OverflowError, OSError):
        pass
    match = _NUMBERS.fullmatch(plain)
    if match and not order and max(int(match["one"]), int(match["two"])) <= 12:
        raise Refused(f"{what} {shown(text)}: it is not clear which number is the month: write 2026-10-01T12:00")
    raise Refused(f"{what} {shown(text)} is not a date: write one such as 2026-10-01T12:00")


def order_of(texts: Iterable[str]) -> str:
    """Return which number comes first in the dates of one column, "day" or "month"; "" if no date shows it.

    >>> order_of(["03/04/2026", "03/17/2026"]), order_of(["03/04/2026"])
    ('month', '')
    """
    found = [match for text in texts if (match := _NUMBERS.fullmatch(_plain(text)))]
    orders = {"day" for one in found if int(one["one"]) > 12} | {"month" for one in found if int(one["two"]) > 12}
    return orders.pop() if len(orders) == 1 else ""


def _plain(text: str) -> str:
    """Return the text without capitals, accents and wide blanks."""
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def _iso(text: str) -> datetime | None:
    """Read ISO 8601, also with a blank before the time, AM or PM, and a zone such as "UTC", as Canvas writes it."""
    if match := _YEAR_FIRST.fullmatch(text):
        return _at(match, int(match["year"]), int(match["month"]), int(match["day"]))
    if not re.match(r"\d{4}-", text):
        return None
    utc = re.sub(r"\s?(?:z|utc|gmt)$", "+00:00", text)
    return datetime.fromisoformat(re.sub(r"(:\d{2}(?:\.\d+)?)\s?([+-]\d{2}):?(\d{2})$", r"\1\2:\3", utc))


def _in_words(text: str) -> datetime | None:
    match = next((found for one in _DAYS if (found := one.fullmatch(text))), None)
    if match is None:
        return None
    months = [number for number, names in enumerate(MONTHS, 1) if match["month"].startswith(names)]
    return _at(match, int(match["year"]), months[0], int(match["day"])) if months else None


def _in_numbers(text: str, order: str) -> datetime | None:
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return None
    one, two, year = int(match["one"]), int(match["two"]), int(match["year"])
    order = "day" if match["sign"] == "." or one > 12 else "month" if two > 12 else order
    if not order:
        return None
    day, month = (one, two) if order == "day" else (two, one)
    return _at(match, year + 2000 * (year < 100), month, day)


def _at(match: re.Match[str], year: int, month: int, day: int) -> datetime:
    """Return the day, at the given time or at its end."""
    if match["hour"] is None:
        return datetime(year, month, day, 23, 59, 59)  # noqa: DTZ001  the caller gives it this computer's zone
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + 12 * match["half"].startswith("p")
    zone = _zone(match["zone"]) if match["zone"] else None
    return datetime(year, month, day, hour, int(match["minute"]), int(match["second"] or 0), tzinfo=zone)


def _zone(name: str) -> timezone:
    """Return the zone of an offset or a name."""
    if name in HOURS:
        return timezone(timedelta(hours=HOURS[name]))
    parsed = parsedate_tz(f"1 Jan 2000 00:00 {name.replace(':', '')}")
    seconds = (parsed[9] if parsed else None) or 0  # even for an unknown name
    if name.isalpha() and not seconds:
        raise UnknownZone(name)
    return timezone(timedelta(seconds=seconds))
