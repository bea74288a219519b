"""The handles of a machine's processors: loads, stores and fetches through a TLB, flushes, shootdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias, TypeVar, overload

from ...base.errors import Refused, in_ascii, shown
from ...base.operations import number_within, operation
from ...base.units import PAGE, Address
from ...kernel.threads.waits import MaySleep
from ...mmu.format import TableFormat
from ...mmu.rules import Access
from ...mmu.tlb_schema import TlbSlot
from ...spaces.processors import SHOOTDOWNS, CpuSettings, Processor, Processors
from ...spaces.processors_schema import CpusValue, CpuValue
from .. import arguments
from ..arguments import FlagArg, one_of
from ..reading import OF_TABLES, Reading
from ..system import Part, SpacePart, System

MOST_CPUS, MOST_SETS, MOST_WAYS = 16, 256, 16

ShootdownArg: TypeAlias = Annotated[str, one_of(SHOOTDOWNS)]

T = TypeVar("T")


def cpu_settings(fmt: TableFormat[Any], cpus: Any, tlb: Any, asids: Any) -> CpuSettings:
    """Return the checked settings from :func:`vmwidgets.boot`."""
    count = arguments.whole(cpus, "cpus")
    if not 1 <= count <= MOST_CPUS:
        raise Refused(f"cpus={count}: a machine has 1 to {MOST_CPUS} processors")
    if not isinstance(tlb, (tuple, list)) or len(tlb) != 2:
        raise Refused(f"tlb={shown(tlb)}: write the number of sets and the number of ways, such as (16, 4)")
    sets, ways = (arguments.whole(value, name) for value, name in zip(tlb, ("tlb[0]", "tlb[1]"), strict=True))
    if not 1 <= sets <= MOST_SETS or sets & sets - 1:
        raise Refused(f"tlb={shown(tlb)}: the number of sets is a power of two from 1 to {MOST_SETS}")
    if not 1 <= ways <= MOST_WAYS:
        raise Refused(f"tlb={shown(tlb)}: a set has 1 to {MOST_WAYS} ways")
    if arguments.flag(asids, "asids") and not fmt.asid_bits:
        raise Refused(f"asids=True: {fmt.name} has no ASIDs; its PCIDs need 64-bit mode")
    return CpuSettings(count, sets, ways, asids)


class MachineCpu(Part):
    """One processor; its operations are what programs and the kernel do on it.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64", cpus=2)
    >>> a = m.kmem_malloc(4096)
    >>> m.cpus[1].store(a, b"hello")
    >>> m.cpus[1].load(a, 5), m.cpus[1].value().tlb.hits
    (b'hello', 1)
    """

    def __init__(self, system: System, path: str) -> None:
        super().__init__(system, path)
        self._calls_before: list[int | None] = []
        """For each block that began, the processor of calls before it."""
        self.number = int(path.removeprefix("cpu:"))
        """The number of the processor in the machine, from 0 on."""

    @property
    def _processor(self) -> Processor:
        """The kernel's own processor: its loaded tables and waiting requests."""
        return self.system.processors.all[self.number]

    @property
    def pmap(self) -> Reading:
        """The page tables that the processor has loaded, read-only."""
        return Reading(f"{self.path}.pmap", lambda: self._processor.pmap, OF_TABLES)

    # ---- what runs on it ---------------------------------------------------------------------

    def __enter__(self) -> MachineCpu:
        """Make calls of tasks on this processor in a ``with`` block, if several processors run the task.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64", cpus=2)
        >>> t = m.task("init")
        >>> for cpu in m.cpus:
        ...     cpu.run(t)
        >>> with m.cpus[1]:
        ...     t.write(t.mmap("4 KiB"), b"x")
        >>> [cpu.value().tlb.misses for cpu in m.cpus]
        [0, 2]
        """
        cpus = self.machine.cpus
        before = cpus.calls_on
        cpus.set_calls_on(self.number)
        self._calls_before.append(before)
        return self

    def __exit__(self, *_: object) -> None:
        """End the block, unless the machine died in it."""
        before = self._calls_before.pop()
        if self.door.dead is None:
            self.machine.cpus.set_calls_on(before)

    @operation
    def run(self, task: SpacePart | str | None = None) -> None:
        """Run `task`, or a domain ("domain:hello"), on this processor: load its tables, or only the kernel's for None.

        Cached translations of other tasks are dropped, unless the machine has ASIDs (``asids=True``).
        """
        pmap = self.system.pmap_of(task)
        with self.system.processors.on(self._processor):
            pmap.load()

    @operation
    def load(self, address: int | str, length: int | str = 1, *, user: bool | None = None) -> bytes:
        """Return `length` bytes from `address` on, read through the TLB by the running program; faults are resolved.

        `user` says whether user code makes the access; by default, user code does if the address is a user address.
        Fails with FAULT and ACCES, as the kernel's fault handler does.  O(pages).
        """
        return self._load("load", address, length, "read", user)

    @operation
    def store(self, address: int | str, data: bytes, *, user: bool | None = None) -> None:
        """Write `data` from `address` on, through the TLB; see :meth:`load`.

        After an error, the bytes that were already written stay.
        """
        content = arguments.content(data, "data")
        start, _ = self._span(address, len(content))
        return self._complete("store", self._processor.store(start, content, self._by_user(start, user)))

    @operation
    def fetch(self, address: int | str, length: int | str = 1, *, user: bool | None = None) -> bytes:
        """Return `length` bytes from `address` on, as instructions; see :meth:`load`."""
        return self._load("fetch", address, length, "execute", user)

    def _load(self, name: str, address: Any, length: Any, access: Access, user: Any) -> bytes:
        start, count = self._span(address, length)
        return self._complete(name, self._processor.load(start, count, access, self._by_user(start, user)))

    def _complete(self, name: str, steps: MaySleep[T]) -> T:
        return self.system.complete_access(name, steps, self._processor)

    def _span(self, address: Any, length: Any) -> tuple[int, int]:
        return arguments.span(address, length, self._processor.pmap.fmt.word_bits)

    def _by_user(self, address: int, user: Any) -> bool:
        return self._processor.pmap.layout.is_user(address) if user is None else arguments.flag(user, "user")

    # ---- what the kernel does on it ----------------------------------------------------------

    @operation
    def flush(
        self,
        address: int | str | None = None,
        *,
        task: SpacePart | str | None = None,
        keep_globals: FlagArg = False,
    ) -> int:
        """Drop translations from the TLB; returns their number.

        With `address`, drop the translations of its page, global or not.  With `task` (a task or a domain), drop the
        translations of its address space that are not global.  Without either, drop all translations; `keep_globals`
        keeps global ones.
        """
        processors, processor = self.system.processors, self._processor
        pmap = None if task is None else self.system.pmap_of(task)
        if keep_globals and (address is not None or pmap is not None):
            raise Refused("keep_globals=True: it is only for a flush of everything; leave out address and task")
        cpu = processor.cpu
        before = len(cpu.tlb)
        if address is not None:
            page = arguments.whole(address, "address") & -PAGE
            cpu.flush_range(page, page + PAGE, processors.asid_of(processor.pmap if pmap is None else pmap))
        elif pmap is None:
            cpu.flush_all(globals_too=not keep_globals)
        elif pmap is processor.pmap or processors.asid_of(pmap):
            cpu.flush_space(processors.asid_of(pmap))
        processor.flushed()
        return before - len(cpu.tlb)

    @operation
    def acknowledge(self) -> int:
        """Handle the flush requests of other processors and acknowledge them; returns the number of requests."""
        return self._processor.comply()

    # ---- looking -----------------------------------------------------------------------------

    @property
    def space(self) -> str:
        """The owner of the loaded tables: "kernel", a task's name, or a domain's path."""
        return self._processor.pmap.name

    @property
    def asid(self) -> int:
        """The ASID of the loaded address space; 0 for the kernel's, and on machines without ASIDs."""
        return self._processor.cpu.asid

    def lookup(self, address: int | str) -> TlbSlot | None:
        """Return the TLB entry for `address` and whether it is stale, or None; this does not count as a use."""
        with self.door.looking():
            line = self._processor.cpu.tlb.peek(arguments.whole(address, "address"), self.asid)
            if line is None:
                return None
            row = self.value().tlb.rows[line.set]
            return row[line.way]

    @property
    def stale(self) -> tuple[TlbSlot, ...]:
        """The TLB entries that no longer match the page tables."""
        return self.value().tlb.stale

    def value(self) -> CpuValue:
        """Return the processor and its TLB as a frozen value.  O(ways × levels)."""
        with self.door.looking():
            one = self._processor
            loaded = self.path, one.pmap.name, one.pmap.root, one.cpu.asid
            tlb = one.cpu.tlb.value(one.cpu.stale)
            return CpuValue(*loaded, tlb, tuple(one.pending), one.forgotten, one.edits)

    @in_ascii
    def __repr__(self) -> str:
        return (
            f"<{self.path}: runs {self.space!r}, root table at {Address(self.pmap.root)}, {self._processor.cpu.tlb!r}>"
        )


class MachineCpus(Part):
    """The processors of a machine.

    A task's calls, and what its threads read and write, are made on a processor that runs the task (`calls_on`), and on
    ``m.cpus[0]`` if none does; so are the kernel's own calls.
    `shootdown` says what happens when one processor asks another to flush; setting it is an operation.
    """

    def __init__(self, system: System, path: str = "cpus") -> None:
        super().__init__(system, path)
        self._cpus = [system.part(MachineCpu, one.path) for one in system.processors.all]

    @property
    def _processors(self) -> Processors:
        return self.system.processors

    @operation
    def set_shootdown(self, shootdown: ShootdownArg) -> None:
        """Set what happens to flush requests from now on: "acknowledged", "sent" or "forgotten"."""
        self._processors.set_shootdown(shootdown)

    @property
    def shootdown(self) -> str:
        """The treatment of flush requests to other processors; setting it is an operation."""
        return self._processors.shootdown

    @shootdown.setter
    def shootdown(self, shootdown: str) -> None:
        self.set_shootdown(shootdown)

    @operation
    def set_calls_on(self, number: int | None) -> None:
        """Set the processor on which a task makes its calls, reads and writes, if several run it; None for the lowest.

        ``with m.cpus[1]:`` does this for a block.  A task that runs on one processor makes its calls there, and a task
        that runs on none makes them on ``m.cpus[0]``.
        """
        processors = self._processors
        wanted = None if number is None else number_within(number, "number", 0, len(self) - 1)
        if wanted == processors.calls_on:
            self.door.only_looked()
        processors.set_calls_on(wanted)

    @property
    def calls_on(self) -> int | None:
        """The processor on which a task makes its calls if several run it; None for the lowest; see `set_calls_on`."""
        return self._processors.calls_on

    @property
    def settings(self) -> CpuSettings:
        """The number of processors, and the sizes of their TLBs."""
        return self._processors.settings

    @property
    def sent(self) -> int:
        """The number of flush requests sent since boot."""
        return self._processors.sent

    @property
    def acknowledged(self) -> int:
        """The number of flush requests acknowledged since boot."""
        return self._processors.acknowledged

    @property
    def forgotten(self) -> int:
        """The number of flush requests since boot that were never sent."""
        return self._processors.forgotten

    @overload
    def __getitem__(self, number: int) -> MachineCpu: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[MachineCpu, ...]: ...
    def __getitem__(self, number: int | slice) -> MachineCpu | tuple[MachineCpu, ...]:
        if isinstance(number, slice):
            return self._several(number)
        count = len(self._cpus)
        if type(number) is not int or not 0 <= number < count:
            have = "one processor, cpus[0]" if count == 1 else f"{count} processors, from cpus[0] to cpus[{count - 1}]"
            raise Refused(f"cpus[{shown(number)}]: this machine has {have}; vm.boot(…, cpus=2) gives another number")
        return self._cpus[number]

    def _several(self, numbers: slice) -> tuple[MachineCpu, ...]:
        try:
            return tuple(self._cpus[numbers])
        except (TypeError, ValueError):
            raise Refused(
                f"cpus[{shown(numbers)}]: write whole numbers, such as cpus[1:] for all after the first"
            ) from None

    def __iter__(self) -> Iterator[MachineCpu]:
        return iter(self._cpus)

    def __len__(self) -> int:
        return len(self._cpus)

    def value(self) -> CpusValue:
        """Return all processors as a frozen value."""
        with self.door.looking():
            one = self._processors
            counts = one.shootdown, one.settings.asids, one.sent, one.acknowledged, one.forgotten
            return CpusValue(tuple(cpu.value() for cpu in self), *counts)

    def check(self) -> None:
        """Raise `Broken` unless each TLB is sound; see :meth:`.processors.Processors.check`."""
        self._processors.check()

    @in_ascii
    def __repr__(self) -> str:
        return "\n".join([f"shootdowns are {self.shootdown}", *(f"  {cpu!r}" for cpu in self)])
