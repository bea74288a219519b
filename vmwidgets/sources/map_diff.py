"""A task's map and what the system reported of a process, compared range by range.

Ranges are compared by address: where one side has two neighbours and the other has one range, nothing differs.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from ..engine.base.errors import Refused, a_kind, printable, shown
from ..engine.base.units import Address
from ..engine.base.values.map_diffs import AGREES, DIFFERS, MODEL, SYSTEM, MappedAs, MapsDiff, RangeDiff
from ..engine.kernel.x15.vm_object import X15Object
from ..engine.machine.tasks import Task
from .maps_text import MapsRange, parse_maps
from .proc_maps import text_of

_ANONYMOUS = ("/dev/zero (deleted)", "[")
"""How the names begin of memory that no file is behind."""

_SEGMENTS = "/SYSV"
"""How the names begin of shared memory by `shmat`."""

_INTERPRETERS = ("ld-", "ld.", "ld64.")
"""How the names of dynamic linkers begin."""


class _Side(NamedTuple):
    """A range of one side."""

    start: int
    end: int
    what: MappedAs

    def at(self, address: int) -> MappedAs:
        """How it has an address."""
        what = self.what
        return replace(what, offset=what.offset + address - self.start) if what.is_file else replace(what, offset=0)


def diff(task: Task, maps: str | os.PathLike[str]) -> MapsDiff:
    r"""Compare the map of `task` with what the system reported of a process, range by range.

    `maps` names a file in the format of /proc/PID/maps or smaps, or is its text.  Each range agrees, differs (in its
    protection, in being shared, in the file or the place in it), or is only in one of them.  What no call of the
    process mapped can only be in the system: the program and its interpreter, which execve maps, the stack, what the
    kernel has there; such ranges are expected.  A file has any name, as long as each name on one side is always the
    same on the other: a trace without ``-y`` has the names of links.

    O(n log n).  Text that makes no sense is refused, as by :func:`vmwidgets.load_maps`.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> a = t.mmap("8 KiB", at=0x10000, flags="private fixed")
    >>> t.mprotect(0x11000, "4 KiB", "r")
    >>> vm.diff(t, "10000-12000 rw-p 0 00:00 0\n7ff0000-7ff2000 rw-p 0 00:00 0   [stack]\n")
    task 'init' and the text: 1 range, 4 KiB should agree
      agrees: 1 range, 4 KiB; differs: 1 range, 4 KiB; only in the system: 1 range, 8 KiB
      0x1_1000–0x1_2000 4 KiB r--p: ≠ differs (r-- in the model, rw- in the system)
      0x7ff_0000–0x7ff_2000 8 KiB rw-p [stack]: only in the system (execve; it grows by itself)
    """
    if not isinstance(task, Task):
        raise Refused(f"task={shown(task)} is {a_kind(task)}: write a task, such as vm.load_strace(…).task")
    text, source, _ = text_of(maps)
    ranges = parse_maps(text, source)
    model, system = list(_model(task)), [_reported(one) for one in ranges]
    names = _Names(model, system)
    causes = _Causes(ranges, {theirs.name for _, _, mine, theirs in _swept(model, system) if theirs and mine is None})
    rows = [_row(start, end, mine, theirs, names, causes) for start, end, mine, theirs in _swept(model, system)]
    return MapsDiff(printable(task.name), source, tuple(_joined(rows)))


def _model(task: Task) -> Iterator[_Side]:
    """The ranges of a task; copies of pages of a file are the file's."""
    system = task.system
    for entry in task.map.entries():
        kept = task.space.vm_map.peek(entry.start)
        target = None if kept is None else kept.object
        last = target.last_of_chain.name if isinstance(target, X15Object) else ""
        name = last.removeprefix("file ") if last.removeprefix("file ") in system.files else last
        known = name in system.files or name in system.objects
        what = MappedAs(entry.protection, entry.inheritance == "share", name if known else "", entry.offset)
        yield _Side(entry.start, entry.end, what)


def _reported(one: MapsRange) -> _Side:
    return _Side(one.start, one.end, MappedAs(one.protection, one.shared, one.path, one.offset))


def _swept(
    model: Sequence[_Side], system: Sequence[_Side]
) -> Iterator[tuple[int, int, MappedAs | None, MappedAs | None]]:
    """Each stretch between two edges that at least one side has, and how both have it."""
    edges = sorted({edge for one in (*model, *system) for edge in (one.start, one.end)})
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
    """Which names of files mean the same: those that most often lie at the same place, if each has one other."""

    def __init__(self, model: Sequence[_Side], system: Sequence[_Side]) -> None:
        met: Counter[tuple[str, str]] = Counter()
        for _, _, mine, theirs in _swept(model, system):
            if mine is not None and theirs is not None and _file(mine) and _file(theirs):
                met[mine.name, theirs.name] += 1
        self._theirs: dict[str, str] = {}
        self._mine: dict[str, str] = {}
        for pair, _ in sorted(met.items(), key=lambda one: (one[0][0] != one[0][1], -one[1], one[0])):
            if pair[0] not in self._theirs and pair[1] not in self._mine:
                self._theirs[pair[0]], self._mine[pair[1]] = pair[1], pair[0]

    def same(self, mine: str, theirs: str) -> bool:
        """Whether two names are one file's."""
        return self._theirs.get(mine) == theirs


class _Causes:
    """Why a range may be in the system alone: what execve and the kernel map themselves.

    `alone` are the names of what the model does not have, or only a part of.
    """

    def __init__(self, ranges: Sequence[MapsRange], alone: Collection[str]) -> None:
        self._program = _program(ranges, alone)
        self._behind = dict(_bss(ranges, self._program))

    def of(self, start: int, what: MappedAs) -> str:
        """Whose it is; empty for what a call must have mapped."""
        name = what.name
        if name.startswith("[stack"):
            return "execve; it grows by itself"
        if name in ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]"):
            return "execve: the kernel's"
        if name.startswith(_SEGMENTS):
            return "shmat: not in the model"
        if name and name in self._program:
            return self._program[name]
        return self._behind.get(start, "")


def _program(ranges: Iterable[MapsRange], alone: Collection[str]) -> dict[str, str]:
    """The files that execve maps: the program, the lowest that the model does not have, and its interpreter."""
    files = [one.path for one in ranges if one.path.startswith("/") and one.path in alone]
    files = [path for path in files if not path.startswith((_SEGMENTS, *_ANONYMOUS))]
    found = {path: "execve: the interpreter" for path in files if path.rpartition("/")[2].startswith(_INTERPRETERS)}
    return {**found, **dict.fromkeys(files[:1], "execve: the program")}


def _bss(ranges: Sequence[MapsRange], program: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Where zeroes follow a file that execve mapped."""
    for before, after in pairwise(ranges):
        if before.path in program and not after.path and before.end == after.start:
            yield after.start, "execve: zeroes (bss)"


def _joined(rows: Iterable[RangeDiff]) -> Iterator[RangeDiff]:
    """Rows, neighbours that are alike as one."""
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
