"""What was found in a pasted text, in sentences: traps, panics, equal runs, and what the text leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Caption, Scene, Table
from vmwidgets.views.scene.text import visible

MOST_ROWS, MOST_PARTS = 40, 24
"""Rows of a list that are drawn, and headlines; the table has all."""


class Found(NamedTuple):
    """One thing that was found: a headline, sentences about it, and rows of it."""

    title: str
    words: Sequence[str] = ()
    rows: Sequence[tuple[str, ...]] = ()


def draw_pasted(
    found: Sequence[Found], summary: str, caption: str, *, view: str = "pasted", title: str = "pasted text",
    switches: Sequence[Sequence[kit.Switch]] = (), width: float = WIDTH,
) -> Scene:  # fmt: skip  # what is drawn, then where
    """The scene of all that was found, each under its headline; `switches` above them."""
    nodes, y = kit.draw_switches(switches, view, 4, width)
    y, room = y + 8 * bool(nodes), width - 2 * MARGIN
    for number, one in enumerate(found[:MOST_PARTS]):
        nodes.append(kit.heading(f"section/{view}/{number}", visible(one.title), "", y, width=width))
        y += nodes[-1].h
        lines = [*one.words[:MOST_ROWS], *("   ".join(row) for row in one.rows[:MOST_ROWS])]
        left = max(0, len(one.rows) - MOST_ROWS) + max(0, len(one.words) - MOST_ROWS)
        if left:
            lines.append(f"… {left:,} more, in the table")
        for line, words in enumerate(lines):
            style = "label" if line < len(one.words) else "mono"
            nodes.append(kit.paragraph(f"{view}/{number}/{line}", visible(words), MARGIN, y, room, style=style))
            y += nodes[-1].h + 3
        y += 6
    if len(found) > MOST_PARTS:
        words = f"… {len(found) - MOST_PARTS:,} more, in the table"
        nodes.append(kit.paragraph(f"{view}/more", words, MARGIN, y, room))
    rows = [(one.title, words) for one in found for words in (*one.words, *("  ".join(row) for row in one.rows))]
    return kit.scene(
        view, title, summary, nodes, caption=Caption(caption), table=Table(("what", "says"), tuple(rows)),
        width=width,
    )  # fmt: skip
