"""The kentry area: the memory for the entries of all maps.

First a sentence says how many slots are used.  Then come the map's ranges, the open slabs slot by slot with the ranges'
entries in them, and the reserved range slab by slab, with its free list; at the end, why some entries have no slot.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size, brief_size
from vmwidgets.engine.kernel.map.map_schema import EntryValue, MapValue
from vmwidgets.engine.kernel.x15.kentry_schema import KentryContents, KentryValue
from vmwidgets.engine.memory.slabs_schema import SlabValue
from vmwidgets.views.maps.runs import kind_of
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Row, Rows, Scene, Steps, Table, Text
from vmwidgets.views.scene.text import fitted, text_width
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, where
from vmwidgets.views.story.words.kmem import KENTRY
from vmwidgets.views.story.words.pictures import kentry_sentence

from .slabs import buffers_touched

_CELLS = 32
"""The number of slabs of the range that are drawn; the rest is one fold."""

_SLOT_W, _SLOT_H, _BETWEEN, _WIDEST = 48.0, 20.0, 3.0, 80.0
"""Width of a slot in a line, and its least width in a grid; height; space between two; greatest width in a grid."""


def draw_kentry(
    look: Look[KentryContents],
    *,
    style: AddressStyle | None = None,
    title: str = "kentry area",
    machine: str = "",
    width: float = WIDTH,
    compact: bool = False,
    whole: bool = False,
    entries: Look[MapValue] | None = None,
    unfolded: Collection[int] = (),
) -> Scene:
    """Return the scene of the area; `entries` is the map of its entries, which has those in open slabs.

    A run of free slots is one fold, except in the slabs with the numbers `unfolded`.
    `compact` draws a line for each open slab, with the slots that the operation changed; `whole` adds the rest below.
    """
    moment, contents = look.moment, look.now
    mine = steps_of_kentry(look.after, with_ranges=entries is not None and _has_ranges(entries))
    area = contents.area
    end = area.start + area.slabs * area.slab_size
    addresses = style or AddressStyle.of(area.start, end)
    touched = {at: state for (cache, at), state in buffers_touched(moment.so_far).items() if cache == contents.cache}
    own, steps = _said_of_slots(moment), moment.steps(mine)
    if compact:
        caption = _kentry_caption(moment, steps, own, "")
        part = _in_lines(contents, addresses, touched, _slabs_taken(moment.so_far), whole=whole)
    else:
        ranges = entries if entries is not None and _has_ranges(entries) else None
        answer = _answer(contents, [] if ranges is None else _static(ranges.now))
        caption = _kentry_caption(moment, steps, own, answer)
        said = boxes.words("kentry/answer", "" if caption.text == answer else answer, "body")
        part = boxes.below(said, _whole(look, addresses, touched, _quiet(look, unfolded), entries), gap=10)
    subtitle = (
        f"{addresses.long(area.start)}–{addresses.long(end)} · {area.allocated:,} of {area.slabs:,} slabs in use · "
        f"{binary_size(area.allocated * area.slab_size)} in memory"
    )
    return boxes.picture(
        "kentry",
        title,
        subtitle,
        part,
        caption=caption,
        table=_table(contents, addresses),
        steps=steps,
        machine=machine,
        width=width,
    )


def _in_lines(
    contents: KentryContents, style: AddressStyle, touched: dict[int, str], fresh: Collection[int], *, whole: bool
) -> Part:
    """Return a line for each open slab; with `whole`, the area's slabs and the slots in use are below."""
    lines = [_line(contents, slab, style, touched, whole=whole) for slab in contents.slabs]
    below = [_range_row(contents, style, fresh)] if whole or not lines else []
    taken = [_slab_taken(contents, slab, style, touched) for slab in contents.slabs] if whole else []
    return boxes.below(*lines, *below, *taken, gap=8)


def _whole(
    seen: Look[KentryContents],
    style: AddressStyle,
    touched: dict[int, str],
    quiet: Set[int],
    look: Look[MapValue] | None,
) -> Part:
    """Return the whole area: ranges, slots, slabs, and entries without a slot."""
    contents, fresh = seen.now, _slabs_taken(seen.moment.so_far)
    ranges = look if look is not None and _has_ranges(look) else None
    entries = ranges.now.entries if ranges is not None else ()
    before = {one.id: one for one in ranges.before.entries} if ranges is not None else {}
    known = () if look is None else (*look.before.entries, *look.after.entries, *look.now.entries)
    kinds = {one.id: kind_of(one) for one in known}
    at_hand = [one for one in entries if one != before.get(one.id)]
    grid = partial(
        _slab_grid, contents, style=style, touched=touched, quiet=quiet, kinds=kinds, numbered=ranges is not None
    )
    slabs = boxes.below(*(grid(slab) for slab in contents.slabs), gap=13)

    def links(at: Mapping[str, Node]) -> Iterator[Link]:
        both = [(at.get(f"kentry/range/{one.id}"), at.get(f"kentry/slot/{one.address:x}")) for one in at_hand]
        cells = [node for node in at.values() if node.lane == "slots"]
        yield from (_to_slot(one, other, cells) for one, other in both if one is not None and other is not None)
        yield from _bands(contents, at)

    above = boxes.below(*([] if ranges is None else [_ranges(ranges.now, before, style)]), slabs, gap=36)
    area = boxes.linked(boxes.below(above, _range_row(contents, style, fresh), gap=38), links)
    return boxes.below(area, *_why([] if ranges is None else _static(ranges.now)), gap=8)


def _why(static: Sequence[EntryValue]) -> Iterator[Part]:
    """Yield why entries have no slot."""
    if static:
        yield boxes.words("kentry/why", "Why some have no slot", "label strong")
    for one in static:
        said = f"#{one.id}, {one.role or 'a range of the boot'}: {_WHY.get(one.role, _WHY[''])}"
        yield boxes.words(f"kentry/why/{one.id}", said)


_WHY = {
    "kentry area": "a slot needs a page of the area, and the area needs an entry: this one. To cut the circle, it is "
    "kept in the kernel's image.",
    "": "it is made before there is an area to take a slot from, and is kept in the kernel's image.",
}
"""The reason why an entry is in no slot, by its range's role."""


def _static(now: MapValue) -> list[EntryValue]:
    """Return the map's entries that are in no slot."""
    return [one for one in now.entries if not one.address]


def _answer(contents: KentryContents, static: Sequence[EntryValue]) -> str:
    """Return how many slots of the open slabs are used, and which entries have no slot."""
    slots = sum(slab.buffers for slab in contents.slabs)
    used = slots - sum(len(slab.free) for slab in contents.slabs)
    of = (
        f"the slab's {slots:,} slots" if len(contents.slabs) == 1 else f"{slots:,} slots in {len(contents.slabs)} slabs"
    )
    said = f"{used:,} of {of} {'is' if used == 1 else 'are'} used" if contents.slabs else "No slab has a page yet"
    names = " and ".join(f"#{one.id}" for one in static)
    one = len(static) == 1
    return f"{said}. {'Entry' if one else 'Entries'} {names} {'is' if one else 'are'} static." if static else f"{said}."


MOST_RANGES = 24
"""The most entries of a map whose ranges are drawn."""


def _has_ranges(entries: Look[MapValue]) -> bool:
    """Return whether the map's ranges are few enough to be drawn."""
    return max(entries.before.nr_entries, entries.after.nr_entries) <= MOST_RANGES


_CUT, _LEAST_RANGE, _TALL, _NUMBERS = 6, 30.0, 34.0, 22.0
"""A range's greatest width, as a multiple of the median; least width; height; room for its number above."""


def _ranges(now: MapValue, before: Mapping[int, EntryValue], style: AddressStyle) -> Part:
    """Return the map's ranges in address order, with the numbers of their entries; below, to scale."""
    words = (
        f"the ranges of {now.name}, with the numbers of their entries; long ones are cut, the line below is to scale"
    )
    pieces: list[_Piece] = []
    at = now.start
    for entry in now.entries:
        pieces += [_Piece(None, at, entry.start)] * (entry.start > at)
        pieces.append(_Piece(entry, entry.start, entry.end))
        at = entry.end
    pieces += [_Piece(None, at, now.end)] * (now.end > at)
    return boxes.below(
        boxes.words("kentry/ranges", words),
        boxes.drawing(_NUMBERS + _TALL, partial(_pieces, pieces, before, style)),
        boxes.thing(5, partial(_scale, now)),
        gap=8,
    )


class _Piece(NamedTuple):
    """A range of a map, or a gap between two."""

    entry: EntryValue | None
    start: int
    end: int


def _pieces(
    pieces: Sequence[_Piece], before: Mapping[int, EntryValue], style: AddressStyle, room: Box
) -> Iterator[Node]:
    """Yield ranges and gaps side by side, each as wide as it is long, up to a limit; above ranges, their numbers."""
    sizes = sorted(end - start for one, start, end in pieces if one is not None)
    most = _CUT * (sizes[len(sizes) // 2] if sizes else 1)
    least = min(_LEAST_RANGE, room.w / (len(pieces) or 1) * 0.9)
    weights = [min(end - start, most) for _, start, end in pieces]
    unit = (room.w - least * len(pieces)) / (sum(weights) or 1)
    x, y = room.x, room.y + _NUMBERS
    for (one, start, end), weight in zip(pieces, weights, strict=True):
        size, w = binary_size(end - start), least + weight * unit
        is_cut = end - start > most
        place = Box(x, y, w - 2, _TALL)
        cut = (Bar(w - 14, 0, 2, _TALL, "ground"), Bar(w - 10, 0, 2, _TALL, "ground")) if is_cut else ()
        spare = 32.0 if is_cut else 2.0
        if one is None:
            title = f"{size} free from {style.whole(start)} on"
            yield kit.chip(
                f"kentry/gap/{start:x}",
                "tile",
                place,
                (f"{size} free", size, ""),
                bars=cut,
                spare=spare,
                state=["is-free"],
                title=title,
            )
        else:
            old = before.get(one.id)
            state = "new" if old is None else "changed" if (old.start, old.end) != (start, end) else ""
            short = (size, brief_size(end - start), "")  # a number alone would be of what?
            said = (f"{one.role}, {size}", one.role, *short) if one.role else short
            where = "in no slot" if not one.address else f"its entry is at {style.whole(one.address)}"
            yield kit.chip(
                f"kentry/range/{one.id}",
                "range",
                place,
                said,
                bars=cut,
                spare=spare,
                thing=f"entry:{one.id}",
                state=[kind_of(one), *[state] * bool(state)],
                lane="ranges",
                title=f"entry {one.id}, {style.whole(start)}–{style.whole(end)}, {size}: {where}",
            )
            number, look = f"#{one.id}", "label new" if state else "strong" if not one.address else "label dim"
            if text_width(number, "strong") <= w + 6:
                box = Box(x - 4, room.y, w + 6, 18)
                yield kit.runs(f"kentry/number/{one.id}", box, [Text(w / 2 + 3, 14, number, look, "middle")])
        x += w


def _scale(now: MapValue, room: Box) -> Node:
    """Return the map's ranges on a line, to scale."""
    share = room.w / (now.end - now.start)
    bars = [
        Bar((one.start - now.start) * share, 0, max(1.0, (one.end - one.start) * share), 5, kind_of(one))
        for one in now.entries
    ]
    return kit.runs("kentry/scale", room, (), bars=(Bar(0, 0, room.w, 5, "rail"), *bars))


def _to_slot(one: Node, other: Node, cells: Sequence[Node]) -> Link:
    """Return a line from a range to its entry's slot, between two columns, and not through a fold of other rows."""
    above = [cell for cell in cells if cell.y < other.y]
    start, ways = (one.x + one.w / 2, one.y + one.h), [cell.x - _BETWEEN / 2 for cell in (other, *above)]
    free = [x for x in ways if not any(cell.x < x < cell.x + cell.w for cell in above)]
    top, here = min(cell.y for cell in cells) - 4, ways[0]
    x = min(free, key=lambda way: abs(way - here))
    across = ((x, other.y - _BETWEEN / 2), (here, other.y - _BETWEEN / 2)) if x != here else ()
    points = (start, (x, top), *across, (here, other.y + other.h / 2))
    return Link(f"{one.id}/in", "walk", one.id, other.id, points, bend="upright")


def _bands(contents: KentryContents, at: Mapping[str, Node]) -> Iterator[Link]:
    """Yield a band from the last open slab's slots to its cell in the area."""
    for slab in contents.slabs[-1:]:
        index = contents.area.index(slab.address)
        title, cell = at[f"kentry/{index}/title"], at.get(f"kentry/{index}")
        if cell is not None:
            right = max(node.x + node.w for node in at.values() if node.lane == "slots" and node.y < title.y)
            place = Box(title.x, title.y, right - title.x, title.h + 2)
            yield kit.band(f"kentry/{index}/band", title.id, cell.id, place, Box(cell.x, cell.y, cell.w, cell.h))


def _slabs_taken(events: Iterable[ev.Event]) -> set[int]:
    """Return the slabs that these events allocated and did not free again."""
    found: set[int] = set()
    for event in events:
        if isinstance(event, ev.KentrySlabTaken):
            found.add(event.index)
        elif isinstance(event, ev.KentrySlabGiven):
            found.discard(event.index)
    return found


def _range_row(contents: KentryContents, style: AddressStyle, fresh: Collection[int]) -> Part:
    """Return the area's slabs by number, and its free list."""
    area = contents.area
    free = " → ".join(map(str, area.free[:6])) + " → …" * (len(area.free) > 6)
    head = f"slabs by number; free list: {free}" if area.free else "no free slab"
    row = boxes.drawing(28, partial(_slab_row, contents, style, fresh))
    return boxes.below(row, boxes.words("kentry/head", head), gap=2)


def _slab_row(contents: KentryContents, style: AddressStyle, fresh: Collection[int], room: Box) -> Iterator[Node]:
    """Yield a cell for each slab, side by side, and the number of slabs left out."""
    area = contents.area
    cells = min(area.slabs, _CELLS)
    rest = area.slabs - cells
    w = min(_SLAB_W, (room.w - (_REST if rest else 0)) / cells)
    opened = {area.index(slab.address) for slab in contents.slabs}
    is_named = text_width(str(cells - 1)) <= w - 4  # all or none
    for index in range(cells):
        allocated = _is_in_use(area, index)
        state = "in use" if allocated else "next on the free list" if index in area.free[:1] else "free"
        looks = ["new"] * (index in fresh), ["is-kernel" if allocated else "is-free"], ["opened"] * (index in opened)
        yield kit.chip(
            f"kentry/{index}",
            "tile",
            Box(room.x + index * w, room.y, w - 2, room.h),
            str(index) if is_named else "",
            style="label" if allocated else "label dim",
            thing=f"slab:{index}",
            lane="kentry",
            spare=2,
            state=[one for some in looks for one in some],
            title=f"slab {index} at {style.whole(area.start + index * area.slab_size)}: {state}",
        )
    if rest:
        more = kit.label("kentry/rest", f"… {rest:,} more", room.x + cells * w + 4, room.y + 4)
        yield replace(more, title=f"{rest:,} more slabs")


_SLAB_W, _REST = 30.0, 110.0
"""Greatest width of a slab; room for the number of slabs left out."""

_TOUCHED = 8
"""The most slots that an operation changed in one line."""


def _line(
    contents: KentryContents, slab: SlabValue, style: AddressStyle, touched: dict[int, str], *, whole: bool
) -> Part:
    """Return a slab in one line: how full it is, a cell for each slot, and the slots that changed or are next."""
    area, index = contents.area, contents.area.index(slab.address)
    said = f"{slab.buffers - len(slab.free)} of {slab.buffers} slots in use"
    words = f"slab {index} of {area.slabs:,}: {said}"
    first = slab.address + slab.colour
    addresses = [first + number * contents.buffer_size for number in range(slab.buffers)]
    at_hand = [one for one in addresses if one in touched][:_TOUCHED]
    at_hand += [one for one in slab.free[:1] if one not in at_hand and one in addresses]
    places = {address: place for place, address in enumerate(slab.free)}

    def slot(address: int, box: Box) -> Node:
        number = (address - first) // contents.buffer_size
        return _slot(contents, address, number, places.get(address), style, touched.get(address, ""), box)

    def line(w: float) -> Part:
        title = words if text_width(words, "") + 60 <= w / 2 + MARGIN else f"slab {index}: {said}"
        wide = text_width(title, "") + 2
        cell = max(1.0, min(6.0, (w / 2 - 26) / slab.buffers, (w - wide - 40) / slab.buffers))
        fold = partial(_fold, contents, slab, style, [_cell(one, {*slab.free}, touched) for one in addresses], whole)
        parts = [
            (wide + 7, boxes.below(boxes.apart(3), boxes.words(f"kentry/{index}/title", title, ""))),
            (cell * slab.buffers + 30 + 7, boxes.thing(24, partial(fold, cell))),
        ]
        if not whole:  # else they are among all slots below
            parts += [(_SLOT_W, boxes.thing(_SLOT_H, partial(slot, address))) for address in at_hand]
        return boxes.flowing(parts, gap=_BETWEEN)

    return boxes.sized(line)


def _fold(
    contents: KentryContents,
    slab: SlabValue,
    style: AddressStyle,
    looks: Sequence[str],
    whole: bool,
    w: float,
    box: Box,
) -> Node:
    """Return a cell for each slot of a slab, `w` pixels wide, in a fold that shows the area."""
    index = contents.area.index(slab.address)
    bars = tuple(
        Bar(round(6 + number * w, 2), 5, round(max(0.6, w - 1 * (w > 3)), 2), 14, look)
        for number, look in enumerate(looks)
    )
    wide = 6 + w * slab.buffers + 24
    said = f"slab {index} at {style.long(slab.address)}, a cell for each slot; {'fold' if whole else 'show'} the area"
    return Node(
        "kentry/line" if slab is contents.slabs[0] else f"kentry/line/{index}",
        "fold",
        box.x,
        box.y,
        wide,
        box.h,
        text=(Text(wide - 16, 16, "▾" if whole else "▸", "dim"),),
        bars=bars,
        state=("folded",) * (not whole),
        title=said,
        action="open",
        lane="kentry",
    )


def _cell(address: int, free: Collection[int], touched: dict[int, str]) -> str:
    """Return the style of a slot's cell in a line."""
    return touched.get(address) or ("free" if address in free else "used")


_FOLDED, _SPAN = 6, 3
"""The longest run of free slots that are drawn one by one; the width of a longer run's fold, in slots."""


def _quiet(look: Look[KentryContents], unfolded: Collection[int]) -> Set[int]:
    """Return the free slots that may be folded: those that the operation left alone, and that are never the next."""
    cache, index = look.now.cache, look.now.area.index
    taken = [one.address for one in look.moment.events if isinstance(one, ev.BufferAllocated) and one.cache == cache]
    given = [one.address for one in look.moment.events if isinstance(one, ev.BufferFreed) and one.cache == cache]
    found = {one for slab in look.now.slabs if index(slab.address) not in unfolded for one in slab.free}
    loud = {*taken, *given}
    for when, most in ((look.before, len(taken) + 1), (look.now, 1), (look.after, 1)):
        for slab in when.slabs:
            first = slab.address + slab.colour
            buffers = {first + number * when.buffer_size for number in range(slab.buffers)}
            loud |= buffers.difference(slab.free).union(slab.free[:most])
    return found - loud


def _slab_grid(
    contents: KentryContents,
    slab: SlabValue,
    style: AddressStyle,
    touched: dict[int, str],
    quiet: Set[int],
    kinds: Mapping[int, str],
    *,
    numbered: bool,
) -> Part:
    """Return a slab's slots in rows, and below them how many are used and what they contain.

    The slots are `numbered` as the ranges above are; otherwise, they say where their entries begin.  A run of `quiet`
    slots that is longer than a few is one fold.
    """
    index, first = contents.area.index(slab.address), slab.address + slab.colour
    free = {address: place for place, address in enumerate(slab.free)}
    addresses = [first + number * contents.buffer_size for number in range(slab.buffers)]
    runs: list[list[int]] = []
    for is_quiet, group in groupby(addresses, key=quiet.__contains__):
        run = list(group)
        runs += [run] if is_quiet and len(run) > _FOLDED else [[one] for one in run]

    def cell(run: Sequence[int], box: Box) -> Node:
        number = (run[0] - first) // contents.buffer_size
        if len(run) == 1:
            slot = _slot(contents, run[0], number, free.get(run[0]), style, touched.get(run[0], ""), box)
            return _with_look(slot, contents.residents.get(run[0]), kinds, numbered=numbered)
        words = f"{len(run)} free slots"
        one = kit.fold(
            f"kentry/{index}/free/{number}",
            box,
            words,
            lane="slots",
            opens=True,
            title=f"{words}, {number} to {number + len(run) - 1}; show each",
        )
        cut = (Bar(box.w - 14, 0, 2, box.h, "ground"), Bar(box.w - 10, 0, 2, box.h, "ground"))
        return replace(one, bars=cut, text=tuple(replace(part, style="label dim") for part in one.text))

    cells = [boxes.thing(_TALL, partial(cell, run)) for run in runs]
    folds = [len(run) > 1 for run in runs]
    used = f"{slab.buffers - len(slab.free)} of {slab.buffers} slots in use"
    said = f"slab {index} at {style.long(slab.address)}: {used}"
    said += f", first slot shifted by {slab.colour} bytes" * bool(slab.colour)
    has_pages = not numbered and any(one in contents.residents for one in addresses)
    said += " · the number in a slot: the first page of its entry" * has_pages
    said += " · next: the slot that is allocated next" * any(one in slab.free[:1] for one in addresses)
    rows = boxes.sized(lambda w: boxes.flowing([*zip(_widths_of(folds, w), cells, strict=True)], gap=_BETWEEN))
    return boxes.below(rows, boxes.words(f"kentry/{index}/title", said), gap=4)


def _widths_of(folds: Sequence[bool], w: float) -> list[float]:
    """Return the widths of a slab's slots and folds in rows; a fold in a single row gets the room that is left."""
    room = w + _BETWEEN
    units = sum(_SPAN if is_fold else 1 for is_fold in folds) or 1
    rows = -(-units // int(room // (_SLOT_W + _BETWEEN)))
    pitch = min(_WIDEST, room / -(-units // rows))
    spare = room - units * pitch if rows == 1 and any(folds) else 0.0
    wide = pitch * _SPAN + spare / (sum(folds) or 1)
    return [(wide if is_fold else pitch) - _BETWEEN for is_fold in folds]


def _slab_taken(contents: KentryContents, slab: SlabValue, style: AddressStyle, touched: dict[int, str]) -> Part:
    """Return a slab's used slots in rows, after the number of its free slots: the line above has the words."""
    index, first = contents.area.index(slab.address), slab.address + slab.colour
    addresses = [first + number * contents.buffer_size for number in range(slab.buffers)]
    count = len(slab.free)

    def slot(address: int, box: Box) -> Node:
        number = (address - first) // contents.buffer_size
        return _slot(contents, address, number, None, style, touched.get(address, ""), box)

    def free(box: Box) -> Node:
        words, state = f"{count} free", ("free", "folded")
        return kit.chip(f"kentry/{index}/free", "slot", box, words, style="label dim", state=state)

    used = [boxes.thing(_SLOT_H, partial(slot, one)) for one in addresses if one not in slab.free]
    return boxes.equal([*[boxes.thing(_SLOT_H, free)] * bool(count), *used], _SLOT_W, most=_WIDEST, gap=_BETWEEN)


def _with_look(slot: Node, resident: tuple[int, int] | None, kinds: Mapping[int, str], *, numbered: bool) -> Node:
    """Return a slot with its entry's colour below, and its entry's number if the ranges are `numbered` too."""
    if resident is None:
        return slot
    number = (fitted(slot.w / 2, 20, f"#{resident[0]}", slot.w - 4, "strong", "middle"),) if numbered else slot.text
    bars = (Bar(0, slot.h - 4, slot.w, 4, kinds[resident[0]]),) if resident[0] in kinds else ()
    return replace(slot, text=number, bars=bars)


def _slot(
    contents: KentryContents, address: int, number: int, place: int | None, style: AddressStyle, touched: str, box: Box
) -> Node:
    resident = contents.residents.get(address)
    where = f"slot {number} at {style.whole(address)}"
    if resident is None:
        thing, labels, look = "", ["next"] * (place == 0), "label dim"
        what = (
            "allocated, its entry is in no list" if place is None else "free, allocated next" if not place else "free"
        )
    else:
        identity, start = resident
        page = style.short(start)[-6:].removeprefix("0x")
        thing, labels, look = f"entry:{identity}", [f"0x{page}", page], "mono label"
        what = f"entry {identity}, which begins at {style.whole(start)}"
    is_taken = resident is not None or place is None
    return kit.chip(
        f"kentry/slot/{address:x}",
        "slot",
        box,
        (*labels, ""),
        style=look,
        thing=thing,
        spare=0,
        state=[*[touched] * bool(touched), "taken" if is_taken else "free", *["coming"] * (place == 0)],
        title=f"{where}: {what}",
        lane="slots",
    )


def _table(contents: KentryContents, style: AddressStyle) -> Table:
    more = (("slabs", Table(("slab", "at", "state"), Rows(lambda: tuple(_slab_rows(contents.area, style))))),)
    rows = Rows(lambda: tuple(_slot_rows(contents, style)))
    return Table(("slab", "slot", "address", "entry", "which begins at"), rows, more)


def _slot_rows(contents: KentryContents, style: AddressStyle) -> Iterator[Row]:
    """Yield the slots of open slabs with entries, and the slot that is allocated next."""
    for slab in contents.slabs:
        for number in range(slab.buffers):
            address = slab.address + slab.colour + number * contents.buffer_size
            resident = contents.residents.get(address)
            if resident is not None:
                yield (
                    str(contents.area.index(slab.address)),
                    str(number),
                    style.whole(address),
                    str(resident[0]),
                    style.whole(resident[1]),
                )
            elif slab.free and address == slab.free[0]:
                yield str(contents.area.index(slab.address)), str(number), style.whole(address), "next", ""


def _slab_rows(area: KentryValue, style: AddressStyle) -> Iterator[Row]:
    for index in range(min(area.slabs, _CELLS)):
        state = "in use" if _is_in_use(area, index) else "free"
        yield str(index), style.whole(area.start + index * area.slab_size), state
    if area.slabs > _CELLS:
        yield f"… {area.slabs - _CELLS:,} more", "", ""


def _is_in_use(area: KentryValue, index: int) -> bool:
    """Return whether the area's slab is in use: the free list may be longer than the known part."""
    beyond = len(area.free) < area.slabs - area.allocated and index > max(area.free, default=0)
    return index not in area.free and not beyond


# ---- steps ---------------------------------------------------------------------------------------


def steps_of_kentry(contents: KentryContents, *, with_ranges: bool = False) -> Mine:
    """Return the steps of the area: its slabs, the slots of open slabs, entries that get these slots.

    With `with_ranges`, steps that change a range of the map are included.
    """
    shown = [range(slab.address, slab.address + contents.area.slab_size) for slab in contents.slabs]

    def is_shown(event: ev.Event) -> bool:
        return any(place in slab for place in _places(event, contents.map) for slab in shown)

    def changes(stage: Stage) -> bool:
        events = stage.events
        return any(
            _is_about_slabs(one) or is_shown(one) or (with_ranges and _moves(one, contents.map)) for one in events
        )

    return where(changes)


def _moves(event: ev.Event, name: str) -> bool:
    """Return whether an event changes a map's ranges."""
    if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)):
        return event.map == name
    if isinstance(event, (ev.EntryResized, ev.EntryChanged)):
        return event.map == name and event.before[:3] != event.after[:3]
    return False


def _is_about_slabs(event: ev.Event) -> bool:
    if isinstance(event, (ev.SlabCreated, ev.SlabDestroyed)):
        return event.cache == KENTRY
    return isinstance(event, (ev.KentrySlabTaken, ev.KentrySlabGiven))


def _places(event: ev.Event, name: str) -> Sequence[int]:
    """Return the slots that are allocated or freed, or whose entry's start changes."""
    if isinstance(event, (ev.BufferAllocated, ev.BufferFreed)):
        return (event.address,) if event.cache == KENTRY else ()
    if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)) and event.map == name:
        return (event.entry[6],)
    if isinstance(event, (ev.EntryResized, ev.EntryChanged)) and event.map == name:
        return () if event.before[:2] == event.after[:2] else (event.after[6],)
    return ()


def _said_of_slots(moment: Moment) -> str:
    """Return how many slots and slabs the operation allocated and freed; "" before its end, and after a panic."""
    if moment.operation is None or not moment.is_after or moment.operation.outcome == "panic":
        return ""
    return kentry_sentence(moment.operation.name, moment.events)


def _kentry_caption(moment: Moment, steps: Steps, own: str, answer: str) -> Caption:
    """Return the moment's caption, with its `own` words about slots; the `answer`, if there is one, comes first."""
    if not own or not moment.is_after or moment.caption.tone == "error":
        return moment.caption_with(own)
    said = replace(moment.caption, text=answer or own, reason=own if answer else "")
    return said if steps.count else replace(said, tone="plain", functions=())
