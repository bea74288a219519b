"""What a kind of submission is: how its files are made, and what is said of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.grading.earlier import result
from tests.grading.synthetic import notebook, seed_of, solved
from tests.labs.test_sheets import SOLVED
from vmwidgets.labs.sheet import sheet_of

Row = tuple[float | None, str]
"""Points, None for fewer than all; and what is said begins with this, or is "" where nothing is to be said."""

Rows = dict[tuple[str, str], Row]
"""By file and exercise, which is "" for a file that is not graded."""

NOT_HANDED_IN: Row = (0, "")

LABS = {name: [one for one in sorted(SOLVED) if one.startswith(f"{name}/")] for name in sorted(
    {exercise.partition("/")[0] for exercise in SOLVED}
)}  # fmt: skip
"""The exercises of each lab."""


@dataclass(frozen=True)
class Kind:
    """`make` writes what a student hands in of `lab`, as the file that it is given or beside it, and gives its rows.

    `others`: whose work it holds too, by the student's id.
    """

    name: str
    make: Callable[[Path, str], Rows]
    lab: str = "01"
    others: tuple[str, ...] = ()

    def ids(self, student: str) -> list[str]:
        """All whose work it holds."""
        return [student, *(other.format(student) for other in self.others)]

    @property
    def group(self) -> str:
        """What it is a sort of."""
        return self.name.partition(":")[0]


def of_lab(path: Path, lab: str, rows: Mapping[str, Row]) -> Rows:
    """The rows of a file that is graded: one for each exercise of its lab."""
    return {(path.name, exercise): rows.get(exercise, NOT_HANDED_IN) for exercise in LABS[lab]}


def not_graded(path: Path, says: str) -> Rows:
    """The one row of a file that can't be graded."""
    return {(path.name, ""): (0, says)}


def hand_in(path: Path, student: str, lab: str, *outputs: dict[str, Any]) -> None:
    """Write a notebook of this student with these outputs."""
    path.write_text(json.dumps(notebook(student, lab, *outputs)), encoding="utf-8")


def changed(output: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The output of a check with other members."""
    return {result.MIME: {**output[result.MIME], **members}}


def without(output: dict[str, Any], *members: str) -> dict[str, Any]:
    """The output of a check without some members."""
    return {result.MIME: {name: one for name, one in output[result.MIME].items() if name not in members}}


def typed(exercise: str, student: str) -> str:
    """What this student types for the first right way."""
    given = sheet_of(exercise, seed_of(student, exercise.partition("/")[0])).given
    return SOLVED[exercise].right[0](given)


def guard(student: str) -> dict[str, Any]:
    """An honest answer, beside what a file has that is odd: it must keep its points."""
    return solved("01/guard", student)


GUARD: Row = (5, "")
"""What that earns."""
