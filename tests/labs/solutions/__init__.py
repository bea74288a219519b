"""Solutions of exercises, and what a mistake in one costs: a module for each module of exercises.

A recipe is what one person types: Python with the numbers of their own sheet, and nothing that reads the sheet.  It
is run with `vm`, `lab` and `thing`, which is what the sheet starts with; `thing` is graded after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Recipe = Callable[[Any], str]
"""The lines for what a sheet asks."""


@dataclass(frozen=True)
class Solved:
    """`right`: at least two solutions that differ.  `spoilt`: for each criterion, in order, one that loses it alone."""

    right: Sequence[Recipe]
    spoilt: Sequence[Recipe]


Table = Mapping[str, Solved]
