"""One list of operations on the maps of several kernels and with several placement rules, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from ..comparisons.placements import (
    Allocate,
    ComparedMap,
    ComparisonValue,
    Free,
    Lookup,
    OperationOutcome,
    Row,
    UsedPiece,
    WorkloadOperation,
)
from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, shown
from ..engine.base.units import GIB, MIB, Address, binary_size
from ..engine.kernel.map.map_schema import MapValue
from ..engine.machine import arguments
from .compare_maps import LABELS, BareMap, bare_map
from .pieces import Pieces

DEFAULT = ("x15", "freebsd", "first", "best", "worst", "next")
"""The default maps: both kernels, and the placement rules on X15's map."""

MOST_OPERATIONS, MOST_SIZE = 10_000, 1024 * GIB


@says_what_it_takes
def compare(
    operations: Iterable[WorkloadOperation],
    *,
    size: int | str = "1 MiB",
    start: int | str = MIB,
    on: Iterable[str] = DEFAULT,
) -> ComparisonValue:
    """Run the same operations on several empty maps of [start, start + size), and compare the outcomes.

    ``vm.workload`` creates the `operations`.  A name may be used again once it is freed.  `on` lists the maps to
    compare: "x15", "freebsd"; "first", "best", "worst", "next" (on X15's map), "freebsd best" and so on.  The others
    are compared with the first map.  O(operations × cost in each map).

    >>> import vmwidgets as vm
    >>> result = vm.compare(
    ...     [
    ...         vm.workload.allocate("a", "64 KiB"),
    ...         vm.workload.allocate("b", "16 KiB"),
    ...         vm.workload.free("a"),
    ...         vm.workload.allocate("c", "32 KiB"),
    ...     ],
    ...     on=["x15", "first", "next"],
    ... )
    >>> print(result)
    operation          x15        first      next
    allocate a 64 KiB  0x10_0000  0x10_0000  0x10_0000
    allocate b 16 KiB  0x11_0000  0x11_0000  0x11_0000
    free a             64 KiB     64 KiB     64 KiB
    allocate c 32 KiB  0x10_0000  0x10_0000  != 0x11_4000
    entries            2          2          1
    largest gap        944 KiB    944 KiB    912 KiB
    gaps               2          2          2
    fragmentation      3%         3%         7%
    looked at          8          6          7
    failed             0          0          0
    """
    first = arguments.aligned(start, "start")
    length = arguments.aligned(size, "size")
    if not 0 < length <= MOST_SIZE or first + length > 1 << 63:
        raise Refused(
            f"size={binary_size(length)} from {Address(first)}: a map has from one page to {binary_size(MOST_SIZE)}"
        )
    todo = _checked(operations, first, first + length)
    labels = _labels(on)
    runs = [_Run(label, first, first + length) for label in labels]
    rows: list[Row] = []
    apart: tuple[ComparedMap, ...] = ()
    for number, one in enumerate(todo, 1):
        rows.append(Row(number, one, tuple(run.do(one) for run in runs)))
        if rows[-1].differs and not apart:
            apart = tuple(run.result() for run in runs)
    return ComparisonValue(first, first + length, tuple(run.result() for run in runs), tuple(rows), apart)


# ---- the door ------------------------------------------------------------------------------------


def _checked(operations: Any, start: int, end: int) -> Sequence[WorkloadOperation]:
    """Return the operations as a list, checked for consistency: each name is defined once, before it is used."""
    if isinstance(operations, (str, bytes)) or not isinstance(operations, Iterable):
        raise Refused(f"operations={shown(operations)}: write a list, such as [vm.workload.allocate('a', '64 KiB')]")
    todo: list[WorkloadOperation] = []
    live: set[str] = set()
    for number, one in enumerate(operations, 1):
        if number > MOST_OPERATIONS:
            raise Refused(f"more than {MOST_OPERATIONS:,} operations: compare fewer at a time")
        if not isinstance(one, (Allocate, Free, Lookup)):
            raise Refused(f"operation {number}, {shown(one)}: write vm.workload.allocate(…), .free(…) or .lookup(…)")
        _check_names(number, one, live)
        _check_range(number, one, start, end)
        todo.append(one)
    return todo


def _check_names(number: int, one: WorkloadOperation, live: set[str]) -> None:
    if isinstance(one, Allocate):
        if one.name in live:
            raise Refused(
                f"operation {number}: {shown(one.name)} is allocated already; free it first, or use another name"
            )
        live.add(one.name)
    elif isinstance(one, (Free, Lookup)) and one.name and one.name not in live:
        raise Refused(f"operation {number}: nothing is called {shown(one.name)} at that point; allocate it first")
    elif isinstance(one, Free):
        live.discard(one.name)


def _check_range(number: int, one: WorkloadOperation, start: int, end: int) -> None:
    limits = f"the maps, {Address(start)} to {Address(end)}"
    if isinstance(one, Allocate):
        if one.hint and not start <= one.hint < end:
            raise Refused(f"operation {number}: hint {Address(one.hint)} lies outside {limits}")
    elif isinstance(one, Lookup):
        if not one.name and not start <= one.address < end:
            raise Refused(f"operation {number}: address {Address(one.address)} lies outside {limits}")
    elif isinstance(one, Free) and not one.name and not start <= one.start < one.end <= end:
        raise Refused(f"operation {number}: {Address(one.start)} to {Address(one.end)} lies outside {limits}")


def _labels(on: Any) -> tuple[str, ...]:
    if isinstance(on, str) or not isinstance(on, Iterable):
        raise Refused(f"on={shown(on)}: write a list of what to compare, such as ['x15', 'freebsd', 'best']")
    labels = tuple(arguments.known(one, LABELS, "map") for one in on)
    if not labels:
        raise Refused("on=[] leaves nothing to compare: write at least one, such as 'x15'")
    twice = next((one for one in labels if labels.count(one) > 1), None)
    if twice is not None:
        raise Refused(f"on names {twice!r} twice: each map is compared once")
    return labels


# ---- the runs ------------------------------------------------------------------------------------


class _Run:
    """The operations on one map; `pieces` are the remaining parts of each allocation."""

    def __init__(self, label: str, start: int, end: int) -> None:
        self.label = label
        self.map: BareMap = bare_map(label, start, end)
        self.given: dict[str, tuple[int, int]] = {}
        self.pieces = Pieces()
        self.failures = 0

    def do(self, operation: WorkloadOperation) -> OperationOutcome:
        """Return the outcome of one operation."""
        before = self.map.steps
        if isinstance(operation, Allocate):
            result, start, failed = self._allocate(operation)
        elif isinstance(operation, Free):
            result, start, failed = self._free(operation)
        else:
            assert isinstance(operation, Lookup), "the door let no other in"
            result, start, failed = self._lookup(operation)
        self.failures += failed and isinstance(operation, Allocate)
        return OperationOutcome(result, start, failed, self.map.steps - before)

    def _allocate(self, operation: Allocate) -> tuple[str, int | None, bool]:
        address = self.map.allocate(operation.size, operation.align, operation.hint)
        if address is None:
            return "no room", None, True
        self.given[operation.name] = (address, address + operation.size)
        self.pieces.add(UsedPiece(operation.name, address, address + operation.size))
        return str(Address(address)), address, False

    def _free(self, operation: Free) -> tuple[str, int | None, bool]:
        start, end = operation.start, operation.end
        if operation.name:
            if operation.name not in self.given:
                return "never got it", None, True
            start, end = self.given.pop(operation.name)
        freed = self.pieces.cut(start, end)
        self.map.free(start, end)
        return (binary_size(freed) if freed else "nothing"), start, False

    def _lookup(self, operation: Lookup) -> tuple[str, int | None, bool]:
        address = operation.address
        if operation.name:
            if operation.name not in self.given:
                return "never got it", None, True
            address = self.given[operation.name][0]
        found = self.map.lookup(address)
        if found is None:
            return "nothing", None, False
        above = "" if found[0] <= address else "next: "
        return f"{above}{Address(found[0])}–{Address(found[1])}", found[0], False

    def result(self) -> ComparedMap:
        """Return the present state, after checking every invariant."""
        self.map.map.check()
        value = self.map.value()
        gaps = _gaps(value)
        return ComparedMap(self.label, self.map.rule, value, tuple(self.pieces), gaps, self.map.steps, self.failures)


def _gaps(value: MapValue) -> tuple[int, ...]:
    edges = [value.start, *(edge for entry in value.entries for edge in (entry.start, entry.end)), value.end]
    return tuple(high - low for low, high in list(pairwise(edges))[::2] if high > low)
