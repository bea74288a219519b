"""The effect of some code on the memory of its own process: two readings of the kernel's files, compared.

The readings are stored in memory that was touched before, and parsed only when the code has ended, so that the
measurement does not measure itself.
"""

from __future__ import annotations

import array
import ctypes
import gc
import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import perf_counter
from types import TracebackType
from typing import Any, NamedTuple

from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, a_kind, shown
from ...engine.base.units import counted
from ...given.process import (
    NAMELESS,
    SMALL,
    CellMemory,
    Change,
    LineCost,
    Measuring,
    ProcessMoment,
    ProcessRange,
    changes_between,
    rounded,
)
from .allocators import ARENA, Allocators
from .reader import Readings, forget_peak, name_of, peak_of, ranges_in, said_of, zeros_of
from .recorded import has_proc, recorded_cell

with suppress(ImportError):  # Windows and browsers have none: there, a recording is shown
    import resource

ARENAS, EITHER = "Python's objects?", "Python's objects, or one big object?"

MANY = 10_000
"""The number of new objects from which it is reported."""

KEPT = 4 << 20
"""The bytes that an allocator keeps, more than before, from which they are reported."""

FEW = 16
"""The number of pages of zeros from which they are reported."""

LONG = 0.2
"""A reading that takes more seconds than this is reported."""

BIG = 64 << 10
"""The size in bytes from which an object's name is searched for."""


_FORKS = [0]
"""The number of this process's forks since the first import."""


def _count_fork() -> None:
    _FORKS[0] += 1


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_parent=_count_fork)


class Faults(NamedTuple):
    """A process's page faults since its beginning."""

    minor: int
    major: int

    @classmethod
    def now(cls) -> Faults:
        """Return the faults of this process until now."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return cls(usage.ru_minflt, usage.ru_majflt)


class Mark(NamedTuple):
    """The state at the beginning of a statement: bytes mapped, in memory and in huge pages, modules, pages of zeros.

    `begun` are the faults until the state was read, and `ended` until it was known.  After a fork, the reading itself
    has faults: it writes to pages that both processes have.
    """

    mapped: int
    resident: int
    huge: int
    modules: int
    zero: int | None
    begun: Faults
    ended: Faults


class Measured(Measuring):
    """The effect of some code on memory: ``with vm.memory() as seen: …``, then ``print(seen)`` or ``seen.json()``.

    `names` are the variables whose big buffers are named in the answer, by default none; for a cell, they are the
    notebook's variables.
    """

    def __init__(self, names: Mapping[str, Any] | None = None, *, subject: str = "This code") -> None:
        if names is not None and not isinstance(names, Mapping):
            raise Refused(f"names={shown(names)} is {a_kind(names)}: give variables by name, such as globals()")
        self._names = names
        self._subject = subject
        self._pid = os.getpid()
        self._marks: list[Mark] = []
        self._lines: list[str] = []
        self._readings: list[Readings] = []
        self._rollup: Readings | None = None
        self._maps: Readings | None = None
        self._unsaid = ""
        self.result = None

    def __enter__(self) -> Measured:
        self._is_on = has_proc()
        if not self._is_on:
            return self
        self._readings = [Readings(self._pid, "smaps"), Readings(self._pid, "smaps")]
        self._name = name_of(self._pid)
        self._known = dict(buffers(self._names or {}))
        self._modules = len(sys.modules)
        self._forks = _FORKS[0]
        self._collected = sum(one["collections"] for one in gc.get_stats())
        self._has_peak = forget_peak(self._pid)
        self._zeros = zeros_of(self._pid)
        self._objects = sys.getallocatedblocks()
        self._allocators = Allocators.now()
        begun = perf_counter()
        self._readings[0].take()
        self._reading = perf_counter() - begun
        self._faults = Faults.now()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not self._is_on:
            self.result = recorded_cell(self._subject)
            return
        if os.getpid() != self._pid:
            return  # the child of a fork, which ran to the end of the code
        faults = Faults.now()  # at once: after a fork, all else copies pages
        objects = sys.getallocatedblocks() - self._objects
        text = self._readings[1].take()
        zeros = zeros_of(self._pid)
        if self._lines:
            self._marks.append(self._mark(faults))
        allocators = Allocators.now()
        runs = sum(one["collections"] for one in gc.get_stats()) - self._collected
        peak = peak_of(self._pid) if self._has_peak else None
        after, before = bytes(text), bytes(self._readings[0].kept())
        text.release()
        self.close()
        own = [Faults(*(new - old for old, new in zip(one.begun, one.ended, strict=True))) for one in self._marks[:-1]]
        minor, major = (
            now - was - sum(each)
            for was, now, each in zip(self._faults, faults, zip(*own, strict=True) if own else ((), ()), strict=True)
        )
        was = ProcessMoment(self._pid, self._name, tuple(ranges_in(before)), *self._faults)
        now = ProcessMoment(self._pid, self._name, tuple(ranges_in(after)), *faults, peak)
        changes = changes_between(was.ranges, now.ranges, _places(self._known), _places(buffers(self._names or {})))
        arenas = None
        if self._allocators.arenas is not None and allocators.arenas is not None:
            arenas = allocators.arenas - self._allocators.arenas
        changes = guessed(changes, (*was.ranges, *now.ranges), arenas)
        python = [
            *_of_zeros(self._zeros, zeros),
            *_of_lazily_freed(before, after),
            *self._of_python(changes, runs, objects, arenas),
            *_of_kept(self._allocators, allocators, sum(max(0, -one.resident) for one in changes)),
        ]
        self.result = CellMemory(
            was,
            now,
            minor,
            major,
            changes,
            tuple(self._costs()),
            tuple(python),
            _how(kind, error),
            self._footprint(),
            subject=self._subject,
        )
        self._known = {}

    def close(self) -> None:
        """Close the kernel's files and free the data, so that it does not count for the next code."""
        for one in (*self._readings, self._rollup, self._maps):
            if one is not None:
                one.close()
        self._readings, self._rollup, self._maps = [], None, None

    # ---- by statement ------------------------------------------------------------------------

    def by_line(self, lines: list[str]) -> None:
        """Measure each of these statements: they call `mark` at their beginning."""
        if not has_proc():
            return
        try:
            self._rollup, self._maps = Readings(self._pid, "smaps_rollup"), Readings(self._pid, "maps")
        except Refused:  # before Linux 4.14
            self._unsaid = " This kernel has no smaps_rollup: lines are not measured."
            return
        self._lines = lines
        self._mark()

    def mark(self) -> None:
        """Note that a statement begins."""
        if self._rollup is not None and os.getpid() == self._pid:
            self._marks.append(self._mark())

    def _mark(self, begun: Faults | None = None) -> Mark:
        assert self._rollup is not None
        assert self._maps is not None
        begun = begun or Faults.now()
        words, mapped = bytes(self._rollup.take()), 0
        for line in bytes(self._maps.take()).splitlines():
            place, rights, _ = line.split(None, 2)
            if rights[:3] != b"---":
                start, _, end = place.partition(b"-")
                mapped += int(end, 16) - int(start, 16)
        head, _, rest = words.partition(b"\n")
        found = next(ranges_in(head + b"\nSize:\n" + rest))
        zero = zeros_of(self._pid)
        return Mark(mapped, found.resident or 0, found.huge or 0, len(sys.modules), zero, begun, Faults.now())

    def _costs(self) -> list[LineCost]:
        return [
            LineCost(
                line,
                now.mapped - was.mapped,
                now.resident - was.resident,
                now.huge - was.huge,
                now.begun.minor - was.ended.minor,
                now.begun.major - was.ended.major,
                now.modules - was.modules,
                None if now.zero is None or was.zero is None else now.zero - was.zero,
            )
            for line, was, now in zip(self._lines, self._marks, self._marks[1:], strict=False)
        ]

    # ---- words -------------------------------------------------------------------------------

    def _of_python(self, changes: tuple[Change, ...], runs: int, objects: int, arenas: int | None) -> list[str]:
        """Return sentences about the work of Python itself."""
        said = []
        if abs(objects) >= MANY:
            done = "more" if objects > 0 else "fewer"
            said.append(f"Python has {abs(objects):,} {done} small objects than before.")
        if arenas:
            done = "took" if arenas > 0 else "gave back"
            said.append(f"Python {done} {counted(abs(arenas), 'arena')} of 1 MiB for its objects.")
        if any(one.holds.endswith("?") for one in changes):
            said.append("A name with a question mark is a guess by the size.")
        if forks := _FORKS[0] - self._forks:
            said.append(
                f"{self._subject} forked {counted(forks, 'time')}: while both processes have a page, the first write to"
                " it copies it. These are faults."
            )
        modules = len(sys.modules) - self._modules
        if modules > 0:
            said.append(
                f"{counted(modules, 'module')} {'was' if modules == 1 else 'were'} imported for the first time."
            )
        if runs:
            said.append(f"Python's collector of garbage ran {counted(runs, 'time')}.")
        return said

    def _footprint(self) -> str:
        lines = " Each line was measured: that reads all page tables once a line." if self._lines else self._unsaid
        long = f" A reading took {self._reading:.1f} s: the kernel goes through all pages." * (self._reading >= LONG)
        return f"The measuring itself is not in these numbers.{lines}{long}"

    def json(self) -> dict[str, object]:
        """Return the numbers as JSON; raises :class:`Refused` before the code has ended."""
        if self.result is None:
            raise Refused("the code has not ended: ask after the with block")
        return self.result.json()

    def __repr__(self) -> str:
        return "what this code does to memory: ask when it has ended" if self.result is None else repr(self.result)


def _of_zeros(was: int | None, now: int | None) -> list[str]:
    """Return a sentence about pages that read as zeros, which have faults and take no memory."""
    if was is None or now is None or now - was < FEW:
        return []
    return [f"Faults found {now - was:,} more pages that read as zeros: they take no memory until they are written."]


def _of_lazily_freed(before: bytes, after: bytes) -> list[str]:
    """Return a sentence about pages that are given to the kernel when it needs frames (LazyFree of smaps)."""
    was, now = (sum(map(int, re.findall(rb"\nLazyFree: *(\d+)", text))) << 10 for text in (before, after))
    if now - was < SMALL:
        return []
    return [f"{rounded(now - was)} more is marked as free (MADV_FREE): it is in memory until the kernel needs frames."]


def _of_kept(was: Allocators, now: Allocators, left: int) -> list[str]:
    """Return why memory that was freed is still in the process; `left` is the bytes that left memory.

    Malloc's numbers do not say which pages are in memory: if as much left memory, its lists are no reason.
    """
    said = []
    if now.spare - was.spare >= KEPT:
        said.append(
            f"Freed memory stays: Python keeps {rounded(now.spare - was.spare)} more in its arenas than before. An"
            " arena of 1 MiB goes back only when no object in it is in use:"
            f" {counted(now.arenas or 0, 'arena')} with {rounded(now.objects)} in use (sys._debugmallocstats())."
        )
    free, given = now.free - was.free, max(0, (was.arenas or 0) - (now.arenas or 0)) * ARENA
    if free >= KEPT and left - given < free // 2:
        said.append(
            f"Freed memory stays: malloc keeps {rounded(free)} more in its lists of free blocks than before"
            " (mallinfo2()). ctypes.CDLL(None).malloc_trim(0) gives whole free pages back."
        )
    return said


def guessed(changes: Sequence[Change], ranges: Sequence[ProcessRange], arenas: int | None) -> tuple[Change, ...]:
    """Return the ranges with guessed names for Python's arenas, stacks and big objects; a guessed name ends with "?".

    `ranges` are the ranges before and after, and `arenas` is the difference of CPython's own count, or None.  A range
    of whole arenas is guessed first.  The kernel joins neighbouring ranges, so a range can be arenas and a big object:
    if arenas would not fill half of it, or if they are not counted, both are named.
    """
    guards = {one.end for one in ranges if one.is_reserved and one.size <= 64 << 10}
    ends = {one.start: one.end for one in ranges}
    left, found = abs(arenas or 0), {}
    for one in sorted(changes, key=lambda one: (one.mapped % ARENA > 0, abs(one.mapped))):
        if one.owner != NAMELESS or one.holds or one.ranges > 1 or abs(one.mapped) < ARENA:
            continue
        is_used = abs(one.resident) * 4 >= abs(one.mapped)
        fit = min(left, abs(one.mapped) // ARENA) if is_used and one.mapped * (arenas or 0) > 0 else 0
        left -= fit
        if fit * ARENA * 2 >= abs(one.mapped):
            found[one.start] = ARENAS
        elif fit or (is_used and arenas is None):
            found[one.start] = EITHER
        elif one.start in guards and ends[one.start] - one.start == abs(one.mapped):
            found[one.start] = "a thread's stack?"
        else:
            found[one.start] = "one big object?"
    return tuple(one._replace(holds=found.get(one.start, one.holds)) if one.ranges == 1 else one for one in changes)


def _how(kind: type[BaseException] | None, error: BaseException | None) -> str:
    """Return how the code ended, if it did not end well."""
    if error is None or kind is SystemExit:
        return ""
    if kind is KeyboardInterrupt:
        return "It was stopped: this is what it did until then."
    return f"It failed with {said_of(error)}; this is what it did until then."


def buffers(names: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return the addresses and lengths (bytes) of variables' big buffers.  Calls no method of a learner's objects."""
    found = {}
    for name, value in [*names.items()]:
        if type(name) is not str or name.startswith("_") or name in ("In", "Out"):
            continue
        place = memory_of(value)
        if place is not None and place[1] >= BIG:
            found[name] = place
    return found


def _places(buffers: Mapping[str, tuple[int, int]]) -> list[tuple[int, int, str]]:
    return [(start, start + size, name) for name, (start, size) in buffers.items()]


def memory_of(value: Any) -> tuple[int, int] | None:
    """Return the address and the length (bytes) of an object's contents; None for an object of another kind."""
    kind = type(value)
    if kind is bytes or kind is str:
        return id(value), sys.getsizeof(value)
    if kind.__module__ == "numpy" and kind.__name__ in ("ndarray", "memmap"):
        return _array(value)
    if kind in (bytearray, array.array, memoryview) or kind.__module__ == "mmap":
        try:
            with memoryview(value) as view:
                return _contents(view)
        except (TypeError, ValueError, BufferError):  # it is closed, or not in one piece
            return None
    return None


def _array(value: Any) -> tuple[int, int]:
    """Return the lowest address of an array of NumPy, and the bytes from there to its end; a view may have gaps."""
    low = high = value.__array_interface__["data"][0]
    for length, stride in zip(value.shape, value.strides, strict=True):
        low, high = low + min(0, (length - 1) * stride), high + max(0, (length - 1) * stride)
    return (low, high + value.itemsize - low) if value.size else (low, 0)


class _PyBuffer(ctypes.Structure):
    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


def _contents(view: memoryview) -> tuple[int, int] | None:
    """Return the address and the bytes of a buffer, which may be read-only; None for another Python than CPython."""
    if sys.implementation.name != "cpython":
        return None
    found = _PyBuffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(found), 0)
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(found))
    return found.buf or 0, found.len


@says_what_it_takes
def memory(names: Mapping[str, Any] | None = None) -> Measured:
    """Measure the effect of some code on this process's memory: new mappings, bytes in memory, page faults.

    ``with vm.memory() as seen: …`` measures the block; then ``print(seen)`` describes the effect in words,
    ``seen.json()`` in numbers, and a notebook draws it.  `names`, such as ``globals()``, are variables whose buffers
    are named.  In a notebook, ``%%pages`` does the same for a cell.

    Costs four readings of /proc/self/smaps (some 5 ms each for 1,000 ranges).  The numbers are those of
    proc_pid_smaps(5) and getrusage(2).  If the system has no /proc, the code runs, and a recording is shown, marked as
    such.

    >>> import vmwidgets as vm
    >>> with vm.memory() as seen:
    ...     big = bytearray(64 << 20)
    >>> seen.json()["mapped"]["after"] - seen.json()["mapped"]["before"] >= 64 << 20
    True
    """
    return Measured(names)


__all__ = ["Measured", "memory"]
