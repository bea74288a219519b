"""Solutions of exercises, and what a mistake in one costs: a module for each module of exercises.

A recipe is what one person types: Python with the numbers of their own sheet, and nothing that reads the sheet.  It
is run with `vm`, `lab` and `thing`, which is what the sheet starts with; `thing` is graded after it.
"""

from __future__ import annotations

import linecache
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


def run(recipe: str, names: dict[str, Any]) -> None:
    """Type a recipe: what is a function in it has a source, as in a notebook's cell."""
    cell = f"<recipe {hash(recipe)}>"
    linecache.cache[cell] = len(recipe), None, recipe.splitlines(keepends=True), cell
    exec(compile(recipe, cell, "exec"), names)


Table = Mapping[str, Solved]
