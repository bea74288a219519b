"""An open page table: its box, a row for each descriptor or run of pages, folds, and the gaps between.

What maps more is higher, with a broader bar.  Each row, fold and gap says how much of memory it covers; together they
cover what the table does.
"""

from __future__ import annotations

from collections.abc import Iterator

from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.base.values.tables import OpenTable, TableWindow, WindowRow
from vmwidgets.views.scene.model import Node, Text
from vmwidgets.views.scene.text import shorten, text_width

from .bench import TablesBench
from .rows import draw_row, fitting, row_height, slots_in_words, words_of_rows

HEAD, ABSENT_H = 54.0, 16.0
"""Height of a table's heading; of a gap's line: slots that hold nothing."""


def column_lane(column: int) -> str:
    """The lane of the tables in a column."""
    return f"column {column}"


def draw_table(
    window: TableWindow, table: OpenTable, bench: TablesBench, x: float, y: float, w: float, column: int
) -> list[Node]:
    """A table's box at (`x`, `y`), `w` wide, and its rows; the box comes first."""
    key = f"{table.level}/{table.va:x}"
    lane = column_lane(column)
    text = _heading(window, table, w)
    rows: list[Node] = []
    words = words_of_rows(table, w - 8)
    at = HEAD
    is_lent = table.is_lent
    if is_lent:
        text.append(_whose(is_lent, at))
        at += ABSENT_H
    for piece in pieces_of(table):
        if isinstance(piece, WindowRow) and piece.is_lent is not is_lent and piece.kind != "window":
            is_lent = piece.is_lent
            text.append(_whose(is_lent, at))
            at += ABSENT_H
        if isinstance(piece, WindowRow):
            said = words[piece.first]
            h = row_height(piece, said)
            rows.append(draw_row(window, table, piece, said, bench, x + 4, y + at, w - 8, lane))
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
    """A table's name, how many descriptors are in use, what addresses it is for, where it is, what it covers."""
    count = f"{table.present:,} of {table.entries:,}"
    head = [Text(8, 17, shorten(table.name, w - 16, "strong"), "strong")]
    if text_width(table.name, "strong") + text_width(count, "label") + 22 < w:
        head.append(Text(w - 8, 17, count, "label dim", "end"))
    start = Address(table.va)
    head.append(Text(8, 32, fitting((f"from {start}", str(start)), w - 16, "mono label"), "mono label dim"))
    size = binary_size((table.entries - table.skipped) * table.span)
    at = str(Address(table.pa))
    room = w - 26 - text_width(size, "label")
    head.append(Text(8, 46, fitting((f"at {at}", at, f"{table.pa:#x}"), room, "mono label"), "mono label dim"))
    head.append(Text(w - 8, 46, size, "label dim", "end"))
    return head


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


def _whose(is_lent: bool, y: float) -> Text:
    """A line that says whose the rows below it are."""
    return Text(8, y + 11, "lent by the kernel:" if is_lent else "its own:", "label")


def _absent(slots: range, span: int, y: float, w: float) -> list[Text]:
    """A gap's line: which slots, and how much they would cover."""
    left = Text(11, y + 11, slots_in_words(slots.start, len(slots)), "mono label dim")
    size = binary_size(len(slots) * span)
    room = w - 29 - text_width(left.text, left.style)
    return [
        left,
        Text(w - 10, y + 11, fitting((f"gap of {size}", f"gap {size}", size), room, "label"), "label dim", "end"),
    ]
