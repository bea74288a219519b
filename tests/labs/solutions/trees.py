"""Notebook 02."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.labs.exercises.trees import TreeSheet, rotates

from . import Solved, Table


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


SOLVED: Table = {
    "02/no-rotation": Solved(
        right=[
            lambda asked: entered(found(asked)),
            lambda asked: entered(found(asked, from_the_right=True)),
        ],
        spoilt=[last_is_larger, lambda asked: entered(asked.wanted), last_twice],
    ),
}
