"""Segments, or a base and bounds: a program's addresses, and next to them their places in physical memory.

These pictures have no machine, and do not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from vmwidgets.engine.base.units import Address, binary_size, listed
from vmwidgets.on_paper.segments_schema import Segment, SegmentsValue, Stretch
from vmwidgets.views.maps.ribbon import NOT_TO_SCALE
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.key import RANGES
from vmwidgets.views.scene.kit import Box, Line
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Table
from vmwidgets.views.scene.text import text_width
from vmwidgets.views.story.words.pictures import say_segments

from .at import At
from .registry import picture_of

VIRTUAL, BETWEEN, BESIDE = 0.4, 60.0, 28.0
"""The virtual side's share of the width; the room for bands, and around two words in a row."""


@picture_of(first_for=SegmentsValue, name="Placement")
def placement(at: At) -> Scene:
    """Return a program's segments, or its single piece, at their places in physical memory.

    `target` is the ``layout`` of a ``vm.BaseAndBounds`` or a ``vm.Segments``.  Free pieces are drawn if they are known,
    for example after a check of 00/segments.  A segment is marked if its memory is in use or belongs to another
    program.

    >>> import vmwidgets as vm
    >>> vm.Placement(vm.BaseAndBounds(base=0x8000, bounds=0x1000).layout)
    Placement: ...
    """
    value: SegmentsValue = at.target
    stretches = value.stretches
    rows = [
        (str(Address(one.start)), str(Address(one.end)), binary_size(one.end - one.start), _what(value, one))
        for one in stretches
    ]
    memory = boxes.below(
        boxes.words("segments/physical", f"physical memory, {NOT_TO_SCALE}"),
        *(_stretch(value, one) for one in stretches),
        gap=8,
    )

    def sides(w: float) -> Part:
        virtual = (w - BETWEEN) * VIRTUAL
        return boxes.columns((virtual, _program(value.segments, virtual)), (0, memory), gap=BETWEEN)

    def bands(placed: Mapping[str, Node]) -> Iterator[Link]:
        for one in value.segments:
            yield from (_band(one, placed, other) for other in stretches if one.name in other.names)

    return boxes.picture(
        "segments",
        "a program in physical memory",
        "",
        boxes.linked(boxes.sized(sides), bands),
        caption=_caption(value, stretches),
        table=Table(("from", "up to", "size", "what"), rows),
        width=at.width,
    )


def _program(segments: Sequence[Segment], w: float) -> Part:
    """Return the segments in the program's addresses: with both ends and sizes if `w` has room for all of them."""
    is_whole = all(_limits_fit(one, w) for one in segments)
    head = boxes.words("segments/virtual", f"virtual addresses, {NOT_TO_SCALE}")
    return boxes.below(head, *(_segment(one, is_whole=is_whole) for one in segments), gap=8)


def _band(one: Segment, at: Mapping[str, Node], other: Stretch) -> Link:
    """Return a band from a segment to its place in memory; no box is in between."""
    left, right = at[f"segments/{one.name}"], at[f"segments/at/{other.start:x}"]
    ends = (Box(node.x, node.y, node.w, node.h) for node in (left, right))
    return kit.band_across(f"{left.id}>{right.id}", left.id, right.id, *ends, state=(_kind(one.name),))


def _limits(one: Segment) -> str:
    """Return a segment's first and last address in the program."""
    return f"{Address(one.start)}–{Address(one.start + one.size)}"


def _limits_fit(one: Segment, room: float) -> bool:
    """Return whether a box this wide has room for both ends of a segment, next to its size."""
    return text_width(_limits(one), "mono label") + text_width(binary_size(one.size)) + BESIDE <= room


def _segment(one: Segment, *, is_whole: bool) -> Part:
    """Return a segment in the program's addresses: its ends and size if `is_whole`, otherwise its start.

    In the second case, the segment's box in physical memory shows the size.
    """
    if not one.size:
        return boxes.card(f"segments/{one.name}", [one.name, "no size yet"], state=("dim",))
    limits, size = _limits(one), binary_size(one.size)
    second = Line(limits, "mono label", size) if is_whole else Line(f"{Address(one.start)}…", "mono label")
    title = f"{one.name}, {limits}, {size} {one.rights}: base {Address(one.base)}"
    rows = [Line(one.name, "strong", one.rights), second]
    return boxes.card(f"segments/{one.name}", rows, title=title, strip=[_kind(one.name)])


def _stretch(value: SegmentsValue, one: Stretch) -> Part:
    what, size = _what(value, one), binary_size(one.end - one.start)
    limits = f"{Address(one.start)}–{Address(one.end)}"
    wrong = len(one.names) > 1 or (bool(one.names) and not one.free)
    ways = (what, f"{listed(one.names)}, in use") if wrong and not one.free else what
    rows = [
        Line(ways, "strong" if one.names else "label", size),
        Line((limits, f"{Address(one.start)}…"), "mono label"),
    ]
    is_known = bool(value.free) and not one.names  # else the value does not say what is free
    state = ("fault",) if wrong else ("free" if one.free else "taken",) if is_known else ()
    return boxes.card(
        f"segments/at/{one.start:x}",
        rows,
        kind="piece" if is_known else "card",
        title=f"{limits}, {size}: {what}",
        state=state,
        strip=[*map(_kind, one.names)],
    )


def _kind(name: str) -> str:
    """Return the kind of memory of a segment, by its name, which determines its colour.

    >>> [_kind(name) for name in ("code", "Stack", "program")]
    ['code', 'stack', 'anonymous']
    """
    return name.casefold() if name.casefold() in RANGES else "anonymous"


def _what(value: SegmentsValue, one: Stretch) -> str:
    """Return the contents of a stretch of memory, in words."""
    if not one.names:
        return "other memory" if not value.free else "free" if one.free else "in use"
    return listed(one.names) if one.free else f"{listed(one.names)}, in memory in use"


def _caption(value: SegmentsValue, stretches: Sequence[Stretch]) -> Caption:
    over = dict.fromkeys(listed(one.names) for one in stretches if len(one.names) > 1)
    outside = dict.fromkeys(name for one in stretches if not one.free for name in one.names)
    left = [one.end - one.start for one in stretches if one.free and not one.names] if value.free else []
    taken = [stretch for stretch in stretches if stretch.names]
    pieces = sum(one.start != before.end for before, one in pairwise(taken)) + 1
    placed = say_segments("segments/placed", pieces) if value.placed else say_segments("segments/none")
    free = (
        say_segments("segments/free", len(left), size=binary_size(sum(left)), largest=binary_size(max(left)))
        if left
        else ""
    )
    wrong = [say_segments("segments/outside", names=listed([*outside]))] * bool(outside)
    wrong += [say_segments("segments/over", names="; ".join(over))] * bool(over)
    return Caption(" ".join(wrong) or placed, (), free, "error" if wrong else "plain")
