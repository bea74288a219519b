"""The calls for authors of labs: `lab.author`.

:func:`exercise`, :func:`criterion`, :func:`mistakes`, :func:`explain`, :class:`Mistake`, :class:`Draws` and
:class:`Chosen`; see docs/own-lab.md.
"""

from __future__ import annotations

from .chosen import Chosen
from .criterion import criterion
from .draws import Draws
from .exercise import exercise
from .explained import explain
from .mistakes import Mistake, mistakes

__all__ = ["Chosen", "Draws", "Mistake", "criterion", "exercise", "explain", "mistakes"]
