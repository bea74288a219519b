"""The comparison of a machine's history with the same operations in real processes of Linux, as frozen values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ..engine.base.errors import in_ascii, printable
from ..engine.base.frozen import frozen
from ..engine.base.units import counted, in_columns, listed

LISTED = 12
"""The most differences that the text of a comparison lists."""


class Sayings(NamedTuple):
    """The behaviour of POSIX, Linux and X15 for one kind of difference."""

    posix: str
    linux: str
    x15: str


@frozen
class LinuxDifference:
    """One different result: in operation `number` of the journal, for `task`.

    `what` is "outcome", "bytes", "mappings", "pages" or "faults".  `kind` names a known kind of difference, which is in
    ``LinuxComparison.sayings``; it is "" for an unexplained difference.
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
        """Return whether the difference is known: POSIX leaves it open, or the model follows another kernel."""
        return bool(self.kind)

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of the difference's row in the table."""
        words = (self.operation, self.task, self.what, self.here, self.linux, self.kind or "≠ not expected")
        return (str(self.number), *(printable(word) for word in words))

    @in_ascii
    def __repr__(self) -> str:
        number, operation, task, what, here, linux, kind = self.cells
        return f"{number}: {operation}: {what} of {task}: here {here}, Linux {linux} ({kind})"


class MadeCall(NamedTuple):
    """One operation that a process of Linux repeated, with what came of it there."""

    number: int
    name: str
    task: str
    about: str = ""
    """What it is about, in a word: a size, or the name of the child."""
    found: Literal["same", "known", "different"] = "same"
    """Whether Linux agrees, differs in a known way, or differs without an explanation."""


class LeftOut(NamedTuple):
    """Operations of one name that were not repeated in Linux: how often, and why."""

    name: str
    times: int
    why: str


NO_CALLS = {"start": "how a process begins", "looked at in the end": "the memory at the end"}
"""What is compared and is no call, in words."""


@frozen(repr=False)
class LinuxComparison:
    """The comparison of a machine's history with processes of Linux, made by :func:`vmwidgets.compare_with_linux`.

    `rows` are the differences, in the order of the journal.  `print` shows a table; a cell shows a picture.
    """

    machine: str
    source: str
    """The Linux that was used: this computer's or a recording's."""
    is_recording: bool
    rows: tuple[LinuxDifference, ...]
    made: tuple[MadeCall, ...]
    """The operations repeated in Linux, in their order."""
    left_out: tuple[LeftOut, ...]
    not_compared: tuple[str, ...]
    """Sentences about anything that was not compared."""
    sayings: tuple[tuple[str, Sayings], ...]
    """For each known kind among the rows, the behaviour of POSIX, Linux and X15."""
    stopped: str = ""
    """The reason why the comparison ended before the end of the journal; "" if it did not."""

    @property
    def calls(self) -> tuple[tuple[str, int], ...]:
        """The number of operations repeated in Linux, by name."""
        return tuple(Counter(one.name for one in self.made).items())

    @property
    def agrees(self) -> bool:
        """Return whether all differences are of known kinds."""
        return not self.surprises

    @property
    def surprises(self) -> tuple[LinuxDifference, ...]:
        """The unexplained differences."""
        return tuple(row for row in self.rows if not row.is_known)

    @property
    def done(self) -> int:
        """The number of operations repeated in Linux."""
        return len(self.made)

    def of(self, kind: str) -> tuple[LinuxDifference, ...]:
        """Return the differences of one kind; for "", the unexplained differences."""
        return tuple(row for row in self.rows if row.kind == kind)

    @property
    def header(self) -> tuple[str, ...]:
        """The head of each column of :meth:`table`."""
        return ("operation", "call", "task", "what", "here", "Linux", "kind")

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Return the differences as text; ≠ marks unexplained differences."""
        return tuple(row.cells for row in self.rows)

    @property
    def headline(self) -> str:
        """The result, in one sentence."""
        release = re.search(r"Linux [0-9]+[.][0-9]+", self.source)
        calls = sum(one.name not in NO_CALLS for one in self.made)
        linux, total = release[0] if release else "Linux", counted(calls, "call")
        if not self.rows:
            return f"{total}, {counted(calls, 'agreement')} with {linux}."
        kind, why = (
            ("different", "and nothing explains it") if self.surprises else ("known", "for reasons that are known")
        )
        found = [one.name for one in self.made if one.found == kind]
        apart = [words for name, words in NO_CALLS.items() if name in found]
        count = max(1, sum(name not in NO_CALLS for name in found))
        if apart and len(apart) == len({*found}):
            return f"{total}, {counted(calls, 'agreement')} with {linux}; {listed(apart)} differs, {why}."
        return f"{total}: {count:,} {'differs' if count == 1 else 'differ'} from {linux}, {why}."

    @property
    def unseen(self) -> tuple[str, ...]:
        """Sentences about everything left out or not compared."""
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
