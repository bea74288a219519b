"""An open page table: its box, a row for each descriptor or run of pages, folds, and the gaps between them.

Rows that map more memory are taller, with a wider bar.  Each row, fold and gap says how much memory it covers; together
they cover what the table does.  A row has one line, or two if slots, size and permissions don't fit side by
side: it always shows its size and its permissions, and its title has its target.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from itertools import groupby, pairwise
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, binary_size, counted, listed
from vmwidgets.engine.mmu.tables_schema import OpenTable, TableWindow, WindowRow
from vmwidgets.views.scene.addresses import place_of
from vmwidgets.views.scene.kit import Line, lines_of
from vmwidgets.views.scene.model import Bar, Caption, Node, Text
from vmwidgets.views.scene.text import fitted, text_width, wording


@frozen
class TableMarks:
    """The changes of an operation: the new tables, and the states of other tables and of rows, by address."""

    made: frozenset[int] = frozenset()
    tables: Mapping[int, str] = field(default_factory=dict)
    rows: Mapping[int, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there are any marks."""
        return bool(self.made or self.tables or self.rows)


@frozen
class TablesBench:
    """The tools: `chosen` is the address of the descriptor that is shown bit by bit (0 for none), `word` its bits.

    `path` are the addresses of the descriptors on the way to a searched address; `edited` contains the old values of
    edited descriptors.
    """

    editable: bool = False
    chosen: int = 0
    word: int = 0
    path: Collection[int] = ()
    edited: Mapping[int, int] = field(default_factory=dict)
    found: Caption | None = None
    marks: TableMarks = field(default_factory=TableMarks)
    kinds: Mapping[int, str] = field(default_factory=dict)
    """What memory is mapped at an address, which determines the colour of its descriptor; others are neutral."""


_HEAD, _ABSENT_H = 54.0, 16.0
"""Height of a table's heading; of a line for a gap of empty slots."""


def column_lane(column: int) -> str:
    """Return the lane of the tables in a column."""
    return f"column {column}"


def draw_table(
    window: TableWindow, table: OpenTable, bench: TablesBench, x: float, y: float, w: float, column: int
) -> list[Node]:
    """Return a table's box at (`x`, `y`), `w` wide, and its rows; the box comes first."""
    key = f"{table.level}/{table.va:x}"
    lane = column_lane(column)
    text = _heading(table, w)
    rows: list[Node] = []
    words = _words_of_rows(table, w - 8)
    at = _HEAD
    is_lent = table.is_lent
    if is_lent:
        text.append(_whose(is_lent, at))
        at += _ABSENT_H
    for piece in pieces_of(table):
        if isinstance(piece, WindowRow) and piece.is_lent is not is_lent and piece.kind != "window":
            is_lent = piece.is_lent
            text.append(_whose(is_lent, at))
            at += _ABSENT_H
        if isinstance(piece, WindowRow):
            said = words[piece.first]
            h = _row_height(piece, said)
            rows.append(_draw_row(window, table, piece, said, bench, x + 4, y + at, w - 8, lane))
            at += h + 2
        else:
            text += _absent(table, piece, at, w)
            at += _ABSENT_H
    count = f"{table.present:,} of {table.entries:,}"
    title = f"{table.name} at physical {place_of(table.pa)}, from {Address(table.va)} on: {count} descriptors in use"
    if table.unreadable:
        text.append(fitted(8, _HEAD + 12, "outside of memory", w - 16, "label error"))
        title, at = f"{title}; {table.unreadable}", _HEAD + 20
    changed = "new" if table.pa in bench.marks.made else bench.marks.tables.get(table.pa, "")
    title += f", {changed}" * bool(changed)
    box = Node(
        f"tables/table/{key}",
        "table",
        x,
        y,
        w,
        at + 4,
        f"table:{table.pa:x}",
        text=tuple(text),
        bars=(Bar(0, 0, w, 4, "rail"), Bar(0, 0, max(2.0, w * table.present / table.entries), 4, "table")),
        title=title,
        state=("fault",) if table.unreadable else (changed,) * bool(changed),
        action="" if table.parent is None else "open",
        lane=lane,
    )
    return [box, *rows]


_PAD = 5.0
"""Space between a table's edge and the words of its heading."""


def least_width(window: TableWindow) -> float:
    """Return the width that a table needs to show every start address in full."""
    widest = max((text_width(str(Address(table.va)), "mono label") for table in window.tables), default=0.0)
    return max(_LEAST, widest + 2 * _PAD)


_LEAST = 134.0


def _heading(table: OpenTable, w: float) -> list[Text]:
    """Return a table's name, its number of descriptors in use, the addresses it maps, its own address, its size."""
    some = f"{table.present:,} of {table.entries:,}"
    beside = w - 2 * _PAD - 6 - text_width(table.name, "body strong")
    start, at = str(Address(table.va)), place_of(table.pa)
    size = binary_size((table.entries - table.skipped) * table.span)
    rows = [
        Line(table.name, "body strong", wording((f"{some} in use", some, ""), beside)),
        Line((f"from {start}", start), "mono label dim"),
        Line((f"at {at}", at), "mono label dim", size),
    ]
    return [*lines_of(rows, w, top=17, step=14.5, pad=_PAD)]


def pieces_of(table: OpenTable) -> Iterator[WindowRow | range]:
    """Yield all slots of a table: its rows, and between them slots that are empty or can't be read."""
    if table.unreadable:
        return
    done = table.skipped
    for row in table.rows:
        yield from _between(table, done, row.first)
        yield row
        done = row.end
    yield from _between(table, done, table.entries)


def _between(table: OpenTable, first: int, end: int) -> Iterator[range]:
    """Yield the slots without a row; slots that can't be read are separate."""
    edges = {edge for unread in table.unread for edge in (unread.start, unread.stop) if first < edge < end}
    pieces = [range(*pair) for pair in pairwise(sorted({first, *edges, end}))]
    for _, same in groupby(pieces, key=lambda piece: is_unread(table, piece)):
        parts = [*same]
        yield range(parts[0].start, parts[-1].stop)


def is_unread(table: OpenTable, slots: range) -> bool:
    """Return whether slots without a row may hold something that can't be read."""
    return any(slots.start in unread for unread in table.unread)


def _whose(is_lent: bool, y: float) -> Text:
    """Return a line that names the owner of the rows below."""
    return Text(8, y + 11, "lent by the kernel:" if is_lent else "its own:", "label")


def _absent(table: OpenTable, slots: range, y: float, w: float) -> list[Text]:
    """Return a gap's line: its slots, how much they would cover, and whether they can't be read."""
    left = Text(11, y + 11, slots_in_words(slots.start, len(slots)), "mono label dim")
    size = binary_size(len(slots) * table.span)
    room = w - 29 - text_width(left.text, left.style)
    unread = is_unread(table, slots)
    ways = (f"{size} can't be read", "can't be read", "unread") if unread else (f"gap of {size}", f"gap {size}", size)
    return [left, fitted(w - 10, y + 11, ways, room, "label error" if unread else "label dim", "end")]


# ---- rows ----------------------------------------------------------------------------------------

_HEIGHTS = ((30, 46.0), (24, 40.0), (20, 34.0), (16, 27.0), (0, 20.0))
"""Height of a row by log2 of the size of its pages."""

_TWO_LINES, _LINE = 32.0, 13.0
"""Least height of a row with two lines; the distance of the lines."""

_LEFT, _RIGHT = 7.0, 5.0
"""Space before and after a row's words."""


class _Words(NamedTuple):
    """The words of a row: slots and, at its right end, the size; in a second line if `two`."""

    slots: str
    end: str
    two: bool


def _words_of_rows(table: OpenTable, w: float) -> Mapping[int, _Words]:
    """Return the words of each row of a table in `w` pixels, by its first slot.

    The rows that refer to tables all have one line, or all two.
    """
    words = {row.first: _words(row, table.span, w, " user") for row in table.rows}
    if any(words[row.first].two for row in table.rows if row.kind == "leaf"):
        words = {row.first: _words(row, table.span, w, " u") for row in table.rows}
    refer = [row.first for row in table.rows if row.kind in ("table", "window")]
    if any(words[first].two for first in refer):
        words |= {first: words[first]._replace(two=True) for first in refer}
    return words


def _words(row: WindowRow, span: int, w: float, user: str) -> _Words:
    """Return the words of a row; `user` is its wording for user access."""
    slots, size = slots_in_words(row.first, row.count), binary_size(row.count * span)
    if row.kind == "fold":
        return _words_of_fold(row, f"in {size}", w)
    room = w - _LEFT - _RIGHT
    beside = room - text_width(slots, "mono label") - 4
    if row.kind == "leaf":
        rights = f"{row.rights.removesuffix('user').rstrip()}{user if row.rights.endswith('user') else ''}"
        pages = f"{row.pages:,} × {binary_size(row.size)}" if row.pages > 1 else binary_size(row.size)
        end = wording([f"{many}  {rights}".rstrip() for many in (pages, size)], room)
    else:
        end = wording([f"{size} {word}" for word in _KINDS[row.kind]], room)
    return _Words(slots, end, text_width(end, "label") + 4 > beside)


def _words_of_fold(row: WindowRow, size: str, w: float) -> _Words:
    room = w - _LEFT - _RIGHT
    what = f"… {folded_in_words(row) or 'more'}"
    return _Words(what, size, text_width(what, "label") + text_width(size, "label") + 8 > room)


_KINDS = {"table": ("table",), "window": ("itself",), "reserved": ("reserved",), "invalid": ("not present", "absent")}


def slots_in_words(first: int, count: int) -> str:
    """Return slots by their numbers: "3", "4–7"."""
    return str(first) if count == 1 else f"{first}–{first + count - 1}"


def folded_in_words(row: WindowRow) -> str:
    """Return the contents of a fold: "2 tables and 1 page"."""
    named = ((row.tables, "table"), (row.pages, "page"), (row.reserved, "reserved descriptor"))
    return listed([counted(count, word) for count, word in named if count])


def _row_height(row: WindowRow, words: _Words) -> float:
    """Return the height of a row: taller for larger pages, with room for its lines."""
    least = _TWO_LINES if words.two else 20.0
    return max(least, next(height for shift, height in _HEIGHTS if row.size >> shift)) if row.kind == "leaf" else least


def _draw_row(
    window: TableWindow,
    table: OpenTable,
    row: WindowRow,
    words: _Words,
    bench: TablesBench,
    x: float,
    y: float,
    w: float,
    lane: str,
) -> Node:
    """Return a row's box with its words."""
    h = _row_height(row, words)
    if row.kind == "fold":
        return _fold(table, row, words, x, y, w, h, lane)
    width = window.entry_width
    kind = bench.kinds.get(row.va, "") if row.kind == "leaf" else ""
    state = [f"is-{row.kind}", kind] if kind else [f"is-{row.kind}"]
    if any(row.pa <= pa < row.pa + row.count * width for pa in bench.path):
        state.append("path")
    changed = bench.marks.rows.get(row.pa, "")
    if any(row.pa <= pa < row.pa + row.count * width for pa in bench.edited):
        changed = "changed"
    state += [changed] * bool(changed)
    return Node(
        f"tables/slot/{table.level}/{row.va:x}", "descriptor", x, y, w, h, f"pte:{row.pa:x}",
        text=_lines(words, w, h, "mono label", "label"), bars=_bar(row, kind, h), state=tuple(state),
        title=_title(table, row) + f", {changed}" * bool(changed), action="open", lane=lane,
    )  # fmt: skip


def _lines(words: _Words, w: float, h: float, left: str, right: str) -> tuple[Text, ...]:
    """Return the words of a row in one line or two, vertically centred."""
    base = h / 2 + (4 - _LINE / 2 if words.two else 4)
    room = w - _LEFT - _RIGHT
    text = [fitted(_LEFT, base, words.slots, room, left)]
    text.append(fitted(w - _RIGHT, base + _LINE * words.two, words.end, room, right, "end"))
    return tuple(text)


def _fold(table: OpenTable, row: WindowRow, words: _Words, x: float, y: float, w: float, h: float, lane: str) -> Node:
    what = folded_in_words(row) or "others"
    what += " of the kernel" if row.is_lent else ""
    title = f"descriptors {row.first} to {row.end - 1}, not shown: {what}, {words.end} with the gaps between"
    return Node(
        f"tables/fold/{table.level}/{table.va:x}/{row.first}",
        "fold",
        x,
        y,
        w,
        h,
        state=("folded",),
        text=_lines(words, w, h, "label dim", "label dim"),
        title=title,
        action="open",
        lane=lane,
    )


def _bar(row: WindowRow, kind: str, h: float) -> tuple[Bar, ...]:
    """Return a strip on the left of a row that maps memory, in the colour of its kind: wider for larger pages."""
    if row.kind != "leaf":
        return ()
    return (Bar(0, 0, 3.0 if row.size <= 1 << 12 else 6.0, h, leaf_style(kind)),)


def leaf_style(kind: str) -> str:
    """Return the style of a strip of a descriptor that maps memory of this kind; "" if the kind is not known."""
    return f"own-{kind}" if kind else "plain"


def _title(table: OpenTable, row: WindowRow) -> str:
    where = (
        f"{row.layout}{' of the kernel' if row.is_lent else ''} at physical {place_of(row.pa)}, for {Address(row.va)}"
    )
    if row.kind == "leaf":
        size = binary_size(row.size)
        pages = f"{row.pages:,} pages of {size}, {binary_size(row.bytes)}, from" if row.pages > 1 else f"{size}"
        said = f"{where}: {pages} physical {Address(row.address)}{', ' * bool(row.rights)}{row.rights}"
        return f"{said}, standing in {row.repeated} descriptors" if row.repeated > 1 else said
    covered = f"{where} and {binary_size(row.count * table.span)}"
    if row.kind in ("table", "window"):
        return f"{covered}: the table at physical {Address(row.address)}"
    return f"{covered}: {row.word:#x}"
