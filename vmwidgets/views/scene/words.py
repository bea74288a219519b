"""A picture in words."""

from __future__ import annotations

from .model import Scene, Table
from .text import visible

ROWS = 40
"""Rows of a table in a text twin; the others are counted."""


def heading(scene: Scene) -> str:
    """Title and subtitle in one line."""
    return visible(" · ".join(part for part in (scene.title, scene.subtitle) if part))


def caption_words(scene: Scene) -> str:
    """The caption in one line."""
    caption = scene.caption
    functions = f"({' → '.join(caption.functions)})" if caption.functions else ""
    return visible(" ".join(part for part in (caption.text, caption.reason, functions) if part))


def alternative_text(scene: Scene) -> str:
    """What a screen reader says in place of the picture."""
    parts = (heading(scene), caption_words(scene), *map(visible, scene.notes))
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def text_twin(scene: Scene) -> str:
    """Heading, caption, notes and table, for terminals and for readers without pictures."""
    tables = [("", scene.table), *scene.table.more]
    lines = [line for title, table in tables for line in (visible(title), *_lines(table))]
    parts = [heading(scene), caption_words(scene), *map(visible, scene.notes), *lines]
    return "\n".join(part for part in parts if part)


def _lines(table: Table) -> list[str]:
    if not table.header:
        return []
    rows = [table.header, *table.rows[:ROWS]]
    widths = [max(len(_cell(row, column)) for row in rows) for column in range(len(table.header))]
    lines = ["  ".join(_cell(row, column).ljust(width) for column, width in enumerate(widths)).rstrip() for row in rows]
    more = len(table.rows) - ROWS
    return [*lines, f"… and {more} more"] if more > 0 else lines


def _cell(row: tuple[str, ...], column: int) -> str:
    return visible(row[column]) if column < len(row) else ""
