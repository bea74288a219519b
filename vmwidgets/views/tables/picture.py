"""Page tables in levels: a column for each level, the root's on the left; a chosen descriptor bit by bit below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vmwidgets.engine.base.units import Address, binary_size, counted, listed
from vmwidgets.engine.mmu.tables_schema import OpenTable, TableWindow, WindowRow
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import place_of
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import WIDTH, Box, Switch
from vmwidgets.views.scene.model import Caption, Lane, Link, Node, Opened, Scene, Table
from vmwidgets.views.story.moment import Told
from vmwidgets.views.story.words import pictures as words

from .bits import DescriptorPicture, draw_descriptor
from .boxes import (
    TablesBench,
    column_lane,
    draw_table,
    folded_in_words,
    is_unread,
    least_width,
    pieces_of,
    slots_in_words,
)

BETWEEN, GAP, BAND = 14.0, 12.0, 23.0
"""Space below a table, and between two columns; bands make it wider if there is room."""

_WORDS = 160.0
"""Pixels of a column for a gap's words and size, which are not given to a wider band."""

WIDEST, INDENT = 420.0, 16.0
"""Greatest width of a column with the space next to it; the indentation of a level if there are no columns."""


def draw_tables(
    window: TableWindow,
    bench: TablesBench | None = None,
    *,
    machine: str = "",
    width: float = WIDTH,
    told: Told | None = None,
) -> Scene:
    """Return the scene of the open tables, with the words that the moment adds."""
    told, bench = told or Told(), bench or TablesBench()
    chosen = window.row(bench.chosen) if bench.chosen else None
    word = [draw_descriptor(_picture(window, chosen, bench), "tables")] if chosen is not None else []
    drawn = boxes.picture(
        "tables",
        window.name,
        " · ".join([window.format, _registers(window), *_made(bench)]),
        boxes.below(
            boxes.switches("tables", [[_undo(bench)]] if bench.edited else []),
            boxes.below(_tables(window, bench), *word, gap=BETWEEN + 4),
            gap=6,
        ),
        caption=bench.found or told.caption(_caption(window)),
        table=_rows(window),
        steps=told.steps,
        lanes=[Lane(column_lane(number), down=True) for number in range(len(window.split.parts))],
        machine=machine,
        width=width,
    )
    return replace(drawn, opened=tuple(map(_opened, window.tables)))


def _tables(window: TableWindow, bench: TablesBench) -> Part:
    """Return the tables in columns, or below each other if there is no room; a band joins each to its descriptor."""
    parts = window.split.parts
    columns = {part.level: number for number, part in enumerate(parts)}

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        share, gap = min(WIDEST, (w + GAP) / len(parts)), GAP
        is_outline = share - GAP < least_width(window)
        if not is_outline and len(parts) > 1:
            least = max(share - BAND, min(share - GAP, max(_WORDS, least_width(window))))
            gap = max(GAP, min(BAND, (w - len(parts) * least) / (len(parts) - 1)))
            share = min(WIDEST - GAP + gap, (w + gap) / len(parts))
        start, bottoms = len(drawn.nodes), dict.fromkeys(columns, y)
        for table in _in_outline(window) if is_outline else window.tables:
            column = columns[table.level]
            if is_outline:
                inset = column * INDENT
                boxed = draw_table(window, table, bench, x + inset, max(bottoms.values()), w - inset, column)
            else:
                at, top = x + column * share, bottoms[table.level]
                boxed = draw_table(window, table, bench, at, top, share - gap, column)
            drawn.nodes += boxed
            bottoms[table.level] = boxed[0].y + boxed[0].h + BETWEEN
        bottom = max(bottoms.values())
        if not is_outline:  # each level is in the middle, so that no corner is empty
            shifts = {column_lane(columns[level]): (bottom - end) / 2 for level, end in bottoms.items()}
            drawn.nodes[start:] = [replace(one, y=one.y + shifts[one.lane]) for one in drawn.nodes[start:]]
        drawn.links += _links(window, drawn.nodes[start:], bench, is_outline)
        drawn.links += _loops(window, drawn.nodes[start:])
        return bottom - BETWEEN

    return put


def _opened(table: OpenTable) -> Opened:
    """Return the drawn part of a table, for a comparison."""
    folds = [range(row.first, row.end) for row in table.rows if row.kind == "fold"]
    slots = {f"pte:{row.pa:x}": (row.first, row.va) for row in table.rows if row.kind != "fold"}
    return Opened(f"table:{table.pa:x}", table.level, table.va, slots, folds)


def _made(bench: TablesBench) -> list[str]:
    """Return how many tables the operation created, if any."""
    made = len(bench.marks.made)
    return [counted(made, "new table")] if made else []


def _registers(window: TableWindow) -> str:
    """Return the base registers and their values: ARM has one for each half."""
    names = [window.base_register, window.base_register.replace("TTBR0", "TTBR1")]
    roots = [table for table in window.tables if table.parent is None]
    return " · ".join(f"{names[table.va > 0]} {place_of(table.pa)}" for table in roots)


def _undo(bench: TablesBench) -> Switch:
    many = f" ({len(bench.edited)} edited)"
    return Switch("undo", f"undo{many}", None, f"undo the latest edit of a descriptor{many}")


def _caption(window: TableWindow) -> Caption:
    roots = [table for table in window.tables if table.parent is None]
    slots, entries = sum(table.present for table in roots), sum(table.entries - table.skipped for table in roots)
    gaps = ((table, piece) for table in roots for piece in pieces_of(table) if isinstance(piece, range))
    empty = binary_size(sum(len(piece) * table.span for table, piece in gaps if not is_unread(table, piece)))
    one = len(roots) == 1
    whose, lead = ("root's", "root leads") if one else ("roots'", "roots lead")
    text = words.say_walk("tables", slots, whose=whose, entries=f"{entries:,}", empty=empty)
    return Caption(text, (), words.say_walk("tables/leads", root=lead, what=_in_use(roots)))


def _in_use(roots: list[OpenTable]) -> str:
    """Return how much the roots map; in a space with lent tables, also how much belongs to whom."""
    rows = [row for table in roots for row in table.rows]
    own = [row for row in rows if not row.is_lent and row.kind not in ("window", "invalid")]
    lent = [row for row in rows if row.is_lent]
    parts = ["itself"] if any(row.kind == "window" for row in rows) else []
    if not lent:
        return " and ".join([*parts, _refers_to(own)])
    parts += [f"{_refers_to(own)} of its own"] if own else []
    return "".join(f"{part}, " for part in parts) + f"{'and ' if parts else ''}{_refers_to(lent)} lent by the kernel"


def _refers_to(rows: list[WindowRow]) -> str:
    """Return the targets of descriptors; if a page fills several (ARM's supersections), their number too.

    If all pages have one size, they are named by it: on ARM, only a page of 64 KiB is called a large page.
    """
    pages, filled = sum(row.pages for row in rows), sum(row.page_slots for row in rows)
    in_several = f" in {counted(filled, 'descriptor')}" if filled > pages else ""
    sizes = {row.size for row in rows if row.pages}
    size = sizes.pop() if len(sizes) == 1 else 0
    noun, of = ("page", f" of {binary_size(size)}") if size else ("large page", "")
    named = (
        (sum(row.tables for row in rows), "table", ""),
        (pages, noun, f"{of}{in_several}"),
        (sum(row.reserved for row in rows), "reserved descriptor", ""),
    )
    return listed([counted(count, word) + more for count, word, more in named if count]) or "0 tables"


def _picture(window: TableWindow, row: WindowRow, bench: TablesBench) -> DescriptorPicture:
    return DescriptorPicture(
        bench.chosen,
        bench.word,
        8 * window.entry_width,
        row.fields,
        row.layout,
        row.section,
        bench.editable,
        bench.edited.get(bench.chosen),
    )


# ---- links and words -----------------------------------------------------------------------------


def _in_outline(window: TableWindow) -> list[OpenTable]:
    """Return the tables, each followed by the tables that it refers to."""
    return sorted(window.tables, key=lambda table: (table.va, -table.level))


def _links(window: TableWindow, nodes: list[Node], bench: TablesBench, is_outline: bool) -> list[Link]:
    """Return a band from each descriptor to its whole table.

    In an outline, it is a line along the left edge of the table that contains the descriptor.
    """
    placed = {node.id: node for node in nodes}
    links = []
    for place, table in enumerate(window.tables):
        source = placed.get(f"tables/slot/{table.level + 1}/{table.va:x}") if table.parent is not None else None
        if source is None:
            continue
        target = placed[f"tables/table/{table.level}/{table.va:x}"]
        state = ("path",) if table.parent is not None and table.parent[1] in bench.path else ()
        name = f"{target.id}/from"
        if is_outline:
            edge, y, end = target.x - INDENT - 4 - 3.5 * (place % 3), source.y + source.h / 2, target.y + 14
            points = ((source.x, y), (edge, y), (edge, end), (target.x, end))
            links.append(Link(name, "refers", source.id, target.id, points, state=state, arrow=True))
        else:
            holder = next(node for node in nodes if node.kind == "table" and _holds(node, source))
            row = Box(source.x, source.y, holder.x + holder.w - source.x, source.h)
            whole = Box(target.x, target.y, target.w, target.h)
            links.append(kit.band_across(name, source.id, target.id, row, whole, state=("table", *state)))
    return links


def _loops(window: TableWindow, nodes: list[Node]) -> Iterator[Link]:
    """Yield a line from each descriptor that leads to its own table back to the table's head."""
    placed = {node.id: node for node in nodes}
    for table in window.tables:
        for row in table.rows:
            if row.kind == "window" and row.address == table.pa:
                source = placed[f"tables/slot/{table.level}/{row.va:x}"]
                target = placed[f"tables/table/{table.level}/{table.va:x}"]
                y, end, edge = source.y + source.h / 2, target.y + 14, target.x - 7
                points = ((source.x, y), (edge, y), (edge, end), (target.x, end))
                yield Link(f"{source.id}/itself", "refers", source.id, target.id, points, arrow=True)


def _holds(table: Node, row: Node) -> bool:
    """Return whether a row is in this table, at whose edge the row's band then begins."""
    across = table.x <= row.x and row.x + row.w <= table.x + table.w
    return across and table.y <= row.y and row.y + row.h <= table.y + table.h


def _rows(window: TableWindow) -> Table:
    rows: list[tuple[str, ...]] = []
    for table in window.tables:
        for piece in pieces_of(table):
            if isinstance(piece, range):
                slots, size = slots_in_words(piece.start, len(piece)), binary_size(len(piece) * table.span)
                kind = "can't be read" if is_unread(table, piece) else "gap"
                rows.append((table.name, slots, "", kind, "", size, "", ""))
                continue
            size = binary_size(piece.count * table.span)
            begin = (table.name, slots_in_words(piece.first, piece.count), str(Address(piece.va)))
            lent = ", lent" if piece.is_lent else ""
            if piece.kind == "fold":
                rows.append((*begin, f"folded{lent}", folded_in_words(piece) or "others", size, "", ""))
                continue
            pages = f"{piece.pages:,} × {binary_size(piece.size)}" if piece.kind == "leaf" else ""
            target = "" if piece.kind in ("invalid", "reserved") else str(Address(piece.address))
            rows.append((*begin, f"{piece.kind}{lent}", target, size, pages, piece.rights))
    return Table(("table", "slots", "for", "kind", "physical", "covers", "pages", "rights"), tuple(rows))
