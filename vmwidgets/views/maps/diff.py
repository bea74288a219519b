"""A task's map next to the system's report: whether the model is wrong, and where.

At the top, a bar says how many bytes agree.  Below it are differing ranges, missing ranges of the model, what only one
side can know, by the reason, and equal ranges; at the end, each side is a strip with a cell for each range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets.comparisons.maps import AGREES, DIFFERS, SYSTEM, MappedAs, MapsDiff, RangeDiff
from vmwidgets.engine.base.units import counted
from vmwidgets.given.process import rounded
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.boxes import Cell, Chips, Column, Part, Row
from vmwidgets.views.scene.key import RANGES, kind_of_range
from vmwidgets.views.scene.kit import LINE, MARGIN, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Table, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, text_width, visible, wrapped
from vmwidgets.views.story.words.pictures import say_compared

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

STRIP, GAP, WIDEST = 22.0, 8.0, 44.0
"""Pixels: the height of a strip of the overview, the space between the strips, and the widest cell."""

CELL, HIGH = 36.0, 20.0
"""Width and height of a range's cell with its rights."""

WIDE = 640.0
"""Width in pixels from which a differing range fits one line, and agreeing ranges two columns."""

MOST_LINES, MOST_ROWS, MOST_CELLS = 60, 300, 8
"""The most lines drawn, rows of the table, and cells of a line.  Agreeing ranges are left out first."""

SIDES = ("system", "model")

SECTIONS = {"wrong": "0", "missing": "missing", "alone": "1", "agree": "2"}
"""The parts of a picture from the top down, with the wording of their headings."""


class Line(NamedTuple):
    """Ranges that are drawn as one; `number` is the place of the first among all ranges."""

    number: int
    rows: Sequence[RangeDiff]

    @property
    def first(self) -> RangeDiff:
        """The lowest of the ranges, as an example of all."""
        return self.rows[0]

    @property
    def size(self) -> str:
        """The bytes of all ranges of the line."""
        return rounded(sum(row.size for row in self.rows))

    @property
    def section(self) -> str:
        """The section that contains the line."""
        first = self.first
        if not first.is_fault:
            return "agree" if first.verdict == AGREES else "alone"
        return "missing" if first.verdict == SYSTEM else "wrong"


@picture("Diff", first_for=["vmwidgets.comparisons.maps.MapsDiff"], what="the result of vm.diff(task, maps)")
def diff(at: At) -> Sheet:
    """Draw a task's map next to the map that the system reported for a process: ranges that agree, and ranges in one.

    `target` is the result of ``vm.diff(task, maps)``.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> vm.Diff(vm.diff(t, "1000-2000 rw-p 0 00:00 0   [stack]")).scene().title
    'init'
    """
    value: MapsDiff = at.target
    rows = value.rows
    style = AddressStyle.of(0, rows[-1].end if rows else 0)
    lines = _lines(rows)
    shown = _most(lines)
    is_wide = at.width >= WIDE
    parts = [_agreement(value)] if rows else []
    draw: dict[str, Callable[[Sequence[Line], AddressStyle], Part]] = {
        "wrong": partial(_differing, is_wide=is_wide),
        "missing": partial(_missing, is_wide=is_wide),
        "alone": _alone,
        "agree": partial(_agreeing, is_wide=is_wide),
    }
    for section, key in SECTIONS.items():
        if of_it := [line for line in shown if line.section == section]:
            whole = [line for line in lines if line.section == section]
            head = boxes.drawing(26, partial(_heading, section, key, whole))
            parts.append(boxes.below(head, draw[section](of_it, style)))
    parts += [boxes.drawing(0, partial(_overview, rows, style))] * bool(rows)
    left = sum(len(line.rows) for line in lines) - sum(len(line.rows) for line in shown)
    parts.append(boxes.more("diff/more", left, "range", "dim"))
    subtitle = f"the model's map next to the system's, read from {value.source}"
    return Sheet(
        visible(value.task),
        subtitle,
        boxes.below(*parts, gap=18),
        caption=_caption(value, lines),
        table=_table(value),
        lanes=[Lane("ranges", "Ranges, by address", down=True)],
    )


def _caption(value: MapsDiff, lines: Iterable[Line]) -> Caption:
    """Return the answer, with numbers: whether anything is wrong, or only missing."""
    found, agree = {line.section for line in lines}, value.of(AGREES)
    size, total = (rounded(sum(row.size for row in rows)) for rows in (agree, value.rows))
    said = say_compared("diff/of", len(value.rows), agree=f"{len(agree):,}", size=size, all=total)
    count = len(value.faults)
    if "wrong" in found:
        return Caption(say_compared("diff/disagree", count), reason=said)
    if "missing" in found:
        return Caption(say_compared("diff/missing", count), reason=f"{said} {say_compared('diff/no call', count)}")
    return Caption(say_compared("diff/agree"), reason=said if value.rows else "")


def _table(value: MapsDiff) -> Table:
    rows, more = value.table()[:MOST_ROWS], len(value.rows) - MOST_ROWS
    left_out = ((f"… {more:,} ranges more", *[""] * (len(value.header) - 1)),) if more > 0 else ()
    return Table(value.header, (*rows, *left_out))


def _lines(rows: Sequence[RangeDiff]) -> list[Line]:
    """Return the ranges in lines, by address: a file's ranges share a line, except differing ones on both sides.

    Ranges that only one side can know share a line if the reason is the same.
    """
    found: dict[tuple[object, ...], Line] = {}
    for number, row in enumerate(rows):
        what = _what(row)
        of_both = row.verdict == AGREES or row.is_fault  # otherwise, who made it is the answer
        kin = (row.verdict, row.is_fault, row.why, *((what.name, what.shared) if of_both else ()))
        kin = (number,) if row.verdict == DIFFERS else kin
        line = found.get(kin)
        found[kin] = Line(number, [row]) if line is None else Line(line.number, [*line.rows, row])
    return list(found.values())


def _most(lines: Sequence[Line]) -> list[Line]:
    """Return as many lines as are drawn: agreeing ranges are left out first, from the highest addresses."""
    spare = len(lines) - MOST_LINES
    if spare <= 0:
        return list(lines)
    agreeing = [line.number for line in lines if line.first.verdict == AGREES]
    dropped = set(agreeing[-spare:])
    return [line for line in lines if line.number not in dropped][:MOST_LINES]


def _what(row: RangeDiff) -> MappedAs:
    """Return a range as the system has it, or else as the model has it."""
    what = row.system or row.model
    assert what is not None, "one side has it"
    return what


def _colour(what: MappedAs) -> str:
    return f"own-{kind_of_range(what.name, what.protection)}"


# ---- how much agrees -----------------------------------------------------------------------------


def _agreement(value: MapsDiff) -> Part:
    """Return a bar of the bytes of all ranges: those that agree, and those that should agree and do not."""
    sizes = {verdict: sum(row.size for row in value.of(verdict)) for verdict in (AGREES, DIFFERS)}
    amounts = [(sizes[AGREES], "used"), (sizes[DIFFERS], "error")]
    return boxes.whole("diff/bar", amounts, sum(row.size for row in value.rows))


# ---- the overview --------------------------------------------------------------------------------


def _overview(rows: Sequence[RangeDiff], style: AddressStyle, box: Box) -> Iterator[Node]:
    """Yield files' names, two strips with equal cells for all ranges, the first and the last address, and a legend."""
    left = max(text_width(side, "strong") for side in SIDES) + 10
    x, y, room = box.x + left, box.y, box.w - left
    w = min(WIDEST, room / len(rows))
    ends = [style.long(rows[0].start), style.long(rows[-1].end)]
    whole = max(w * len(rows), sum(text_width(one, "mono") for one in ends) + 12)
    text, bars = _files(rows, w, room)
    yield kit.runs("diff/files", Box(x, y, room, 20), text, bars=bars)
    y += 22
    for side in SIDES:
        have = sum(getattr(row, side) is not None for row in rows)
        title = f"The {side} has {counted(have, 'range')} of {len(rows):,}"
        yield kit.label(f"diff/head/{side}", side, box.x, y + 2, style="strong")
        bars = [bar for column, row in enumerate(rows) for bar in _cell(row, side, column * w, w)]
        strip = Box(x, y, w * len(rows), STRIP + GAP)
        yield kit.runs(f"diff/strip/{side}", strip, (), bars=bars, title=title, lane=f"strip {side}")
        y += STRIP + GAP
    text = [Text(0, 12, ends[0], "mono dim"), Text(whole, 12, ends[1], "mono dim", "end")]
    yield kit.runs("diff/axis", Box(min(x, box.x + box.w - whole), y - 4, whole, LINE), text)
    yield from kit.legend("diff", [*_legend(rows)], y + LINE - 2, width=x + room + MARGIN, x=x)


def _cell(row: RangeDiff, side: str, x: float, w: float) -> Iterator[Bar]:
    """Yield a range in a side's strip: pale if it is missing, a line if only the other side knows it."""
    what, room = getattr(row, side), max(0.5, w - (2 if w > 6 else 1 if w > 3 else 0))
    x, room = round(x, 2), round(room, 2)
    if what is not None:
        yield Bar(x, 0, room, STRIP, _colour(_what(row) if row.verdict == AGREES else what))
    elif row.is_fault:
        yield Bar(x + 0.5, 0.5, max(0.5, room - 1), STRIP - 1, f"missing {_colour(_what(row))}")
    else:
        yield Bar(x, STRIP / 2 - 1, room, 2, "rail")
    if side == "system" and row.is_fault and row.verdict != SYSTEM:
        yield Bar(x, STRIP + 2, room, 4, "error")


def _files(rows: Sequence[RangeDiff], w: float, whole: float) -> tuple[list[Text], list[Bar]]:
    """Return the names of files above their first cells, as far as there is room."""
    text: list[Text] = []
    end, last = -12.0, ""
    for number, row in enumerate(rows):
        what = _what(row)
        stem = visible(what.name.rpartition("/")[2].partition(".")[0])
        if what.is_file and stem and stem != last:
            last, x = stem, round(number * w, 1)
            if x >= end + 12 and x + text_width(stem, "label dim") <= whole:
                text.append(Text(x, 12, stem, "label dim"))
                end = x + text_width(stem, "label dim")
    return text, [Bar(one.x, 16, 1, 4, "tick") for one in text]


def _legend(rows: Sequence[RangeDiff]) -> Iterator[tuple[str, str]]:
    """Yield the meanings of the colours present."""
    yield "", "a cell for each range, not to scale"
    seen = {kind_of_range(_what(row).name, _what(row).protection) for row in rows}
    yield from ((f"own-{kind}", words) for kind, words in RANGES.items() if kind in seen)
    faults = [row for row in rows if row.is_fault]
    if any(row.verdict != DIFFERS for row in faults):
        yield "missing own-kernel", "missing"
    if any(row.verdict != SYSTEM for row in faults):
        yield "error", "should agree"


# ---- lines ---------------------------------------------------------------------------------------


def _heading(section: str, key: str, lines: Sequence[Line], box: Box) -> Iterator[Node]:
    """Yield a section's meaning, the number of its ranges, and their size."""
    many, size = sum(len(line.rows) for line in lines), rounded(sum(row.size for line in lines for row in line.rows))
    head, about = {
        "wrong": (f"{counted(many, 'range')} should agree", "and do not" if many > 1 else "and does not"),
        "missing": (
            f"{many:,} missing in the model",
            "no call accounts for them" if many > 1 else "no call accounts for it",
        ),
        "alone": (f"{many:,} only one side can know", "no call asked for them" if many > 1 else "no call asked for it"),
        "agree": (f"{many:,} agree", "same addresses, same rights; a line for each file"),
    }[section]
    strong = "body strong error" if section == "wrong" else "body strong"
    x = text_width(head, "body strong") + 12
    room = box.w - x - text_width(size) - 12
    text = [Text(0, 14, head, strong), Text(box.w, 14, size, "label dim", "end")]
    if text_width(about, "label dim") <= room:
        text.append(Text(x, 14, about, "label dim"))
    yield kit.runs(f"diff/section/{key}", box, text)


def _about(line: Line, style: AddressStyle) -> str:
    """Return a full description of a line."""
    first = line.first
    places = ", ".join(style.range(row.start, row.end) for row in line.rows[:8]) + ", …" * (len(line.rows) > 8)
    rights = " ".join(_what(row).protection for row in line.rows[:8])
    return f"{_name(line)}, {places}: {line.size}, {rights}, {first.verdict}" + (
        f", {visible(first.why)}" if first.why else ""
    )


def _name(line: Line) -> str:
    """Return the name of a line's file or memory, and the number of its ranges if not all of them have a cell."""
    many = f" ×{len(line.rows)}" if len(line.rows) > MOST_CELLS else ""
    names = ((what.name.rpartition("/")[2] or "memory") + ", shared" * what.shared for what in map(_what, line.rows))
    return ", ".join(map(visible, dict.fromkeys(names))) + many


def _row(line: Line, style: AddressStyle, *cells: Cell) -> Row:
    """Return a line as a thing that can be selected."""
    return Row(
        f"diff/{line.number}/row",
        cells,
        _about(line, style),
        state=("fault",) if line.first.is_fault else (),
        lane="ranges",
        thing=f"range:{line.number}",
    )


def _rights(have: Sequence[MappedAs], look: str) -> Chips:
    """Return a box for each range, with its rights."""
    looks = [(what.protection.replace("-", "") or "–", f"{look} {_colour(what)}") for what in have[:MOST_CELLS]]
    return Chips(looks, CELL - 1, HIGH - 1, 4)


def _missing(lines: Sequence[Line], style: AddressStyle, *, is_wide: bool) -> Part:
    """Return memory that the model lacks: its name, its ranges with their rights, its size, and its first address."""
    is_named = is_wide and len(lines) > 1
    names = ("ranges", "size", "begins at") if is_named else ("", "", "")
    columns = [
        Column(style="body strong", middle=True, takes=True),
        Column(names[0], rank=2, under=True),
        Column(names[1], "body", end=True),
        Column(names[2], "mono dim", rank=1, under=True),
    ]
    some = [
        _row(
            line,
            style,
            _name(line),
            _rights([_what(row) for row in line.rows], "missing"),
            line.size,
            style.long(line.first.start),
        )
        for line in lines
    ]
    return boxes.rows("diff/missing", columns, some, high=24, gap=4)


def _differing(lines: Sequence[Line], style: AddressStyle, *, is_wide: bool) -> Part:
    """Return ranges that differ but should not: each side's version, and the reason."""
    return boxes.below(*(boxes.drawing(0, partial(_both, line, style, is_wide)) for line in lines), gap=8)


def _both(line: Line, style: AddressStyle, is_wide: bool, box: Box) -> Iterator[Node]:
    """Yield one line: its name, the model's version, the system's version, and why they should agree."""
    place, left = style.long(line.first.start), 24.0
    text = [
        Text(2, 19, "≠", "title error"),
        fitted(left, 18, _name(line), box.w * (0.36 if is_wide else 0.6) - left, "body strong", middle=True),
        Text(box.w, 18, line.size, "body", "end"),
    ]
    x, at, bars = (box.w * 0.36 + 12 if is_wide else left), (3.0 if is_wide else 25.0), list[Bar]()
    for side in reversed(SIDES):
        have = [what for row in line.rows if (what := getattr(row, side)) is not None]
        text.append(Text(x, at + 14, side, "label dim"))
        x += text_width(side, "label dim") + 8
        rights = _rights(have, "pale")
        its, letters = rights.put(x, at)
        bars += its
        text += letters
        x += rights.wide
        if not have:
            text.append(Text(x, at + 14, "nothing", "label error"))
            x += text_width("nothing", "label")
        x += 14
    foot = at + HIGH + 14
    for why in wrapped(line.first.why, box.w - left - text_width(place, "mono") - 12):
        text.append(Text(left, foot, why, "label error"))
        foot += LINE
    text.append(Text(box.w, at + HIGH + 14, place, "mono dim", "end"))
    yield Node(
        f"diff/{line.number}/row", "label", box.x, box.y, box.w, foot - 8, f"range:{line.number}", "none",
        text=tuple(text), bars=tuple(bars), state=("fault",) if line.first.is_fault else (),
        title=_about(line, style), action="select", lane="ranges",
    )  # fmt: skip


def _small(line: Line) -> Chips:
    """Return a small box for each range, without words."""
    return Chips([("", _colour(_what(row))) for row in line.rows[:MOST_CELLS]])


def _alone(lines: Sequence[Line], style: AddressStyle) -> Part:
    """Return memory that only one side can know about: its ranges, its name, and that side."""
    columns = [
        Column(),
        Column(middle=True),
        Column(style="label dim", takes=True, rank=1, under=True),
        Column(style="label dim", end=True),
    ]
    some = [_row(line, style, _small(line), _name(line), visible(line.first.why), line.size) for line in lines]
    return boxes.rows("diff/alone", columns, some, high=22)


def _agreeing(lines: Sequence[Line], style: AddressStyle, *, is_wide: bool) -> Part:
    """Return memory that agrees: its ranges, name and size, in two columns (read downwards) if there is room."""
    columns = [
        Column(least=max(_small(line).wide for line in lines)),
        Column(middle=True, takes=True),
        Column(style="label dim", end=True),
    ]
    down = -(-len(lines) // 2) if is_wide else len(lines)
    some = [_row(line, style, _small(line), _name(line), line.size) for line in lines]
    halves = [boxes.rows("diff/agree", columns, part, high=22) for part in (some[:down], some[down:]) if part]
    return boxes.beside(*halves, gap=32)
