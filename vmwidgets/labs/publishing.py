"""Outputs that a cell gets whatever it does with a value: prints it, assigns it, makes it in a loop, or goes on.

In a Jupyter kernel, a call's data are put into the running cell when the cell ends, even after an error.  So
clear_output, %%capture and Output widgets can't remove them.  If they are also the cell's value, they are not shown
twice. Without a kernel, nothing is published, and values are shown as usual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from vmwidgets.widgets.host.cells import Cell, current_cell, current_shell
from vmwidgets.widgets.host.display import captured, publish, watch_cells

from .session import Kept


def running_cell() -> Cell | None:
    """Return the running cell; None without a kernel, which could keep no output."""
    shell = current_shell()
    return current_cell(shell) if shell is not None and hasattr(shell, "kernel") else None


class Once:
    """Something that a call puts on the page once for each run of a cell."""

    def __init__(self) -> None:
        self._cell: Cell | None = None
        self._bundle: dict[str, Any] = {}

    def publish(self, bundle: dict[str, Any]) -> None:
        """Put the output into the running cell when the cell ends, unless it is there already."""
        cell = running_cell()
        if cell is not None and cell != self._cell:
            self._bundle = bundle
            watch_cells(_nothing, self._end)
        self._cell = cell

    def show(self) -> None:
        """Act as ``_ipython_display_``: do nothing in the cell that has the output; elsewhere, show it as a value."""
        if self._cell is None or running_cell() != self._cell:
            raise NotImplementedError  # IPython then asks for the bundle

    def _end(self, *_result: object) -> None:
        """Handle the end of the cell."""
        if self._bundle and not captured():  # otherwise this is a cell inside the capturing one
            bundle, self._bundle = self._bundle, {}
            publish(bundle)


class Ranked(Protocol):
    """An output that may occur many times in a cell: the highest rank counts, or the latest of equal rank."""

    @property
    def id(self) -> str:
        """The subject's ID; the best output for each subject is kept."""

    @property
    def rank(self) -> tuple[int, int]:
        """The rank; larger is better."""

    def bundle(self) -> dict[str, Any]:
        """Return all forms of the output."""


@dataclass
class _Card:
    """The `best` and the `latest` under one ID in the running cell."""

    best: Ranked
    latest: Ranked


class Cards:
    """The results of a running cell: for each ID, the best is kept, and the latest if it is worse.

    A loop may check a thousand times, so a cell has at most two outputs for each exercise.
    """

    def __init__(self) -> None:
        self._cell: Cell | None = None
        self._cards: dict[str, _Card] = {}

    def publish(self, one: Ranked) -> None:
        """Put the result into the running cell at its end, if it is the cell's latest result or as good as its best."""
        cell = running_cell()
        if cell is None:
            return
        if cell != self._cell:
            watch_cells(_nothing, self._end)
            self._cell = cell
            self._cards.clear()
        card = self._cards.setdefault(one.id, _Card(one, one))
        card.latest = one
        if one.rank >= card.best.rank:
            card.best = one

    def show(self, one: Ranked) -> None:
        """Act as ``_ipython_display_``: do nothing if the running cell will have the result; otherwise, show it."""
        card = self._cards.get(one.id)
        if card is None or running_cell() != self._cell or card.latest is not one:
            raise NotImplementedError

    def _end(self, *_result: object) -> None:
        """Handle the end of the cell."""
        if captured():  # this is a cell inside the capturing one
            return
        cards, self._cards, self._cell = self._cards, {}, None
        for card in cards.values():
            publish(card.best.bundle())
            if card.latest is not card.best:
                publish(card.latest.bundle())


def _nothing(*_info: object) -> None:
    """Do nothing at the beginning of a cell."""


cards = Kept(Cards)
"""The results of this kernel."""
