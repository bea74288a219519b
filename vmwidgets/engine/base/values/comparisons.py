"""One list of operations on several maps, side by side: frozen values, as views and graders see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..errors import printable
from ..units import PAGE, Address, Size, binary_size, counted, grouped_size, in_columns
from .maps import MapValue


@dataclass(frozen=True, slots=True)
class WorkloadOperation:
    """One operation of a workload, the same for all maps."""


@dataclass(frozen=True, slots=True)
class Allocate(WorkloadOperation):
    """Wants `size` bytes, to be called `name`; `align` and `hint` are 0 where nothing is wanted."""

    name: str
    size: int
    align: int = 0
    hint: int = 0

    def __str__(self) -> str:
        align = f", align {binary_size(self.align)}" if self.align else ""
        hint = f", hint {Address(self.hint)}" if self.hint else ""
        return f"allocate {printable(self.name)} {binary_size(self.size)}{align}{hint}"


@dataclass(frozen=True, slots=True)
class Free(WorkloadOperation):
    """Frees what `name` was given, or, without a name, [start, end)."""

    name: str
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        return f"free {printable(self.name) or f'{Address(self.start)}–{Address(self.end)}'}"


@dataclass(frozen=True, slots=True)
class Lookup(WorkloadOperation):
    """Looks up where `name` is, or, without a name, `address`."""

    name: str
    address: int = 0

    def __str__(self) -> str:
        return f"lookup {printable(self.name) or Address(self.address)}"


@dataclass(frozen=True, slots=True)
class OperationOutcome:
    """What one map made of one operation.

    `result` is an address, the range that was found or freed, an error's name, or what else there is to say; `start`
    is the address in it (None: there is none).  `steps` counts the entries, gaps and tree nodes that were looked at.
    """

    result: str
    start: int | None = None
    failed: bool = False
    steps: int = 0

    def same(self, other: OperationOutcome) -> bool:
        """Whether both say the same; how long it took plays no part."""
        return (self.result, self.failed) == (other.result, other.failed)


@dataclass(frozen=True, slots=True)
class Row:
    """One operation, and its outcome on each map, in the order of the maps."""

    number: int
    operation: WorkloadOperation
    outcomes: tuple[OperationOutcome, ...]

    @property
    def differing(self) -> tuple[bool, ...]:
        """For each map, whether its outcome differs from the first map's."""
        return tuple(not outcome.same(self.outcomes[0]) for outcome in self.outcomes)

    @property
    def differs(self) -> bool:
        """Whether the maps disagree."""
        return any(self.differing)


@dataclass(frozen=True, slots=True)
class UsedPiece:
    """A part of what an operation was given that is still used: [start, end) of `name`."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ComparedMap:
    """What is left at the end: the map, what of each allocation is in it, and how much work it was.

    `label` says which map it is, `rule` by which rule it looks for room.  `steps` counts as in
    :class:`OperationOutcome`.
    """

    label: str
    rule: str
    map: MapValue
    pieces: tuple[UsedPiece, ...]
    gaps: tuple[int, ...]
    """Sizes of the gaps, rising with their addresses."""
    steps: int
    failures: int

    @property
    def entries(self) -> int:
        """How many entries the map has."""
        return self.map.nr_entries

    @property
    def used(self) -> Size:
        """Bytes in entries."""
        return Size(self.map.size)

    @property
    def largest_gap(self) -> Size:
        """Bytes of the largest gap: the most that one allocation can still get."""
        return Size(max(self.gaps, default=0))

    @property
    def fragmentation(self) -> float:
        """How much of what is free one allocation can't have: 0 for a single gap, near 1 for many small ones."""
        free = sum(self.gaps)
        return 1 - self.largest_gap / free if free else 0.0


@dataclass(frozen=True, slots=True)
class ComparisonValue:
    """One list of operations on several maps over [start, end).

    `print` shows it as a table; a cell shows it as a picture, ``vm.show(…)`` gives that.
    """

    start: int
    end: int
    maps: tuple[ComparedMap, ...]
    rows: tuple[Row, ...]

    @property
    def differences(self) -> tuple[Row, ...]:
        """The operations on whose outcome the maps disagree."""
        return tuple(row for row in self.rows if row.differs)

    def map(self, label: str) -> ComparedMap:
        """The map called `label`, such as "x15"."""
        return next(one for one in self.maps if one.label == label)

    @property
    def header(self) -> tuple[str, ...]:
        """The head of each column of :meth:`table`."""
        return ("operation", *(one.label for one in self.maps))

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Operations and outcomes as text, then what is left on each map; ≠ marks what differs from the first map."""
        rows = [
            (
                str(row.operation),
                *(
                    ("≠ " if differs else "") + one.result
                    for one, differs in zip(row.outcomes, row.differing, strict=True)
                ),
            )
            for row in self.rows
        ]
        sums = [
            ("entries", *(str(one.entries) for one in self.maps)),
            ("largest gap", *(str(one.largest_gap) for one in self.maps)),
            ("gaps", *(str(len(one.gaps)) for one in self.maps)),
            ("fragmentation", *(f"{one.fragmentation:.0%}" for one in self.maps)),
            ("steps taken", *(f"{one.steps:,}" for one in self.maps)),
            ("failed", *(str(one.failures) for one in self.maps)),
        ]
        return (*rows, *sums)

    def __str__(self) -> str:
        return in_columns((self.header, *self.table()))

    def __repr__(self) -> str:
        names = ", ".join(one.label for one in self.maps)
        return (
            f"<comparison of {names}: {counted(len(self.rows), 'operation')}, {len(self.differences)} with differences>"
        )


# ---- a task beside a domain that pages itself --------------------------------------------------


@dataclass(frozen=True, slots=True)
class PagedRange:
    """[start, end), as one side has it: `present` bytes are mapped by `leaves` descriptors or runs of them."""

    start: int
    end: int
    rights: str
    present: int
    leaves: int
    backing: str
    """What is behind it: an object, a frame's slot."""

    def __str__(self) -> str:
        place = f"{Address(self.start)}–{Address(self.end)}"
        return f"{place} {self.rights}, {Size(self.present)} present, {printable(self.backing) or 'nothing'} behind it"


@dataclass(frozen=True, slots=True)
class PagingRecords:
    """Records of one kind that one side keeps: how many, and the bytes that they take."""

    what: str
    count: int
    bytes: int
    single: str = ""
    """What one of them is called, where `what` names many."""


@dataclass(frozen=True, slots=True)
class PagingSide:
    """What one side did for its memory, and what it keeps now.

    `functions` are those that ran for it, with how often, the most frequent first.  `calls` are operations of the
    learner, `faults` those taken, `invocations` calls of the kernel by the program; `descriptors` were written.
    Operations older than the journal keeps events of count in `forgotten` only.
    """

    label: str
    architecture: str
    decider: str
    """Who chooses tables, memory and rights: "the kernel" or "the program"."""
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
        """How often any function ran."""
        return sum(times for _, times in self.functions)

    @property
    def table_bytes(self) -> Size:
        """Bytes of its tables."""
        return Size(sum(one.bytes for one in self.tables))

    @property
    def record_bytes(self) -> Size:
        """Bytes of the records that are kept about its memory."""
        return Size(sum(one.bytes for one in self.records))

    @property
    def present(self) -> Size:
        """Bytes that are mapped."""
        return Size(sum(one.present for one in self.ranges))


@dataclass(frozen=True, slots=True)
class PagingComparison:
    """A task and a domain side by side; `print` shows a table, a cell shows a picture."""

    task: PagingSide
    domain: PagingSide

    def measures(self) -> tuple[tuple[str, int, int, bool], ...]:
        """What is compared: its name, both values, and whether they are bytes."""
        one, other = self.task, self.domain
        return (
            ("calls of the learner", one.calls, other.calls, False),
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
        """All measures as text, and who decides."""
        rows = [("who decides", self.task.decider, self.domain.decider)]
        for name, left, right, is_bytes in self.measures():
            words = [grouped_size(value) if is_bytes else f"{value:,}" for value in (left, right)]
            rows.append((name, words[0], words[1]))
        return tuple(rows)

    def __str__(self) -> str:
        rows = [("", self.task.label, self.domain.label), *self.table()]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def __repr__(self) -> str:
        return f"<comparison of {printable(self.task.label)} and {printable(self.domain.label)}>"


# ---- one mapping in several table formats ------------------------------------------------------


class LevelCost(NamedTuple):
    """The tables of one level: the manual's name, how many there are, and the bytes of one."""

    level: int
    name: str
    tables: int
    table_bytes: int

    @property
    def bytes(self) -> int:
        """Bytes of all of them."""
        return self.tables * self.table_bytes


class PageCount(NamedTuple):
    """How many pages of one size there are."""

    size: int
    number: int

    @property
    def bytes(self) -> int:
        """Bytes that they map."""
        return self.size * self.number


@dataclass(frozen=True, slots=True)
class FormatCost:
    """What the mapping costs in one format."""

    format: str
    levels: tuple[LevelCost, ...]
    """From the root down."""
    pages: tuple[PageCount, ...]
    """The sizes that are used, smallest first."""
    left_out: int
    """Ranges that lie beyond what the format's addresses reach, and are not mapped."""
    left_out_bytes: int

    @property
    def tables(self) -> int:
        """Tables of all levels."""
        return sum(level.tables for level in self.levels)

    @property
    def table_bytes(self) -> int:
        """Bytes of all tables."""
        return sum(level.bytes for level in self.levels)

    @property
    def mapped(self) -> int:
        """Bytes that are mapped."""
        return sum(page.bytes for page in self.pages)

    @property
    def entries(self) -> int:
        """TLB entries that it takes to reach all that is mapped: one a page, of whatever size."""
        return sum(page.number for page in self.pages)

    @property
    def bytes_a_page(self) -> float:
        """Bytes of tables for each 4 KiB that are mapped."""
        return self.table_bytes * PAGE / self.mapped if self.mapped else 0.0

    def reach(self, entries: int) -> int:
        """Bytes that so many TLB entries can reach, the largest pages first."""
        reached = 0
        for page in reversed(self.pages):
            used = min(page.number, entries)
            reached += used * page.size
            entries -= used
        return reached


@dataclass(frozen=True, slots=True)
class FormatsValue:
    """One mapping in several formats."""

    ranges: int
    bytes: int
    largest_pages: str
    """``"large pages where they fit"`` or ``"pages of 4 KiB"``."""
    formats: tuple[FormatCost, ...]

    def table(self) -> list[tuple[str, ...]]:
        """A row a figure, a column a format."""
        rows: list[tuple[str, ...]] = []
        one = self.formats
        rows.append(("levels", *(str(len(cost.levels)) for cost in one)))
        rows.append(("tables", *(f"{cost.tables:,}" for cost in one)))
        rows.append(("bytes of tables", *(binary_size(cost.table_bytes) for cost in one)))
        rows.append(("bytes a mapped 4 KiB", *(f"{cost.bytes_a_page:.2f}" for cost in one)))
        sizes = sorted({page.size for cost in one for page in cost.pages})
        for size in sizes:
            counts = (next((page.number for page in cost.pages if page.size == size), 0) for cost in one)
            rows.append((f"pages of {binary_size(size)}", *(f"{count:,}" for count in counts)))
        rows.append(("TLB entries for all", *(f"{cost.entries:,}" for cost in one)))
        rows.append(("64 TLB entries reach", *(binary_size(cost.reach(64)) for cost in one)))
        if any(cost.left_out for cost in one):
            rows.append(("ranges out of reach", *(f"{cost.left_out:,}" for cost in one)))
        return rows
