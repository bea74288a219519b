"""The text of a small C program, with each line's costs next to it; the lines of the title are tinted.

Up to eight events of a line are a mark each; more are a bar with their number, each column on its own scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from textwrap import wrap

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted, listed
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.kit import LINE, MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Rows, Scene, Table, Text
from vmwidgets.views.scene.relations import together
from vmwidgets.views.scene.text import fitted, text_width, visible
from vmwidgets.views.story.moment import Moment

ACROSS = 1000.0
"""The width in pixels from which the panes are next to the text, and not below it."""

PANES = 440.0
"""The least width of panes next to the text."""

COLUMNS = {
    "accesses": ("access", "accesses"),
    "TLB misses": ("TLB miss", "TLB misses"),
    "faults": ("fault", "faults"),
    "copies": ("page copied", "pages copied"),
}
"""The possible columns: the head of each, and its singular and plural in words."""

_ROW, _NUMBER, _COLUMN, _WIDEST = LINE + 2, 26.0, 88.0, 124.0

MARKS, _STEP, _DENSE, _APART = 8, 10.0, 6.0, 2.0
"""The most events of a line that are a mark each; pixels a mark, alone and in a column with longer bars; a gap."""

_LOOKS = {"faults": "mark", "copies": "mark"}
"""The style of a mark by its column: what costs most is black, the others are grey."""

_NARROW = 26.0
"""Width in pixels of a column headed by a letter, if lines of code have no room next to wider columns."""
_LETTER = text_width("m", "mono")


@frozen
class CodeLine:
    """A line of a program: its text, and its numbers by column; no numbers if it does nothing with memory."""

    text: str
    counts: Mapping[str, int] = field(default_factory=dict)


def draw_program(
    name: str,
    lines: Sequence[CodeLine],
    columns: Sequence[str],
    at: int | None,
    doing: str,
    moment: Moment,
    panes: Scene | None,
    *,
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """Return the scene of a program at a moment, with these columns of :data:`COLUMNS`.

    `at` is the number of the current line, which is `doing` something.

    `panes` are laid out for :func:`room_of_panes`, and are drawn next to the text, or below it.
    """
    is_across = panes is not None and width >= ACROSS
    room = width - room_of_panes(lines, columns, width) if is_across else width
    spare = room - _needed(lines, columns)
    column = min(_WIDEST, _COLUMN + spare / max(1, len(columns))) if spare >= 0 else _NARROW
    left = _code(lines) if spare >= 0 else room - 2 * MARGIN - len(columns) * column
    letters = " · ".join(f"{words[0]}: {words}" for words in columns) if column < _COLUMN else ""
    part = boxes.below(
        boxes.words("program/legend", letters),
        boxes.drawing(0, partial(_heads, columns, column, left)),
        boxes.drawing(0, partial(_rows, lines, columns, at, column, left)),
        boxes.drawing(_ROW, partial(_sums, lines, columns, column, left)),
        gap=2,
    )
    text = boxes.picture(
        "program",
        f"{name}.c" if at is None else f"{name}.c, line {at}",
        doing,
        part,
        caption=_caption(moment, _answer(name, lines, columns), doing),
        table=Table(("line", *columns, "text"), Rows(lambda: tuple(_table(lines, columns)))),
        machine=machine,
        width=room,
        lanes=[Lane("program", down=True, label="lines of the program")],
    )
    return text if panes is None else _joined(text, panes, is_across, width)


def _caption(moment: Moment, answer: str, doing: str) -> Caption:
    """Return the answer, or what the program did, in its own names; then the outcome of the access.

    The headline names an address, and the program's text does not.
    """
    caption = moment.caption
    if not moment.is_after or moment.operation is None or caption.tone in ("error", "panic"):
        return moment.caption_with(answer)
    return replace(caption, text=answer or f"{doing}.", reason=caption.reason)


def _told(lines: Sequence[CodeLine], columns: Sequence[str]) -> tuple[str, list[int]]:
    """Return the column that says most about the lines, and the numbers of the lines that it names.

    These are the lines that copy, if any do, and else those with most of the most frequent cost; ("", []) before any.
    """
    totals = {name: sum(one.counts.get(name, 0) for one in lines) for name in columns if name != "accesses"}
    most = "copies" if totals.get("copies") else max(totals, key=lambda name: totals[name], default="")
    counts = [one.counts.get(most, 0) for one in lines]
    least = 1 if most == "copies" else max(counts, default=0)
    return (
        (most, [number for number, one in enumerate(counts, 1) if one >= least]) if least and any(counts) else ("", [])
    )


def _answer(name: str, lines: Sequence[CodeLine], columns: Sequence[str]) -> str:
    """Return which lines copy pages, or which have most of the most frequent cost; "" before any."""
    most, told = _told(lines, columns)
    if not told:
        return ""
    counts = [lines[number - 1].counts[most] for number in told]
    total = counted(sum(one.counts.get(most, 0) for one in lines), *COLUMNS[most])
    which = f"lines {listed([*map(str, told)])}" if 1 < len(told) < 5 else f"{len(told)} lines"
    if most == "copies":
        what = "a page" if sum(counts) == 1 else f"{sum(counts):,} pages"
        said = (
            f"only line {told[0]} of {name}.c copies {what}" if len(told) == 1 else f"{which} of {name}.c copy {what}"
        )
    elif len(told) == 1:
        said = f"line {told[0]} of {name}.c has {counts[0]:,} of {total}"
    else:
        said = f"{which} of {name}.c have {counts[0]:,} of {total} each"
    return f"{said[0].upper()}{said[1:]}."


def room_of_panes(lines: Sequence[CodeLine], columns: Sequence[str], width: float) -> float:
    """Return the width for the panes: next to the text, the width it leaves; below it, the whole width."""
    return max(PANES, width - _needed(lines, columns)) if width >= ACROSS else width


def _needed(lines: Sequence[CodeLine], columns: Sequence[str]) -> float:
    """Return the width that each line of the text needs, next to wide columns."""
    return _code(lines) + len(columns) * _COLUMN + 2 * MARGIN


def _code(lines: Sequence[CodeLine]) -> float:
    """Return the width of the text, and of the space after it."""
    return _NUMBER + _LETTER * (max((len(one.text) for one in lines), default=0) + 2)


def _heads(columns: Sequence[str], column: float, left: float, box: Box) -> Iterator[Node]:
    """Yield the heads of the columns: their words, or a letter if a column is narrow."""
    for number, words in enumerate(columns):
        x = box.x + left + number * column
        said = words if column >= _COLUMN else words[0]
        yield kit.runs(
            f"program/head/{number}", Box(x, box.y, column, LINE), [Text(0, 14, said, "label dim")], title=words
        )


def _sums(lines: Sequence[CodeLine], columns: Sequence[str], column: float, left: float, box: Box) -> Iterator[Node]:
    """Yield the sum of each column below it."""
    totals = [sum(one.counts.get(name, 0) for one in lines) for name in columns]
    text = [Text(_NUMBER, 14, "in all", "label dim")]
    text += [Text(left + place * column, 14, f"{one:,}", "label dim") for place, one in enumerate(totals)]
    said = ", ".join(counted(one, *COLUMNS[name]) for name, one in zip(columns, totals, strict=True))
    yield kit.runs("program/sums", box, text, title=f"in all: {said}")


def _rows(
    lines: Sequence[CodeLine], columns: Sequence[str], at: int | None, column: float, left: float, box: Box
) -> Iterator[Node]:
    """Yield the lines, each as high as its words in this width, with its costs; a mark is left of the current line."""
    y = box.y
    which, told = _told(lines, columns)
    most = {name: max(one.counts.get(name, 0) for one in lines) for name in columns}
    for number, one in enumerate(lines, 1):
        words = one.text.lstrip()
        x = _NUMBER + _LETTER * (len(one.text) - len(words))
        code, is_told = _broken(words, left - x - 8), number in told
        high = _ROW + (len(code) - 1) * LINE
        runs = [Text(_NUMBER - 8, 14, str(number), "strong" if is_told else "mono dim", "end")]
        runs += [
            fitted(x + 2 * _LETTER * (row > 0), 14 + row * LINE, part, left - x - 8, "mono")
            for row, part in enumerate(code)
        ]
        bars: list[Bar] = []
        for place, name in enumerate(columns):
            look, is_loud = _LOOKS.get(name, "used"), is_told and name == which
            its, said = _costs(one.counts.get(name, 0), most[name], look, left + place * column, column, is_loud)
            bars, runs = bars + its, runs + said
        yield Node(
            f"program/{number}",
            "line",
            box.x,
            y,
            box.w,
            high,
            shape="box" if is_told else "none",
            text=tuple(run for run in runs if run.text),
            bars=tuple(bars),
            state=("holds-own-anonymous",) if is_told else (),
            title=_title(number, one, number == at),
            lane="program",
        )
        if number == at:
            mark = [Text(0, 14, "▶", "strong")]
            yield kit.runs(
                "program/at", Box(box.x - 11, y, 11, _ROW), mark, state=["shown"], title=f"line {number} runs"
            )
        y += high


def _costs(count: int, most: int, style: str, x: float, column: float, is_loud: bool) -> tuple[list[Bar], list[Text]]:
    """Return a line's events in a column: a mark each, or a bar with their number; a number alone if it is narrow.

    The number that the title gives is bold.
    """
    look = "strong" if is_loud else "label"
    if column < _COLUMN:
        return [], [Text(x, 14, f"{count:,}", look)] * bool(count)
    step = _STEP if most <= MARKS else _DENSE
    if count <= MARKS:
        bars = [Bar(x + step * place, 4, step - _APART, 12, style) for place in range(count)]
        return bars, [Text(x + step * count + 4, 14, f"{count:,}", look)] * is_loud
    least, room = step * MARKS, column - 12 - text_width(f"{most:,}", look)
    wide = least + (room - least) * (count - MARKS) / (most - MARKS)
    return [Bar(x, 4, wide, 12, style)], [Text(x + wide + 4, 14, f"{count:,}", look)]


def _broken(words: str, room: float) -> list[str]:
    """Return a line of code in as many rows as needed, broken at blanks; later rows are two letters shorter."""
    if len(words) * _LETTER <= room:
        return [words]
    return wrap(words, max(8, int(room / _LETTER) - 2), break_long_words=False, break_on_hyphens=False) or [words]


def _title(number: int, one: CodeLine, is_at: bool) -> str:
    counts = ", ".join(counted(count, *COLUMNS[column]) for column, count in one.counts.items() if count)
    said = f"line {number}: {visible(one.text.strip())}" + (f" · {counts}" if counts else "")
    return said + " · the current line" * is_at


def _table(lines: Sequence[CodeLine], columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for number, one in enumerate(lines, 1):
        yield str(number), *(str(one.counts.get(column, "")) for column in columns), one.text


def _joined(text: Scene, panes: Scene, is_across: bool, width: float) -> Scene:
    """Return text and panes in one scene, with the panes' steps."""
    dx, dy = (text.width, 0.0) if is_across else (0.0, text.height + 8)
    nodes = (*text.nodes, *(replace(node, x=node.x + dx, y=node.y + dy) for node in panes.nodes))
    links = tuple(replace(link, points=tuple((x + dx, y + dy) for x, y in link.points)) for link in panes.links)
    marks = tuple(replace(small, x=[x + dx for x in small.x], y=[y + dy for y in small.y]) for small in panes.marks)
    about = together((text.about, panes.about))
    return replace(
        text,
        width=width,
        height=max(text.height, panes.height) if is_across else dy + panes.height,
        nodes=nodes,
        links=links,
        marks=marks,
        lanes=(*text.lanes, *panes.lanes),
        steps=panes.steps,
        about=about,
        notes=(*text.notes, *panes.notes),
        table=replace(text.table, more=((panes.title, replace(panes.table, more=())), *panes.table.more)),
    )
