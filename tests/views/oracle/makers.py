"""Small lives, each with the sentences that it makes: those that random lives seldom have.

A sentence of the sweep is met often enough, or listed here with a life that really makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import vmwidgets as vm

from .claiming import Court
from .exhibits import Exhibit

Life = Callable[[], Iterator[vm.Machine | Exhibit]]
"""Gives a machine after each operation that is to be heard, and pictures that are to be looked at."""

MAKERS: dict[str, tuple[Life, tuple[str, ...]]] = {}
"""Lives by their names, and the keys of the templates that each makes."""

EVERY_STEP = 10**6


def makes(*keys: str) -> Callable[[Life], Life]:
    """Mark a life: sentences of these templates come in it."""

    def mark(life: Life) -> Life:
        assert life.__name__ not in MAKERS, life.__name__
        MAKERS[life.__name__] = life, keys
        return life

    return mark


def made_by(life: Life) -> Court:
    """What is said in a life, with each step of each operation."""
    court = Court(steps=EVERY_STEP)
    for one in life():
        if isinstance(one, tuple):
            court.see(*one)
        else:
            court.hear(one)
    return court


def listed() -> set[str]:
    """The keys of all templates that have a life of their own."""
    return {key for _, keys in MAKERS.values() for key in keys}
