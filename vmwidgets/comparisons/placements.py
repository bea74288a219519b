"""The same requests in several maps, as a value."""

from __future__ import annotations

from ..engine.base.errors import in_ascii, printable
from ..engine.base.frozen import frozen
from ..engine.base.units import Address, Size, binary_size, counted, in_columns
from ..engine.kernel.map.map_schema import MapValue


@frozen
class WorkloadOperation:
    """One operation of a workload, the same for all maps."""


@frozen
class Allocate(WorkloadOperation):
    """Requests `size` bytes, called `name` from then on; `align` and `hint` are 0 if there is no wish."""

    name: str
    size: int
    align: int = 0
    hint: int = 0

    @in_ascii
    def __str__(self) -> str:
        align = f", align {binary_size(self.align)}" if self.align else ""
        hint = f", hint {Address(self.hint)}" if self.hint else ""
        return f"allocate {printable(self.name)} {binary_size(self.size)}{align}{hint}"


@frozen
class Free(WorkloadOperation):
    """Frees the range called `name`, or, without a name, [start, end)."""

    name: str
    start: int = 0
    end: int = 0

    @in_ascii
    def __str__(self) -> str:
        return f"free {printable(self.name) or f'{Address(self.start)}–{Address(self.end)}'}"


@frozen
class Lookup(WorkloadOperation):
    """Looks up the range called `name`, or, without a name, `address`."""

    name: str
    address: int = 0

    @in_ascii
    def __str__(self) -> str:
        return f"lookup {printable(self.name) or Address(self.address)}"


@frozen
class OperationOutcome:
    """The outcome of one operation on one map.

    `result` is an address, the range that was found or freed, an error's name, or another text; `start` is the address
    in it (None if there is none). `steps` counts the entries, gaps and tree nodes that were examined.
    """

    result: str
    start: int | None = None
    failed: bool = False
    steps: int = 0

    def same(self, other: OperationOutcome) -> bool:
        """Return whether both have the same result; the number of steps makes no difference."""
        return (self.result, self.failed) == (other.result, other.failed)


@frozen
class Row:
    """One operation, and its outcome on each map, in the order of the maps."""

    number: int
    operation: WorkloadOperation
    outcomes: tuple[OperationOutcome, ...]

    @property
    def differing(self) -> tuple[bool, ...]:
        """Return for each map whether its outcome differs from the first map's."""
        return tuple(not outcome.same(self.outcomes[0]) for outcome in self.outcomes)

    @property
    def differs(self) -> bool:
        """Return whether the maps disagree."""
        return any(self.differing)


@frozen
class UsedPiece:
    """A part, still used, of the range that an operation was given: [start, end) of `name`."""

    name: str
    start: int
    end: int


@frozen
class ComparedMap:
    """The state at the end: the map, the remaining part of each allocation, and the number of steps.

    `label` names the map, and `rule` the rule by which it looks for room. `steps` counts as in
    :class:`OperationOutcome`.
    """

    label: str
    rule: str
    map: MapValue
    pieces: tuple[UsedPiece, ...]
    gaps: tuple[int, ...]
    """The sizes of the gaps, in address order."""
    steps: int
    failures: int

    @property
    def entries(self) -> int:
        """Return how many entries the map has."""
        return self.map.nr_entries

    @property
    def used(self) -> Size:
        """The number of bytes in entries."""
        return Size(self.map.size)

    @property
    def largest_gap(self) -> Size:
        """The size of the largest gap in bytes: the most that one allocation can still get."""
        return Size(max(self.gaps, default=0))

    @property
    def fragmentation(self) -> float:
        """Return the share of free space outside the largest gap: 0 for a single gap, near 1 for many small ones."""
        free = sum(self.gaps)
        return 1 - self.largest_gap / free if free else 0.0


@frozen
class ComparisonValue:
    """One list of operations on several maps over [start, end).

    `print` shows it as a table; a cell shows it as a picture, as ``vm.show(…)`` does.
    """

    start: int
    end: int
    maps: tuple[ComparedMap, ...]
    rows: tuple[Row, ...]
    apart: tuple[ComparedMap, ...] = ()
    """The maps after the first operation on which they disagree; empty if they agree on every operation."""

    @property
    def differences(self) -> tuple[Row, ...]:
        """The operations with different outcomes on the maps."""
        return tuple(row for row in self.rows if row.differs)

    def map(self, label: str) -> ComparedMap:
        """The map called `label`, such as "x15"."""
        return next(one for one in self.maps if one.label == label)

    @property
    def header(self) -> tuple[str, ...]:
        """The heading of each column of :meth:`table`."""
        return ("operation", *(one.label for one in self.maps))

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Return operations and outcomes as text, then the final state of each map.

        ≠ marks differences from the first map.
        """
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
            ("looked at", *(f"{one.steps:,}" for one in self.maps)),
            ("failed", *(str(one.failures) for one in self.maps)),
        ]
        return (*rows, *sums)

    @in_ascii
    def __str__(self) -> str:
        return in_columns((self.header, *self.table()))

    @in_ascii
    def __repr__(self) -> str:
        names = ", ".join(one.label for one in self.maps)
        return (
            f"<comparison of {names}: {counted(len(self.rows), 'operation')}, {len(self.differences)} with differences>"
        )
