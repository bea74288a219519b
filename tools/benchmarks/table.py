"""Tables for a terminal: columns as wide as they need, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> str:
    """The table as text, with a note below.

    >>> print(table("Speed", ["what", "per second"], [["a map", "1,000"]]))
    Speed
      what   per second
      a map       1,000
    """
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [title]
    for row in [header, *rows]:
        cells = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join([*lines, *([f"  {note}"] if note else [])])


def rate(value: float) -> str:
    """So many a second."""
    return f"{value:,.0f}"


def ratio(value: float) -> str:
    """Return how many times as much."""
    return f"{value:.2f}×" if value < 10 else f"{value:,.0f}×"


def verdict(holds: bool) -> str:
    """Return whether an aim is reached."""
    return "reached" if holds else "MISSED"
