"""The kernel's view of a machine's processors: the tables that each has loaded, its TLB, and TLB shootdown.

A processor reads and writes bytes through its TLB, page by page, and calls the fault handler of the address space for
faults.  The code that creates a space registers its handler here.

X15's `pmap_update` drops up to 64 pages one by one, and the whole TLB if there are more pages; the other processors get
an interrupt, and the sender waits for each (Intel SDM volume 3A, 4.10.5, explains what goes wrong otherwise).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from ..base.errors import Broken, KernelError, VMError, kernel_error
from ..base.recorder import Recorder
from ..base.units import PAGE_SHIFT, Address
from ..kernel.pmap.pmap import Pmap
from ..kernel.pmap.spaces import KernelPmap
from ..kernel.pmap.user_pmap import UserPmap
from ..kernel.threads.waits import MaySleep
from ..memory.costs import AccessCounts, Costs, EffectiveAccessTime
from ..memory.ram import BusError, Ram, page_pieces
from ..mmu.cpu import Cpu
from ..mmu.rules import Access
from ..mmu.tables_schema import Fault, FaultRaised
from ..mmu.tlb import Tlb
from .processors_schema import (
    AsidRollover,
    CallsMoved,
    FlushRequest,
    ShootdownAcknowledged,
    ShootdownChosen,
    ShootdownForgotten,
    ShootdownSent,
    SpaceLoaded,
    TimeTaken,
    TlbDoubted,
)

T = TypeVar("T")

SHOOTDOWNS = ("acknowledged", "sent", "forgotten")
"""The treatments of a request to another processor: done before the sender continues, left waiting, or never sent.

A waiting request is done by the other processor's ``acknowledge()``.
"""


class CpuSettings(NamedTuple):
    """The number of a machine's processors, and the settings of their TLBs."""

    number: int = 1
    sets: int = 16
    ways: int = 4
    asids: bool = False
    """Whether address spaces have numbers in the TLB, so that their entries stay when another space is loaded."""

    def arguments(self) -> dict[str, Any]:
        """Return the settings by the names of :func:`vmwidgets.boot`'s arguments."""
        return {"cpus": self.number, "tlb": (self.sets, self.ways), "asids": self.asids}


ONE_CPU = CpuSettings()
"""The processors of a machine by default."""


class FaultHandler(Protocol):
    """The fault handler of one address space: X15's for a task, the program's own for a domain, or FreeBSD's."""

    def resolve(self, va: int, access: Access, user: bool, fault: Fault) -> MaySleep[None]:
        """Map `va` for this access, or raise the access's error; may sleep."""

    def failed(self, va: int, fault: Fault) -> VMError:
        """Return the error of an access that faults again after its fault was resolved."""

    @property
    def reads(self) -> int:
        """The number of pages read in for this space's faults."""


class Watch(Protocol):
    """A listener for each access of a processor to an address of a task, for policies that count accesses."""

    def used(self, task: str, frame: int, page: int) -> None:
        """Note that `task` accessed `frame`, by page number `page` of its addresses."""


Reach = Callable[[int], MaySleep[int]]
"""A function that returns the physical address of a virtual address, once the page is mapped."""


def read_bytes(ram: Ram, start: int, length: int, reach: Reach) -> MaySleep[bytes]:
    """Read bytes page by page, each page after `reach` has found its physical address."""
    parts = []
    for va, count in page_pieces(start, length):
        physical = yield from reach(va)
        try:
            parts.append(ram.read(physical, count))
        except BusError as error:
            raise _no_answer(va, error) from None
    return b"".join(parts)


def write_bytes(ram: Ram, start: int, data: bytes, reach: Reach) -> MaySleep[None]:
    """Write bytes page by page; after an error, the bytes before it stay written."""
    for va, count in page_pieces(start, len(data)):
        physical = yield from reach(va)
        try:
            ram.write(physical, data[va - start : va - start + count])
        except BusError as error:
            raise _no_answer(va, error) from None


def _no_answer(va: int, error: BusError) -> KernelError:
    """Return the error of an access to an address without memory: a device's, or an edited descriptor's."""
    return kernel_error("FAULT", f"{Address(va)} is mapped, and no memory answers: {error}")


class Processor:
    """Processor `number`: its loaded tables, the requests that wait for it, and its TLB (in `cpu`)."""

    def __init__(self, processors: Processors, number: int, tlb: Tlb[Any]) -> None:
        kernel = processors.kernel
        self._all = processors
        self.number = number
        self.path = f"cpu:{number}"
        self.cpu: Cpu[Any] = Cpu(self.path, kernel.ram, kernel.fmt, tlb, processors.recorder)
        self.pmap: Pmap = kernel
        """The tables that the processor has loaded."""
        self.current: Pmap = kernel
        """The tables that the kernel loaded last; a task's reads and writes replace them on processor 0 temporarily."""
        self.seen: set[Pmap] = {kernel}
        """The numbered address spaces that may have entries in the TLB."""
        self.pending: deque[FlushRequest] = deque()
        self.forgotten = 0
        """The flushes that the processor needed but that were never requested, counted since its TLB was last empty."""
        self.edits = 0
        """The number of descriptors edited by hand since the processor's TLB was last empty."""
        self._window_used = False
        root, controls = kernel.registers(processors.controls)
        self.cpu.load_root(root, controls=controls)

    # ---- accesses ----------------------------------------------------------------------------

    # `space` returns the address space of a task, which borrows the processor: its tables stay loaded.  Without
    # `space`, an access uses the tables that are loaded when the access begins.  Nothing is checked earlier: a thread
    # may request an access now and wait for it later, and only the wait makes the access.

    def load(
        self, start: int, length: int, access: Access, user: bool, space: Callable[[], Pmap] | None = None
    ) -> MaySleep[bytes]:
        """Read bytes (or instructions) through the TLB; faults are resolved.  O(pages)."""
        return (yield from read_bytes(self.cpu.ram, start, length, self._reaching(access, user, space)))

    def store(self, start: int, data: bytes, user: bool, space: Callable[[], Pmap] | None = None) -> MaySleep[None]:
        """Write bytes through the TLB; faults are resolved.  O(pages)."""
        yield from write_bytes(self.cpu.ram, start, data, self._reaching("write", user, space))

    def reach(self, va: int, access: Access, user: bool, space: Callable[[], Pmap] | None = None) -> MaySleep[int]:
        """Yield the physical address of `va` for one access, after its fault, if any, is resolved."""
        return (yield from self._reaching(access, user, space)(va))

    def _reaching(self, access: Access, user: bool, space: Callable[[], Pmap] | None) -> Reach:
        """Return the function that maps each page of one access, always in one space, even if another is loaded."""
        wanted = self.pmap if space is None else space()
        return partial(self._reach, wanted, space is not None, access=access, user=user)

    def _reach(self, space: Pmap, stays: bool, va: int, access: Access, user: bool) -> MaySleep[int]:
        """Work like :meth:`reach` in `space`, which is loaded again if other tables were loaded meanwhile.

        At the end, the other tables are loaded again, for the space that used the processor in between.  They are not
        if no fault handler has run and the space `stays` loaded: then nothing was interrupted.
        """
        handler: FaultHandler | None = None
        is_user = space.layout.is_user(va)
        cpu, hit, walked, minor, major = self.cpu, -1, 0, 0, 0
        watch = self._all.watch
        if watch is not None and not (is_user and isinstance(space, UserPmap)):
            watch = None
        interrupted: Pmap | None = None
        try:
            while True:
                if is_user and self.pmap is not space:
                    space.check_there(va)
                    interrupted = None if stays and handler is None else self.pmap
                    self.switch(space)
                hits, references = cpu.tlb.hits, cpu.references
                found = self.translate(va, access, user)
                walked += cpu.references - references
                hit = cpu.tlb.hits - hits if hit < 0 else hit
                if not isinstance(found, Fault):
                    self._all.counts = self._all.counts.plus(1, hit, walked, minor, major)
                    if watch is not None:
                        watch.used(space.name, found >> PAGE_SHIFT, va >> PAGE_SHIFT)
                    return found
                emit = self._all.recorder.emit
                if emit is not None:
                    emit((FaultRaised.tag, va, found.called, found.code or 0, found.code_words))
                if found.kind == "access-flag" and space.mark(va, access, user, self.cpu.controls):
                    minor += 1
                    continue
                if handler is not None:
                    raise handler.failed(va, found)
                handler = self._all.handler(space if is_user else self._all.kernel)
                read = handler.reads
                yield from handler.resolve(va, access, user, found)
                minor, major = (minor + 1, major) if handler.reads == read else (minor, major + 1)
        finally:
            if interrupted is not None and not interrupted.destroyed:
                self.switch(interrupted)

    def translate(self, va: int, access: Access, user: bool) -> int | Fault:
        """Make one access without a fault handler; see :meth:`vmwidgets.engine.mmu.cpu.Cpu.translate`."""
        window = self.pmap.layout.window
        if window is not None and window <= va < window + self.pmap.fmt.root_level.span:
            self._window_used = True
        return self.cpu.translate(va, access, user)

    # ---- the kernel's acts on a processor ----------------------------------------------------

    def switch(self, pmap: Pmap) -> None:
        """Load the tables of `pmap`."""
        if pmap is self.pmap:
            return
        before, self.pmap = self.pmap, pmap
        asid = self._all.assign_asid(pmap)
        root, controls = pmap.registers(self._all.controls)
        self.cpu.load_root(root, asid, keep=True, controls=controls)
        emit = self._all.recorder.emit
        if emit is not None:
            emit((SpaceLoaded.tag, self.path, pmap.name, pmap.root, asid, before.name))
        if before.global_leaves:
            self.cpu.flush_all(globals_too=True)
        elif not asid:
            self.cpu.flush_space(asid)
        if asid:
            self.seen.add(pmap)

    def drop(self, start: int, end: int, pages: int, asid: int | None) -> None:
        """Flush a range for the kernel or, if `pages` is 0, the whole space."""
        if self._window_used:
            self._flush_window()
        if self.cpu.tlb.index:
            if pages:
                self.cpu.flush_range(start, end, asid)
            elif asid is None:
                self.cpu.flush_all(globals_too=True)
            else:
                self.cpu.flush_space(asid)
        if self.forgotten or self.edits:
            self.flushed()

    def flushed(self) -> None:
        """Reset the counts of forgotten flushes and of edits if the TLB is empty."""
        if not self.cpu.tlb.index:
            self.doubt(0, 0)
            self._all.keeps_nothing_of(self, None)

    def doubt(self, forgotten: int, edits: int) -> None:
        """Set the counts of forgotten flushes and of edits."""
        before, after = (self.forgotten, self.edits), (forgotten, edits)
        self.forgotten, self.edits = after
        emit = self._all.recorder.emit
        if before != after and emit is not None:
            emit((TlbDoubted.tag, self.path, before, after))

    def comply(self) -> int:
        """Handle the requests of other processors and acknowledge them; return the number of requests."""
        count, emit = len(self.pending), self._all.recorder.emit
        while self.pending:
            request = self.pending[0]
            self.drop(request.start, request.end, request.pages, request.asid)
            self.pending.popleft()
            self._all.acknowledged += 1
            if not request.pages:
                self._all.keeps_nothing_of(self, request.asid)
            if emit is not None:
                emit((ShootdownAcknowledged.tag, self.path, request))
        return count

    def _flush_window(self) -> None:
        """Flush the window on the tables: the set of tables may have changed."""
        window = self.pmap.layout.window
        assert window is not None, "it was used"
        self.cpu.flush_range(window, window + self.pmap.fmt.root_level.span, None)
        self._window_used = False


class Processors:
    """All processors of a machine; page tables report to them which tables are loaded and which addresses to flush.

    `kernel` are the kernel's tables, `controls` the settings that walks obey, `shootdown` one of :data:`SHOOTDOWNS`.
    """

    def __init__(self, kernel: KernelPmap, recorder: Recorder, settings: CpuSettings, controls: Any) -> None:
        self.kernel = kernel
        self.recorder = recorder
        self.settings = settings
        self.controls = controls
        self.shootdown = SHOOTDOWNS[0]
        self.called_elsewhere = False
        """Whether a call was made on a processor other than 0: journals of before made all calls there."""
        self.calls_on: int | None = None
        """The processor, among several that run a task, on which the task makes its calls; None for the lowest."""
        self.counts = AccessCounts()
        """The counts of all accesses that reached memory."""
        self.costs: Costs | None = None
        """The costs of accesses, if operations report their time."""
        self.watch: Watch | None = None
        """The listener for each access, if any."""
        self.sent = self.acknowledged = self.forgotten = 0
        """The numbers of requests sent, acknowledged and forgotten since boot."""
        self._asids: dict[Pmap, int] = {}
        self._retired: dict[int, list[Processor]] = {}
        """The numbers of spaces that no longer exist, each with the processors that may have its entries; until they
        are flushed, the numbers are not reused.
        """
        self._handlers: dict[Pmap, FaultHandler] = {}
        sets, ways = settings.sets, settings.ways
        self.all = [Processor(self, one, Tlb(kernel.fmt, sets=sets, ways=ways)) for one in range(settings.number)]
        self._running = self.all[0]
        self._current = kernel.attach(self.loaded, self.flush, self.unload)

    # ---- time --------------------------------------------------------------------------------

    def perform(self, steps: MaySleep[T], processor: Processor | None = None) -> MaySleep[T]:
        """Do the steps of accesses with the kernel on `processor`; if costs are set, report how long they took.

        Other threads that run while these steps sleep use the previous processor, and their times are counted
        separately.  O(1), plus the steps.
        """
        if processor is None and self.costs is None:
            return (yield from steps)
        taken = AccessCounts()
        answer: Any = None
        error: BaseException | None = None
        while True:
            with self.on(processor or self._running):
                before = self.counts
                try:
                    wait = steps.send(answer) if error is None else steps.throw(error)
                except StopIteration as done:
                    self._report_time(taken.plus(*self.counts.minus(before)))
                    result: T = done.value
                    return result
                taken = taken.plus(*self.counts.minus(before))
            answer, error = None, None
            try:
                answer = yield wait
            except BaseException as raised:  # noqa: BLE001  whatever it is, it is raised where the steps wait
                error = raised

    def _report_time(self, taken: AccessCounts) -> None:
        emit = self.recorder.emit
        if emit is not None and self.costs is not None and taken.accesses:
            emit((TimeTaken.tag, *taken, EffectiveAccessTime(self.costs, *taken).total))

    # ---- fault handlers ----------------------------------------------------------------------

    def register(self, pmap: Pmap, handler: FaultHandler) -> None:
        """Make `handler` resolve the faults of the addresses that `pmap` covers."""
        self._handlers[pmap] = handler

    def handler(self, pmap: Pmap) -> FaultHandler:
        """Return the fault handler of a space; the kernel's if it has none.  O(1)."""
        return self._handlers.get(pmap) or self._handlers[self.kernel]

    # ---- what page tables ask for ------------------------------------------------------------

    def calling(self, space: Pmap) -> Processor:
        """Return the processor on which the program of `space` calls the kernel: a processor that runs it, or 0.

        Of several that run it, the call is made on :attr:`calls_on` or on the lowest.  The kernel's own calls are made
        on processor 0.  O(processors).
        """
        running = [] if space is self.kernel else [one for one in self.all if one.current is space]
        found = next((one for one in running if one.number == self.calls_on), (running or self.all)[0])
        self.called_elsewhere |= found.number > 0
        return found

    @contextmanager
    def on(self, processor: Processor | None = None) -> Iterator[None]:
        """Run the kernel on `processor` in this block; by default, on processor 0."""
        processor, before = processor or self.all[0], self._running
        self._running, self._current.pmap = processor, processor.current
        try:
            yield
        finally:
            self._running, self._current.pmap = before, before.current

    def loaded(self, space: Pmap) -> None:
        """Note that the processor that runs the kernel loads the tables of `space`."""
        self._running.current = space
        self._running.switch(space)

    def flush(self, space: Pmap, start: int, end: int, pages: int) -> None:
        """Drop [start, end) or, if `pages` is 0, everything, here and on all processors that may have entries."""
        kernel, running = space is self.kernel, self._running
        asid = None if kernel or space.global_leaves else self.asid_of(space)
        for cpu in self.all:
            if not kernel and cpu.pmap is not space and space not in cpu.seen:
                continue
            if cpu is running:
                cpu.drop(start, end, pages, asid)
            else:
                number = 0 if self.shootdown == "forgotten" else self.sent + 1
                self._ask(cpu, FlushRequest(running.path, space.name, start, end, pages, asid, number))

    def unload(self, space: Pmap) -> None:
        """Load the kernel's tables wherever an ending space's are loaded; flush the space and free its number.

        The tables are never used again, whatever `shootdown` is; the number is free after all processors have
        acknowledged the flush.
        """
        for cpu in self.all:
            if cpu.current is space:
                cpu.current = self.kernel
            if cpu.pmap is space:
                cpu.switch(self.kernel)
        self._handlers.pop(space, None)
        if space in self._asids:
            asked = [cpu for cpu in self.all if cpu is not self._running and space in cpu.seen]
            number = self._asids[space]
            if asked:
                self._retired[number] = asked
            self.flush(space, 0, 0, 0)
            del self._asids[space]
            for cpu in self.all:
                cpu.seen.discard(space)

    def keeps_nothing_of(self, cpu: Processor, asid: int | None) -> None:
        """Note that `cpu` has no entry of the space that had this number or, for None, of any space."""
        for number in list(self._retired) if asid is None else (asid,):
            waiting = self._retired.get(number, [])
            if cpu in waiting:
                waiting.remove(cpu)
                if not waiting:
                    del self._retired[number]

    def _roll_over(self) -> None:
        """Flush all TLBs, so that the numbers of ended spaces can be used again."""
        freed = tuple(sorted(self._retired))
        emit = self.recorder.emit
        if emit is not None:
            emit((AsidRollover.tag, freed))
        for cpu in self.all:
            cpu.cpu.flush_all(globals_too=True)
            cpu.flushed()

    def _ask(self, cpu: Processor, request: FlushRequest) -> None:
        """Send `cpu` an interrupt with a request, as `shootdown` says."""
        emit = self.recorder.emit
        if self.shootdown == "forgotten":
            self.forgotten += 1
            if emit is not None:
                emit((ShootdownForgotten.tag, cpu.path, request))
            cpu.doubt(cpu.forgotten + 1, cpu.edits)
            return
        self.sent += 1
        cpu.pending.append(request)
        if emit is not None:
            emit((ShootdownSent.tag, cpu.path, request))
        if self.shootdown == "acknowledged":
            cpu.comply()

    # ---- requests of the machine -------------------------------------------------------------

    def set_shootdown(self, shootdown: str) -> None:
        """Set the treatment of requests from now on, one of :data:`SHOOTDOWNS`."""
        before, self.shootdown = self.shootdown, shootdown
        emit = self.recorder.emit
        if emit is not None:
            emit((ShootdownChosen.tag, before, shootdown))

    def set_calls_on(self, number: int | None) -> None:
        """Choose, among several processors that run a task, the one on which the task makes its calls."""
        before, self.calls_on = self.calls_on, number
        emit = self.recorder.emit
        if emit is not None and before != number:
            paths = ("" if one is None else self.all[one].path for one in (before, number))
            emit((CallsMoved.tag, *paths))

    def set_controls(self, controls: Any) -> None:
        """Set the settings of all processors, which drop all translations."""
        self.controls = controls
        for cpu in self.all:
            cpu.cpu.set_controls(cpu.pmap.registers(controls)[1])
            cpu.doubt(0, 0)

    def asid_of(self, pmap: Pmap) -> int:
        """Return the number of an address space; 0 for the kernel's, and for spaces without one."""
        return self._asids.get(pmap, 0)

    def assign_asid(self, pmap: Pmap) -> int:
        """Return the number of a loaded address space: the lowest that was free when the space was first loaded.

        If, for each unused number, some processor never acknowledged the flush, all TLBs are flushed first.  If all
        numbers are in use, the space gets number 0, and its translations are dropped whenever it is loaded.
        """
        if pmap is not self.kernel and self.settings.asids and pmap not in self._asids:
            most = (1 << pmap.fmt.asid_bits) - 1
            if self._retired and len(self._asids) + len(self._retired) >= most:
                self._roll_over()
            taken = {*self._asids.values(), *self._retired}
            free = next((one for one in range(1, most + 1) if one not in taken), None)
            if free is not None:
                self._asids[pmap] = free
        return self.asid_of(pmap)

    def edited(self) -> None:
        """Note that a descriptor was edited by hand, without a flush: TLB entries may be stale."""
        for cpu in self.all:
            cpu.doubt(cpu.forgotten, cpu.edits + bool(cpu.cpu.tlb))

    def check(self) -> None:
        """Raise `Broken` unless each TLB is sound and P1 holds.

        P1. each TLB entry agrees with the tables, except for flushes that were forgotten or not yet acknowledged, and
        for descriptors that were edited by hand.
        """
        for cpu in self.all:
            cpu.cpu.tlb.check()
            if cpu.pending or cpu.forgotten or cpu.edits:
                continue
            for line in cpu.cpu.tlb:
                wrong = cpu.cpu.stale(line)
                if wrong:
                    raise Broken(f"P1: {cpu.path} has a stale translation of {Address(line.va)}: {wrong[0]}")
