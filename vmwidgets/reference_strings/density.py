"""Counts of a program's references by place and time: rows of its pages, and parts of its time."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ..engine.base.errors import Refused
from . import counting
from .traces_schema import NamedRange, PagesRow, grouped

try:
    import numpy as np
except ModuleNotFoundError:
    np = counting.Absent()  # type: ignore[assignment]  # any use of it says what is missing

if TYPE_CHECKING:
    import numpy.typing as npt

KINDS = 4
"""The number of codes for each page: a code modulo this number is the kind of reference."""


class Coded(NamedTuple):
    """References as numbers: `codes` are page numbers times :data:`KINDS`, plus the kind; `names` are the pages.

    `counts` is the number of times that each code occurs.  A reference that touches further pages is in `further` once
    for each of them.
    """

    codes: npt.NDArray[np.int32]
    names: counting.Numbers
    counts: counting.Numbers
    further: counting.Numbers

    def between(self, first: int, last: int) -> npt.NDArray[np.int32]:
        """Return the codes of the references from `first` to before `last`."""
        begin, end = (at + int(np.searchsorted(self.further, at)) for at in (first, last))
        return self.codes[begin:end]

    def counts_of(self, codes: npt.NDArray[np.int32]) -> counting.Numbers:
        """Return how often each page occurs in some codes, by kind of reference."""
        each = self.counts if len(codes) == len(self.codes) else np.bincount(codes, minlength=len(self.counts))
        return each.reshape(-1, KINDS)


class Touched(NamedTuple):
    """The pages touched by references, each page's kind, and each reference's number of pages (None: one each)."""

    pages: counting.Numbers
    kinds: npt.NDArray[np.uint8]
    lengths: counting.Numbers | None


def coded(touched: Callable[[slice], Touched], references: int) -> Coded:
    """Return the references as numbers; `touched` returns the pages touched by a part of them.  O(references)."""
    numbering, places, kinds, further = counting.Numbering(), array("i"), [], [np.zeros(0, np.int64)]
    for first in range(0, references, counting.AT_ONCE):
        some = touched(slice(first, first + counting.AT_ONCE))
        found = numbering.places(some.pages)
        if found is None:
            break
        places.frombytes(found.tobytes())
        kinds.append(some.kinds)
        further.append(_further(some) + first)
    else:
        names, table = numbering.finish()
        table *= KINDS
        codes, at = np.frombuffer(places, np.int32), 0
        for does in kinds:  # in place: a trace may have millions of references
            part = codes[at : at + len(does)]
            part[:] = table[part] + does
            at += len(does)
        return _counted(codes, names, np.concatenate(further))
    every = touched(slice(None))
    names, numbers = counting.numbered(every.pages)
    return _counted((numbers * KINDS + every.kinds).astype(np.int32), names, _further(every))


def _further(touched: Touched) -> counting.Numbers:
    """Return each reference once for each further page that it touches."""
    lengths = touched.lengths
    return np.zeros(0, np.int64) if lengths is None else np.repeat(np.arange(len(lengths)), lengths - 1)


def _counted(codes: npt.NDArray[np.int32], names: counting.Numbers, further: counting.Numbers) -> Coded:
    counts = np.zeros(KINDS * len(names), np.int64)
    for first in range(0, len(codes), 4 * counting.AT_ONCE):
        counts += np.bincount(codes[first : first + 4 * counting.AT_ONCE], minlength=len(counts))
    return Coded(codes, names, counts, further)


class Density(NamedTuple):
    """Counts for rows of pages and parts of the time; the number of pages used in groups of parts, in all, and hot."""

    rows: tuple[PagesRow, ...]
    sets: tuple[int, ...]
    pages: int
    hot: int


def density(
    of: Coded, first: int, last: int, parts: int, most: int, between: tuple[int, int], named: Sequence[NamedRange]
) -> Density:
    """Count the references from `first` to before `last` to the pages `between` two numbers.  O(references)."""
    codes = of.between(first, last)
    low, high = (int(place) for place in np.searchsorted(of.names, between))
    often = of.counts_of(codes)[low:high].sum(1)
    used = low + np.flatnonzero(often)
    if not len(used):
        raise Refused("there is no reference between these addresses at this time")
    names = of.names[used]
    row_of = _rows(names, most, named)
    starts = np.searchsorted(row_of, np.arange(int(row_of[-1]) + 1))
    cells: list[list[list[int]]] = []
    in_use: list[npt.NDArray[np.bool_]] = []
    parts = min(parts, len(codes))
    for part, (begin, end) in enumerate(pairwise(-(-part * len(codes) // parts) for part in range(parts + 1))):
        each = of.counts_of(codes[begin:end])[used]
        if part % grouped(parts):
            in_use[-1] |= each.sum(1) > 0
        else:
            in_use.append(each.sum(1) > 0)
        by_row = np.add.reduceat(each, starts, axis=0)
        cells.append(np.stack((by_row.sum(1), by_row[:, 1], by_row[:, 2]), 1).tolist())
    ends = [*starts[1:].tolist(), len(names)]
    rows = tuple(
        PagesRow(
            int(names[start]),
            int(names[end - 1]),
            end - start,
            sum(part[row][0] for part in cells),
            sum(part[row][1] for part in cells),
            tuple((a, b, c) for a, b, c in (part[row] for part in cells)),
            name_of(int(names[start]), named),
        )
        for row, (start, end) in enumerate(zip(starts.tolist(), ends, strict=True))
    )
    sums = np.sort(often)[::-1].cumsum()
    hot = int(np.searchsorted(sums, 0.9 * sums[-1])) + 1
    return Density(rows, tuple(int(np.count_nonzero(one)) for one in in_use), len(used), hot)


def name_of(page: int, named: Sequence[NamedRange]) -> str:
    """Return the name of the range that contains a page, or ""."""
    return next((one.name for one in named if one.first <= page <= one.last), "")


def _rows(names: counting.Numbers, most: int, named: Sequence[NamedRange]) -> counting.Numbers:
    """Return the row of each page: new rows begin at ranges, then at the largest gaps, then in the fullest rows."""
    if len(names) <= most:
        return np.arange(len(names))
    begins = {0}
    edges = sorted({edge for one in named for edge in (one.first, one.last + 1)})
    places = {int(place) for place in np.searchsorted(names, edges)} - {len(names)}
    begins |= places if len(places) < most else set()
    gaps = np.diff(names)
    for one in np.argsort(-gaps, kind="stable")[: most // 2].tolist():
        if gaps[one] > 16 and len(begins) < most:
            begins.add(one + 1)
    while len(begins) < most:
        first, last = max(pairwise([*sorted(begins), len(names)]), key=lambda row: row[1] - row[0])
        begins.add((first + last) // 2)
    marks = np.zeros(len(names), np.int64)
    marks[sorted(begins - {0})] = 1
    return marks.cumsum()
