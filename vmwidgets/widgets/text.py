"""A picture in words."""

from __future__ import annotations

from vmwidgets.views.scene import Scene, Table

ROWS = 40
"""Rows of a table in a text twin; the others are counted."""


def heading(scene: Scene) -> str:
    """Title and subtitle in one line."""
    return " · ".join(part for part in (scene.title, scene.subtitle) if part)


def told(scene: Scene) -> str:
    """The caption in one line."""
    caption = scene.caption
    functions = f"({' → '.join(caption.functions)})" if caption.functions else ""
    return " ".join(part for part in (caption.text, caption.reason, functions) if part)


def alternative_text(scene: Scene) -> str:
    """What a screen reader says in place of the picture."""
    return ". ".join(part.rstrip(".") for part in (heading(scene), told(scene), *scene.notes) if part) + "."


def text_twin(scene: Scene) -> str:
    """Heading, caption, notes and table, for terminals and for readers without pictures."""
    parts = [heading(scene), told(scene), *scene.notes, "\n".join(_lines(scene.table))]
    return "\n".join(visible(part) for part in parts if part)


def visible(text: str) -> str:
    """The text with control characters shown as what they are; newlines stay.

    >>> visible("a" + chr(27) + "[2J")
    'a␛[2J'
    """
    return "".join(chr(0x2400 + ord(c)) if ord(c) < 32 and c != "\n" else "␡" if c == "\x7f" else c for c in text)


def _lines(table: Table) -> list[str]:
    if not table.header:
        return []
    rows = [table.header, *table.rows[:ROWS]]
    widths = [max(len(_cell(row, column)) for row in rows) for column in range(len(table.header))]
    lines = ["  ".join(_cell(row, column).ljust(width) for column, width in enumerate(widths)).rstrip() for row in rows]
    more = len(table.rows) - ROWS
    return [*lines, f"… and {more} more"] if more > 0 else lines


def _cell(row: tuple[str, ...], column: int) -> str:
    return row[column].replace("\n", "␊") if column < len(row) else ""
