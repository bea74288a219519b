"""The kentry area: the memory for the entries of all maps.

First the open slabs, slot by slot, with the ranges whose entries are in them; then the entries without a slot, and why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import groupby

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryValue, MapValue
from vmwidgets.engine.kernel.x15.kentry_schema import KentryContents, KentryValue
from vmwidgets.engine.memory.slabs_schema import SlabValue
from vmwidgets.views.maps.runs import kind_of, name_of
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Node, Row, Rows, Scene, Steps, Table, Text
from vmwidgets.views.scene.text import fitted, text_width
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, once, seen
from vmwidgets.views.story.words.pictures import kentry_sentence, kentry_state

from .slabs import buffers_touched

_CELLS = 32
"""The number of slabs in the table."""

_SLOT_W, _SLOT_H, _BETWEEN, _WIDEST = 54.0, 20.0, 3.0, 130.0
"""Width of a slot in a line, and its least width in a grid; height; space between two; greatest width in a grid."""

_FEW, _TALL, _LOW = 16, 46.0, 30.0
"""The most used slots with room for names; heights of a slot in a grid with and without a name."""


def draw_kentry(
    look: Look[KentryContents],
    *,
    style: AddressStyle | None = None,
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
    mine = steps_of_kentry(look, entries)
    area = contents.area
    end = area.start + area.slabs * area.slab_size
    addresses = style or AddressStyle.of(area.start, end)
    touched = {at: state for (cache, at), state in buffers_touched(moment.so_far).items() if cache == contents.cache}
    own, steps = _said_of_slots(moment), moment.steps(mine)
    if compact:
        caption = _kentry_caption(moment, steps, own, "")
        part = boxes.below(*(_line(contents, slab, addresses, touched, whole=whole) for slab in contents.slabs), gap=8)
    else:
        caption = _kentry_caption(moment, steps, own, _answer(contents, entries))
        part = boxes.apart(0)
    if whole or not compact:
        grids = _slabs(look, addresses, touched, _quiet(look, unfolded), entries, named=not compact)
        now = () if entries is None or entries.now.folds else entries.now.entries
        static = [one for one in now if not one.address]
        part = boxes.below(part, grids, _without_slots(static), gap=14)
    subtitle = (
        f"{addresses.long(area.start)}–{addresses.long(end)} · {area.allocated:,} of {area.slabs:,} slabs in use · "
        f"{binary_size(area.allocated * area.slab_size)} in memory"
    )
    return boxes.picture(
        "kentry",
        "kentry area",
        subtitle,
        part,
        caption=caption,
        table=_table(contents, addresses),
        steps=steps,
        machine=machine,
        width=width,
    )


def _slabs(
    seen: Look[KentryContents],
    style: AddressStyle,
    touched: dict[int, str],
    quiet: Set[int],
    entries: Look[MapValue] | None,
    *,
    named: bool,
) -> Part:
    """Return the open slabs, slot by slot, and if they are `named`, how many slots are used.

    A slot whose range has other limits than before is marked, too.
    """
    if entries is None:
        known, moved = {}, set[int]()
    else:
        before = {one.id: one for one in entries.before.entries}
        known = _by_id(entries, entries.moment.place)
        now = [one for one in entries.now.entries if one.id in before]
        moved = {one.address for one in now if (one.start, one.end) != (before[one.id].start, before[one.id].end)}
    looks = {**dict.fromkeys(moved, "changed"), **touched}
    grid = partial(_slab_grid, seen.now, style=style, touched=looks, quiet=quiet, known=known, named=named)
    return boxes.below(*map(grid, seen.now.slabs), gap=14)


def _without_slots(static: Sequence[EntryValue]) -> Part:
    """Return the entries that are in no slot, each with the reason below it; nothing if there are none."""
    if not static:
        return boxes.apart(0)
    cards = [
        boxes.below(
            boxes.card(
                f"kentry/static/{one.id}",
                [_named(one), binary_size(one.size)],
                thing=f"entry:{one.id}",
                strip=[kind_of(one)],
                title=f"entry {one.id}, {_named(one)}: in no slot",
            ),
            boxes.words(f"kentry/why/{one.id}", _WHY.get(one.role, _WHY[""])),
            gap=4,
        )
        for one in static
    ]
    head = boxes.words("kentry/why", "older: their records are in the kernel's image", "label strong")
    return boxes.below(boxes.apart(6), head, boxes.equal(cards, 300, gap=20), gap=6)


def _named(entry: EntryValue) -> str:
    return entry.role or name_of(entry)


_WHY = {
    "kentry area": "A slot needs a page of this area, and the area needs a record: this one.",
    "": "It was made before there was an area with slots.",
}
"""The reason why an entry is in no slot, by its range's role."""


def _answer(contents: KentryContents, entries: Look[MapValue] | None) -> str:
    """Return how many entries of the map are in slots, or how many slots are used if not all entries are known."""
    slabs = "the slab" if len(contents.slabs) == 1 else f"{len(contents.slabs)} slabs"
    if entries is None or entries.now.folds or len(contents.slabs) < contents.area.allocated:
        slots = sum(slab.buffers for slab in contents.slabs)
        return kentry_state("slots", slots - sum(len(slab.free) for slab in contents.slabs), slots=slots, slabs=slabs)
    holding = sum(len(slab.free) < slab.buffers for slab in contents.slabs)
    if holding < len(contents.slabs) > 1:
        slabs = f"{holding} of {slabs}"
    static = sum(not one.address for one in entries.now.entries)
    count = len(entries.now.entries)
    return kentry_state("older" if static else "all", static, used=count - static, entries=count, slabs=slabs)


_TOUCHED = 8
"""The most slots that an operation changed in one line."""


def _line(
    contents: KentryContents, slab: SlabValue, style: AddressStyle, touched: dict[int, str], *, whole: bool
) -> Part:
    """Return a slab in one line: how full it is, a cell for each slot, and the slots that changed or are next."""
    area, index = contents.area, contents.area.index(slab.address)
    said = f"{slab.buffers - len(slab.free)} of {slab.buffers} slots in use"
    words = said if len(contents.slabs) == 1 else f"slab {index} of {area.slabs:,}: {said}"
    first = slab.address + slab.colour
    addresses = [first + number * contents.buffer_size for number in range(slab.buffers)]
    at_hand = [one for one in addresses if one in touched][:_TOUCHED]
    at_hand += [one for one in slab.free[:1] if one not in at_hand and one in addresses]
    places = {address: place for place, address in enumerate(slab.free)}

    def slot(address: int, box: Box) -> Node:
        number = (address - first) // contents.buffer_size
        return _slot(contents, address, number, places.get(address), style, touched.get(address, ""), box)

    def line(w: float) -> Part:
        title = words if text_width(words, "") + 60 <= w / 2 + MARGIN else said
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
        text=(Text(wide - 16, 16, "▼" if whole else "▶", "dim"),),
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
    known: Mapping[int, EntryValue],
    named: bool,
) -> Part:
    """Return a slab's slots in rows, and if it is `named`, how many are used.

    A run of `quiet` slots that is longer than a few is one fold.
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
            entry = known.get(contents.residents.get(run[0], (0, 0))[0])
            return slot if entry is None else _with_range(slot, entry)
        words = f"{len(run)} free slots"
        title = f"{words}, {number} to {number + len(run) - 1}; show each"
        return kit.fold(f"kentry/{index}/free/{number}", box, words, lane="slots", opens=True, title=title)

    high = _TALL if slab.buffers - len(slab.free) <= _FEW else _LOW
    cells = [boxes.thing(high, partial(cell, run)) for run in runs]
    folds = [len(run) > 1 for run in runs]
    said = f"slab {index} at {style.long(slab.address)}: {slab.buffers - len(slab.free)} of {slab.buffers} slots in use"
    said += f", first slot shifted by {slab.colour} bytes" * bool(slab.colour)
    rows = boxes.sized(lambda w: boxes.flowing([*zip(_widths_of(folds, w), cells, strict=True)], gap=_BETWEEN))
    return boxes.below(boxes.words(f"kentry/{index}/title", said * named), rows, gap=4)


def _widths_of(folds: Sequence[bool], w: float) -> list[float]:
    """Return the widths of a slab's slots and folds in rows; a fold in a single row gets the room that is left."""
    room = w + _BETWEEN
    units = sum(_SPAN if is_fold else 1 for is_fold in folds) or 1
    rows = -(-units // int(room // (_SLOT_W + _BETWEEN)))
    pitch = min(_WIDEST, room / -(-units // rows))
    spare = room - units * pitch if rows == 1 and any(folds) else 0.0
    wide = pitch * _SPAN + spare / (sum(folds) or 1)
    return [(wide if is_fold else pitch) - _BETWEEN for is_fold in folds]


def _with_range(slot: Node, entry: EntryValue) -> Node:
    """Return a slot with the colour, the name and the size of its entry's range, as far as there is room."""
    name, size, w = _named(entry), binary_size(entry.size), slot.w - 6
    if text_width(size, "label strong") > w:
        lines = []
    elif slot.h < _TALL:
        lines = [fitted(slot.w / 2, slot.h / 2 + 4, size, w, "label strong", "middle")]
    else:
        lines = [fitted(slot.w / 2, 17, name, w, "label", "middle", middle=True)]
        lines.append(fitted(slot.w / 2, 34, size, w, "label strong", "middle"))
    return replace(slot, text=tuple(lines), bars=(Bar(0, slot.h - 4, slot.w, 4, kind_of(entry)),))


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
        if touched == "new":
            labels, look = ["new"], "label"
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


def steps_of_kentry(look: Look[KentryContents], entries: Look[MapValue] | None = None) -> Mine:
    """Return the steps of the area: the events at which its :func:`_facts` change."""

    def facts(done: int) -> object:
        contents = look.at(done)
        shown = _facts(contents, {} if entries is None else _by_id(entries, done))
        return shown if entries is None else (contents.area, shown)  # a part of another picture says less

    return once(("kentry", entries is None), seen(facts, is_far=look.is_far))


def _by_id(entries: Look[MapValue], done: int) -> dict[int, EntryValue]:
    """Return the entries at a moment; those that a map folds away are as they were before, or will be."""
    value = entries.at(done)
    others = (*entries.before.entries, *entries.after.entries) if value.folds else ()
    return {one.id: one for one in (*others, *value.entries)}


def _facts(contents: KentryContents, entries: Mapping[int, EntryValue]) -> object:
    """Return what the area shows and an operation may change: its slabs, their slots, and the entries in these."""
    known = {one.id: (one.start, one.end, _named(one), kind_of(one)) for one in entries.values()}
    slots = {slot: (identity, start, known.get(identity)) for slot, (identity, start) in contents.residents.items()}
    return [(slab.address, [*slab.free]) for slab in contents.slabs], slots


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
