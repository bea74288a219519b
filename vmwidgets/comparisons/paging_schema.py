"""A value: a kernel's work for a task, compared with a program's work for itself."""

from __future__ import annotations

from ..engine.base.errors import in_ascii, printable
from ..engine.base.frozen import frozen
from ..engine.base.units import Address, Size, grouped_size, in_columns

# ---- a task next to a domain that pages itself -------------------------------------------------


@frozen
class PagedRange:
    """A range [start, end) of one side: `present` bytes are mapped by `leaves` descriptors or runs of descriptors."""

    start: int
    end: int
    rights: str
    present: int
    leaves: int
    backing: str
    """The source of the range's contents: an object, or a frame's slot."""

    @in_ascii
    def __str__(self) -> str:
        place = f"{Address(self.start)}–{Address(self.end)}"
        return f"{place} {self.rights}, {Size(self.present)} present, {printable(self.backing) or 'nothing'} behind it"


@frozen
class PagingRecords:
    """The records of one kind that one side keeps: their number, and their bytes."""

    what: str
    count: int
    bytes: int
    single: str = ""
    """The name of a single record, if `what` is a plural."""


@frozen
class PagingSide:
    """The work of one side for its memory, and the records that it keeps now.

    `functions` are the functions that ran for it, with their numbers of runs, the most frequent first.  `calls` counts
    operations of the learner, `faults` page faults, `invocations` calls of the kernel by the program, and `descriptors`
    written descriptors. Operations too old for the journal's events count only in `forgotten`.
    """

    label: str
    architecture: str
    decider: str
    """The side that chooses tables, memory and rights: "the kernel" or "the program"."""
    ranges: tuple[PagedRange, ...]
    functions: tuple[tuple[str, int], ...]
    calls: int
    faults: int
    invocations: int
    descriptors: int
    capabilities: int
    slots: int
    tables: tuple[PagingRecords, ...]
    records: tuple[PagingRecords, ...]
    forgotten: int = 0

    @property
    def functions_run(self) -> int:
        """The number of runs of all functions together."""
        return sum(times for _, times in self.functions)

    @property
    def table_bytes(self) -> Size:
        """The bytes of this side's tables."""
        return Size(sum(one.bytes for one in self.tables))

    @property
    def record_bytes(self) -> Size:
        """The bytes of the records about this side's memory."""
        return Size(sum(one.bytes for one in self.records))

    @property
    def present(self) -> Size:
        """The number of mapped bytes."""
        return Size(sum(one.present for one in self.ranges))


@frozen
class PagingComparison:
    """A task and a domain side by side; `print` shows a table, a cell shows a picture."""

    task: PagingSide
    domain: PagingSide

    def measures(self) -> tuple[tuple[str, int, int, bool], ...]:
        """Return the compared measures: the name, both values, and whether they are bytes."""
        one, other = self.task, self.domain
        return (
            ("your calls", one.calls, other.calls, False),
            ("page faults", one.faults, other.faults, False),
            ("calls of the kernel by the program", one.invocations, other.invocations, False),
            ("functions that ran", one.functions_run, other.functions_run, False),
            ("descriptors written", one.descriptors, other.descriptors, False),
            ("memory mapped", one.present, other.present, True),
            ("tables", sum(each.count for each in one.tables), sum(each.count for each in other.tables), False),
            ("bytes of tables", one.table_bytes, other.table_bytes, True),
            ("capabilities", one.capabilities, other.capabilities, False),
            ("slots in use", one.slots, other.slots, False),
            ("bytes of records", one.record_bytes, other.record_bytes, True),
        )

    def table(self) -> tuple[tuple[str, str, str], ...]:
        """Return all measures as text, and the side that decides."""
        rows = [("who decides", self.task.decider, self.domain.decider)]
        for name, left, right, is_bytes in self.measures():
            words = [grouped_size(value) if is_bytes else f"{value:,}" for value in (left, right)]
            rows.append((name, words[0], words[1]))
        return tuple(rows)

    @in_ascii
    def __str__(self) -> str:
        return in_columns([("", self.task.label, self.domain.label), *self.table()])

    @in_ascii
    def __repr__(self) -> str:
        return f"<comparison of {printable(self.task.label)} and {printable(self.domain.label)}>"
