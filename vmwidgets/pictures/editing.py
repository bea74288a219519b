"""Descriptors edited in a picture: requests that go through the machine's door like a cell's calls."""

from __future__ import annotations

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.machine import Machine


def flip_bit(machine: object, pa: int, word: int, bit: int) -> None:
    """Write the descriptor at `pa`, which holds `word`, with one bit the other way round."""
    _of(machine).set_descriptor(pa, word ^ 1 << bit)


def undo_edit(machine: object) -> None:
    """Take the latest edit back."""
    _of(machine).undo_descriptor()


def _of(machine: object) -> Machine:
    if not isinstance(machine, Machine):
        raise Refused("these tables have no machine: they can be looked at, and not be edited")
    return machine
