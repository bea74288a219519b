"""The regions of a domain's address space, in the order of addresses: their sizes, and how much of each is mapped."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import partial
from heapq import nsmallest

from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.engine.selfpaging.domain_schema import Vregion
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node
from vmwidgets.views.scene.text import text_width, visible
from vmwidgets.views.story.words.names import flag_words

from .picture import DomainAt

MOST, HIGH, MAX_ROWS = 6, 44.0, 400
"""The most regions that are drawn; a region's height; the most regions in the table."""


def regions_part(seen: DomainAt) -> Part:
    """Return the regions side by side, with what lies between them: free addresses, or regions that are left out."""
    parts: list[tuple[float, Part]] = []
    end = 0
    for region in shown_regions(seen):
        parts += _between(seen, end, region.base) if end else []
        words = _words(seen, region), seen.style.long(region.base)
        wide = max(text_width(words[0]), text_width(words[1], "mono label")) + 16
        parts.append((wide, boxes.thing(HIGH, partial(_region, seen, region, words))))
        end = region.end
    parts += _between(seen, end, 0) if end else []
    return boxes.flowing(parts, gap=6)


def shown_regions(seen: DomainAt) -> list[Vregion]:
    """Return the regions that are drawn: changed and selected ones, the slab frames' region, then the lowest."""

    def rank(region: Vregion) -> tuple[bool, bool, int]:
        thing = f"region:{region.id}"
        return thing not in seen.new and thing != seen.selection, region.base != seen.value.meta_start, region.base

    return sorted(nsmallest(MOST, seen.value.regions, key=rank), key=lambda region: region.base)


def _between(seen: DomainAt, start: int, end: int) -> list[tuple[float, Part]]:
    """Return what lies between two regions that are drawn, or after the last (`end` is 0)."""
    alone = sum(start <= one.base and (one.base < end or not end) for one in seen.value.regions)
    left_out = alone + sum(
        one.count for one in seen.value.region_folds if start <= one.start and (one.start < end or not end)
    )
    if left_out:
        said = f"+{left_out:,}"
        title = f"{counted(left_out, 'region')} more from {Address(start)} on"
        return [(52.0, boxes.folded(f"regions/fold/{start:x}", said, title=title, lane="regions", high=HIGH))]
    if end <= start:
        return []
    said = f"{binary_size(end - start)} free"
    title = f"no region: {Address(start)}–{Address(end)}, {binary_size(end - start)}"
    name = f"regions/gap/{start:x}"
    gap = boxes.thing(HIGH, lambda box: kit.chip(name, "gap", box, said, style="label dim", title=title))
    return [(text_width(said) + 12, gap)]


def _words(seen: DomainAt, region: Vregion) -> str:
    if is_of_the_slab(seen, region):
        return f"slab frames {binary_size(region.size)}"
    return f"{visible(region.memobj)} {binary_size(region.size)} {flag_words(region.flags)}".lstrip()


def is_of_the_slab(seen: DomainAt, region: Vregion) -> bool:
    """Return whether a region is the one in which the slab's frames are mapped."""
    return region.base == seen.value.meta_start and not region.memobj


def mapped_in(seen: DomainAt, region: Vregion) -> int:
    """Return how much of a region is mapped."""
    first, last = (bisect_left(seen.extents, (at, 0)) for at in (region.base, region.end))
    return sum(min(end, region.end) - start for start, end in seen.extents[first:last])


def _region(seen: DomainAt, region: Vregion, words: tuple[str, str], box: Box) -> Node:
    mapped, size = mapped_in(seen, region), binary_size(region.size)
    thing, style = f"region:{region.id}", "own-kernel" if is_of_the_slab(seen, region) else "own-anonymous"
    share = box.w * min(1.0, mapped / region.size)
    bars = [Bar(0, box.h - 4, box.w, 4, "rail"), Bar(0, box.h - 4, max(2.0, share), 4, style)][: 1 + bool(mapped)]
    title = f"region {Address(region.base)}–{Address(region.end)}, {size}: {words[0]}, {binary_size(mapped)} mapped"
    return kit.cell(
        f"regions/{region.id}",
        "region",
        box,
        ((words[0], "label"), (words[1], "mono label dim")),
        feet=(16.0, 33.0),
        bars=bars,
        thing=thing,
        state=(f"holds-{style}", *seen.states(thing)),
        title=title,
        lane="regions",
    )


REGIONS_HEADER = ("from", "to", "size", "what", "flags", "offset")


def regions_rows(seen: DomainAt) -> Iterator[tuple[str, ...]]:
    """Yield every region."""
    shown = seen.value.regions[:MAX_ROWS]
    for region in shown:
        used = f"slab frames, {binary_size(seen.value.meta_used)} used"
        what = used if is_of_the_slab(seen, region) else visible(region.memobj)
        yield (
            str(Address(region.base)),
            str(Address(region.end)),
            binary_size(region.size),
            what,
            flag_words(region.flags),
            f"{region.offset:#x}",
        )
    left_out = seen.value.region_count - len(shown)
    if left_out > 0:
        yield f"… {left_out:,} more", *[""] * (len(REGIONS_HEADER) - 1)
