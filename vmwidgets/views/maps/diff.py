"""A task's map beside what the system reported, as two columns: the model's ranges, the system's, a line for each file.

Neighbours of one file with the same verdict share a line.  Where only one side has a range, the other side says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from vmwidgets.engine.base.units import Size, counted
from vmwidgets.engine.kernel.map.diffs_schema import AGREES, DIFFERS, SYSTEM, MappedAs, MapsDiff, RangeDiff
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import LINE, MARGIN, PAD, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Scene, Table
from vmwidgets.views.scene.text import fitted, text_width, visible
from vmwidgets.views.story.words.pictures import say_compared

STRIP, GAP, CARD = 12.0, 4.0, 24.0
"""Heights: of a strip of the overview, between lines, of a line's boxes."""

WIDE = 640.0
"""Pixels from which on a line's address is beside its boxes, and not above them."""

MOST_LINES, MOST_ROWS = 60, 300
"""Lines that are drawn, and rows of the table; what agrees is left out first."""

SIDES = ("model", "system")


class Line(NamedTuple):
    """Neighbouring ranges that are drawn as one: `number` is the first one's, of all."""

    number: int
    rows: Sequence[RangeDiff]

    @property
    def first(self) -> RangeDiff:
        """The lowest of them, which says what all are."""
        return self.rows[0]


def draw_diff(value: MapsDiff, *, width: float = WIDTH) -> Scene:
    """The scene of a comparison of a task with what the system reported."""
    rows = value.rows
    style = AddressStyle.of(0, rows[-1].end if rows else 0)
    lines = list(_lines(rows))
    shown = _most(lines)
    columns = _columns(style, width)
    nodes: list[Node] = [*_overview(rows, columns, 8.0)]
    y = 8.0 + 2 * (STRIP + GAP) + LINE + GAP
    for line in shown:
        drawn = list(_line(line, style, columns, y))
        nodes += drawn
        y = max(node.y + node.h for node in drawn) + GAP
    left = sum(len(line.rows) for line in lines) - sum(len(line.rows) for line in shown)
    if left:
        words = f"… {counted(left, 'range')} more, in the table"
        nodes.append(kit.label("diff/more", words, MARGIN, y, most=width - 2 * MARGIN))
    caption = Caption(_verdict(value), reason=f"{value.summary}.")
    return kit.scene(
        "diff", visible(value.task), f"beside {value.source} · ≠ should agree", nodes, caption=caption,
        table=_table(value), lanes=[Lane("ranges", "Ranges, by address")], width=width,
    )  # fmt: skip


def _verdict(value: MapsDiff) -> str:
    return say_compared("diff/disagree", len(value.faults)) if value.faults else say_compared("diff/agree")


def _table(value: MapsDiff) -> Table:
    rows, more = value.table()[:MOST_ROWS], len(value.rows) - MOST_ROWS
    left_out = ((f"… {more:,} ranges more", *[""] * (len(value.header) - 1)),) if more > 0 else ()
    return Table(value.header, (*rows, *left_out))


def _lines(rows: Sequence[RangeDiff]) -> Iterator[Line]:
    """The ranges in lines; one that differs has its own."""
    numbered = list(enumerate(rows))
    for _, group in groupby(numbered, lambda one: _kin(*one)):
        found = list(group)
        yield Line(found[0][0], [row for _, row in found])


def _kin(number: int, row: RangeDiff) -> tuple[object, ...]:
    side = row.system or row.model
    name = side.name if side is not None else ""
    return row.verdict, row.why, name, number if row.verdict == DIFFERS else -1


def _most(lines: Sequence[Line]) -> list[Line]:
    """As many lines as are drawn: those that agree go first, the highest addresses first of these."""
    spare = len(lines) - MOST_LINES
    if spare <= 0:
        return list(lines)
    agreeing = [line.number for line in lines if line.first.verdict == AGREES]
    dropped = set(agreeing[-spare:])
    return [line for line in lines if line.number not in dropped][:MOST_LINES]


# ---- places --------------------------------------------------------------------------------------


class Columns(NamedTuple):
    """Where the two sides are: their left edges, and how wide each is; `above`: addresses have a line of their own."""

    left: tuple[float, float]
    w: float
    above: bool


def _columns(style: AddressStyle, width: float) -> Columns:
    above = width < WIDE
    first = MARGIN if above else MARGIN + text_width(style.widest, "mono label") + 84
    w = (width - MARGIN - first - 8) / 2
    return Columns((first, first + w + 8), w, above)


def _overview(rows: Sequence[RangeDiff], columns: Columns, y: float) -> Iterator[Node]:
    """Two strips, a cell for each range, however large: whose it is.  And the heads of the columns."""
    x, whole = MARGIN, columns.left[1] + columns.w - MARGIN
    w = whole / max(1, len(rows))
    for number, side in enumerate(SIDES):
        have = [(at, row) for at, row in enumerate(rows) if getattr(row, side) is not None]
        bars = tuple(
            Bar(round(at * w, 2), 1, round(max(0.5, w - (1 if w > 3 else 0)), 2), STRIP - 2, _style(row))
            for at, row in have
        )
        title = f"The {side} has {counted(len(have), 'range')} of {len(rows):,}"
        at = y + number * (STRIP + GAP)
        yield Node(f"diff/strip/{side}", "axis", x, at, whole, STRIP, bars=bars, title=title, lane=f"strip {side}")
        yield kit.label(f"diff/head/{side}", side, columns.left[number], y + 2 * (STRIP + GAP), style="label strong")


def _style(row: RangeDiff) -> str:
    return "error" if row.is_fault else "plain" if row.verdict == AGREES else "static"


# ---- lines ---------------------------------------------------------------------------------------


def _line(line: Line, style: AddressStyle, columns: Columns, y: float) -> Iterator[Node]:
    """One line: where it is, and how each side has it."""
    first, last = line.first, line.rows[-1]
    place = style.long(first.start)
    size = str(Size(sum(row.size for row in line.rows)))
    mark = "≠ " if first.is_fault else ""
    if columns.above:
        words = f"{mark}{place} · {size}"
        yield kit.label(f"diff/{line.number}/at", words, MARGIN, y, style="mono label", most=2 * columns.w)
        y += LINE
    else:
        room = columns.left[0] - MARGIN - 8
        text = (fitted(0, 16, mark + place, room - 66, "mono label"), fitted(room, 16, size, 64, "label", "end"))
        yield Node(f"diff/{line.number}/at", "label", MARGIN, y, room, CARD, shape="none", text=text)
    about = f"{style.range(first.start, last.end)}, {size}: {first.verdict}"
    about += f", {visible(first.why)}" if first.why else ""
    for number, side in enumerate(SIDES):
        box = Box(columns.left[number], y, columns.w, CARD)
        have = [what for row in line.rows if (what := getattr(row, side)) is not None]
        yield _side(f"diff/{line.number}/{side}", box, line, have, f"{side}: {about}")
    if first.verdict == DIFFERS:
        w = columns.left[1] + columns.w - columns.left[0]
        yield kit.paragraph(f"diff/{line.number}/why", first.why, columns.left[0], y + CARD, w, style="label")


def _side(identity: str, box: Box, line: Line, have: Sequence[MappedAs], title: str) -> Node:
    """How one side has a line's ranges; if it has none, why."""
    if not have:
        text = (fitted(box.w / 2, 16, visible(line.first.why), box.w - 2 * PAD, "label dim", "middle"),)
        return Node(identity, "label", *box, shape="none", text=text, title=title)
    kinds = " ".join(what.protection for what in have[:6]) + " …" * (len(have) > 6)
    shared = ", shared" if have[0].shared else ""
    name = visible(have[0].name.rpartition("/")[2] or "memory")
    words = (f"{kinds} · {name}{shared}", f"{counted(len(have), 'range')} · {name}{shared}", name)
    text = (fitted(PAD, 16, words, box.w - 2 * PAD, "label"),)
    state = ("fault",) if line.first.is_fault else ("static", "folded") if line.first.verdict == SYSTEM else ("plain",)
    return Node(
        identity, "card", *box, f"range:{line.number}", text=text, state=state, title=title, action="select",
        lane="ranges" if identity.endswith("system") or not line.first.system else "ranges of the model",
    )  # fmt: skip
