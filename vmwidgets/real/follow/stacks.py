"""The kernel's place in each process and on each hart: backtraces, by frame pointers, with lines.

xv6 is built with -fno-omit-frame-pointer, so the return address and the caller's s0 are just below the address in s0.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...engine.base.errors import Refused
from ...engine.base.units import PAGE
from ...engine.mmu.formats.riscv import R, V, W, X
from ..code import FP, RA, SP
from ..gdb import Gdb
from ..processes import Process, Processes
from ..program import Place, Program
from .calls import MAXVA

DEEPEST = 32

TP = 4
"""The register with the number of the hart."""

PC = 32

_INTERRUPTED = "kernelvec"
"""The function that saves the registers of an interrupted kernel, ra first; it does not move s0.

If the interrupted function had made a call, its ra is an address in that function.  Its own s0 refers only to its
caller.
"""


@dataclass
class Hart:
    """One processor at a stop: its number, its registers, and the backtrace, the innermost place first."""

    number: int
    registers: list[int]
    places: list[int]

    @property
    def in_kernel(self) -> bool:
        """Return whether the hart executes the kernel's code."""
        return self.registers[PC] >= 1 << 31


class Stacks:
    """The kernel's stacks of one guest."""

    def __init__(self, program: Program, processes: Processes) -> None:
        self._program = program
        self._processes = processes
        self._mapped: dict[int, int] = {}
        self._context = {name: _field(program, f"proc.context.{name}") for name in ("ra", "sp", "s0")}
        self._current: Place | None = None
        if "cpus" in program.symbols:
            self._cpus = program.variable("cpus")
            self._current = self._cpus.fields.get("proc")

    def harts(self, gdb: Gdb) -> list[Hart]:
        """Return all processors, with their backtraces."""
        return [
            Hart(number, registers, self.of_registers(gdb, registers))
            for number, registers in enumerate(gdb.general_of_all())
        ]

    def of_registers(self, gdb: Gdb, registers: list[int]) -> list[int]:
        """Return the places of a hart: the current one, its return address, and so on."""
        pc, ra, fp = registers[PC], registers[RA], registers[FP]
        code = self._program.code
        name = code.named(pc)
        if not name:
            return [pc]
        if not code.body(name).saves_ra:  # only the caller's s0 is below the address in s0
            pa = self._physical(gdb, fp - 8)
            before = gdb.words([pa])[0] if pa is not None else 0
            return [pc, ra, *self._chain(gdb, before if fp < before < fp + PAGE else fp)]
        rest = self._chain(gdb, fp)
        is_callers = code.named(ra) not in ("", name) and rest[:1] != [ra]  # the function just began, or is ending
        return [pc, *([ra] if is_callers else []), *rest]

    def waiting(self, gdb: Gdb, process: Process) -> list[int]:
        """Return the places of a process that no hart runs."""
        ra, fp = (self._saved(gdb, process, name) for name in ("ra", "s0"))
        return [ra, *self._chain(gdb, fp)] if ra else []

    def live(self, gdb: Gdb, process: Process) -> range:
        """Return the part of a waiting process's kernel stack that is in use, as physical addresses."""
        sp = self._saved(gdb, process, "sp")
        pa = self._physical(gdb, sp)
        return range(pa, (pa & -PAGE) + PAGE, 8) if pa is not None and sp else range(0)

    def live_of(self, gdb: Gdb, hart: Hart) -> range:
        """Return the part of a hart's kernel stack that is in use."""
        pa = self._physical(gdb, hart.registers[SP]) if hart.in_kernel else None
        return range(pa & -8, (pa & -PAGE) + PAGE, 8) if pa is not None else range(0)

    def current(self, gdb: Gdb, registers: list[int]) -> int:
        """Return the address of the `struct proc` that a hart in the kernel runs; 0 if it runs none."""
        number = registers[TP]
        if self._current is None or number >= self._cpus.count:
            return 0
        return gdb.words([self._cpus.address + number * self._cpus.step + self._current.offset])[0]

    def names(self, places: list[int]) -> list[str]:
        """Return the functions of a backtrace."""
        return [self._program.code.named(at - (1 if depth else 0)) for depth, at in enumerate(places)]

    def lines(self, places: list[int]) -> list[str]:
        """Return a backtrace in words: "freewalk (vm.c:280)"."""
        found = []
        for depth, at in enumerate(places):
            frames = self._program.frames(at - (1 if depth else 0))
            found += [f"{one.name} ({one.line})" if one.line is not None else one.name for one in frames if one.name]
        return found

    def _saved(self, gdb: Gdb, process: Process, name: str) -> int:
        offset = self._context[name]
        return 0 if offset is None else gdb.words([process.place + offset])[0]

    def _chain(self, gdb: Gdb, fp: int) -> list[int]:
        found: list[int] = []
        while len(found) < DEEPEST and fp and fp % 8 == 0:
            pa = self._physical(gdb, fp - 16)
            if pa is None:
                break
            before, place = gdb.words([pa, pa + 8])
            if not self._program.function(place) or not self._program.code.is_called_from(place):
                break  # forkret's own address is where the scheduler jumps to: nothing called it
            found.append(place)
            if self._program.code.named(place - 1) == _INTERRUPTED:
                was_to_return = gdb.words([pa + 16])[0]
                if self._program.code.named(was_to_return - 1):
                    found.append(was_to_return)
            if before <= fp:
                break
            fp = before
        return found

    def _physical(self, gdb: Gdb, va: int) -> int | None:
        """Return a kernel stack's physical address; processes' stacks are mapped high, boot's are mapped one to one."""
        if 1 << 31 <= va < 1 << 36:
            return va
        page = va & -PAGE
        frame = self._mapped.get(page) or self._walked(gdb, page)
        if frame is None:
            return None
        self._mapped[page] = frame
        return frame + va % PAGE

    def _walked(self, gdb: Gdb, page: int) -> int | None:
        """Return the frame to which the kernel's table maps a page that it does not map one to one.

        Only three words are read: a kernel whose processes have tables of their own maps no stacks there.
        """
        table = self._processes.kernel_root(gdb) if 0 < page < MAXVA else 0
        for shift in (30, 21, 12) if table else ():
            (word,) = gdb.words([table + 8 * (page >> shift & 511)])
            if not word & V:
                return None
            table = (word >> 10 & (1 << 44) - 1) << 12
            if word & (R | W | X):
                return table if shift == 12 and table != page else None
        return None


def _field(program: Program, path: str) -> int | None:
    """Return the offset of a field in `struct proc`."""
    try:
        return program.variable(path).address - program.address("proc")
    except Refused:
        return None
