"""A criterion of a check: its points, whether it is met, and the sentence with the reason."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from vmwidgets.engine.base.errors import Refused, printable, shown
from vmwidgets.engine.base.frozen import frozen

from .mistakes import Mistake

WAITS = " (not judged yet: first "
"""The words after the sentence of a criterion that can't be judged yet: the work to be done first follows them."""


@frozen
class Criterion:
    """`points` earned out of `of`; `sentence` says what was found; `expected` and `actual` are strings, or empty.

    `mistake` is the mistake's name, if it has a name.
    """

    points: int
    of: int
    sentence: str
    expected: str = ""
    actual: str = ""
    mistake: Mistake | None = None

    @property
    def met(self) -> bool:
        """Return whether all points were earned."""
        return self.points == self.of

    @property
    def first(self) -> str:
        """Return what has to be done before the criterion can be judged; "" if it was judged."""
        return self.sentence.rpartition(WAITS)[2].removesuffix(")") if WAITS in self.sentence else ""

    @property
    def in_the_end(self) -> str:
        """The sentence about submitted work: in grading, nothing is "not judged yet".

        >>> criterion(2, 0, "both ends are cut", "one is not", first="map the range").in_the_end
        'both ends are cut (not judged before this is done: map the range)'
        """
        if not self.first:
            return self.sentence
        return f"{self.sentence.rpartition(WAITS)[0]} (not judged before this is done: {self.first})"

    def data(self) -> dict[str, Any]:
        """Return the criterion as the notebook keeps it."""
        return {**asdict(self), "mistake": self.mistake.name if self.mistake else "", "met": self.met}


def criterion(
    of: int,
    earned: bool | int,
    yes: str,
    no: str,
    *,
    first: str = "",
    expected: object = "",
    actual: object = "",
    mistake: Mistake | None = None,
) -> Criterion:
    """Create a criterion of `of` points; `earned` is True, False, or a number of points (partial credit).

    `yes` is the sentence if all points are earned.  Otherwise, the sentence is `no`: the reason, and what would be
    right, without the answer.  `first` is for a criterion that can't be judged yet: the sentence is then `yes`,
    followed by what has to be done first.  Such a criterion takes no points away: let `earned` be False until then.
    `expected` and `actual` are shown next to the criterion as text, but not while it can't be judged.  If points are
    missing, `mistake` names and explains what is wrong, and is saved.

    >>> criterion(2, 1, "both ends are cut", "one end is not cut", expected="2 cuts", actual="1 cut").sentence
    'one end is not cut'
    >>> criterion(2, 0, "both ends are cut", "one end is not cut", first="map the range").sentence
    'both ends are cut (not judged yet: first map the range)'
    """
    worth = whole_points(of, "of", 1)
    points = (worth if earned else 0) if isinstance(earned, bool) else whole_points(earned, "earned", 0, worth)
    waits = bool(first) and points < worth
    sentence = f"{yes}{WAITS}{first})" if waits else yes if points == worth else no
    found = "" if waits else str(actual)
    named = mistake if points < worth and not waits else None
    return Criterion(points, worth, printable(sentence), printable(str(expected)), printable(found), named)


def whole_points(value: Any, name: str, least: int, most: int = 1000) -> int:
    """Return a whole number of points; there are no halves."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Refused(f"{name}={shown(value)}: write a number of points, {least} to {most}")
    return value
