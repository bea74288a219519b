"""Where a program refers to in the course of time, as counts: so many parts of its time, and rows of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ..base.errors import Refused
from . import counting
from .traces_schema import NamedRange, PagesRow

try:
    import numpy as np
except ModuleNotFoundError:
    np = counting.Absent()  # type: ignore[assignment]  # any use of it says what is missing

if TYPE_CHECKING:
    import numpy.typing as npt

KINDS = 4
"""Numbers for each page in a code: what a reference does is below it."""


class Coded(NamedTuple):
    """References as numbers: `codes` are those of the page times :data:`KINDS`, plus what is done; `names` the pages.

    `offsets`: at which place each reference begins, if some reference is to more than one page.
    """

    codes: counting.Numbers
    names: counting.Numbers
    offsets: counting.Numbers | None

    def between(self, first: int, last: int) -> counting.Numbers:
        """The codes of the references from `first` to before `last`."""
        if self.offsets is None:
            return self.codes[first:last]
        return self.codes[int(self.offsets[first]) : int(self.offsets[last])]


def coded(pages: counting.Numbers, kinds: npt.NDArray[np.uint8], offsets: counting.Numbers | None) -> Coded:
    """Return the references as numbers.  O(references)."""
    names, codes = counting.numbered(pages)
    codes *= KINDS
    codes += kinds
    return Coded(codes, names, offsets)


class Density(NamedTuple):
    """Rows of pages with their counts in each part of the time; pages used in each part; pages, and the hot ones."""

    rows: tuple[PagesRow, ...]
    sets: tuple[int, ...]
    pages: int
    hot: int
    references: int


def density(
    of: Coded, first: int, last: int, parts: int, most: int, between: tuple[int, int], named: Sequence[NamedRange]
) -> Density:
    """Count the references from `first` to before `last` to the pages `between` two numbers.  O(references)."""
    codes = of.between(first, last)
    count = len(of.names)
    low, high = (int(place) for place in np.searchsorted(of.names, between))
    often = np.bincount(codes, minlength=KINDS * count).reshape(count, KINDS)[low:high].sum(1)
    used = low + np.flatnonzero(often)
    if not len(used):
        raise Refused("there is no reference between these addresses at this time")
    names = of.names[used]
    row_of = _rows(names, most, named)
    starts = np.searchsorted(row_of, np.arange(int(row_of[-1]) + 1))
    cells, sets = [], []
    parts = min(parts, len(codes))
    for begin, end in pairwise(-(-part * len(codes) // parts) for part in range(parts + 1)):
        each = np.bincount(codes[begin:end], minlength=KINDS * count).reshape(count, KINDS)[used]
        sets.append(int(np.count_nonzero(each.sum(1))))
        by_row = np.add.reduceat(each, starts, axis=0)
        cells.append(np.stack((by_row.sum(1), by_row[:, 1], by_row[:, 2]), 1).tolist())
    ends = [*starts[1:].tolist(), len(names)]
    rows = tuple(
        PagesRow(
            int(names[start]), int(names[end - 1]), end - start, sum(part[row][0] for part in cells),
            sum(part[row][1] for part in cells), tuple((a, b, c) for a, b, c in (part[row] for part in cells)),
            name_of(int(names[start]), named),
        )
        for row, (start, end) in enumerate(zip(starts.tolist(), ends, strict=True))
    )  # fmt: skip  # a record
    sums = np.sort(often)[::-1].cumsum()
    hot = int(np.searchsorted(sums, 0.9 * sums[-1])) + 1
    return Density(rows, tuple(sets), len(used), hot, int(often.sum()))


def name_of(page: int, named: Sequence[NamedRange]) -> str:
    """The name of the range that a page is in, "" for none; pages are numbers, and so are the ranges' ends."""
    return next((one.name for one in named if one.first <= page <= one.last), "")


def _rows(names: counting.Numbers, most: int, named: Sequence[NamedRange]) -> counting.Numbers:
    """The row of each page: a new one at ranges, then where the largest gaps are, then where rows have most pages."""
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
