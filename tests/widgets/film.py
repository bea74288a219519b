"""A film as a page plays it."""

from __future__ import annotations

from typing import Any

from vmwidgets.pictures.film import applied


def played(film: dict[str, Any], base: dict[str, Any]) -> list[dict[str, Any]]:
    """All drawings of a film, made of the one that the page has."""
    found = {film["base"]: base}
    for index in range(film["base"] - 1, -1, -1):
        found[index] = applied(found[index + 1], film["frames"][index])
    for index in range(film["base"] + 1, len(film["places"])):
        found[index] = applied(found[index - 1], film["frames"][index])
    return [found[index] for index in range(len(film["places"]))]
