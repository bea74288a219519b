"""The words of an exercise, in the TOML file next to its judge: title, hints, sentences, mistakes, and the points."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused

from .criterion import Criterion, criterion
from .exercise import Judge, exercise
from .mistakes import EXERCISES, Mistake

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NEEDED = ("points", "yes", "no")
"""The keys of each criterion: what it is worth, and the sentences if it is met and if it isn't."""


class Rubric:
    """The words of the exercise `id` in the file next to `module`, which is a module's ``__file__``.

    In all sentences, ``{name}`` stands for what the judge passes under this name.
    """

    def __init__(self, module: str, id: str) -> None:  # noqa: A002  as in `exercise`
        file = Path(module).with_suffix(".toml")
        self.id, self._words = id, tomllib.loads(file.read_text("utf-8"))[EXERCISES][id]
        for name, one in self._words["criteria"].items():
            if lacking := [key for key in NEEDED if key not in one]:
                raise Refused(f"{file.name}: the criterion {name!r} of {id} has no {lacking[0]!r}: write one")

    def judge(self, **given: Any) -> Callable[[Judge], Judge]:
        """Mark a function as the judge: as :func:`.exercise.exercise`, with title, hints and sum of points as here."""
        points = sum(one["points"] for one in self._words["criteria"].values())
        return exercise(self.id, self._words["title"], points=points, hints=self._words["hints"], **given)

    def say(self, name: str, /, **about: object) -> str:
        """Return the text with this name."""
        text: str = self._words["says"][name]
        return text.format(**about)

    def __call__(
        self,
        name: str,
        earned: bool | int,
        no: str = "no",
        /,
        *,
        first: str = "",
        expected: str = "",
        actual: str = "",
        mistake: str = "",
        **about: object,
    ) -> Criterion:
        """Return the criterion with this name, as :func:`.criterion.criterion` does.

        `no` is the name of the sentence if points are missing, and `mistake` is the name of a mistake.
        """
        one = self._words["criteria"][name]
        why = Mistake(mistake, self._words["mistakes"][mistake]) if mistake else None
        yes, no = (one[key].format(**about) for key in ("yes", no))
        return criterion(one["points"], earned, yes, no, first=first, expected=expected, actual=actual, mistake=why)
