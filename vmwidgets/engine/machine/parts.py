"""The parts of a machine by their paths, as records name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base.errors import Refused, shown

if TYPE_CHECKING:
    from .machine import Machine

WHOLE = ("kernel_map", "kentry", "unchecked", "kmem", "threads", "pagedaemon", "frames", "caches", "cpus")
"""The parts that every machine has one of."""


def part_at(machine: Machine, path: Any) -> Any:
    """The part of `machine` at `path` ("kmem/exec_map", "task:init/map"); refused where there is none."""
    try:
        return _found(machine, path if isinstance(path, str) else "")
    except Refused:
        raise
    except (KeyError, ValueError):
        such = "write a path as records name it, such as 'kernel_map', 'task:init/map' or 'domain:hello'"
    raise Refused(f"{shown(path)} is no part of this machine: {such}")


def _found(machine: Machine, path: str) -> Any:
    if path == "machine":
        return machine
    if path in WHOLE:
        return getattr(machine, path)
    kind, _, name = path.partition(":")
    if kind == "cpu":
        return machine.cpus[int(name)]
    if kind == "object":
        return machine.objects[name]
    if kind == "domain":
        return machine.domain_part(path)
    if kind == "thread":
        return machine.threads[name]
    if path.startswith("kmem/"):
        return machine.kmem.maps[path.removeprefix("kmem/")]
    parts = {task.path: task for task in machine.tasks.values()}
    spaces = (machine.kernel_map, *(task.map for task in parts.values()))
    maps = {part.path: part for one in spaces for part in one.parts()}
    return parts[path] if path in parts else maps[path]
