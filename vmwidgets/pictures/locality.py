"""Locality: a program's references in the course of time, and how much of its memory a real process uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from math import log
from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.given.process import UsedOverTime, UsedRange
from vmwidgets.reference_strings.trace import Trace
from vmwidgets.reference_strings.traces_schema import LocalityValue, PagesRow
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Bar, Caption, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible
from vmwidgets.views.story.words.pictures import say_traces

from .at import At
from .picture import Picture
from .registry import picture_of

_ROW, _GAP, _SETS = 12.0, 2.0, 34.0
"""Pixels: the height of a row, the gap between two that are far apart, the height of the bars of pages in use."""

SELDOM, SHADES = 2, 3
"""The first and the last shade of a colour, by how often a part is referenced, in equal steps of the logarithm."""

_MOST_NAME = 120.0
"""The width in pixels of a range's name."""

_IN_USE, _PAGES = "pages in use", "pages by address"


@picture_of(first_for=(Trace, UsedOverTime))
class Locality(Picture):
    """A program's references: time to the right, pages upwards.  `target` is a trace, or a real process's locality.

    The more often a part is referenced, the darker it is; parts that are written, or only executed, have other colours.
    Below are the pages in use at a time.  There are unused pages between rows that are apart;
    ``t.named(ranges)`` names the rows.  Press a row to see only its pages, and a bar below to see the references of
    that time; if there are few references, the table lists them.  For a real process (``vm.process().locality()``),
    each range is a row, which is darker if more of its pages are used.

    >>> import vmwidgets as vm
    >>> vm.picture(vm.trace([0x1000, 0x1008, 0x2000], [False, True, False])).scene().caption.text
    'Few references a page: 3 references to 2 pages.'
    """

    first = traitlets.Int(0, min=0, help="The reference from which the picture is drawn.").tag(public=True)
    last = traitlets.Int(0, min=0, help="The reference before which it ends; 0: the last.").tag(public=True)
    start = traitlets.Int(0, min=0, help="The address from which pages are drawn.").tag(public=True)
    end = traitlets.Int(0, min=0, help="The address before which they end; 0: the last.").tag(public=True)

    def __init__(self, target: Trace | UsedOverTime, **options: Any) -> None:
        if not isinstance(target, Trace | UsedOverTime):
            raise Refused(f"Locality shows a trace, the result of vm.trace(…) or vm.load(…), not {shown(target)}")
        super().__init__(target, **options)

    def _value(self, trace: Trace) -> LocalityValue:
        last, high = self.last or len(trace), self.end or 1 << 64
        return trace.locality(first=min(self.first, len(trace)), last=min(last, len(trace)), low=self.start, high=high)

    def draw(self, at: At) -> Scene:
        """Return the picture."""
        if isinstance(at.target, UsedOverTime):
            return draw_used(at.target, width=at.width)
        return draw_locality(self._value(at.target), width=at.width)

    def opened(self, node_id: str) -> None:
        """Draw only the references of a part of the time, or only some pages; or everything again."""
        value = self._value(self.target)
        _, what, *number = node_id.split("/")
        with self.hold_trait_notifications():
            if what == "part":
                first, last = times(value, int(number[0]))
                self.first, self.last = (first, last) if last > first else (self.first, self.last)
            elif what == "row":
                row = value.rows[int(number[0])]
                self.start, self.end = row.first * value.page, (row.last + 1) * value.page
            else:
                self.first = self.last = self.start = self.end = 0

    @traitlets.observe("first", "last", "start", "end")
    def _shows_otherwise(self, change: object) -> None:
        self.changed(change)


# ---- locality --------------------------------------------------------------------------------------


def _each(lengths: Sequence[int]) -> str:
    """Return the parts of a run that are compared: a last one that is shorter is none of them."""
    count = len(lengths)
    if lengths[-1] < lengths[0]:
        return f"Each of the first {count - 1:,} parts" if count > 2 else "The first part"
    return "Each tenth" if count == 10 else f"Each of {count:,} parts" if count > 1 else "All"


def draw_locality(value: LocalityValue, *, width: float = WIDTH) -> Scene:
    """Return time to the right, pages upwards: how often each part of memory is referenced in each part of the time."""
    part = f"references {value.first:,} to {value.last - 1:,}"
    time = part if value.is_part else counted(value.references, "reference")
    titles = [
        f"references {first:,} to {last - 1:,}: {counted(used, 'page')} in use"
        for used, (first, last) in zip(value.sets, map(partial(times, value), range(len(value.sets))), strict=True)
    ]
    lengths = [end - first for first, end in value.groups]
    most = max(cell[0] for row in value.rows for cell in row.cells)
    names = [row.name or _address(row, value.page) for row in value.rows]
    wide = max(text_width(name, _name_style(row)) for name, row in zip(names, value.rows, strict=True))
    left = max(min(_MOST_NAME, wide), text_width(_PAGES)) + 8
    drawn = boxes.below(
        boxes.below(boxes.words("locality/pages", _PAGES), _pages(value, names, left, most)),
        boxes.below(
            _sets(value.sets, titles, left, value.pages, "locality/part", lengths),
            boxes.at_end("locality/time", f"time: {time}, in {counted(len(titles), 'part')} →"),
        ),
        _back(value),
        boxes.key("locality/legend", _meanings(value, most)),
        gap=10,
    )
    said = say_traces(
        value.locality,
        value.hot if value.locality == "hot" else value.pages,
        part=_each(lengths),
        pages=f"{value.pages:,}",
        usual=f"{value.usual:,}",
        most=f"{max(value.sets):,}",
        each=f"{max(lengths):,}",
        parts=f"{len(lengths):,}",
        references=counted(value.references, "reference"),
    )
    part = say_traces("part", first=f"{value.first}", last=f"{value.last}") if value.is_part else ""
    return boxes.picture(
        "locality",
        visible(value.name) or "a program's references",
        f"{counted(value.references, 'reference')} to {counted(value.pages, 'page')} of {binary_size(value.page)}"
        f" · {value.mix}",
        drawn,
        caption=Caption(said, (), part),
        table=_table(value),
        width=width,
    )


def _back(value: LocalityValue) -> Part:
    """Return the line that leads back to the whole picture, if only a part is shown."""
    words = "◀ all references and pages"
    fold = boxes.folded("locality/whole", words, opens=True, high=22)
    return boxes.narrower(text_width(words) + 20, fold) if value.is_part else boxes.below()


def _said(rows: Sequence[PagesRow]) -> set[int]:
    """Return the rows with words: the top row of each named range, then others from the top, but no two neighbours."""
    said = {at for at, row in enumerate(rows) if row.name and (at + 1 == len(rows) or rows[at + 1].name != row.name)}
    for at in reversed(range(len(rows))):
        if not rows[at].name and said.isdisjoint((at - 1, at + 1)):
            said.add(at)
    return said


def _sizes_said(rows: Sequence[PagesRow]) -> dict[int, str]:
    """Return how many pages of a named range are used, in the third of its rows from above."""
    found = {}
    for name, some in groupby(enumerate(rows), key=lambda one: one[1].name):
        numbers, each = zip(*some, strict=True)
        if name and len(numbers) > 2:
            found[numbers[-3]] = counted(sum(row.used for row in each), "page")
    return found


def _name_style(row: PagesRow) -> str:
    return "strong" if row.name else "mono label"


def _is_apart(row: PagesRow, above: PagesRow) -> bool:
    return above.first > row.last + 1 or above.name != row.name


def _address(row: PagesRow, page: int) -> str:
    return str(Address(row.first * page))


def _table(value: LocalityValue) -> Table:
    """Return the references themselves if they are few, and otherwise each row's contents."""
    if value.listed:
        each = ((f"{one.number:,}", str(Address(one.address)), one.does) for one in value.listed)
        return Table(("reference", "address", "does"), tuple(each))
    has_names = any(row.name for row in value.rows)
    rows = [
        (_address(row, value.page), *[row.name] * has_names, f"{row.used:,}", f"{row.references:,}", f"{row.writes:,}")
        for row in value.rows
    ]
    return Table(("from", *["name"] * has_names, "pages used", "references", "writes"), rows)


def _meanings(value: LocalityValue, most: int) -> list[tuple[str, str]]:
    """Return the colours present, each in its strongest shade, and a fainter one."""
    styles = {_style(cell, most) for row in value.rows for cell in row.cells}
    words = {"read": "read", "write": "written too", "fetch": "only instructions fetched"}
    found = [(f"refs-{kind}-{SHADES}", said) for kind, said in words.items() if any(kind in one for one in styles)]
    return (
        [*found, (f"refs-read-{SELDOM}", "fainter: seldom")]
        if any(one.endswith(f"-{SELDOM}") for one in styles)
        else found
    )


def _pages(value: LocalityValue, names: Sequence[str], left: float, most: int) -> Part:
    """Return the rows of pages, the highest addresses first, with a gap between two that are not neighbours."""
    rows, said, sizes = value.rows, _said(value.rows), _sizes_said(value.rows)
    parts: list[Part] = []
    for number, row in reversed([*enumerate(rows)]):
        if number + 1 < len(rows) and _is_apart(row, rows[number + 1]):
            parts.append(boxes.apart(_GAP))
        words = names[number] if number in said else sizes.get(number, "")
        style = _name_style(row) if number in said and row.name else "label dim" if row.name else "mono label dim"
        pages = f"{counted(row.used, 'page')} from {Address(row.first * value.page)} to "
        pages += f"{Address((row.last + 1) * value.page)}"
        of = f"{visible(row.name)}, " * bool(row.name)
        title = f"{of}{pages}: {counted(row.references, 'reference')}, {counted(row.writes, 'write')}"
        text = fitted(0, 10, visible(words), left - 8, style)
        looks = [_style(cell, most) for cell in row.cells]
        parts.append(_strip(f"locality/row/{number}", text, looks, left, title, opens=True))
    return boxes.below(*parts)


def _strip(
    identity: str,
    name: Text,
    looks: Sequence[str],
    left: float,
    title: str,
    *,
    high: float = _ROW,
    pad: float = 0,
    opens: bool = False,
) -> Part:
    """Return a row after its name: a bar for parts of the time that look alike; a click may show only these pages."""

    def draw(box: kit.Box) -> Node:
        each, at = (box.w - left) / len(looks), 0
        bars = [Bar(left, pad, box.w - left, high - 2 * pad, "refs-none")]
        for style, some in groupby(looks):
            long = len([*some])
            if style:
                bars.append(Bar(round(left + at * each, 1), pad, round(long * each, 1), bars[0].h, style))
            at += long
        return kit.runs(
            identity,
            box,
            [name] * bool(name.text),
            bars=bars,
            title=title,
            lane="locality",
            action="open" if opens else "",
        )

    return boxes.thing(high, draw)


def _style(cell: tuple[int, int, int], most: int) -> str:
    count, writes, fetches = cell
    if not count:
        return ""
    shade = min(SHADES, SELDOM + int((SHADES - SELDOM + 1) * log(count) / log(most))) if most > 1 else SHADES
    return f"refs-{'write' if writes else 'fetch' if fetches == count else 'read'}-{shade}"


def _sets(
    sets: Sequence[int], titles: Sequence[str], left: float, whole: int, opens: str = "", lengths: Sequence[int] = ()
) -> Part:
    """Return how many of the `whole` pages are in use in each part of the time, with numbers where all have room.

    A click on a part shows only its references, if it `opens`.
    """

    def draw(box: kit.Box) -> Iterator[Node]:
        parts, high = lengths or [1] * len(sets), _SETS - 20
        wide = [(box.w - left) * part / sum(parts) for part in parts]
        said = kit.all_or_none((f"{used:,}" for used in sets), [each - 4 for each in wide])
        x = box.x + left
        words = f"{_IN_USE} of {whole:,}", f"in use of {whole:,}", "in use"
        of = [fitted(0, 14, words, left - 8, "label dim")]
        yield kit.runs("locality/sets", box._replace(w=left), of)
        for number, (used, title, each) in enumerate(zip(sets, titles, wide, strict=True)):
            bar = max(1.0, high * used / max(1, whole))
            bars = Bar(0, _SETS - high, each - 2, high, "refs-none"), Bar(0, _SETS - bar, each - 2, bar, "refs-set")
            text = [Text(each / 2 - 1, _SETS - bar - 5, f"{used:,}", "label", "middle")] * said
            place = kit.Box(x, box.y, each, _SETS)
            x += each
            yield kit.runs(
                f"{opens or 'locality/used'}/{number}",
                place,
                text,
                bars=bars,
                title=title,
                lane="locality/parts",
                action="open" if opens else "",
            )

    return boxes.drawing(_SETS, draw)


def times(value: LocalityValue, number: int) -> tuple[int, int]:
    """Return the references [first, end) of group `number` of the parts of time."""
    parts, length = len(value.rows[0].cells), value.last - value.first
    begin, end = value.groups[number]
    return value.first - -begin * length // parts, value.first - -end * length // parts


# ---- a real process --------------------------------------------------------------------------------


def draw_used(value: UsedOverTime, *, width: float = WIDTH) -> Scene:
    """Return how much of its ranges a real process uses in each part of the time, and the total of pages below."""
    sets, rows = value.sets, value.ranges
    order = sorted(enumerate(rows), key=lambda row: (row[1].start is None, -row[0]))

    def draw(w: float) -> Part:
        left = min((w + 2 * MARGIN) * 0.3, max(map(text_width, (_IN_USE, *(one.name for one in rows))))) + 8
        ranges = [_range(f"locality/range/{number}", one, left) for number, one in order]
        used = _sets(sets, [counted(one, "page") for one in sets], left, max(sets))
        time = boxes.at_end("locality/time", f"time: {len(sets) * value.each:.3g} s →")
        return boxes.below(boxes.below(*ranges), boxes.below(used, time), boxes.key("locality/legend", _USED), gap=8)

    table = Table(
        ("range", "from", "pages", *(f"{(at + 1) * value.each:.3g} s" for at in range(len(sets)))),
        [(visible(one.name), _place(one), f"{one.pages:,}", *(f"{used:,}" for used in one.parts)) for one in rows],
    )
    said = f"A page counts once in each {value.each:.3g} s. Counting clears the referenced bit of each page."
    return boxes.picture(
        "locality",
        f"{visible(value.name)}, process {value.pid}",
        "its pages in use over time",
        boxes.sized(draw),
        caption=Caption(f"{value.title[:1].upper()}{value.title[1:]}.", (), said),
        table=table,
        width=width,
    )


_USED = ("refs-read-3", "more than half of its pages"), ("refs-read-2", "some"), ("refs-read-1", "under a tenth")
"""The meanings of the shades of a real process's ranges."""


def _range(identity: str, one: UsedRange, left: float) -> Part:
    """Return how much of a range is used in the course of time."""
    looks = [_shade(used, one.pages) for used in one.parts]
    title = f"{visible(one.name)}: at most {max(one.parts):,} of {counted(one.pages, 'page')} in a part"
    name = fitted(0, 14, visible(one.name), left - 8, "label", middle=True)
    return _strip(identity, name, looks, left, title, high=18, pad=2)


def _place(one: UsedRange) -> str:
    return "several places" if one.start is None else str(Address(one.start))


def _shade(used: int, pages: int) -> str:
    """Return the style of a part of the time: how much of the range is used."""
    return "" if not used else f"refs-read-{3 if used * 2 > pages else 2 if used * 10 >= pages else 1}"
