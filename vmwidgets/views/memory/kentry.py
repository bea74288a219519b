"""The kentry area: who feeds the map that feeds everyone.

On top the reserved range, slab by slab, with its free list; below the open slabs, slot by slot, with the entries in
them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.x15.kentry_schema import KentryContents, KentryValue
from vmwidgets.engine.memory.slabs_schema import SlabValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Node, Row, Rows, Scene, Table, Text
from vmwidgets.views.scene.text import text_width
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, where
from vmwidgets.views.story.words.kmem import KENTRY
from vmwidgets.views.story.words.pictures import kentry_sentence

from .slabs import buffers_touched

_CELLS = 32
"""How many slabs of the range are drawn; the rest is one fold."""

_SLOT_W, _SLOT_H, _BETWEEN, _WIDEST = 48.0, 20.0, 3.0, 80.0
"""Width of a slot in a line, and the least of one in a grid, height, room between two; greatest width in a grid."""


def draw_kentry(
    look: Look[KentryContents],
    *,
    style: AddressStyle | None = None,
    title: str = "kentry area",
    machine: str = "",
    width: float = WIDTH,
    compact: bool = False,
    whole: bool = False,
) -> Scene:
    """The scene of the area.

    `compact` draws a line for each open slab, with the slots that the operation touched; `whole` adds the rest below.
    """
    moment, contents = look.moment, look.now
    mine = steps_of_kentry(look.after)
    area = contents.area
    end = area.start + area.slabs * area.slab_size
    addresses = style or AddressStyle.of(area.start, end)
    touched = {at: state for (cache, at), state in buffers_touched(moment.so_far).items() if cache == contents.cache}
    nodes: list[Node] = []
    y = 0.0
    for slab in contents.slabs if compact else ():
        more, y = _line(contents, slab, addresses, touched, y + 4, width, whole=whole)
        nodes += more
    if not compact or whole or not nodes:
        more, y = _range_row(contents, addresses, _slabs_taken(moment.so_far), width, y)
        nodes += more
    for slab in contents.slabs if not compact or whole else ():
        more, y = _slab_grid(contents, slab, addresses, touched, y + 8, compact, width)
        nodes += more
    subtitle = (
        f"{addresses.long(area.start)}–{addresses.long(end)} · {area.allocated:,} of {area.slabs:,} slabs in use · "
        f"{binary_size(area.allocated * area.slab_size)} in memory"
    )
    return kit.scene(
        "kentry",
        title,
        subtitle,
        nodes,
        caption=_kentry_caption(moment),
        table=_table(contents, addresses),
        steps=moment.steps(mine),
        machine=machine,
        width=width,
        height=y + 8,
    )


def _slabs_taken(events: Iterable[ev.Event]) -> set[int]:
    """The slabs that these events took, and did not give back."""
    found: set[int] = set()
    for event in events:
        if isinstance(event, ev.KentrySlabTaken):
            found.add(event.index)
        elif isinstance(event, ev.KentrySlabGiven):
            found.discard(event.index)
    return found


def _range_row(
    contents: KentryContents, style: AddressStyle, fresh: Collection[int], width: float, top: float = 0.0
) -> tuple[list[Node], float]:
    area = contents.area
    cells = min(area.slabs, _CELLS)
    rest = area.slabs - cells
    w = min(_SLAB_W, (width - 2 * MARGIN - (_REST if rest else 0)) / cells)
    opened = {area.index(slab.address) for slab in contents.slabs}
    next_free = area.free[0] if area.free else -1
    is_named = text_width(str(cells - 1)) <= w - 4  # all or none
    nodes = []
    for index in range(cells):
        allocated = _is_in_use(area, index)
        state = "in use" if allocated else "next on the free list" if index == next_free else "free"
        nodes.append(
            kit.chip(
                f"kentry/{index}", "slot", Box(MARGIN + index * w, top + 8, w - 2, 28), str(index) if is_named else "",
                style="label" if allocated else "label dim", thing=f"slab:{index}", lane="kentry", spare=2,
                state=[*["new"] * (index in fresh), "taken" if allocated else "free", *["shown"] * (index in opened)],
                title=f"slab {index} at {style.whole(area.start + index * area.slab_size)}: {state}",
            )
        )  # fmt: skip
    if rest:
        more = kit.label("kentry/rest", f"… {rest:,} more", MARGIN + cells * w + 4, top + 12)
        nodes.append(replace(more, title=f"{rest:,} more slabs"))
    head = "no free slab" if next_free < 0 else f"slabs by number; free list: {' → '.join(map(str, area.free[:6]))}"
    if len(area.free) > 6:
        head += " → …"
    nodes.append(kit.label("kentry/head", head, MARGIN, top + 38, most=width - 2 * MARGIN))
    return nodes, top + 58.0


_SLAB_W, _REST = 30.0, 110.0
"""Greatest width of a slab; room for how many are not drawn."""

_TOUCHED = 8
"""Slots that an operation touched which are in a line, at most."""


def _line(
    contents: KentryContents, slab: SlabValue, style: AddressStyle, touched: dict[int, str],
    top: float, width: float, *, whole: bool,
) -> tuple[list[Node], float]:  # fmt: skip
    """A slab in one line: how full it is, a cell for each slot, and the slots that were touched or come next."""
    area, index = contents.area, contents.area.index(slab.address)
    words = f"slab {index} of {area.slabs:,}: {slab.buffers - len(slab.free)} of {slab.buffers} slots in use"
    if text_width(words, "") + 60 > width / 2:
        words = f"slab {index}: {slab.buffers - len(slab.free)} of {slab.buffers} slots in use"
    title = kit.label(f"kentry/{index}/title", words, MARGIN, top + 3, style="", most=width - 2 * MARGIN - 60)
    nodes = [title]
    x = MARGIN + title.w + 10
    first = slab.address + slab.colour
    addresses = [first + number * contents.buffer_size for number in range(slab.buffers)]
    free = set(slab.free)
    w = max(1.0, min(6.0, (width / 2 - 40) / slab.buffers, (width - MARGIN - x - 30) / slab.buffers))
    bars = tuple(
        Bar(round(6 + number * w, 2), 5, round(max(0.6, w - 1 * (w > 3)), 2), 14, _cell(address, free, touched))
        for number, address in enumerate(addresses)
    )
    wide = 6 + w * slab.buffers + 24
    text = (Text(wide - 16, 16, "▾" if whole else "▸", "dim"),)
    said = f"slab {index} at {style.long(slab.address)}, a cell for each slot; {'fold' if whole else 'show'} the area"
    nodes.append(
        Node("kentry/line" if index == contents.area.index(contents.slabs[0].address) else f"kentry/line/{index}",
             "fold", x, top, wide, 24, text=text, bars=bars, state=("folded",) * (not whole), title=said,
             action="open", lane="kentry"),
    )  # fmt: skip
    x += wide + 10
    at_hand = [one for one in addresses if one in touched][:_TOUCHED]
    at_hand += [one for one in slab.free[:1] if one not in at_hand and one in addresses]
    places = {address: place for place, address in enumerate(slab.free)}
    y = top + 2
    for address in () if whole else at_hand:  # else they are among all slots below
        if x + _SLOT_W > width - MARGIN:
            x, y = MARGIN, y + _SLOT_H + 4
        number = (address - first) // contents.buffer_size
        box = Box(x, y, _SLOT_W, _SLOT_H)
        nodes.append(_slot(contents, address, number, places.get(address), style, touched.get(address, ""), box))
        x += _SLOT_W + _BETWEEN
    return nodes, y + _SLOT_H + 4


def _cell(address: int, free: Collection[int], touched: dict[int, str]) -> str:
    """The style of a slot's cell in a line."""
    return touched.get(address) or ("free" if address in free else "used")


def _slab_grid(
    contents: KentryContents,
    slab: SlabValue,
    style: AddressStyle,
    touched: dict[int, str],
    top: float,
    compact: bool,
    width: float,
) -> tuple[list[Node], float]:
    area = contents.area
    index = area.index(slab.address)
    free = {address: place for place, address in enumerate(slab.free)}
    head = f"slab {index} at {style.long(slab.address)}: {slab.buffers - len(slab.free)} of {slab.buffers} slots in use"
    colour = f", first slot shifted by {slab.colour} bytes" if slab.colour else ""
    first = slab.address + slab.colour
    addresses = [first + number * contents.buffer_size for number in range(slab.buffers)]
    shown = [a for a in addresses if not compact or a not in free]
    left_out = slab.buffers - len(shown)
    nodes: list[Node] = []
    if compact:
        top -= 18  # the line above has its words
    else:
        numbers = " · the number in a slot: the first page of its entry" * any(a in contents.residents for a in shown)
        numbers += " · next: the slot that is allocated next" * any(one in slab.free[:1] for one in shown)
        words = kit.paragraph(
            f"kentry/{index}/title", head + colour + numbers, MARGIN, top, width - 2 * MARGIN, style="label"
        )
        nodes.append(words)
        top += words.h - kit.LINE
    place = Box(MARGIN, top + 22, width - 2 * MARGIN + _BETWEEN, 0)
    boxes = [
        cell._replace(w=cell.w - _BETWEEN, h=_SLOT_H)
        for cell in kit.cells(len(shown) + bool(left_out), place, _SLOT_W + _BETWEEN, _SLOT_H + _BETWEEN, most=_WIDEST)
    ]
    if left_out:
        said, state = f"{left_out} free", ("free", "folded")
        nodes.append(kit.chip(f"kentry/{index}/free", "slot", boxes.pop(0), said, style="label dim", state=state))
    for address, box in zip(shown, boxes, strict=True):
        number = (address - first) // contents.buffer_size
        nodes.append(_slot(contents, address, number, free.get(address), style, touched.get(address, ""), box))
    bottom = max((node.y + node.h for node in nodes), default=top)
    return nodes, bottom + _BETWEEN


def _slot(
    contents: KentryContents, address: int, number: int, place: int | None, style: AddressStyle, touched: str, box: Box
) -> Node:
    resident = contents.residents.get(address)
    where = f"slot {number} at {style.whole(address)}"
    if resident is None:
        thing, label, look = "", "next" if place == 0 else "", "label dim"
        what = (
            "allocated, its entry is in no list" if place is None else "free, allocated next" if not place else "free"
        )
    else:
        identity, start = resident
        thing, label, look = f"entry:{identity}", style.short(start)[-6:], "mono label"
        what = f"entry {identity}, which begins at {style.whole(start)}"
    is_taken = resident is not None or place is None
    return kit.chip(
        f"kentry/slot/{address:x}", "slot", box, label, style=look, thing=thing, spare=0,
        state=[*[touched] * bool(touched), "taken" if is_taken else "free"], title=f"{where}: {what}", lane="slots",
    )  # fmt: skip


def _table(contents: KentryContents, style: AddressStyle) -> Table:
    more = (("slabs", Table(("slab", "at", "state"), Rows(lambda: tuple(_slab_rows(contents.area, style))))),)
    rows = Rows(lambda: tuple(_slot_rows(contents, style)))
    return Table(("slab", "slot", "address", "entry", "which begins at"), rows, more)


def _slot_rows(contents: KentryContents, style: AddressStyle) -> Iterator[Row]:
    """The slots of open slabs in which entries are, and the one that is allocated next."""
    for slab in contents.slabs:
        for number in range(slab.buffers):
            address = slab.address + slab.colour + number * contents.buffer_size
            resident = contents.residents.get(address)
            if resident is not None:
                yield (str(contents.area.index(slab.address)), str(number), style.whole(address),
                       str(resident[0]), style.whole(resident[1]))  # fmt: skip
            elif slab.free and address == slab.free[0]:
                yield str(contents.area.index(slab.address)), str(number), style.whole(address), "next", ""


def _slab_rows(area: KentryValue, style: AddressStyle) -> Iterator[Row]:
    for index in range(min(area.slabs, _CELLS)):
        state = "in use" if _is_in_use(area, index) else "free"
        yield str(index), style.whole(area.start + index * area.slab_size), state
    if area.slabs > _CELLS:
        yield f"… {area.slabs - _CELLS:,} more", "", ""


def _is_in_use(area: KentryValue, index: int) -> bool:
    """Whether the area's slab is in use: the free list may be longer than what is known of it."""
    beyond = len(area.free) < area.slabs - area.allocated and index > max(area.free, default=0)
    return index not in area.free and not beyond


# ---- steps ---------------------------------------------------------------------------------------


def steps_of_kentry(contents: KentryContents) -> Mine:
    """The steps of the area: its slabs, slots of those that are open, entries that come into these slots."""
    shown = [range(slab.address, slab.address + contents.area.slab_size) for slab in contents.slabs]

    def is_shown(event: ev.Event) -> bool:
        return any(place in slab for place in _places(event, contents.map) for slab in shown)

    def changes(stage: Stage) -> bool:
        return any(_is_about_slabs(event) or is_shown(event) for event in stage.events)

    return where(changes)


def _is_about_slabs(event: ev.Event) -> bool:
    if isinstance(event, (ev.SlabCreated, ev.SlabDestroyed)):
        return event.cache == KENTRY
    return isinstance(event, (ev.KentrySlabTaken, ev.KentrySlabGiven))


def _places(event: ev.Event, name: str) -> Sequence[int]:
    """The slots that are taken or given back, or where another entry begins, or one that begins elsewhere."""
    if isinstance(event, (ev.BufferAllocated, ev.BufferFreed)):
        return (event.address,) if event.cache == KENTRY else ()
    if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)) and event.map == name:
        return (event.entry[6],)
    if isinstance(event, (ev.EntryResized, ev.EntryChanged)) and event.map == name:
        return () if event.before[:2] == event.after[:2] else (event.after[6],)
    return ()


def _kentry_caption(moment: Moment) -> Caption:
    """The moment's caption, and after the operation how many slots and slabs it took and gave back."""
    if moment.operation is None or not moment.is_after or moment.operation.outcome == "panic":
        return moment.caption
    own = kentry_sentence(moment.operation.name, moment.events)
    caption = moment.caption_with(own)
    is_still = own == kentry_sentence("", ())  # as in a map that did not change
    return replace(caption, tone="plain") if is_still and caption.tone == "good" else caption
