"""What threads of labs do that need several locks at once."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from vmwidgets.engine.machine import Machine


def copier(machine: Machine, *locks: str) -> Generator[Any, Any, None]:
    """A thread that copies between the maps with these names, and locks them in this order.

    After each lock but the last it reads from disk for 5 ticks; with all of them it copies for one tick, and then gives
    them back.  For :meth:`Machine.spawn`.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64", layout="tiny")
    >>> _ = m.spawn(vm.lab.copier, m, "exec_map", "pipe_map", name="exec")
    >>> m.run(), m.threads["exec"].state, m.threads.ticks
    (5, 'returned', 6)
    """
    maps: list[Any] = [machine.kmem.maps[name] for name in locks]
    for one in maps[:-1]:
        yield from one.lock()
        yield from _asleep(machine, "disk", 5)
    yield from maps[-1].lock()
    yield from _asleep(machine, "copy", 1)
    for one in reversed(maps):
        one.unlock()


def _asleep(machine: Any, channel: str, ticks: int) -> Generator[Any, Any, None]:
    yield from machine.tsleep(channel, ticks=ticks)
