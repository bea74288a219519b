"""A comparison of a task's map with the system's report on a process, range by range.

Ranges are compared by address: if one side has two neighbours and the other has one range, nothing differs.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple, overload

from ..comparisons.maps import AGREES, DIFFERS, MODEL, SYSTEM, MappedAs, MapsDiff, RangeDiff
from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, a_kind, printable, shown
from ..engine.base.units import Address
from ..engine.kernel.tasks.vm_object import TaskObject
from ..engine.machine.handles.tasks import Task
from ..given.loaded import MapsRange
from ..given.process import CellMemory, ProcessMoment, between
from .proc_maps import whole_ranges
from .ranges.found import ENDS_WITHIN

_ANONYMOUS = ("/dev/zero (deleted)", "[")
"""The beginnings of names of memory without a file."""

_SEGMENTS = "/SYSV"
"""The beginnings of names of shared memory by `shmat`."""

_INTERPRETER = re.compile(r"ld(64|-(linux|musl|uClibc)[\w-]*)?\.so\.[0-9]+|ld-[0-9.]+\.so", re.ASCII)
"""The names of dynamic linkers."""

_NEAR = 1 << 30
"""The greatest distance from the end of a program to its heap: Linux puts the heap at a random place."""


class _Side(NamedTuple):
    """A range of one side."""

    start: int
    end: int
    what: MappedAs

    def at(self, address: int) -> MappedAs:
        """Return the range's state at an address."""
        what = self.what
        return replace(what, offset=what.offset + address - self.start) if what.is_file else replace(what, offset=0)


@overload
def diff(task: ProcessMoment, maps: ProcessMoment) -> CellMemory: ...
@overload
def diff(task: Task, maps: str | os.PathLike[str], *, program: str | None = None) -> MapsDiff: ...
@says_what_it_takes
def diff(task: Any, maps: Any, *, program: str | None = None) -> Any:
    r"""Compare a task's map with the system's report on a process, range by range, or two moments of a process.

    `maps` is the name of a file in the format of /proc/PID/maps or smaps, or its text.  Each range agrees, differs (in
    its protection, sharing, file or offset), or is on one side only.  Some ranges are expected only in the system,
    since no call of the process maps them: the program and its interpreter, which execve maps, the stack, and the
    kernel's own ranges.  File names may differ, if each name on one side always stands for the same name on the other:
    a trace without ``-y`` has the names of links.

    For two moments (``vm.process().at()``), the result shows which ranges are new, gone, larger or used between them,
    and the faults of one process in between.

    `program` is the program's path in `maps`.  Without it, the program is the file with the task's name, perhaps
    followed by a version (python3.11 of task "python3").  If there is none, it is the file just below ``[heap]``.  If
    there is no heap either, no file counts as the program.  The interpreter is the dynamic linker, found by its name,
    such as ld-linux-x86-64.so.2.  Only one run of ranges of the program and of the interpreter is expected, including
    the zeroes after it.

    O(n log n).  Raises :class:`Refused` for a text that is damaged or lacks offsets or rights, and for a `program` that
    is not in the text.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> a = t.mmap("8 KiB", at=0x10000, flags="private fixed")
    >>> t.mprotect(0x11000, "4 KiB", "r")
    >>> vm.diff(t, "10000-12000 rw-p 0 00:00 0\n7ff0000-7ff2000 rw-p 0 00:00 0   [stack]\n")
    task 'init' and the text: 1 range, 4 KiB should agree
      agrees: 1 range, 4 KiB; differs: 1 range, 4 KiB; only in the system: 1 range, 8 KiB
      0x1_1000-0x1_2000 4 KiB r--p: != differs (r-- in the model, rw- in the system)
      0x7ff_0000-0x7ff_2000 8 KiB rw-p [stack]: only in the system (execve; it grows by itself)
    """
    if isinstance(task, ProcessMoment):
        if not isinstance(maps, ProcessMoment):
            raise Refused(f"maps={shown(maps)} is {a_kind(maps)}: give another moment, such as vm.process().at()")
        return between(task, maps)
    if not isinstance(task, Task):
        raise Refused(f"task={shown(task)} is {a_kind(task)}: write a task, such as vm.load_strace(…).task")
    found, source = whole_ranges(maps)
    ranges, missing = _told_apart(found.ranges), [one for one in found.unsaid if not one.startswith(ENDS_WITHIN)]
    if missing:  # a difference would be a defect of the text
        raise Refused(f"{source} does not say all that is compared. {missing[0]} Give the whole of /proc/PID/maps")
    model, system = list(_model(task)), [_reported(one) for one in ranges]
    swept = [*_swept(model, system)]
    names = _Names(swept)
    alone = {theirs.name for _, _, mine, theirs in swept if theirs and mine is None}
    named = task.name if program is None else _in_text(program, ranges)
    heap = next((one.start for one in ranges if one.path == "[heap]"), 0)
    causes = _Causes(_by_execve([one for one in ranges if one.path in alone], named, heap), ranges)
    rows = [_row(start, end, mine, theirs, names, causes) for start, end, mine, theirs in swept]
    return MapsDiff(printable(task.name), source, tuple(_joined(rows)))


def _told_apart(ranges: Sequence[MapsRange]) -> list[MapsRange]:
    """Return the ranges with a number after the path of each further file of one path: "/memfd:a (deleted) (2)".

    Device and inode identify a file: a file that replaces another has the same path, and so have two memfds.
    """
    paths = {one.path for one in ranges}
    names: dict[tuple[str, str, int], str] = {}
    counts: Counter[str] = Counter()
    found = []
    for one in ranges:
        key = one.path, one.device, one.inode
        if one.path.startswith("[") or not one.path:
            found.append(one)
            continue
        if key not in names:
            counts[one.path] += 1
            while (name := one.path + f" ({counts[one.path]})" * (counts[one.path] > 1)) in paths and name != one.path:
                counts[one.path] += 1
            names[key] = name
        found.append(replace(one, path=names[key]))
    return found


def _model(task: Task) -> Iterator[_Side]:
    """Yield the ranges of a task; copies of a file's pages count as the file's."""
    system = task.system
    for entry in task.map.entries():
        kept = task.space.vm_map.peek(entry.start)
        target = None if kept is None else kept.object
        last = target.last_of_chain.name if isinstance(target, TaskObject) else ""
        name = last.removeprefix("file ") if last.removeprefix("file ") in system.files else last
        known = name in system.files or name in system.objects
        what = MappedAs(entry.protection, entry.inheritance == "share", name if known else "", entry.offset)
        yield _Side(entry.start, entry.end, what)


def _reported(one: MapsRange) -> _Side:
    return _Side(one.start, one.end, MappedAs(one.protection, one.shared, one.path, one.offset))


_Stretch = tuple[int, int, MappedAs | None, MappedAs | None]


def _swept(model: Sequence[_Side], system: Sequence[_Side]) -> Iterator[_Stretch]:
    """Yield each stretch between two edges in which at least one side has a range, with both sides' states."""
    edges = sorted({Address(edge) for one in (*model, *system) for edge in (one.start, one.end)})
    at = [0, 0]
    for start, end in pairwise(edges):
        found: list[MappedAs | None] = []
        for number, sides in enumerate((model, system)):
            while at[number] < len(sides) and sides[at[number]].end <= start:
                at[number] += 1
            here = sides[at[number]] if at[number] < len(sides) else None
            found.append(here.at(start) if here is not None and here.start <= start else None)
        if found[0] is not None or found[1] is not None:
            yield start, end, found[0], found[1]


def _row(
    start: int, end: int, mine: MappedAs | None, theirs: MappedAs | None, names: _Names, causes: _Causes
) -> RangeDiff:
    if mine is None and theirs is not None:
        why = causes.of(start, theirs)
        return RangeDiff(start, end, SYSTEM, None, theirs, why or "no call accounts for it", bool(why))
    if mine is not None and theirs is None:
        return RangeDiff(start, end, MODEL, mine, None, "the system has nothing there")
    assert mine is not None and theirs is not None, "one side has it"
    differing = list(_differences(mine, theirs, names))
    if differing:
        return RangeDiff(start, end, DIFFERS, mine, theirs, "; ".join(differing))
    other = f"{printable(mine.name)} in the model" if _file(mine) and mine.name != theirs.name else ""
    return RangeDiff(start, end, AGREES, mine, theirs, other)


def _differences(mine: MappedAs, theirs: MappedAs, names: _Names) -> Iterator[str]:
    if mine.protection != theirs.protection:
        yield f"{mine.protection} in the model, {theirs.protection} in the system"
    if mine.shared != theirs.shared:
        words = ("private", "shared")
        yield f"{words[mine.shared]} in the model, {words[theirs.shared]} in the system"
    if _file(mine) != _file(theirs):
        yield "a file in the model, none in the system" if _file(mine) else "no file in the model, one in the system"
    elif _file(mine) and not names.same(mine.name, theirs.name):
        yield f"another file: {printable(mine.name)} in the model"
    elif _file(mine) and mine.offset != theirs.offset:
        yield f"from {Address(mine.offset)} of the file in the model, from {Address(theirs.offset)} in the system"


def _file(what: MappedAs) -> bool:
    return what.is_file and not what.name.startswith(_ANONYMOUS)


class _Names:
    """Pairs of names for the same file: the names most often at the same place, if each has one counterpart."""

    def __init__(self, swept: Iterable[_Stretch]) -> None:
        met: Counter[tuple[str, str]] = Counter()
        for _, _, mine, theirs in swept:
            if mine is not None and theirs is not None and _file(mine) and _file(theirs):
                met[mine.name, theirs.name] += 1
        self._theirs: dict[str, str] = {}
        self._mine: dict[str, str] = {}
        for pair, _ in sorted(met.items(), key=lambda one: (one[0][0] != one[0][1], -one[1], one[0])):
            if pair[0] not in self._theirs and pair[1] not in self._mine:
                self._theirs[pair[0]], self._mine[pair[1]] = pair[1], pair[0]

    def same(self, mine: str, theirs: str) -> bool:
        """Return whether two names belong to the same file."""
        return self._theirs.get(mine) == theirs


class _Causes:
    """The reasons for ranges that only the system has: execve or the kernel itself mapped them.

    `files` are the files that execve maps, by path, with the reason for each.
    """

    def __init__(self, files: dict[str, str], ranges: Sequence[MapsRange]) -> None:
        self._files = files
        self._ends = {path: _run_of(path, ranges) for path in files}

    def of(self, start: int, what: MappedAs) -> str:
        """Return the reason for a range; "" if a call must have mapped it."""
        name = what.name
        if name.startswith("[stack"):
            return "execve; it grows by itself"
        if name in ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]"):
            return "execve: the kernel's"
        if name.startswith(_SEGMENTS):
            return "shmat: not in the model"
        inside = [path for path, (first, end) in self._ends.items() if first <= start < end]
        if not name and inside:
            return "execve: zeroes (bss)"
        return self._files[name] if name in inside else ""


def _in_text(program: Any, ranges: Sequence[MapsRange]) -> str:
    if not isinstance(program, str) or not program.startswith("/") or all(one.path != program for one in ranges):
        raise Refused(f"program={shown(program)}: write the path of a file that is mapped, as the text has it")
    return program


def _by_execve(alone: Sequence[MapsRange], program: str, heap: int) -> dict[str, str]:
    """Return the files that execve maps, with the reason for each.

    `alone` are ranges that the model lacks, completely or in part; `program` is the program's path, or the name of its
    task; `heap` is the heap's start, or 0.
    """
    files = [one for one in alone if _file(_reported(one).what) and not one.path.startswith(_SEGMENTS)]
    found = next((one.path for one in files if _INTERPRETER.fullmatch(_base(one.path))), None)
    made = {} if found is None else {found: "execve: the interpreter"}
    found = _program(files, program, heap)
    return made if found is None else {**made, found: "execve: the program"}


def _program(files: Sequence[MapsRange], program: str, heap: int) -> str | None:
    """Return the program's path: the given one, the file named like its task, or the file just below its heap."""
    name = re.sub(r" [0-9]+$", "", program)  # a second task of a name has a number
    like = re.compile(re.escape(name) + r"[-.0-9]*")
    for one in files:
        if one.path == program or like.fullmatch(_base(one.path)):
            return one.path
    below = [one for one in files if heap - _NEAR <= one.end <= heap]
    return below[-1].path if below and not program.startswith("/") else None


def _base(path: str) -> str:
    return path.removesuffix(" (deleted)").rpartition("/")[2]


def _run_of(path: str, ranges: Sequence[MapsRange]) -> tuple[int, int]:
    """Return the first run of a file's ranges, with the zeroes after it."""
    first = next(number for number, one in enumerate(ranges) if one.path == path)
    end = ranges[first].end
    for one in ranges[first:]:
        if one.path == path or (not one.path and one.start == end):
            end = one.end
        else:
            break
    return ranges[first].start, end


def _joined(rows: Iterable[RangeDiff]) -> Iterator[RangeDiff]:
    """Yield rows, with equal neighbours joined."""
    held: RangeDiff | None = None
    for row in rows:
        if held is not None and _continues(held, row):
            held = replace(held, end=row.end)
            continue
        if held is not None:
            yield held
        held = row
    if held is not None:
        yield held


def _continues(one: RangeDiff, other: RangeDiff) -> bool:
    same = (one.verdict, one.why, one.expected) == (other.verdict, other.why, other.expected) and one.end == other.start
    return same and all(
        _moved(mine, one.size) == theirs for mine, theirs in ((one.model, other.model), (one.system, other.system))
    )


def _moved(what: MappedAs | None, size: int) -> MappedAs | None:
    return replace(what, offset=what.offset + size) if what is not None and what.is_file else what
