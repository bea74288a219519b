"""Draws from a seed: numbers and choices that are the same on every computer and in every version of Python."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from random import Random
from typing import Any, TypeVar

from vmwidgets.engine.base.errors import Refused, shown

from .answers import is_whole

T = TypeVar("T")

MOST = 1 << 48
"""The most values that one draw can choose from: `Random.random()` has 53 bits."""


class Draws:
    """A series of random draws, determined by a string.

    Only `Random.random()` is guaranteed to give the same numbers in each version of Python, so all draws use it.

    >>> draws = Draws("doc")
    >>> draws.below(10), draws.choice("abc"), draws.shuffled([1, 2, 3])
    (5, 'b', [1, 2, 3])
    """

    def __init__(self, text: str) -> None:
        self._random = Random(int.from_bytes(sha256(text.encode()).digest()[:8], "big"))

    def below(self, end: int) -> int:
        """Return a whole number from 0 to `end` - 1."""
        return int(self._random.random() * _whole(end, "values to draw from", 1, MOST))

    def between(self, first: int, last: int) -> int:
        """Return a whole number from `first` to `last`, both included."""
        return first + self.below(last - first + 1)

    def choice(self, values: Sequence[T]) -> T:
        """Return one of `values`."""
        return values[self.below(len(values))]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """Return all of `values`, in random order."""
        left = list(values)
        return [left.pop(self.below(len(left))) for _ in values]

    def sample(self, values: Sequence[T], count: int) -> list[T]:
        """Return `count` different members of `values`, in any order."""
        return self.shuffled(values)[: _whole(count, "values to draw", 0, len(values))]


def _whole(value: Any, what: str, least: int, most: int) -> int:
    if not is_whole(value, least, most):
        raise Refused(f"the number of {what} is {shown(value)}: it must be a whole number, {least} to {most:,}")
    return value
