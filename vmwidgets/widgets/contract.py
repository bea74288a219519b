"""What a picture needs of a machine: no more than this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Machine(Protocol):
    """The part of a machine that pictures hold on to, weakly."""

    @property
    def name(self) -> str:
        """What pictures call the machine: "machine 1"."""

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""

    def on_operation(self, callback: Callable[[Any], None]) -> None:
        """Have `callback` called with the machine after each operation; methods are held weakly."""


@contextmanager
def looking(machine: Machine | None) -> Iterator[bool]:
    """Look at a machine from another thread: true if no operation is under way, and none begins meanwhile.

    Never waits.  Without a `door` lock on the machine, only `busy` is asked.
    """
    door = getattr(machine, "door", None)
    if machine is None or machine.busy or (door is not None and not door.acquire(blocking=False)):
        yield False
        return
    try:
        yield True
    finally:
        if door is not None:
            door.release()
