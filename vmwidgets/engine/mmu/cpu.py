"""A processor's access to memory: loads, stores and fetches through its TLB.

The processor knows no kernel.  Its owner decides what to do with a fault: :meth:`Cpu.translate` returns the fault, and
the machine's processors move bytes with this method.
"""

from __future__ import annotations

from typing import Generic

from ..base.errors import in_ascii
from ..base.recorder import Recorder
from ..base.units import PAGE
from ..memory.ram import Ram
from .chains import fault_of
from .editor import TableEditor
from .format import TableFormat
from .rules import Access, C
from .tables_schema import Fault
from .tlb import Tlb, TlbEntry
from .tlb_schema import Difference, TlbFilled, TlbFlushed, TlbHit, TlbMissed
from .walk import fault_after, translate


class Cpu(Generic[C]):
    """A processor called `name` with the tables at `root` loaded; `controls` are its settings."""

    def __init__(self, name: str, ram: Ram, fmt: TableFormat[C], tlb: Tlb[C], recorder: Recorder) -> None:
        self.name = name
        self.ram = ram
        self.fmt = fmt
        self.tlb = tlb
        self.controls = fmt.defaults
        self.root = 0
        """The physical address of the root table, as in CR3, TTBR0 or satp."""
        self.asid = 0
        """The number of the loaded address space; 0 if address spaces have no numbers."""
        self.references = 0
        """The number of descriptors that this processor's walks have read."""
        self._loaded: dict[int, tuple[int, C]] = {0: (0, self.controls)}
        """By address-space number: the root that was loaded last, and its settings."""
        self._recorder = recorder
        self._editor = TableEditor(ram, fmt, recorder)

    # ---- translation -------------------------------------------------------------------------

    def translate(self, va: int, access: Access, user: bool) -> int | Fault:
        """Return the physical address for one access, or its fault: from the TLB, or by a walk, which fills the TLB.

        A hit depends on the cached permissions, whatever the tables say now.  Only a successful walk is cached: an
        absent page is walked again each time.  O(1) for a hit, O(levels) for a miss.
        """
        entry, emit = self.tlb.lookup(va, self.asid), self._recorder.emit
        if entry is None:
            if emit is not None:
                emit((TlbMissed.tag, self.name, va, access))
            return self._walk(va, access, user, None)
        stop = entry.forbids(access, user, self.controls)
        clean = stop is None and access == "write" and entry.pending != 0
        if emit is not None:
            outcome = "used" if stop is None and not clean else "clean" if clean else "forbidden"
            emit((TlbHit.tag, self.name, va, access, entry.set, entry.way, outcome))
        if stop is not None:
            self._after_fault(va)
            return fault_of(self.fmt.rules, stop, entry.path, access, user, self.controls)
        return self._walk(va, access, user, entry) if clean else entry.pa | va & entry.size - 1

    def _walk(self, va: int, access: Access, user: bool, clean: TlbEntry[C] | None) -> int | Fault:
        """Read the tables, set the hardware's bits in them, and cache the result, perhaps over a `clean` entry."""
        found = translate(self.ram, self.fmt, self.root, va, access, user, self.controls)
        self.references += len(found.path)
        if found.pa is None:
            self._after_fault(va)
            return fault_after(self.fmt, found, access, user, self.controls)
        self._editor.mark_accessed(found)
        if clean is not None and clean.size != found.page_size:
            self._dropped("range", clean.va, clean.va + clean.size, self.asid, self.tlb.drop(va, self.asid))
        entry, evicted = self.tlb.fill(found, self.asid, self.controls)
        emit = self._recorder.emit
        if emit is not None:
            emit((TlbFilled.tag, self.name, entry.value, None if evicted is None else evicted.value))
        return found.pa

    def _after_fault(self, va: int) -> None:
        """Drop the address's translation after a page fault on x86 (SDM 4.10.4.1); other processors keep it."""
        if self.fmt.faults_flush:
            dropped = self.tlb.drop(va, self.asid)
            if dropped:
                self._dropped("fault", va, va, self.asid, dropped)

    # ---- what a kernel does ------------------------------------------------------------------

    def load_root(self, root: int, asid: int = 0, *, keep: bool = False, controls: C | None = None) -> None:
        """Load the tables at `root` for address space `asid`, with `controls` if other base registers are loaded too.

        Unless `keep`, cached translations for that number are dropped, except global ones.  SDM 4.10.4.1 (MOV to CR3;
        bit 63 is `keep`).  On ARM and RISC-V, loading the register drops nothing, and a kernel that uses no numbers
        flushes by itself.
        """
        self.root, self.asid = root, asid
        self.controls = self.controls if controls is None else controls
        self._loaded[asid] = root, self.controls
        if not keep:
            self.flush_space(asid)

    def set_controls(self, controls: C) -> None:
        """Set the processor's settings, and drop everything, since the settings determine how tables are read."""
        if controls != self.controls:
            self.controls = controls
            self._loaded = {self.asid: (self.root, controls)}
            self.flush_all(globals_too=True)

    def flush_range(self, start: int, end: int, asid: int | None = None) -> None:
        """Drop translations of [start, end) in address space `asid` (None for all), global or not.

        INVLPG, INVPCID type 0; TLBIMVA, TLBIMVAA; TLBI VAE1, VAAE1; sfence.vma with an address.
        """
        dropped = self.tlb.drop(start, asid) if end - start == PAGE else self.tlb.drop_range(start, end, asid)
        if dropped:
            self._dropped("range", start, end, asid, dropped)

    def flush_space(self, asid: int) -> None:
        """Drop all of address space `asid` except global ones: INVPCID type 1; TLBIASID; TLBI ASIDE1; sfence.vma."""
        self._dropped("space", 0, 0, asid, self.tlb.drop_space(asid))

    def flush_all(self, *, globals_too: bool) -> None:
        """Drop everything, or everything except global translations.

        INVPCID types 2 and 3; TLBIALL; TLBI VMALLE1; sfence.vma without operands.
        """
        scope = "all and global" if globals_too else "all"
        self._dropped(scope, 0, 0, None, self.tlb.drop_all(globals_too=globals_too))

    def _dropped(self, scope: str, start: int, end: int, asid: int | None, entries: list[TlbEntry[C]]) -> None:
        emit = self._recorder.emit
        if entries and emit is not None:
            emit((TlbFlushed.tag, self.name, scope, start, end, asid, tuple(entry.value for entry in entries)))

    # ---- looking -----------------------------------------------------------------------------

    def stale(self, entry: TlbEntry[C]) -> tuple[Difference, ...]:
        """Return how an entry differs from a fresh walk of its address space's tables; empty if it does not."""
        return entry.differences(self.ram, *self._loaded[self.asid if entry.asid is None else entry.asid])

    @in_ascii
    def __repr__(self) -> str:
        return f"<{self.name}: {self.fmt.base_register} {self.root:#x}, address space {self.asid}, {self.tlb!r}>"
