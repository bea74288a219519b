"""The ribbon lane: where is what, and where are the gaps.

Ranges and gaps are to scale, but for a readable least width.  The axis is broken at gaps too large to be drawn beside
what is used; they have double bars, their size, and the words "not to scale".  Zoomed in, everything is truly to scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from vmwidgets.engine.base.units import PAGE, binary_size
from vmwidgets.engine.base.values.maps import EntryValue, Fold, MapValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Bar, Link, Node, Text
from vmwidgets.views.scene.text import fitted, short_count, text_width

from .picture import Column, Drawn, MapPicture, entry_marks, kind_of, plain_ones

BAR = 28.0
"""Height of the ribbon itself."""

LEAST_GAP = 3.0
"""Pixels from which a gap is a thing of its own."""

MAX_BREAKS = 8
"""How often the axis may be broken."""

DRAWABLE = 20
"""A gap is to scale up to so many times what is drawn without it: its ranges can still be seen there."""

BROKEN = 60.0
"""Pixels of a gap at which the axis is broken, where there are many."""

NOT_TO_SCALE = "not to scale"
_FEW_BREAKS, _WIDE = 3, 96.0
"""Up to so many breaks have so many pixels each, which is room for these words."""

GROUND = "ribbon/ground"
"""What the bar of the ribbon is called, on which ranges lie."""

Zoom = tuple[int, int] | None
"""The addresses shown, or none for the whole map."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Segment(Generic[T]):
    """A stretch of the axis: a range, a fold or a gap (item None), from `start` to `end`, `w` pixels at `x`."""

    item: T | None
    start: int
    end: int
    broken: bool = False
    x: float = 0.0
    w: float = 0.0

    def place(self, address: int) -> float:
        """The x of an address inside."""
        return self.x + self.w * (address - self.start) / max(1, self.end - self.start)


MapSegment = Segment[EntryValue | Fold]


def ribbon_lane(
    picture: MapPicture,
    columns: Mapping[int, Column] | None,
    top: float,
    zoom: Zoom = None,
    width: float = WIDTH,
    on: str = GROUND,
) -> Drawn:
    """The ribbon from `top` on.  `columns`: where leader lines come from; `on`: what its bar is called."""
    segments = _segments(picture, zoom, width)
    leaders_height = 14.0 if columns else 0.0
    marker_top = top + leaders_height
    bar_top = marker_top + 32
    ranges = [(s.item, _strip(s)) for s in segments if isinstance(s.item, EntryValue)]
    plain = plain_ones(picture, (entry for entry, _ in ranges))
    drawn = (one for one in segments if one.item is None or one.item.id not in plain)
    nodes = [_ground(picture, bar_top, width, on)]
    nodes += [node for segment in drawn if (node := _node(picture, segment, bar_top)) is not None]
    nodes += _markers(picture, segments, bar_top, width)
    nodes += _ticks(picture, segments, bar_top + BAR, width)
    nodes += _sizes_below(segments, [node for node in nodes if node.kind == "gap"], bar_top + BAR + 18, width)
    links = _leaders(segments, columns, top - 8, bar_top) if columns else []
    entries, strips = [one for one, _ in ranges if one.id in plain], [at for one, at in ranges if one.id in plain]
    marks = entry_marks("ribbon", entries, strips, bar_top, BAR, "{address}–{end}, {size}, {words}", on=on)
    return Drawn(nodes, links, marks, bar_top + BAR + 36)


def _segments(picture: MapPicture, zoom: Zoom, width: float) -> list[MapSegment]:
    """The stretches of the axis with their places."""
    segments = cut(picture.value, zoom)
    few = sum(segment.broken for segment in segments) <= _FEW_BREAKS
    return place(segments, MARGIN, width - 2 * MARGIN, zoom is not None, _WIDE if few else BROKEN)


def cut(value: MapValue, zoom: Zoom = None) -> list[MapSegment]:
    """The stretches of the axis of a map, or of the part of it that is zoomed to; they have no place yet."""
    first, last = zoom or (value.start, value.end)
    segments: list[MapSegment] = []
    position = first
    for item in sorted(value.items, key=lambda item: item.start):
        start, end = max(item.start, first), min(item.end, last)
        if start >= end:
            continue
        if start > position:
            segments.append(Segment(None, position, start))
        segments.append(Segment(item, start, end))
        position = end
    if position < last:
        segments.append(Segment(None, position, last))
    return segments if zoom is not None else break_large_gaps(segments)


def break_large_gaps(segments: list[Segment[T]]) -> list[Segment[T]]:
    """Break the axis at the largest gaps: at one that is more than :data:`DRAWABLE` times what is smaller, and larger.

    What is smaller are all that is used, and the gaps that are drawn to scale.
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
    return [replace(one, broken=True) if one.item is None and one.start in broken else one for one in segments]


def break_marks(w: float, height: float, room: float = 16.0) -> tuple[Bar, ...]:
    """The double bars at both ends of a stretch of `w` pixels that is not to scale; single ones in little `room`."""
    if w <= 14:
        return ()
    return tuple(Bar(x, 3, 1.5, height - 6, "line") for x in ((1, 4, w - 6, w - 3) if room >= 15 else (1, w - 3)))


def _least(segment: Segment[Any], crowd: int, broken: float) -> float:
    """The least width of a segment in a picture of `crowd` segments."""
    scale = min(1.0, 40 / max(1, crowd))
    if segment.broken:
        return broken * max(scale, 0.25)
    if isinstance(segment.item, Fold):
        return 56 * max(scale, 0.4)
    return (10 if segment.item is not None else 4) * max(scale, 0.12)


def place(
    segments: Sequence[Segment[T]], left: float, room: float, zoomed: bool = False, broken: float = BROKEN
) -> list[Segment[T]]:
    """Places from `left` on, `room` pixels in all, `broken` of them for a gap at which the axis is broken.

    Widths by water-filling: to scale, except what would fall below its least width.
    """
    least = [0.0 if zoomed else _least(segment, len(segments), broken) for segment in segments]
    squeeze = min(1.0, room / sum(least)) if sum(least) else 1.0
    least = [width * squeeze for width in least]
    fixed = [segment.broken or (isinstance(segment.item, Fold) and not zoomed) for segment in segments]
    while True:
        spread = room - sum(width for width, is_fixed in zip(least, fixed, strict=True) if is_fixed)
        total = sum(s.end - s.start for s, is_fixed in zip(segments, fixed, strict=True) if not is_fixed)
        scale = spread / total if total else 0.0
        small = [i for i, s in enumerate(segments) if not fixed[i] and (s.end - s.start) * scale < least[i]]
        if not small:
            break
        for i in small:
            fixed[i] = True
    spare = room - sum(least) if total == 0 else 0.0
    placed: list[Segment[T]] = []
    x = left
    for i, segment in enumerate(segments):
        w = least[i] + spare / len(segments) if fixed[i] else (segment.end - segment.start) * scale
        placed.append(Segment(segment.item, segment.start, segment.end, segment.broken, x, w))
        x += w
    return placed


def _ground(picture: MapPicture, y: float, width: float, name: str) -> Node:
    value = picture.value
    title = (
        f"{picture.style.whole(value.start)}–{picture.style.whole(value.end)}, {binary_size(value.end - value.start)}"
    )
    return Node(name, "ribbon", MARGIN, y, width - 2 * MARGIN, BAR, title=title, role="pan")


def _node(picture: MapPicture, segment: MapSegment, y: float) -> Node | None:
    item = segment.item
    if item is None:
        return _gap(picture, segment, y)
    if isinstance(item, Fold):
        text = (fitted(segment.w / 2, 18, short_count(item.count), segment.w, "label", "middle"),)
        return Node(
            f"ribbon/fold/{item.id}", "fold", segment.x, y, segment.w, BAR, f"fold:{item.id}", text=text,
            state=("folded",), title=f"{item.count:,} entries folded: open", action="open", lane="ribbon",
        )  # fmt: skip
    limits = f"{picture.style.whole(item.start)}–{picture.style.whole(item.end)}"
    title = f"{limits}, {binary_size(item.size)}, {item.protection}"
    x, w = _strip(segment)
    return Node(
        f"ribbon/{item.id}", "range", x, y, w, BAR, f"entry:{item.id}",
        state=(kind_of(item), *picture.in_order(item.id)), title=title, action="select", lane="ribbon",
    )  # fmt: skip


def _strip(segment: MapSegment) -> tuple[float, float]:
    """The x and the width of a range: a little ground is seen at both sides."""
    inset = min(1.0, segment.w * 0.15)
    return segment.x + inset, max(0.8, segment.w - 2 * inset)


def _gap(picture: MapPicture, segment: MapSegment, y: float) -> Node | None:
    """A gap; none where it is too narrow to be pointed at, since the ground shows there anyway."""
    if segment.w < LEAST_GAP:
        return None
    size = binary_size(segment.end - segment.start)
    title = f"free: {picture.style.whole(segment.start)}–{picture.style.whole(segment.end)}, {size}"
    if segment.broken:
        title += f", {NOT_TO_SCALE}"
    beside = segment.w - text_width(size, "label")
    lines = [size] if beside >= (7 if segment.broken else 2) else []
    if segment.broken and lines and segment.w - text_width(NOT_TO_SCALE, "label") >= 16:
        lines.append(NOT_TO_SCALE)
    first = 18 if len(lines) < 2 else 12
    text = tuple(Text(segment.w / 2, first + 12 * row, line, "label dim", "middle") for row, line in enumerate(lines))
    bars = break_marks(segment.w, BAR, beside if lines else 16) if segment.broken else ()
    return Node(f"ribbon/gap/{segment.start:x}", "gap", segment.x, y, segment.w, BAR, text=text, bars=bars, title=title)


def _sizes_below(segments: Sequence[MapSegment], gaps: Sequence[Node], y: float, width: float) -> list[Node]:
    """Sizes of the gaps that are too narrow for them, the largest first, as far as they do not meet.

    Where the axis is broken and no gap has room to say so, the end of the row does.
    """
    nodes: list[Node] = []
    taken: list[tuple[float, float]] = []
    said = any(text.text == NOT_TO_SCALE for gap in gaps for text in gap.text)
    if any(segment.broken for segment in segments) and not said:
        w = text_width(NOT_TO_SCALE, "label") + 12
        bars = (Bar(0, 2, 1.5, 10, "line"), Bar(3, 2, 1.5, 10, "line"))
        text = (Text(8, 11, NOT_TO_SCALE, "label dim"),)
        nodes.append(Node("ribbon/scale", "label", width - MARGIN - w, y, w, 14, shape="none", text=text, bars=bars))
        taken.append((width - MARGIN - w, width - MARGIN))
    silent = {gap.id for gap in gaps if not gap.text}
    narrow = [one for one in segments if one.item is None and f"ribbon/gap/{one.start:x}" in silent]
    for gap in sorted(narrow, key=lambda one: one.start - one.end):
        size = binary_size(gap.end - gap.start)
        w = text_width(size, "label")
        left = min(max(MARGIN, gap.x + (gap.w - w) / 2), width - MARGIN - w)
        if any(left < b + 6 and left + w > a - 6 for a, b in taken):
            continue
        taken.append((left, left + w))
        text = (Text(w / 2, 11, size, "label dim", "middle"),)
        nodes.append(Node(f"ribbon/size/{gap.start:x}", "label", left, y, w, 14, shape="none", text=text))
    return nodes


def _markers(picture: MapPicture, segments: Sequence[MapSegment], bar_top: float, width: float) -> list[Node]:
    value = picture.value
    marks = []
    if value.find_cache:
        more = value.find_cache_threshold
        above = f", for more than {binary_size(more)}" if more else ""
        known = "" if more is not None else " (forgotten)"
        marks.append((value.find_cache, f"find cache{known}{above}", "marker"))
    if picture.hint is not None:
        marks.append((picture.hint, "hint", "marker hint"))
    nodes: list[Node] = []
    taken: list[tuple[float, float]] = []
    for address, label, kind in marks:
        x = x_of(segments, address)
        if x is None:
            continue
        w = text_width(label, "label")
        left = min(max(MARGIN, x - w / 2), width - MARGIN - w)
        row = 0 if all(left + w < a or left > b for a, b in taken) else 1
        taken.append((left, left + w))
        title = f"{label}: {picture.style.whole(address)}"
        name, *states = kind.split()
        nodes.append(
            Node(
                f"ribbon/{name}/{label.split(',')[0]}",
                name,
                x - 5,
                bar_top - 11,
                10,
                8,
                shape="triangle",
                state=tuple(states),
                title=title,
            )
        )
        text = (Text(w / 2, 11, label, "label dim", "middle"),)
        y = bar_top - 25 - 12 * row
        nodes.append(Node(f"ribbon/label/{label.split(',')[0]}", "label", left, y, w, 14, shape="none", text=text))
    return nodes


def x_of(segments: Sequence[Segment[Any]], address: int) -> float | None:
    """Where an address is drawn; none outside."""
    for segment in segments:
        if segment.start <= address < segment.end:
            return segment.place(address)
    return segments[-1].x + segments[-1].w if segments and address == segments[-1].end else None


def _ticks(picture: MapPicture, segments: Sequence[MapSegment], y: float, width: float) -> list[Node]:
    """Addresses below the ribbon: both ends, then what matters, as far as they do not meet."""
    if not segments:
        return []
    first, last = segments[0].start, segments[-1].end
    wanted = [first, last]
    important = picture.important()
    starts = {item.id: item.start for item in picture.value.items}
    wanted += [starts[identity] for identity in important if identity in starts]
    wanted += [segment.start for segment in segments if segment.item is not None and segment.w > 60]
    return kit.ticks("ribbon", wanted, lambda address: x_of(segments, address), picture.style, y, width=width)


def _leaders(segments: Sequence[MapSegment], columns: Mapping[int, Column], top: float, bottom: float) -> list[Link]:
    """A line from each card to its range."""
    links = []
    for segment in segments:
        item = segment.item
        column = columns.get(item.id) if item is not None else None
        if item is None or column is None or column.level != "card":
            continue
        points = ((column.middle, top), (segment.x + segment.w / 2, bottom))
        links.append(Link(f"ribbon/{item.id}/leader", "leader", f"list/{item.id}", f"ribbon/{item.id}", points))
    return links


def address_at(picture: MapPicture, zoom: Zoom, at: float, width: float = WIDTH) -> int:
    """The address drawn at `at` (0 left, 1 right) of the ribbon."""
    x = MARGIN + (width - 2 * MARGIN) * min(1.0, max(0.0, at))
    segments = _segments(picture, zoom, width)
    for segment in segments:
        if x < segment.x + segment.w:
            return int(segment.start + (segment.end - segment.start) * (x - segment.x) / max(segment.w, 1e-9))
    return segments[-1].end - 1 if segments else picture.value.start


def drawn_bytes(picture: MapPicture) -> int:
    """How many bytes of addresses the whole ribbon draws to scale: all but where its axis is broken."""
    return sum(segment.end - segment.start for segment in cut(picture.value, None) if not segment.broken)


def zoomed(limits: tuple[int, int], pivot: int, span: float, at: float) -> Zoom:
    """The window of `span` bytes, at least a page, that has `pivot` at `at` (0 left, 1 right); none if it holds all."""
    size = max(PAGE, int(span) & -PAGE)
    if size >= limits[1] - limits[0]:
        return None
    wanted = (pivot - int(size * at) + PAGE // 2) & -PAGE
    first = max(limits[0], min(wanted, limits[1] - size)) & -PAGE
    return first, min(limits[1], first + size)
