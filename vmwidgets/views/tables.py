"""Page tables in levels: a column a level, the root's at the left; of each open table its present rows, others folded.

A row is a descriptor, or a run of pages that go on from each other.  What maps more is higher, with a broader bar.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..engine.base.units import Address, binary_size, grouped_hex
from ..engine.base.window_values import OpenTable, TableWindow, WindowRow
from .columns import MARGIN, WIDTH
from .descriptor_bits import DescriptorPicture, draw_descriptor
from .scene import Bar, Caption, Link, Node, Scene, Steps, Table, Text
from .switches import HEIGHT as SWITCHES
from .switches import Switch, draw_switches
from .text import shorten, text_width

HEAD, BETWEEN, GAP = 40.0, 14.0, 26.0
"""Height of a table's heading; room below a table, and between two columns."""

_HEIGHTS = ((30, 46.0), (24, 40.0), (20, 34.0), (16, 27.0), (0, 20.0))
"""Height of a row by log2 of the bytes of its pages."""

WIDEST = 290.0


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


def draw_tables(
    window: TableWindow, bench: TablesBench | None = None, *, machine: str = "", width: float = WIDTH
) -> Scene:
    """The scene of the tables that are open."""
    bench = bench or TablesBench()
    parts = window.split.parts
    share = min(WIDEST, (width - 2 * MARGIN + GAP) / len(parts))
    top = 4.0
    nodes: list[Node] = []
    if bench.edited:
        nodes += draw_switches([[_undo(bench)]], "tables", top)
        top += SWITCHES + 6
    bottoms = dict.fromkeys((part.level for part in parts), top)
    for table in window.tables:
        column = next(number for number, part in enumerate(parts) if part.level == table.level)
        x = MARGIN + column * share
        drawn = _table(window, table, bench, x, bottoms[table.level], share - GAP, column)
        nodes += drawn
        bottoms[table.level] = drawn[0].y + drawn[0].h + BETWEEN
    bottom = max(bottoms.values())
    chosen = window.row(bench.chosen) if bench.chosen else None
    if chosen is not None:
        picture = _picture(window, chosen, bench)
        nodes += draw_descriptor(picture, "tables", bottom + 4, width)
        bottom += picture.height + 8
    return Scene(
        view="tables",
        title=window.name,
        subtitle=f"{window.format} · {_registers(window)}",
        width=width,
        height=bottom,
        caption=bench.found or _caption(window),
        nodes=tuple(nodes),
        links=tuple(_links(window, nodes, bench)),
        table=_rows(window),
        steps=Steps(0, 0, -1),
        machine=machine,
    )


def _registers(window: TableWindow) -> str:
    """The base registers and what they hold: ARM has one for each half."""
    names = [window.base_register, window.base_register.replace("TTBR0", "TTBR1")]
    roots = [table for table in window.tables if table.parent is None]
    return " · ".join(f"{names[table.va > 0]} {Address(table.pa)}" for table in roots)


def _undo(bench: TablesBench) -> Switch:
    many = f" ({len(bench.edited)} edited)"
    return Switch("undo", f"undo{many}", None, f"take the latest edit of a descriptor back{many}")


def _caption(window: TableWindow) -> Caption:
    roots = [table for table in window.tables if table.parent is None]
    rows = [row for table in window.tables for row in table.rows]
    tables = sum(row.tables for table in roots for row in table.rows)
    pages = sum(row.pages for table in roots for row in table.rows)
    slots = sum(table.present for table in roots)
    large = f" and {_counted(pages, 'large page')}" if pages else ""
    folds = sum(row.kind == "fold" for row in rows)
    folded = f"; {_counted(folds, 'fold')} with more" if folds else ""
    return Caption(
        f"{_counted(slots, 'descriptor')} of the root {'are' if slots != 1 else 'is'} in use: "
        f"{_counted(tables, 'table')}{large}.",
        (),
        f"{_counted(len(window.tables), 'table')} open{folded}. A table opens and closes by a click; what is absent is "
        "not drawn.",
    )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


# ---- tables --------------------------------------------------------------------------------------


def _table(
    window: TableWindow, table: OpenTable, bench: TablesBench, x: float, y: float, w: float, column: int
) -> list[Node]:
    """A table's box and its rows; the box comes first."""
    key = f"{table.level}/{table.va:x}"
    lane = f"column {column}"
    heights = [_height(row) for row in table.rows] or [20.0]
    h = HEAD + sum(heights) + 2 * len(heights) + 4
    count = f"{table.present:,} of {table.entries:,}"
    title = f"{table.name} at physical {Address(table.pa)}, from {Address(table.va)} on: {count} descriptors in use"
    left = text_width(table.name, "strong") + 12
    head = [Text(8, 17, shorten(table.name, w - 16, "strong"), "strong")]
    if left + text_width(count, "label") + 10 < w:
        head.append(Text(w - 8, 17, count, "label dim", "end"))
    digits = window.split.word_bits // 4
    start = grouped_hex(table.va, digits)
    whole = f"from {start}" if text_width(f"from {start}", "mono label") <= w - 16 else start
    head.append(Text(8, 32, shorten(whole, w - 16, "mono label"), "mono label dim"))
    if table.unreadable:
        head.append(Text(8, HEAD + 12, shorten("outside of memory", w - 16, "label"), "label error"))
        title = f"{title}; {table.unreadable}"
    elif not table.rows:
        head.append(Text(8, HEAD + 12, "empty", "label dim"))
    root = table.parent is None
    nodes = [
        Node(f"tables/table/{key}", "table", x, y, w, h, f"table:{table.pa:x}", text=tuple(head), title=title,
             state=("fault",) if table.unreadable else (), action="" if root else "open", lane=lane, graph=True),
    ]  # fmt: skip
    at = y + HEAD
    for row, height in zip(table.rows, heights, strict=False):
        nodes.append(_row(window, table, row, bench, x + 4, at, w - 8, height, lane))
        at += height + 2
    return nodes


def _height(row: WindowRow) -> float:
    if row.kind != "leaf":
        return 20.0
    return next(height for shift, height in _HEIGHTS if row.size >> shift)


def _row(
    window: TableWindow, table: OpenTable, row: WindowRow, bench: TablesBench, x: float, y: float, w: float, h: float,
    lane: str,
) -> Node:  # fmt: skip
    if row.kind == "fold":
        return _fold(table, row, x, y, w, h, lane)
    width = window.entry_width
    state = [f"is-{row.kind}"]
    if any(row.pa <= pa < row.pa + row.count * width for pa in bench.path):
        state.append("path")
    if any(row.pa <= pa < row.pa + row.count * width for pa in bench.edited):
        state.append("changed")
    index = str(row.first) if row.count == 1 else f"{row.first}–{row.first + row.count - 1}"
    bar = _bar(row, h)
    left = 12 + text_width(index, "mono label")
    base = h / 2 + 4
    end = _end(row)
    end_w = text_width(end, "label")
    text = [Text(7, base, index, "mono label")]
    if left + end_w + 8 <= w:
        text.append(Text(w - 6, base, end, "label", "end"))
    else:
        end, end_w = "", 0.0
    target = _target(row)
    if target and left + text_width(target, "mono label") + end_w + 14 <= w:  # else it stands in title and table
        text.append(Text(left, base, target, "mono label dim"))
    return Node(
        f"tables/slot/{table.level}/{row.va:x}", "descriptor", x, y, w, h, f"pte:{row.pa:x}", text=tuple(text),
        bars=bar, state=tuple(state), title=_title(window, row), action="open", lane=lane, graph=True,
    )  # fmt: skip


def _fold(table: OpenTable, row: WindowRow, x: float, y: float, w: float, h: float, lane: str) -> Node:
    parts = []
    if row.tables:
        parts.append(_counted(row.tables, "table"))
    if row.pages:
        parts.append(_counted(row.pages, "page"))
    words = "… " + " and ".join(parts or ["more"])
    title = f"descriptors {row.first} to {row.first + row.count - 1}, not shown: {' and '.join(parts) or 'others'}"
    return Node(
        f"tables/fold/{table.level}/{table.va:x}/{row.first}", "fold", x, y, w, h, state=("folded",),
        text=(Text(7, h / 2 + 4, shorten(words, w - 12, "label"), "label dim"),), title=title, action="open", lane=lane,
    )  # fmt: skip


def _bar(row: WindowRow, h: float) -> tuple[Bar, ...]:
    """A strip at the left of what maps memory: the broader, the larger the pages."""
    if row.kind != "leaf":
        return ()
    return (Bar(0, 1, 3.0 if row.size <= 1 << 12 else 5.0, h - 2, "plain" if row.size <= 1 << 12 else "object"),)


def _end(row: WindowRow) -> str:
    """What stands at a row's right end: what it is, in words."""
    if row.kind == "leaf":
        size = binary_size(row.size)
        many = f"{row.pages:,} × {size}" if row.pages > 1 else size
        return f"{many}  {row.rights.removesuffix(' user')}{' u' if row.rights.endswith('user') else ''}"
    return {"table": "table", "window": "itself", "reserved": "reserved", "invalid": "not present"}[row.kind]


def _target(row: WindowRow) -> str:
    if row.kind in ("invalid", "reserved"):
        return ""
    return f"→{grouped_hex(row.address, 8)}"


def _title(window: TableWindow, row: WindowRow) -> str:
    where = f"{row.layout} at physical {Address(row.pa)}, for {Address(row.va)}"
    if row.kind == "leaf":
        size = binary_size(row.size)
        pages = f"{row.pages:,} pages of {size}, {binary_size(row.bytes)}, from" if row.pages > 1 else f"{size}"
        said = f"{where}: {pages} physical {Address(row.address)}, {row.rights}"
        return f"{said}, standing in {row.repeated} descriptors" if row.repeated > 1 else said
    if row.kind in ("table", "window"):
        return f"{where}: the table at physical {Address(row.address)}"
    return f"{where}: {row.word:#x}"


def _picture(window: TableWindow, row: WindowRow, bench: TablesBench) -> DescriptorPicture:
    return DescriptorPicture(
        bench.chosen, bench.word, 8 * window.entry_width, row.fields, row.layout, row.section, bench.editable,
        bench.edited.get(bench.chosen),
    )  # fmt: skip


# ---- links and words -----------------------------------------------------------------------------


def _links(window: TableWindow, nodes: list[Node], bench: TablesBench) -> list[Link]:
    placed = {node.id: node for node in nodes}
    links = []
    for table in window.tables:
        if table.parent is None:
            continue
        source = placed.get(f"tables/slot/{table.level + 1}/{table.va:x}")
        target = placed[f"tables/table/{table.level}/{table.va:x}"]
        if source is None:
            continue
        start = (source.x + source.w, source.y + source.h / 2)
        end = (target.x, target.y + 14)
        state = ("path",) if table.parent[1] in bench.path else ()
        links.append(
            Link(f"{target.id}/from", "refers", source.id, target.id, (start, end), state=state, arrow=True)
        )  # a straight line between columns needs no routing
    return links


def _rows(window: TableWindow) -> Table:
    rows = []
    for table in window.tables:
        for row in table.rows:
            slots = str(row.first) if row.count == 1 else f"{row.first}–{row.first + row.count - 1}"
            if row.kind == "fold":
                what = _fold(table, row, 0, 0, 400, 20, "").title.partition(": ")[2]
                rows.append((table.name, slots, str(Address(row.va)), "folded", what, "", ""))
                continue
            size = f"{row.pages:,} × {binary_size(row.size)}" if row.kind == "leaf" else ""
            target = "" if row.kind in ("invalid", "reserved") else str(Address(row.address))
            rows.append((table.name, slots, str(Address(row.va)), row.kind, target, size, row.rights))
    return Table(("table", "slots", "for", "kind", "physical", "pages", "rights"), tuple(rows))
