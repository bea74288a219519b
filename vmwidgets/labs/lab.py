"""What a notebook uses: `from vmwidgets import lab`, or `vm.lab` (the same module).

:func:`predict` asks before a picture gives the answer away, :func:`check` grades what was built (:func:`require` raises
where a point is missing), and `predictions` holds what was said.  :func:`begin` says whose lab it is, :func:`sheet`
what this student is asked, :func:`practice` what anyone may practise on, and :func:`hint` helps.  :func:`try_on`
makes a copy of a machine to try something on.  :func:`attempt` gives
what a call gives, or why it failed, and :func:`outline` says in few lines what an operation did.  After
:func:`keep_moments` each picture stays at the moment when its cell was done.
:func:`exercise`, :func:`criterion`, :func:`mistakes` and :class:`Draws` are for those who write labs; see docs/labs.md.

The other names count and read what single labs are about: of maps and trees (:func:`fill`, :func:`levels`), page tables
(:func:`tables_read`, :func:`descriptors`, :func:`flips`), tasks (:func:`use_pages`), domains (:func:`slots`).
"""

from __future__ import annotations

from vmwidgets.widgets.host.pictures import keep_moments

from . import author
from .asking import predict, predictions
from .beginning import begin
from .checking import check
from .criterion import criterion
from .draws import Draws
from .exercise import exercise
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
    fault_count,
    fault_of,
    faults,
    fill,
    flips,
    frame_count,
    inverted,
    levels,
    outline,
    resident_pages,
    rights,
    rotations,
    scanned,
    slots,
    tables_read,
    use_pages,
    word,
)
from .mistakes import Mistake, mistakes
from .requiring import require
from .sheet import practice, sheet
from .submitting import submit
from .trying import try_on

__all__ = [
    "BaseAndBounds",
    "Draws",
    "Mistake",
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
    "criterion",
    "descriptors",
    "exercise",
    "fault_count",
    "fault_of",
    "faults",
    "fill",
    "flips",
    "frame_count",
    "hint",
    "inverted",
    "keep_moments",
    "levels",
    "mistakes",
    "outline",
    "practice",
    "predict",
    "predictions",
    "require",
    "resident_pages",
    "rights",
    "rotations",
    "scanned",
    "sheet",
    "slots",
    "submit",
    "tables_read",
    "try_on",
    "use_pages",
    "word",
]


def __dir__() -> list[str]:
    """What a learner sees behind `lab.` and a tab."""
    return sorted(__all__)
