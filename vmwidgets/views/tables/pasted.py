"""The findings in a pasted text, as sentences: traps, panics, runs of equal permissions, and missing parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.boxes import Column, Part, Row
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import Caption, Scene, Table
from vmwidgets.views.scene.text import visible

MOST_ROWS, MOST_PARTS = 40, 24
"""The most rows of a list, and the most findings; the table has all."""


class Found(NamedTuple):
    """One finding: a headline, sentences about it, and a list.

    `names` are the headings of the list's columns, and `styles` the colours of its rows.  With `folds`, it is a line
    until a reader opens it.
    """

    title: str
    words: Sequence[str] = ()
    rows: Sequence[tuple[str, ...]] = ()
    names: tuple[str, ...] = ()
    styles: Sequence[str] = ()
    folds: bool = False


def draw_answer(found: Sequence[Found], summary: str, caption: Caption, *, width: float = WIDTH) -> Scene:
    """Return the answer alone, with the table of all findings."""
    said = [(one.title, words) for one in found for words in (*one.words, *("  ".join(row) for row in one.rows))]
    return boxes.picture(
        "pasted",
        "pasted text",
        summary,
        boxes.below(),
        caption=caption,
        width=width,
        table=Table(("what", "says"), tuple(said)),
    )


def draw_findings(found: Sequence[Found], *, width: float = WIDTH) -> Scene:
    """Return the scene of all findings, each below its headline; the first headline is the scene's title."""
    first = found[0]
    parts = [_finding(number, one) for number, one in enumerate(found[1:MOST_PARTS], 1)]
    left = len(found) - len(parts) - 1
    return boxes.picture(
        "findings",
        visible(first.title),
        "",
        boxes.below(_words(0, first), *parts, boxes.more("pasted/more", left), gap=8),
        caption=Caption(""),
        table=Table((), ()),
        width=width,
    )


def section_of(number: int) -> str:
    """Return the ID of a finding's headline."""
    return f"section/pasted/{number}" if number else "section/findings"


def _finding(number: int, one: Found) -> Part:
    return boxes.below(boxes.heading(section_of(number), visible(one.title)), _words(number, one))


def _words(number: int, one: Found) -> Part:
    """Return the sentences about a finding, and its list."""
    lines = [
        boxes.words(f"pasted/{number}/{line}", visible(said), "label")
        for line, said in enumerate(one.words[:MOST_ROWS])
    ]
    most = max(map(len, one.rows), default=0)
    columns = [Column(name, "mono") for name in (*one.names, *("",) * (most - len(one.names)))]
    some = [
        Row(f"pasted/{number}/row/{line}", [*map(visible, row)], "  ".join(row), one.styles[line] if one.styles else "")
        for line, row in enumerate(one.rows[:MOST_ROWS])
    ]
    left = max(0, len(one.rows) - MOST_ROWS) + max(0, len(one.words) - MOST_ROWS)
    return boxes.below(
        boxes.below(*lines, gap=3),
        boxes.rows(f"pasted/{number}/row", columns, some),
        boxes.more(f"pasted/{number}/more", left),
    )


def in_words(rights: str) -> str:
    """Return the rights of a range, with a word for the letter that says whether user code has them.

    >>> in_words("r-xu"), in_words("rw--"), in_words("r-??"), in_words("not mapped")
    ('r-x user', 'rw-', 'r-? user?', 'not mapped')
    """
    return rights if len(rights) != 4 else rights[:3] + {"u": " user", "?": " user?"}.get(rights[3], "")
