"""The option ``--labs``, as several commands read it."""

from __future__ import annotations

from collections.abc import Collection

from ..engine.base.errors import Refused
from ..engine.machine.arguments import known


def chosen(wanted: str, labs: Collection[str], graded: Collection[str]) -> list[str]:
    """Return the labs in `wanted`, sorted; all graded labs if it is empty.

    Raises :class:`Refused` for an unknown lab, and for a lab without an exercise of the course.

    >>> chosen("02, 01", ["01", "02", "03"], ["01", "02"]), chosen("", ["01", "02", "03"], ["02"])
    (['01', '02'], ['02'])
    """
    numbers = [known(one.strip(), dict.fromkeys(labs), "lab") for one in wanted.split(",")] if wanted else graded
    for number in numbers:
        if number not in graded:
            raise Refused(
                f"lab {number} has no exercise of the course: leave it out, or write one into the course's file"
            )
    return sorted(set(numbers))
