"""A course's file, in TOML: its name, and the points of its exercises."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.machine.arguments import known
from vmwidgets.labs.beginning import MOST_STUDENTS
from vmwidgets.labs.exercise import Exercise, exercises
from vmwidgets.labs.saved import NOTEBOOK_BYTES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from vmwidgets.labs.moved import labs_of

from .dates import moment
from .own_exercises import OwnModule, read_modules

MEMBERS = {"course", "exercises", "predictions", "due", "key", "modules", "groups"}

FILE_SECONDS = 300
"""The most seconds for all work of one file unless a course says otherwise; the rest is not judged."""

LEAST_KEY = 16
"""The fewest characters of a key: a short one can be found by trying."""


@frozen(slots=False)
class Course:
    """A course: `name` as students wrote it in `lab.begin`; `exercises` with their points in this course.

    Each answered prediction, right or wrong, is worth `prediction` points.  `due` contains dates by lab, and under ""
    the date for all other labs.  `key` is the course's secret, from which students' codes are made; "" without codes.
    `modules` have the course's own exercises.  `groups` is the most students for one notebook.  `size` is the largest
    file in bytes, and `seconds` the time for judging it.
    """

    name: str
    exercises: dict[str, float]
    prediction: float = 0
    due: Mapping[str, datetime] = field(default_factory=dict)
    key: str = field(default="", repr=False)
    modules: tuple[OwnModule, ...] = field(default=(), repr=False)
    groups: int = 1
    size: int = NOTEBOOK_BYTES
    seconds: float = FILE_SECONDS

    @property
    def of(self) -> float:
        """All points of the exercises."""
        return sum(self.exercises.values())

    def scaled(self, exercise: Exercise, points: int) -> float:
        """Return how many points the course gives for this number of the exercise's own points."""
        return round(self.exercises[exercise.id] * points / exercise.points, 2)


def read_course(path: Path, modules: Sequence[Path] = ()) -> Course:
    """Return the course described by the file at `path`; raises :class:`Refused` with one sentence if there is none.

    `modules` are files with the course's own exercises, in addition to the modules in the course's file.

    course = "os-2026"
    exercises = ["01/guard", "01/gaps"]      # or { "01/guard" = 10, "01/gaps" = 5 }
    predictions = 0.5                        # for each that was made; optional
    due = "2026-10-01T12:00"                 # or { "01" = "2026-10-01", "02" = "2026-10-08" }; optional
    key = "…"                                # the course's secret, if students have codes; optional
    modules = ["mine.py"]                    # exercises of the course's own, next to this file; optional
    groups = 2                               # how many students may hand in one notebook together; 1 if left out
    """
    data = _data(path)
    name, key = _named(data, path)
    prediction = data.get("predictions", 0)
    own = read_modules([*_modules(data.get("modules", []), path), *modules])
    listed = _exercises(data.get("exercises"), path)
    due, groups = _due(data.get("due"), listed), _groups(data.get("groups", 1))
    return Course(name, listed, _points(prediction, "predictions"), due, key, own, groups)


def read_key(path: Path) -> tuple[str, str]:
    """Return the name and the key of the course in the file at `path`.  Raises like :func:`read_course`.

    The exercises are not read: none of the course's modules runs.
    """
    return _named(_data(path), path)


def named_modules(path: Path) -> list[Path]:
    """Return the modules named by the course's file at `path`, without running them.

    Raises :class:`Refused` if the file can't be read.
    """
    return _modules(_data(path).get("modules", []), path)


def _data(path: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be read: {error.strerror}") from None
    except RecursionError:
        raise Refused(f"{str(path)!r} is not a course: its lists are nested too deeply") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{str(path)!r} is not TOML: {error}") from None
    for member in data:
        known(member, dict.fromkeys(MEMBERS), f"key in {path.name}:")
    return data


def _named(data: Mapping[str, Any], path: Path) -> tuple[str, str]:
    """Return the course's name and key."""
    name = data.get("course")
    if not isinstance(name, str) or not name:
        raise Refused(f'{str(path)!r} has no course: write course = "…", as students wrote it in lab.begin')
    return normalize("NFC", name), _key(data.get("key", ""), path)


def _modules(given: Any, path: Path) -> list[Path]:
    """Return the files that the course's file names, relative to its own folder."""
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        raise Refused(f'{str(path)!r}: write modules = ["mine.py"], the files with exercises of your own')
    return [path.parent / one for one in given]


def _key(given: Any, path: Path) -> str:
    """Return the key; an error about it does not contain it."""
    if not isinstance(given, str) or 0 < len(given) < LEAST_KEY:
        raise Refused(f"{str(path)!r}: key is not a text of at least {LEAST_KEY} characters")
    return given


def _exercises(given: Any, path: Path) -> dict[str, float]:
    if isinstance(given, list):
        given = {name: exercises()[known(name, exercises(), "exercise")].points for name in given}
    if not isinstance(given, dict) or not given:
        raise Refused(f'{str(path)!r} has no exercises: write exercises = ["01/guard", …]')
    return {known(name, exercises(), "exercise"): _points(points, name) for name, points in given.items()}


def _due(given: Any, listed: Iterable[str]) -> dict[str, datetime]:
    """Return dates by lab, from a table or from one date; TOML has dates of its own, without quotes."""
    labs = dict.fromkeys(lab for name in listed for lab in labs_of(name))
    if given is None:
        return {}
    if not isinstance(given, dict):
        return {"": moment(str(given), "due:")}
    return {known(lab, labs, "due: lab"): moment(str(date), f"due date of lab {lab}:") for lab, date in given.items()}


def _groups(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_STUDENTS:
        raise Refused(f"groups = {shown(value)}: write how many students may share a notebook, 1 to {MOST_STUDENTS}")
    return value


def _points(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1_000_000:
        raise Refused(f"{what} = {shown(value)}: write points, 0 or more")
    return value
