"""Exercises of notebook 02: a lookup must not cost a scan."""

from __future__ import annotations

from collections.abc import Iterator

from vmwidgets.engine.base.events import TreeRotated
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.machine.maps import MachineMap

from ..criterion import Criterion, criterion
from ..exercise import exercise
from .structures import done_to, in_words, runs

SEVEN = [page * 0x1_0000 for page in range(1, 8)]


@exercise("02/no-rotation", "Seven pages without a rotation", points=4, takes=MachineMap)
def no_rotation(space: MachineMap) -> Iterator[Criterion]:
    """Pages at 0x1_0000 to 0x7_0000, entered in an order that never rotates; several orders do."""
    wanted = [(address, address + PAGE) for address in SEVEN]
    there = [(run.start, run.end) for run in runs(space)]
    yield criterion(
        1,
        there == wanted,
        "the seven pages are mapped, and nothing else",
        "one page each should be mapped at 0x1_0000, 0x2_0000 … 0x7_0000, and nothing else",
        expected=", ".join(str(Address(address)) for address in SEVEN),
        actual=in_words(runs(space)),
    )
    turned = [(operation, count) for operation in done_to(space, "enter") if (count := _rotations(space, operation))]
    complete = there == wanted
    yield criterion(
        3,
        3 * complete if not turned else max(0, 2 - len(turned)) * complete,
        "no insertion rotated",
        _why(turned) if turned else "an insertion rotated",
        first="" if turned else "enter the seven pages",
        expected="no rotation",
        actual=", ".join(f"{count} at {Address(one.result)}" for one, count in turned) or "no seven pages yet",
    )


def _why(turned: list[tuple[Operation, int]]) -> str:
    first = Address(turned[0][0].result)
    return f"entering {first} was the first to rotate: what would the tree have needed on the other side before?"


def _rotations(space: MachineMap, operation: Operation) -> int:
    """Rotations in the tree of this map: an entry's own memory may need an entry of the kernel map, in another tree."""
    events = space.machine.journal.events(operation.number)
    return sum(isinstance(event, TreeRotated) and event.tree == space.name for event in events)
