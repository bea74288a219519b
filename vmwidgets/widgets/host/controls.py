"""The data for a page's controls: the moment that they show, and all operations."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.journal import Journal
from vmwidgets.pictures.operations import operations_around
from vmwidgets.pictures.timeline import names, timeline
from vmwidgets.views.scene.model import AFTER

from .contract import Machine
from .packing import pack_plain


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


def told(what: str, journal: Journal, given: dict[str, int], asks: bool) -> bytes:
    """Return the operations, or their names, that a page has requested; `View.asks` explains `asks`."""
    if what == "timeline":
        return pack_plain(timeline(journal, **given, asks=asks))
    return pack_plain({**given, "names": names(journal, **given, asks=asks)})
