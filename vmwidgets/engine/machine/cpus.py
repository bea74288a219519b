"""All processors of a machine, and how one has the others drop translations: TLB shootdown.

X15's `pmap_update` drops up to 64 pages one by one, beyond that everything; other processors get an interrupt, and
the sender waits for each (Intel SDM volume 3A, 4.10.5, tells what goes wrong without).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base.errors import Broken, Refused, VMError, kernel_error, shown
from ..base.events import FaultRaised, ShootdownAcknowledged, ShootdownForgotten, ShootdownSent, SpaceLoaded
from ..base.operations import Door, operation
from ..base.protection import EXECUTE, READ, WRITE
from ..base.units import PAGE, Address
from ..base.values.cpus import CpusValue, CpuValue, FlushRequest, TlbSlot
from ..base.values.tables import Fault
from ..kernel.pmap.pmap import Pmap, mark
from ..kernel.pmap.tables import TableSpace
from ..kernel.threads.waits import MaySleep, run_without_sleeping
from ..mmu.cpu import ASID_BITS, Cpu, pieces
from ..mmu.format import Access
from ..mmu.tlb import Tlb
from . import checks

if TYPE_CHECKING:
    from ..memory.ram import Ram
    from .domain import MachineDomain
    from .machine import Machine
    from .tasks import Task


# ---- cpu access --------------------------------------------------------------------------------
#
# An access on a processor, with the kernel behind it: try, have the fault resolved, try again.


BITS = {"read": READ, "write": WRITE, "execute": EXECUTE}


def reach_all(cpu: MachineCpu, start: int, length: int, access: Access, user: bool, data: bytes | None) -> Any:
    """Move bytes on `cpu`, page by page: what was read, or None after `data` was written."""
    steps = move(cpu.machine.ram, start, length, lambda va: _reach(cpu, va, access, user), data)
    name = {"read": "load", "write": "store", "execute": "fetch"}[access]
    with cpu.machine.cpus.on(cpu):
        return cpu.machine.callbacks.complete(name, steps)


def move(
    ram: Ram, start: int, length: int, reach: Callable[[int], MaySleep[int]], data: bytes | None = None
) -> MaySleep[bytes | None]:
    """Move bytes page by page, each page once `reach` has its physical address: what was read, or None."""
    parts, done = [], 0
    for va, count in pieces(start, length):
        physical = yield from reach(va)
        if data is None:
            parts.append(ram.read(physical, count))
        else:
            ram.write(physical, data[done : done + count])
        done += count
    return b"".join(parts) if data is None else None


def move_at_once(
    ram: Ram, start: int, length: int, reach: Callable[[int], int], data: bytes | None = None
) -> bytes | None:
    """As :func:`move`, where reaching a page never sleeps."""

    def steps(va: int) -> MaySleep[int]:
        return reach(va)
        yield  # a generator that waits for nothing

    return run_without_sleeping(move(ram, start, length, steps, data))


def _reach(cpu: MachineCpu, va: int, access: Access, user: bool) -> MaySleep[int]:
    task = cpu.machine.cpus.task_of(cpu.pmap)
    if task is not None and cpu.pmap.layout.is_user(va):
        return reach_user(cpu, task, va, access, user)
    domain = cpu.machine.cpus.domain_of(cpu.pmap)
    if domain is not None and cpu.pmap.layout.is_user(va):
        return domain.reach(cpu, va, access, user)
    return (yield from reach_kernel(cpu, va, access, user))


def reach_user(cpu: MachineCpu, task: Task, va: int, access: Access, user: bool = True) -> int:
    """The physical address of `va` in the task that `cpu` runs, after its fault was resolved if it had one."""
    resolved = False
    while True:
        found = cpu.translate(va, access, user)
        if not isinstance(found, Fault):
            return found
        if _marked(cpu, va, access, user, found):
            continue
        if resolved:
            raise _again(va, found)
        task.map.vm_map.fault(va, BITS[access], task.enter_page)
        resolved = True


def reach_kernel(cpu: MachineCpu, va: int, access: Access, user: bool = False) -> MaySleep[int]:
    """The physical address of `va` in kernel memory, after its fault was resolved if it had one."""
    machine, resolved = cpu.machine, False
    while True:
        found = cpu.translate(va, access, user)
        if not isinstance(found, Fault):
            return found
        if _marked(cpu, va, access, user, found):
            continue
        if resolved:
            raise _again(va, found)
        inside = None if user else machine.kmem.map_of(va)
        if inside is None:
            raise kernel_error("FAULT", f"{Address(va)}: {found.why}")
        yield from machine.kernel.kmem.kmem.vm_fault(inside.vm_map, va, BITS[access])
        resolved = True


def _marked(cpu: MachineCpu, va: int, access: Access, user: bool, fault: Fault) -> bool:
    """Tell of a fault; whether flags were all that was missing, and are set now."""
    tell_fault(cpu, va, fault)
    return fault.kind == "access-flag" and mark(cpu.pmap, va, access, user, cpu.cpu.controls)


def tell_fault(cpu: MachineCpu, va: int, fault: Fault) -> None:
    """Report that an access to `va` faulted."""
    emit = cpu.machine.recorder.emit
    if emit is not None:
        emit((FaultRaised.tag, va, fault.kind, fault.code or 0))


def _again(va: int, fault: Fault) -> VMError:
    return kernel_error("FAULT", f"{Address(va)} faults again after it was resolved: {fault.why}")


# ---- cpu ---------------------------------------------------------------------------------------
#
# A processor of the machine: what it has loaded, and loads, stores and fetches through its TLB.


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


# ---- cpus --------------------------------------------------------------------------------------


MOST_CPUS, MOST_SETS, MOST_WAYS = 16, 256, 16


SHOOTDOWNS = ("acknowledged", "sent", "forgotten")
"""What becomes of a request to another processor: done before the sender goes on; left waiting until the other's
``acknowledge()``; never sent."""


class CpuSettings(NamedTuple):
    """How many processors a machine has, and what their TLBs are like."""

    number: int = 1
    sets: int = 16
    ways: int = 4
    asids: bool = False
    """Whether address spaces have a number in the TLB, and stay there when another is loaded."""

    def told(self) -> dict[str, Any]:
        """As they are given to :func:`vmwidgets.boot`."""
        return {"cpus": self.number, "tlb": (self.sets, self.ways), "asids": self.asids}


ONE_CPU = CpuSettings()
"""What a machine has unless more is asked for."""


def cpu_settings(architecture: str, cpus: Any, tlb: Any, asids: Any) -> CpuSettings:
    """The settings that :func:`vmwidgets.boot` was given, if they make sense."""
    count = checks.whole(cpus, "cpus")
    if not 1 <= count <= MOST_CPUS:
        raise Refused(f"cpus={count}: a machine has 1 to {MOST_CPUS} processors")
    if not isinstance(tlb, (tuple, list)) or len(tlb) != 2:
        raise Refused(f"tlb={shown(tlb)}: write the number of sets and that of ways, such as (16, 4)")
    sets, ways = (checks.whole(value, name) for value, name in zip(tlb, ("tlb[0]", "tlb[1]"), strict=True))
    if not 1 <= sets <= MOST_SETS or sets & sets - 1:
        raise Refused(f"tlb={shown(tlb)}: the number of sets is a power of two from 1 to {MOST_SETS}")
    if not 1 <= ways <= MOST_WAYS:
        raise Refused(f"tlb={shown(tlb)}: a set has 1 to {MOST_WAYS} ways")
    if checks.flag(asids, "asids") and not ASID_BITS[architecture]:
        raise Refused(f"asids=True: {architecture} has no numbers for address spaces; its PCIDs need 64-bit mode")
    return CpuSettings(count, sets, ways, asids)


class MachineCpus:
    """The processors of a machine, ``m.cpus[0]`` the one that cells run on.

    `shootdown` says what becomes of a flush that one asks another for; setting it is an operation.
    """

    path = "cpus"

    def __init__(self, machine: Machine, settings: CpuSettings) -> None:
        self.machine = machine
        self.settings = settings
        self.sent = self.acknowledged = self.forgotten = 0
        """How many requests were sent, acknowledged, forgotten since boot."""
        self._shootdown = SHOOTDOWNS[0]
        self._asids: dict[Pmap, int] = {}
        self._kernel = machine.pmap
        fmt = self._kernel.fmt
        self._cpus = [
            MachineCpu(self, one, Tlb(fmt, sets=settings.sets, ways=settings.ways), self._kernel)
            for one in range(settings.number)
        ]
        self._running = self._cpus[0]
        self._current = self._kernel.attach(self)

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @operation
    def set_shootdown(self, shootdown: str) -> None:
        """What becomes of flushes from now on: "acknowledged", "sent" or "forgotten"."""
        self._shootdown = checks.known(shootdown, SHOOTDOWNS, "shootdown")

    @property
    def shootdown(self) -> str:
        """What becomes of a flush that one processor asks another for; setting it is an operation."""
        return self._shootdown

    @shootdown.setter
    def shootdown(self, shootdown: str) -> None:
        self.set_shootdown(shootdown)

    # ---- looking -----------------------------------------------------------------------------

    def __getitem__(self, number: int) -> MachineCpu:
        count = len(self._cpus)
        if type(number) is not int or not 0 <= number < count:
            have = "one processor, cpus[0]" if count == 1 else f"{count} processors, from cpus[0] to cpus[{count - 1}]"
            raise Refused(f"cpus[{shown(number)}]: this machine has {have}; vm.boot(…, cpus=2) gives another number")
        return self._cpus[number]

    def __iter__(self) -> Iterator[MachineCpu]:
        return iter(self._cpus)

    def __len__(self) -> int:
        return len(self._cpus)

    def value(self) -> CpusValue:
        """All of them as a frozen value."""
        with self.door.looking():
            cpus = tuple(cpu.value() for cpu in self)
            counts = self.sent, self.acknowledged, self.forgotten
            return CpusValue(cpus, self._shootdown, self.settings.asids, *counts)

    def check(self) -> None:
        """Raise :class:`.errors.Broken` unless each TLB is sound and M5 holds.

        M5. no TLB keeps what the tables no longer say, but for flushes that were forgotten or not yet acknowledged,
        and for descriptors that were edited by hand.
        """
        for cpu in self:
            cpu.cpu.tlb.check()
            if cpu.pending or cpu.forgotten or cpu.edits:
                continue
            for line in cpu.cpu.tlb:
                wrong = cpu.cpu.stale(line)
                if wrong:
                    raise Broken(f"M5: {cpu.path} has a stale translation of {Address(line.va)}: {wrong[0]}")

    def __repr__(self) -> str:
        return "\n".join([f"shootdowns are {self._shootdown}", *(f"  {cpu!r}" for cpu in self)])

    # ---- what page tables ask for ------------------------------------------------------------

    @contextmanager
    def on(self, cpu: MachineCpu) -> Iterator[None]:
        """The kernel runs on `cpu`."""
        before = self._running
        self._running, self._current.pmap = cpu, cpu.current
        try:
            yield
        finally:
            self._running, self._current.pmap = before, before.current

    def loaded(self, space: TableSpace) -> None:
        """The processor that runs the kernel loads the tables of `space`."""
        assert isinstance(space, Pmap), "all spaces of a machine are pmaps"
        self._running.current = space
        self._running.switch(space)

    def flush(self, space: TableSpace, start: int, end: int, pages: int) -> None:
        """Drop [start, end), with `pages` 0 everything, here and on all processors that may keep something of it."""
        assert isinstance(space, Pmap), "all spaces of a machine are pmaps"
        kernel, running = space is self._kernel, self._running
        asid = None if kernel or space.global_leaves else self.asid_of(space)
        for cpu in self._cpus:
            if not kernel and cpu.pmap is not space and space not in cpu.seen:
                continue
            if cpu is running:
                cpu.drop(start, end, pages, asid)
            else:
                self._ask(cpu, FlushRequest(running.path, space.name, start, end, pages, asid))

    def forget(self, space: TableSpace) -> None:
        """The tables of `space` go away: the kernel's are loaded instead, what is kept of it goes, so does its number.

        A processor that is told nothing could not go on: that much no setting of `shootdown` leaves out.
        """
        assert isinstance(space, Pmap), "all spaces of a machine are pmaps"
        for cpu in self._cpus:
            if cpu.current is space:
                cpu.current = self._kernel
            if cpu.pmap is space:
                cpu.switch(self._kernel)
        if space in self._asids:
            self.flush(space, 0, 0, 0)
            del self._asids[space]
            for cpu in self._cpus:
                cpu.seen.discard(space)

    def _ask(self, cpu: MachineCpu, request: FlushRequest) -> None:
        """Send `cpu` an interrupt with a request, as `shootdown` says."""
        emit = self.machine.recorder.emit
        if self._shootdown == "forgotten":
            cpu.forgotten += 1
            self.forgotten += 1
            if emit is not None:
                emit((ShootdownForgotten.tag, cpu.path, request))
            return
        self.sent += 1
        if emit is not None:
            emit((ShootdownSent.tag, cpu.path, request))
        cpu.pending.append(request)
        if self._shootdown == "acknowledged":
            cpu.comply()

    # ---- what the machine asks for -----------------------------------------------------------

    def borrow(self, pmap: Pmap) -> MachineCpu:
        """Processor 0, with the tables of `pmap` loaded, for an access on behalf of a task."""
        self._cpus[0].switch(pmap)
        return self._cpus[0]

    def set_controls(self, controls: Any) -> None:
        """Set the settings of all processors."""
        for cpu in self._cpus:
            cpu.cpu.set_controls(cpu.pmap.registers(controls)[1])
            cpu.forgotten = cpu.edits = 0

    def asid_of(self, pmap: Pmap) -> int:
        """The number of an address space; 0 for the kernel's, and for those that have none."""
        return self._asids.get(pmap, 0)

    def number(self, pmap: Pmap) -> int:
        """The number of an address space that is loaded: the lowest that was free when it first was.

        With all numbers taken it has 0, and is dropped whenever it is loaded.
        """
        if pmap is not self._kernel and self.settings.asids and pmap not in self._asids:
            taken = set(self._asids.values())
            most = (1 << ASID_BITS[pmap.fmt.name]) - 1
            free = next((one for one in range(1, most + 1) if one not in taken), None)
            if free is not None:
                self._asids[pmap] = free
        return self.asid_of(pmap)

    def edited(self) -> None:
        """A descriptor was written by hand, and nobody flushes: what the TLBs keep may be wrong from now on."""
        for cpu in self._cpus:
            cpu.edits += bool(cpu.cpu.tlb)

    def domain_of(self, pmap: Pmap) -> MachineDomain | None:
        """The domain that has these tables, if it is one's."""
        return next((domain for domain in self.machine.domains.values() if domain.pmap is pmap), None)

    def task_of(self, pmap: Pmap) -> Task | None:
        """The task that has these tables; None for the kernel's, and a domain's."""
        return next((task for task in self.machine.tasks.values() if task.pmap is pmap), None)
