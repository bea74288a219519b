"""The ribbon lane: the places of entries and gaps.

A break of the axis has double bars; a gap there also has its size and the words "not to scale".  Overlapping entries
are at two heights, so that both are visible, and their overlap has a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import NAMED, Bar, Link, Node, Text
from vmwidgets.views.scene.text import short_count, text_width, wording

from .axis import LEAST_GAP, Axis, MapSegment, axis_of, pieces_of, x_of
from .columns import GAP, Column
from .entries import room_below
from .overlaps import Overlap, levels_of, overlaps_of
from .picture import Drawn, MapPicture, entry_marks, plain_ones
from .runs import BAND, Change, Range, Run, brackets, kind_of

BAR = 44.0
"""Height of the ribbon itself."""

NOT_TO_SCALE = "not to scale"

GROUND = "ribbon/ground"
"""The name of the ribbon's bar, which is behind its ranges."""

_LEVEL = 27.0
"""Height of an overlapping entry: one is at the bar's upper edge, the other at its lower edge."""

_NOTES = 13.0
"""Height of the row of notes right below the bar; addresses are below it."""


def ribbon_lane(
    picture: MapPicture,
    columns: Mapping[int, Column] | None,
    top: float,
    width: float = WIDTH,
) -> Drawn:
    """Return the ribbon from `top` on.  `columns` are the places where bands start."""
    axis = axis_of(picture, width)
    pieces = pieces_of(picture.value, axis)
    both = overlaps_of(picture.value)
    levels = levels_of(both)
    bands_height = 8.0 if columns else 0.0
    runs = picture.layout.runs
    band_top = top + bands_height + (0 if runs and not _has_markers(picture) else 32)
    bar_top = band_top + BAND * bool(runs)
    ranges = [(s.item, _strip(s)) for s in pieces if isinstance(s.item, EntryValue)]
    spares = {s.item.id: 20 if s.broken else 8 for s in pieces if s.item is not None}
    bare = [one for one in ranges if one[0].id not in levels]
    # otherwise the brackets have the names
    names = (
        {} if picture.layout.has_files else {one.id: _name(picture, one, w - spares[one.id]) for one, (_, w) in bare}
    )
    plain = plain_ones(picture, (entry for entry, _ in bare if not names.get(entry.id)))
    drawn = (one for one in pieces if one.item is None or one.item.id not in plain)
    nodes = [_ground(picture, bar_top, width)]
    nodes += [node for piece in drawn if (node := _node(picture, piece, axis, bar_top, levels, names)) is not None]
    nodes += [node for one in both if (node := _overlap(picture, one, axis, bar_top)) is not None]
    nodes += [_ghost(picture, one, axis, bar_top) for one in picture.gone if _is_on(one, axis)]
    named = brackets("ribbon", runs, lambda run: _ends(run, axis), band_top, width) if runs else []
    nodes += [*_markers(picture, axis, band_top, bar_top, width, named), *named]
    notes = _notes_below(pieces, nodes, bar_top + BAR + 1, width)
    nodes += notes
    nodes += below_bar(
        "ribbon",
        axis,
        picture.style,
        kit.Box(MARGIN, bar_top + BAR, width - 2 * MARGIN, 0),
        addresses=(axis[0].start, axis[-1].end),
        where=lambda change: _where(picture, change),
        changes=picture.layout.changes,
        done=picture.changes,
        drop=_NOTES,
        avoid=[(node.x - 2, node.x + node.w + 2) for node in notes],
    )
    links = [*_bands(picture, pieces, columns, top, bar_top)] if columns else []
    entries, strips = [one for one, _ in ranges if one.id in plain], [at for one, at in ranges if one.id in plain]
    marks = entry_marks(picture, "ribbon", entries, strips, bar_top, BAR, "{address}–{end}, {size}, {words}", on=GROUND)
    bottom = bar_top + BAR + 36
    if any(one.broken and one.item is not None for one in pieces):
        for strip in _to_scale(picture, bottom, width):
            nodes.append(strip)
            bottom += strip.h + 2
    return Drawn(nodes, links, marks, bottom)


_SEEN = 0.5
"""The least width in pixels of a visible range in a strip."""


def _to_scale(picture: MapPicture, y: float, width: float) -> Iterator[Node]:
    """Yield the whole map in a thin strip, to scale, unlike the broken axis above; nothing if it would be empty."""
    value = picture.value
    said = f"all {binary_size(value.end - value.start)}, to scale"
    left = text_width(said) + 12
    room = width - 2 * MARGIN - left
    scale = room / (value.end - value.start)
    places = [(one, left + (one.start - value.start) * scale, one.size * scale) for one in value.entries]
    bars = [Bar(x, 4, w, 6, picture.fill_of(one)[0]) for one, x, w in places if w >= _SEEN]
    if bars:
        text, rail = [Text(0, 11, said, "label dim")], Bar(left, 4, room, 6, "rail")
        yield kit.runs("ribbon/whole", kit.Box(MARGIN, y, left + room, 14), text, bars=[rail, *bars])


def break_marks(w: float, height: float, room: float = 16.0) -> tuple[Bar, ...]:
    """Return double bars at both ends of a stretch of `w` pixels that is not to scale; single bars in little `room`."""
    if w <= 14:
        return ()
    return tuple(Bar(x, 3, 1.5, height - 6, "line") for x in ((1, 4, w - 6, w - 3) if room >= 15 else (1, w - 3)))


def _ground(picture: MapPicture, y: float, width: float) -> Node:
    value = picture.value
    title = (
        f"{picture.style.whole(value.start)}–{picture.style.whole(value.end)}, {binary_size(value.end - value.start)}"
    )
    return Node(GROUND, "ribbon", MARGIN, y, width - 2 * MARGIN, BAR, title=title)


def _node(
    picture: MapPicture, segment: MapSegment, axis: Axis, y: float, levels: Mapping[int, int], names: Mapping[int, str]
) -> Node | None:
    item = segment.item
    if item is None:
        return _gap(picture, segment, axis, y)
    if isinstance(item, Fold):
        return kit.chip(
            f"ribbon/fold/{item.id}",
            "fold",
            kit.Box(segment.x, y, segment.w, BAR),
            short_count(item.count),
            thing=f"fold:{item.id}",
            state=("folded",),
            title=f"{item.count:,} entries folded: open",
            action="open",
            lane="ribbon",
            spare=0,
        )
    limits = f"{picture.style.whole(item.start)}–{picture.style.whole(item.end)}"
    title = f"{picture.name(item.id)}{NAMED}{limits}, {binary_size(item.size)}, {item.protection}"
    x, w = _strip(segment)
    level = levels.get(item.id)
    top, h = (y, BAR) if level is None else (y + level * (BAR - _LEVEL), _LEVEL)
    bars: tuple[Bar, ...] = ()
    if segment.broken:
        broken = [one for one in axis.crossed(segment.start, segment.end) if one.broken]
        bars = tuple(replace(bar, x=bar.x + one.x - x) for one in broken for bar in break_marks(one.w, h)[-2:])
    return kit.chip(
        f"ribbon/{item.id}",
        "range",
        kit.Box(x, top, w, h),
        names.get(item.id, ""),
        thing=f"entry:{item.id}",
        state=(*picture.fill_of(item), *picture.in_order(item.id)),
        title=title,
        lane="ribbon",
        bars=bars,
        spare=18 if segment.broken else 4,
    )


def _name(picture: MapPicture, entry: EntryValue, w: float) -> str:
    """Return the longest of a range's texts that fits in `w` pixels."""
    if w <= 0:
        return ""  # most ranges of a large map are too narrow for words
    size, name = binary_size(entry.size), picture.name(entry.id)
    return wording((f"{name}, {size}", name, size, ""), w)


def _strip(segment: MapSegment) -> tuple[float, float]:
    """Return the x and the width of a range, with a little of the bar visible on both sides."""
    inset = min(1.0, segment.w * 0.15)
    return segment.x + inset, max(0.8, segment.w - 2 * inset)


def _is_on(one: Range, axis: Axis) -> bool:
    """Return whether any of these addresses are on the axis."""
    return one.start < axis[-1].end and axis[0].start < one.end


def _span(start: int, end: int, axis: Axis) -> tuple[float, float]:
    """Return the first and the last x of a range of addresses, as far as it is on the axis."""
    inside = axis.crossed(max(start, axis[0].start), min(end, axis[-1].end))
    return inside[0].place(max(start, axis[0].start)), inside[-1].place(min(end, axis[-1].end))


def _ends(run: Run, axis: Axis) -> tuple[float, float] | None:
    """Return the first and the last x of a file's run; None if it is not on the axis."""
    one = Range(run.entries[0].start, run.entries[-1].end)
    return _span(*one, axis) if _is_on(one, axis) else None


def _ghost(picture: MapPicture, one: Range, axis: Axis, y: float) -> Node:
    """Return a removed range at its place; its size is shown below."""
    left, right = _span(*one, axis)
    title = f"removed: {picture.style.range(one.start, one.end)}, {binary_size(one.end - one.start)}"
    return kit.chip(f"ribbon/ghost/{one.start:x}", "ghost", kit.Box(left, y, max(2.0, right - left), BAR), title=title)


def _overlap(picture: MapPicture, overlap: Overlap, axis: Axis, y: float) -> Node | None:
    """Return the overlap of two entries, framed above both."""
    start, end = max(overlap.start, axis[0].start), min(overlap.end, axis[-1].end)
    if start >= end:
        return None
    left, right = x_of(axis, start) or 0.0, x_of(axis, end) or 0.0
    title = f"{overlap.words}: {picture.style.whole(overlap.start)}–{picture.style.whole(overlap.end)}"
    return kit.chip(
        f"ribbon/overlap/{start:x}", "overlap", kit.Box(left, y - 3, max(2.0, right - left), BAR + 6), title=title
    )


def _gap(picture: MapPicture, segment: MapSegment, axis: Axis, y: float) -> Node | None:
    """Return a gap; None if it is too narrow to point at.  The bar behind it is visible in either case.

    Its size is in the widest of its stretches on the axis; the other stretches may be in use at other steps.
    """
    if segment.w < LEAST_GAP:
        return None
    size = binary_size(segment.end - segment.start)
    title = f"free: {picture.style.whole(segment.start)}–{picture.style.whole(segment.end)}, {size}"
    if segment.broken:
        title += f", {NOT_TO_SCALE}"
    inside = axis.crossed(segment.start, segment.end)
    widest = max(inside, key=lambda one: one.w)
    x, w, is_broken = (widest.x, widest.w, widest.broken) if len(axis) > 1 else (segment.x, segment.w, False)
    beside = w - text_width(size, "label")
    is_removed = any(one.start <= segment.start and segment.end <= one.end for one in picture.gone)
    words = wording((f"{size} free", size), w - (7 if is_broken else 2), "label")
    lines = [words] if beside >= (7 if is_broken else 2) and not is_removed else []
    if is_broken and lines and w - text_width(NOT_TO_SCALE, "label") >= 16:
        lines.append(NOT_TO_SCALE)
    first = BAR / 2 + (4 if len(lines) < 2 else -2)
    middle = x - segment.x + w / 2
    text = tuple(Text(middle, first + 13 * row, line, "label dim", "middle") for row, line in enumerate(lines))
    bars = tuple(
        replace(bar, x=bar.x + one.x - segment.x)
        for one in inside
        if one.broken
        for bar in break_marks(one.w, BAR, beside if lines and one is widest else 16)
    )
    return Node(f"ribbon/gap/{segment.start:x}", "gap", segment.x, y, segment.w, BAR, text=text, bars=bars, title=title)


def _notes_below(pieces: Sequence[MapSegment], drawn: Sequence[Node], y: float, width: float) -> list[Node]:
    """Return the words of overlaps, each below its place, as far as there is room.

    If the axis is broken and no gap has room to say so, the end of the row says it.
    """
    nodes: list[Node] = []
    taken: list[tuple[float, float]] = []
    said = any(text.text == NOT_TO_SCALE for gap in drawn if gap.kind == "gap" for text in gap.text)
    if any(segment.broken for segment in pieces) and not said:
        w = text_width(NOT_TO_SCALE, "label") + 12
        left = width - MARGIN - 5 - w
        bars = (Bar(0, 2, 1.5, 10, "line"), Bar(3, 2, 1.5, 10, "line"))
        text = (Text(8, 11, NOT_TO_SCALE, "label dim"),)
        nodes.append(kit.runs("ribbon/scale", kit.Box(left, y, w, 14), text, bars=bars))
        taken.append((left, left + w))
    for one in drawn:
        if one.kind != "overlap":
            continue
        words, style = one.title.partition(":")[0], "label error"
        w = text_width(words, style)
        left = min(max(MARGIN + 5, one.x + (one.w - w) / 2), width - MARGIN - 5 - w)
        if any(left < b + 6 and left + w > a - 6 for a, b in taken):
            continue
        taken.append((left, left + w))
        box = kit.Box(left, y, w, 14)
        nodes.append(kit.chip(f"{one.id}/size", "label", box, words, style=style, shape="none", spare=0))
    return nodes


def below_bar(
    lane: str,
    axis: Axis,
    style: AddressStyle,
    box: kit.Box,
    *,
    addresses: Sequence[int],
    changes: Sequence[Change] = (),
    done: Collection[Change] = (),
    drop: float = 0.0,
    avoid: Collection[tuple[float, float]] = (),
    where: Callable[[Change], str] | None = None,
) -> Iterator[Node]:
    """Yield what an operation adds or removes, each below its place, and addresses where there is room beside it.

    `where` names the place of a change; without it, that is its address.

    The room of all `changes` is kept free at all steps; those that are `done` are written.  A `drop` moves the words
    down by that many pixels.
    """
    taken: list[tuple[float, float]] = []
    for change in changes:
        if not _is_on(Range(change.start, change.end), axis):
            continue
        left, right = _span(change.start, change.end, axis)
        place = f" at {style.long(change.start)}" if where is None else where(change)
        ways = (f"{change.words}{place}", change.words)
        for words in ways:
            w = text_width(words, "label new")
            x = min(max(box.x, (left + right - w) / 2), box.x + box.w - w)
            if w <= box.w and all(x > b + 8 or x + w < a - 8 for a, b in taken):
                break
        else:
            continue
        taken.append((x, x + w))
        if change in done:
            text = (Text(0, 16 + drop, words, "label new"),)
            leader = (Bar((left + right) / 2 - x - 0.5, 0, 1, 5 + drop, "new"),)
            room = kit.Box(x, box.y, w, 20 + drop)
            yield kit.runs(f"{lane}/change/{change.start:x}", room, text, bars=leader, title=change.title)
    ticks = kit.ticks(
        lane, addresses, lambda address: x_of(axis, address), style, box.y, width=box.x + box.w + MARGIN, drop=drop,
        avoid=avoid, taken=taken,
    )  # fmt: skip  # where, then what is in the way
    yield from (tick for tick in ticks if tick.x >= box.x - 6)


_BESIDE = 12.0
"""How far right of a new range's end a mark is drawn: the badge is at the end."""


def _has_markers(picture: MapPicture) -> bool:
    """Return whether anything points at the ribbon at some step of the operation."""
    return bool(picture.value.find_cache) or picture.hint is not None or picture.moment.operation is not None


def _markers(
    picture: MapPicture, axis: Axis, words_at: float, bar_top: float, width: float, named: Sequence[Node]
) -> list[Node]:
    """Draw the marks that point at the ribbon.

    The words of a mark are next to it, or end at `words_at`, above the words of `named`.
    """
    value = picture.value
    marks = []
    if value.find_cache:
        more = value.find_cache_threshold
        above = f", for more than {binary_size(more)}" if more else ""
        known = "" if more is not None else " (forgotten)"
        marks.append((value.find_cache, f"the next search begins here{known}{above}", "find cache", "marker"))
    if picture.hint is not None:
        marks.append((picture.hint, "asked for", "hint", "marker hint"))
    badged = {one.end for one in value.entries if "new" in picture.in_order(one.id)}
    nodes: list[Node] = []
    taken: list[tuple[float, float]] = []
    for address, label, called, kind in marks:
        x = x_of(axis, address)
        if x is None:
            continue
        x += _BESIDE * (address in badged)
        w = text_width(label, "label")
        left = min(max(MARGIN, x - w / 2), width - MARGIN - w)
        row = 0 if all(left + w < a or left > b for a, b in taken) else 1
        taken.append((left, left + w))
        title = f"{called}: {label}, {picture.style.whole(address)}"
        name, *states = kind.split()
        box = kit.Box(x - 5, bar_top - 11, 10, 8)
        nodes.append(kit.chip(f"ribbon/{name}/{called}", name, box, shape="triangle", state=states, title=title))
        is_free = all(left + w < one.x - 6 or left > one.x + one.w + 6 for one in named)
        words = kit.Box(left, (bar_top if is_free else words_at) - 25 - 12 * row, w, 14)
        nodes.append(
            kit.chip(f"ribbon/label/{called}", "label", words, label, style="label dim", shape="none", spare=0)
        )
    return nodes


def _where(picture: MapPicture, change: Change) -> str:
    """Return the name of the range that an operation changes; "" if it is only a part of what was there."""
    known = (one for one in picture.layout.items if isinstance(one, EntryValue))
    found = next((one.id for one in known if one.start <= change.start < change.end <= one.end), 0)
    return f"{NAMED}{picture.name(found)}" if found else ""


def _bands(
    picture: MapPicture, segments: Sequence[MapSegment], columns: Mapping[int, Column], top: float, bottom: float
) -> Iterator[Link]:
    """Yield a band from each card down to its range, as wide as both, which shows that they belong together."""
    straight = room_below(picture)
    for segment in segments:
        item = segment.item
        column = columns.get(item.id) if item is not None else None
        if not isinstance(item, EntryValue) or column is None or column.level != "card":
            continue
        w = column.w - GAP
        card = kit.Box(column.middle - w / 2, top - straight, w, 0)
        state = kind_of(item), *(("new",) if "new" in picture.in_order(item.id) else ())
        ends = f"list/{item.id}", f"ribbon/{item.id}"
        strip = kit.Box(segment.x, bottom, segment.w, 0)
        yield kit.band(f"ribbon/{item.id}/band", *ends, card, strip, straight=straight, state=state)
