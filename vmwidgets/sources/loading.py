"""The common parts of loading maps and traces into a machine: names, and room for entries."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from ..engine.base.errors import Refused
from ..engine.base.units import PAGE_SHIFT, Size, counted
from ..engine.machine import Machine, boot
from ..engine.machine.arguments import MAX_NAME, part_name

MORE_ROOM = "boot one with more memory, or with a layout whose kernel map is larger"
"""The advice for a machine without room."""


def machine_with(end: int, ram: str) -> Machine:
    """Return a new machine whose tasks may have all addresses below `end`."""
    name = "x86-64" if end <= 1 << 47 else "aarch64" if end <= 1 << 48 else "x86-64-la57"
    return boot(name, ram=ram, layout="x15-64" if name == "x86-64" else "small")


def free_name(machine: Machine, base: str) -> str:
    """Return the first free name for a task, such as "maps", "maps 2", "maps 3"."""
    number = 1
    while (name := f"{base} {number}" if number > 1 else base) in machine.tasks:
        number += 1
    return name


def task_name(machine: Machine, given: Any) -> str:
    """Return the name of a task that is new or has no entries yet."""
    name = part_name(given, "task name")
    if name in machine.tasks and len(machine.tasks[name].map):
        raise Refused(f"task={name!r} has {counted(len(machine.tasks[name].map), 'entry')} already: name a new one")
    return name


class ObjectNames:
    """The names of files' memory objects: paths, followed by a number if the name is taken.

    >>> names, taken = ObjectNames(), {"/lib/x"}
    >>> [names.new("/lib/x", lambda name: name not in taken) for _ in range(2)]
    ['/lib/x (2)', '/lib/x (3)']
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        """The next number to try, by the name without a number."""

    def new(self, base: str, is_free: Callable[[str], bool], second: str = "") -> str:
        """Return the first free name; `second` is the suffix of the second name, instead of a number."""
        base = base if len(base) <= MAX_NAME else "…" + base[1 - MAX_NAME :]
        for number in count(self._numbers.get(base, 1)):
            suffix = "" if number == 1 else second[:60] if second and number == 2 else f" ({number})"
            name = base[: MAX_NAME - len(suffix)] + suffix
            if is_free(name):
                break
        self._numbers[base] = number + 1
        return name


def lacking_room(machine: Machine, entries: int) -> Size | None:
    """Return the kernel memory that this many more entries need, if the machine does not have it.

    Entries come from slabs in the kernel map, and running out of room there is a panic: loading stops before that.
    """
    cache, kernel_map = machine.system.kernel.entry_cache, machine.kernel_map
    slabs = -(-entries // cache.layout.buffers)
    needed = Size(slabs * cache.layout.slab_size)
    pages = needed >> PAGE_SHIFT
    tables = 8 + (pages >> 9)
    free_pages = kernel_map.end - kernel_map.start - kernel_map.size >> PAGE_SHIFT
    free_entries = machine.kentry.room - machine.kentry.cache.allocated
    is_there = pages <= free_pages and pages + tables <= machine.pages.obtainable_pages
    return None if is_there and min(slabs, len(kernel_map) + 1) <= free_entries else needed
