"""For authors of labs: `lab.author`.

:func:`exercise`, :func:`criterion`, :func:`mistakes`, :func:`explain`, :class:`Mistake` and :class:`Draws`; see
docs/own-lab.md.
"""

from __future__ import annotations

from .criterion import criterion
from .draws import Draws
from .exercise import exercise
from .explained import explain
from .mistakes import Mistake, mistakes

__all__ = ["Draws", "Mistake", "criterion", "exercise", "explain", "mistakes"]
