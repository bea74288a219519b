"""One mapping in several page-table formats, side by side: tables by level, pages by size, TLB reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets.engine.base.units import counted, grouped_size, listed
from vmwidgets.engine.mmu.formats_schema import FormatCost, FormatsValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Caption, Node, Table
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import text_width
from vmwidgets.views.story.words.pictures import say_compared

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

BAR, LINE = 22.0, 15.0
"""Height of a bar, and of a line below it."""

NAME, GAP, RIGHT = 98.0, 12.0, 216.0
"""Width of the names, space between columns, width of the words on the right."""

LEAST = 690.0
"""If there is less room than this, in pixels, the parts of a format are below each other."""

NARROW = 3.0
_STYLES = ("page", "large-page", "larger-page", "largest-page")
"""The fills of pages, by their rank in size."""


@picture(
    "Formats", first_for=["vmwidgets.comparisons.formats.FormatComparison"], what="the result of vm.compare_formats(…)"
)
def formats(at: At) -> Sheet:
    """Draw one mapping in several page-table formats, side by side.

    `target` is the result of ``vm.compare_formats(…)``.

    >>> import vmwidgets as vm
    >>> vm.Formats(vm.compare_formats([(0x40_0000, "4 MiB")], ("x86-64", "armv7")))
    Formats: ...
    """
    value: FormatsValue = at.target.value
    words = "how large its tables are", "which pages map it", "what 64 TLB entries reach"
    heads = [boxes.words(f"formats/head/{number}", one) for number, one in enumerate(words)]
    head = boxes.either(
        LEAST, _beside(boxes.apart(0), *heads), boxes.words("formats/head", f"of each format: {', '.join(words)}")
    )
    scale = _Scale.of(value.formats)
    order = sorted(value.formats, key=lambda cost: (cost.left_out > 0 or not cost.mapped, cost.table_bytes))
    return Sheet(
        f"one mapping in {counted(len(value.formats), 'format')}",
        f"{counted(value.ranges, 'range')}, {grouped_size(value.bytes)} · {value.largest_pages}",
        boxes.below(head, boxes.below(*(_format(cost, scale) for cost in order), gap=18), gap=8),
        caption=_caption(value),
        table=Table(("", *(cost.format for cost in value.formats)), tuple(value.table())),
    )


def _beside(*parts: Part) -> Part:
    return boxes.beside(*parts, gap=GAP, first=NAME, last=RIGHT)


class _Scale(NamedTuple):
    """The common scale of all formats: the most bytes of tables, the most that is mapped, levels, sizes of pages."""

    tables: int
    mapped: int
    levels: int
    sizes: Sequence[int]

    @classmethod
    def of(cls, costs: Sequence[FormatCost]) -> _Scale:
        """Return the scale on which all of these costs have room."""
        tables, mapped = (
            max((one.table_bytes for one in costs), default=0),
            max((one.mapped for one in costs), default=0),
        )
        sizes = sorted({page.size for cost in costs for page in cost.pages})
        return cls(tables or 1, mapped or 1, max((len(cost.levels) for cost in costs), default=0), sizes)


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


def _format(cost: FormatCost, scale: _Scale) -> Part:
    """Return one format: its name, its tables, its pages, and the TLB entries that it needs."""
    name = f"formats/{cost.format}"
    levels, tables = f"{len(cost.levels)} levels", counted(cost.tables, "table")
    title = f"{cost.format}: {cost.tables:,} tables in {levels}, {grouped_size(cost.table_bytes)}"
    lines: list[str | kit.Line] = [cost.format, kit.Line(levels, "label dim"), kit.Line(tables, "label dim")]
    line = kit.Line(cost.format, "strong", f"{levels}, {tables}")
    of_tables = boxes.drawing(BAR, partial(_levels, cost, scale)), boxes.drawing(0, partial(_tables, cost))
    pages = [
        kit.Line(counted(sum(page.number for page in cost.pages), "page"), "strong"),
        kit.Line(_mapped(cost), "label dim"),
    ]
    of_pages = boxes.drawing(BAR, partial(_pages, cost, scale)), boxes.block(f"{name}/mapped", pages, step=LINE)
    parts = boxes.below(*of_tables, gap=2), boxes.below(*of_pages, gap=2), _tlb(cost)
    return boxes.either(
        LEAST,
        _beside(boxes.block(name, lines, title=title, lane=cost.format), *parts),
        boxes.below(boxes.block(name, [line], title=title, lane=cost.format), *parts, gap=5),
    )


def _strip(amounts: Sequence[int], most: int, count: int, box: Box) -> list[Box]:
    """Return boxes side by side, to scale; the narrowest can still be seen, if there are at most `count`."""
    found = []
    x = box.x
    for amount in amounts:
        found.append(box._replace(x=x, w=max(NARROW, amount / most * (box.w - NARROW * count))))
        x += found[-1].w
    return found


def _levels(cost: FormatCost, scale: _Scale, box: Box) -> Iterator[Node]:
    """Yield a bar for each level, to scale by the bytes of its tables."""
    used = [level for level in cost.levels if level.tables]
    places = _strip([level.bytes for level in used], scale.tables, scale.levels, box)
    for number, (level, place) in enumerate(zip(used, places, strict=True)):
        sizes = f"{level.tables:,} of {grouped_size(level.table_bytes)}, together {grouped_size(level.bytes)}"
        yield kit.chip(
            f"formats/{cost.format}/level/{level.level}",
            "part",
            place,
            title=f"{level.name}: {sizes}",
            lane=cost.format,
            state=("even",) if number % 2 else (),
        )


def _tables(cost: FormatCost, box: Box) -> Iterator[Node]:
    """Yield the tables' bytes, and the number of tables of each level in as many lines as needed."""
    levels, size = _levels_in_words(cost, box.w), grouped_size(cost.table_bytes)
    lines = [kit.Line(size, "strong"), *(kit.Line(line, "label dim") for line in levels)]
    yield kit.block(
        f"formats/{cost.format}/tables",
        box._replace(h=LINE * len(lines) + 3),
        lines,
        top=14,
        step=LINE,
        title=f"{' '.join(levels)}; {size}, {_rounded(cost.bytes_a_page)} B for each 4 KiB",
    )


def _tlb(cost: FormatCost) -> Part:
    """Return how much memory 64 TLB entries reach, and how many map everything."""
    entries, reach = counted(cost.entries, "entry"), grouped_size(cost.reach(64))
    every = "what it maps" if cost.left_out else "all of it"
    takes = f"all mapped: {entries}" if cost.left_out else f"all of it takes {entries}"
    said = [every, f"with {entries}"] if cost.reach(64) == cost.mapped else [reach, takes]
    said = said if cost.mapped else ["nothing"]
    out = [f"out of reach: {counted(cost.left_out, 'range')}"] if cost.left_out else []
    looks = ["strong", "label dim"]
    lines = [*map(kit.Line, said, looks), *(kit.Line(one, "label error") for one in out)]
    return boxes.block(
        f"formats/{cost.format}/tlb",
        lines,
        step=LINE,
        title="64 TLB entries reach " + "; ".join(said + out),
        lane=cost.format,
    )


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


def _pages(cost: FormatCost, scale: _Scale, box: Box) -> Iterator[Node]:
    """Yield the mapped memory, a bar for each page size."""
    places = _strip([page.bytes for page in cost.pages], scale.mapped, len(scale.sizes), box)
    for page, place in zip(cost.pages, places, strict=True):
        size = grouped_size(page.size)
        yield kit.chip(
            f"formats/{cost.format}/pages/{page.size}",
            "page-part",
            place,
            state=(_STYLES[min(scale.sizes.index(page.size), len(_STYLES) - 1)],),
            lane=cost.format,
            title=f"{page.number:,} pages of {size}, together {grouped_size(page.bytes)}",
        )


def _mapped(cost: FormatCost) -> str:
    return " + ".join(f"{page.number:,} × {grouped_size(page.size)}" for page in cost.pages) or "nothing"


def _rounded(count: float) -> str:
    return f"{count:,.2f}" if count < 100 else f"{count:,.0f}"
