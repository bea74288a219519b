"""A course's file: its name, and which exercises count how much.  TOML."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine.arguments import known
from vmwidgets.labs.exercise import Exercise, exercises

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from .dates import moment

MEMBERS = {"course", "exercises", "predictions", "due"}


@dataclass(frozen=True)
class Course:
    """`name` as students wrote it in `lab.begin`; `exercises` with the points that each is worth in this course.

    A prediction that was made, right or wrong, is worth `prediction` points.  `due` says until when, by lab, and under
    "" for the others.
    """

    name: str
    exercises: dict[str, float]
    prediction: float = 0
    due: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def of(self) -> float:
        """All points of the exercises."""
        return sum(self.exercises.values())

    def scaled(self, exercise: Exercise, points: int) -> float:
        """The course's points for so many of the exercise's own."""
        return round(self.exercises[exercise.id] * points / exercise.points, 2)


def read_course(path: Path) -> Course:
    """The course that the file at `path` describes; :class:`Refused` with one sentence where it can't be.

    course = "os-2026"
    exercises = ["01/guard", "01/gaps"]      # or { "01/guard" = 10, "01/gaps" = 5 }
    predictions = 0.5                        # for each that was made; optional
    due = "2026-10-01T12:00"                 # or { "01" = "2026-10-01", "02" = "2026-10-08" }; optional
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{str(path)!r} is no TOML: {error}") from None
    for member in data:
        known(member, dict.fromkeys(MEMBERS), f"{path.name}:")
    name, prediction = data.get("course"), data.get("predictions", 0)
    if not isinstance(name, str) or not name:
        raise Refused(f'{str(path)!r} has no course: write course = "…", as students wrote it in lab.begin')
    listed = _exercises(data.get("exercises"), path)
    return Course(normalize("NFC", name), listed, _points(prediction, "predictions"), _due(data.get("due"), listed))


def _exercises(given: Any, path: Path) -> dict[str, float]:
    if isinstance(given, list):
        given = {name: exercises()[known(name, exercises(), "exercise")].points for name in given}
    if not isinstance(given, dict) or not given:
        raise Refused(f'{str(path)!r} has no exercises: write exercises = ["01/guard", …]')
    return {known(name, exercises(), "exercise"): _points(points, name) for name, points in given.items()}


def _due(given: Any, listed: Iterable[str]) -> dict[str, datetime]:
    """Dates by lab, from a table or from one date; TOML has dates of its own, without quotes."""
    labs = dict.fromkeys(name.partition("/")[0] for name in listed)
    if given is None:
        return {}
    if not isinstance(given, dict):
        return {"": moment(str(given), "due")}
    return {known(lab, labs, "due: lab"): moment(str(date), f"due: {lab}") for lab, date in given.items()}


def _points(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1_000_000:
        raise Refused(f"{what} = {shown(value)}: write points, 0 or more")
    return value
