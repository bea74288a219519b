"""A task's map compared with a system's report on a process, range by range: frozen values."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.base.errors import in_ascii, printable
from ..engine.base.frozen import frozen
from ..engine.base.units import Address, Size, counted, in_columns

AGREES, DIFFERS, SYSTEM, MODEL = "agrees", "differs", "only in the system", "only in the model"


VERDICTS = (AGREES, DIFFERS, SYSTEM, MODEL)


LISTED = 12
"""The most ranges that the text of a diff lists."""


@frozen
class MappedAs:
    """A range on one side: its protection ("rw-"), whether it is shared, its file, and the offset there in bytes.

    `name` is a file's path, a name of the kernel's such as ``"[heap]"``, or empty.
    """

    protection: str
    shared: bool
    name: str = ""
    offset: int = 0

    @property
    def is_file(self) -> bool:
        """Return whether it maps a file."""
        return bool(self.name) and not self.name.startswith("[")

    @in_ascii
    def __str__(self) -> str:
        name = printable(self.name) + (f" + {Size(self.offset)}" if self.is_file and self.offset else "")
        return f"{self.protection}{'s' if self.shared else 'p'} {name}".rstrip()


@frozen
class RangeDiff:
    """[start, end), which one or both sides have; `why` says what differs, or whose the range is.

    `expected` is true for differences in things that the model can't know, or has under another name.
    """

    start: int
    end: int
    verdict: str
    model: MappedAs | None
    system: MappedAs | None
    why: str = ""
    expected: bool = False

    @property
    def size(self) -> Size:
        """Length in bytes."""
        return Size(self.end - self.start)

    @property
    def is_fault(self) -> bool:
        """Return whether it shows that the model, or the text, is wrong."""
        return self.verdict != AGREES and not self.expected

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row of the table."""
        place = f"{Address(self.start)}–{Address(self.end)}"
        sides = (str(side) if side else "–" for side in (self.model, self.system))
        return (place, str(self.size), f"{'≠ ' if self.is_fault else ''}{self.verdict}", *sides, printable(self.why))

    @in_ascii
    def __repr__(self) -> str:
        place, size, verdict, _, _, why = self.cells
        side = self.model or self.system
        return f"{place} {size} {side}: {verdict}{f' ({why})' if why else ''}"


@frozen(repr=False)
class MapsDiff:
    """A task's map compared with the system's report, in `rows` by address.

    `task` names the task, and `source` the text. `print` shows a table; a cell shows a picture.
    """

    task: str
    source: str
    rows: tuple[RangeDiff, ...]

    @property
    def agrees(self) -> bool:
        """Return whether everything that the calls determine agrees: only what the model can't know differs."""
        return not self.faults

    @property
    def faults(self) -> tuple[RangeDiff, ...]:
        """The ranges that should agree and don't."""
        return tuple(row for row in self.rows if row.is_fault)

    def of(self, verdict: str) -> tuple[RangeDiff, ...]:
        """The ranges of a verdict, such as "only in the system"."""
        return tuple(row for row in self.rows if row.verdict == verdict)

    @property
    def header(self) -> tuple[str, ...]:
        """The head of each column of :meth:`table`."""
        return ("range", "size", "verdict", "model", "system", "why")

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Return the ranges as text; ≠ marks those that should agree."""
        return tuple(row.cells for row in self.rows)

    @property
    def summary(self) -> str:
        """Return how many ranges there are of each verdict, and their bytes."""
        parts = [(verdict, self.of(verdict)) for verdict in VERDICTS]
        return "; ".join(f"{verdict}: {_counted(rows)}" for verdict, rows in parts if rows) or "nothing is mapped"

    @in_ascii
    def __str__(self) -> str:
        return in_columns((self.header, *self.table()))

    @in_ascii
    def __repr__(self) -> str:
        verdict = "all agrees that the calls determine" if self.agrees else _counted(self.faults) + " should agree"
        lines = [f"task {self.task!r} and {self.source}: {verdict}", f"  {self.summary}"]
        listed = [*self.faults, *(row for row in self.rows if row.verdict != AGREES and not row.is_fault)]
        lines += [f"  {row!r}" for row in listed[:LISTED]]
        lines += [f"  … and {len(listed) - LISTED:,} more"] if len(listed) > LISTED else []
        return "\n".join(lines)


def _counted(rows: Sequence[RangeDiff]) -> str:
    return f"{counted(len(rows), 'range')}, {Size(sum(row.size for row in rows))}"
