"""What a notebook uses: `from vmwidgets import lab`, or `vm.lab` (the same module).

:func:`predict` asks before a picture gives the answer away, :func:`check` grades what was built (:func:`require` raises
where a point is missing), and `predictions` holds what was said.  :func:`begin` says whose lab it is, :func:`variant`
what this student is asked, :func:`practice` what anyone may practise on, and :func:`hint` helps.  :func:`minutes`
shows how long each cell took, if that was wanted.  :func:`try_on`
makes a copy of a machine to try something on.  :func:`attempt` gives
what a call gives, or why it failed, and :func:`outline` says in few lines what an operation did.  After
:func:`keep_moments` each picture stays at the moment when its cell was done.
What only those need who write labs, such as `exercise` and `criterion`, is in `lab.author`; see docs/own-lab.md.

The other names count and read what single labs are about: of maps (:func:`fill`, :func:`scanned`), page tables
(:func:`tables_read`, :func:`descriptors`, :func:`flips`), tasks (:func:`use_pages`).  What one thing knows of itself is
asked of that thing: ``space.levels``, ``operation.rotations``, ``walk.fault_line``, ``machine.frame_count``.
"""

from __future__ import annotations

import warnings
from operator import attrgetter
from typing import Any

from vmwidgets.widgets.host.pictures import keep_moments

from . import author
from .asking import predict, predictions
from .beginning import begin
from .checking import check
from .hinting import hint
from .instruments import (
    BaseAndBounds,
    Segments,
    attempt,
    byte_or_signal,
    called,
    calls,
    comparisons,
    copier,
    descriptors,
    faults,
    fill,
    flips,
    inverted,
    outline,
    resident_pages,
    rights,
    scanned,
    tables_read,
    use_pages,
    word,
)
from .minutes import minutes
from .requiring import require
from .sheet import practice, sheet, variant
from .submitting import submit
from .trying import try_on

__all__ = [
    "BaseAndBounds",
    "Segments",
    "attempt",
    "author",
    "begin",
    "byte_or_signal",
    "called",
    "calls",
    "check",
    "comparisons",
    "copier",
    "descriptors",
    "faults",
    "fill",
    "flips",
    "hint",
    "inverted",
    "keep_moments",
    "minutes",
    "outline",
    "practice",
    "predict",
    "predictions",
    "require",
    "resident_pages",
    "rights",
    "scanned",
    "sheet",
    "submit",
    "tables_read",
    "try_on",
    "use_pages",
    "variant",
    "word",
]


MOVED = "Draws", "Mistake", "criterion", "exercise", "mistakes"
"""Names that moved to `lab.author`; here they work for one more version."""


OF_THINGS = {
    "levels": "space.levels", "rotations": "operation.rotations", "fault_of": "walk.fault_line",
    "fault_count": "machine.fault_count", "frame_count": "machine.frame_count", "slots": "domain.slots",
}  # fmt: skip
"""Functions that became properties of what they are about; here they work for one more version."""


def __getattr__(name: str) -> Any:
    if name in OF_THINGS:
        now = OF_THINGS[name]
        warnings.warn(f"lab.{name}({now.partition('.')[0]}) is {now} now", DeprecationWarning, stacklevel=2)
        return attrgetter(now.partition(".")[2])
    if name not in MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"lab.{name} is lab.author.{name} now", DeprecationWarning, stacklevel=2)
    return getattr(author, name)


def __dir__() -> list[str]:
    """What a learner sees behind `lab.` and a tab."""
    return sorted(__all__)
