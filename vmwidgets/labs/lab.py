"""The calls of the labs' notebooks: `from vmwidgets import lab`, or `vm.lab` (the same module).

:func:`predict` asks before a picture gives the answer away, and `predictions` lists the answers.  :func:`check` grades
a solution; :func:`require` raises an error if a point is missing.  :func:`begin` sets the student and the lab,
:func:`variant` returns the student's variant, :func:`practice` a public variant, and :func:`hint` a hint.
:func:`minutes` shows how long each cell took, if the student agreed to this measurement.  :func:`try_on` copies a
machine for experiments.  :func:`attempt` returns the result of a call, or the reason of its failure.  After
:func:`keep_moments`, each picture keeps its state at the end of its cell.

Calls for authors of labs, such as `exercise` and `criterion`, are in `lab.author`; see docs/own-lab.md.  Facts about an
object are methods of the object: ``space.levels``, ``operation.faults``, ``walk.flips()``,
``task.tables.descriptors(…)``, ``machine.frame_count``.
"""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.attributes import ModuleNames, UnknownAttribute
from vmwidgets.widgets.host.pictures import keep_moments

from . import author
from .asking import predict
from .attempt import attempt
from .beginning import begin
from .checking import check
from .hinting import hint
from .minutes import minutes
from .predictions import Predictions, asked
from .requiring import require
from .sheet import practice, variant
from .submitting import submit
from .trying import try_on

predictions: Predictions  # this kernel's predictions: __getattr__ returns them

__all__ = [
    "attempt",
    "author",
    "begin",
    "check",
    "hint",
    "keep_moments",
    "minutes",
    "practice",
    "predict",
    "predictions",
    "require",
    "submit",
    "try_on",
    "variant",
]


def __getattr__(name: str) -> Any:
    """Return `predictions`, this kernel's predictions by ID."""
    if name == "predictions":
        return asked.now()
    raise UnknownAttribute(ModuleNames("lab", __all__, lambda: {"lab.author has it: lab.author.": author}), name)


def __dir__() -> list[str]:
    """Return the names that a learner sees after `lab.` and Tab."""
    return sorted(__all__)
