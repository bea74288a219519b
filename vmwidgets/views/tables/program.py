"""The text of a small C program, with the current line marked, and each line's costs next to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from textwrap import wrap

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.kit import LINE, MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Caption, Lane, Node, Rows, Scene, Table, Text
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

_ROW, _NUMBER, _COLUMN = LINE + 2, 26.0, 64.0

_NARROW = 26.0
"""Width in pixels of a column headed by a letter, if lines of code have no room next to wider columns."""
_LETTER = text_width("m", "mono")


@frozen
class CodeLine:
    """A line of a program: its text, and its numbers by column; no numbers if it does nothing with memory."""

    text: str
    counts: Mapping[str, int] = field(default_factory=dict)


def draw_program(
    name: str, lines: Sequence[CodeLine], columns: Sequence[str], at: int | None, doing: str, moment: Moment,
    panes: Scene | None, *, machine: str = "", width: float = WIDTH,
) -> Scene:  # fmt: skip  # what is drawn, then where
    """Return the scene of a program at a moment, with these columns of :data:`COLUMNS`.

    `at` is the number of the current line, which is `doing` something.

    `panes` are laid out for :func:`room_of_panes`, and are drawn next to the text, or below it.
    """
    is_across = panes is not None and width >= ACROSS
    room = width - room_of_panes(lines, columns, width) if is_across else width
    column = _COLUMN if _needed(lines, columns) <= room else _NARROW
    letters = " · ".join(f"{words[0]}: {words}" for words in columns) if column < _COLUMN else ""
    part = boxes.below(
        boxes.words("program/legend", letters), boxes.drawing(0, partial(_heads, columns, column)),
        boxes.drawing(0, partial(_rows, lines, columns, at, column)), gap=2,
    )  # fmt: skip  # from top to bottom
    text = boxes.picture(
        "program", f"{name}.c" if at is None else f"{name}.c, line {at}", doing, part,
        caption=_caption(moment, _answer(lines, columns), doing),
        table=Table(("line", *columns, "text"), Rows(lambda: tuple(_table(lines, columns)))),
        machine=machine, width=room,
        lanes=[Lane("program", down=True, label="lines of the program")],
    )  # fmt: skip
    return text if panes is None else _joined(text, panes, is_across, width)


def _caption(moment: Moment, answer: str, doing: str) -> Caption:
    """Return the answer, or what the program did, in its own names; then the outcome of the access.

    The headline names an address, and the program's text does not.
    """
    caption = moment.caption
    if not moment.is_after or moment.operation is None or caption.tone in ("error", "panic"):
        return moment.caption_with(answer)
    return replace(caption, text=answer or f"{doing}.", reason=caption.reason)


def _answer(lines: Sequence[CodeLine], columns: Sequence[str]) -> str:
    """Return which line has the most of the most frequent cost other than accesses; "" if two lines tie."""
    totals = {name: sum(one.counts.get(name, 0) for one in lines) for name in columns if name != "accesses"}
    most = max(totals, key=lambda name: totals[name], default="")
    if not most or not totals[most]:
        return ""
    counts = [one.counts.get(most, 0) for one in lines]
    top = max(counts)
    if counts.count(top) > 1:
        return ""
    return f"Line {counts.index(top) + 1} has {top:,} of {counted(totals[most], *COLUMNS[most])}."


def room_of_panes(lines: Sequence[CodeLine], columns: Sequence[str], width: float) -> float:
    """Return the width for the panes: next to the text, the width it leaves; below it, the whole width."""
    return max(PANES, width - _needed(lines, columns)) if width >= ACROSS else width


def _needed(lines: Sequence[CodeLine], columns: Sequence[str]) -> float:
    """Return the width that each line of the text needs, next to wide columns."""
    longest = max((len(one.text) for one in lines), default=0)
    return _NUMBER + _LETTER * (longest + 1) + len(columns) * _COLUMN + 2 * MARGIN + 4


def _heads(columns: Sequence[str], column: float, box: Box) -> Iterator[Node]:
    """Yield the heads of the columns of numbers: their words, or a letter if a column is narrow."""
    is_narrow = column < _COLUMN
    for number, words in enumerate(columns):
        x = box.x + box.w - (len(columns) - number) * column
        text = tuple(Text(column / 2, LINE - 4 + LINE * row, word, "label dim", "middle")
                     for row, word in enumerate([words[0]] if is_narrow else words.split()))  # fmt: skip
        place = Box(x, box.y, column, LINE if is_narrow else 2 * LINE)
        yield kit.runs(f"program/head/{number}", place, text, title=words)


def _rows(lines: Sequence[CodeLine], columns: Sequence[str], at: int | None, column: float, box: Box) -> Iterator[Node]:
    """Yield the lines, each as high as its words in this width, with its numbers."""
    w, y = box.w, box.y
    for number, one in enumerate(lines, 1):
        words = one.text.lstrip()
        x = _NUMBER + _LETTER * (len(one.text) - len(words))
        room = w - x - len(columns) * column - 4
        code = _broken(words, room)
        high = _ROW + (len(code) - 1) * LINE
        runs = [Text(_NUMBER - 8, 14, str(number), "mono dim", "end")]
        runs += [
            fitted(x + 2 * _LETTER * (row > 0), 14 + row * LINE, part, room, "mono") for row, part in enumerate(code)
        ]
        for place, name in enumerate(columns if one.counts else ()):
            count, middle = one.counts[name], w - (len(columns) - place - 0.5) * column
            runs.append(Text(middle, 14, f"{count:,}" if count else "·", "label" if count else "label dim", "middle"))
        is_at = number == at
        yield Node(
            f"program/{number}", "line", box.x, y, w, high, shape="box" if is_at else "none",
            text=tuple(run for run in runs if run.text), state=("shown",) if is_at else (),
            title=_title(number, one, is_at), lane="program",
        )  # fmt: skip
        y += high


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
        text, width=width, height=max(text.height, panes.height) if is_across else dy + panes.height, nodes=nodes,
        links=links, marks=marks, lanes=(*text.lanes, *panes.lanes), steps=panes.steps, about=about,
        notes=(*text.notes, *panes.notes),
        table=replace(text.table, more=((panes.title, replace(panes.table, more=())), *panes.table.more)),
    )  # fmt: skip
