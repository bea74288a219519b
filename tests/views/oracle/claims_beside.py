"""What two maps side by side claim: held against the entries of both, read where they were."""

from __future__ import annotations

from typing import Any, NamedTuple

from vmwidgets.engine.kernel.map.map_schema import MapValue

from .claiming import Said, claim
from .pictured import Pictured
from .reading import WHOLE, number


class Sides(NamedTuple):
    """What was put side by side: all entries of a map, twice, and how entries are the same on both sides."""

    left: dict[Any, Any]
    right: dict[Any, Any]


def sides(left: MapValue, right: MapValue, one_map: bool) -> Sides:
    """The entries of two maps, by their numbers if it is one map at two moments, else by where they begin."""
    return Sides(*(_entries(value, one_map) for value in (left, right)))


def _entries(value: MapValue, one_map: bool) -> dict[Any, Any]:
    return {
        one.id if one_map else one.start: (
            one.start, one.end, one.object, one.offset, one.flags, one.wired,
        )
        for one in value.entries
    }  # fmt: skip


def whole(machine_map: Any) -> MapValue:
    """All entries of a map."""
    value: MapValue = machine_map.value(whole=WHOLE)
    return value


def compared(seen: Pictured) -> tuple[int, int, int]:
    """How many entries are only at the left, only at the right, and on both sides but not the same.

    Where a side is folded, those count that are drawn, and what the other side lacks may be in its fold.
    """
    left, right = seen.subject
    folds = {side: any("folded" in node.state for node in seen.nodes(f"{side}/")) for side in ("left", "right")}
    shown = {side: drawn(seen, side) if any(folds.values()) else None for side in folds}
    kept = [
        {*side} if them is None else {*side} & them for side, them in zip((left, right), shown.values(), strict=True)
    ]
    only_left = 0 if folds["right"] else len(kept[0] - {*right})
    only_right = 0 if folds["left"] else len(kept[1] - {*left})
    return only_left, only_right, sum(left[one] != right[one] for one in kept[0] & kept[1])


def drawn(seen: Pictured, side: str) -> set[Any]:
    """The entries that one side shows, by their numbers."""
    things = {node.thing for node in seen.nodes(f"{side}/")}
    things |= {
        f"{marks.of}:{one}" for marks in seen.scene.marks if marks.lane.startswith(f"{side}/") for one in marks.number
    }
    return {int(thing.partition(":")[2]) for thing in things if thing.startswith("entry:")}


@claim("side by side: equal")
def nothing_differs(seen: Pictured, said: Said) -> None:
    assert seen.subject.left == seen.subject.right


@claim("side by side: equal/folded")
def nothing_shown_differs(seen: Pictured, said: Said) -> None:
    assert compared(seen) == (0, 0, 0)
    assert drawn(seen, "left") != {*seen.subject.left} or drawn(seen, "right") != {*seen.subject.right}


@claim("side by side: differ")  # fmt: skip  # both forms
def so_many_differ(seen: Pictured, said: Said) -> None:
    left, right = seen.subject
    count = len({*left} ^ {*right}) + sum(left[one] != right[one] for one in {*left} & {*right})
    assert said["what"] == f"{count:,} {'entry' if count == 1 else 'entries'}"


@claim("side by side: differ/folded")
def so_many_shown_differ(seen: Pictured, said: Said) -> None:
    count = sum(compared(seen))
    assert said["what"] == f"{count:,} {'entry' if count == 1 else 'entries'}"
    assert drawn(seen, "left") != {*seen.subject.left} or drawn(seen, "right") != {*seen.subject.right}


@claim("side by side: left")
def only_at_the_left(seen: Pictured, said: Said) -> None:
    assert compared(seen)[0] == number(said["count"])


@claim("side by side: right")
def only_at_the_right(seen: Pictured, said: Said) -> None:
    assert compared(seen)[1] == number(said["count"])


@claim("side by side: both")  # fmt: skip  # both forms
def not_the_same(seen: Pictured, said: Said) -> None:
    assert compared(seen)[2] == number(said["count"])


@claim("side by side: folded")
def folded_on_one_side(seen: Pictured, said: Said) -> None:
    assert drawn(seen, "left") != {*seen.subject.left} or drawn(seen, "right") != {*seen.subject.right}
