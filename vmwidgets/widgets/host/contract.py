"""The interface of a machine that pictures need."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from vmwidgets.engine.base.journal import Journal


class Door(Protocol):
    """The gate for a machine's operations, one at a time."""

    def looking(self, wait: bool = True) -> AbstractContextManager[bool]:
        """Keep operations out during a reading; without `wait`, returns false if an operation is running."""


class Guarded(Protocol):
    """Anything with a door."""

    @property
    def door(self) -> Door:
        """The machine's door."""


class Machine(Guarded, Protocol):
    """The part of a machine that pictures refer to, weakly."""

    @property
    def name(self) -> str:
        """The pictures' name for the machine: "machine 1"."""

    @property
    def journal(self) -> Journal:
        """The journal of its operations."""

    def on_operation(self, callback: Callable[[Any], None]) -> None:
        """Call `callback` with the machine after each operation; methods are held weakly."""


def looking(machine: Guarded | None) -> AbstractContextManager[bool]:
    """Look at a machine without waiting: false while another thread's operation is running."""
    return nullcontext(True) if machine is None else machine.door.looking(wait=False)
