"""Outputs that a cell has however its value is used: printed, assigned, followed by other lines, or made in a loop.

In a kernel a call puts its data into the running cell when that ends, also after an error: so neither clear_output,
nor %%capture, nor an Output widget that collects what is displayed takes it away.  As the value of the same cell it is
not shown again.  Without a kernel nothing is published, and values are shown as all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from vmwidgets.widgets.host.cells import Cell, current_cell, current_shell
from vmwidgets.widgets.host.display import captured, publish, watch_cells

from .session import Kept


def running_cell() -> Cell | None:
    """Return the cell that is running; None where there is no kernel, so that nothing could keep an output."""
    shell = current_shell()
    return current_cell(shell) if shell is not None and hasattr(shell, "kernel") else None


class Once:
    """A thing that a call puts on the page, once for each run of a cell."""

    def __init__(self) -> None:
        self._cell: Cell | None = None
        self._bundle: dict[str, Any] = {}

    def publish(self, bundle: dict[str, Any]) -> None:
        """Put it into the running cell when that ends, unless it is there."""
        cell = running_cell()
        if cell is not None and cell != self._cell:
            self._bundle = bundle
            watch_cells(_nothing, self._end)
        self._cell = cell

    def show(self) -> None:
        """Do what ``_ipython_display_`` does: nothing in the cell that has it; else it is shown as any value."""
        if self._cell is None or running_cell() != self._cell:
            raise NotImplementedError  # which asks IPython for the bundle

    def _end(self, *_result: object) -> None:
        """At the end of the cell."""
        if self._bundle and not captured():  # else this is a cell inside the one that captures
            bundle, self._bundle = self._bundle, {}
            publish(bundle)


class Ranked(Protocol):
    """What a cell may have many of: the one of the highest rank counts, and of these the latest."""

    @property
    def id(self) -> str:
        """Return what it is about."""

    @property
    def rank(self) -> tuple[int, int]:
        """Larger is better."""

    def bundle(self) -> dict[str, Any]:
        """Return all forms of its output."""


@dataclass
class _Card:
    """Of what is ranked under one id in the running cell: the `best`, and the `latest`."""

    best: Ranked
    latest: Ranked


class Cards:
    """What a cell may make many of: under each id the best is kept, and the latest if that is not as good.

    A loop may check a thousand times, so a cell has two outputs for an exercise at most.
    """

    def __init__(self) -> None:
        self._cell: Cell | None = None
        self._cards: dict[str, _Card] = {}

    def publish(self, one: Ranked) -> None:
        """Put it into the running cell when that ends, if it is as good as what the cell has, or the latest."""
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
        """Do what ``_ipython_display_`` does: nothing for what the running cell will have; else show it as a value."""
        card = self._cards.get(one.id)
        if card is None or running_cell() != self._cell or card.latest is not one:
            raise NotImplementedError

    def _end(self, *_result: object) -> None:
        """At the end of the cell."""
        if captured():  # this is a cell inside the one that captures
            return
        cards, self._cards, self._cell = self._cards, {}, None
        for card in cards.values():
            publish(card.best.bundle())
            if card.latest is not card.best:
                publish(card.latest.bundle())


def _nothing(*_info: object) -> None:
    """Begins no cell."""


cards = Kept(Cards)
"""The results of this kernel."""
