"""A course's file: its name, and which exercises count how much.  TOML."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine.arguments import known
from vmwidgets.labs.exercise import Exercise, exercises

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MEMBERS = {"course", "exercises", "predictions"}


@dataclass(frozen=True)
class Course:
    """`name` as students wrote it in `lab.begin`; `exercises` with the points that each is worth in this course.

    A prediction that was made, right or wrong, is worth `prediction` points.
    """

    name: str
    exercises: dict[str, float]
    prediction: float = 0

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
    return Course(name, _exercises(data.get("exercises"), path), _points(prediction, "predictions"))


def _exercises(given: Any, path: Path) -> dict[str, float]:
    if isinstance(given, list):
        given = {name: exercises()[known(name, exercises(), "exercise")].points for name in given}
    if not isinstance(given, dict) or not given:
        raise Refused(f'{str(path)!r} has no exercises: write exercises = ["01/guard", …]')
    return {known(name, exercises(), "exercise"): _points(points, name) for name, points in given.items()}


def _points(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1_000_000:
        raise Refused(f"{what} = {shown(value)}: write points, 0 or more")
    return value
