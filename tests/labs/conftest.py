"""A kernel that has begun nothing: what `lab` keeps for a kernel is put back after each test."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import pytest

from vmwidgets.labs import asking, beginning, checking, exercise, hinting, mistakes, saved

KEPT: list[Any] = [
    beginning._begun,
    beginning._tried,
    hinting._asked_for,
    checking._best,
    asking.predictions._by_id,
    exercise._exercises,
    mistakes._mistakes,
]


@pytest.fixture(autouse=True)
def new_kernel() -> Iterator[None]:
    """Nothing is begun, no hint and no prediction was asked for; exercises and mistakes are those of before."""
    for mine in KEPT[:5]:
        mine.clear()
    saved._read.clear()
    before = [copy(kept) for kept in KEPT]
    yield
    for kept, was in zip(KEPT, before, strict=True):
        kept.clear()
        if was:
            kept.update(was)
