"""Segments: a program's addresses, and next to them their places in physical memory, from the lowest up."""

from __future__ import annotations

from vmwidgets.engine.base.units import Address, binary_size, listed
from vmwidgets.engine.paper.segments_schema import Segment, SegmentsValue, Stretch
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.key import RANGES
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box, Line
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table
from vmwidgets.views.scene.text import text_width
from vmwidgets.views.story.words.pictures import say_segments

HIGH, STEP, TOP = 42.0, 50.0, 30.0
"""Height of a box, distance of two boxes, and the y of the first box."""

VIRTUAL, BETWEEN, BESIDE = 0.4, 60.0, 28.0
"""The virtual side's share of the width; the room for bands, and around two words in a row."""


def draw_segments(value: SegmentsValue, *, width: float = WIDTH) -> Scene:
    """Return the scene of a program's segments."""
    room = width - 2 * MARGIN - BETWEEN
    w = room * VIRTUAL
    x = MARGIN + w + BETWEEN
    heads = [
        kit.label("segments/virtual", "virtual addresses", MARGIN, 4),
        kit.label("segments/physical", "physical memory", x, 4),
    ]
    is_whole = all(_limits_fit(one, w) for one in value.segments)
    left = [
        _segment(one, Box(MARGIN, TOP + STEP * n, w, HIGH), is_whole=is_whole) for n, one in enumerate(value.segments)
    ]
    stretches = value.stretches
    right = [_stretch(value, one, Box(x, TOP + STEP * n, room - w, HIGH)) for n, one in enumerate(stretches)]
    links = [
        _band(node, target)
        for one, node in zip(value.segments, left, strict=True)
        for target in [box for box, at in zip(right, stretches, strict=True) if one.name in at.names]
    ]
    rows = [
        (str(Address(one.start)), str(Address(one.end)), binary_size(one.end - one.start), _what(value, one))
        for one in stretches
    ]
    return kit.scene(
        "segments", "a program in physical memory", "", [*heads, *left, *right], caption=_caption(value),
        table=Table(("from", "up to", "size", "what"), tuple(rows)), links=links, width=width,
    )  # fmt: skip


def _limits(one: Segment) -> str:
    """Return a segment's first and last address in the program."""
    return f"{Address(one.start)}–{Address(one.start + one.size)}"


def _limits_fit(one: Segment, room: float) -> bool:
    """Return whether a box this wide has room for both ends of a segment, next to its size."""
    return text_width(_limits(one), "mono label") + text_width(binary_size(one.size)) + BESIDE <= room


def _segment(one: Segment, box: Box, *, is_whole: bool) -> Node:
    """Return a segment in the program's addresses: its ends and size if `is_whole`, otherwise its start.

    The box of physical memory that it points to has its size.
    """
    if not one.size:
        return kit.card(f"segments/{one.name}", box, [one.name, "no size yet"], state=("dim",))
    limits = _limits(one)
    second = (
        Line(limits, "mono label", binary_size(one.size)) if is_whole else Line(f"{Address(one.start)}…", "mono label")
    )
    rows = [Line(one.name, "strong", one.rights), second]
    title = f"{one.name}, {limits}, {binary_size(one.size)} {one.rights}: base {Address(one.base)}"
    return kit.card(f"segments/{one.name}", box, rows, title=title, bar=_kind(one.name))


def _stretch(value: SegmentsValue, one: Stretch, box: Box) -> Node:
    what, size = _what(value, one), binary_size(one.end - one.start)
    limits = f"{Address(one.start)}–{Address(one.end)}"
    wrong = len(one.names) > 1 or (bool(one.names) and not one.free)
    ways = (what, f"{listed(one.names)}, in use") if wrong and not one.free else what
    rows = [Line(ways, "strong" if one.names else "label", size), Line(limits, "mono label")]
    is_known = bool(value.free) and not one.names  # else the value does not say what is free
    state = ("fault",) if wrong else ("free" if one.free else "taken",) if is_known else ()
    kind, title = "piece" if is_known else "card", f"{limits}, {size}: {what}"
    part = box.w / max(1, len(one.names))  # each segment has its own
    bar = _kind(one.names[0]) if one.names else ""
    bars = [Bar(part * number, 0, part, 4, _kind(name)) for number, name in enumerate(one.names[1:], 1)]
    return kit.card(f"segments/at/{one.start:x}", box, rows, kind=kind, title=title, state=state, bar=bar, bars=bars)


def _kind(name: str) -> str:
    """Return the kind of memory of a segment, by its name, which determines its colour.

    >>> [_kind(name) for name in ("code", "Stack", "program")]
    ['code', 'stack', 'anonymous']
    """
    return name.casefold() if name.casefold() in RANGES else "anonymous"


def _band(left: Node, right: Node) -> Link:
    """Return a band between both boxes of a segment; no box is in between."""
    ends = (Box(one.x, one.y, one.w, one.h) for one in (left, right))
    kind = _kind(left.id.partition("/")[2])
    return kit.band_across(f"{left.id}>{right.id}", left.id, right.id, *ends, state=(kind,))


def _what(value: SegmentsValue, one: Stretch) -> str:
    """Return the contents of a stretch of memory, in words."""
    if not one.names:
        return "other memory" if not value.free else "free" if one.free else "in use"
    return listed(one.names) if one.free else f"{listed(one.names)}, in memory in use"


def _caption(value: SegmentsValue) -> Caption:
    stretches = value.stretches
    over = dict.fromkeys(listed(one.names) for one in stretches if len(one.names) > 1)
    outside = dict.fromkeys(name for one in stretches if not one.free for name in one.names)
    left = [one.end - one.start for one in stretches if one.free and not one.names] if value.free else []
    placed = say_segments("segments/placed", len(value.placed)) if value.placed else say_segments("segments/none")
    free = (
        say_segments("segments/free", len(left), size=binary_size(sum(left)), largest=binary_size(max(left)))
        if left
        else ""
    )
    wrong = [say_segments("segments/outside", names=listed([*outside]))] * bool(outside)
    wrong += [say_segments("segments/over", names="; ".join(over))] * bool(over)
    return Caption(" ".join(wrong) or placed, (), free, "error" if wrong else "plain")
