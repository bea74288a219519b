"""The calls of the labs' notebooks: `from vmwidgets import lab`, or `vm.lab` (the same module).

:func:`predict` asks before a picture gives the answer away, and `predictions` lists the answers.  :func:`check` grades
a solution; :func:`require` raises an error if a point is missing.  :func:`begin` sets the student and the lab,
:func:`variant` returns the student's variant, :func:`practice` a public one, and :func:`hint` a hint.  :func:`minutes`
shows how long each cell took, if the student agreed to it.  :func:`try_on` copies a machine for experiments.
:func:`attempt` returns the result of a call, or the reason of its failure.  After :func:`keep_moments`, each picture
keeps its state at the end of its cell.

Calls for authors of labs, such as `exercise` and `criterion`, are in `lab.author`; see docs/own-lab.md.  Facts about an
object are methods of the object: ``space.levels``, ``operation.faults``, ``walk.flips()``,
``task.tables.descriptors(…)``, ``machine.frame_count``.
"""

from __future__ import annotations

import warnings
from functools import partial
from operator import attrgetter
from typing import Any

from vmwidgets.engine.machine import segments
from vmwidgets.widgets.host.pictures import keep_moments

from . import author
from .asking import predict, predictions
from .attempt import attempt
from .beginning import begin
from .checking import check
from .hinting import hint
from .minutes import minutes
from .requiring import require
from .sheet import practice, variant
from .submitting import submit
from .trying import try_on

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


MOVED = "Draws", "Mistake", "criterion", "exercise", "mistakes"
"""Names that moved to `lab.author`; here they work for one more version."""


OF_THINGS = {
    "byte_or_signal": "task.byte_or_signal",
    "called": "machine.journal.last.called",
    "calls": "machine.journal.last.calls",
    "comparisons": "space.comparisons",
    "copier": "machine.kmem.copier",
    "descriptors": "task.tables.descriptors",
    "fault_count": "machine.fault_count",
    "fault_of": "walk.fault_line",
    "faults": "machine.journal.last.faults",
    "fill": "space.fill",
    "flips": "walk.flips",
    "frame_count": "machine.frame_count",
    "inverted": "machine.frames.inverted",
    "levels": "space.levels",
    "outline": "operation.outline",
    "resident_pages": "task.resident_pages",
    "rights": "task.tables.rights",
    "rotations": "operation.rotations",
    "scanned": "space.scanned",
    "slots": "domain.slots",
    "tables_read": "task.tables.read_for",
    "use_pages": "task.use_pages",
    "word": "machine.tables.descriptor_at",
}
"""Functions that became properties and methods of what they are about; here they work for one more version."""

OF_VM = "BaseAndBounds", "Segments"
"""Classes that are in `vm` now; here they work for one more version."""


RENAMED = {"sheet": "variant"}
"""Functions that have another name now; here the old one works for one more version."""


def __getattr__(name: str) -> Any:
    old: Any
    if name in RENAMED:
        say, old = f"lab.{name} is lab.{RENAMED[name]} now", globals()[RENAMED[name]]
    elif name in OF_THINGS:
        whose, _, path = OF_THINGS[name].partition(".")
        say = f"lab.{name}({whose}) is {whose}.{path} now"
        old = partial(_asked_of_thing, path)
    elif name in OF_VM:
        say, old = f"lab.{name} is vm.{name} now", getattr(segments, name)
    elif name in MOVED:
        say, old = f"lab.{name} is lab.author.{name} now", getattr(author, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(say, DeprecationWarning, stacklevel=2)
    return old


def _asked_of_thing(path: str, thing: Any, *arguments: Any, **options: Any) -> Any:
    found = attrgetter(path)(thing)
    return found(*arguments, **options) if callable(found) else found


def __dir__() -> list[str]:
    """What a learner sees behind `lab.` and a tab."""
    return sorted(__all__)
