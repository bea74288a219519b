"""The format of a text's ranges: the kind that most lines match."""

from __future__ import annotations

from ...engine.base.errors import Refused
from ..cleaned import Cleaned, is_folded, numbered
from ..foreign import SEEN, refuse_foreign
from . import proc
from .formats import FORMATS
from .found import MOST_RANGES, Kind, ReadRanges, arranged

KINDS: tuple[Kind, ...] = (proc.KIND, *(one.kind for one in FORMATS))
"""The kinds; the first one wins if several match equally."""


WORDS = ("memory map", "region info", "si_addr", " kb")
"""Words that make a line of a long text relevant to these readers, in small letters."""

MOST_COUNTED = 50_000
"""The number of lines that show the kind of a text."""


def kind_of(text: Cleaned) -> tuple[Kind | None, frozenset[int]]:
    """Return the most frequent kind of ranges in a text, with the numbers of its lines, or None.  O(lines × kinds).

    Of a text with very many lines, some from all over the text are counted.
    """
    lines = [line for line in text.lines if line]
    some = lines[:: max(len(lines) // MOST_COUNTED, 1)]
    weights = [kind.weight(some) for kind in KINDS]
    kind = KINDS[weights.index(max(weights))]
    return (kind, kind.lines(text.lines)) if any(weights) else (None, frozenset())


def read_ranges(text: Cleaned, kind: Kind) -> ReadRanges:
    """Return the ranges of a text of this kind; raises :class:`Refused` if no line can be used.  O(n log n)."""
    found = arranged(kind, text, kind.read(text))
    if not found.ranges:
        why = f": {found.unsaid[0]}" if found.unsaid else ""
        raise Refused(f"{text.source} has no range that can be read{why.rstrip('.')}; one reads {kind.example!r}")
    if len(found.ranges) > MOST_RANGES:
        raise Refused(f"{text.source} has {len(found.ranges):,} ranges: more than {MOST_RANGES:,} are not read")
    return found


def read_exactly(text: Cleaned) -> ReadRanges | None:
    """Return the ranges of a text that is only a map of Linux, each path unchanged; None for any other text.

    Raises :class:`Refused` for a smaps_rollup, whose one range is a sum.
    """
    first = next((line for _, line in numbered(text.lines)), "")
    if not proc.KIND.is_line.match(first.strip(" ")) or "\x00" in text.whole or is_folded(first):
        return None
    refuse_foreign(text.text, text.source, SEEN)
    found = proc.KIND.read(text)
    exact = not found.damaged and len(found.ranges) + len(found.claimed) == sum(1 for _ in numbered(text.lines))
    return arranged(proc.KIND, text, found) if exact else None
