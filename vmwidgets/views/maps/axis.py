"""The axis of addresses along which ribbons are drawn.

It is to scale, except that each stretch has a readable least width.  It is broken at gaps too large to be drawn next to
the used ranges, and at entries and gaps that dwarf the others.  A map has one axis for all steps of an operation
(`Layout.taken`), so that only what changes moves.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Any, Generic, TypeVar

from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold, MapValue
from vmwidgets.views.scene.kit import MARGIN, WIDTH

from .picture import MapPicture, Taken
from .runs import Change

LEAST_GAP = 3.0
"""The least width in pixels of a gap that is drawn separately."""

MAX_BREAKS = 8
"""The most breaks of the axis."""

DRAWABLE = 20
"""A gap is to scale if it is at most this many times as large as the rest: its neighbours are then still visible."""

BROKEN = 60.0
"""Width in pixels of a break of the axis, if there are many breaks."""

DWARFS, LEGIBLE = 8, 4.0
"""A stretch dwarfs the smaller ones if it is DWARFS times as large as their sum, and leaves them under LEGIBLE pixels.
"""

FEW_BREAKS, _WIDE = 3, 96.0
"""If the axis has at most FEW_BREAKS breaks, each is _WIDE pixels wide: room for the words "not to scale"."""

T = TypeVar("T")


@dataclass(slots=True)
class Segment(Generic[T]):
    """A stretch of an axis from `start` to `end`, for an item or a gap (item None), drawn `w` pixels wide at `x`.

    Breaks and places can be computed only when all stretches are known: :func:`place` computes them.

    A `folded` stretch has a width of its own; at a `broken` stretch, the axis is broken.  A changed stretch is at least
    `least` pixels wide.
    """

    item: T | None
    start: int
    end: int
    broken: bool = False
    x: float = 0.0
    w: float = 0.0
    folded: bool = False
    least: float = 0.0

    def place(self, address: int) -> float:
        """Return the x of an address in this stretch."""
        return self.x + self.w * (address - self.start) / max(1, self.end - self.start)


MapSegment = Segment[EntryValue | Fold]

_START = attrgetter("start")


class Axis(tuple[Segment[Taken], ...]):  # noqa: SLOT001  a tuple's length varies: slots have no place in it
    """The axis of a map: stretches that are used at some step of the operation, and gaps."""

    starts: list[int]

    def __new__(cls, segments: Iterable[Segment[Taken]]) -> Axis:
        """Return the axis of these stretches, in order."""
        axis = super().__new__(cls, segments)
        axis.starts = [segment.start for segment in axis]
        return axis

    def crossed(self, start: int, end: int) -> tuple[Segment[Taken], ...]:
        """Return the stretches that overlap [start, end)."""
        first = bisect_right(self.starts, start)
        return self[max(0, first - 1) : bisect_left(self.starts, end)]


def axis_of(picture: MapPicture, width: float) -> Axis:
    """Return the axis of the ribbon in a picture of a map."""
    segments = break_what_dwarfs(stretches(picture.value, picture.layout.taken))
    widen(segments, picture.layout.changes)
    few = sum(segment.broken for segment in segments) <= FEW_BREAKS
    broken, room = _WIDE if few else BROKEN, width - 2 * MARGIN
    if any(segment.broken and segment.item is not None for segment in segments):
        broken = max(broken, room / len(segments))  # a broken stretch is not narrower than the others
    return Axis(place(segments, MARGIN, room, broken))


CHANGED, LEAST_CHANGED = 110.0, 40.0
"""Width in pixels of all ranges together that an operation added or removed, and the least of each: the answer."""


def widen(segments: Sequence[Segment[T]], changes: Sequence[Change]) -> None:
    """Give the stretches of each change room for the change's size."""
    for change in changes:
        inside = [one for one in segments if change.start <= one.start and one.end <= change.end]
        for one in inside:
            one.least = max(CHANGED / len(changes), LEAST_CHANGED) / len(inside)


def stretches(value: MapValue, taken: Sequence[Taken]) -> list[Segment[Taken]]:
    """Return the stretches between the edges of everything used at any step, without places."""
    taken = sorted(taken)
    edges = sorted({value.start, value.end, *(edge for one in taken for edge in one[:2])})
    segments: list[Segment[Taken]] = []
    here: list[Taken] = []
    number = 0
    for start, end in pairwise(edges):
        if here:
            here = [one for one in here if one.end > start]
        while number < len(taken) and taken[number].start <= start:
            here.append(taken[number])
            number += 1
        first = here[0] if here else None
        segments.append(Segment(first, start, end, folded=first is not None and first.folded))
    return break_large_gaps(segments)


def pieces_of(value: MapValue, axis: Axis) -> list[MapSegment]:
    """Return entries, folds and the gaps between them, at their places on the axis."""
    first, last = axis[0].start, axis[-1].end
    by_start = {segment.start: segment for segment in axis}

    def piece(item: EntryValue | Fold | None, start: int, end: int) -> MapSegment:
        one = by_start.get(start)
        if one is not None and one.end == end:  # most items: they are there at all steps
            return Segment(item, start, end, one.broken, one.x, one.w, isinstance(item, Fold))
        inside = axis.crossed(start, end)
        left, right = inside[0].place(start), inside[-1].place(end)
        is_broken = any(segment.broken for segment in inside)
        return Segment(item, start, end, is_broken, left, right - left, isinstance(item, Fold))

    pieces: list[MapSegment] = []
    position = first
    for item in sorted(value.items, key=lambda item: item.start):
        start, end = max(item.start, first), min(item.end, last)
        if start >= end:
            continue
        if start > position:
            pieces.append(piece(None, position, start))
        pieces.append(piece(item, start, end))
        position = max(position, end)
    return [*pieces, piece(None, position, last)] if position < last else pieces


def break_large_gaps(segments: list[Segment[T]]) -> list[Segment[T]]:
    """Break the axis at each gap that is more than :data:`DRAWABLE` times as large as all smaller stretches together.

    All larger gaps are breaks too, up to :data:`MAX_BREAKS` in all.  The smaller stretches are the used ranges and the
    gaps that are drawn to scale.
    """
    gaps = sorted((s for s in segments if s.item is None), key=lambda s: s.end - s.start)
    drawn = sum(segment.end - segment.start for segment in segments if segment.item is not None)
    broken: set[int] = set()
    for number, gap in enumerate(gaps):
        size = gap.end - gap.start
        if drawn and size > DRAWABLE * drawn:
            broken = {one.start for one in gaps[max(number, len(gaps) - MAX_BREAKS) :]}
            break
        drawn += size
    for gap in gaps if broken else ():
        gap.broken = gap.start in broken
    return segments


def break_what_dwarfs(segments: list[Segment[T]]) -> list[Segment[T]]:
    """Break the axis at stretches, even entries, that dwarf the others: these would be invisible."""
    parts = sorted((s for s in segments if not (s.broken or s.folded)), key=lambda s: s.end - s.start)
    total = sum(one.end - one.start for one in parts)
    smaller = 0
    for number, one in enumerate(parts):
        size = one.end - one.start
        is_dwarfed = size > DWARFS * smaller and WIDTH * smaller < LEGIBLE * number * total
        if smaller and is_dwarfed and len(parts) - number <= MAX_BREAKS:
            for large in parts[number:]:
                large.broken = True
            break
        smaller += size
    return segments


def _least(segments: Sequence[Segment[Any]], broken: float) -> list[float]:
    """Return the least width of each segment: the more segments there are, the smaller it is."""
    scale = min(1.0, 40 / max(1, len(segments)))
    wide, folded, item, gap = (
        broken * max(scale, 0.25),
        56 * max(scale, 0.4),
        10 * max(scale, 0.12),
        4 * max(scale, 0.12),
    )
    return [
        max(s.least, wide if s.broken else folded if s.folded else gap if s.item is None else item) for s in segments
    ]


def place(segments: Sequence[Segment[T]], left: float, room: float, broken: float = BROKEN) -> Sequence[Segment[T]]:
    """Place the segments from `left` on, in `room` pixels; each break is `broken` pixels wide.

    Widths are to scale; a segment that would be narrower than its least width gets that width (water-filling).
    """
    widths = _least(segments, broken)
    squeeze = min(1.0, room / sum(widths)) if widths and sum(widths) else 1.0
    widths = [width * squeeze for width in widths]
    least = sum(widths)
    sizes = [segment.end - segment.start for segment in segments]
    free = [number for number, segment in enumerate(segments) if not (segment.broken or segment.folded)]
    while True:
        spread = room - least + sum([widths[number] for number in free])
        total = sum([sizes[number] for number in free])
        scale = spread / total if total else 0.0
        larger = [number for number in free if sizes[number] * scale >= widths[number]]
        if len(larger) == len(free):
            break
        free = larger
    for number in free:
        widths[number] = sizes[number] * scale
    spare = 0.0 if total else (room - least) / max(1, len(segments))
    x = left
    for segment, w in zip(segments, widths, strict=True):
        segment.x, segment.w = x, w + spare
        x += w + spare
    return segments


def x_of(segments: Sequence[Segment[Any]], address: int) -> float | None:
    """Return the x at which segments in order draw an address, or None if they don't contain it.  O(log segments)."""
    segment = segments[bisect_right(segments, address, key=_START) - 1] if segments else None
    if segment is not None and segment.start <= address < segment.end:
        return segment.place(address)
    return segments[-1].x + segments[-1].w if segments and address == segments[-1].end else None
