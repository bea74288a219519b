"""What a notebook uses: `from vmwidgets import lab`, or `vm.lab` (the same module).

:func:`predict` asks before a picture gives the answer away, :func:`check` grades what was built, and `predictions`
holds what was said.  After :func:`keep_moments` each picture stays at the moment when its cell was done.
:func:`exercise` and :func:`criterion` are for those who write labs; see docs/labs.md.
"""

from __future__ import annotations

from vmwidgets.widgets.host.pictures import keep_moments

from .asking import predict, predictions
from .checking import check
from .criterion import criterion
from .exercise import exercise

__all__ = ["check", "criterion", "exercise", "keep_moments", "predict", "predictions"]


def __dir__() -> list[str]:
    """What a learner sees behind `lab.` and a tab."""
    return sorted(__all__)
