"""`vm.process`: a process of your own, read whenever you ask, or drawn."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from threading import Event, Thread
from time import sleep
from typing import Any

from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, a_kind, in_ascii, shown
from ...engine.base.operations import exact
from ...engine.base.units import PAGE, Address, counted, round_up
from ...engine.machine import Machine
from ...engine.machine.arguments import whole
from ...given.loaded import LoadedMaps, MapsRange
from ...given.process import (
    NAMELESS,
    LiveProcess,
    PageStates,
    ProcessMoment,
    ProcessRange,
    UsedOverTime,
    UsedRange,
    rounded,
    together,
)
from ...sources.loading import free_name
from ...sources.proc_maps import load_ranges
from ...sources.ranges.found import ReadRanges
from .elsewhere import SYSTEMS, moment_elsewhere
from .measure import memory_of
from .reader import Readings, checked_pid, forget_references, moment_of, ranges_in, states_of
from .recorded import has_proc, recorded_moment

MOST_PARTS, MOST_ROWS = 240, 20
"""The most parts of the time for counting use, and the most ranges with a row of their own."""


class Process(LiveProcess):
    """A process of this computer.  It is shown as it is now; ``at()`` keeps a moment of it."""

    __slots__ = ()

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def at(self) -> ProcessMoment:
        """Return the process at this moment, unchanged later.  ``vm.diff(before, after)`` compares two moments."""
        if has_proc():
            return moment_of(self.pid)
        return moment_elsewhere(self.pid) if sys.platform in SYSTEMS else recorded_moment()

    def pages(self, where: Any = None) -> PageStates:
        """Return how many pages of a range are in memory, and in which state.

        `where` is an address in the range, or part of its name, such as "[heap]"; without `where`, all ranges are
        counted.  It can also be an array, a mapped file or other bytes of this process: then the pages of its bytes are
        counted, which may be a part of a range, or several ranges.  The result says which addresses it is about.  1 GiB
        takes at most 50 ms.  Raises :class:`Refused` if there is no such range, or no pagemap, or for
        an array without bytes.

        >>> import vmwidgets as vm
        >>> big = bytearray(1 << 20)
        >>> vm.process().pages(big).pages in (256, 257)
        True
        """
        _refuse_without_proc()
        place = None if isinstance(where, str) else memory_of(where)
        if place is not None:
            if self.pid != os.getpid():
                raise Refused(f"pages: the bytes of {a_kind(where)} are in this process, and not in process {self.pid}")
            if not place[1]:
                raise Refused(f"pages: this {type(where).__name__} has no bytes, so it is in no page")
            start, end = place[0] // PAGE * PAGE, round_up(place[0] + place[1], PAGE)
            return states_of(self.pid, start, end)
        found = self._ranges(where)
        return together([states_of(self.pid, one.start, one.end) for one in found if one.end <= 1 << 63])

    def _ranges(self, where: Any) -> tuple[ProcessRange, ...]:
        now, where = self.at(), exact(where)
        if where is None:
            return now.ranges
        if isinstance(where, str):
            found = now.named(where)
        elif isinstance(where, bool) or not isinstance(where, int):
            raise Refused(f"pages: {shown(where)} is neither an address nor the name of a range, nor an array")
        else:
            one = now.at(whole(where, "address"))
            found = (one,) if one is not None else ()
        if not found:
            what = shown(where) if isinstance(where, str) else str(Address(where))
            raise Refused(f"process {self.pid} has no range {'called ' if isinstance(where, str) else 'at '}{what}")
        return found

    def task(self, machine: Machine, name: str | None = None) -> LoadedMaps:
        """Make a task of a machine from the current ranges, to put questions to the model: the result's ``.task``.

        As with :func:`vmwidgets.load_maps`, each range is entered at its address, and files are objects.
        """
        return task_of(self.at(), machine, name)

    def working_set(self, seconds: float = 1.0) -> WorkingSet:
        """Return how many pages the process uses in `seconds`: referenced bits are cleared, and counted afterwards.

        The measurement disturbs the process: each page that is used again costs the processor a walk of the tables.
        Another thread of this process may run meanwhile; if none does, a waiting process uses next to no pages.
        """
        _refuse_without_proc()
        return used_during(self.pid, lambda: _wait(seconds))

    def locality(
        self, do: Callable[[], object] | None = None, *, seconds: float = 5.0, each: float = 0.2
    ) -> UsedOverTime:
        """Count the pages that the process uses in each part of the time: its locality, which ``vm.Locality`` draws.

        All parts are of one length, about `each` seconds, and count a page once, however often it is used.  `do` is a
        function that is called meanwhile; when it returns, the count ends.  This disturbs the process as
        :meth:`working_set` does, again in each part.  Raises :class:`Refused` for times that are too short or too long,
        or if the system does not let referenced bits be cleared.
        """
        _refuse_without_proc()
        if do is not None and not callable(do):
            raise Refused(f"do={shown(do)} is {a_kind(do)}: give a function without arguments")
        _check_seconds("each", each, 0.01, 10)
        _check_seconds("seconds", seconds, each, MOST_PARTS * each)
        parts = round(seconds / each)
        each = seconds / parts
        texts = watched(self.pid, do, parts, each)
        used = used_in_parts([[*ranges_in(one)] for one in texts])
        return UsedOverTime(self.pid, self.at().name, each, used, len(texts))

    @in_ascii
    def __repr__(self) -> str:
        return repr(self.at())


def _refuse_without_proc() -> None:
    if not has_proc():
        raise Refused("this system has no /proc: it does not say which pages are in memory")


def _wait(seconds: float) -> None:
    _check_seconds("seconds", seconds, 0.001, 60)
    sleep(seconds)


def _check_seconds(name: str, given: object, least: float, most: float) -> None:
    if isinstance(given, bool) or not isinstance(given, int | float) or not least <= given <= most:
        raise Refused(f"{name}={shown(given)}: write a number of seconds from {least:g} to {most:g}")


class WorkingSet:
    """The memory that a process used in some time: bytes by owner, the most first."""

    def __init__(self, owners: dict[str, int], resident: int) -> None:
        self.owners = owners
        self.resident = resident

    @property
    def size(self) -> int:
        """The bytes of the used pages."""
        return sum(self.owners.values())

    @in_ascii
    def __repr__(self) -> str:
        pages = counted(self.size // PAGE, "page")
        lines = [f"{rounded(self.size)} were used ({pages}), of {rounded(self.resident)} in memory"]
        lines += [f"  {rounded(size):>8}  {name}" for name, size in [*self.owners.items()][:8]]
        return "\n".join([*lines, "Measuring disturbs: it cleared the referenced bit of each page."])


def used_during(pid: int, do: Any) -> WorkingSet:
    """Return the pages that are referenced during a call."""
    reading = Readings(pid, "smaps")
    if not forget_references(pid):
        raise Refused(f"process {pid}: this system does not let its referenced bits be cleared (clear_refs)")
    do()
    text = bytes(reading.take())
    reading.close()
    owners: dict[str, int] = {}
    resident = 0
    for one in ranges_in(text):
        resident += one.resident or 0
        if one.referenced:
            owners[one.owner] = owners.get(one.owner, 0) + one.referenced
    return WorkingSet(dict(sorted(owners.items(), key=lambda each: (-each[1], each[0]))), resident)


def watched(pid: int, do: Callable[[], object] | None, parts: int, each: float) -> list[bytes]:
    """Clear referenced bits at the beginning of each part of the time, and return smaps at the end of each part."""
    reading, found, end = Readings(pid, "smaps"), [], Event()
    refused: list[Refused] = []

    def watch() -> None:
        for _ in range(parts):
            if not forget_references(pid):
                refused.append(Refused(f"process {pid}: its referenced bits can't be cleared (clear_refs)"))
                return
            if end.wait(each):
                return
            try:
                found.append(bytes(reading.take()))
            except Refused:  # it has ended
                return

    if do is None:
        watch()
    else:
        thread = Thread(target=watch, name="vmwidgets locality", daemon=True)
        thread.start()
        try:
            do()
        finally:
            end.set()
            thread.join()
    reading.close()
    if refused:
        raise refused[0]
    if not found:
        raise Refused(f"it ended before {each:.3g} s were over: give shorter parts, such as each={each / 10:.3g}")
    return found


def used_in_parts(parts: Sequence[Sequence[ProcessRange]]) -> tuple[UsedRange, ...]:
    """Return the ranges used in any part, the lowest first; the least used ranges are combined into one, which is last.

    The ranges of one file are joined, and so are small ranges without a file.
    """
    used: dict[object, list[int]] = {}
    found: dict[object, tuple[str, int, int]] = {}
    for number, ranges in enumerate(parts):
        resident: dict[object, int] = {}
        for one in ranges:
            is_big = one.owner == NAMELESS and one.size >= 1 << 20
            key: object = one.start if is_big else one.owner
            used.setdefault(key, [0] * len(parts))[number] += (one.referenced or 0) // PAGE
            resident[key] = resident.get(key, 0) + (one.resident or 0) // PAGE
            name, start, most = found.get(key, ("", one.start, 0))
            name = f"{rounded(one.size)}, no file" if is_big else one.owner
            found[key] = name, min(start, one.start), max(most, resident[key])
    keys = sorted((key for key in used if any(used[key])), key=lambda key: -sum(used[key]))
    rows = [UsedRange(*found[key], tuple(used[key])) for key in keys[:MOST_ROWS]]
    if rest := keys[MOST_ROWS:]:
        sums = tuple(map(sum, zip(*(used[key] for key in rest), strict=True)))
        rows.append(UsedRange(counted(len(rest), "other range"), None, sum(found[key][2] for key in rest), sums))
    return tuple(sorted(rows, key=lambda row: (row.start is None, row.start)))


def task_of(moment: ProcessMoment, machine: Machine, name: str | None = None) -> LoadedMaps:
    """Make a task of a machine from the ranges of a moment."""
    if not isinstance(machine, Machine):
        raise Refused(f"{shown(machine)} is not a machine: boot one with vm.boot()")
    ranges = tuple(_as_line(number, one) for number, one in enumerate(moment.ranges, 1))
    called = free_name(machine, name or "process")
    found = ReadRanges(f"process {moment.pid}", ranges, (), "")
    return load_ranges(machine, found, f"process {moment.pid}", called)


def _as_line(number: int, one: ProcessRange) -> MapsRange:
    return MapsRange(
        number, one.start, one.end, one.protection, one.shared, one.offset, one.device, one.inode, one.path,
        one.resident, one.fair, one.dirty, one.swap,
    )  # fmt: skip  # in the order of its fields


@says_what_it_takes
def process(pid: int | str = "self") -> Process:
    """Show a process of your own: its ranges, the owners of their contents, and the part in memory.

    `pid` is its number, or "self" for the process that runs this code.  A notebook draws it; ``at()`` keeps a moment,
    ``pages()`` counts pages, ``task(machine)`` makes a task of a machine from its ranges, and ``working_set()``
    measures which pages it uses.

    Costs a reading of /proc/PID/smaps, 15 ms for 1,000 ranges.  On macOS it is read by vmmap(1), on Windows by
    VirtualQueryEx; on any other system, a recording is shown, marked as such.  Raises :class:`Refused` for a process of
    another user, a process that has ended, a zombie, or a kernel thread.

    >>> import vmwidgets as vm
    >>> me = vm.process()
    >>> me.at().resident <= me.at().mapped
    True
    """
    found = Process(checked_pid(pid))
    found.at()
    return found


__all__ = ["Process", "WorkingSet", "process", "task_of", "used_during"]
