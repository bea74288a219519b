"""A criterion of a check: its points, whether it is met, and the sentence with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from vmwidgets.engine.base.errors import Refused, printable, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, parse_address

from .answers import is_whole
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
    if not is_whole(value, least, most):
        raise Refused(f"{name}={shown(value)}: write a number of points, {least} to {most}")
    return value


def misread_key(answers: Mapping[Any, Any], wanted: Iterable[object]) -> str:
    """Return what to do about an answer whose key is not one of the `wanted`; "" if there is none.

    >>> misread_key({"0x1000": 5}, [0x1000])
    "write the keys as numbers, such as 0x1000, without quotes: the key '0x1000' is text"
    >>> misread_key({"Pages": 5, 3: None}, ["pages", "faults"])
    "write the key 'pages', not 'Pages'"
    """
    names = tuple(wanted)
    for key, answer in answers.items():
        if answer is None or key in names:
            continue
        meant = next((name for name in names if _is_meant(key, name)), names[0])
        if isinstance(key, str) and isinstance(meant, int):
            return f"write the keys as numbers, such as {Address(meant)}, without quotes: the key {shown(key)} is text"
        if _is_meant(key, meant):
            return f"write the key {meant!r}, not {shown(key)}"
        listed = ", ".join(str(Address(name)) if isinstance(name, int) else repr(name) for name in names)
        return f"take the sheet's own keys: {listed}; {shown(key)} is none of them"
    return ""


def _is_meant(key: object, name: object) -> bool:
    """Return whether a key that is text stands for a name, or for a number as any notation writes it."""
    if not isinstance(key, str) or not isinstance(name, int):
        return isinstance(key, str) and isinstance(name, str) and key.strip().casefold() == name.casefold()
    text = key.strip()
    try:
        return text == str(int(name)) or parse_address(text if text[:2].lower() == "0x" else f"0x{text}") == name
    except ValueError:
        return False
