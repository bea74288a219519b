"""Frames that the kernel has lost: they were handed out, and no pointer or descriptor refers to them.

This is the mark phase of a conservative garbage collector.  The roots are the kernel's variables, the parts of kernel
stacks that are in use, the registers, and the page tables of processes.  Anything that looks like a pointer or a
descriptor counts as one, so a frame in use is never called lost, but a lost frame may be missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import unpack

from ...engine.base.errors import Refused
from ...engine.base.units import PAGE
from ..gdb import Gdb
from ..processes import Process, Processes
from ..program import Program
from .free_list import LARGE, FreePages
from .spaces import Space, read_space
from .stacks import Hart, Stacks

_LEAF, _USER = 0xE, 0x10

_NO_ROOTS = ("proc", "stack0", "bcache", "ftable")
"""Variables that are not roots as a whole: the parts of them that are in use are examined separately."""


class Lost:
    """A kernel's frames, and the frames without any reference."""

    def __init__(self, program: Program, processes: Processes, stacks: Stacks) -> None:
        self._processes, self._stacks = processes, stacks
        self._data = _data_of(program)
        self._first = program.address("end") + PAGE - 1 & -PAGE if "end" in program.symbols else 0
        self._proc = program.variable("proc")
        self._files = _files(program)

    @property
    def is_known(self) -> bool:
        """Return whether the kernel's file says where its variables and its free memory are."""
        return bool(self._data and self._first)

    def frames(self, gdb: Gdb) -> range:
        """The frames that the kernel hands out, from its own end to the end of its direct map."""
        root = self._processes.kernel_root(gdb)
        leaves = read_space(gdb, root).leaves if root else {}
        last = max((va + leaf.size for va, leaf in leaves.items() if va == leaf.frame >= self._first), default=0)
        return range(self._first, last, PAGE)

    def without_leader(
        self, gdb: Gdb, processes: Iterable[Process], spaces: Iterable[Space], free: FreePages, harts: list[Hart]
    ) -> set[int]:
        """Return the frames that were handed out and have no reference."""
        marks = _Marks(self.frames(gdb), free)
        for space in spaces:
            marks.reached |= space.tables | {frame for leaf in space.leaves.values() for frame in leaf.frames}
        root = self._processes.kernel_root(gdb)
        if root:
            kernel = read_space(gdb, root)
            marks.reached |= kernel.tables | {leaf.frame for va, leaf in kernel.leaves.items() if va != leaf.frame}
        for start, stop in self._data:
            marks.words(_words(gdb, start, stop))
        for place, size, count in self._files:
            if gdb.words([count])[0] & 0xFFFF_FFFF:
                marks.words(_words(gdb, place, place + size))
        for one in processes:
            marks.words(_words(gdb, one.place, one.place + self._proc.step))
            if one.state != "running":
                marks.words(gdb.words(self._stacks.live(gdb, one)))
        for hart in harts:
            marks.words(hart.registers)
            marks.words(gdb.words(self._stacks.live_of(gdb, hart)))
        while marks.open:
            page = marks.open.pop()
            marks.words(_words(gdb, page, page + PAGE))
        return {pa for pa in marks.frames if pa not in marks.reached and pa not in free}


class _Marks:
    """The marked frames, and the marked frames whose words have not been examined yet."""

    def __init__(self, frames: range, free: FreePages) -> None:
        self.frames, self._free = frames, free
        self.reached: set[int] = set()
        self.open: list[int] = []

    def words(self, words: Iterable[int]) -> None:
        """Mark the frames that these words refer to, as addresses or as descriptors."""
        low, high = self.frames.start, self.frames.stop
        for word in words:
            if low <= word < high:
                page = word & -PAGE
            elif word & 1 and (not word & _LEAF or word & _USER):
                page = (word >> 10 & (1 << 44) - 1) << 12
            else:
                continue
            if low <= page < high and page not in self.reached and page not in self._free:
                self.reached.add(page)
                self.open.append(page)
                if page % LARGE == 0:  # the superpage that begins there
                    self.reached.update(range(page, min(page + LARGE, high), PAGE))


def _words(gdb: Gdb, start: int, stop: int) -> tuple[int, ...]:
    start, stop = start + 7 & -8, stop & -8
    (data,) = gdb.read([(start, stop - start)]) if stop > start else (b"",)
    return unpack(f"<{len(data) // 8}Q", data) if data else ()


def _files(program: Program) -> list[tuple[int, int, int]]:
    """Return the open files: address, size, and place of the reference count; a closed file refers to nothing."""
    try:
        files, count = program.variable("ftable.file"), program.variable("ftable.file.ref")
    except Refused:
        return []
    places = [files.address + number * files.step for number in range(files.count)]
    return [(place, files.step, place + count.address - files.address) for place in places]


def _data_of(program: Program) -> list[tuple[int, int]]:
    """Return the parts of memory with the kernel's variables, except variables that are not roots."""
    if "etext" not in program.symbols or "end" not in program.symbols:
        return []
    at, stop = program.address("etext"), program.address("end")
    found = []
    left_out = sorted(
        (program.symbols[name] for name in _NO_ROOTS if name in program.symbols), key=lambda one: one.address
    )
    for symbol in left_out:
        if at <= symbol.address < stop:
            found.append((at, symbol.address))
            at = symbol.address + symbol.size
    return [*found, (at, stop)]
