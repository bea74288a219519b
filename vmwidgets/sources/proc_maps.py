"""The map of a real process, as in Linux's /proc/PID/maps, loaded into a task of a machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, a_kind, printable, shown
from ..engine.base.progress import STEP, Progress
from ..engine.base.units import Size, binary_size
from ..engine.machine import Machine
from ..engine.machine.arguments import reads_as_size
from ..engine.machine.handles.objects import MemoryObject
from ..engine.machine.handles.tasks import Task
from ..engine.machine.kept.copies import no_collection
from ..given.loaded import UNKNOWN, LoadedMaps, MapsRange
from . import given_text
from .cleaned import Cleaned, as_it_is, cleaned, numbered
from .foreign import CALLS, SEEN, refuse_foreign
from .loading import MORE_ROOM, ObjectNames, free_name, lacking_room, task_name
from .ranges.found import ReadRanges
from .ranges.read import KINDS, kind_of, read_exactly, read_ranges

MOST_MAPS_BYTES = 64 << 20
"""The most bytes of one text."""

SELF = "/proc/self/maps"
RECORDED = "a recorded map of a Python process"


@says_what_it_takes
def load_maps(machine: Machine, path_or_text: str | os.PathLike[str] = SELF, *, task: str | None = None) -> LoadedMaps:
    r"""Read the map of a process into a new task of `machine`; each range is entered at its address in the process.

    `path_or_text` is the name of a file in the format of /proc/PID/maps, or its text.  On a computer without /proc, a
    recorded map replaces this process's map, and the result says so.  `task` names the task ("maps" by default, or the
    first free name of "maps 2", "maps 3", …); a task with this name must not have entries yet.

    A range with a file maps a memory object with the file's path as its name, at the file's offset.  A range with a
    name from the kernel, such as ``[heap]``, maps an object of its own.  MAP_SHARED is inherit "share", and MAP_PRIVATE
    is "copy".  Ranges without a name have no object: neighbours with equal flags merge, although Linux had reasons to
    keep them apart.

    The call is one group: one ``m.undo()`` undoes it, and if it fails half-way, nothing has changed.  Damaged lines,
    ranges that overlap, and more ranges than the machine has memory for are refused beforehand; other lines are
    skipped and counted.  :func:`vmwidgets.load` reads what can be read of damaged text.  O(n log n).

    >>> import vmwidgets as vm
    >>> vm.load_maps(vm.boot(), "10000-11000 rw-p 0 00:00 0\n11000-13000 rw-p 0 00:00 0\n")
    2 ranges of the text in task 'maps', as 1 entry
    Merged by the map, since they have no objects and their flags are equal:
      0x1_0000-0x1_1000 rw-p 4 KiB + 0x1_1000-0x1_3000 rw-p 8 KiB
    """
    if not isinstance(machine, Machine):
        raise Refused(f"machine={shown(machine)} is {a_kind(machine)}: boot one with vm.boot()")
    found, source = whole_ranges(path_or_text)
    return load_ranges(machine, found, source, _task_name(machine, task))


def load_ranges(
    machine: Machine,
    found: ReadRanges,
    source: str,
    name: str,
    *,
    progress: Progress | None = None,
) -> LoadedMaps:
    """Enter the ranges of a text into a new task with this name, as one group."""
    ranges = found.ranges
    layout = machine.layout
    inside = [one for one in ranges if layout.user_start <= one.start and one.end <= layout.user_end]
    _refuse_without_room(machine, len(inside))
    # Entries and records stay, so that looking for garbage among them would take most of the time of a long load.
    with machine.group("load_maps"), machine.history.without_copies(), no_collection():
        made = machine.task(name)
        _enter(machine, made, inside, progress)
    outside = tuple(one for one in ranges if not (layout.user_start <= one.start and one.end <= layout.user_end))
    known = [one.resident for one in ranges if one.resident is not None]
    resident = Size(sum(known)) if known else None
    mapped = Size(sum(one.size for one in ranges if not one.is_reserved))
    return LoadedMaps(
        made, source, source == RECORDED, len(inside), _merged(made, inside), outside, mapped, resident, ranges,
        found.what, found.unsaid, found.passed_over,
    )  # fmt: skip  # in the order of its fields


# ---- where the text comes from ---------------------------------------------------------------


def text_of(given: Any) -> tuple[str, str]:
    """Return the text and its name, which is :data:`RECORDED` for the recorded text."""
    if isinstance(given, str) and ("\n" in given or looks_like_ranges(given)):
        return given_text.checked(given, MOST_MAPS_BYTES), "the text"
    name = given_text.path_of(given, "a maps file")
    if name.startswith("/proc/") and not Path(SELF).exists():
        recorded = resources.files("vmwidgets.sources") / "data" / "recorded_maps.txt"
        return recorded.read_text("utf-8"), RECORDED
    return given_text.read(name, "a maps file", "no map of a process", MOST_MAPS_BYTES), printable(name)


def whole_ranges(given: Any) -> tuple[ReadRanges, str]:
    """Return the ranges of a text or a file, and its name; the first line that is damaged, or of another map, raises.

    The error is :class:`Refused`.
    """
    text, source = text_of(given)
    found = ranges_of(text, source)
    for line, words in found.wrong[:1]:
        raise Refused(f"line {line} of {source}: {words}; vm.load reads the rest")
    return found, source


def looks_like_ranges(text: str) -> bool:
    """Return whether one line is a range of some format, rather than a file's name."""
    return any(kind.is_line.search(text) for kind in KINDS)


def ranges_of(text: str, source: str) -> ReadRanges:
    """Return the ranges of a text in any format; the error, :class:`Refused`, says what it is instead."""
    exactly = read_exactly(as_it_is(text, source))
    return exactly if exactly is not None else ranges_of_cleaned(cleaned(text, source))


def ranges_of_cleaned(text: Cleaned) -> ReadRanges:
    """Return the ranges of a text from which terminals' and logs' additions were removed."""
    kind, _ = kind_of(text)
    refuse_foreign(text.text, text.source, SEEN, first=[CALLS])
    if kind is not None:
        return read_ranges(text, kind)
    refuse_foreign(text.text, text.source)
    first = next((f"line {number}, {shown(line.strip()[:60])}, is none" for number, line in numbered(text.lines)), "")
    if not first:
        raise Refused(f"{text.source} is empty: a process has at least one range; one reads {KINDS[0].example!r}")
    raise Refused(f"{text.source} has no range of a process: {first}; one reads {KINDS[0].example!r}")


# ---- entering --------------------------------------------------------------------------------


def _task_name(machine: Machine, given: str | None) -> str:
    if given is None:
        return free_name(machine, "maps")
    return task_name(machine, given)


def _refuse_without_room(machine: Machine, ranges: int) -> None:
    needed = lacking_room(machine, ranges)
    if needed is not None:
        raise Refused(
            f"{ranges:,} ranges need {binary_size(needed)} of kernel memory for their entries, more than this machine "
            f"has: {MORE_ROOM}"
        )


def _enter(machine: Machine, task: Task, ranges: Sequence[MapsRange], progress: Progress | None) -> None:
    objects = _Objects(machine, task.name)
    for number, one in enumerate(ranges):
        if progress is not None and number % STEP == 0:
            progress(number, len(ranges))
        target, offset = objects.object_of(one)
        task.map.enter(
            one.end - one.start,
            at=one.start,
            fixed=True,
            prot="---" if one.protection == UNKNOWN else one.protection,
            inherit="share" if one.shared else "copy",
            object=target,
            offset=offset,
        )
    if progress is not None:
        progress(len(ranges), len(ranges))


class _Objects:
    """The object of each range, and the range's offset in it.

    The machine's tasks share files; memory with only a name from the kernel, such as ``[heap]``, is the task's own.
    """

    def __init__(self, machine: Machine, task: str) -> None:
        self._machine = machine
        self._task = task
        self._taken = dict.fromkeys(machine.objects, ("before", ""))
        self._known: dict[tuple[str, str], tuple[MemoryObject, int]] = {}
        self._names = ObjectNames()

    def object_of(self, one: MapsRange) -> tuple[MemoryObject | None, int]:
        """Return the object and the offset in it (bytes); None for memory without a name."""
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
    """Return the groups of ranges that became one entry."""
    groups: list[tuple[MapsRange, ...]] = []
    position = 0
    for entry in task.map:
        first = position
        while position < len(ranges) and ranges[position].end <= entry.end:
            position += 1
        if position - first > 1:
            groups.append(tuple(ranges[first:position]))
    return tuple(groups)
