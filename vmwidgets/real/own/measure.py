"""What some code does to the memory of its own process: two readings of the kernel's files, and what lies between.

The readings go into memory that was touched before, and are read only when the code has ended: so nearly nothing of
the measuring is in what is measured.  What is left of it is measured too, and taken off.
"""

from __future__ import annotations

import array
import ctypes
import gc
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

from ...engine.base.errors import Refused, printable
from ...engine.base.units import PAGE, counted
from ...engine.spaces.process_schema import (
    NAMELESS,
    CellMemory,
    Change,
    LineCost,
    Measuring,
    ProcessMoment,
    changes_between,
)
from .reader import Readings, forget_peak, moment_of, peak_of, ranges_in
from .recorded import has_proc, recorded_cell

with suppress(ImportError):  # Windows and browsers have none: there, a recording is shown
    import resource

ARENA = 1 << 20
"""Bytes that CPython takes at once for small objects, since 3.10."""

BIG = 64 << 10
"""Bytes from which on an object's name is looked for."""


class Mark(NamedTuple):
    """The state at the beginning of a statement: bytes mapped, in memory and in huge pages, faults, modules."""

    mapped: int
    resident: int
    huge: int
    minor: int
    major: int
    modules: int


class Measured(Measuring):
    """What some code does to memory: ``with vm.memory() as seen: …``, then ``print(seen)`` or ``seen.json()``.

    `names` are the variables whose big buffers are named in the answer, by default none; a cell's are the notebook's.
    """

    def __init__(self, names: Mapping[str, Any] | None = None, *, subject: str = "This code") -> None:
        self._names = names
        self._subject = subject
        self._pid = os.getpid()
        self._marks: list[Mark] = []
        self._lines: list[str] = []
        self._rollup: Readings | None = None
        self._statm: Readings | None = None
        self.result = None

    def __enter__(self) -> Measured:
        if not has_proc():
            return self
        self._before, self._after = Readings(self._pid, "smaps"), Readings(self._pid, "smaps")
        forget_peak(self._pid)
        self._start = moment_of(self._pid)
        self._known = dict(buffers(self._names or {}))
        self._modules = len(sys.modules)
        for _ in range(2):  # the first one brings in what a reading needs
            first, usage = self._before.take(), resource.getrusage(resource.RUSAGE_SELF)
            self._after.take(), resource.getrusage(resource.RUSAGE_SELF)
        del first
        self._before.take()
        again = resource.getrusage(resource.RUSAGE_SELF)
        self._taken = again.ru_minflt - usage.ru_minflt
        self._collected = sum(one["collections"] for one in gc.get_stats())
        self._usage = resource.getrusage(resource.RUSAGE_SELF)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not has_proc():
            self.result = recorded_cell(self._subject)
            return
        if os.getpid() != self._pid:
            return  # the child of a fork, which ran to the end of the code
        usage = resource.getrusage(resource.RUSAGE_SELF)
        text = self._after.take()
        if self._lines:
            self._marks.append(self._mark())
        runs = sum(one["collections"] for one in gc.get_stats()) - self._collected
        peak = peak_of(self._pid)
        after = bytes(text)
        before = bytes(self._before.kept())
        self.close()
        was = ProcessMoment(
            self._pid, self._start.name, tuple(ranges_in(before)), self._usage.ru_minflt, self._usage.ru_majflt
        )
        now = ProcessMoment(
            self._pid, self._start.name, tuple(ranges_in(after)), usage.ru_minflt, usage.ru_majflt, peak
        )
        changes = changes_between(was.ranges, now.ranges, _places(self._known), _places(buffers(self._names or {})))
        minor = max(0, usage.ru_minflt - self._usage.ru_minflt - self._taken)
        python = tuple(self._of_python(changes, runs))
        self.result = CellMemory(
            was, now, minor, usage.ru_majflt - self._usage.ru_majflt, changes, tuple(self._costs()), python,
            _ended(kind, error), self._footprint(), subject=self._subject,
        )  # fmt: skip  # in the order of its fields

    def close(self) -> None:
        """Close the kernel's files."""
        for one in (self._before, self._after, self._rollup, self._statm):
            if one is not None:
                one.close()

    # ---- by statement ------------------------------------------------------------------------

    def by_line(self, lines: list[str]) -> None:
        """Measure each of these statements: `mark` is called at the beginning of each."""
        if not has_proc():
            return
        self._lines = lines
        self._rollup, self._statm = Readings(self._pid, "smaps_rollup"), Readings(self._pid, "statm")
        self._mark()

    def mark(self) -> None:
        """A statement begins."""
        if self._rollup is not None and os.getpid() == self._pid:
            self._marks.append(self._mark())

    def _mark(self) -> Mark:
        assert self._rollup is not None
        assert self._statm is not None
        usage = resource.getrusage(resource.RUSAGE_SELF)
        words = bytes(self._rollup.take())
        pages = int(bytes(self._statm.take()).split()[0])
        found = next(ranges_in(b"\nSize:".join((words.partition(b"\n")[0], b"\n" + words.partition(b"\n")[2]))))
        return Mark(
            pages * PAGE, found.resident or 0, found.huge or 0, usage.ru_minflt, usage.ru_majflt, len(sys.modules)
        )

    def _costs(self) -> list[LineCost]:
        return [
            LineCost(line, *(new - old for old, new in zip(was, now, strict=True)))
            for line, was, now in zip(self._lines, self._marks, self._marks[1:], strict=False)
        ]

    # ---- words -------------------------------------------------------------------------------

    def _of_python(self, changes: tuple[Change, ...], runs: int) -> list[str]:
        """What Python itself did, in sentences."""
        said = []
        arenas = sum(
            one.mapped for one in changes if one.owner == NAMELESS and not one.holds and one.mapped % ARENA == 0
        )
        if arenas and sys.implementation.name == "cpython" and sys.version_info >= (3, 10):
            done = "took" if arenas > 0 else "gave back"
            count = counted(abs(arenas) // ARENA, "arena")
            said.append(f"Python {done} {count} of 1 MiB for its objects: a guess, by the size.")
        modules = len(sys.modules) - self._modules
        if modules > 0:
            said.append(
                f"{counted(modules, 'module')} {'was' if modules == 1 else 'were'} imported for the first time."
            )
        if runs:
            said.append(f"Python's collector of garbage ran {counted(runs, 'time')}.")
        return said

    def _footprint(self) -> str:
        lines = " Each line was measured: that reads all page tables once a line." if self._lines else ""
        own = f"{counted(self._taken, 'fault')} of the measuring {'is' if self._taken == 1 else 'are'} not counted."
        return (own if self._taken else "Measuring took no fault and no page.") + lines

    def json(self) -> dict[str, object]:
        """The numbers as JSON has them; :class:`Refused` before the code has ended."""
        return self._ended().json()

    def __repr__(self) -> str:
        return "what this code does to memory: ask when it has ended" if self.result is None else repr(self.result)

    def _ended(self) -> CellMemory:
        if self.result is None:
            raise Refused("the code has not ended: ask after the with block")
        return self.result


def _ended(kind: type[BaseException] | None, error: BaseException | None) -> str:
    if kind is None or kind is SystemExit:
        return ""
    if kind is KeyboardInterrupt:
        return "It was stopped: this is what it did until then."
    first = printable(str(error).splitlines()[0][:80]) if str(error) else ""
    return f"It failed with {kind.__name__}{f': {first}' if first else ''}; this is what it did until then."


def buffers(names: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Where the big buffers of variables lie, and how long they are (bytes).  No method of a learner's is called."""
    found = {}
    for name, value in [*names.items()]:
        if name.startswith("_") or name in ("In", "Out"):
            continue
        place = _buffer(value)
        if place is not None and place[1] >= BIG:
            found[name] = place
    return found


def _places(buffers: Mapping[str, tuple[int, int]]) -> list[tuple[int, int, str]]:
    return [(start, start + size, name) for name, (start, size) in buffers.items()]


def _buffer(value: Any) -> tuple[int, int] | None:
    kind = type(value)
    if kind is bytes or kind is str:
        return id(value), sys.getsizeof(value)
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray":
        return value.__array_interface__["data"][0], value.nbytes
    if kind in (bytearray, array.array) or kind.__module__ == "mmap":
        try:
            length = memoryview(value).nbytes
            return ctypes.addressof(ctypes.c_char.from_buffer(value)), length
        except (TypeError, ValueError, BufferError):  # it can't be written, or is closed
            return None
    return None


def memory(names: Mapping[str, Any] | None = None) -> Measured:
    """Say what some code does to the memory of this process: what it maps, what comes into memory, its page faults.

    ``with vm.memory() as seen: …`` measures the block; then ``print(seen)`` says it in words, ``seen.json()`` in
    numbers, and a notebook draws it.  `names`, such as ``globals()``, are variables whose buffers are named.  In a
    notebook, ``%%pages`` does the same for a cell.

    Costs two readings of /proc/self/smaps (some 10 ms each for 1,000 ranges).  The numbers are those of
    proc_pid_smaps(5) and getrusage(2).  Where the system has no /proc, the code runs, and a recording is shown, which
    says that it is one.

    >>> import vmwidgets as vm
    >>> with vm.memory() as seen:
    ...     big = bytearray(64 << 20)
    >>> seen.json()["mapped"]["after"] - seen.json()["mapped"]["before"] >= 64 << 20
    True
    """
    return Measured(names)


__all__ = ["Measured", "memory"]
