"""The findings in a pasted text, as sentences: traps, panics, runs of equal permissions, and missing parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Column, Part, Row
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import Caption, Scene, Table
from vmwidgets.views.scene.text import visible

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
    parts = [_finding(view, number, one) for number, one in enumerate(found[:MOST_PARTS])]
    left = len(found) - len(parts)
    said = [(one.title, words) for one in found for words in (*one.words, *("  ".join(row) for row in one.rows))]
    return boxes.picture(
        view, title, summary,
        boxes.below(
            boxes.switches(view, switches), *parts,
            boxes.more(f"{view}/more", left), gap=8,
        ),
        caption=Caption(caption), table=Table(("what", "says"), tuple(said)), width=width,
    )  # fmt: skip


def _finding(view: str, number: int, one: Found) -> Part:
    """Return a headline, the sentences about it, and its list."""
    lines = [
        boxes.words(f"{view}/{number}/{line}", visible(said), "label")
        for line, said in enumerate(one.words[:MOST_ROWS])
    ]
    most = max(map(len, one.rows), default=0)
    columns = [Column(name, "mono") for name in (*one.names, *("",) * (most - len(one.names)))]
    some = [
        Row(f"{view}/{number}/row/{line}", [*map(visible, row)], "  ".join(row), one.styles[line] if one.styles else "")
        for line, row in enumerate(one.rows[:MOST_ROWS])
    ]
    left = max(0, len(one.rows) - MOST_ROWS) + max(0, len(one.words) - MOST_ROWS)
    return boxes.below(
        boxes.heading(f"section/{view}/{number}", visible(one.title)),
        boxes.below(*lines, gap=3),
        boxes.rows(f"{view}/{number}/row", columns, some),
        boxes.more(f"{view}/{number}/more", left),
    )


def in_words(rights: str) -> str:
    """Return the rights of a range, with a word for the letter that says whether user code has them.

    >>> in_words("r-xu"), in_words("rw--"), in_words("r-??"), in_words("not mapped")
    ('r-x user', 'rw-', 'r-? user?', 'not mapped')
    """
    return rights if len(rights) != 4 else rights[:3] + {"u": " user", "?": " user?"}.get(rights[3], "")
