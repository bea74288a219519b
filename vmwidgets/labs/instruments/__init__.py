"""What notebooks look with: functions of `vmwidgets.lab` that a cell uses in place of code of its own.

One file a subject: `one_call`, `maps`, `memory`, `tables`, `threads`, and `paper`, for what came before tables.
They read what the machine recorded, and judge nothing.
"""

from __future__ import annotations

from .maps import comparisons, fill, scanned
from .memory import byte_or_signal, called, calls, faults, resident_pages, use_pages
from .one_call import attempt, outline
from .paper import BaseAndBounds, Segments
from .tables import descriptors, flips, inverted, rights, tables_read, word
from .threads import copier

__all__ = [
    "BaseAndBounds",
    "Segments",
    "attempt",
    "byte_or_signal",
    "called",
    "calls",
    "comparisons",
    "copier",
    "descriptors",
    "faults",
    "fill",
    "flips",
    "inverted",
    "outline",
    "resident_pages",
    "rights",
    "scanned",
    "tables_read",
    "use_pages",
    "word",
]
