"""The findings in a pasted text, as sentences: traps, panics, runs of equal permissions, and missing parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible

ROW = 20.0
"""Pixels from one row of a list to the next."""

MOST_ROWS, MOST_PARTS = 40, 24
"""The most rows of a list, and the most findings; the table has all."""


class Found(NamedTuple):
    """One finding: a headline, sentences about it, and a list.

    `names` are the headings of the list's columns, and `styles` the colours of its rows.
    """

    title: str
    words: Sequence[str] = ()
    rows: Sequence[tuple[str, ...]] = ()
    names: tuple[str, ...] = ()
    styles: Sequence[str] = ()


def draw_pasted(
    found: Sequence[Found], summary: str, caption: str, *, view: str = "pasted", title: str = "pasted text",
    switches: Sequence[Sequence[kit.Switch]] = (), width: float = WIDTH,
) -> Scene:  # fmt: skip  # what is drawn, then where
    """Return the scene of all findings, each below its headline; `switches` are above them."""
    nodes, y = kit.draw_switches(switches, view, 4, width)
    y, room = y + 8 * bool(nodes), width - 2 * MARGIN
    for number, one in enumerate(found[:MOST_PARTS]):
        nodes.append(kit.heading(f"section/{view}/{number}", visible(one.title), "", y, width=width))
        y += nodes[-1].h
        for line, words in enumerate(one.words[:MOST_ROWS]):
            nodes.append(kit.paragraph(f"{view}/{number}/{line}", visible(words), MARGIN, y, room, style="label"))
            y += nodes[-1].h + 3
        nodes += _list(f"{view}/{number}/row", one, y, width)
        y += len(one.rows[:MOST_ROWS]) * ROW + ROW * bool(one.names and one.rows)
        left = max(0, len(one.rows) - MOST_ROWS) + max(0, len(one.words) - MOST_ROWS)
        if left:
            nodes.append(kit.paragraph(f"{view}/{number}/more", f"… {left:,} more, in the table", MARGIN, y, room))
            y += nodes[-1].h
        y += 8
    if len(found) > MOST_PARTS:
        words = f"… {len(found) - MOST_PARTS:,} more, in the table"
        nodes.append(kit.paragraph(f"{view}/more", words, MARGIN, y, room))
    rows = [(one.title, words) for one in found for words in (*one.words, *("  ".join(row) for row in one.rows))]
    return kit.scene(
        view, title, summary, nodes, caption=Caption(caption), table=Table(("what", "says"), tuple(rows)),
        width=width,
    )  # fmt: skip


def _list(identity: str, one: Found, y: float, width: float) -> list[Node]:
    """Return rows in columns, each as wide as its longest words, with a bar in the row's colour on the left."""
    rows = [tuple(map(visible, row)) for row in one.rows[:MOST_ROWS]]
    lefts, x = [], 12.0 if one.styles else 0.0
    for column in range(max((len(row) for row in rows), default=0)):
        lefts.append(x)
        name = text_width(one.names[column]) if column < len(one.names) else 0.0
        x += 24 + max(name, *(text_width(row[column], "mono") for row in rows if column < len(row)))
    nodes = []
    if one.names and rows:
        filled = [any(row[column : column + 1] not in ((), ("",)) for row in rows) for column in range(len(lefts))]
        named = zip(lefts, one.names, filled, strict=False)
        head = [Text(x, 14, name, "label dim") for x, name, is_filled in named if is_filled]
        nodes.append(kit.runs(f"{identity}/names", Box(MARGIN, y, width - 2 * MARGIN, ROW), head))
        y += ROW
    room = width - 2 * MARGIN
    for number, row in enumerate(rows):
        text = [fitted(x, 14, words, room - x, "mono") for x, words in zip(lefts, row, strict=False) if x < room]
        bars = [Bar(0, 3, 4, 14, one.styles[number])] if one.styles and one.styles[number] else []
        box = Box(MARGIN, y + number * ROW, room, ROW)
        nodes.append(kit.runs(f"{identity}/{number}", box, [run for run in text if run.text], bars=bars,
                              title="  ".join(row)))  # fmt: skip  # what it says, whole
    return nodes
