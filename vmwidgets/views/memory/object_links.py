"""Arrows from mappings and objects to the objects behind them, through the space between columns.

Arrows to the same object share a track.  Arrows to different objects never cover each other: the more tracks there are,
the closer together they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.views.scene.model import Link, Node

Pair = tuple[Node, Node]
"""A thing and the object behind it."""

STRAIGHT = 22.0
"""Pixels from a card's upper edge at which an arrow to another column leaves, and a straight arrow arrives."""

ARRIVES = (34.0, 38.0, 30.0, 26.0)
"""The places where an arrow with a turn may arrive; the first place where no arrow to another object begins is used."""

FROM_ABOVE, UP, DOWN, FROM_BELOW = 8.0, 18.0, 28.0, 38.0
"""The places in one column where an arrow arrives from above, leaves upwards, leaves downwards, arrives from below."""

_LEAST = 44.0
"""Height of a card from which arrows are at these places."""

BETWEEN, ROOM_BETWEEN = 5.0, 20.0
"""Pixels from one track to the next between two columns, and the most that all tracks take there."""

AROUND, ROOM_AROUND = 4.0, 16.0
"""Pixels from one track to the next around the last column, and the most that all tracks take there."""


class Place(NamedTuple):
    """The object to which arrows point, and whether they go around its column instead of coming from the left."""

    target: str
    is_around: bool


class Way(NamedTuple):
    """The vertical part of the arrows to a place; `x` is where its column begins."""

    place: Place
    x: float
    top: float
    bottom: float


@frozen(slots=False)
class _Ways:
    """The heights at which arrows arrive, and the track of each place, counted from its column."""

    arrives: dict[Place, float]
    lanes: dict[Place, int]
    steps: dict[tuple[float, bool], float]
    """Pixels between tracks, by column and whether they go around it."""

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> _Ways:
        arrives = _arrivals(pairs)
        ways: dict[Place, Way] = {}
        for pair in pairs:
            place, start, end = _place(*pair), _starts(*pair), _ends(*pair, arrives)
            known = ways.get(place, Way(place, pair[1].x, end, end))
            if start != end:
                ways[place] = known._replace(top=min(known.top, start), bottom=max(known.bottom, start, end))
        lanes, most = _lanes(ways.values())
        steps = {
            (x, is_around): min(AROUND, ROOM_AROUND / count) if is_around else min(BETWEEN, ROOM_BETWEEN / count)
            for (x, is_around), count in most.items()
        }
        return cls(arrives, lanes, steps)


def arrows(pairs: Sequence[Pair], around: float) -> list[Link]:
    """Return arrows from each thing to the object behind it; `around` is the first track's distance from a column."""
    ways = _Ways.of(pairs)
    return [_arrow(one, behind, ways, around) for one, behind in pairs]


def _place(one: Node, behind: Node) -> Place:
    return Place(behind.id, one.x == behind.x)


def _at(card: Node, pixels: float) -> float:
    return card.y + pixels * min(1, card.h / _LEAST)


def _starts(one: Node, behind: Node) -> float:
    """Return where an arrow leaves a card: in one column, on its target's side, so that a chain is not one line."""
    if one.x != behind.x:
        return _at(one, STRAIGHT)
    return _at(one, UP if behind.y < one.y else DOWN)


def _ends(one: Node, behind: Node, arrives: dict[Place, float]) -> float:
    """Return where an arrow reaches the other card."""
    if one.x == behind.x:
        return _at(behind, FROM_BELOW if behind.y < one.y else FROM_ABOVE)
    return _at(behind, STRAIGHT) if one.y == behind.y else arrives[_place(one, behind)]


def _arrivals(pairs: Sequence[Pair]) -> dict[Place, float]:
    """Return the height at which arrows that turned reach each object from the left."""
    found: dict[Place, float] = {}
    for behind in {behind.id: behind for _, behind in pairs}.values():
        begun = [_starts(*pair) for pair in pairs if pair[1].x == behind.x != pair[0].x and pair[1].id != behind.id]
        heights = [_at(behind, pixels) for pixels in ARRIVES]
        clear = (y for y in heights if all(abs(y - start) > 2 for start in begun))
        found[Place(behind.id, False)] = next(clear, heights[0])
    return found


def _lanes(ways: Iterable[Way]) -> tuple[dict[Place, int], dict[tuple[float, bool], int]]:
    """Return a track for each place, the nearest that is free at that height, and the last track of each column."""
    lanes: dict[Place, int] = {}
    taken: dict[tuple[float, bool], list[list[Way]]] = {}
    for way in sorted(ways, key=lambda one: one.bottom - one.top):  # short ones are next to their cards
        beside = taken.setdefault((way.x, way.place.is_around), [])
        free = (
            number for number, those in enumerate(beside)
            if all(way.bottom + 3 < one.top or one.bottom + 3 < way.top for one in those)
        )  # fmt: skip
        number = next(free, len(beside))
        if number == len(beside):
            beside.append([])
        beside[number].append(way)
        lanes[way.place] = number
    return lanes, {key: max(1, len(those) - 1) for key, those in taken.items()}


def _arrow(one: Node, behind: Node, ways: _Ways, around: float) -> Link:
    place = _place(one, behind)
    start, end = _starts(one, behind), _ends(one, behind, ways.arrives)
    apart = ways.lanes.get(place, 0) * ways.steps.get((behind.x, place.is_around), 0.0)
    out, reached = one.x + one.w, behind.x + behind.w * place.is_around
    turn = reached + around + apart if place.is_around else reached - 12 - apart
    points = (out, start), (turn, start), (turn, end), (reached, end)
    return Link(f"{one.id}/to/{behind.id}", "backs", one.id, behind.id, points, arrow=True)
