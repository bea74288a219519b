"""Solutions of lab 02."""

from __future__ import annotations

from collections.abc import Sequence

from tests.labs.solutions import Solved, Table
from vmwidgets.engine.base.tree_schema import TreeRotated
from vmwidgets.engine.base.units import PAGE
from vmwidgets.labs.exercises.trees import TreeSheet, rotates


def order(there: Sequence[int], wanted: Sequence[int]) -> list[int] | None:
    """The first order of `wanted` that never rotates behind `there`, where the next is tried from the left."""
    if not wanted:
        return []
    for address in wanted:
        if not rotates([*there, address]):
            rest = order([*there, address], [one for one in wanted if one != address])
            if rest is not None:
                return [address, *rest]
    return None


def found(asked: TreeSheet, *, from_the_right: bool = False) -> list[int]:
    answer = order(asked.there, asked.wanted[::-1] if from_the_right else asked.wanted)
    assert answer is not None
    return answer


def entered(addresses: Sequence[int], size: str = "vm.PAGE") -> str:
    return "\n".join(f"thing.enter({size}, at={address:#x}, fixed=True)" for address in addresses)


def last_is_larger(asked: TreeSheet) -> str:
    *others, last = found(asked)
    return f"{entered(others)}\n{entered([last], '2 * vm.PAGE')}"


def last_twice(asked: TreeSheet) -> str:
    *others, last = found(asked)
    return f"{entered([*others, last])}\nthing.remove({last:#x}, size=vm.PAGE)\n{entered([last])}"


def points_of_all_in_a_row(asked: TreeSheet) -> int:
    """A point of two stays if but one insertion rotates, from the left to the right."""
    space, turned = asked.start(), 0
    for address in asked.wanted:
        space.enter(PAGE, at=address, fixed=True)
        turned += any(isinstance(event, TreeRotated) for event in space.machine.history.journal.last.events)
    return 3 if turned == 1 else 2


SOLVED: Table = {
    "02/no-rotation": Solved(
        right=[
            lambda asked: entered(found(asked)),
            lambda asked: entered(found(asked, from_the_right=True)),
        ],
        spoilt=[last_is_larger, lambda asked: entered(asked.wanted), last_twice],
        points=[3, points_of_all_in_a_row, 3],
    ),
}
