"""A task's map beside what the system reported: differences large, and what agrees as one row a file.

On top each side is a strip with a cell for each range.  Below it come the ranges that should agree and do not, each as
a card with both sides; then what only one side can know, and last what agrees, each file in one row with a badge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vmwidgets.engine.base.units import Size, counted
from vmwidgets.engine.kernel.map.diffs_schema import AGREES, DIFFERS, MODEL, SYSTEM, MappedAs, MapsDiff, RangeDiff
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import LINE, MARGIN, PAD, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible
from vmwidgets.views.story.words.pictures import say_compared

STRIP, GAP, LARGE = 14.0, 4.0, 68.0
"""Heights: of a strip of the overview, between lines, of a difference."""

WIDE = 640.0
"""Pixels from which on all of a row is in one line, and both sides of a difference beside each other."""

MOST_LINES, MOST_ROWS = 60, 300
"""Lines that are drawn, and rows of the table; what agrees is left out first."""

FEW, MINIMAP = 12, 92.0
"""More lines make a picture higher than many windows. Such a picture has a small map of itself in its upper right
corner, and its strips end so many pixels before the edge."""

SIDES = ("model", "system")

BADGES = {AGREES: "=", DIFFERS: "differs", SYSTEM: "only system", MODEL: "only model"}
"""What is in a row's first column, by verdict."""


class Line(NamedTuple):
    """Ranges that are drawn as one: `number` is the first one's, of all."""

    number: int
    rows: Sequence[RangeDiff]

    @property
    def first(self) -> RangeDiff:
        """The lowest of them, which says what all are."""
        return self.rows[0]

    @property
    def size(self) -> str:
        """Bytes of all of them."""
        return str(Size(sum(row.size for row in self.rows)))

    @property
    def section(self) -> int:
        """Where it is: 0 what should agree and does not, 1 what only one side can know, 2 what agrees."""
        return 2 if self.first.verdict == AGREES else 0 if self.first.is_fault else 1


def draw_diff(value: MapsDiff, *, width: float = WIDTH) -> Scene:
    """The scene of a comparison of a task with what the system reported."""
    rows = value.rows
    style = AddressStyle.of(0, rows[-1].end if rows else 0)
    lines = _lines(rows)
    shown = _most(lines)
    high = len(shown) > FEW and width >= WIDE
    nodes, y = _overview(rows, style, 8.0, width - (MINIMAP if high else 0))
    for section in range(3):
        of_it = [line for line in shown if line.section == section]
        if not of_it:
            continue
        nodes.append(_heading(section, [line for line in lines if line.section == section], y, width))
        y += nodes[-1].h + 2
        columns = _columns(of_it, style, width - 2 * MARGIN)
        for line in of_it:
            box = Box(MARGIN, y, width - 2 * MARGIN, 0)
            nodes.append(_row(line, columns, style, box) if section else _difference(line, style, box))
            y += nodes[-1].h + GAP * (1 if section else 2)
        y += LINE / 2
    left = sum(len(line.rows) for line in lines) - sum(len(line.rows) for line in shown)
    if left:
        words = f"… {counted(left, 'range')} more, in the table"
        nodes.append(kit.label("diff/more", words, MARGIN, y, style="dim", most=width - 2 * MARGIN))
    caption = Caption(_verdict(value), reason=f"{value.summary}.")
    subtitle = f"the model's map next to the system's, read from {value.source}"
    return kit.scene(
        "diff", visible(value.task), subtitle, nodes, caption=caption,
        table=_table(value), lanes=[Lane("ranges", "Ranges, by address", down=True)], width=width,
    )  # fmt: skip


def _verdict(value: MapsDiff) -> str:
    return say_compared("diff/disagree", len(value.faults)) if value.faults else say_compared("diff/agree")


def _table(value: MapsDiff) -> Table:
    rows, more = value.table()[:MOST_ROWS], len(value.rows) - MOST_ROWS
    left_out = ((f"… {more:,} ranges more", *[""] * (len(value.header) - 1)),) if more > 0 else ()
    return Table(value.header, (*rows, *left_out))


def _lines(rows: Sequence[RangeDiff]) -> list[Line]:
    """The ranges in lines, by address: those of a file share one, but those that both sides have and that differ."""
    found: dict[object, Line] = {}
    for number, row in enumerate(rows):
        side = row.system or row.model
        name, shared = (side.name, side.shared) if side is not None else ("", False)
        kin = number if row.verdict == DIFFERS else (row.verdict, row.is_fault, row.why, name, shared)
        line = found.get(kin)
        found[kin] = Line(number, [row]) if line is None else Line(line.number, [*line.rows, row])
    return list(found.values())


def _most(lines: Sequence[Line]) -> list[Line]:
    """As many lines as are drawn: those that agree go first, the highest addresses first of these."""
    spare = len(lines) - MOST_LINES
    if spare <= 0:
        return list(lines)
    agreeing = [line.number for line in lines if line.first.verdict == AGREES]
    dropped = set(agreeing[-spare:])
    return [line for line in lines if line.number not in dropped][:MOST_LINES]


# ---- the overview --------------------------------------------------------------------------------


def _overview(rows: Sequence[RangeDiff], style: AddressStyle, y: float, width: float) -> tuple[list[Node], float]:
    """Two strips with their names, a cell for each range, however large; and the addresses at both ends."""
    if not rows:
        return [], y
    left = max(text_width(side, "strong") for side in SIDES) + 10
    whole = width - 2 * MARGIN - left
    w = whole / len(rows)
    nodes: list[Node] = []
    for number, side in enumerate(SIDES):
        have = [(at, row) for at, row in enumerate(rows) if getattr(row, side) is not None]
        bars = tuple(
            Bar(round(at * w, 2), 1, round(max(0.5, w - (1 if w > 3 else 0)), 2), STRIP - 2, _style(row))
            for at, row in have
        )
        title = f"The {side} has {counted(len(have), 'range')} of {len(rows):,}"
        at = y + number * (STRIP + GAP)
        nodes.append(kit.label(f"diff/head/{side}", side, MARGIN, at - 2, style="strong"))
        strip = Box(MARGIN + left, at, whole, STRIP)
        nodes.append(kit.chip(f"diff/strip/{side}", "axis", strip, bars=bars, title=title, lane=f"strip {side}"))
    y += 2 * (STRIP + GAP)
    text = [
        Text(0, 12, style.long(rows[0].start), "mono dim"),
        Text(whole, 12, style.long(rows[-1].end), "mono dim", "end"),
    ]
    words = "a box for each range"
    if 2 * max(text_width(one.text, "mono") for one in text) + text_width(words, "dim") + 24 < whole:
        text.append(Text(whole / 2, 12, words, "dim", "middle"))
    nodes.append(kit.runs("diff/axis", kit.Box(MARGIN + left, y, whole, LINE), tuple(text)))
    return nodes, y + LINE + 8


def _style(row: RangeDiff) -> str:
    return "error" if row.is_fault else "plain" if row.verdict == AGREES else "static"


def _heading(section: int, lines: Sequence[Line], y: float, width: float) -> Node:
    """What a section is, and how much of it there is; its mark is that of its cells in the strips."""
    many = sum(len(line.rows) for line in lines)
    words = (
        f"should agree: {counted(many, 'range')}",
        f"only one side can know: {counted(many, 'range')}",
        f"agree: {counted(many, 'range')}, one row a file",
    )[section]
    style = ("strong error", "strong", "strong")[section]
    text = (fitted(18, 14, words, width - 2 * MARGIN - 18, style),)
    bars = (Bar(0, 4, 11, 11, ("error", "static", "plain")[section]),)
    return kit.runs(f"diff/section/{section}", kit.Box(MARGIN, y, width - 2 * MARGIN, 20), text, bars=bars)


# ---- lines ---------------------------------------------------------------------------------------


def _about(line: Line, style: AddressStyle) -> str:
    """All of a line in words."""
    first = line.first
    places = ", ".join(style.range(row.start, row.end) for row in line.rows[:8]) + ", …" * (len(line.rows) > 8)
    return f"{places}: {line.size}, {first.verdict}" + (f", {visible(first.why)}" if first.why else "")


def _name(line: Line) -> str:
    """The file, the kernel's name for it, or "memory"."""
    side = line.first.system or line.first.model
    name = side.name.rpartition("/")[2] or "memory" if side is not None else "memory"
    return visible(name) + (", shared" if side is not None and side.shared else "")


def _rights(have: Sequence[MappedAs]) -> str:
    if len({what.protection for what in have}) == 1:
        return have[0].protection
    return " ".join(what.protection for what in have[:6]) + " …" * (len(have) > 6)


def _difference(line: Line, style: AddressStyle, box: Box) -> Node:
    """What should agree and does not: where it is, how each side has it, and why that differs."""
    row, room = line.first, box.w - 2 * PAD
    beside = box.w >= WIDE - 2 * MARGIN
    place = f"{style.long(row.start)} · {line.size}"
    many = f" ×{len(line.rows)}" if len(line.rows) > 1 else ""
    x = PAD + 24
    text = [
        Text(PAD, 20, "≠", "title error"),
        fitted(x, 20, f"{_name(line)}{many}", room - 24 - text_width(place, "mono") - 12, "strong"),
        Text(box.w - PAD, 20, place, "mono", "end"),
    ]
    half = (room - 24) / 2 if beside else room - 24
    y = 46.0
    for number, side in enumerate(SIDES):
        have = [what for one in line.rows if (what := getattr(one, side)) is not None]
        at = x + number * half * beside
        text.append(Text(at, y, side, "dim"))
        at += text_width("system", "dim") + 10
        left = x + half * (number * beside + 1) - at - 8
        if have:
            other = visible(have[0].name.rpartition("/")[2] or "memory") + ", shared" * have[0].shared
            words = _rights(have) + f" · {other}" * (other != _name(line))
            text.append(fitted(at, y, words, left, "title mono"))
        else:
            text.append(fitted(at, y, row.why or "nothing", left, "error"))
        y += 22 * (not beside)
    high = LARGE - 10
    if not beside:
        high += 22
    if row.verdict == DIFFERS:
        text.append(fitted(x, high + 8, row.why, room - 24, ""))
        high += 16
    return Node(
        f"diff/{line.number}/row", "card", box.x, box.y, box.w, high, f"range:{line.number}", text=tuple(text),
        state=("fault",), title=_about(line, style), action="select", lane="ranges",
    )  # fmt: skip


class Columns(NamedTuple):
    """Where a section's rows have what: pixels from the left."""

    name: float
    size: float
    """Where sizes end."""
    place: float
    rest: float


def _columns(lines: Sequence[Line], style: AddressStyle, width: float) -> Columns | None:
    """The columns of a section, as wide as what is in them; None if there is no room for all of them in a line."""
    if width < WIDE - 2 * MARGIN:
        return None
    name = PAD + max(22.0, *(text_width(BADGES[line.first.verdict], "strong") + 10 for line in lines))
    most = max(text_width(_called(line), "") for line in lines)
    size = name + min(most, 0.34 * width) + max(text_width(line.size, "") for line in lines) + 18
    place = size + 18
    return Columns(
        name, size, place, place + max(text_width(style.long(line.first.start), "mono") for line in lines) + 18
    )


def _called(line: Line) -> str:
    return _name(line) + (f" ×{len(line.rows)}" if len(line.rows) > 1 else "")


def _row(line: Line, columns: Columns | None, style: AddressStyle, box: Box) -> Node:
    """A file in one row: a badge, its name, ranges, bytes, where it begins, rights, and why only one side has it.

    What has no room beside the others is below them.
    """
    first, why = line.first, visible(line.first.why)
    rights = _rights([side for row in line.rows if (side := row.system or row.model) is not None])
    badge, place = BADGES[first.verdict], style.long(first.start)
    text = [Text(PAD, 16, badge, "strong")]
    y = 16.0
    if columns is not None:
        name, size, at, rest = columns
        text += [
            fitted(name, y, _called(line), size - name - text_width(line.size, "") - 18, "", middle=False),
            Text(size, y, line.size, "", "end"),
            Text(at, y, place, "mono dim"),
            fitted(rest, y, rights, box.w - rest - PAD, "mono dim"),
        ]
        begun = rest + text_width(rights, "mono") + 18
    else:
        name = PAD + (text_width(max(BADGES.values(), key=len), "strong") + 10 if first.verdict != AGREES else 22)
        room, y = box.w - name - PAD, y + 17
        text += [
            fitted(name, 16, _called(line), room - text_width(line.size, "") - 18, ""),
            Text(box.w - PAD, 16, line.size, "", "end"),
            fitted(name, y, f"{place} · {rights}", room, "mono dim"),
        ]
        begun = box.w
    if why:
        beside = begun + text_width(why, "dim") <= box.w - PAD
        y += 0 if beside else 17
        text.append(Text(begun, y, why, "dim") if beside else fitted(name, y, why, box.w - name - PAD, "dim"))
    state = ("static", "folded") if first.verdict != AGREES else ("plain",)
    return Node(
        f"diff/{line.number}/row", "card", box.x, box.y, box.w, y + 8, f"range:{line.number}",
        text=tuple(text), state=state, title=_about(line, style), action="select", lane="ranges",
    )  # fmt: skip
