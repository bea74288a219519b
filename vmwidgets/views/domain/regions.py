"""The address space as a ribbon: regions to scale, the used part of the slab frames' region, and mapped memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import nsmallest
from itertools import groupby
from typing import NamedTuple

from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.engine.selfpaging.domain_schema import RegionFold, Vregion
from vmwidgets.views.maps.axis import DRAWABLE, Segment, break_large_gaps, place, x_of
from vmwidgets.views.maps.ribbon import NOT_TO_SCALE, break_marks
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, Box
from vmwidgets.views.scene.model import Bar, Node, Table
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.words.names import flag_words

from .picture import DomainPicture, Extent

BAR, LEAVES, FOLDED = 30.0, 8.0, 2.0
"""Heights of the ribbon, of the strip of mapped memory below it, and of that strip at folded leaves."""

BROKEN = 92.0
"""Width in pixels of a gap at which the axis is broken: room for its size."""

MOST = 24
"""The most regions that are drawn; mapped memory is drawn for all regions."""

_USED = 6.0
"""Height of the strip in the slab frames' region that says how much of it is used."""

RegionSegment = Segment[Vregion]


class RegionAxis(NamedTuple):
    """The axis of the ribbon, and the regions left out, by their first address."""

    segments: Sequence[RegionSegment]
    folded: Mapping[int, RegionFold]

    @property
    def is_to_scale(self) -> bool:
        """Return whether the axis has no break."""
        return not any(segment.broken for segment in self.segments)


def region_axis(picture: DomainPicture) -> RegionAxis:
    """Return the axis of the addresses that a domain uses."""
    folded = _left_out(picture, shown_regions(picture))
    segments = place(_segments(picture, folded), MARGIN, picture.width - 2 * MARGIN, broken=BROKEN)
    return RegionAxis(segments, folded)


def regions_lane(picture: DomainPicture, axis: RegionAxis, box: Box) -> Iterator[Node]:
    """Yield the ribbon on this axis, with mapped memory and addresses below it."""
    segments, folded = axis
    if not segments:
        return
    title = f"the addresses from {Address(segments[0].start)} to {Address(segments[-1].end)}"
    yield kit.chip("regions/ground", "axis", box._replace(h=BAR), title=title)
    for segment in segments:
        region = segment.item
        yield _gap(folded, segment, box.y) if region is None else _region(picture, segment, region, box.y)
    yield _mapped(picture, segments, box._replace(y=box.y + BAR + 3, h=LEAVES))
    yield from _ticks(picture, segments, box.y + BAR + LEAVES + 4)


def shown_regions(picture: DomainPicture) -> tuple[Vregion, ...]:
    """Return the regions that are drawn: changed and selected ones, the slab frames' region, then the lowest."""
    regions = picture.value.regions
    if len(regions) <= MOST:
        return regions

    def rank(region: Vregion) -> tuple[bool, bool, bool, int]:
        thing = f"region:{region.id}"
        marked = thing in picture.new or thing == picture.selection
        return not marked, region.base != picture.value.meta_start, bool(region.memobj), region.base

    chosen = {region.id for region in nsmallest(MOST, regions, key=rank)}
    return tuple(region for region in regions if region.id in chosen)


def _segments(picture: DomainPicture, folded: Mapping[int, RegionFold]) -> list[RegionSegment]:
    """Return segments for all used addresses: regions, folds, gaps, and gaps in which leaves map memory.

    A fold counts as a gap: if it is wide, the axis is broken there.
    """
    regions = shown_regions(picture)
    extents = picture.extents
    edges = [*(region.base for region in regions), *folded, *(extent.start for extent in extents)]
    parts: list[tuple[int, int, Vregion | None]] = [
        *((region.base, region.base + region.size, region) for region in regions),
        *((fold.start, fold.end, None) for fold in folded.values()),
    ]
    ends = [*(end for _, end, _ in parts), *(extent.end for extent in extents)]
    if not edges:
        return []
    segments: list[RegionSegment] = []
    at = min(edges)
    for start, end, region in sorted(parts, key=lambda part: part[0]):
        if start > at:
            segments.append(Segment(None, at, start))
        segments.append(Segment(region, start, end))
        at = end
    if max(ends) > at:
        segments.append(Segment(None, at, max(ends)))
    return _with_meta_broken(picture, break_large_gaps(_parted(segments, extents, folded)))


def _with_meta_broken(picture: DomainPicture, segments: list[RegionSegment]) -> list[RegionSegment]:
    """Return the segments, with a break at the slab frames' region if it is so large that it would hide the others."""
    sizes = {segment.start: segment.end - segment.start for segment in segments if segment.item is not None}
    meta = picture.value.meta_start
    if meta not in sizes or not 0 < DRAWABLE * (sum(sizes.values()) - sizes[meta]) < sizes[meta]:
        return segments
    return [replace(segment, broken=segment.broken or segment.start == meta) for segment in segments]


def _parted(
    segments: Sequence[RegionSegment], extents: Sequence[Extent], folded: Container[int]
) -> list[RegionSegment]:
    """Return the segments; a gap is divided where something is mapped in it, so that the axis is not broken there."""
    result: list[RegionSegment] = []
    places = [extent.start for extent in extents]
    for segment in segments:
        inside = extents[bisect_left(places, segment.start) : bisect_left(places, segment.end)]
        if segment.item is not None or segment.start in folded or not inside:
            result.append(segment)
            continue
        at = segment.start
        first, last = inside[0].start, inside[-1].end
        for start, end in ((at, first), (first, min(last, segment.end)), (min(last, segment.end), segment.end)):
            if start < end:
                result.append(Segment(None, start, end))
    return result


def _region(picture: DomainPicture, segment: RegionSegment, region: Vregion, y: float) -> Node:
    meta = region.base == picture.value.meta_start and not region.memobj
    inset = min(1.0, segment.w * 0.15)
    w = max(0.8, segment.w - 2 * inset)
    size = binary_size(region.size)
    used = picture.value.meta_used
    name = "slab frames" if meta else visible(region.memobj)
    extra = f"{binary_size(used)} used" if meta else flag_words(region.flags)
    wanted = tuple(words for words in (f"{name} {size}, {extra}", f"{name} {size}", name, size) if words)
    bars = break_marks(w, BAR) if segment.broken else ()
    if meta and used:
        share = max(2.0, w * min(1.0, used / region.size))
        bars = (Bar(0, BAR - _USED, w, _USED, "rail"), Bar(0, BAR - _USED, share, _USED, "used"), *bars)
    title = (
        f"region {Address(region.base)}–{Address(region.base + region.size)}, {size}"
        f"{f': {name}' if name else ''}, {extra}{f', {NOT_TO_SCALE}' if segment.broken else ''}"
    )
    return kit.chip(
        f"regions/{region.id}", "range", Box(segment.x + inset, y, w, BAR), wanted, spare=18 if segment.broken else 8,
        foot=_USED if meta and used else 0, bars=bars,
        state=("kernel" if meta else "anonymous", *picture.states(f"region:{region.id}")),
        thing=f"region:{region.id}", title=title, lane="regions",
    )  # fmt: skip


def _gap(folded: Mapping[int, RegionFold], segment: RegionSegment, y: float) -> Node:
    """Return a range of addresses without drawn regions: it has no regions, or folded regions."""
    size = binary_size(segment.end - segment.start)
    count = folded[segment.start].count if segment.start in folded else 0
    many = counted(count, "region")
    what = f"{many} in" if count else "no region:"
    title = f"{what} {Address(segment.start)}–{Address(segment.end)}, {size}"
    return kit.chip(
        f"regions/gap/{segment.start:x}", "gap", Box(segment.x, y, segment.w, BAR),
        (many, f"+{count:,}") if count else size, style="label dim", spare=16,
        bars=break_marks(segment.w, BAR) if segment.broken else (),
        title=title + (f", {NOT_TO_SCALE}" if segment.broken else ""),
    )  # fmt: skip


def _left_out(picture: DomainPicture, drawn: Sequence[Vregion]) -> dict[int, RegionFold]:
    """Return the regions that are not drawn, neighbours joined, by the address where the first begins."""
    ids, bases = {region.id for region in drawn}, [region.base for region in drawn]
    parts = [RegionFold(one.base, one.base + one.size, 1) for one in picture.value.regions if one.id not in ids]
    found: dict[int, RegionFold] = {}
    for _, group in groupby(
        sorted([*parts, *picture.value.region_folds], key=lambda part: part.start),
        key=lambda part: bisect_left(bases, part.start),
    ):
        run = list(group)
        found[run[0].start] = RegionFold(run[0].start, run[-1].end, sum(part.count for part in run))
    return found


def _mapped(picture: DomainPicture, segments: Sequence[RegionSegment], strip: Box) -> Node:
    """Return a strip of mapped memory, neighbours joined; thin where it is in folded leaves."""
    runs: list[tuple[float, float, tuple[str, float]]] = []
    at = 0
    for start, end, level, vnode in picture.extents:
        while at < len(segments) - 1 and segments[at].end <= start:
            at += 1
        here = segments[at]
        if not here.start <= start < here.end:
            continue
        left = here.place(start)
        right = here.place(end) if end <= here.end else x_of(segments, end) or here.x + here.w
        style = "new" if vnode in picture.fresh else "large-page" if level > 1 else "page"
        look = style, LEAVES if vnode is not None else FOLDED
        if runs and runs[-1][2] == look and left <= runs[-1][1] + 0.5:
            runs[-1] = (runs[-1][0], max(right, runs[-1][1]), look)
        else:
            runs.append((left, right, look))
    bars = [Bar(left - strip.x, (LEAVES - h) / 2, max(1.5, right - left), h, style) for left, right, (style, h) in runs]
    _, leaves, total = picture.below[picture.value.root.id]
    folded = "; thin where leaves are folded" if any(vnode is None for *_, vnode in picture.extents) else ""
    title = f"mapped: {leaves:,} leaves, {binary_size(total)}{folded}"
    return kit.chip("regions/mapped", "strip", strip, bars=tuple(bars), title=title, shape="none")


def _ticks(picture: DomainPicture, segments: Sequence[RegionSegment], y: float) -> list[Node]:
    """Return addresses below the ribbon: both ends, then the starts of regions, as far as there is room."""
    wanted = [segments[0].start, segments[-1].end]
    new = [segment.start for segment in segments if segment.item and f"region:{segment.item.id}" in picture.new]
    wanted += new + [segment.start for segment in segments if segment.item is not None]
    return kit.ticks("regions", wanted, lambda address: x_of(segments, address), picture.style, y, width=picture.width)


MAX_ROWS = 400
REGIONS_HEADER = ("from", "to", "size", "what", "flags", "offset")


def regions_table(picture: DomainPicture) -> Table:
    """Return every region in a row."""
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
