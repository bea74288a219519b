"""The address space as a ribbon: its regions to scale, and what of them is mapped."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from heapq import nsmallest
from itertools import groupby

from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.engine.selfpaging.domain_schema import RegionFold, Vregion
from vmwidgets.views.maps.axis import DRAWABLE, Segment, break_large_gaps, place, x_of
from vmwidgets.views.maps.ribbon import NOT_TO_SCALE, break_marks
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import MARGIN, Box
from vmwidgets.views.scene.model import Bar, Node
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.words.names import flag_words

from .picture import DomainAt, Extent

BAR, MAPPED, FOLDED = 26.0, 7.0, 2.0
"""Heights of the ribbon, of the bar in it where a part of a region is mapped, and of that bar at folded leaves."""

MAX_ROWS = 400

BROKEN = 92.0
"""Width in pixels of a gap at which the axis is broken: room for its size."""

MOST = 24
"""The most regions that are drawn; mapped memory is drawn for all regions."""

RegionSegment = Segment[Vregion]


def regions_part(seen: DomainAt) -> Part:
    """Return the ribbon: pale where a region is, filled where its memory is mapped, with addresses below."""

    def put(box: Box) -> Iterator[Node]:
        folded = _left_out(seen, shown_regions(seen))
        segments = place(_segments(seen, folded), box.x, box.w, broken=BROKEN)
        if not segments:
            return
        title = f"the addresses from {Address(segments[0].start)} to {Address(segments[-1].end)}"
        yield kit.chip("regions/ground", "axis", box, title=title)
        for segment in segments:
            region = segment.item
            yield _gap(seen, folded, segment, box.y) if region is None else _region(seen, segment, region, box.y)
        first = [one.start for one in segments if one.item and f"region:{one.item.id}" in seen.new]
        wanted = [segments[0].start, segments[-1].end, *first, *(one.start for one in segments if one.item)]
        place_of, width = partial(x_of, segments), box.x + box.w + MARGIN
        yield from kit.ticks("regions", wanted, place_of, seen.style, box.y + BAR + 1, width=width)
        if any(segment.broken for segment in segments):
            drop = kit.label("regions/scale", f"double bars: {NOT_TO_SCALE}", box.x, box.y + BAR + 20, most=box.w)
            yield drop

    return boxes.drawing(BAR, put)


def shown_regions(seen: DomainAt) -> tuple[Vregion, ...]:
    """Return the regions that are drawn: changed and selected ones, the slab frames' region, then the lowest."""
    regions = seen.value.regions
    if len(regions) <= MOST:
        return regions

    def rank(region: Vregion) -> tuple[bool, bool, bool, int]:
        thing = f"region:{region.id}"
        marked = thing in seen.new or thing == seen.selection
        return not marked, region.base != seen.value.meta_start, bool(region.memobj), region.base

    chosen = {region.id for region in nsmallest(MOST, regions, key=rank)}
    return tuple(region for region in regions if region.id in chosen)


def _segments(seen: DomainAt, folded: Mapping[int, RegionFold]) -> list[RegionSegment]:
    """Return segments for all used addresses: regions, folds, gaps, and gaps in which leaves map memory.

    A fold counts as a gap: if it is wide, the axis is broken there.
    """
    regions = shown_regions(seen)
    extents = seen.extents
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
    return _with_meta_broken(seen, break_large_gaps(_parted(segments, extents, folded)))


def _with_meta_broken(seen: DomainAt, segments: list[RegionSegment]) -> list[RegionSegment]:
    """Return the segments, with a break at the slab frames' region if it is so large that it would hide the others."""
    sizes = {segment.start: segment.end - segment.start for segment in segments if segment.item is not None}
    meta = seen.value.meta_start
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


def _region(seen: DomainAt, segment: RegionSegment, region: Vregion, y: float) -> Node:
    is_meta = region.base == seen.value.meta_start and not region.memobj
    inset = min(1.0, segment.w * 0.15)
    w = max(0.8, segment.w - 2 * inset)
    size, mapped = binary_size(region.size), sum(one.end - one.start for one in _extents(seen, segment))
    name = "slab frames" if is_meta else visible(region.memobj)
    extra = f"{binary_size(seen.value.meta_used)} used" if is_meta else flag_words(region.flags)
    wanted = tuple(words for words in (f"{name} {size}, {extra}", f"{name} {size}", name, size) if words)
    title = (
        f"region {Address(region.base)}–{Address(region.end)}, {size}{f': {name}' if name else ''}, {extra}, "
        f"{binary_size(mapped)} mapped{f', {NOT_TO_SCALE}' if segment.broken else ''}"
    )
    is_whole = mapped >= region.size
    return kit.chip(
        f"regions/{region.id}", "range", Box(segment.x + inset, y, w, BAR), wanted, spare=18 if segment.broken else 8,
        foot=0 if is_whole else MAPPED, state=("kernel" if is_meta else "anonymous", *(() if is_whole else ("pale",)),
                                               *seen.states(f"region:{region.id}")),
        bars=(*(() if is_whole else _mapped(seen, segment, w)), *(break_marks(w, BAR) if segment.broken else ())),
        thing=f"region:{region.id}", title=title, lane="regions",
    )  # fmt: skip


def _extents(seen: DomainAt, segment: RegionSegment) -> Sequence[Extent]:
    """Return what is mapped in a segment."""
    extents = seen.extents
    places = [extent.start for extent in extents]
    return extents[bisect_left(places, segment.start) : bisect_left(places, segment.end)]


def _mapped(seen: DomainAt, segment: RegionSegment, w: float) -> Iterator[Bar]:
    """Yield bars at the lower edge where memory is mapped, neighbours joined; thin where it is in folded leaves."""
    share = w / (segment.end - segment.start)
    for is_folded, run in groupby(_extents(seen, segment), key=lambda extent: extent.vnode is None):
        some = list(run)
        start, end = some[0].start, min(some[-1].end, segment.end)
        h = FOLDED if is_folded else MAPPED
        style = "own-kernel" if segment.start == seen.value.meta_start else "own-anonymous"
        yield Bar((start - segment.start) * share, BAR - h, max(1.5, (end - start) * share), h, style)


def _gap(seen: DomainAt, folded: Mapping[int, RegionFold], segment: RegionSegment, y: float) -> Node:
    """Return a range of addresses without drawn regions: it has no regions, or folded regions."""
    size = binary_size(segment.end - segment.start)
    count = folded[segment.start].count if segment.start in folded else 0
    many = counted(count, "region")
    what = f"{many} in" if count else "no region:"
    mapped = sum(one.end - one.start for one in _extents(seen, segment))
    title = f"{what} {Address(segment.start)}–{Address(segment.end)}, {size}"
    bars = (*_mapped(seen, segment, segment.w), *(break_marks(segment.w, BAR) if segment.broken else ()))
    return kit.chip(
        f"regions/gap/{segment.start:x}", "gap", Box(segment.x, y, segment.w, BAR),
        (many, f"+{count:,}") if count else size, style="label dim", spare=16, foot=MAPPED if mapped else 0, bars=bars,
        title=title + (f", {binary_size(mapped)} mapped" if mapped else "")
        + (f", {NOT_TO_SCALE}" if segment.broken else ""),
    )  # fmt: skip


def _left_out(seen: DomainAt, drawn: Sequence[Vregion]) -> dict[int, RegionFold]:
    """Return the regions that are not drawn, neighbours joined, by the address where the first begins."""
    ids, bases = {region.id for region in drawn}, [region.base for region in drawn]
    parts = [RegionFold(one.base, one.base + one.size, 1) for one in seen.value.regions if one.id not in ids]
    found: dict[int, RegionFold] = {}
    for _, group in groupby(
        sorted([*parts, *seen.value.region_folds], key=lambda part: part.start),
        key=lambda part: bisect_left(bases, part.start),
    ):
        run = list(group)
        found[run[0].start] = RegionFold(run[0].start, run[-1].end, sum(part.count for part in run))
    return found


REGIONS_HEADER = ("from", "to", "size", "what", "flags", "offset")


def regions_rows(seen: DomainAt) -> Iterator[tuple[str, ...]]:
    """Yield every region."""
    shown = seen.value.regions[:MAX_ROWS]
    for region in shown:
        is_meta = region.base == seen.value.meta_start and not region.memobj
        what = f"slab frames, {binary_size(seen.value.meta_used)} used" if is_meta else visible(region.memobj)
        yield (str(Address(region.base)), str(Address(region.end)), binary_size(region.size), what,
               flag_words(region.flags), f"{region.offset:#x}")  # fmt: skip  # a row
    left_out = seen.value.region_count - len(shown)
    if left_out > 0:
        yield f"… {left_out:,} more", *[""] * (len(REGIONS_HEADER) - 1)
