"""The address space as a ribbon: regions to scale, how much of the slab frames' region is used, what is mapped."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from heapq import nsmallest

from ..engine.base.domain_values import RegionValue
from ..engine.base.units import Address, binary_size
from .columns import MARGIN
from .domain_picture import DomainPicture, Extent
from .domain_words import counted, flag_words
from .ribbon import Segment, break_large_gaps, place, x_of
from .scene import Bar, Node, Table, Text
from .text import shorten, text_width, visible

BAR, LEAVES = 30.0, 8.0
"""Height of the ribbon; of the strip below it, of what is mapped."""

BROKEN = 92.0
"""Pixels of a gap at which the axis is broken: room for its size."""

MOST = 24
"""Regions that are drawn; what is mapped is drawn of all."""

RegionSegment = Segment[RegionValue]


def regions_lane(picture: DomainPicture, top: float) -> tuple[list[Node], float]:
    """Nodes of the ribbon, and the y where it ends."""
    segments = place(_segments(picture), MARGIN, picture.width - 2 * MARGIN, broken=BROKEN)
    if not segments:
        return [], top
    title = f"the addresses from {Address(segments[0].start)} to {Address(segments[-1].end)}"
    w = picture.width - 2 * MARGIN
    nodes = [Node("regions/ground", "axis", MARGIN, top, w, BAR, title=title)]
    folded = _folded_regions(picture)
    nodes += [
        _gap(folded, segment, top) if segment.item is None else _region(picture, segment, segment.item, top)
        for segment in segments
    ]
    nodes.append(_mapped(picture, segments, top + BAR + 3))
    nodes += _ticks(picture, segments, top + BAR + LEAVES + 4)
    return nodes, top + BAR + LEAVES + 28


def shown_regions(picture: DomainPicture) -> tuple[RegionValue, ...]:
    """The regions that are drawn: those that changed or are selected, then the lowest."""
    regions = picture.value.regions
    if len(regions) <= MOST:
        return regions

    def rank(region: RegionValue) -> tuple[bool, bool, int]:
        thing = f"region:{region.id}"
        return not (thing in picture.new or thing == picture.selection), bool(region.memobj), region.base

    chosen = {region.id for region in nsmallest(MOST, regions, key=rank)}
    return tuple(region for region in regions if region.id in chosen)


def _segments(picture: DomainPicture) -> list[RegionSegment]:
    """Regions and the gaps between them, from the first to the end of what is in use; leaves outside count too."""
    regions = shown_regions(picture)
    extents = picture.extents
    edges = [*(region.base for region in regions), *(extent.start for extent in extents)]
    ends = [*(region.base + region.size for region in regions), *(extent.end for extent in extents)]
    if not edges:
        return []
    segments: list[RegionSegment] = []
    at = min(edges)
    for region in regions:
        if region.base > at:
            segments.append(Segment(None, at, region.base))
        segments.append(Segment(region, region.base, region.base + region.size))
        at = region.base + region.size
    if max(ends) > at:
        segments.append(Segment(None, at, max(ends)))
    return break_large_gaps(_parted(segments, extents))


def _parted(segments: Sequence[RegionSegment], extents: Sequence[Extent]) -> list[RegionSegment]:
    """Gaps cut where something is mapped outside of all regions, so that the axis is never broken there."""
    result: list[RegionSegment] = []
    places = [extent.start for extent in extents]
    for segment in segments:
        inside = extents[bisect_left(places, segment.start) : bisect_left(places, segment.end)]
        if segment.item is not None or not inside:
            result.append(segment)
            continue
        at = segment.start
        first, last = inside[0].start, inside[-1].end
        for start, end in ((at, first), (first, min(last, segment.end)), (min(last, segment.end), segment.end)):
            if start < end:
                result.append(Segment(None, start, end))
    return result


def _region(picture: DomainPicture, segment: RegionSegment, region: RegionValue, y: float) -> Node:
    meta = region.base == picture.value.meta_start and not region.memobj
    inset = min(1.0, segment.w * 0.15)
    w = max(0.8, segment.w - 2 * inset)
    size = binary_size(region.size)
    used = picture.value.meta_used
    name = "slab frames" if meta else visible(region.memobj)
    extra = f"{binary_size(used)} used" if meta else flag_words(region.flags)
    wanted = (f"{name} {size}, {extra}", f"{name} {size}", name, size)
    label = next((words for words in wanted if words and text_width(words, "label") <= w - 8), "")
    bars: tuple[Bar, ...] = ()
    if meta and used:
        bars = (Bar(0, BAR - 7, max(2.0, w * min(1.0, used / region.size)), 7, "wired"),)
    title = (
        f"region {Address(region.base)}–{Address(region.base + region.size)}, {size}"
        f"{f': {name}' if name else ''}, {extra}"
    )
    return Node(
        f"regions/{region.id}", "range", segment.x + inset, y, w, BAR, f"region:{region.id}", bars=bars,
        text=(Text(w / 2, 15, label, "label", "middle"),) if label else (),
        state=("static" if meta else "object", *picture.states(f"region:{region.id}")), title=title, action="select",
        lane="regions",
    )  # fmt: skip


def _gap(left_out: Sequence[tuple[int, int]], segment: RegionSegment, y: float) -> Node:
    """A piece of the addresses in which no region is drawn: none is there, or some are `left_out`."""
    size = binary_size(segment.end - segment.start)
    folded = sum(count for start, count in left_out if segment.start <= start < segment.end)
    wanted = counted(folded, "region") if folded else size
    label = shorten(wanted, segment.w - 16, "label") if text_width(wanted, "label") <= segment.w - 16 else ""
    text = (Text(segment.w / 2, 19, label, "label dim", "middle"),) if label else ()
    bars = (
        (Bar(1, 3, 1.5, BAR - 6, "line"), Bar(4, 3, 1.5, BAR - 6, "line"),
         Bar(segment.w - 6, 3, 1.5, BAR - 6, "line"), Bar(segment.w - 3, 3, 1.5, BAR - 6, "line"))
        if segment.broken and segment.w > 14 else ()
    )  # fmt: skip
    what = f"{counted(folded, 'region')} in" if folded else "no region:"
    title = f"{what} {Address(segment.start)}–{Address(segment.end)}, {size}"
    return Node(
        f"regions/gap/{segment.start:x}", "gap", segment.x, y, segment.w, BAR, text=text, bars=bars, title=title
    )


def _folded_regions(picture: DomainPicture) -> list[tuple[int, int]]:
    """Regions that are not drawn: where they begin, and how many."""
    drawn = {region.id for region in shown_regions(picture)}
    starts = [(region.base, 1) for region in picture.value.regions if region.id not in drawn]
    return [*starts, *((fold.start, fold.count) for fold in picture.value.region_folds)]


def _mapped(picture: DomainPicture, segments: Sequence[RegionSegment], y: float) -> Node:
    """A strip of what is mapped, neighbours joined."""
    runs: list[tuple[float, float, str]] = []
    at = 0
    for start, end, level, vnode in picture.extents:
        while at < len(segments) - 1 and segments[at].end <= start:
            at += 1
        here = segments[at]
        if not here.start <= start < here.end:
            continue
        left = here.place(start)
        right = here.place(end) if end <= here.end else x_of(segments, end) or here.x + here.w
        style = "new" if vnode in picture.fresh else "object" if level > 1 else "plain"
        if runs and runs[-1][2] == style and left <= runs[-1][1] + 0.5:
            runs[-1] = (runs[-1][0], max(right, runs[-1][1]), style)
        else:
            runs.append((left, right, style))
    bars = [Bar(left - MARGIN, 0, max(1.5, right - left), LEAVES, style) for left, right, style in runs]
    _, leaves, total = picture.below[picture.value.root.id]
    title = f"mapped: {leaves:,} leaves, {binary_size(total)}"
    w = picture.width - 2 * MARGIN
    return Node("regions/mapped", "strip", MARGIN, y, w, LEAVES, shape="none", bars=tuple(bars), title=title)


def _ticks(picture: DomainPicture, segments: Sequence[RegionSegment], y: float) -> list[Node]:
    """Addresses below: both ends, then where regions begin, as far as they do not meet."""
    wanted = [segments[0].start, segments[-1].end]
    new = [segment.start for segment in segments if segment.item and f"region:{segment.item.id}" in picture.new]
    wanted += new + [segment.start for segment in segments if segment.item is not None]
    nodes: list[Node] = []
    taken: list[tuple[float, float]] = []
    last = segments[-1].end
    for address in dict.fromkeys(wanted):
        x = x_of(segments, address)
        if x is None:
            continue
        label = picture.style.long(address)
        w = text_width(label, "mono label")
        shift = 0.0 if address == wanted[0] else w if address == last else 4.0
        left = min(max(MARGIN, x - shift), picture.width - MARGIN - w)
        if any(left < b + 8 and left + w > a - 8 for a, b in taken):
            continue
        taken.append((left, left + w))
        bars = (Bar(min(max(0.0, x - left), w), 0, 1, 5, "tick"),)
        text = (Text(w / 2, 16, label, "mono label dim", "middle"),)
        nodes.append(Node(f"regions/tick/{address:x}", "label", left, y, w, 20, shape="none", text=text, bars=bars))
    return nodes


MAX_ROWS = 400
REGIONS_HEADER = ("from", "to", "size", "what", "flags", "offset")


def regions_table(picture: DomainPicture) -> Table:
    """Every region in a row."""
    rows: list[tuple[str, ...]] = []
    for region in picture.value.regions[:MAX_ROWS]:
        meta = region.base == picture.value.meta_start and not region.memobj
        what = f"slab frames, {binary_size(picture.value.meta_used)} used" if meta else visible(region.memobj)
        rows.append((str(Address(region.base)), str(Address(region.base + region.size)), binary_size(region.size), what,
                     flag_words(region.flags), f"{region.offset:#x}"))  # fmt: skip
    left_out = picture.value.region_count - len(rows)
    if left_out > 0:
        rows.append((f"… {left_out:,} more", *[""] * (len(REGIONS_HEADER) - 1)))
    return Table(REGIONS_HEADER, tuple(rows))
