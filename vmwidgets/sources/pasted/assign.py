"""Two tables that were printed at the same time: the table of each line, if the lines' order allows just one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .printed import Item, can_follow

MOST_AT_ONCE = 8
"""Tables that may be printed at the same time: one for each hart."""

MOST = 256
"""The most states at a line: if there are more, no line's table is certain."""


class _State(NamedTuple):
    """The state of each table: the indices of its latest descriptor, and whether that descriptor refers to a table."""

    tables: tuple[tuple[tuple[int, ...], bool], ...]


def assignments(items: Sequence[Item]) -> list[int] | None:
    """Return the table's number for each item, including roots' lines; None if there are no or several answers.

    Every way to assign lines to tables is followed; ways with the same state of all tables are joined.  O(lines ×
    states).
    """
    if sum(item.is_root for item in items) > MOST_AT_ONCE:
        return None
    ways: dict[_State, tuple[int, tuple[Any, ...]]] = {_State(()): (1, ())}
    for item in items:
        following: dict[_State, tuple[int, tuple[Any, ...]]] = {}
        for state, (count, way) in ways.items():
            if item.is_root:
                _add(following, _State((*state.tables, ((), True))), count, (way, len(state.tables)))
                continue
            for number, (path, leads_on) in enumerate(state.tables):
                if can_follow(path, leads_on, item):
                    after = (*path[: item.depth - 1], item.path[-1]), item.is_table
                    tables = (*state.tables[:number], after, *state.tables[number + 1 :])
                    _add(following, _State(tables), count, (way, number))
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
