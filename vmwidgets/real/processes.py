"""The processes of xv6, by the names in its source: `proc`, `kernel_pagetable`, the free list.

The fields of `struct proc` are looked up by name, so that a student's own fields in between do no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from vmwidgets.engine.base.frozen import frozen

from ..engine.base.errors import Refused, in_ascii, shown
from ..engine.base.units import counted
from ..engine.mmu.formats.riscv import SV39
from ..engine.mmu.tables import PageTables
from ..engine.mmu.walk import Memory
from .program import Place, Program

UNUSED = "unused"

STATES = (UNUSED, "used", "sleeping", "runnable", "running", "zombie")
"""The names of `enum procstate` since 2021, for a kernel whose file does not describe its own."""


class Bytes(Protocol):
    """A source of a kernel's bytes: a stopped guest, or saved memory."""

    def read_one(self, pa: int, length: int) -> bytes:
        """Return `length` bytes from `pa` on."""

    def words(self, places: Iterable[int]) -> list[int]:
        """Return words of 8 bytes."""


@frozen
class Process:
    """One process: its name, number and state, its size in bytes, and the physical address of its root table."""

    name: str
    pid: int
    state: str
    size: int
    root: int
    place: int = 0
    """The address of its `struct proc`."""
    parent: int = 0
    """The address of the `struct proc` of its parent; 0 if there is none."""
    chan: int = 0
    """What it sleeps for, if it sleeps."""

    @property
    def waits(self) -> bool:
        """Return whether it sleeps in `wait`, where a process of xv6 sleeps on itself."""
        return self.state == "sleeping" and self.chan == self.place

    @in_ascii
    def __str__(self) -> str:
        return f"{self.name or 'process'} ({self.pid})"

    def tables(self, memory: Memory) -> PageTables[Any]:
        """Return its page tables in `memory`."""
        return PageTables(str(self), memory, SV39, self.root)


class Processes:
    """The places of the processes, of the kernel's root and of the free list in a program.

    Raises :class:`Refused` if the program has no `proc`, or its `struct proc` lacks a field that is needed.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        table = program.variable("proc")
        self._start, self._size, self._count = table.address, table.size, table.count
        self._fields: dict[str, Place] = {}
        for name in ("state", "pid", "sz", "pagetable", "name"):
            if name not in table.fields:
                raise Refused(f"{program.path}: struct proc has no field {name!r}; is this xv6?")
            self._fields[name] = table.fields[name]
        self._fields |= {name: table.fields[name] for name in ("parent", "chan") if name in table.fields}
        self._known: dict[int, tuple[bytes, Process | None]] = {}
        self._states = program.states or STATES
        self._kernel = program.address("kernel_pagetable")
        self.free_list = program.variable("kmem.freelist").address

    def kernel_root(self, of: Bytes) -> int:
        """Return the physical address of the kernel's root table; 0 before `kvminit` has made it."""
        return of.words([self._kernel])[0]

    def read(self, of: Bytes) -> tuple[Process, ...]:
        """Return the processes that have a page table now.  One batch of packets."""
        data = of.read_one(self._start, self._size * self._count)
        found = (self._process(at, data[at : at + self._size]) for at in range(0, len(data), self._size))
        return tuple(one for one in found if one is not None)

    def _process(self, at: int, one: bytes) -> Process | None:
        """Return the process of a `struct proc`, if it has a page table; unchanged bytes are not decoded again."""
        known = self._known.get(at)
        if known is not None and known[0] == one:
            return known[1]
        state, root = self._number(one, "state"), self._number(one, "pagetable")
        said = self._states[state] if state < len(self._states) else str(state)
        found = None
        if root and (said != UNUSED or self._number(one, "pid")):  # in 2020, a child is unused until it runs
            place = self._fields["name"]
            name = one[place.offset : place.offset + place.size].split(b"\0")[0].decode("ascii", "replace")
            numbers = [self._number(one, which) for which in ("parent", "chan")]
            found = Process(
                name, self._number(one, "pid"), said, self._number(one, "sz"), root, self._start + at, *numbers
            )
        self._known[at] = one, found
        return found

    @staticmethod
    def one_called(which: str | int, there: Sequence[Process]) -> Process:
        """Return the process with this name or pid."""
        found = [one for one in there if which in (one.name, one.pid) and not isinstance(which, bool)]
        if len(found) != 1:
            names = ", ".join(map(str, there)) or "none"
            many = "no process is" if not found else f"{counted(len(found), 'process')} are"
            raise Refused(f"{many} called {shown(which)}; there are: {names}. Give a pid, such as k.process(1).")
        return found[0]

    def _number(self, data: bytes, name: str) -> int:
        place = self._fields.get(name)
        if place is None:
            return 0  # of `parent` and `chan`, which a kernel may have elsewhere
        return int.from_bytes(data[place.offset : place.offset + place.size], "little")
