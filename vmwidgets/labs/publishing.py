"""Outputs that a cell gets whatever it does with a value: prints it, assigns it, makes it in a loop, or goes on.

In a Jupyter kernel, a call's data are put into the running cell when the cell ends, even after an error.  So
clear_output, %%capture and Output widgets can't remove them.  If they are also the cell's value, they are not shown
twice. Without a kernel, nothing is published, and values are shown as usual.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from vmwidgets.widgets.host.cells import Cell, current_cell, current_shell
from vmwidgets.widgets.host.display import captured, publish, watch_cells

from .session import Kept


def running_cell() -> Cell | None:
    """Return the running cell; None without a kernel, which could keep no output."""
    shell = current_shell()
    return current_cell(shell) if shell is not None and hasattr(shell, "kernel") else None


class Bundled(Protocol):
    """An output that may occur many times in a cell."""

    def bundle(self) -> dict[str, Any]:
        """Return all forms of the output."""


Rank = tuple[int, int]
"""What an output is worth; larger is better."""


@dataclass
class _Card:
    """The best output of the running cell under one name, its rank, and the latest."""

    best: Bundled
    rank: Rank
    latest: Bundled


class Cards:
    """The outputs of a running cell: for each name, the best is kept, and the latest if it is worse.

    A loop may check a thousand times, so a cell has at most two outputs for each exercise.
    """

    def __init__(self) -> None:
        self._cell: Cell | None = None
        self._cards: dict[str, _Card] = {}

    def publish(self, name: str, one: Bundled, rank: Rank = (0, 0)) -> None:
        """Put the output into the running cell at its end, if it is the cell's latest one or as good as its best."""
        cell = running_cell()
        if cell is None:
            return
        if cell != self._cell:
            watch_cells(_nothing, self._end)
            self._cell = cell
            self._cards.clear()
        card = self._cards.setdefault(name, _Card(one, rank, one))
        card.latest = one
        if rank >= card.rank:
            card.best, card.rank = one, rank

    def show(self, name: str, one: Bundled) -> None:
        """Act as ``_ipython_display_``: do nothing if the running cell will have the output; otherwise, show it."""
        card = self._cards.get(name)
        if card is None or running_cell() != self._cell or card.latest is not one:
            raise NotImplementedError  # IPython then asks for the bundle

    def _end(self, *_result: object) -> None:
        """Handle the end of the cell."""
        if captured():  # this is a cell inside the capturing one
            return
        cards, self._cards, self._cell = self._cards, {}, None
        with ExitStack() as all_of_them:  # one that fails stops no other
            for card in reversed(cards.values()):
                if card.latest is not card.best:
                    all_of_them.callback(_publish, card.latest)
                all_of_them.callback(_publish, card.best)


def _publish(one: Bundled) -> None:
    """Publish an output; an interrupt stops the drawing of its picture, and the record of the work is published."""
    try:
        bundle = one.bundle()
    except KeyboardInterrupt:
        bundle = one.bundle()
    publish(bundle)


def _nothing(*_info: object) -> None:
    """Do nothing at the beginning of a cell."""


cards = Kept(Cards)
"""The outputs of this kernel's running cell."""
