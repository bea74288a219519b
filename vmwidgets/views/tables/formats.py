"""One mapping in several page-table formats, side by side: tables by level, pages by size, what a TLB reaches."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base.units import counted, grouped_size
from vmwidgets.engine.base.values.comparisons import FormatCost, FormatsValue, LevelCost
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Caption, Node, Scene, Table, Text
from vmwidgets.views.scene.text import shorten, text_width
from vmwidgets.views.story.words.pictures import say_compared

HEAD, BAR, LINE, ROW_GAP = 24.0, 22.0, 15.0, 14.0
"""Height of the words above the columns, of a bar, of a line below it; room below a row."""

NAME, GAP, RIGHT = 104.0, 16.0, 190.0
"""Width of the names, room between columns, width of the words at the right."""

TABLES = 0.42
"""How much of what is left the bars of tables take; those of pages take the rest."""

NARROW = 3.0
_STYLES = ("plain", "submap", "object", "static")
"""How pages are filled, by their rank in size."""


def draw_formats(value: FormatsValue, *, width: float = WIDTH) -> Scene:
    """The scene of a comparison."""
    left = width - 2 * MARGIN - NAME - RIGHT - 2 * GAP
    shares = left * TABLES, left * (1 - TABLES)
    tables_x = MARGIN + NAME
    pages_x = tables_x + shares[0] + GAP
    right_x = pages_x + shares[1] + GAP
    nodes = [
        kit.label("formats/head/tables", "bytes of tables, by level", tables_x, 4, style="label dim", most=shares[0]),
        kit.label("formats/head/pages", "what is mapped, by page size", pages_x, 4, style="label dim", most=shares[1]),
        kit.label("formats/head/tlb", "what a TLB must hold", right_x, 4, style="label dim", most=RIGHT),
    ]
    most_bytes = max((cost.table_bytes for cost in value.formats), default=0) or 1
    most_mapped = max((cost.mapped for cost in value.formats), default=0) or 1
    sizes = sorted({page.size for cost in value.formats for page in cost.pages})
    y = HEAD
    for cost in value.formats:
        levels = _levels_in_words(cost, shares[0])
        nodes += _row(cost, levels, sizes, (tables_x, pages_x, right_x), y, shares, most_bytes, most_mapped)
        y += BAR + 4 + LINE * (len(levels) + 1) + ROW_GAP
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
        text = say_compared("formats/tables", fewest=least.format, least=size, most=most.format, more=more)
    few, many = min(reached, key=lambda one: one.entries), max(reached, key=lambda one: one.entries)
    case = "formats/entries" if few.entries == many.entries else "formats/more entries"
    tlb = say_compared(case, few.entries, fewest=few.format, most=many.format, more=f"{many.entries:,}")
    return Caption(text, (), f"{tlb} {reason}".strip())


def _row(
    cost: FormatCost, levels: Sequence[str], sizes: Sequence[int], xs: tuple[float, float, float], y: float,
    shares: tuple[float, float], most_bytes: int, most_mapped: int,
) -> list[Node]:  # fmt: skip
    tables_x, pages_x, right_x = xs
    share = shares[0]
    count = len(cost.levels)
    nodes = [
        Node(f"formats/{cost.format}", "label", MARGIN, y, NAME - 8, 54, shape="none", lane=cost.format,
             text=(Text(0, 16, shorten(cost.format, NAME - 8, "strong"), "strong"),
                   Text(0, 34, f"{count} levels", "label dim"),
                   Text(0, 34 + LINE, counted(cost.tables, "table"), "label dim")),
             title=f"{cost.format}: {cost.tables:,} tables in {count} levels, {grouped_size(cost.table_bytes)}"),
    ]  # fmt: skip
    x = tables_x
    used = [level for level in cost.levels if level.tables]
    widths = [max(NARROW, level.bytes / most_bytes * (share - NARROW * count)) for level in used]
    for number, (level, w, label) in enumerate(zip(used, widths, _labels(used, widths), strict=True)):
        title = (
            f"{level.name}: {level.tables:,} of {grouped_size(level.table_bytes)}, together {grouped_size(level.bytes)}"
        )
        nodes.append(
            Node(f"formats/{cost.format}/level/{level.level}", "part", x, y + 2, w, BAR, title=title, lane=cost.format,
                 text=(Text(w / 2, 15, label, "label", "middle"),) if label else (),
                 state=("even",) if number % 2 else ()),
        )  # fmt: skip
        x += w
    said = [*levels, f"{grouped_size(cost.table_bytes)}, {_rounded(cost.bytes_a_page)} B per 4 KiB"]
    text = tuple(Text(0, 14 + LINE * number, line, "label") for number, line in enumerate(said))
    nodes.append(
        Node(f"formats/{cost.format}/tables", "label", tables_x, y + BAR + 4, share, LINE * len(said) + 3, shape="none",
             text=text, title=f"{' '.join(levels)}; {said[-1]}"),
    )  # fmt: skip
    nodes += _pages(cost, sizes, pages_x, y, shares[1], most_mapped)
    lines = [counted(cost.entries, "entry"), f"64 entries reach {grouped_size(cost.reach(64))}"]
    if cost.left_out:
        lines.append(f"out of reach: {counted(cost.left_out, 'range')}")
    text = tuple(
        Text(0, 14 + 16 * number, shorten(line, RIGHT, "label"), "label error" if number == 2 else "label")
        for number, line in enumerate(lines)
    )
    nodes.append(
        Node(f"formats/{cost.format}/tlb", "label", right_x, y, RIGHT, 54, shape="none", lane=cost.format,
             text=text, title="; ".join(lines)),
    )  # fmt: skip
    return nodes


def _labels(levels: Sequence[LevelCost], widths: Sequence[float]) -> Sequence[str]:
    """The names in a format's bars, all as long or as short; none, if one has no room.  How many is written below."""
    briefs = [level.name.removesuffix(" table") for level in levels]
    shorts = [brief.replace("level ", "L") for brief in briefs]
    for labels in ([level.name for level in levels], briefs, shorts):
        if all(text_width(label, "label") <= w - 2 for label, w in zip(labels, widths, strict=True)):
            return labels
    return [""] * len(levels)


def _levels_in_words(cost: FormatCost, w: float) -> list[str]:
    """The tables of all levels by name, in as many lines as it takes: "PML4, PDPT, PD ×2, PT ×1,024"."""
    lines: list[str] = []
    for level in cost.levels:
        if level.tables:
            word = level.name.removesuffix(" table") + (f" ×{level.tables:,}" if level.tables > 1 else "")
            if lines and text_width(f"{lines[-1]}, {word},", "label") <= w:
                lines[-1] += f", {word}"
            else:
                lines.append(word)
    return [f"{line}," for line in lines[:-1]] + (lines[-1:] or ["no tables"])


def _pages(cost: FormatCost, sizes: Sequence[int], x: float, y: float, share: float, most: int) -> list[Node]:
    nodes = []
    left = x
    for page in cost.pages:
        w = max(NARROW, page.bytes / most * (share - NARROW * len(sizes)))
        size = grouped_size(page.size)
        label = _fitting((f"{page.number:,} × {size}", size), w - 6)
        style = _STYLES[min(sizes.index(page.size), len(_STYLES) - 1)]
        nodes.append(
            Node(f"formats/{cost.format}/pages/{page.size}", "page-part", left, y + 2, w, BAR, lane=cost.format,
                 text=(Text(w / 2, 15, label, "label", "middle"),) if label else (), state=(style,),
                 title=f"{page.number:,} pages of {size}, together {grouped_size(page.bytes)}"),
        )  # fmt: skip
        left += w
    words = " + ".join(f"{page.number:,} × {grouped_size(page.size)}" for page in cost.pages) or "nothing"
    nodes.append(kit.label(f"formats/{cost.format}/mapped", words, x, y + BAR + 4, style="label", most=share))
    return nodes


def _rounded(count: float) -> str:
    return f"{count:,.2f}" if count < 100 else f"{count:,.0f}"


def _fitting(wanted: Sequence[str], w: float) -> str:
    """The first that fits; none, rather than half of one."""
    return next((one for one in wanted if text_width(one, "label") <= w), "")
