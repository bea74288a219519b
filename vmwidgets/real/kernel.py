"""A kernel that runs in QEMU: its page tables, walks and runs of equal permissions, while it is stopped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from time import monotonic, sleep
from types import TracebackType
from typing import Any

from ..engine.base.errors import Refused, in_ascii, shown
from ..engine.base.units import PAGE, Address, counted
from ..engine.mmu.formats.riscv import SV39
from ..engine.mmu.rules import Access
from ..engine.mmu.tables import PageTables, TablesWalk
from ..given.followed import Followed
from ..given.pasted import SaidRange, joined
from ..given.runs import Runs, runs
from ..given.stops import SpaceAtStop, Stop, Stops, most
from ..sources.pasted.panics import check_of
from .follow.checks import Check, checked
from .follow.rules import TOP
from .follow.run import Limits, follow
from .follow.spaces import Space, read_space
from .gdb import Gdb, Stopped, TookTooLong
from .memory import StoppedMemory
from .paging import NoPaging, Paging, processor_of
from .port import Port
from .processes import Process, Processes
from .program import Program
from .started import Started

PROMPT = "$ "
"""The prompt of xv6's shell when it waits for a command."""


class Kernel:
    """A kernel in QEMU, created by ``vm.attach`` and ``vm.xv6``.  It is stopped while it is read.

    With a `program`, the kernel's file, functions and processes have names.  After ten seconds without a call, the port
    is released, so that GDB can use it.  The guest stays stopped, and the next call connects again.  ``with
    vm.attach(…) as k:`` releases it for good at the end.
    """

    def __init__(self, port: Port, program: Program | None = None, started: Started | None = None) -> None:
        self._port = port
        self._program = program
        self._started = started
        try:
            self._processor = processor_of(port.do(lambda gdb: gdb.description.architecture))
            self._processes = None if program is None else Processes(program)
            if program is not None:
                port.do(lambda gdb: program.must_run_in(port.name, gdb.read_one))
        except BaseException:
            port.close()
            raise
        self._memory = self._new_memory()
        self._running: Future[Stopped] | None = None
        self._stops: list[Stop] = []
        self._has_paged = False
        """Whether a processor was seen translating addresses: if none does later, the guest was reset."""
        self._spoiled = ""
        """The broken rule found by following: its damage would be blamed on later calls."""

    # ---- processors and tables ---------------------------------------------------------------

    @property
    def processors(self) -> int:
        """The number of the guest's processors."""
        return len(self._do(Gdb.threads))

    @property
    def tables(self) -> PageTables[Any]:
        """The page tables that the first processor uses now.

        Raises :class:`Refused` before the kernel has turned paging on.
        """
        return self.tables_of(0)

    def tables_of(self, processor: int) -> PageTables[Any]:
        """Return the page tables that a processor uses now; processors are numbered from 0."""
        number: object = processor

        def look(gdb: Gdb) -> Paging:
            threads = gdb.threads()
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(threads):
                raise Refused(
                    f"processor={shown(number)}: the guest has {counted(len(threads), 'processor')}, numbered from 0"
                )
            gdb.thread = threads[number]
            return self._processor.read(gdb.registers(self._processor.registers))

        try:
            found = self._do(look)
        except NoPaging as why:
            if not self._has_paged:
                raise
            raise NoPaging(f"the guest has rebooted since its tables were looked at: {why}") from None
        self._has_paged = True
        count, bits = found.not_the_guests
        if count:
            self._memory.without_bits(found.root, count, bits)
        return PageTables(f"processor {processor}", self._memory, found.fmt, found.root, found.controls, found.about)

    def walk(self, address: int | str, access: Access = "read", *, user: bool | None = None) -> TablesWalk:
        """Return the hardware's walk of `address`, level by level; O(levels) packets.

        `user` says whether user code makes the access.  Without it, user code does if the tables allow it.
        """
        return self.tables.walk(address, access, user=user)

    def runs(self, tables: PageTables[Any] | None = None) -> Runs:
        """Return all mappings of the tables (by default the first processor's), as runs of equal permissions.

        The runs are the ranges that QEMU's `info mem` lists.  O(descriptors in use).
        """
        return runs(self.tables if tables is None else tables, self._memory.fetch)

    # ---- by name: with the kernel's file -----------------------------------------------------

    @property
    def kernel(self) -> PageTables[Any]:
        """The kernel's own page tables, by its variable `kernel_pagetable`."""
        root = self._do(self._named().kernel_root)
        if not root:
            raise Refused("kernel_pagetable is 0: the kernel has made no page table yet; let it run on to kvminithart")
        return PageTables("kernel", self._memory, SV39, root)

    @property
    def processes(self) -> tuple[Process, ...]:
        """The processes that have page tables now."""
        found: tuple[Process, ...] = self._do(self._named().read)
        return found

    def process(self, which: str | int) -> PageTables[Any]:
        """Return the page tables of a process, by its name or its pid."""
        return Processes.one_called(which, self.processes).tables(self._memory)

    def where(self, processor: int = 0) -> str:
        """Return the place of a processor: function and line."""
        gdb_pc = self._do(lambda gdb: _pc_of(gdb, processor))
        return self._place(gdb_pc)

    @property
    def stops(self) -> Stops:
        """The points where :meth:`step`, :meth:`go` and :meth:`stop` stopped, with the processes' mappings there.

        A cell shows them as a picture.  It steps back through the stops, lists the changes, and shows which processes
        have each page of memory.  The latest `MOST_STOPS` are kept.
        """
        self._file()
        return Stops(tuple(self._stops))

    # ---- running -----------------------------------------------------------------------------

    def step(self, processor: int = 0) -> str:
        """Run one instruction of one processor; other processors do not move.  Returns the processor's new place."""
        thread = self._do(lambda gdb: _thread_of(gdb, processor))
        self._go_on()
        self._do(lambda gdb: gdb.step(thread))
        return self._stopped(self.where(processor))

    def go(self, until: str | int | None = None, seconds: float = 10.0) -> str:
        """Let the kernel run until a processor reaches a function (or an address).  Returns the processor's place.

        Without `until`, it runs in the background until :meth:`stop`.  If no processor reaches the place in `seconds`,
        the kernel is stopped, and :class:`Refused` is raised.
        """
        if until is None:
            self._go_on()
            self._running = self._port.begin(lambda gdb: gdb.go(_FOR_EVER, self._port.is_told_to_stop))
            return "running"
        address = until if isinstance(until, int) else self._file().address(until)
        self._go_on()

        def run(gdb: Gdb) -> int:
            kept = address in gdb.breakpoints
            gdb.set_breakpoint(address)
            try:
                with suppress(TookTooLong):
                    gdb.go(seconds, self._port.is_told_to_stop)
                return gdb.pc()
            finally:
                if not kept:
                    gdb.clear_breakpoint(address)

        pc = self._do(run)
        if pc != address:
            asked = until if isinstance(until, str) else Address(until)
            halted = self._do(Gdb.halted)
            why = f"; {halted}" if halted else ""
            place = self._stopped(self._place(pc))
            raise Refused(f"no processor reached {asked} in {seconds:g} s; stopped at {place}{why}")
        return self._stopped(self._place(pc))

    def stop(self) -> str:
        """Stop the kernel that :meth:`go` let run.  Returns the place of the processor that QEMU reports."""
        if self._running is None:
            return self.where()
        self._port.stop()
        self._running.result()
        self._running = None
        return self._stopped(self._place(self._do(Gdb.pc)))

    def _stopped(self, where: str) -> str:
        """Record this stop."""
        if self._processes is not None:
            processes = self._do(self._processes.read)
            spaces = self._do(lambda gdb: [read_space(gdb, one.root) for one in processes])
            number = self._stops[-1].number + 1 if self._stops else 0
            there = zip(processes, spaces, strict=True)
            at_stop = tuple(_space_at_stop(one, space) for one, space in there)
            self._stops = [*self._stops[1 - MOST_STOPS :], Stop(number, where, at_stop)]
        return where

    def follow(
        self,
        lab: str = "base",
        *,
        run: str | None = None,
        counts: str | None = None,
        stops: int = 200_000,
        seconds: float = 600.0,
        checks: Mapping[str, Check] | None = None,
    ) -> Followed:
        """Let the kernel run, and stop it at the first call after which a rule of the lab does not hold.

        `lab` is "base", "pgtbl", "cow", "lazy" or "mmap".  `run` is a command such as "cowtest", which is typed when
        the shell waits (for a kernel of ``vm.xv6``); following ends when the shell waits again.  `counts` is the name
        of the array of reference counts, such as "refcount" or "kmem.count", even if reached through a pointer; in the
        lab "cow", the only such array is found automatically.  There are at most `stops` stops and `seconds` seconds.
        The last stop is added to :attr:`stops`.

        `checks` are the course's own functions, by the name of the function whose calls they check ("mappages",
        "uvmunmap", "uvmalloc", "uvmcopy").  When such a call on a process's table has returned without an error, the
        check receives a :class:`~.follow.checks.CallSeen`.  It yields an address and a sentence for each mistake.

        Raises :class:`Refused` for a kernel in which a mistake was found before, and if `counts` is not an array.
        """
        own = checked(checks)
        program = self._file()
        _must_be(lab, run, counts, stops, seconds)
        if self._spoiled:
            raise Refused(f"{self._spoiled}; later results follow from it. Start a new one: vm.xv6(folder)")
        console = None if self._started is None else _Console(self._started, run)
        if run is not None and console is None:
            raise Refused(f"run={shown(run)}: only a kernel of vm.xv6(folder) has a console to type on")
        self._go_on()
        printed = len(self.console)
        limits = Limits(stops, seconds)
        found: Followed = self._do(
            lambda gdb: follow(gdb, program, lab, limits, counts, console, self._port.is_told_to_stop, own)
        )
        found = replace(found, console=self.console[printed:])
        if found.panic:
            found = replace(found, lines=(*found.lines, *_explained(found.panic)))
        if found.outcome == "nothing found" and console is not None and console.refusal:
            why = f"it did not come to its end: xv6 printed {shown(console.refusal)}, so the command did not run"
            found = replace(found, outcome="unfinished", why=why)
        elif found.first is None and not found.panic and console is not None and console.failures:
            said = f"it printed {shown(console.failures[0])}"
            why = f"{found.why}, and {said}" if found.why else said
            found = replace(found, outcome="failed", why=why, lines=(*found.lines, *map(_printed, console.failures)))
        if found.outcome in ("broken", "panicked"):
            self._spoiled = f"this kernel was stopped before: {found.headline}"
        self._stopped(self._place(self._do(Gdb.pc)))
        return found

    # ---- the console -------------------------------------------------------------------------

    @property
    def console(self) -> str:
        """The text that the kernel has printed (for a kernel of ``vm.xv6``)."""
        return "" if self._started is None else self._started.text

    def close(self, *, goes_on: bool = True) -> None:
        """Release the port.  The guest continues; with `goes_on` False, it stays stopped for GDB.

        A kernel that ``vm.xv6`` started is ended.
        """
        if self._running is not None:
            self._port.stop()
            self._running = None
        self._memory.close()
        self._port.close(goes_on=goes_on)
        if self._started is not None:
            self._started.end()

    # ---- inside ------------------------------------------------------------------------------

    def _do(self, call: Any) -> Any:
        self._must_be_stopped()
        self._running = None
        self._take_up()
        return self._port.do(call)

    def _take_up(self) -> None:
        """Connect to the port again; if GDB let the guest run meanwhile, memory read so far belongs to an old stop."""
        if self._port.guest_has_moved():
            self._go_on()

    def _must_be_stopped(self) -> None:
        if self._running is not None and not self._running.done():
            raise Refused("the kernel runs: stop it first, with k.stop()")

    def _go_on(self) -> None:
        """Note that the guest runs; tables that were read before keep the memory from which they were made."""
        self._must_be_stopped()
        self._memory.close()
        self._memory = self._new_memory()

    def _new_memory(self) -> StoppedMemory:
        def read(pieces: Iterable[tuple[int, int]]) -> list[bytes | None]:
            wanted = list(pieces)
            self._take_up()
            if self._memory is not memory:
                raise Refused("this part of the tables was not read before the guest ran on: GDB had the port")
            found: list[bytes | None] = self._do(lambda gdb: gdb.read(wanted))
            return found

        memory = StoppedMemory(read)
        return memory

    def _file(self) -> Program:
        if self._program is None:
            raise Refused("names need the kernel's file: vm.attach(port, program='kernel/kernel'), or vm.xv6(folder)")
        return self._program

    def _named(self) -> Processes:
        self._file()
        assert self._processes is not None
        return self._processes

    def _place(self, pc: int) -> str:
        name = "" if self._program is None else self._program.function(pc)
        line = None if self._program is None else self._program.line(pc)
        place = f"{name} ({line})" if line is not None else name
        return f"{place}, {Address(pc)}" if name else str(Address(pc))

    def __enter__(self) -> Kernel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @in_ascii
    def __repr__(self) -> str:
        return f"<kernel at {self._port.name}{'' if self._port.is_open else ', closed'}>"


_FOR_EVER = 1e9

MOST_STOPS = 200

_PRINTS_IN = 1.0
"""Seconds in which the rest of a printed line is read."""

_LINE = 500
"""The number of latest characters that are searched for the last line."""


def _space_at_stop(one: Process, space: Space) -> SpaceAtStop:
    ranges = joined(SaidRange(va, leaf.size, leaf.rights, leaf.frame) for va, leaf in space.leaves.items())
    leaves = sorted(space.leaves.values(), key=lambda leaf: most(leaf.rights))
    rights = {frame: leaf.rights for leaf in leaves for frame in range(leaf.frame, leaf.frame + leaf.size, PAGE)}
    frames = [
        frame
        for va, leaf in space.leaves.items()
        if va < TOP
        for frame in range(leaf.frame, leaf.frame + leaf.size, PAGE)
    ]
    return SpaceAtStop(str(one), ranges, tuple(sorted(frames)), tuple(sorted(space.tables)), one.pid, rights)


def _must_be(lab: object, run: object, counts: object, stops: object, seconds: object) -> None:
    """Refuse arguments of `follow` of the wrong type."""
    for name, given in (("lab", lab), ("run", run), ("counts", counts)):
        if given is not None and not isinstance(given, str):
            raise Refused(f"{name}={shown(given)}: write a text, such as {name}={_EXAMPLES[name]!r}")
    if isinstance(run, str) and ("\n" in run or not run.strip()):
        raise Refused(f"run={shown(run)}: write one line, such as run='cowtest'")
    if isinstance(stops, bool) or not isinstance(stops, int) or stops < 1:
        raise Refused(f"stops={shown(stops)}: write a whole number from 1 on")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 86_400:
        raise Refused(f"seconds={shown(seconds)}: write a number of seconds, more than 0 and at most 86400")


_EXAMPLES = {"lab": "cow", "run": "cowtest", "counts": "refcount"}


def _explained(panic: str) -> Iterator[str]:
    """Yield the purpose of the check that panicked, and three usual mistakes; nothing for an unknown panic."""
    check = check_of(panic.strip())
    if check is not None:
        yield f"what {check.function} protects: {check.protects}"
        yield from (f"a usual mistake: {mistake}" for mistake in check.mistakes)


def _thread_of(gdb: Gdb, processor: int) -> str:
    threads = gdb.threads()
    if not 0 <= processor < len(threads):
        there = counted(len(threads), "processor")
        raise Refused(f"processor={shown(processor)}: the guest has {there}, numbered from 0")
    return threads[processor]


def _pc_of(gdb: Gdb, processor: int) -> int:
    gdb.thread = _thread_of(gdb, processor)
    return gdb.pc()


_FAILED = re.compile(r"(?<![\w.-])(?:failed|panic|FAIL(?:ED|URE|S)?)(?![\w.-])")
"""A word with which a test says that it failed."""

_AS_IT_SHOULD = re.compile(
    r"\b(?:0|no|none) (?:tests? )?fail|\b(?:not|never) fail|^fail\w*[:=]? *0$|\b(?:OK|ok)$(?<!not (?:OK|ok))"
    r"|\bas expected\b|\bexpected to fail\b"
)
"""What a line says that has such a word, and means the opposite."""

_MOST_FAILURES = 4


def _printed(line: str) -> str:
    return f"printed: {line}"


class _Console:
    """The console on which a command is typed when the shell waits."""

    def __init__(self, started: Started, command: str | None) -> None:
        self._started = started
        self.command = command
        self._typed = 0
        self._begins = len(started.text)

    @property
    def text(self) -> str:
        """The text printed since following began."""
        return self._started.text[self._begins :]

    @property
    def length(self) -> int:
        """The number of characters printed."""
        return self._started.length

    @property
    def waits(self) -> bool:
        """Return whether the shell waits for a command: the first command, or the next one after the typed command."""
        return self._started.ends_with(PROMPT) and self._started.length > self._typed

    def type_command(self) -> None:
        """Type the command."""
        self._typed = self._started.length
        self._started.type(f"{self.command}\n")

    @property
    def last_panic(self) -> str:
        """Return what the kernel printed after "panic: ", or ""."""
        end = monotonic() + _PRINTS_IN
        while "\n" not in (said := self.text.rpartition("panic: "))[2] and said[1] and monotonic() < end:
            sleep(0.02)
        return said[2].split("\n")[0].strip() if said[1] else ""

    @property
    def has_ended_line(self) -> bool:
        """Return whether the last line that was printed has its end."""
        return self.text.endswith("\n")

    @property
    def last_line(self) -> str:
        """The last line that was printed, or ""."""
        lines = self.text[-_LINE:].strip().splitlines()
        return lines[-1].strip() if lines else ""

    @property
    def failures(self) -> tuple[str, ...]:
        """The lines in which the command said that something failed, the first ones; none of what was typed."""
        new = self._started.length - self._typed if self._typed else 0
        said = self._started.text[-new:].replace("\r", "").removeprefix(f"{self.command}\n") if new else ""
        lines = (line.strip() for line in said.splitlines())
        found = (line for line in lines if _FAILED.search(line) and not _AS_IT_SHOULD.search(line))
        return tuple(dict.fromkeys(islice(found, _MOST_FAILURES)))

    @property
    def refusal(self) -> str:
        """The line in which the shell reports that it could not start the command, or ""."""
        said = self.text
        refusals = (f"exec {word} failed" for word in (self.command or "").split())  # as xv6's sh.c says it
        return next((one for one in refusals if one in said), "")
