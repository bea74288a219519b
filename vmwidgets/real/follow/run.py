"""Let a kernel run from stop to stop, up to the first broken rule.

`seen` finds what has changed at a stop, and `judge` checks it.  This module decides where the guest stops, how long a
function is left alone, and how a run ends: the shell waits again, a rule is broken, a panic, a hang, a limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.errors import Refused
from ...engine.base.units import PAGE, Address
from ...engine.machine.kept.copies import no_collection
from ...engine.memory.ram import BusError
from ...engine.mmu.formats.riscv import SV39
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import PageTables
from ...given.followed import Followed, Outcome
from ...sources.pasted.traps import cause_of, junk_of
from ..aside import copies
from ..gdb import Gdb, TookTooLong
from ..memory import StoppedMemory
from ..processes import Process, Processes
from ..program import Program
from .calls import A0, FP, MAXVA, RA, SP, Call
from .checks import Check
from .counts import Counts
from .judge import Judge
from .plan import Point, inner_only, near_loops, plan, takers, with_loops
from .rules import LABS, TOP
from .seen import Rebooted, Seen
from .stacks import PC, Hart

__all__ = ["Console", "Followed", "Limits", "follow"]

_MOST_WALL, _STARTS_IN = 6, 30
"""A run ends after so many times its limit, and these seconds, however little of that time the guest ran."""

BOOTS_IN = 20.0
"""Seconds that a kernel may take to reach `userinit`, and then the shell."""

HANGS_AFTER = 20.0
"""Seconds without a stop, a printed letter or a system call after which a kernel counts as hanging."""

_STARTS = ("userinit", "virtio_disk_init", "fileinit", "iinit", "binit", "trapinit", "procinit", "kvminithart")
"""Functions that are called after all pages are in the free list, and before the first process runs."""

_LOOKS = 4
"""The number of times that a silent kernel is checked before it counts as hanging."""

SAME_FAULTS = 2_500
"""The number of equal faults in a row, of one process at one place, after which the process counts as stuck."""

_TRAP = re.compile(
    r"usertrap\(\): unexpected scause (?:0x)?([0-9a-f]{1,16}) pid=(\d{1,9})\s{1,40}"
    r"sepc=(?:0x)?([0-9a-f]{1,16}) stval=(?:0x)?([0-9a-f]{1,16})\r?\n"
)
"""A trap of user code, as xv6 prints it."""

_MOST_TRAPS = 4

_MOST_TAKEN = 300
"""The number of pages after which a function that is not followed is no longer watched when it gets one."""

_SPP = 1 << 8
"""The bit of sstatus that says whether the last trap came from supervisor mode (RISC-V Privileged, 4.1.1)."""

_MODES = {0: "user", 1: "supervisor", 3: "machine"}
"""The privilege modes of RISC-V, as QEMU's register `priv` numbers them."""

_ACCESSES: dict[int, Access] = {12: "execute", 13: "read", 15: "write"}

_TRAPS = ("usertrap", "kerneltrap")
"""The functions that handle faults, and are followed from their first read of a descriptor on."""

_PAGE_FAULTS = {12: "fetch", 13: "load", 15: "store"}
"""The values of scause that are page faults (RISC-V Privileged, 4.1.8)."""

MUTED_AFTER = 100
"""The number of calls of one function after which only some are followed."""

_BURST = 12
"""The number of calls of a muted function that are followed in a row before a pause."""

_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
"""The least and the most seconds of a pause, in which the kernel does not stop at the muted function."""

_FASTER = 3.0
"""The length of a pause, as a multiple of the time for which the kernel was stopped since the last pause."""

NEAR_MUTED_AFTER = 100
"""The same limit for the calls, counted together, of all functions near the loops that fill and copy pages."""

_SLOW_FOR = 2.0
"""The seconds that the kernel runs with breakpoints near the loops that fill and copy pages, before a long pause."""

_LONG_PAUSE = 1.0
"""The least seconds of a long pause, in which the loops run at full speed."""


_SAYS_ON = 40
"""The number of times that a panicking kernel goes on for a moment, until it has printed its line."""

_SETTLES_IN = 3.0
"""Seconds after a command's end in which the processes that it started end too."""


class Console(Protocol):
    """The console of a kernel that was started here."""

    @property
    def waits(self) -> bool:
        """Return whether the shell waits for a command."""

    @property
    def length(self) -> int:
        """The number of characters printed."""

    @property
    def command(self) -> str | None:
        """The command to type."""

    @property
    def last_panic(self) -> str:
        """Return what the kernel printed after "panic: ", or ""."""

    @property
    def has_ended_line(self) -> bool:
        """Return whether the last line that was printed has its end."""

    @property
    def last_line(self) -> str:
        """The last line that was printed, or ""."""

    @property
    def text(self) -> str:
        """The text that was printed since following began."""

    def type_command(self) -> None:
        """Type the command."""


@frozen(slots=False)
class Limits:
    """The limits at which following ends."""

    stops: int = 200_000
    seconds: float = 600.0


@dataclass
class _Run:
    seen: Seen
    judge: Judge
    limits: Limits
    console: Console | None
    told_to_stop: Callable[[], bool]
    done: int = 0
    stops: int = 0
    muted: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    thinned: set[str] = field(default_factory=set)
    followed: dict[str, int] = field(default_factory=dict)
    returns: set[int] = field(default_factory=set)
    """Return addresses of calls whose own ends are not watched."""
    forks: set[int] = field(default_factory=set)
    """The places to which forks return, if their effects are to be judged there."""
    takers: dict[int, int] = field(default_factory=dict)
    """The places at which functions that are not followed get a page, each with the number of pages."""
    ran: float = 0.0
    """Seconds for which the guest ran: the time in which it was stopped and looked at does not count."""
    near: int = 0
    slow_for: float = 0.0
    stopped_for: float = 0.0
    """Seconds for which the kernel was stopped since a function was followed again."""
    repeated: dict[str, tuple[object, int]] = field(default_factory=dict)
    """The latest call of each process, with the number of equal calls up to it."""
    stuck: str = ""
    traps: list[str] = field(default_factory=list)
    """Sentences about the traps of user code that the kernel has printed, with the reason that the tables give."""
    _read_to: int = 0
    _trapped_to: int = 0
    panic: str = ""
    lines: tuple[str, ...] = ()
    has_typed: bool = False

    def __post_init__(self) -> None:
        seen = self.seen
        self.judge.thinned = self.thinned
        self.gdb, self.program, self.points = seen.gdb, seen.program, seen.points
        self.calls, self.stacks, self.processes = seen.calls, seen.stacks, seen.processes
        self.entries = {one.entry: one for one in self.points.values() if not one.late}
        self.late = {at: one for one in self.points.values() for at in one.late}
        self.began = monotonic()
        self.loops = near_loops(self.program) if any(one.near_loops for one in self.points.values()) else set()
        panicked = self.program.symbols.get("panicked")
        self.panicked = panicked.address if panicked is not None and self.gdb.ram is not None else None

    def run(self) -> tuple[Outcome, str]:
        """Run the kernel to the end; returns how it ended, and why."""
        if not any(name in self.points for name in ("mappages", "uvmunmap", "uvmcopy", "uvmalloc")):
            raise Refused(f"{self.program.path}: the kernel has no mappages, uvmunmap or uvmcopy; is this xv6?")
        panic = self.program.symbols.get("panic")
        self.panic_at = panic.address if panic is not None and self.panicked is None else None
        early = self._boot()
        if early is not None:
            return early
        self._watch_all()
        self.pauses_until = monotonic() + _PAUSE
        self.unmuted_at = monotonic()
        self._heard()
        since = monotonic()
        while True:
            why = self._over()
            if why:
                return self._unfinished(why)
            began = monotonic()
            self.stopped_for += began - since
            try:
                self.gdb.go(max(0.0, self.limits.seconds - self.ran), self._wanted)
            except TookTooLong:
                return self._unfinished(f"{self.limits.seconds:g} s were over")
            since = monotonic()
            self.slow_for += since - began
            self.ran += since - began
            self._note_traps()
            registers = self.gdb.general()
            pc = registers[PC]
            if pc not in self.gdb.breakpoints:
                ended = self._between()
                if ended is not None:
                    return ended
                continue
            self.stops += 1
            self._is_heard = monotonic()
            if pc == self.panic_at:
                return self._panicked(_text(self.gdb, registers[A0]))
            self._at(pc, registers)
            if self.judge.first is not None:
                return "broken", ""
            self._await_forks()
            self.gdb.pass_over(self.program.code.word(pc), registers)

    def _boot(self) -> tuple[Outcome, str] | None:
        """Run to `userinit` at full speed, since there are no processes before it; returns how it ended, if it did."""
        symbols = self.program.symbols
        starts = [symbols[name] for name in _STARTS if name in symbols]
        near = near_loops(self.program)
        slows = {one.address for one in starts if one.address & -PAGE in near and not self.gdb.is_aside(one.address)}
        start = next((one for one in starts if one.address not in slows), starts[0] if starts else None)
        if start is None or self.processes.read(self.gdb):
            return None
        for address in (start.address, self.panic_at):
            if address is not None:
                self.gdb.set_breakpoint(address)
        heads = self.program.heads_of("run")
        while True:
            before = self.gdb.words(heads)
            began, left = monotonic(), min(self.limits.seconds - self.ran, BOOTS_IN)
            try:
                self.gdb.go(max(0.0, left), lambda: self.told_to_stop() or self._has_panicked())
                break
            except TookTooLong:
                self.ran += monotonic() - began
                if self.ran >= self.limits.seconds:
                    return self._unfinished(f"{self.limits.seconds:g} s were over")
                if self.gdb.words(heads) == before:  # otherwise it is still filling its list of free pages
                    why = self._why_no_boot()
                    return self._unfinished(f"it did not come to {start.name} in {BOOTS_IN:g} s{why}")
        self.ran += monotonic() - began
        registers = self.gdb.general()
        self.gdb.clear_breakpoint(start.address)
        if self.told_to_stop():
            return self._unfinished("it was interrupted")
        if registers[PC] != start.address:
            return self._panicked(_text(self.gdb, registers[A0]) if registers[PC] == self.panic_at else self._said())
        self.gdb.pass_over(self.program.code.word(registers[PC]), registers)
        return None

    def _why_no_boot(self) -> str:
        """Return why old kernels don't boot: since QEMU 6, supervisor mode has no access to memory until PMP is set."""
        if self.program.code.body("start").writes & {0x3A0, 0x3B0}:  # pmpcfg0, pmpaddr0
            return ""
        cause = self.gdb.register("mcause")
        if cause not in (1, 2, 5, 7):  # an access that was refused; QEMU 6 and 7 call the mret illegal
            return ""
        return (
            ": its first instruction in supervisor mode was refused. Its start() does not set PMP (pmpaddr0, pmpcfg0),"
            " and QEMU since 6.0 needs that; take start() of an xv6 of 2022 or later"
        )

    def _over(self) -> str:
        """Return the reason to end, or ""."""
        if self.told_to_stop():
            return "it was interrupted"
        if self.stuck:
            return self.stuck
        if self.stops >= self.limits.stops:
            return f"{self.stops:,} stops were made"
        wall = monotonic() - self.began
        over = self.ran > self.limits.seconds or wall > _MOST_WALL * self.limits.seconds + _STARTS_IN
        return f"{self.limits.seconds:g} s were over" if over else ""

    def _has_panicked(self) -> bool:
        return self.panicked is not None and bool(self.gdb.words([self.panicked])[0] & 0xFFFF_FFFF)

    def _said(self) -> str:
        """Return what the kernel said when it panicked, to the end of the line: it may have stopped in between."""
        if self.console is None:
            return ""
        for _ in range(_SAYS_ON):
            if self.console.has_ended_line:
                break
            self._go_on_for(0.05)
        return self.console.last_panic

    def _wanted(self) -> bool:
        """Return whether to stop the guest although no hart is at a breakpoint."""
        now = monotonic()
        if self.told_to_stop() or self._has_panicked() or self.gdb.was_reset:
            return True
        if self.console is not None:
            if self.console.length != self._printed:
                self._heard()
            if self.console.waits:
                return True
        if self.muted and now > self.pauses_until:
            return True
        return now - self._is_heard > HANGS_AFTER * (self._silent_looks + 1) / _LOOKS

    def _heard(self) -> None:
        """Handle a guest that stopped, printed, or made a system call."""
        self._is_heard = monotonic()
        self._silent_looks = 0
        self._seen: object = None
        self._printed = self.console.length if self.console is not None else 0

    def _between(self) -> tuple[Outcome, str] | None:
        """Handle a stop between two calls; returns how the run ended, if it did."""
        if self.gdb.was_reset:
            raise Rebooted
        if self._has_panicked():
            return self._panicked(self._said())
        if self.console is not None and self.console.waits and not self.told_to_stop():
            return self._shell_waits()
        self.seen.scan(None)
        self.judge.judge()
        if self.judge.first is not None:
            return "broken", ""
        if self.muted and monotonic() > self.pauses_until:
            for name in sorted(self.muted):
                self.followed[name] = max(self.followed.get(name, 0), MUTED_AFTER) - _BURST
                self._watch(self.points[name])
            self.muted.clear()
            self.unmuted_at = monotonic()
            self.stopped_for = 0.0
            self.pauses_until = monotonic() + _PAUSE
        return self._is_hanging()

    def _is_hanging(self) -> tuple[Outcome, str] | None:
        """Return whether nothing moves any longer: no system call was made, and no process waits for the clock."""
        if monotonic() - self._is_heard <= HANGS_AFTER * (self._silent_looks + 1) / _LOOKS:
            return None
        seen = self._signature()
        if self._seen is not None and seen != self._seen:
            self._heard()
            self._seen = seen
            return None
        self._seen = seen
        self._silent_looks += 1
        if self._silent_looks < _LOOKS:
            return None
        what = "the shell waits for no command" if not self.has_typed else "the command does not end"
        return self._unfinished(f"it hangs: for {HANGS_AFTER:g} s nothing moved, and {what}")

    def _signature(self) -> object:
        """Return the user registers of each process, which differ after each system call and each tick."""
        fields = self.program.variable("proc").fields
        if "trapframe" not in fields:
            return object()
        parts: list[object] = [self.gdb.words(self.program.heads_of("run"))]
        for one in self.processes.read(self.gdb):
            if one.state == "sleeping" and self._waits_for_the_clock(one):
                return object()
            parts.append((one.pid, one.state, self.seen.user_registers(one)))
        return tuple(parts)

    def _shell_waits(self) -> tuple[Outcome, str] | None:
        """Handle a shell that waits for the first command or has finished it; returns how the run ended, if it did."""
        console = self.console
        assert console is not None
        if not self._settled():
            return None if self.judge.first is None else ("broken", "")
        if not self.has_typed and console.command is not None:
            self.judge.take_stock()
            if self.judge.first is not None:
                return "broken", ""
            self.has_typed = True
            console.type_command()
            self._heard()
            return None
        self.judge.check_all()
        self.lines = self.judge.holders
        return ("broken", "") if self.judge.first is not None else ("nothing found", "")

    def _settled(self) -> bool:
        """Let processes that are ending end; returns whether all others wait."""
        end = monotonic() + _SETTLES_IN
        while True:
            self.seen.scan(None)
            self.judge.judge()
            if self.judge.first is not None:
                return False
            still = all(one.state == "sleeping" and not self._ends_soon(one) for one in self.seen.there.values())
            if (still and not self.calls.all() and not self.judge.doubts) or monotonic() > end:
                return True
            self._go_on_for(0.05)
            registers = self.gdb.general()
            pc = registers[PC]
            if pc in self.gdb.breakpoints and pc != self.panic_at:
                self.stops += 1
                self._at(pc, registers)
                if self.judge.first is not None:
                    return False
                self.gdb.pass_over(self.program.code.word(pc), registers)

    def _ends_soon(self, process: Process) -> bool:
        """Return whether a process that came with the command sleeps for some ticks: it may end then."""
        return self.has_typed and process.pid not in self.judge.had and self._waits_for_the_clock(process)

    def _waits_for_the_clock(self, process: Process) -> bool:
        ticks = self.program.symbols.get("ticks")
        return ticks is not None and process.chan == ticks.address

    def _go_on_for(self, seconds: float) -> None:
        until = monotonic() + seconds
        self.gdb.go(seconds + 10.0, lambda: monotonic() > until)
        self.ran += seconds

    def _watch_all(self) -> None:
        """Set all breakpoints, and read the memory for the first time."""
        for point in self.points.values():
            self._watch(point)
        near = near_loops(self.program)
        for at in takers(self.program, {*self.points}):
            if self.gdb.is_aside(at) or at & -PAGE not in near:
                self.takers[at] = 0
                self.gdb.set_breakpoint(at)
        if self.panic_at is not None:
            self.gdb.set_breakpoint(self.panic_at)
        self.seen.scan(None)
        self.seen.changed.clear()

    def _watch(self, point: Point) -> None:
        for address in point.places:
            self.gdb.set_breakpoint(address)

    def _at(self, pc: int, registers: list[int]) -> None:
        """Handle a hart at a breakpoint."""
        if pc in self.takers:
            self._took(pc, registers)
        if pc in self.forks:
            self.forks.discard(pc)
            if pc not in self.returns:
                self.gdb.clear_breakpoint(pc)
            self.seen.scan(None)
            self.judge.judge()
            if self.judge.first is not None:
                return
        if pc in self.entries:
            self._enter(self.entries[pc], registers, registers[SP], registers[RA])
        elif pc in self.late and not self.calls.is_under_way(self.late[pc].name, registers[FP]):
            point = self.late[pc]
            returns_to = self.stacks.of_registers(self.gdb, registers)[1:2]
            self._enter(point, registers, registers[FP], (returns_to or [0])[0])
            for end in point.ends:
                self.gdb.set_breakpoint(end)
        returned = self.calls.returned(registers, pc)
        if returned is not None:
            self._leave(returned)

    def _took(self, pc: int, registers: list[int]) -> None:
        """Record which function got a page from `kalloc`: if the page is lost, this function had it."""
        if registers[A0]:
            self.seen.handed[registers[A0]] = tuple(self.stacks.of_registers(self.gdb, registers))
        self.takers[pc] += 1
        if self.takers[pc] >= _MOST_TAKEN:
            del self.takers[pc]
            self.gdb.clear_breakpoint(pc)

    def _await_forks(self) -> None:
        """Stop where a fork returns whose effects are doubted: they are judged before another process runs on."""
        for at in self.judge.to_return - self.gdb.breakpoints:
            self.gdb.set_breakpoint(at)
            self.forks.add(at)
        self.judge.to_return.clear()

    def _enter(self, point: Point, registers: list[int], sp: int, returns_to: int) -> None:
        outer = self.calls.of(sp)
        self.seen.scan(outer)
        values = tuple(registers[A0 : A0 + len(point.parameters)])
        roots, process = self.seen.about(point, values, registers)
        if point.name == "uvmcopy" and self.judge.unled is None and self.judge.counts is None:
            self.judge.learn_counts()  # before the first fork, no frame is shared
        self.judge.judge(roots)
        if self.judge.first is not None:
            return
        call = Call(point, sp, returns_to, values if not point.late else (), roots, process)
        if point.late:
            call.began = registers[PC]
            if point.name in _TRAPS:
                call.fault = self.gdb.register("stval") or 0
            names = self.stacks.names(self.stacks.of_registers(self.gdb, registers))
            call.within = next((name for name in names if name.startswith("sys_")), "")
        self.calls.entered(call)
        if not point.ends or (point.near_loops and not point.late):
            if call.is_large and returns_to & -PAGE in self.loops:  # its end would be slow: use a later place
                places = self.stacks.of_registers(self.gdb, registers)[1:]
                call.far = next((at for at in places if at & -PAGE not in self.loops), 0)
                returns_to = call.far or returns_to
            self.gdb.set_breakpoint(returns_to)
            self.returns.add(returns_to)
        if call.is_large:
            self._set_near(False)
        self.seen.scan(outer)
        if point.name in self.judge.checks or (point.name == "uvmcopy" and self.judge.lab != "mmap"):
            call.before = {
                root: dict(self.seen.spaces.known[root].leaves) for root in roots if root in self.seen.spaces.known
            }

    def _leave(self, call: Call) -> None:
        """Handle the return of a call."""
        self.done += 1
        self.seen.recent = call
        self.seen.last.update(dict.fromkeys(call.roots, call))
        name = call.function
        self.seen.give_back(call)
        self.seen.scan(call)
        if call.roots:
            self.judge.by_call(call)
        if self.judge.first is None:
            self.judge.judge()
        for at in {call.far, call.returns_to} & self.returns:
            if all(at not in (one.far, one.returns_to) for one in self.calls.all()):
                self.gdb.clear_breakpoint(at)
                self.returns.discard(at)
        if call.point.late and not any(one.function == name for one in self.calls.all()):
            for end in call.point.ends:
                if end not in call.point.late:
                    self.gdb.clear_breakpoint(end)
        self.followed[name] = self.followed.get(name, 0) + 1
        repeats = self._repeated(call)
        if call.is_large and not any(one.is_large for one in self.calls.all()):
            self._set_near(True)
        if call.point.near_loops:
            self.near += 1
            if self.near >= NEAR_MUTED_AFTER and self.slow_for > _SLOW_FOR and repeats < NEAR_MUTED_AFTER // 2:
                self._mute_near()
        elif self.followed[name] >= MUTED_AFTER and name not in self.judge.checks and repeats < MUTED_AFTER // 2:
            self._mute(name)

    def _note_traps(self) -> None:
        """Walk the address of each user trap that was printed since the last stop: its process still has its tables."""
        if self.console is None or self.console.length == self._read_to:
            return
        self._read_to = self.console.length
        while len(self.traps) < _MOST_TRAPS and (found := _TRAP.search(self.console.text, self._trapped_to)):
            self._trapped_to = found.end()
            cause, pid, at, va = int(found[1], 16), int(found[2]), int(found[3], 16), int(found[4], 16)
            process = next((one for one in self.processes.read(self.gdb) if one.pid == pid), None)
            says = f"{process or f'process {pid}'} trapped at {Address(at)}: "
            kind = _PAGE_FAULTS.get(cause)
            if kind is None:
                self.traps.append(f"{says}scause {cause:#x}, {cause_of(cause)}")
                continue
            root = process.root if process is not None and process.root not in self.seen.free else 0
            why = self._why_refused(root, va, cause, user=True) if root else ""
            self.traps.append(f"{says}its {kind} of {Address(va)} was refused{': ' * bool(why)}{why}")

    def _why_refused(self, root: int, va: int, cause: int, *, user: bool) -> str:
        """Return why the tables of a root refuse the access of a page fault; "" if they allow it now."""
        memory = StoppedMemory(self.gdb.read)
        walk = PageTables("its tables", memory, SV39, root).walk(va, _ACCESSES[cause], user=user)
        memory.close()
        return "" if walk.fault is None else f"{walk.fault.why}{_sentence(junk_of(va))}"

    def _repeated(self, call: Call) -> int:
        """Return how many equal calls in a row a process has made up to this one; too many equal faults end the run."""
        key = call.function, call.values, call.roots, call.fault, call.result
        before, count = self.repeated.get(call.process, (None, 0))
        count = count + 1 if before == key else 1
        if count >= SAME_FAULTS:
            kind = _PAGE_FAULTS.get(self.gdb.register("scause") or 0, "")
            if kind:
                at, result = Address(self.gdb.register("stval") or 0), call.result & 0xFFFF_FFFF
                returned = f", and {call.function} returned {result} each time" if not call.began else ""
                self.stuck = f"the same {kind} of {call.process}, at {at}, faulted {count:,} times{returned}"
            count = 0
        self.repeated[call.process] = key, count
        return count

    def _set_near(self, on: bool) -> None:
        """Turn following near the loops `on` or off: while a call fills many pages, watching its end is enough."""
        for one in self.points.values():
            if one.near_loops and one.name not in self.muted and one.name not in self.dropped:
                for address in one.places:
                    (self.gdb.set_breakpoint if on else self.gdb.clear_breakpoint)(address)
        if not on:
            for address in [at for at in self.returns & self.gdb.breakpoints if at & -PAGE in self.loops]:
                self.gdb.clear_breakpoint(address)
            self.thinned.update(one.name for one in self.points.values() if one.near_loops)

    def _mute_near(self) -> None:
        """Follow nothing near the loops for a while, since a single breakpoint there slows all the loops."""
        names = [one.name for one in self.points.values() if one.near_loops]
        if any(call.function in names for call in self.calls.all()):
            return
        self.near, self.slow_for = NEAR_MUTED_AFTER - _BURST, _SLOW_FOR / 2
        pause = max(_LONG_PAUSE, _FASTER * (monotonic() - self.unmuted_at))
        for name in names:
            if name not in self.muted and name not in self.dropped:
                self._silence(name, pause)

    def _mute(self, name: str) -> None:
        """Don't stop at this function any longer: for a while, or for good if each caller is followed."""
        if any(one.function == name for one in self.calls.all()):
            return
        others = {one for one in self.points if one not in self.dropped and one != name}
        if inner_only(self.program, name, others):
            self.dropped.add(name)
            self._silence(name, 0.0)
            self.muted.discard(name)
        elif name not in self.muted:
            self._silence(name, min(max(_PAUSE, _FASTER * self.stopped_for), _LONGEST_PAUSE))

    def _silence(self, name: str, seconds: float) -> None:
        self.muted.add(name)
        self.thinned.add(name)
        if seconds:
            self.pauses_until = monotonic() + seconds
        for address in self.points[name].places:
            self.gdb.clear_breakpoint(address)

    def _unfinished(self, why: str) -> tuple[Outcome, str]:
        self.seen.scan(None)
        self.judge.judge()
        if self.judge.first is not None:
            return "broken", ""
        self.lines = tuple(self._where())
        return "unfinished", why

    def _panicked(self, said: str) -> tuple[Outcome, str]:
        """Handle a panic: a broken rule explains it; otherwise report its place, and what is still mapped."""
        harts = self.stacks.harts(self.gdb)
        at = next((one for one in harts if "panic" in self.stacks.names(one.places)), None)
        self.judge.at_panic()
        lines = list(self.stacks.lines(at.places)) if at is not None else []
        lines = lines[next((n + 1 for n, line in enumerate(lines) if line.startswith("panic")), 0) :]
        self.lines = (
            *(f"{'in' if not n else 'called by'} {line}" for n, line in enumerate(lines)),
            *(self._trapped(at) if at is not None and "kerneltrap" in self.stacks.names(at.places) else ()),
            *self._mapped_at(at),
            *self.judge.before,
        )
        self.panic = said
        return ("broken" if self.judge.first is not None else "panicked"), said

    def _mapped_at(self, at: Hart | None) -> Iterator[str]:
        """Yield, at a panic in a followed call, the pages that its tables still map above the top, and their origin."""
        if at is None:
            return
        under = [call for call in self.calls.all() if call.sp >= at.registers[SP] and call.sp - at.registers[SP] < 4096]
        for call in under:
            yield f"the call that never returned: {call}"
        root = next((root for call in under for root in call.roots), None)
        names = {*self.stacks.names(at.places)}
        asked = under[-1].pages if under and "mappages" in names else None
        space = self.seen.spaces.known.get(root) if root is not None else None
        if space is None or (asked is None and not {"freewalk", "uvmfree"} & names):
            return
        still = [va for va in sorted(space.leaves) if asked is None or va in asked]
        for va in still[:4]:
            leaf, mapped = space.leaves[va], self.seen.mapper(space.root, va)
            by = f"since {mapped.lines(self.program)}" if mapped is not None else "by a call that was not followed"
            sizes = [value for call in under for name, value in call.arguments.items() if name == "sz"]
            just = " (which begins just at the size)" if va in sizes else ""
            yield f"{Address(va)}{just} is still mapped, to frame {Address(leaf.frame)} with {leaf.rights}, {by}"

    def _trapped(self, hart: Hart) -> Iterator[str]:
        """Yield what the kernel's last trap on a hart was, and why its tables refuse the access now."""
        found = self._registers_of(hart)
        cause, va, at = (found.get(name) for name in ("scause", "stval", "sepc"))
        if cause is None or va is None or at is None or cause not in _ACCESSES:
            return
        frames = self.program.frames(at)
        place = f"{frames[0].name} ({frames[0].line})" if frames[0].name else str(Address(at))
        why = self._why_refused((found.get("satp", 0) & (1 << 44) - 1) << 12, va, cause, user=False)
        yield f"the kernel's {_PAGE_FAULTS[cause]} of {Address(va)}, in {place}, was refused{': ' * bool(why)}{why}"

    def _registers_of(self, hart: Hart) -> dict[str, int]:
        self.gdb.thread = self.gdb.threads()[hart.number]
        names = ("priv", "mcause", "mtval", "mepc", "scause", "stval", "sepc", "satp", "sstatus")
        return self.gdb.registers(names)

    def _place_of(self, hart: Hart) -> str:
        """Return where a hart is, in which mode, and what its last trap was: a hart may do nothing but trap."""
        program, pc = self.program, hart.registers[PC]
        lines = self.stacks.lines(hart.places)
        found = self._registers_of(hart)
        mode = _MODES.get(found.get("priv", -1), "")
        start = program.symbols.get("trampoline")
        if lines:
            place = ", called by ".join(lines)
        elif start is not None and pc & -PAGE == MAXVA - PAGE:
            name = program.code.named(start.address + pc % PAGE)
            place = f"in the trampoline{f' ({name})' if name else ''}, at {Address(pc)}"
        else:
            whose = "user code" if mode == "user" else "the kernel" if hart.in_kernel else "no code"
            place = f"in {whose}, at {Address(pc)}"
        letter = "m" if mode == "machine" else "s"
        cause, va, at = (found.get(f"{letter}{name}") for name in ("cause", "tval", "epc"))
        if not cause or va is None or at is None or cause >> 63:
            return f"{place}{f', in {mode} mode' if mode else ''}"
        says = f"{place}, in {mode or 'an unknown'} mode; its last trap was at {Address(at)}: {cause_of(cause)}"
        if cause not in _ACCESSES:
            return says
        user = letter == "s" and not found.get("sstatus", _SPP) & _SPP
        current = self.stacks.current(self.gdb, hart.registers) if user and hart.in_kernel else 0
        root = next((one.root for one in self.processes.read(self.gdb) if one.place == current), 0)
        why = self._why_refused(root or (found.get("satp", 0) & (1 << 44) - 1) << 12, va, cause, user=user)
        return f"{says} of {Address(va)}{', since ' * bool(why)}{why}"

    def _where(self) -> Iterator[str]:
        """Yield where each hart is, and which calls never returned."""
        try:
            for hart in self.stacks.harts(self.gdb):
                yield f"hart {hart.number}: {self._place_of(hart)}"
        except Refused:
            return
        for call in self.calls.all():
            yield f"the call that never returned: {call}, {call.lines(self.program)}"
        if self.console is not None and self.console.last_line:
            yield f"printed last: {self.console.last_line}"


def follow(
    gdb: Gdb,
    program: Program,
    lab: str,
    limits: Limits,
    counts: str | None,
    console: Console | None,
    told_to_stop: Callable[[], bool],
    checks: dict[str, Check] | None = None,
) -> Followed:
    """Follow the guest until the shell waits again, a rule is broken, or it panics; then the guest is stopped."""
    if lab not in LABS:
        raise Refused(f"lab={lab!r}: known are {', '.join(LABS)}")
    names = [counts] if counts is not None else program.countings() if lab == "cow" else []
    end = program.address("end") if "end" in program.symbols else 0
    arrays = [Counts(program.counting(name), name, end) for name in names]
    points = plan(program)
    _put_aside(gdb, program, points)
    seen = Seen(gdb, program, with_loops(points, near_loops(program), gdb.is_aside))
    judge = Judge(seen, lab, arrays, checks or {})
    run = _Run(seen, judge, limits, console, told_to_stop)
    try:
        with no_collection():  # hundreds of thousands of descriptors stay from stop to stop
            outcome, why = run.run()
    except Rebooted:
        outcome, why = "unfinished", "it has rebooted"
    except BusError as error:
        raise Refused(f"{gdb.name}: the kernel's memory can't be read: {error}") from None
    finally:
        for address in list(gdb.breakpoints):
            gdb.clear_breakpoint(address)
    panic = run.panic
    if outcome == "unfinished":
        why = f"it did not come to its end: {why}"
    elif outcome == "nothing found" and counts is not None and judge.counts is None:
        outcome, why = "unfinished", f"the counts that were asked for were not compared: {_why_no_counts(judge)}"
    return Followed(
        outcome,
        lab,
        run.done,
        run.stops,
        judge.first,
        panic,
        why,
        tuple(_outside(run)),
        lines=(*run.traps, *run.lines),
        free=(judge.free_before, judge.free_after),
    )


def _put_aside(gdb: Gdb, program: Program, points: dict[str, Point]) -> None:
    """Prepare breakpoints in copies of the code, if the guest was started here and has no process yet."""
    if gdb.ram is None or Processes(program).read(gdb):
        return
    places = {at for one in points.values() for at in (one.entry, *one.ends, *one.late)}
    places |= {program.symbols[name].address for name in _STARTS if name in program.symbols}
    places |= {*takers(program, {*points})}
    gdb.put_aside(copies(program.code, (at for at in places if not gdb.is_aside(at)), program.room))


def _outside(run: _Run) -> Iterator[str]:
    names = ", ".join(run.points)
    yield f"Followed were the functions that can write descriptors: {names}."
    if run.thinned:
        yield (
            f"Of {', '.join(sorted(run.thinned))}, not each call was followed, because there were very many; what the"
            " others left was judged at later stops."
        )
    if run.judge.unled is None:
        yield "Lost memory was not looked for: that takes a command, before and after which the shell waits."
    elif not run.judge.lost.is_known:
        yield "Lost memory was not looked for: the kernel's file does not say where its memory begins (`end`)."
    if run.judge.lab == "mmap":
        yield "Frames that two processes can write were not looked for: a solution may share pages on purpose."
    if run.judge.counts is None and (run.judge.arrays or run.judge.lab == "cow"):
        yield f"Counts of references were not compared: {_why_no_counts(run.judge)}."
    yield (
        f"The kernel's own table is excepted, and so are pages from {Address(TOP)} on that user code can't touch, such"
        " as the trampoline and trapframes."
    )
    yield (
        "What a page contains, offsets in files, empty tables and a missing sfence.vma were not looked at: tables,"
        " counts and free pages don't show mistakes there."
    )


def _why_no_counts(judge: Judge) -> str:
    names = [one.name for one in judge.arrays]
    known = [one.name for one in judge.arrays if one.is_known]
    if judge.unled is None and names:
        return "what they mean is learned where the shell waits for a command to run"
    if known:
        return f"each of {', '.join(known)} may have them; say which"
    if len(names) == 1:
        return f"{names[0]} does not say the same of all pages in use, so it may have no number for each of them"
    return "say which array has them"


_LONGEST = 200


def _sentence(more: str) -> str:
    """Return a sentence to put behind another one, without its full stop."""
    return f".{more.rstrip('.')}" if more else ""


def _text(gdb: Gdb, address: int) -> str:
    """Return the kernel's string at a physical address."""
    try:
        data = gdb.read_one(address, _LONGEST)
    except BusError:
        return "?"
    return data.split(b"\0")[0].decode("utf-8", "replace").strip()
