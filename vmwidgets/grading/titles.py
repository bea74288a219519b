"""The titles of a roster's columns in the English exports of Canvas, Moodle and Blackboard.

They are as :func:`plain_title` writes them. Other titles must be renamed: docs/grading.md lists these.
"""

from __future__ import annotations

import re

from .spreadsheet import Table, plain_title

MEANINGS = {
    "id": (
        "id", "sis login id", "login id", "username", "user name", "login", "sis user id", "student id", "id number",
        "idnumber", "user id", "email address", "email",
    ),
    "name": ("name", "full name", "student name", "display name"),
    "first": ("first name", "firstname", "given name"),
    "last": ("last name", "lastname", "surname"),
    "extension": ("extension", "extensions"),
    "handed in": ("handed in", "submitted", "submitted at", "submission time", "last modified submission"),
}  # fmt: skip  # a list a line
"""The titles of each meaning; the first is used in sentences."""

_OF_LAB = re.compile(rf"({'|'.join(sorted(MEANINGS['handed in'], key=len, reverse=True))})(?: lab)? (\w+)")


def handed_in_columns(table: Table) -> dict[str, int]:
    """Return the indices of the columns with submission times, by lab; the column for all labs is under ""."""
    found: dict[str, int] = {}
    for column, title in enumerate(table.titles):
        if match := _OF_LAB.fullmatch(plain_title(title)):
            found.setdefault(match[2], column)
    general = table.column(MEANINGS["handed in"])
    return found if general is None else {**found, "": general}
