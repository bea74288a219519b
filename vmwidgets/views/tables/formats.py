"""One mapping in several page-table formats, side by side: tables by level, pages by size, TLB reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vmwidgets.engine.base.units import counted, grouped_size, listed
from vmwidgets.engine.mmu.formats_schema import FormatCost, FormatsValue, LevelCost
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Caption, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, wrapped
from vmwidgets.views.story.words.pictures import say_compared

BAR, LINE, ROW_GAP = 22.0, 15.0, 14.0
"""Height of a bar, of a line below it; space below a row."""

NAME, GAP, RIGHT = 100.0, 12.0, 196.0
"""Width of the names, space between columns, width of the words on the right."""

LEAST = 380.0
"""If the bars have less room than this, in pixels, they are below each other."""

TABLES = 0.46
"""The share of the remaining width for the bars of tables; the bars of pages take the rest."""

NARROW = 3.0
_STYLES = ("page", "large-page", "larger-page", "largest-page")
"""The fills of pages, by their rank in size."""


def draw_formats(value: FormatsValue, *, width: float = WIDTH) -> Scene:
    """Return the scene of a comparison."""
    columns = _columns_of(width)
    nodes = _heads(columns, width)
    y = max(node.y + node.h for node in nodes) + 4
    most_bytes = max((cost.table_bytes for cost in value.formats), default=0) or 1
    most_mapped = max((cost.mapped for cost in value.formats), default=0) or 1
    sizes = sorted({page.size for cost in value.formats for page in cost.pages})
    levels = max((len(cost.levels) for cost in value.formats), default=0)
    for cost in value.formats:
        drawn = _row(cost, sizes, levels, columns, y, most_bytes, most_mapped)
        nodes += drawn
        y = max(node.y + node.h for node in drawn) + ROW_GAP
    header = ("", *(cost.format for cost in value.formats))
    return kit.scene(
        "formats",
        f"one mapping in {counted(len(value.formats), 'format')}",
        f"{counted(value.ranges, 'range')}, {grouped_size(value.bytes)} · {value.largest_pages}",
        nodes,
        caption=_caption(value),
        table=Table(header, tuple(value.table())),
        width=width,
        height=y + 4,
    )


def _caption(value: FormatsValue) -> Caption:
    reached = [cost for cost in value.formats if not cost.left_out and cost.mapped]
    out = [cost for cost in value.formats if cost.left_out]
    reason = " ".join(
        say_compared("formats/out", cost.left_out, format=cost.format, size=grouped_size(cost.left_out_bytes))
        for cost in out
    )
    if len(reached) < 2:
        only = say_compared("formats/only", format=reached[0].format) if reached else say_compared("formats/none")
        return Caption(only if out else say_compared("formats/nothing"), (), reason)
    least, most = min(reached, key=lambda one: one.table_bytes), max(reached, key=lambda one: one.table_bytes)
    size = grouped_size(least.table_bytes)
    if least.table_bytes == most.table_bytes:
        text = say_compared("formats/equal", size=size)
    else:
        more = grouped_size(most.table_bytes)
        fewest, greatest = (
            _taking([cost.format for cost in reached if cost.table_bytes == one.table_bytes]) for one in (least, most)
        )
        text = say_compared("formats/tables", fewest=fewest, least=size, most=greatest, more=more)
    few, many = min(reached, key=lambda one: one.entries), max(reached, key=lambda one: one.entries)
    case = "formats/entries" if few.entries == many.entries else "formats/more entries"
    lowest, highest = (listed([one.format for one in reached if one.entries == it.entries]) for it in (few, many))
    tlb = say_compared(case, few.entries, fewest=lowest, most=highest, more=f"{many.entries:,}")
    return Caption(text, (), f"{tlb} {reason}".strip())


def _taking(formats: Sequence[str]) -> str:
    return f"{listed(formats)} {'takes' if len(formats) == 1 else 'take'}"


class _Columns(NamedTuple):
    """The places of a row's parts, x and width each: tables, pages, TLB entries needed.

    If there is no room side by side, they are `stacked` below the format's name.
    """

    tables: tuple[float, float]
    pages: tuple[float, float]
    tlb: tuple[float, float]
    stacked: bool


def _columns_of(width: float) -> _Columns:
    left = width - 2 * MARGIN - NAME - RIGHT - 2 * GAP
    if left < LEAST:
        whole = MARGIN, width - 2 * MARGIN
        return _Columns(whole, whole, whole, True)
    tables = MARGIN + NAME, left * TABLES
    pages = tables[0] + tables[1] + GAP, left * (1 - TABLES)
    return _Columns(tables, pages, (pages[0] + pages[1] + GAP, RIGHT), False)


def _heads(columns: _Columns, width: float) -> list[Node]:
    """Return the headings of the columns, or of each format's lines."""
    words = "bytes of tables, by level", "what is mapped, by page size", "TLB entries needed"
    if columns.stacked:
        said = f"of each format: {words[0]}; {words[1]}; {words[2]}"
        return [kit.paragraph("formats/head", said, MARGIN, 4, width - 2 * MARGIN)]
    return [
        kit.label(f"formats/head/{number}", one, x, 4, most=w)
        for number, (one, (x, w)) in enumerate(zip(words, columns[:3], strict=True))
    ]


def _row(
    cost: FormatCost, sizes: Sequence[int], levels: int, columns: _Columns, y: float, most_bytes: int, most_mapped: int
) -> list[Node]:
    """Return one format from `y` on; `levels` is the maximum over all formats, for a common scale."""
    nodes = [_name(cost, columns, y)]
    if columns.stacked:
        y += nodes[0].h
    tables = _tables(cost, levels, *columns.tables, y, most_bytes)
    below = tables[-1].y + tables[-1].h + 2
    pages = _pages(cost, sizes, *columns.pages, below if columns.stacked else y, most_mapped)
    below = pages[-1].y + pages[-1].h
    return [*nodes, *tables, *pages, _tlb(cost, *columns.tlb, below if columns.stacked else y, columns.stacked)]


def _name(cost: FormatCost, columns: _Columns, y: float) -> Node:
    levels, tables = f"{len(cost.levels)} levels", counted(cost.tables, "table")
    title = f"{cost.format}: {cost.tables:,} tables in {levels}, {grouped_size(cost.table_bytes)}"
    if columns.stacked:
        x = text_width(cost.format, "strong") + 12
        w, h = columns.tables[1], 24.0
        text: tuple[Text, ...] = (
            Text(0, 16, cost.format, "strong"),
            fitted(x, 16, f"{levels}, {tables}", w - x, "label dim"),
        )
    else:
        w, h = NAME - 8, 54.0
        lines = Text(0, 34, levels, "label dim"), Text(0, 34 + LINE, tables, "label dim")
        text = (fitted(0, 16, cost.format, w, "strong"), *lines)
    name = f"formats/{cost.format}"
    return kit.runs(name, kit.Box(MARGIN, y, w, h), text, title=title, lane=cost.format)


def _tables(cost: FormatCost, count: int, x: float, share: float, y: float, most: int) -> list[Node]:
    """Return a bar for each level, to scale by the bytes of its tables, and their number below."""
    nodes = []
    left = x
    used = [level for level in cost.levels if level.tables]
    widths = [max(NARROW, level.bytes / most * (share - NARROW * count)) for level in used]
    for number, (level, w, label) in enumerate(zip(used, widths, _labels(used, widths), strict=True)):
        title = (
            f"{level.name}: {level.tables:,} of {grouped_size(level.table_bytes)}, together {grouped_size(level.bytes)}"
        )
        nodes.append(
            kit.chip(f"formats/{cost.format}/level/{level.level}", "part", Box(left, y + 2, w, BAR), label, spare=2,
                     title=title, lane=cost.format, state=("even",) if number % 2 else ()),
        )  # fmt: skip
        left += w
    levels = _levels_in_words(cost, share)
    size = f"{grouped_size(cost.table_bytes)}, {_rounded(cost.bytes_a_page)} B for each 4 KiB"
    said = [*levels, *wrapped(size, share)]
    text = tuple(fitted(0, 14 + LINE * number, line, share) for number, line in enumerate(said))
    nodes.append(
        kit.runs(
            f"formats/{cost.format}/tables",
            kit.Box(x, y + BAR + 4, share, LINE * len(said) + 3),
            text,
            title=f"{' '.join(levels)}; {size}",
        ),
    )
    return nodes


def _tlb(cost: FormatCost, x: float, w: float, y: float, stacked: bool) -> Node:
    lines = [counted(cost.entries, "entry")]
    if cost.reach(64) != cost.mapped:
        lines.append(f"64 entries reach {grouped_size(cost.reach(64))}")
    out = [f"out of reach: {counted(cost.left_out, 'range')}"] if cost.left_out else []
    shown = [*wrapped("; ".join(lines), w), *out] if stacked else [*lines, *out]
    text = tuple(
        fitted(0, 14 + LINE * number, line, w, "label error" if line in out else "label")
        for number, line in enumerate(shown)
    )
    return kit.runs(
        f"formats/{cost.format}/tlb",
        kit.Box(x, y, w, LINE * len(shown) + 9),
        text,
        title="; ".join(lines + out),
        lane=cost.format,
    )


def _labels(levels: Sequence[LevelCost], widths: Sequence[float]) -> Sequence[str]:
    """Return the names in a format's bars, all long or all short, if there is room.  Their numbers are below."""
    briefs = [level.name.removesuffix(" table") for level in levels]
    shorts = [brief.replace("level ", "L") for brief in briefs]
    for labels in ([level.name for level in levels], briefs, shorts):
        fitting = [
            label if text_width(label, "label") <= w - 2 else "" for label, w in zip(labels, widths, strict=True)
        ]
        if all(fitting):
            break
    return fitting


def _levels_in_words(cost: FormatCost, w: float) -> list[str]:
    """Return the tables of all levels by name, in as many lines as needed: "PML4, PDPT, PD ×2, PT ×1,024"."""
    lines: list[str] = []
    for level in cost.levels:
        if level.tables:
            word = level.name.removesuffix(" table") + (f" ×{level.tables:,}" if level.tables > 1 else "")
            if lines and text_width(f"{lines[-1]}, {word},", "label") <= w:
                lines[-1] += f", {word}"
            else:
                lines.append(word)
    return [f"{line}," for line in lines[:-1]] + (lines[-1:] or ["no tables"])


def _pages(cost: FormatCost, sizes: Sequence[int], x: float, share: float, y: float, most: int) -> list[Node]:
    """Return the mapped memory, a bar for each page size."""
    nodes = []
    left = x
    for page in cost.pages:
        w = max(NARROW, page.bytes / most * (share - NARROW * len(sizes)))
        size = grouped_size(page.size)
        style = _STYLES[min(sizes.index(page.size), len(_STYLES) - 1)]
        nodes.append(
            kit.chip(f"formats/{cost.format}/pages/{page.size}", "page-part", Box(left, y + 2, w, BAR),
                     (f"{page.number:,} × {size}", size), spare=6, lane=cost.format, state=(style,),
                     title=f"{page.number:,} pages of {size}, together {grouped_size(page.bytes)}"),
        )  # fmt: skip
        left += w
    words = " + ".join(f"{page.number:,} × {grouped_size(page.size)}" for page in cost.pages) or "nothing"
    nodes.append(kit.paragraph(f"formats/{cost.format}/mapped", words, x, y + BAR + 4, share, style="label"))
    return nodes


def _rounded(count: float) -> str:
    return f"{count:,.2f}" if count < 100 else f"{count:,.0f}"
