"""An open page table: its box, a row for each descriptor or run of pages, folds, and the gaps between.

What maps more is higher, with a broader bar.  Each row, fold and gap says how much of memory it covers; together they
cover what the table does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..engine.base.units import Address, binary_size, counted, grouped_hex
from ..engine.base.window_values import OpenTable, TableWindow, WindowRow
from .scene import Bar, Caption, Node, Text
from .text import short_count, shorten, text_width

HEAD, ABSENT_H = 54.0, 16.0
"""Height of a table's heading; of a gap's line: slots that hold nothing."""

_HEIGHTS = ((30, 46.0), (24, 40.0), (20, 34.0), (16, 27.0), (0, 20.0))
"""Height of a row by log2 of the bytes of its pages."""


@dataclass(frozen=True, slots=True)
class TablesBench:
    """What can be done: `chosen` is where the descriptor that is shown bit by bit stands (0: none), `word` its bits.

    `path` are addresses of the descriptors on the way to an address that was looked for; `edited` what edited
    descriptors held before.
    """

    editable: bool = False
    chosen: int = 0
    word: int = 0
    path: Collection[int] = ()
    edited: Mapping[int, int] = field(default_factory=dict)
    found: Caption | None = None


def draw_table(
    window: TableWindow, table: OpenTable, bench: TablesBench, x: float, y: float, w: float, column: int
) -> list[Node]:
    """A table's box at (`x`, `y`), `w` wide, and its rows; the box comes first."""
    key = f"{table.level}/{table.va:x}"
    lane = f"column {column}"
    text = _heading(window, table, w)
    rows: list[Node] = []
    brief = _is_brief(table, w - 8)
    at = HEAD
    for piece in pieces_of(table):
        if isinstance(piece, WindowRow):
            h = _height(piece)
            rows.append(_row(window, table, piece, bench, x + 4, y + at, w - 8, h, brief, lane))
            at += h + 2
        else:
            text += _absent(piece, table.span, at, w)
            at += ABSENT_H
    count = f"{table.present:,} of {table.entries:,}"
    title = f"{table.name} at physical {Address(table.pa)}, from {Address(table.va)} on: {count} descriptors in use"
    if table.unreadable:
        text.append(Text(8, HEAD + 12, shorten("outside of memory", w - 16, "label"), "label error"))
        title, at = f"{title}; {table.unreadable}", HEAD + 20
    box = Node(
        f"tables/table/{key}", "table", x, y, w, at + 4, f"table:{table.pa:x}", text=tuple(text), title=title,
        state=("fault",) if table.unreadable else (), action="" if table.parent is None else "open", lane=lane,
        graph=True,
    )  # fmt: skip
    return [box, *rows]


def _heading(window: TableWindow, table: OpenTable, w: float) -> list[Text]:
    """A table's name, how many descriptors are in use, what addresses it is for, where it stands, what it covers."""
    count = f"{table.present:,} of {table.entries:,}"
    head = [Text(8, 17, shorten(table.name, w - 16, "strong"), "strong")]
    if text_width(table.name, "strong") + text_width(count, "label") + 22 < w:
        head.append(Text(w - 8, 17, count, "label dim", "end"))
    start = grouped_hex(table.va, window.split.word_bits // 4)
    head.append(Text(8, 32, _fitting((f"from {start}", start), w - 16, "mono label"), "mono label dim"))
    size = binary_size((table.entries - table.skipped) * table.span)
    at = grouped_hex(table.pa, 8)
    room = w - 26 - text_width(size, "label")
    head.append(Text(8, 46, _fitting((f"at {at}", at, f"{table.pa:x}"), room, "mono label"), "mono label dim"))
    head.append(Text(w - 8, 46, size, "label dim", "end"))
    return head


def _fitting(ways: Sequence[str], w: float, style: str) -> str:
    """The first that fits; else the last, cut."""
    return next((way for way in ways if text_width(way, style) <= w), shorten(ways[-1], w, style))


def pieces_of(table: OpenTable) -> Iterator[WindowRow | range]:
    """The rows of a table, and the slots between them that hold nothing; together all of its slots."""
    if table.unreadable:
        return
    done = table.skipped
    for row in table.rows:
        if row.first > done:
            yield range(done, row.first)
        yield row
        done = row.end
    if done < table.entries:
        yield range(done, table.entries)


def _absent(slots: range, span: int, y: float, w: float) -> list[Text]:
    """A gap's line: which slots, and how much they would cover."""
    size = f"gap of {binary_size(len(slots) * span)}"
    left = Text(11, y + 11, slots_in_words(slots.start, len(slots)), "mono label dim")
    fits = 14 + text_width(left.text, left.style) + text_width(size, "label") + 18 <= w
    return [*([left] if fits else []), Text(w - 10, y + 11, size, "label dim", "end")]


def slots_in_words(first: int, count: int) -> str:
    """Slots by their numbers: "3", "4–7"."""
    return str(first) if count == 1 else f"{first}–{first + count - 1}"


def _height(row: WindowRow) -> float:
    if row.kind != "leaf":
        return 20.0
    return next(height for shift, height in _HEIGHTS if row.size >> shift)


def _row(
    window: TableWindow, table: OpenTable, row: WindowRow, bench: TablesBench, x: float, y: float, w: float, h: float,
    brief: bool, lane: str,
) -> Node:  # fmt: skip
    if row.kind == "fold":
        return _fold(table, row, x, y, w, h, lane)
    width = window.entry_width
    state = [f"is-{row.kind}"]
    if any(row.pa <= pa < row.pa + row.count * width for pa in bench.path):
        state.append("path")
    if any(row.pa <= pa < row.pa + row.count * width for pa in bench.edited):
        state.append("changed")
    index = slots_in_words(row.first, row.count)
    left, base = 12 + text_width(index, "mono label"), h / 2 + 4
    end, target = _words(row, table.span, brief, w - left)
    text = [Text(7, base, index, "mono label"), Text(w - 6, base, end, "label", "end")]
    if target:  # else it stands in title and table
        text.append(Text(left, base, target, "mono label dim"))
    return Node(
        f"tables/slot/{table.level}/{row.va:x}", "descriptor", x, y, w, h, f"pte:{row.pa:x}", text=tuple(text),
        bars=_bar(row, h), state=tuple(state), title=_title(window, table, row), action="open", lane=lane, graph=True,
    )  # fmt: skip


def _fold(table: OpenTable, row: WindowRow, x: float, y: float, w: float, h: float, lane: str) -> Node:
    what = folded_in_words(row)
    size = f"in {binary_size(row.count * table.span)}"
    title = f"descriptors {row.first} to {row.end - 1}, not shown: {what or 'others'}, {size} with the gaps between"
    words = [f"… {what or 'more'}", f"… {short_count(row.tables + row.pages)}"]
    room = w - 20 - text_width(size, "label")
    return Node(
        f"tables/fold/{table.level}/{table.va:x}/{row.first}", "fold", x, y, w, h, state=("folded",),
        text=(Text(7, h / 2 + 4, _fitting(words, room, "label"), "label dim"),
              Text(w - 6, h / 2 + 4, size, "label dim", "end")),
        title=title, action="open", lane=lane,
    )  # fmt: skip


def folded_in_words(row: WindowRow) -> str:
    """What a fold hides: "2 tables and 1 page"."""
    parts = [counted(count, word) for count, word in ((row.tables, "table"), (row.pages, "page")) if count]
    return " and ".join(parts)


def _bar(row: WindowRow, h: float) -> tuple[Bar, ...]:
    """A strip at the left of what maps memory: the broader, the larger the pages."""
    if row.kind != "leaf":
        return ()
    return (Bar(0, 1, 3.0 if row.size <= 1 << 12 else 5.0, h - 2, "plain" if row.size <= 1 << 12 else "object"),)


_KINDS = {"window": "itself", "reserved": "reserved", "invalid": "not present"}


def _is_brief(table: OpenTable, w: float) -> bool:
    """Whether what refers to tables can't say so in a word: none of these rows does then, for all to be alike."""
    widths = (
        text_width(slots_in_words(row.first, row.count) + _target(row), "mono label") for row in table.rows
        if row.kind == "table"
    )  # fmt: skip
    return max(widths, default=0.0) + text_width(f"{binary_size(table.span)}  table", "label") + 26 > w


def _words(row: WindowRow, span: int, brief: bool, w: float) -> tuple[str, str]:
    """What stands at a row's right end, and to what it refers: the size always, the rest as far as it fits."""
    target, size = _target(row), binary_size(row.count * span)
    if row.kind == "leaf":
        rights = f"{row.rights.removesuffix(' user')}{' u' if row.rights.endswith('user') else ''}"
        pages = f"{row.pages:,} × {binary_size(row.size)}" if row.pages > 1 else binary_size(row.size)
        ways = [(f"{pages}  {rights}", target), (f"{pages}  {rights}", ""), (f"{size}  {rights}", ""), (size, "")]
    elif row.kind == "table":
        ways = [(size if brief else f"{size}  table", target), (f"{size}  table", ""), (size, "")]
    else:
        what = f"{size}  {_KINDS[row.kind]}"
        ways = [(what, target), (what, ""), (size, "")]
    for end, beside in ways:
        if text_width(end, "label") + text_width(beside, "mono label") + (14 if beside else 8) <= w:
            return end, beside
    return shorten(size, w - 8, "label"), ""


def _target(row: WindowRow) -> str:
    if row.kind in ("invalid", "reserved"):
        return ""
    return f"→{grouped_hex(row.address, 8)}"


def _title(window: TableWindow, table: OpenTable, row: WindowRow) -> str:
    where = f"{row.layout} at physical {Address(row.pa)}, for {Address(row.va)}"
    if row.kind == "leaf":
        size = binary_size(row.size)
        pages = f"{row.pages:,} pages of {size}, {binary_size(row.bytes)}, from" if row.pages > 1 else f"{size}"
        said = f"{where}: {pages} physical {Address(row.address)}, {row.rights}"
        return f"{said}, standing in {row.repeated} descriptors" if row.repeated > 1 else said
    covered = f"{where} and {binary_size(row.count * table.span)}"
    if row.kind in ("table", "window"):
        return f"{covered}: the table at physical {Address(row.address)}"
    return f"{covered}: {row.word:#x}"
