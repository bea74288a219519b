"""A machine's life beside the same life in real processes of Linux: what differs, as frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..base.errors import in_ascii, printable
from ..base.frozen import frozen
from ..base.units import counted, in_columns

LISTED = 12
"""How many differences the text of a comparison lists."""


class Sayings(NamedTuple):
    """What each of the three says about one kind of difference."""

    posix: str
    linux: str
    x15: str


@frozen
class LinuxDifference:
    """One thing that came out otherwise: in operation `number` of the journal, for `task`.

    `what` is "outcome", "bytes", "mappings", "pages" or "faults".  `kind` names a difference that is known, which is
    in ``LinuxComparison.sayings``; it is "" for a difference that nothing accounts for.
    """

    number: int
    operation: str
    task: str
    what: str
    here: str
    linux: str
    kind: str = ""

    @property
    def is_known(self) -> bool:
        """Return whether it is of a kind that POSIX leaves open, or in which the model follows another kernel."""
        return bool(self.kind)

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row of the table."""
        words = (self.operation, self.task, self.what, self.here, self.linux, self.kind or "≠ not expected")
        return (str(self.number), *(printable(word) for word in words))

    @in_ascii
    def __repr__(self) -> str:
        number, operation, task, what, here, linux, kind = self.cells
        return f"{number}: {operation}: {what} of {task}: here {here}, Linux {linux} ({kind})"


class LeftOut(NamedTuple):
    """Operations of one name that were not made in Linux: how often, and why."""

    name: str
    times: int
    why: str


@frozen(repr=False)
class LinuxComparison:
    """What of a machine's life is the same in processes of Linux, made by :func:`vmwidgets.compare_with_linux`.

    `rows` are the differences, in the order of the journal.  `print` shows a table; a cell shows a picture.
    """

    machine: str
    source: str
    """Which Linux: this computer's or a recording's."""
    is_recording: bool
    rows: tuple[LinuxDifference, ...]
    calls: tuple[tuple[str, int], ...]
    """What was done in Linux as well, by name, with the number of times."""
    left_out: tuple[LeftOut, ...]
    not_compared: tuple[str, ...]
    """What was not compared, in sentences."""
    sayings: tuple[tuple[str, Sayings], ...]
    """For each known kind among the rows what POSIX, Linux and X15 say."""
    stopped: str = ""
    """Why the comparison ended before the end of the journal; "" if it did not."""

    @property
    def agrees(self) -> bool:
        """Return whether nothing differs but in ways that are known."""
        return not self.surprises

    @property
    def surprises(self) -> tuple[LinuxDifference, ...]:
        """The differences that nothing accounts for."""
        return tuple(row for row in self.rows if not row.is_known)

    @property
    def done(self) -> int:
        """The number of operations that were done in Linux as well."""
        return sum(count for _, count in self.calls)

    def of(self, kind: str) -> tuple[LinuxDifference, ...]:
        """Return the differences of one kind; of "" those that nothing accounts for."""
        return tuple(row for row in self.rows if row.kind == kind)

    @property
    def header(self) -> tuple[str, ...]:
        """The head of each column of :meth:`table`."""
        return ("operation", "call", "task", "what", "here", "Linux", "kind")

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Return the differences as text; ≠ marks those that nothing accounts for."""
        return tuple(row.cells for row in self.rows)

    @property
    def headline(self) -> str:
        """Return what came of it, in one sentence."""
        what = counted(self.done, "call") + (" of the recording" if self.is_recording else "")
        if self.surprises:
            return f"{what}: {counted(len(self.surprises), 'difference')} that nothing accounts for."
        if self.rows:
            return f"{what}: everything agrees except {counted(len(self.rows), 'difference')} of a known kind."
        return f"{what}: everything agrees."

    @property
    def unseen(self) -> tuple[str, ...]:
        """All that was left out or not compared, in sentences."""
        left = [f"{one.name}, {counted(one.times, 'time')}: {one.why}" for one in self.left_out]
        ended = [f"The comparison ended early: {self.stopped}"] if self.stopped else []
        return (*ended, *left, *self.not_compared)

    @in_ascii
    def __str__(self) -> str:
        return in_columns((self.header, *self.table())) if self.rows else self.headline

    @in_ascii
    def __repr__(self) -> str:
        lines = [f"{self.machine} and {self.source}: {self.headline}"]
        for kind in ("", *(kind for kind, _ in self.sayings)):
            lines += self._told(kind, self.of(kind))
        lines += [f"  not compared: {one}" for one in self.unseen]
        return "\n".join(lines)

    def _told(self, kind: str, rows: Sequence[LinuxDifference]) -> list[str]:
        lines = [f"  {row!r}" for row in rows[:LISTED]]
        lines += [f"  … and {len(rows) - LISTED:,} more"] if len(rows) > LISTED else []
        said = dict(self.sayings).get(kind)
        if said is not None:
            lines += [f"    {who}: {words}" for who, words in zip(("POSIX", "Linux", "X15"), said, strict=True)]
        return lines
