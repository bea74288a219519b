"""A string of references, and the results of page replacement policies on it: frozen values, as views get them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

from ..engine.base.errors import UnknownName, in_ascii, printable, shown
from ..engine.base.frozen import frozen
from ..engine.base.units import counted

PageName: TypeAlias = int | str
"""A page of a string: a number, or a letter."""


@frozen
class PageReference:
    """One reference of a run, and the contents of memory after it.

    `page` was referenced, and written if `write`.  A `fault` without a free frame evicted `victim` (None if no page was
    evicted); after the reference, the working set evicted `expired`.  `pages` has the page of each frame, None for a
    free frame. `referenced` and `dirty` are the frames with these bits set.  `hand` is the frame that the clock's hand
    checks next; None for policies without a hand.  After the reference, the clock ticks `ticks` times; the contents of
    memory and aging's `counters`, by frame, are shown after these ticks.
    """

    page: PageName
    write: bool
    fault: bool
    frame: int
    victim: PageName | None
    expired: tuple[PageName, ...]
    pages: tuple[PageName | None, ...]
    referenced: frozenset[int]
    dirty: frozenset[int]
    hand: int | None
    ticks: int = 0
    counters: tuple[int | None, ...] = ()

    @property
    def gone(self) -> tuple[PageName, ...]:
        """The pages that were evicted."""
        return self.expired if self.victim is None else (self.victim, *self.expired)


LINE = 24
"""The most references in a line of text."""


@frozen(repr=False)
class PolicyRun:
    """A string of references under one `policy` with `frames`."""

    policy: str
    frames: int
    steps: tuple[PageReference, ...]
    uses_bits: bool = False
    """Whether the policy reads reference bits."""

    @property
    def faults(self) -> int:
        """The number of references whose page was not in memory."""
        return sum(step.fault for step in self.steps)

    @property
    def hits(self) -> int:
        """The number of references whose page was in memory."""
        return len(self.steps) - self.faults

    @property
    def rate(self) -> float:
        """The number of faults for each reference."""
        return self.faults / len(self.steps)

    @property
    def headline(self) -> str:
        """The policy, the frames and the faults."""
        return f"{printable(self.policy)}, {counted(self.frames, 'frame')}: {counted(self.faults, 'fault')}"

    @in_ascii
    def __repr__(self) -> str:
        """Return a text: time across, frames down, evicted pages; `'` is a reference bit, `>` the hand, `|` a tick."""
        lines = [f"{self.headline} of {counted(len(self.steps), 'reference')}"]
        for start in range(0, len(self.steps), LINE):
            steps = self.steps[start : start + LINE]
            columns = [list(self._column(step)) for step in steps]
            w = 1 + max(len(cell) for column in columns for cell in column)
            names = ["", *(f"frame {number}" for number in range(self.frames)), "fault", "evicted"]
            for name, *cells in zip(names, *columns, strict=True):
                lines.append((f"{name:<9}" + "".join(f"{cell:>{w}}" for cell in cells)).rstrip())
        return "\n".join(lines)

    def _column(self, step: PageReference) -> Iterator[str]:
        yield f"{step.page}{'w' * step.write}{'|' * step.ticks}"
        for frame, page in enumerate(step.pages):
            hand = ">" * (frame == step.hand)
            bit = "'" if self.uses_bits and frame in step.referenced else ""
            yield hand + ("." if page is None else f"{page}{bit}")
        yield "*" * step.fault
        yield ",".join(str(page) for page in step.gone)


@frozen
class Anomaly:
    """More frames, and more faults: Belady (1969) found that FIFO can have more faults with more frames."""

    policy: str
    frames: tuple[int, int]
    faults: tuple[int, int]

    @in_ascii
    def __str__(self) -> str:
        (few, many), (before, after) = self.frames, self.faults
        return (
            f"Belady's anomaly: {printable(self.policy)} has {counted(before, 'fault')} with {counted(few, 'frame')}, "
            f"and {after:,} with {many}."
        )


@frozen(repr=False)
class ReferencesValue:
    """A string of references under several policies and numbers of frames: the result of ``vm.reference_string(…)``."""

    pages: tuple[PageName, ...]
    """The pages of the string."""
    runs: tuple[PolicyRun, ...]
    unsaid: tuple[str, ...] = ()
    """Sentences about a text from which the string was read."""

    @property
    def policies(self) -> tuple[str, ...]:
        """The names of the policies."""
        return tuple(dict.fromkeys(run.policy for run in self.runs))

    @property
    def frames(self) -> tuple[int, ...]:
        """The numbers of frames."""
        return tuple(dict.fromkeys(run.frames for run in self.runs))

    def run(self, policy: str, frames: int | None = None) -> PolicyRun:
        """Return a policy's run with this number of frames, which may be omitted if there is only one.

        "working set" is enough for "working set of 10" if no other working set was run.  Raises :class:`Refused` if
        there is no such run, or more than one.
        """
        if frames is None and len(self.frames) > 1:
            raise UnknownName(f"frames: write which, {' or '.join(map(str, self.frames))}")
        found = [run for run in self.runs if frames in (None, run.frames)]
        names = str(policy), str(policy).lower()
        found = [run for run in found if run.policy in names] or [
            run for run in found if run.policy.startswith(tuple(f"{name} of " for name in names))
        ]
        if not found:
            there = "; ".join(f"{printable(run.policy)} with {run.frames}" for run in self.runs)
            which = shown(policy) if frames is None else f"{shown(policy)} with {shown(frames)} frames"
            raise UnknownName(f"there is no run of {which}; there are {there}")
        if len(found) > 1:
            which = " or ".join(shown(run.policy) for run in found)
            raise UnknownName(f"there are {len(found)} runs of {shown(policy)}: write {which}")
        return found[0]

    def faults(self, policy: str, frames: int | None = None) -> int:
        """Return the faults of a policy."""
        return self.run(policy, frames).faults

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """The cases in which more frames caused more faults, each from one number of frames to the next larger."""
        by_size = sorted(self.frames)
        return tuple(
            Anomaly(policy, (few, many), (before, after))
            for policy in self.policies
            for few, many in pairwise(by_size)
            if (before := self.faults(policy, few)) < (after := self.faults(policy, many))
        )

    @property
    def headline(self) -> str:
        """The length of the string, and its number of pages."""
        return f"{counted(len(self.pages), 'reference')} to {counted(len(set(self.pages)), 'page')}"

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Return the faults as rows of text, one for each policy, with a column for each number of frames."""
        return tuple(
            (printable(policy), *(f"{self.faults(policy, frames):,}" for frames in self.frames))
            for policy in self.policies
        )

    @in_ascii
    def __repr__(self) -> str:
        rows = [("faults", *(counted(frames, "frame") for frames in self.frames)), *self.table()]
        first = max(len(row[0]) for row in rows)
        lines = [f"{row[0]:<{first}}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows]
        return "\n".join((self.headline, *lines, *map(str, self.anomalies), *self.unsaid))
