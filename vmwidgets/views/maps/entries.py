"""The list lane: the contents of the map, in order.

Entries have links to the next; a dotted link crosses a gap, whose size is beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold, MapValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import NAMED, Bar, Link, Node, Text
from vmwidgets.views.scene.text import short_count, text_width

from .columns import GAP, OTHERS, SHORT_GAP, TIGHT, Column, gaps_between
from .overlaps import overlap_of, overlaps_of
from .picture import Drawn, MapPicture, entry_marks, plain_ones
from .runs import BAND, Run, brackets, kind_of, name_of, what_is

CARD_HEIGHT = 58.0


def list_lane(picture: MapPicture, columns: Mapping[int, Column], top: float) -> Drawn:
    """Return the entries that have columns, from `top` on: the whole list, or a row of it."""
    brief = _brief(picture, columns)
    files = _brackets(picture, columns, top) if picture.layout.runs else []
    top += BAND * bool(picture.layout.runs)
    items = [item for item in picture.value.items if item.id in columns]
    entries = [item for item in items if isinstance(item, EntryValue)]
    plain = plain_ones(picture, (entry for entry in entries if columns[entry.id].level == "mark"))
    folds = [item for item in items if isinstance(item, Fold)]
    numbered = kit.all_or_none(
        (short_count(fold.count) for fold in folds), (_fold_width(columns[fold.id]) for fold in folds)
    )
    cards = [
        _fold(item, columns[item.id], top, short_count(item.count) if numbered else "")
        if isinstance(item, Fold)
        else _entry(picture, item, columns[item.id], top, brief)
        for item in items
        if item.id not in plain
    ]
    marked = [entry for entry in entries if entry.id in plain]
    strips = {entry.id: _strip(columns[entry.id]) for entry in marked}
    marks = entry_marks(
        picture,
        "list",
        marked,
        list(strips.values()),
        top + STRIP,
        STRIP_HEIGHT,
        "{address}, {size}, {words}",
    )
    drawn = iter(cards)
    ends = [
        _End(f"list/{item.id}", *strips[item.id], top + CARD_HEIGHT / 2) if item.id in plain else _end(next(drawn))
        for item in items
    ]
    return Drawn(
        [
            *files,
            *_ghosts(picture, columns, top),
            *cards,
            *_gaps(picture, columns, top),
            *_others(columns, top),
            *_overlaps(items, columns, top),
        ],
        _links(ends, items),
        marks,
        top + CARD_HEIGHT + room_below(picture),
    )


def _brackets(picture: MapPicture, columns: Mapping[int, Column], y: float) -> list[Node]:
    """Return brackets above the columns of consecutive entries of one file."""
    right = max(column.x + column.w for column in columns.values()) + kit.MARGIN

    def ends(run: Run) -> tuple[float, float] | None:
        those = [columns[one.id] for one in run.entries if one.id in columns]
        return (those[0].x + 1, those[-1].x + those[-1].w - 1) if those else None

    return brackets("list", picture.layout.runs, ends, y, right)


def _ghosts(picture: MapPicture, columns: Mapping[int, Column], top: float) -> list[Node]:
    """Return the entries that the operation removed, in their columns, drawn as gone."""
    there = {item.id for item in picture.value.items} | picture.coming
    nodes = []
    for item in picture.layout.items:
        if isinstance(item, Fold) or item.id in there or item.id not in columns:
            continue
        left = [(max(one.start, item.start), min(one.end, item.end)) for one in picture.gone]
        gone = [(start, end) for start, end in left if start < end]
        if not gone:
            continue
        size = sum(end - start for start, end in gone)
        column = columns[item.id]
        where = ", ".join(picture.style.range(*one) for one in gone)
        title = f"{picture.name(item.id)}{NAMED}removed: {where}, {binary_size(size)}, {what_is(item)}"
        is_card = column.level == "card"
        x, w = (column.x + GAP / 2, column.w - GAP) if is_card else _strip(column)
        rows = [
            kit.Line(picture.name(item.id), "body strong dim", middle=True),
            kit.Line(f"− {binary_size(size)}", "strong"),
            kit.Line(_what_else(picture, item), "label dim", middle=True),
        ]
        box = Box(x, top, w, CARD_HEIGHT) if is_card else Box(x, top + STRIP, w, STRIP_HEIGHT)
        name = f"list/ghost/{item.id}"
        nodes.append(
            kit.card(name, box, rows if is_card else [], kind="ghost", top=20, step=15, pad=TIGHT, title=title)
        )
    return nodes


class _End(NamedTuple):
    """The place where links end: a node or a mark of the list, and the y of its middle."""

    id: str
    x: float
    w: float
    y: float


def _end(node: Node) -> _End:
    return _End(node.id, node.x, node.w, node.y + node.h / 2)


@frozen
class _Brief:
    """The parts of their cards that short entries show: either all entries show a part, or none does."""

    names: bool
    sizes: bool
    rights: bool


def _brief(picture: MapPicture, columns: Mapping[int, Column]) -> _Brief:
    """Return what the short entries of a list show."""
    short = [one for one in picture.value.entries if one.id in columns and columns[one.id].level == "short"]
    room = [columns[entry.id].w - SHORT_GAP - 2 for entry in short]
    return _Brief(
        kit.all_or_none((picture.name(entry.id) for entry in short), room, "label strong"),
        kit.all_or_none((binary_size(entry.size) for entry in short), room, "label strong"),
        kit.all_or_none((entry.protection for entry in short), room, "mono label"),
    )


def _entry(picture: MapPicture, entry: EntryValue, column: Column, top: float, brief: _Brief) -> Node:
    """Return an entry; `brief` says what short entries show."""
    states, kind = picture.in_order(entry.id), kind_of(entry)
    if column.level == "mark":
        return _mark(picture, entry, column, top, (*states, *picture.fill_of(entry)))
    is_card = column.level == "card"
    w = column.w - (GAP if is_card else SHORT_GAP)
    rows = _card_rows(picture, entry, w) if is_card else ()
    node = kit.card(
        f"list/{entry.id}",
        Box(column.middle - w / 2, top, w, CARD_HEIGHT),
        rows,
        kind="entry",
        thing=f"entry:{entry.id}",
        top=20,
        step=15,
        pad=TIGHT,
        bars=(Bar(1.5, 1.5, w - 3, 4, kind),),
        state=(*states, kind),
        lane="list",
        title=describe(picture, entry),
    )
    return node if is_card else replace(node, text=_short_text(picture, entry, w, brief))


def _mark(picture: MapPicture, entry: EntryValue, column: Column, top: float, states: tuple[str, ...]) -> Node:
    """Return an entry without room for words: a bar in the colour of its kind."""
    x, w = _strip(column)
    return kit.chip(
        f"list/{entry.id}",
        "range",
        Box(x, top + STRIP, w, STRIP_HEIGHT),
        thing=f"entry:{entry.id}",
        state=states,
        title=f"{picture.name(entry.id)}{NAMED}{picture.style.whole(entry.start)}, {binary_size(entry.size)}, "
        f"{entry.protection}",
        lane="list",
    )


STRIP_HEIGHT, STRIP = 32.0, 13.0


def room_below(picture: MapPicture) -> float:
    """Return the pixels below the cards: room for the words of overlaps, if there are any."""
    return 24.0 if overlaps_of(picture.value) else 6.0


def _strip(column: Column) -> tuple[float, float]:
    """Return the x and the width of an entry without words."""
    w = max(1.0, column.w - min(3.0, column.w * 0.35))
    return column.middle - w / 2, w


def _card_rows(picture: MapPicture, entry: EntryValue, w: float) -> list[kit.Line]:
    """Return the words of a card."""
    wired, what = _wired(entry), _what_else(picture, entry)
    if wired and w <= _ROOMY and text_width(what) > w - 2 * TIGHT - 6 - text_width(wired, "label strong"):
        what = ""
    return [
        kit.Line(picture.name(entry.id), "body strong", middle=True),
        kit.Line(binary_size(entry.size), "label strong", entry.protection, "mono label"),
        kit.Line(what, "label dim", wired, "label strong", middle=True),
    ]


def _what_else(picture: MapPicture, entry: EntryValue) -> str:
    """Return what an entry maps, unless its name says so."""
    what = name_of(entry)
    return "" if picture.name(entry.id).startswith(what) else what


_ROOMY = 130.0
"""Width of a card in which part of a name is legible next to "wired"."""


def _wired(entry: EntryValue, before: str = "") -> str:
    """Return words that say that an entry is wired, and how often if more than once."""
    if not entry.wired:
        return ""
    return before + ("wired" if entry.wired == 1 else f"wired {short_count(entry.wired)}×")


def _short_text(picture: MapPicture, entry: EntryValue, w: float, brief: _Brief) -> tuple[Text, ...]:
    """Return a short entry's name, size and rights, at the same heights as on cards."""
    name = Text(w / 2, 20, picture.name(entry.id), "label strong", "middle")
    size = Text(w / 2, 35, binary_size(entry.size), "label", "middle")
    rights = Text(w / 2, 50, entry.protection, "mono label dim", "middle")
    return (name,) * brief.names + (size,) * brief.sizes + (rights,) * brief.rights


def describe(picture: MapPicture, entry: EntryValue) -> str:
    """Return everything about an entry."""
    style = picture.style
    flags = ", may not merge" if entry.nomerge else ""
    flags += f", wired {entry.wired} time{'' if entry.wired == 1 else 's'}" if entry.wired else ""
    lives = f", itself at {style.whole(entry.address)}" if entry.address else ""
    said = f"{picture.name(entry.id)}{NAMED}entry {entry.id}: {style.whole(entry.start)}–{style.whole(entry.end)}"
    return (
        f"{said}, {binary_size(entry.size)}, "
        f"{entry.protection} of {entry.max_protection}, inherit {entry.inheritance}, advice {entry.advice}{flags}, "
        f"{what_is(entry)}{lives}"
    )


def _fold_width(column: Column) -> float:
    return max(4.0, column.w - 2)


def _fold(fold: Fold, column: Column, top: float, words: str) -> Node:
    w = _fold_width(column)
    return kit.chip(
        f"list/fold/{fold.id}",
        "fold",
        Box(column.middle - w / 2, top + 12, w, 34),
        words,
        thing=f"fold:{fold.id}",
        state=("folded",),
        action="open",
        lane="list",
        spare=0,
        title=f"{fold.count:,} entries folded: open",
    )


LEAST_LINK = 2.0
"""The distance in pixels below which two items are not joined by a line, since they are in a row anyway."""


def _links(ends: Sequence[_End], items: Sequence[EntryValue | Fold]) -> list[Link]:
    links = []
    for left, right, before, after in zip(ends, ends[1:], items, items[1:], strict=False):
        if right.x - left.x - left.w < LEAST_LINK:
            continue
        touching = isinstance(before, EntryValue) and isinstance(after, EntryValue) and before.end == after.start
        points = ((left.x + left.w, left.y), (right.x, right.y))
        links.append(Link(f"{left.id}/next", "next", left.id, right.id, points, () if touching else ("gap",)))
    return links


def _gaps(picture: MapPicture, columns: Mapping[int, Column], top: float) -> Iterator[Node]:
    """Yield the sizes of gaps that have room and are free at the moment, above and below the line to the next entry."""
    last = max(columns.values(), key=lambda column: column.x, default=None)
    for before, size in gaps_between(picture.layout.items).items():
        column = columns.get(before)
        if column is None or not column.after or column.others:
            continue
        start = next(item.end for item in picture.layout.items if item.id == before)
        if any(item.start < start + size and start < item.end for item in picture.value.items):
            continue
        is_gone = any(one == (start, start + size) for one in picture.gone)
        box = Box(column.x + column.w, top, column.after, CARD_HEIGHT)
        said = f"{'− ' * is_gone}{binary_size(size)}"
        text = [Text(box.w / 2, y, words, "label dim", "middle") for y, words in ((24, said), (42, "free"))]
        title = f"a gap of {binary_size(size)} after {picture.style.whole(start)}"
        is_last = column is last  # no line leads from the end of a row to the next card
        bars = [Bar(x, CARD_HEIGHT / 2 - 1, 2, 1.5, "line") for x in range(0, int(box.w), 5) if is_last]
        yield Node(f"list/gap/{before}", "gap", *box, shape="none", text=tuple(text), bars=tuple(bars), title=title)


def _others(columns: Mapping[int, Column], top: float) -> Iterator[Node]:
    """Yield the numbers of entries that have no columns, where they are in the list."""
    for column in columns.values():
        for x, count in ((column.x - OTHERS, column.earlier), (column.x + column.w, column.others)):
            if count:
                box = Box(x + 4, top + 13, OTHERS - 8, 32)
                title = f"{counted(count, 'entry', 'entries')} more, in the ribbon below"
                name, words = f"list/others/{column.id}/{x:.0f}", f"{short_count(count)} more"
                yield kit.chip(name, "others", box, words, style="", title=title)


def _overlaps(items: Sequence[EntryValue | Fold], columns: Mapping[int, Column], top: float) -> Iterator[Node]:
    """Yield the words of neighbours' overlaps below the cards, as far as there is room."""
    reached = 0.0
    for before, after in pairwise(items):
        if isinstance(before, Fold) or isinstance(after, Fold) or (both := overlap_of(before, after)) is None:
            continue
        left, right = columns[before.id], columns[after.id]
        w = text_width(both.words, "label error")
        x = (left.x + left.w + right.x - w) / 2
        if "card" not in (left.level, right.level) or x < reached:
            continue
        reached = x + w + 6
        box, tick = Box(x, top + CARD_HEIGHT - 6, w, 30), [Bar(w / 2 - 0.5, 0, 1, 9, "tick")]
        name = f"list/overlap/{before.id}"
        yield kit.chip(name, "gap", box, both.words, style="label error", shape="none", bars=tick, spare=0)


def table_rows(value: MapValue, picture: MapPicture) -> tuple[tuple[str, ...], ...]:
    """Return the map as rows of text, in the columns of :data:`TABLE_HEADER`."""
    rows = []
    above = {child: node.id for node in value.nodes.values() for child in (node.left, node.right) if child}
    for item in value.items[:MAX_ROWS]:
        if isinstance(item, Fold):
            rows.append((f"… {item.count:,} entries folded", *[""] * 10))
            continue
        node = value.nodes.get(item.id)
        colour = "" if node is None else "red" if node.red else "black"
        if item.id in above:
            colour += f", under {picture.name(above[item.id])}"
        style = picture.style
        rows.append(
            (
                picture.name(item.id),
                style.whole(item.start),
                style.whole(item.end),
                binary_size(item.size),
                item.protection,
                item.max_protection,
                item.inheritance,
                item.advice,
                what_is(item) + _wired(item, ", "),
                colour,
                str(item.id),
            )
        )
    if len(value.items) > MAX_ROWS:
        rows.append((f"… {len(value.items) - MAX_ROWS:,} rows more", *[""] * 10))
    return tuple(rows)


MAX_ROWS = 400
"""The most rows of the table of entries, which is part of every picture."""

TABLE_HEADER = ("name", "start", "end", "size", "prot", "max", "inherit", "advice", "what", "node", "entry")
