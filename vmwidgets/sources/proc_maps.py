"""Real input: the map of a process, as Linux writes it in /proc/PID/maps, loaded into a task of a machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from ..engine.base.errors import Refused, a_kind, in_ascii, printable, shown
from ..engine.base.units import Size, binary_size
from ..engine.machine import Machine
from ..engine.machine.arguments import reads_as_size
from ..engine.machine.handles.objects import MemoryObject
from ..engine.machine.handles.tasks import Task
from ..engine.machine.kept.copies import no_collection
from . import given_text
from .loading import MORE_ROOM, ObjectNames, lacking_room, task_name
from .maps_text import MOST_BYTES, MapsRange, looks_like_maps, parse_maps

SELF = "/proc/self/maps"
RECORDED = "a recorded map of a Python process"
LISTED = 8
"""How many ranges or groups of ranges the result's text lists."""


@frozen(repr=False)
class LoadedMaps:
    """What became of the ranges of a process.

    `task` holds them in `task.map`; `entered` says how many were entered.  `merged` lists groups of neighbours that the
    model made one entry of; `outside` those that its user map has no addresses for.  `source` names where they came
    from; `recorded` is true when this system has no /proc and the recorded map was taken.
    """

    task: Task
    source: str
    recorded: bool
    entered: int
    merged: tuple[tuple[MapsRange, ...], ...]
    outside: tuple[MapsRange, ...]
    mapped: Size
    """Bytes of all ranges."""
    resident: Size | None
    """Bytes of them that are in memory, which only smaps says."""

    @in_ascii
    def __repr__(self) -> str:
        ranges, entries = _counted(self.entered, "range", "s"), _counted(len(self.task.map), "entr", "ies", "y")
        lines = [f"{ranges} of {self.source} in task {self.task.name!r}, as {entries}"]
        if self.recorded:
            lines.insert(0, f"There is no {SELF} on this system: this is {RECORDED}.")
        if self.resident is not None:
            lines.append(f"Of {self.mapped} mapped, {self.resident} is in memory (Rss).")
        if self.merged:
            lines.append("Merged by the map, since they have no objects and their flags are equal:")
            lines += _listed([" + ".join(map(repr, group[:4])) + " …" * (len(group) > 4) for group in self.merged])
        if self.outside:
            lines.append(f"Left out, since {printable(self.task.map.path)} has no such addresses:")
            lines += _listed([repr(one) for one in self.outside])
        return "\n".join(lines)


def load_maps(machine: Machine, path_or_text: str | os.PathLike[str] = SELF, *, task: str | None = None) -> LoadedMaps:
    r"""Read the map of a process into a new task of `machine`; each range is entered at its address in the process.

    `path_or_text` is the name of a file in the format of /proc/PID/maps, or its text.  On a computer without /proc, a
    recorded map replaces this process's map, and the result says so.  `task` names the task ("maps" by default, or the
    first free name of "maps 2", "maps 3", …); it must not have entries yet.

    A range with a file maps a memory object with the file's path as its name, at the file's offset.  A range with a
    name of the kernel's, such as ``[heap]``, maps its own object.  MAP_SHARED is inherit "share", and MAP_PRIVATE is
    "copy".  Ranges without a name have no object: neighbours with equal flags merge, although Linux had reasons to keep
    them apart.

    The call is one group: one ``m.undo()`` undoes it, and a failure half-way changes nothing.  Damaged text, ranges
    that overlap, and more ranges than the machine has memory for are refused beforehand.  O(n log n).

    >>> import vmwidgets as vm
    >>> vm.load_maps(vm.boot(), "10000-11000 rw-p 0 00:00 0\n11000-13000 rw-p 0 00:00 0\n")
    2 ranges of the text in task 'maps', as 1 entry
    Merged by the map, since they have no objects and their flags are equal:
      0x1_0000-0x1_1000 rw-p 4 KiB + 0x1_1000-0x1_3000 rw-p 8 KiB
    """
    if not isinstance(machine, Machine):
        raise Refused(f"machine={shown(machine)} is {a_kind(machine)}: boot one with vm.boot()")
    text, source, recorded = text_of(path_or_text)
    ranges = parse_maps(text, source)
    name = _task_name(machine, task)
    layout = machine.layout
    inside = [one for one in ranges if layout.user_start <= one.start and one.end <= layout.user_end]
    _refuse_without_room(machine, len(inside))
    # Entries and records stay, so that looking for garbage among them would take most of the time of a long load.
    with machine.group("load_maps"), no_collection():
        made = machine.task(name)
        _enter(machine, made, inside)
    outside = tuple(one for one in ranges if not (layout.user_start <= one.start and one.end <= layout.user_end))
    known = [one.resident for one in ranges if one.resident is not None]
    resident = Size(sum(known)) if known else None
    mapped = Size(sum(one.size for one in ranges))
    return LoadedMaps(made, source, recorded, len(inside), _merged(made, inside), outside, mapped, resident)


# ---- where the text comes from ---------------------------------------------------------------


def text_of(given: Any) -> tuple[str, str, bool]:
    """The text, what to call it, and whether it is the recorded one."""
    if isinstance(given, str) and ("\n" in given or looks_like_maps(given)):
        return given_text.checked(given, MOST_BYTES), "the text", False
    name = given_text.path_of(given, "a maps file")
    if name.startswith("/proc/") and not Path(SELF).exists():
        recorded = resources.files("vmwidgets.sources") / "data" / "recorded_maps.txt"
        return recorded.read_text("utf-8"), RECORDED, True
    return given_text.read(name, "a maps file", "no map of a process", MOST_BYTES), printable(name), False


# ---- entering --------------------------------------------------------------------------------


def _task_name(machine: Machine, given: str | None) -> str:
    if given is None:
        number = 1
        while (name := f"maps {number}" if number > 1 else "maps") in machine.tasks:
            number += 1
        return name
    return task_name(machine, given)


def _refuse_without_room(machine: Machine, ranges: int) -> None:
    needed = lacking_room(machine, ranges)
    if needed is not None:
        raise Refused(
            f"{ranges:,} ranges need {binary_size(needed)} of kernel memory for their entries, more than this machine "
            f"has: {MORE_ROOM}"
        )


def _enter(machine: Machine, task: Task, ranges: Sequence[MapsRange]) -> None:
    objects = _Objects(machine, task.name)
    for one in ranges:
        target, offset = objects.object_of(one)
        task.map.enter(
            one.end - one.start,
            at=one.start,
            fixed=True,
            prot=one.protection,
            inherit="share" if one.shared else "copy",
            object=target,
            offset=offset,
        )


class _Objects:
    """Which object is behind a range, and where in it the range begins.

    Files are what the machine's tasks share; what the kernel only gives a name, such as ``[heap]``, is the task's own.
    """

    def __init__(self, machine: Machine, task: str) -> None:
        self._machine = machine
        self._task = task
        self._taken = dict.fromkeys(machine.objects, ("before", ""))
        self._known: dict[tuple[str, str], tuple[MemoryObject, int]] = {}
        self._names = ObjectNames()

    def object_of(self, one: MapsRange) -> tuple[MemoryObject | None, int]:
        """The object and the offset in it (bytes); none for memory without a name."""
        if not one.path:
            return None, 0
        own = one.path.startswith("[")
        key = (one.path, "" if own else f"{one.device} {one.inode}")
        if key not in self._known:
            self._known[key] = (self._machine.object(self._new_name(one.path, key, own)), one.start)
        target, first = self._known[key]
        return target, one.start - first if own else one.offset

    def _new_name(self, path: str, key: tuple[str, str], own: bool) -> str:
        base = f"file {path}" if reads_as_size(path) else path
        free = (None,) if own else (None, ("before", ""))
        second = f" of {self._task}" if own else ""
        name = self._names.new(base, lambda name: self._taken.get(name) in free, second)
        self._taken[name] = key
        return name


def _merged(task: Task, ranges: Sequence[MapsRange]) -> tuple[tuple[MapsRange, ...], ...]:
    """The groups of ranges that became one entry."""
    groups: list[tuple[MapsRange, ...]] = []
    position = 0
    for entry in task.map:
        first = position
        while position < len(ranges) and ranges[position].end <= entry.end:
            position += 1
        if position - first > 1:
            groups.append(tuple(ranges[first:position]))
    return tuple(groups)


def _counted(number: int, word: str, many: str, one: str = "") -> str:
    return f"{number:,} {word}{one if number == 1 else many}"


def _listed(lines: Sequence[str]) -> list[str]:
    more = [f"  … and {len(lines) - LISTED:,} more"] if len(lines) > LISTED else []
    return [f"  {line}" for line in lines[:LISTED]] + more
