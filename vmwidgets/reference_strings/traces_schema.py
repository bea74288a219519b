"""The counts of a program's trace: frozen values, as views get them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from ..engine.base.errors import UnknownName, in_ascii, printable, shown
from ..engine.base.frozen import frozen
from ..engine.base.units import binary_size, counted


class Counts(NamedTuple):
    """Faults and dirty pages written, by the number of frames."""

    faults: int
    written: int


@frozen(repr=False)
class IntervalsValue:
    """The times until a page is referenced again: the result of :meth:`Trace.intervals`.

    Item n of `counts` is for the times from 2ⁿ to before 2ⁿ⁺¹, in references; `first` is the number of first
    references, which have no time.
    """

    name: str
    page: int
    first: int
    counts: tuple[int, ...]

    @property
    def references(self) -> int:
        """The number of all references."""
        return self.first + sum(self.counts)

    def rows(self) -> tuple[tuple[str, int], ...]:
        """Return the times in words, each with its number of references; then the first references."""
        times = tuple(
            (f"{1 << place:,} to {(2 << place) - 1:,}" if place else "1", count)
            for place, count in enumerate(self.counts)
        )
        return (*times, ("first reference", self.first))

    @in_ascii
    def __repr__(self) -> str:
        lines = [f"{words:>24}  {count:>12,}" for words, count in self.rows()]
        return "\n".join((f"references from one use of a page of {binary_size(self.page)} to the next:", *lines))


class TlbCounts(NamedTuple):
    """Hits and misses of a TLB with `entries` entries, in sets of `ways`, and its policy."""

    entries: int
    ways: int
    policy: str
    hits: int
    misses: int


class Window(NamedTuple):
    """The result of a window of `size` references on a trace: faults, and the mean and the largest resident set."""

    size: int
    faults: int
    mean: float
    largest: int


@frozen(repr=False)
class PlayedTrace:
    """The result of a trace's first references in a task of a machine, by :meth:`Trace.play`."""

    name: str
    policy: str
    frames: int
    references: int
    faults: int
    written: int
    """The number of dirty pages written on eviction."""

    @in_ascii
    def __repr__(self) -> str:
        return (
            f"{printable(self.policy)} with {counted(self.frames, 'frame')}: {counted(self.faults, 'fault')} of "
            f"{counted(self.references, 'reference')}, {counted(self.written, 'dirty page')} written"
        )


class NamedRange(NamedTuple):
    """Pages with a name: the numbers of the first and the last."""

    first: int
    last: int
    name: str


class PagesRow(NamedTuple):
    """The pages in a row: the numbers of the first and last, the number of used pages, and references and writes.

    `cells` has its references in each part of the time, and how many of these references are writes and instruction
    fetches.  `name` is the name of the first page's range, or "".
    """

    first: int
    last: int
    used: int
    references: int
    writes: int
    cells: tuple[tuple[int, int, int], ...]
    name: str = ""


class Listed(NamedTuple):
    """One reference: its number, its address, and its kind ("read", "write", "fetch")."""

    number: int
    address: int
    does: str


GROUPS = 10
"""The most groups of parts of the time whose used pages are counted."""


def grouped(parts: int) -> int:
    """Return the number of parts of the time in a group.

    >>> grouped(120), grouped(37)
    (12, 4)
    """
    return -(-parts // GROUPS)


ENOUGH = 10
"""The references in a part of the time from which the number of its pages says something, even if it has more."""


@frozen
class LocalityValue:
    """A program's references by place and time: `rows` of pages, the lowest first, each with parts of the time.

    The references are those from number `first` to before `last`; `is_part` says that some of the trace's references or
    pages are left out.  `sets` has the number of pages in use in each group of :func:`grouped` parts.  `hot` is the
    number of most used pages that get 9 of 10 references.  `listed` has the references themselves, if they are few.
    """

    name: str
    references: int
    pages: int
    hot: int
    page: int
    rows: tuple[PagesRow, ...]
    sets: tuple[int, ...]
    mix: str
    first: int = 0
    last: int = 0
    is_part: bool = False
    listed: tuple[Listed, ...] = ()

    @property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """The parts of the time, from the first to before the last, of each of `sets`; the last may have fewer."""
        parts = len(self.rows[0].cells)
        each = grouped(parts)
        return tuple((first, min(first + each, parts)) for first in range(0, parts, each))

    @property
    def usual(self) -> int:
        """The number of pages in use in the middle one of the groups of parts, by this number."""
        return sorted(self.sets)[len(self.sets) // 2]

    @property
    def locality(self) -> str:
        """The answer in a word: "one" page, "once" (under two references a page), "few", "hot", "little" or "none".

        With "few", at most half of the pages are in use at a time, each more than once; with "hot", the hot pages are
        at most half of those.  "short": a part of the time has too few references to use all pages, and so says little.
        """
        if self.pages == 1:
            return "one"
        if self.references < 2 * self.pages:
            return "once"
        if 2 * self.hot <= min(self.usual, self.pages):
            return "hot"
        if 2 * self.usual <= min(self.pages, self.references // len(self.sets)):
            return "few"
        if -(-self.references // len(self.sets)) < min(self.pages, ENOUGH):
            return "short"
        (_, each), *_ = self.groups
        whole = [used for used, (first, end) in zip(self.sets, self.groups, strict=True) if end - first == each]
        return "none" if min(whole) >= 0.8 * self.pages else "little"


BELADYS = "fifo", "clock", "second chance"
"""The policies for which Belady's anomaly is mentioned."""


@frozen(repr=False)
class FaultsValue:
    """Faults, and dirty pages written, by policy and number of frames: the result of :meth:`Trace.faults`."""

    name: str
    references: int
    pages: int
    page: int
    """The bytes of a page."""
    sizes: tuple[int, ...]
    counts: dict[str, dict[int, Counts]]
    windows: tuple[Window, ...] = ()
    """Denning's working set, if it was counted: it has a mean size, not a number of frames."""
    tick: int = 0
    """The references between two readings of reference bits, for aging and NRU; 0 if the bits are never read."""
    own: tuple[str, ...] = ()
    """The policies that are learners' functions, by their names."""

    @property
    def policies(self) -> tuple[str, ...]:
        """The names of the policies."""
        return tuple(self.counts)

    def faults(self, policy: str, frames: int) -> int:
        """Return the faults of a policy with this number of frames."""
        return self._of(policy, frames).faults

    def written(self, policy: str, frames: int) -> int:
        """Return the number of dirty pages that a policy evicts with this number of frames."""
        return self._of(policy, frames).written

    def _of(self, policy: str, frames: int) -> Counts:
        by_size = self.counts.get(str(policy), self.counts.get(str(policy).lower()))
        if by_size is None:
            raise UnknownName(f"{shown(policy)} was not counted; counted are {', '.join(self.policies)}")
        if frames not in by_size:
            raise UnknownName(f"{shown(frames)} frames were not counted; counted are {', '.join(map(str, self.sizes))}")
        return by_size[frames]

    @property
    def anomalies(self) -> list[tuple[str, int, int]]:
        """The cases of FIFO or the clock with more faults for more frames (Belady, 1969): policy, and both numbers."""
        return [one for one in self.worse if one[0] in BELADYS and one[0] not in self.own]

    @property
    def worse(self) -> list[tuple[str, int, int]]:
        """The cases in which any policy has more faults with more frames: the policy, and both numbers of frames."""
        return [
            (policy, few, many)
            for policy in self.policies
            for few, many in pairwise(self.sizes)
            if self.faults(policy, few) < self.faults(policy, many)
        ]

    def enough(self, policy: str, each: int = 1000) -> int | None:
        """Return the least counted number of frames with less than one fault for `each` references."""
        return next((size for size in self.sizes if self.faults(policy, size) * each < self.references), None)

    def knee(self, policy: str) -> int:
        """Return the counted number of frames for which frames × faults is least: the knee of the curve.

        Below the knee, one more frame saves many faults; above it, few.  (Denning, "Working sets past and present",
        1980.)
        """
        return min(self.sizes, key=lambda size: (size * self.faults(policy, size), size))

    def worth(self, policy: str, frames: int) -> float:
        """Return the faults saved by one more frame, on average up to the next counted number of frames."""
        larger = [size for size in self.sizes if size > frames]
        if not larger:
            return 0.0
        return (self.faults(policy, frames) - self.faults(policy, larger[0])) / (larger[0] - frames)

    @property
    def headline(self) -> str:
        """The length of the trace, and its number of pages."""
        of = f"{counted(self.references, 'reference')} to {counted(self.pages, 'page')}"
        return f"{of} of {binary_size(self.page)}"

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Return the faults as rows, one for each number of frames, with a column for each policy."""
        return tuple((f"{size:,}", *(f"{self.faults(one, size):,}" for one in self.policies)) for size in self.sizes)

    @in_ascii
    def __repr__(self) -> str:
        rows = [("frames", *self.policies), *self.table()]
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        lines = ["   ".join(f"{cell:>{wide}}" for cell, wide in zip(row, widths, strict=True)) for row in rows]
        lines.insert(0, "faults by number of frames:")
        of_belady = self.anomalies
        more = []
        for found in self.worse:
            policy, few, many = found
            title = "Belady's anomaly" if found in of_belady else "more frames, more faults"
            more.append(
                f"{title}: {policy} has {self.faults(policy, few):,} faults with {few:,} frames, and "
                f"{self.faults(policy, many):,} with {many:,}."
            )
        if self.windows:
            more.append("the working set, by its window: faults, mean and largest number of pages:")
            more += [f"{one.size:>10,}  {one.faults:>10,}  {one.mean:>8.1f}  {one.largest:>6,}" for one in self.windows]
        return "\n".join((self.headline, *lines, *more))
