"""Arrows from mappings and objects to the objects behind them: through the room beside columns, where no card is.

Arrows that lead to one object share a way.  Two ways never lie on each other as far as there is room for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vmwidgets.views.scene.model import Link, Node

STRAIGHT, BELOW = 22.0, 34.0
"""Pixels from the upper edge of a card: where an arrow to another column leaves it, and where it arrives."""

FROM_ABOVE, UP, DOWN, FROM_BELOW = 8.0, 18.0, 28.0, 38.0
"""The same in one column: where an arrow arrives from above, leaves upwards, leaves downwards, arrives from below."""

_LEAST = 44.0
"""Height of a card from which arrows are at these places."""

BETWEEN, AROUND = 5.0, 4.0
"""Pixels from one way to the next, between two columns and around the last one."""

LANES, LANES_AROUND = 5, 5
"""So many ways are beside each other; more lie on these again."""


class Way(NamedTuple):
    """The upright part of the arrows to `target` through the room at the `left` of its column, or around it."""

    target: str
    is_around: bool
    x: float
    top: float
    bottom: float


def arrows(pairs: Sequence[tuple[Node, Node]], around: float) -> list[Link]:
    """From each thing to the object behind it; the first way `around` a column is so many pixels from it."""
    lanes = _lanes(_ways(pairs))
    return [_arrow(one, behind, lanes, around) for one, behind in pairs]


def _heights(one: Node, behind: Node) -> tuple[float, float]:
    """Where an arrow leaves a card and reaches another.

    In one column it leaves at the side to which it goes, and arrives at the other: a chain is not one line.
    """
    if one.x == behind.x:
        out, reached = (UP, FROM_BELOW) if behind.y < one.y else (DOWN, FROM_ABOVE)
    else:
        out, reached = STRAIGHT, STRAIGHT if one.y == behind.y else BELOW
    return one.y + out * min(1, one.h / _LEAST), behind.y + reached * min(1, behind.h / _LEAST)


def _ways(pairs: Sequence[tuple[Node, Node]]) -> Iterator[Way]:
    """What is needed, together for all arrows to one object that pass through the same room."""
    found: dict[tuple[str, bool], Way] = {}
    for one, behind in pairs:
        start, end = _heights(one, behind)
        if start == end:
            continue
        key = behind.id, one.x == behind.x
        x = behind.x + behind.w if key[1] else behind.x
        known = found.get(key, Way(*key, x, end, end))
        found[key] = known._replace(top=min(known.top, start), bottom=max(known.bottom, start))
    yield from found.values()


def _lanes(ways: Iterator[Way]) -> dict[tuple[str, bool], int]:
    """Which way each is, counted from the column: the nearest that no other one needs at the same height."""
    lanes: dict[tuple[str, bool], int] = {}
    taken: dict[tuple[float, bool], list[list[Way]]] = {}
    for way in sorted(ways, key=lambda one: one.bottom - one.top):  # short ones are next to their cards
        most = LANES_AROUND if way.is_around else LANES
        beside = taken.setdefault((way.x, way.is_around), [[] for _ in range(most)])
        free = (
            number for number, those in enumerate(beside)
            if all(way.bottom + 3 < one.top or one.bottom + 3 < way.top for one in those)
        )  # fmt: skip
        number = next(free, None)
        if number is None:
            number = min(range(most), key=lambda lane: len(beside[lane]))
        beside[number].append(way)
        lanes[way.target, way.is_around] = number
    return lanes


def _arrow(one: Node, behind: Node, lanes: dict[tuple[str, bool], int], around: float) -> Link:
    start, end = _heights(one, behind)
    is_around = one.x == behind.x
    out, reached = one.x + one.w, behind.x + behind.w * is_around
    lane = lanes.get((behind.id, is_around), 0)
    turn = reached + around + AROUND * lane if is_around else reached - 12 - BETWEEN * lane
    points = (out, start), (turn, start), (turn, end), (reached, end)
    return Link(f"{one.id}/to/{behind.id}", "backs", one.id, behind.id, points, arrow=True)
