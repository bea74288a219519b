"""A processor, as far as memory goes: loads, stores and fetches through its TLB.

It knows no kernel.  What it does with a fault is up to whoever owns it: :meth:`Cpu.translate` gives the fault, and
:meth:`Cpu.load` and its kin call a trap handler and try again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from ..base.events import TlbFilled, TlbFlushed, TlbHit, TlbMissed
from ..base.recorder import Recorder
from ..base.units import PAGE
from ..base.values.cpus import Difference
from ..base.values.tables import Fault
from ..memory.ram import Ram
from .editor import TableEditor
from .format import Access, C, Stop, TableFormat, WalkEntry
from .tlb import Tlb, TlbLine, differences
from .walk import walk

Trap = Callable[[int, Access, bool, Fault], None]
"""Handles the fault of an access to an address, by user code or not; it raises what ends the access."""


class Trapped(Exception):
    """An access faulted, and nobody handles traps; `fault` says why."""

    def __init__(self, va: int, access: Access, user: bool, fault: Fault) -> None:
        super().__init__(f"{fault.exception}: {fault.why}")
        self.va = va
        self.access = access
        self.user = user
        self.fault = fault


def unhandled(va: int, access: Access, user: bool, fault: Fault) -> None:
    """Handles nothing."""
    raise Trapped(va, access, user, fault)


class Cpu(Generic[C]):
    """A processor called `name` with the tables at `root` loaded; `controls` are its settings."""

    def __init__(
        self, name: str, ram: Ram, fmt: TableFormat[C], tlb: Tlb[C], recorder: Recorder, trap: Trap = unhandled
    ) -> None:
        self.name = name
        self.ram = ram
        self.fmt = fmt
        self.tlb = tlb
        self.trap = trap
        self.controls = fmt.defaults
        self.root = 0
        """Physical address of the root table, as in CR3, TTBR0 or satp."""
        self.asid = 0
        """Number of the address space that is loaded; 0 where none are used."""
        self._loaded: dict[int, tuple[int, C]] = {0: (0, self.controls)}
        """The root that was last loaded for each address space's number, and the settings it was loaded with."""
        self._recorder = recorder
        self._editor = TableEditor(ram, fmt, recorder)

    # ---- what a program does -----------------------------------------------------------------

    def load(self, va: int, length: int, *, user: bool) -> bytes:
        """`length` bytes from `va` on, page by page."""
        return b"".join(self.ram.read(self._reach(at, "read", user), count) for at, count in pieces(va, length))

    def store(self, va: int, data: bytes, *, user: bool) -> None:
        """Put `data` at `va`, page by page: a trap that raises leaves what was stored before it."""
        done = 0
        for at, count in pieces(va, len(data)):
            self.ram.write(self._reach(at, "write", user), data[done : done + count])
            done += count

    def fetch(self, va: int, length: int, *, user: bool) -> bytes:
        """`length` bytes from `va` on, as instructions."""
        return b"".join(self.ram.read(self._reach(at, "execute", user), count) for at, count in pieces(va, length))

    def _reach(self, va: int, access: Access, user: bool) -> int:
        while True:
            found = self.translate(va, access, user)
            if not isinstance(found, Fault):
                return found
            self.trap(va, access, user, found)

    # ---- translation -------------------------------------------------------------------------

    def translate(self, va: int, access: Access, user: bool) -> int | Fault:
        """The physical address for one access, or its fault: from the TLB, else by a walk, which fills it.

        A hit is judged by what the TLB keeps, whatever the tables say by now.  Only a walk that goes through is kept:
        what is absent is looked for again each time.  O(1) on a hit, O(levels) on a miss.
        """
        line, emit = self.tlb.lookup(va, self.asid), self._recorder.emit
        if line is None:
            if emit is not None:
                emit((TlbMissed.tag, self.name, va, access))
            return self._walk(va, access, user, None)
        stop = line.forbids(access, user, self.controls)
        clean = stop is None and access == "write" and line.pending != 0
        if emit is not None:
            outcome = "used" if stop is None and not clean else "clean" if clean else "forbidden"
            emit((TlbHit.tag, self.name, va, access, line.set, line.way, outcome))
        if stop is not None:
            return self._forbidden(line, stop, va, access, user)
        return self._walk(va, access, user, line) if clean else line.pa | va & line.size - 1

    def _walk(self, va: int, access: Access, user: bool, clean: TlbLine[C] | None) -> int | Fault:
        """Read the tables, set what the hardware sets in them, and keep the result, in place of a `clean` entry."""
        found = walk(self.ram, self.fmt, self.root, va, access, user, self.controls)
        if found.pa is None:
            assert found.fault is not None, "a walk gives an address or a fault"
            self._after_fault(va)
            return found.fault
        self._editor.mark_accessed(found)
        if clean is not None and clean.size != found.page_size:
            self._dropped("range", clean.va, clean.va + clean.size, self.asid, self.tlb.drop(va, self.asid))
        line, evicted = self.tlb.fill(found, self.asid, self.controls)
        emit = self._recorder.emit
        if emit is not None:
            emit((TlbFilled.tag, self.name, line.value, None if evicted is None else evicted.value))
        return found.pa

    def _forbidden(self, line: TlbLine[C], stop: Stop, va: int, access: Access, user: bool) -> Fault:
        """The fault of a hit that may not be used."""
        blamed = [at.level.name for at in line.path if stop.culprit in _told(at)]
        why = f"{stop.why} in the {' and the '.join(blamed)}" if blamed else stop.why
        report = self.fmt.rules.report(stop, line.path, access, user, self.controls)
        level = line.path[-1].level.number
        self._after_fault(va)
        return Fault(stop.kind, level, report.code, report.exception, why, report.fields, report.syndrome)

    def _after_fault(self, va: int) -> None:
        """On x86 a page fault drops what the TLB keeps of its address (SDM 4.10.4.1); elsewhere it stays."""
        if self.fmt.faults_flush:
            self._dropped("fault", va, va, self.asid, self.tlb.drop(va, self.asid))

    # ---- what a kernel does ------------------------------------------------------------------

    def load_root(self, root: int, asid: int = 0, *, keep: bool = False, controls: C | None = None) -> None:
        """Load the tables at `root` for address space `asid`; `controls` if other base registers are loaded with it.

        What the TLB keeps for that number is dropped, but for what is global, unless `keep`.  SDM 4.10.4.1 (MOV to
        CR3; bit 63 is `keep`); on ARM and RISC-V the register by itself drops nothing, and the kernel flushes where
        it uses no numbers.
        """
        self.root, self.asid = root, asid
        self.controls = self.controls if controls is None else controls
        self._loaded[asid] = root, self.controls
        if not keep:
            self.flush_space(asid)

    def set_controls(self, controls: C) -> None:
        """Set the processor's settings, and drop everything: the settings decide how tables are read."""
        if controls != self.controls:
            self.controls = controls
            self._loaded = {self.asid: (self.root, controls)}
            self.flush_all(globals_too=True)

    def flush_range(self, start: int, end: int, asid: int | None = None) -> None:
        """Drop what is kept for [start, end) in address space `asid` (None: in all), global or not.

        INVLPG, INVPCID type 0; TLBIMVA, TLBIMVAA; TLBI VAE1, VAAE1; sfence.vma with an address.
        """
        dropped = self.tlb.drop(start, asid) if end - start == PAGE else self.tlb.drop_range(start, end, asid)
        self._dropped("range", start, end, asid, dropped)

    def flush_space(self, asid: int) -> None:
        """Drop all of address space `asid` but what is global: INVPCID type 1; TLBIASID; TLBI ASIDE1; sfence.vma."""
        self._dropped("space", 0, 0, asid, self.tlb.drop_space(asid))

    def flush_all(self, *, globals_too: bool) -> None:
        """Drop everything, or everything but what is global.

        INVPCID types 2 and 3; TLBIALL; TLBI VMALLE1; sfence.vma without operands.
        """
        scope = "all and global" if globals_too else "all"
        self._dropped(scope, 0, 0, None, self.tlb.drop_all(globals_too=globals_too))

    def _dropped(self, scope: str, start: int, end: int, asid: int | None, lines: list[TlbLine[C]]) -> None:
        emit = self._recorder.emit
        if lines and emit is not None:
            emit((TlbFlushed.tag, self.name, scope, start, end, asid, tuple(line.value for line in lines)))

    # ---- looking -----------------------------------------------------------------------------

    def stale(self, line: TlbLine[C]) -> tuple[Difference, ...]:
        """In what an entry differs from a fresh walk of the tables of its address space; empty if in nothing."""
        root, controls = self._loaded[self.asid if line.asid is None else line.asid]
        return differences(self.ram, line, root, controls)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.fmt.base_register} {self.root:#x}, address space {self.asid}, {self.tlb!r}>"


def _told(at: WalkEntry) -> list[tuple[str, int]]:
    """The fields of a descriptor, by name, with what they hold."""
    return [(field.name, field.of(at.word)) for field in at.descriptor.fields]


def pieces(va: int, length: int) -> list[tuple[int, int]]:
    """[va, va + length) cut at page borders: address and bytes of each piece.

    >>> pieces(0xFFE, 4)
    [(4094, 2), (4096, 2)]
    """
    found, end = [], va + length
    while va < end:
        count = min(PAGE - va % PAGE, end - va)
        found.append((va, count))
        va += count
    return found
