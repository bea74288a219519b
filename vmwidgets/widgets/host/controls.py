"""The moment that a page's controls show."""

from __future__ import annotations

from typing import Any

from vmwidgets.pictures.operations import operations_around
from vmwidgets.views.scene.model import AFTER

from .contract import Machine


def at_moment(machine: Machine | None, number: int, done: int | None, cell_over: int, asks: bool) -> dict[str, Any]:
    """Return a moment after `done` events of operation `number`; see `View.cell_over` and `View.asks`."""
    journal = None if machine is None else machine.journal
    cell = None if journal is None else journal.number_of(cell_over)
    return {
        "number": number,
        "place": AFTER if done is None else done,
        "cell": -1 if cell is None else cell,
        "operations": [] if journal is None else operations_around(journal, number, asks),
    }
