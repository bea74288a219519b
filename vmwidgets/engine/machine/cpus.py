"""All processors of a machine, and how one has the others drop translations: TLB shootdown.

X15's `pmap_update` drops up to 64 pages one by one, beyond that everything; other processors get an interrupt, and
the sender waits for each (Intel SDM volume 3A, 4.10.5, tells what goes wrong without).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base.errors import Broken, Refused, shown
from ..base.events import ShootdownForgotten, ShootdownSent
from ..base.operations import Door, operation
from ..base.tlb_values import CpusValue, FlushRequest
from ..base.units import Address
from ..kernel.pmap import Pmap
from ..kernel.pmap_tables import TableSpace
from ..mmu.cpu import ASID_BITS
from ..mmu.tlb import Tlb
from . import checks
from .cpu import MachineCpu

if TYPE_CHECKING:
    from .domain import MachineDomain
    from .machine import Machine
    from .tasks import Task

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
