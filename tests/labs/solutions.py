"""Solutions of exercises, and what a mistake in one costs: `course/NN-name/solutions.py` has those of a lab.

A recipe is what one person types: Python with the numbers of their own sheet, and nothing that reads the sheet.  It
is run with `vm`, `lab` and `thing`, which is what the sheet starts with; `thing` is graded after it.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

COURSE = Path(__file__).resolve().parents[2] / "course"

Recipe = Callable[[Any], str]
"""The lines for what a sheet asks."""


@dataclass(frozen=True)
class Solved:
    """The solutions of an exercise.

    `right`: at least two that differ.  `spoilt`: for each criterion, in order, one that loses it alone, and `points`
    what each earns, a number or a function of what was drawn.  `tells`: what a sheet offers besides what was drawn,
    each of it said in the sheet's text or shown by its start.
    """

    right: Sequence[Recipe]
    spoilt: Sequence[Recipe]
    points: Sequence[int | Callable[[Any], int]]
    tells: frozenset[str] = frozenset()


Table = Mapping[str, Solved]


@cache
def of_lab(name: str) -> Any:
    """The module with the solutions of the lab in this folder of `course/`."""
    spec = spec_from_file_location(f"solutions_of_{name.replace('-', '_')}", COURSE / name / "solutions.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@cache
def solved() -> dict[str, Solved]:
    """The solutions of all exercises."""
    labs = sorted(path.parent.name for path in COURSE.glob("*/solutions.py"))
    return {name: one for lab in labs for name, one in of_lab(lab).SOLVED.items()}


def run(recipe: str, names: dict[str, Any]) -> None:
    """Type a recipe: what is a function in it has a source, as in a notebook's cell."""
    cell = f"<recipe {hash(recipe)}>"
    linecache.cache[cell] = len(recipe), None, recipe.splitlines(keepends=True), cell
    exec(compile(recipe, cell, "exec"), names)
