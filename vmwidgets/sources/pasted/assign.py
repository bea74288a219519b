"""Two tables that were printed at the same time: the table of each line, if the lines' order allows just one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .printed import Item, can_follow

MOST_AT_ONCE = 8
"""Tables that may be printed at the same time: one for each hart."""

MOST = 256
"""The most states at a line: if there are more, no line's table is certain."""


_State = tuple[tuple[tuple[int, ...], bool], ...]
"""The state of each table: the indices of its latest descriptor, and whether that descriptor refers to a table."""


def assignments(items: Sequence[Item]) -> list[int] | None:
    """Return the table's number for each item, including roots' lines; None if there are no or several answers.

    Every way to assign lines to tables is followed; ways with the same state of all tables are joined.  O(lines ×
    states).
    """
    if sum(item.is_root for item in items) > MOST_AT_ONCE:
        return None
    ways: dict[_State, tuple[int, tuple[Any, ...]]] = {(): (1, ())}
    for item in items:
        following: dict[_State, tuple[int, tuple[Any, ...]]] = {}
        for state, (count, way) in ways.items():
            if item.is_root:
                _add(following, (*state, ((), True)), count, (way, len(state)))
                continue
            for number, (path, leads_on) in enumerate(state):
                if can_follow(path, leads_on, item):
                    after = (*path[: item.depth - 1], item.path[-1]), item.is_table
                    _add(following, (*state[:number], after, *state[number + 1 :]), count, (way, number))
        ways = following
        if not ways or len(ways) > MOST:
            return None
    if sum(count for count, _ in ways.values()) != 1:
        return None
    ((_, way),) = ways.values()
    numbers: list[int] = []
    while way:
        way, number = way
        numbers.append(number)
    return numbers[::-1]


def _add(ways: dict[_State, tuple[int, tuple[Any, ...]]], state: _State, count: int, way: tuple[Any, ...]) -> None:
    known = ways.get(state)
    ways[state] = (count, way) if known is None else (2, known[1])
