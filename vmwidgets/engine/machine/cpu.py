"""A processor of the machine: what it has loaded, and loads, stores and fetches through its TLB."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ..base.errors import Refused
from ..base.events import ShootdownAcknowledged, SpaceLoaded
from ..base.operations import Door, operation
from ..base.tlb_values import CpuValue, FlushRequest, TlbSlot
from ..base.units import PAGE, Address
from ..base.walk_values import Fault
from ..kernel.pmap import Pmap
from ..mmu.cpu import Cpu
from ..mmu.format import Access
from ..mmu.tlb import Tlb
from . import checks
from .cpu_access import reach_all

if TYPE_CHECKING:
    from .cpus import MachineCpus
    from .domain import MachineDomain
    from .machine import Machine
    from .tasks import Task


class MachineCpu:
    """Processor `number`; its operations are those of the programs and of the kernel that run on it.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64", cpus=2)
    >>> a = m.kmem_malloc(4096)
    >>> m.cpus[1].store(a, b"hello")
    >>> m.cpus[1].load(a, 5), m.cpus[1].value().tlb.hits
    (b'hello', 1)
    """

    def __init__(self, cpus: MachineCpus, number: int, tlb: Tlb[Any], pmap: Pmap) -> None:
        self._cpus = cpus
        self.machine: Machine = cpus.machine
        self.number = number
        self.path = f"cpu:{number}"
        self.cpu: Cpu[Any] = Cpu(self.path, self.machine.ram, pmap.fmt, tlb, self.machine.recorder)
        self.pmap = pmap
        """Whose tables it has loaded."""
        self.current = pmap
        """Whose tables the kernel had it load last; a task's reads and writes borrow processor 0 from them."""
        self.seen: set[Pmap] = {pmap}
        """Address spaces with a number of which the TLB may keep something."""
        self.pending: deque[FlushRequest] = deque()
        self.forgotten = 0
        """Flushes it should have been asked for, since its TLB was last empty."""
        self.edits = 0
        """How often descriptors were edited by hand, since its TLB was last empty."""
        self._window_used = False
        root, controls = pmap.registers(self.machine.controls)
        self.cpu.load_root(root, controls=controls)

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    # ---- what runs on it ---------------------------------------------------------------------

    @operation
    def run(self, task: Task | MachineDomain | str | None = None) -> None:
        """Have it run `task`, or a domain ("domain:hello"): its tables are loaded; without one, the kernel's alone.

        What the TLB keeps of other tasks is dropped, unless the machine tells address spaces apart (``asids=True``).
        """
        pmap = self.machine.pmap_of(task)
        with self._cpus.on(self):
            pmap.load()

    @operation
    def load(self, address: int | str, length: int | str = 1, *, user: bool | None = None) -> bytes:
        """`length` bytes from `address` on, through the TLB, as what runs here reads them; faults are resolved.

        `user` says whether user code does it; without it, it does if the address is the user's.  FAULT and ACCES as
        the kernel's fault handler has them.  O(pages).
        """
        return self._read(*self._span(address, length), "read", user)

    @operation
    def store(self, address: int | str, data: bytes, *, user: bool | None = None) -> None:
        """Write `data` from `address` on, through the TLB; see :meth:`load`.

        An error leaves what was written before it.
        """
        content = checks.content(data)
        start, count = self._span(address, len(content))
        done: None = reach_all(self, start, count, "write", self._by_user(start, user), content)
        return done

    @operation
    def fetch(self, address: int | str, length: int | str = 1, *, user: bool | None = None) -> bytes:
        """`length` bytes from `address` on, as instructions; see :meth:`load`."""
        return self._read(*self._span(address, length), "execute", user)

    def _read(self, start: int, length: int, access: Access, user: bool | None) -> bytes:
        result: bytes = reach_all(self, start, length, access, self._by_user(start, user), None)
        return result

    # ---- what the kernel does on it ----------------------------------------------------------

    @operation
    def flush(
        self,
        address: int | str | None = None,
        *,
        task: Task | MachineDomain | str | None = None,
        keep_globals: bool = False,
    ) -> int:
        """Drop translations from the TLB; how many.

        With `address` those of its page, global or not; with `task`, or a domain, those of its address space that are
        not global; with neither all, but what is global if that is to be kept.
        """
        kept = checks.flag(keep_globals, "keep_globals")
        pmap = None if task is None else self.machine.pmap_of(task)
        if kept and (address is not None or pmap is not None):
            raise Refused("keep_globals=True: it is for a flush of everything; leave address and task out")
        before = len(self.cpu.tlb)
        if address is not None:
            page = checks.whole(address, "address") & -PAGE
            self.cpu.flush_range(page, page + PAGE, self._cpus.asid_of(self.pmap if pmap is None else pmap))
        elif pmap is None:
            self.cpu.flush_all(globals_too=not kept)
        elif pmap is self.pmap or self._cpus.asid_of(pmap):
            self.cpu.flush_space(self._cpus.asid_of(pmap))
        if not self.cpu.tlb:
            self.forgotten = self.edits = 0
        return before - len(self.cpu.tlb)

    @operation
    def acknowledge(self) -> int:
        """Handle the interrupts that other processors have sent: drop what they ask for, and say so; how many."""
        return self.comply()

    # ---- looking -----------------------------------------------------------------------------

    @property
    def space(self) -> str:
        """Whose tables are loaded: "kernel", a task's name, or a domain's path."""
        return self.pmap.name

    @property
    def asid(self) -> int:
        """Number of the address space that is loaded; 0 for the kernel's and where spaces have none."""
        return self.cpu.asid

    def lookup(self, address: int | str) -> TlbSlot | None:
        """What the TLB keeps for `address`, whether it is stale, or None; it does not count as a use."""
        with self.door.looking():
            line = self.cpu.tlb.peek(checks.whole(address, "address"), self.asid)
            if line is None:
                return None
            row = self.value().tlb.rows[line.set]
            return row[line.way]

    @property
    def stale(self) -> tuple[TlbSlot, ...]:
        """What the TLB keeps and the tables no longer say."""
        return self.value().tlb.stale

    def value(self) -> CpuValue:
        """The processor and its TLB as a frozen value.  O(ways × levels)."""
        with self.door.looking():
            tlb = self.cpu.tlb.value(self.cpu.stale)
            loaded = self.path, self.space, self.pmap.root, self.asid
            return CpuValue(*loaded, tlb, tuple(self.pending), self.forgotten, self.edits)

    # ---- beneath -----------------------------------------------------------------------------

    def translate(self, va: int, access: Access, user: bool) -> int | Fault:
        """One access; see :meth:`vmwidgets.engine.mmu.cpu.Cpu.translate`."""
        window = self.pmap.layout.window
        if window is not None and window <= va < window + self.pmap.fmt.root_level.span:
            self._window_used = True
        return self.cpu.translate(va, access, user)

    def switch(self, pmap: Pmap) -> None:
        """Have the tables of `pmap` loaded."""
        if pmap is self.pmap:
            return
        before, self.pmap = self.pmap, pmap
        asid = self._cpus.number(pmap)
        emit = self.machine.recorder.emit
        if emit is not None:
            emit((SpaceLoaded.tag, self.path, pmap.name, pmap.root, asid, before.name))
        if before.global_leaves:
            self.cpu.flush_all(globals_too=True)
        root, controls = pmap.registers(self.machine.controls)
        self.cpu.load_root(root, asid, keep=bool(asid), controls=controls)
        if asid:
            self.seen.add(pmap)

    def drop(self, start: int, end: int, pages: int, asid: int | None) -> None:
        """Flush what the kernel wants flushed: a range, or with `pages` 0 everything of the space."""
        if self._window_used:
            self._flush_window()
        if self.cpu.tlb:
            if pages:
                self.cpu.flush_range(start, end, asid)
            elif asid is None:
                self.cpu.flush_all(globals_too=True)
            else:
                self.cpu.flush_space(asid)
        if not self.cpu.tlb:
            self.forgotten = self.edits = 0

    def comply(self) -> int:
        """Do what other processors asked for, and acknowledge it; how many requests there were."""
        count, emit = len(self.pending), self.machine.recorder.emit
        while self.pending:
            request = self.pending.popleft()
            self.drop(request.start, request.end, request.pages, request.asid)
            if emit is not None:
                emit((ShootdownAcknowledged.tag, self.path, request))
            self._cpus.acknowledged += 1
        return count

    def _flush_window(self) -> None:
        """The tables may have changed in which tables they have: what was seen of them in the window goes."""
        window = self.pmap.layout.window
        assert window is not None, "it was used"
        self.cpu.flush_range(window, window + self.pmap.fmt.root_level.span, None)
        self._window_used = False

    def _by_user(self, address: int, user: bool | None) -> bool:
        return self.pmap.layout.is_user(address) if user is None else checks.flag(user, "user")

    def _span(self, address: int | str, length: int | str) -> tuple[int, int]:
        return checks.span(address, length, self.pmap.fmt.word_bits)

    def __repr__(self) -> str:
        return f"<{self.path}: runs {self.space!r}, root table at {Address(self.pmap.root)}, {self.cpu.tlb!r}>"
