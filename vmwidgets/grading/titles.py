"""The possible titles of a roster's columns, as :func:`plain_title` writes them.

English: the exports of Canvas and Blackboard that docs/grading.md names.  German, French and Spanish: the titles in
Moodle's language packs de, fr and es for username, ID number, email address, first name, last name and full name, and
titles that offices use.
"""

from __future__ import annotations

import re

from .spreadsheet import Table, plain_title

MEANINGS = {
    "id": (
        "id", "sis login id", "login id", "username", "user name", "login", "anmeldename", "benutzername", "kennung",
        "nom d utilisateur", "identifiant", "nombre de usuario", "sis user id", "student id", "id number", "idnumber",
        "user id", "matriculation number", "matrikelnummer", "id nummer", "numéro d identification",
        "numéro d étudiant", "número de id", "número de identificación", "email address", "e mail", "email",
        "e mail adresse", "adresse de courriel", "adresse électronique", "courriel", "dirección de correo",
        "dirección de correo electrónico", "correo electrónico",
    ),
    "name": (
        "name", "full name", "student name", "display name", "vollständiger name", "nom complet", "nombre completo",
    ),
    "first": ("first name", "firstname", "given name", "vorname", "prénom", "nombre"),
    "last": ("last name", "surname", "lastname", "family name", "nachname", "nom", "apellido s", "apellidos"),
    "extension": ("extension", "extensions", "extra hours", "verlängerung"),
    "handed in": ("handed in", "submitted", "submitted at", "submission time", "last modified submission", "abgegeben"),
}  # fmt: skip  # a list a line
"""The titles of each meaning; the first is used in sentences."""

_OF_LAB = re.compile(rf"({'|'.join(sorted(MEANINGS['handed in'], key=len, reverse=True))})(?: lab)? (\w+)")


def handed_in_columns(table: Table) -> dict[str, int]:
    """Return the indices of the columns with submission times, by lab; the column for all labs is under ""."""
    found: dict[str, int] = {}
    for place, title in enumerate(table.titles):
        if match := _OF_LAB.fullmatch(plain_title(title)):
            found.setdefault(match[2], place)
    general = table.column(MEANINGS["handed in"])
    return found if general is None else {**found, "": general}
