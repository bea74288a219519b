"""Lets a kernel go from stop to stop, and ends at the first rule that does not hold.

At each stop, all tables and the lists of free pages are compared with what they were at the stop before.  What changed
is judged as soon as no call is changing those tables.  What is wrong then is looked at again when no other process or
hart is in the middle of writing descriptors: only what is still wrong by then is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import NamedTuple, Protocol

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.errors import Refused
from ...engine.base.units import PAGE, Address, counted
from ...engine.memory.ram import BusError
from ...engine.mmu.followed import Break, Followed, Outcome
from ...engine.mmu.rules import Access
from ..gdb import Gdb, TookTooLong
from ..memory import StoppedMemory
from ..processes import Process, Processes
from ..program import Line, Program
from .calls import A0, FP, RA, SP, Call, Calls
from .checks import Check, asked
from .counts import KERNBASE, Counts
from .free_list import FreePages
from .lost import Lost
from .plan import Point, freers_of, inner_only, is_writing, near_loops, plan, writers_of
from .rules import (
    LABS,
    TOP,
    State,
    Wrong,
    base_call,
    dangling_wrong,
    exec_wrong,
    frame_wrong,
    leaf_wrong,
    shrunk_wrong,
    table_wrong,
)
from .spaces import Change, Leaf, Spaces
from .stacks import PC, Hart, Stacks

__all__ = ["Console", "Followed", "Limits", "follow"]

BOOTS_IN = 20.0
"""Seconds in which a kernel comes to `userinit`, and then to the shell."""

HANGS_AFTER = 20.0
"""Seconds without a stop, a printed letter or a system call after which a kernel hangs."""

_STARTS = ("userinit", "virtio_disk_init", "fileinit", "iinit", "binit", "trapinit", "procinit", "kvminithart")
"""Functions that are called once all pages are in the list of free ones, and before the first process runs."""

_LOOKS = 4
"""How often a kernel that is silent is looked at in that time."""

MUTED_AFTER = 300
"""Calls of one function after which not each is followed."""

_BURST = 12
"""Calls of such a function that are followed, one after another …"""

_PAUSE = 0.25
"""… and the seconds that the kernel then runs without stopping there."""

NEAR_MUTED_AFTER = 100
"""The same for all functions together that lie near the loops that fill and copy pages …"""

_SLOW_FOR = 2.0
"""… once the kernel has run so many seconds with breakpoints there …"""

_LONG_PAUSE = 1.0
"""… and the seconds in which these loops then run at their full speed."""

_GIVING_BACK = ("proc_freepagetable", "uvmfree", "freewalk")
"""Functions after which a process has tables that are free."""

_DEAD = ("zombie", "used", "unused")
"""States of a process whose tables another process may free."""

MOST_DOUBTS = 64
"""What is kept of the things that are to be looked at again: the first ones."""

_SETTLES_IN = 3.0
"""Seconds in which the processes that a command started come to their end after it."""


class Console(Protocol):
    """The console of a kernel that was started here."""

    @property
    def waits(self) -> bool:
        """Whether the shell waits for a command."""

    @property
    def length(self) -> int:
        """How much was printed."""

    @property
    def command(self) -> str | None:
        """The command to type."""

    @property
    def last_panic(self) -> str:
        """What the kernel printed after "panic: ", or ""."""

    @property
    def last_line(self) -> str:
        """The last line that was printed, or ""."""

    def type_command(self) -> None:
        """Type the command."""


@frozen(slots=False)
class Limits:
    """Where following ends at the latest."""

    stops: int = 200_000
    seconds: float = 600.0


class _Rebooted(Exception):
    """There were processes, and there are none: the first one never ends."""


class Doubt(NamedTuple):
    """Something wrong, to be looked at again: the call that did it, if one was followed."""

    wrong: Wrong
    call: Call | None
    again: Callable[[State], Iterable[Wrong]]


@dataclass
class _Leaving:
    """A frame that lost its last descriptor, or a page that held a table: who had it, and in which call it left."""

    root: int
    whose: str
    va: int | None
    call: Call | None


@dataclass
class _Run:
    gdb: Gdb
    program: Program
    lab: str
    limits: Limits
    counts: Counts | None
    console: Console | None
    told_to_stop: Callable[[], bool]
    checks: dict[str, Check] = field(default_factory=dict)
    """Functions of the course's own, by the function whose calls they judge."""
    calls: Calls = field(default_factory=Calls)
    spaces: Spaces = field(default_factory=Spaces)
    doubts: list[Doubt] = field(default_factory=list)
    done: int = 0
    stops: int = 0
    first: Break | None = None
    given_back: set[tuple[int, int]] = field(default_factory=set)
    """Tables that were freed, by the place of their process and their root, until the process forgets them."""
    being_freed: set[int] = field(default_factory=set)
    """Roots whose tables may be free by now: another processor may have the pages, for anything."""

    def __post_init__(self) -> None:
        program = self.program
        self.processes = Processes(program)
        self.free = FreePages(program)
        self.points = plan(program)
        self.writers = writers_of(program)
        self.freers = freers_of(program)
        self.stacks = Stacks(program, self.processes)
        self.lost = Lost(program, self.processes, self.stacks)
        self.entries = {one.entry: one for one in self.points.values() if not one.late}
        self.late = {at: one for one in self.points.values() for at in one.late}
        self.there: dict[int, Process] = {}
        """The processes by root, at this stop."""
        self.slots: dict[int, Process] = {}
        """The processes by the place of their `struct proc`, at the stop before."""
        self.mapper: dict[tuple[int, int], Call | None] = {}
        self.changed: dict[int, dict[int, Call | None]] = {}
        self.freed: dict[int, Call | None] = {}
        self.new_tables: dict[int, Call | None] = {}
        self.leaving: dict[int, _Leaving] = {}
        self.left: dict[int, _Leaving] = {}
        """The latest that is known of frames that left a table: for what is found lost at the end."""
        self.shrunk: dict[tuple[int, int, int], Call | None] = {}
        self.executed: set[int] = set()
        self.dangling: dict[int, Call | None] = {}
        self.unled: set[int] | None = None
        """The frames that nothing led to when the shell waited first: what the kernel keeps in its own way."""
        self.free_before: int | None = None
        self.free_after: int | None = None
        self.muted: set[str] = set()
        self.dropped: set[str] = set()
        self.followed: dict[str, int] = {}
        self.near = 0
        self.slow_for = 0.0
        self.panic = ""
        self.loops = near_loops(program)
        self.returns: set[int] = set()
        """Where calls return to, whose own ends are not watched."""
        self.thinned: set[str] = set()
        self.lines: tuple[str, ...] = ()
        panicked = program.symbols.get("panicked")
        self.panicked = panicked.address if panicked is not None and self.gdb.ram is not None else None
        self.images: dict[str, list[tuple[int, int, int]]] = {}
        self.kernels: set[int] = set()
        """The roots of tables that map the kernel."""
        self.has_typed = False
        self.recent: Call | None = None
        self.last: dict[int, Call] = {}
        """The latest call about each root that has returned."""
        self.owners: dict[int, str] = {}
        """The process that has, or had, each root."""

    # ---- from stop to stop -------------------------------------------------------------------

    def run(self) -> tuple[Outcome, str]:
        """How it ended, and why."""
        if not any(name in self.points for name in ("mappages", "uvmunmap", "uvmcopy", "uvmalloc")):
            raise Refused(f"{self.program.path}: the kernel has no mappages, uvmunmap or uvmcopy; is this xv6?")
        self.ends_at = monotonic() + self.limits.seconds
        panic = self.program.symbols.get("panic")
        self.panic_at = panic.address if panic is not None and self.panicked is None else None
        early = self._boot()
        if early is not None:
            return early
        for point in self.points.values():
            self._watch(point)
        if self.panic_at is not None:
            self.gdb.set_breakpoint(self.panic_at)
        self._scan(None)
        self.changed.clear()
        self.pauses_until = monotonic() + _PAUSE
        self._heard()
        while True:
            why = self._over()
            if why:
                return self._unfinished(why)
            began = monotonic()
            try:
                self.gdb.go(max(0.0, self.ends_at - began), self._wanted)
            except TookTooLong:
                return self._unfinished(f"{self.limits.seconds:g} s were over")
            self.slow_for += monotonic() - began
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
            if self.first is not None:
                return "broken", ""
            self.gdb.pass_over(self.program.code.word(pc), registers)

    def _boot(self) -> tuple[Outcome, str] | None:
        """Come to `userinit` at full speed: before it there are no processes.  How it ended, if it did."""
        symbols = self.program.symbols
        starts = [symbols[name] for name in _STARTS if name in symbols]
        start = next((one for one in starts if one.address & -PAGE not in self.loops), starts[0] if starts else None)
        if start is None or self.processes.read(self.gdb):
            return None
        for address in (start.address, self.panic_at):
            if address is not None:
                self.gdb.set_breakpoint(address)
        heads = self.program.heads_of("run")
        while True:
            before = self.gdb.words(heads)
            until = min(self.ends_at, monotonic() + BOOTS_IN)
            try:
                self.gdb.go(max(0.0, until - monotonic()), lambda: self.told_to_stop() or self._has_panicked())
                break
            except TookTooLong:
                if monotonic() >= self.ends_at:
                    return self._unfinished(f"{self.limits.seconds:g} s were over")
                if self.gdb.words(heads) == before:  # else it is still filling its list of free pages
                    why = self._why_no_boot()
                    return self._unfinished(f"it did not come to {start.name} in {BOOTS_IN:g} s{why}")
        registers = self.gdb.general()
        self.gdb.clear_breakpoint(start.address)
        if self.told_to_stop():
            return self._unfinished("it was interrupted")
        if registers[PC] != start.address:
            said = _text(self.gdb, registers[A0]) if registers[PC] == self.panic_at else ""
            return self._panicked(said)
        self.gdb.pass_over(self.program.code.word(registers[PC]), registers)
        return None

    def _why_no_boot(self) -> str:
        """What an old kernel lacks: since QEMU 6, no memory is open to supervisor mode until PMP says so."""
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
        """Why it is time to end, or ""."""
        if self.told_to_stop():
            return "it was interrupted"
        if self.stops >= self.limits.stops:
            return f"{self.stops:,} stops were made"
        return f"{self.limits.seconds:g} s were over" if monotonic() > self.ends_at else ""

    def _has_panicked(self) -> bool:
        return self.panicked is not None and bool(self.gdb.words([self.panicked])[0] & 0xFFFF_FFFF)

    def _wanted(self) -> bool:
        """Whether the guest is to be stopped, though no hart came to a breakpoint."""
        now = monotonic()
        if self.told_to_stop() or self._has_panicked():
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
        """The guest has stopped, printed something, or made a system call."""
        self._is_heard = monotonic()
        self._silent_looks = 0
        self._seen: object = None
        self._printed = self.console.length if self.console is not None else 0

    def _between(self) -> tuple[Outcome, str] | None:
        """The guest was stopped between two calls: how it ended, if it did."""
        if self._has_panicked():
            return self._panicked(self.console.last_panic if self.console is not None else "")
        if self.console is not None and self.console.waits and not self.told_to_stop():
            return self._shell_waits()
        self._scan(None)
        self._judge()
        if self.first is not None:
            return "broken", ""
        if self.muted and monotonic() > self.pauses_until:
            for name in sorted(self.muted):
                self.followed[name] = max(self.followed.get(name, 0), MUTED_AFTER) - _BURST
                self._watch(self.points[name])
            self.muted.clear()
            self.pauses_until = monotonic() + _PAUSE
        return self._is_hanging()

    def _is_hanging(self) -> tuple[Outcome, str] | None:
        """Whether nothing moves any more: no system call was made, and no process waits for the clock."""
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
        """What user code's registers are in each process: other ones after each system call and each tick in it."""
        fields = self.program.variable("proc").fields
        if "trapframe" not in fields:
            return object()
        ticks = self.program.symbols.get("ticks")
        parts: list[object] = [self.gdb.words(self.program.heads_of("run"))]
        for one in self.processes.read(self.gdb):
            frame, chan = (
                self.gdb.words([one.place + fields[name].offset])[0] if name in fields else 0
                for name in ("trapframe", "chan")
            )
            if one.state == "sleeping" and ticks is not None and chan == ticks.address:
                return object()
            parts.append((one.pid, one.state, self.gdb.read([(frame, 288)])[0]))
        return tuple(parts)

    def _shell_waits(self) -> tuple[Outcome, str] | None:
        """The shell waits: for the first command, or because it has ended."""
        console = self.console
        assert console is not None
        if not self._settled():
            return None if self.first is None else ("broken", "")
        if not self.has_typed and console.command is not None:
            self._take_stock()
            if self.first is not None:
                return "broken", ""
            self.has_typed = True
            console.type_command()
            self._heard()
            return None
        self.check_all()
        return ("broken", "") if self.first is not None else ("nothing found", "")

    def _settled(self) -> bool:
        """Let processes that have ended go: whether all that are left wait."""
        end = monotonic() + _SETTLES_IN
        while True:
            self._scan(None)
            self._judge()
            if self.first is not None:
                return False
            still = all(one.state == "sleeping" for one in self.there.values())
            if (still and not self.calls.all() and not self.doubts) or monotonic() > end:
                return True
            self._go_on_for(0.05)
            registers = self.gdb.general()
            pc = registers[PC]
            if pc in self.gdb.breakpoints and pc != self.panic_at:
                self.stops += 1
                self._at(pc, registers)
                if self.first is not None:
                    return False
                self.gdb.pass_over(self.program.code.word(pc), registers)

    def _go_on_for(self, seconds: float) -> None:
        until = monotonic() + seconds
        self.gdb.go(seconds + 10.0, lambda: monotonic() > until)

    # ---- calls -------------------------------------------------------------------------------

    def _watch(self, point: Point) -> None:
        for address in point.places:
            self.gdb.set_breakpoint(address)

    def _at(self, pc: int, registers: list[int]) -> None:
        """A hart has come to a breakpoint."""
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

    def _enter(self, point: Point, registers: list[int], sp: int, returns_to: int) -> None:
        outer = self.calls.of(sp)
        self._scan(outer)
        values = tuple(registers[A0 : A0 + len(point.parameters)])
        roots, process = self._about(point, values, registers)
        self._judge(roots)
        if self.first is not None:
            return
        call = Call(point, sp, returns_to, values if not point.late else (), roots, process)
        if point.late:
            call.fault = self.gdb.register("stval") or 0
        self.calls.entered(call)
        if not point.ends or (point.near_loops and not point.late):
            if call.is_large and returns_to & -PAGE in self.loops:  # its end would make it slow: a later one is taken
                places = self.stacks.of_registers(self.gdb, registers)[1:]
                call.far = next((at for at in places if at & -PAGE not in self.loops), 0)
                returns_to = call.far or returns_to
            self.gdb.set_breakpoint(returns_to)
            self.returns.add(returns_to)
        if call.is_large:
            self._set_near(False)
        self._scan(outer)
        if point.name in self.checks or (point.name == "uvmcopy" and self.lab == "base"):
            call.before = {root: dict(self.spaces.known[root].leaves) for root in roots if root in self.spaces.known}

    def _about(self, point: Point, values: tuple[int, ...], registers: list[int]) -> tuple[tuple[int, ...], str]:
        """The root tables that a call is about, and its process."""
        current = self.stacks.current(self.gdb, registers)
        mine = next((one for one in self.there.values() if one.place == current), None)
        name = str(mine) if mine is not None else ""
        if point.late:
            return ((mine.root,) if mine is not None else ()), name
        # freewalk calls itself for tables below.  To others a page is a root, even if it was such a table a moment ago.
        calls_itself = point.name in self.program.code.callees.get(point.name, ())
        roots = [
            next(iter(sorted(self.spaces.having(value) - {value})), value) if calls_itself else value
            for one, value in zip(point.parameters, values, strict=False)
            if one.type == "pagetable_t" and value and value % 4096 == 0
        ]
        places = [value for one, value in zip(point.parameters, values, strict=False) if one.type == "proc"]
        roots += [one.root for one in self.there.values() if one.place in places]
        if not roots and mine is not None:
            roots = [mine.root]
        return tuple(root for root in roots if root not in self.kernels), name

    def _give_back(self, call: Call) -> None:
        """A call has returned: the tables that it freed are a process's no longer, whatever that has of them."""
        if call.function in _GIVING_BACK:
            self.given_back.update((one.place, one.root) for one in self.there.values() if one.root in call.roots)
            for root in call.roots:
                self._note(root, *self.spaces.forget(root), call)

    def _leave(self, call: Call) -> None:
        """A call has returned."""
        self.done += 1
        self.recent = call
        self.last.update(dict.fromkeys(call.roots, call))
        name = call.function
        self._give_back(call)
        self._scan(call)
        if call.roots:
            self._by_call(call)
        if self.first is None:
            self._judge()
        for at in {call.far, call.returns_to} & self.returns:
            if all(at not in (one.far, one.returns_to) for one in self.calls.all()):
                self.gdb.clear_breakpoint(at)
                self.returns.discard(at)
        if call.point.late and not any(one.function == name for one in self.calls.all()):
            for end in call.point.ends:
                if end not in call.point.late:
                    self.gdb.clear_breakpoint(end)
        self.followed[name] = self.followed.get(name, 0) + 1
        if call.is_large and not any(one.is_large for one in self.calls.all()):
            self._set_near(True)
        if call.point.near_loops:
            self.near += 1
            if self.near >= NEAR_MUTED_AFTER and self.slow_for > _SLOW_FOR:
                self._mute_near()
        elif self.followed[name] >= MUTED_AFTER and name not in self.checks:
            self._mute(name)

    def _set_near(self, on: bool) -> None:
        """Follow what lies near the loops, or not: while a call fills very many pages, its end is enough."""
        for one in self.points.values():
            if one.near_loops and one.name not in self.muted and one.name not in self.dropped:
                for address in one.places:
                    (self.gdb.set_breakpoint if on else self.gdb.clear_breakpoint)(address)
        if not on:
            for address in [at for at in self.returns & self.gdb.breakpoints if at & -PAGE in self.loops]:
                self.gdb.clear_breakpoint(address)
            self.thinned.update(one.name for one in self.points.values() if one.near_loops)

    def _mute_near(self) -> None:
        """Follow nothing near the loops for a while: one breakpoint there makes all of them slow."""
        names = [one.name for one in self.points.values() if one.near_loops]
        if any(call.function in names for call in self.calls.all()):
            return
        self.near, self.slow_for = NEAR_MUTED_AFTER - _BURST, _SLOW_FOR / 2
        for name in names:
            if name not in self.muted and name not in self.dropped:
                self._silence(name, _LONG_PAUSE)

    def _mute(self, name: str) -> None:
        """Do not stop there for a while; for good where each caller is followed."""
        if any(one.function == name for one in self.calls.all()):
            return
        others = {one for one in self.points if one not in self.dropped and one != name}
        if inner_only(self.program, name, others):
            self.dropped.add(name)
            self._silence(name, 0.0)
            self.muted.discard(name)
        elif name not in self.muted:
            self._silence(name, _PAUSE)

    def _silence(self, name: str, seconds: float) -> None:
        self.muted.add(name)
        self.thinned.add(name)
        if seconds:
            self.pauses_until = monotonic() + seconds
        for address in self.points[name].places:
            self.gdb.clear_breakpoint(address)

    def _by_call(self, call: Call) -> None:
        """What a call did otherwise than it must: by the course's own checks, and in the base kernel."""
        if not any(self._wrong_by_call(call)):
            return
        self.free.read_again(self.gdb)
        self._scan(call)
        for wrong in self._wrong_by_call(call):
            self.first = self._told(wrong, call, self._state())
            return

    def _wrong_by_call(self, call: Call) -> Iterator[Wrong]:
        if call.function in self.checks and not self.calls.is_inner(call) and not call.failed:
            yield from asked(self.checks[call.function], call, self.spaces)
        if self.lab == "base":
            yield from base_call(self._state(), call)

    # ---- what has changed ----------------------------------------------------------------------

    def _scan(self, cause: Call | None) -> None:
        """Compare all tables and the free pages with what they were at the stop before."""
        gdb = self.gdb
        self.kernels = {root for root in self.kernels if root not in self.free} | {self.processes.kernel_root(gdb)}
        new = self.free.update(gdb)
        if self.free.damaged is not None:
            self.free.read_again(gdb)
        if self.free.damaged is not None:
            says = f"The list of free pages leads to {Address(self.free.damaged)}, which is not a page, or to itself."
            self._doubt(Wrong("free-list", says), cause, self._free_list_again)
        for frame in new:
            self.freed[frame] = cause or self.recent
        mine = {root for call in self.calls.all() for root in call.roots} | set(cause.roots if cause else ())
        self._see_processes(mine, cause)
        for root in [*self.spaces.known]:
            reused = root not in self.there and root not in mine and bool(self.spaces.leading(root))
            if root in self.free or reused:
                self._note(root, *self.spaces.forget(root), cause)
        for root in {*self.spaces.known, *self.there, *mine} - self.kernels - self.being_freed:
            if root in self.free:
                continue
            before = self.spaces.known[root].pages if root in self.spaces.known else {}
            changes, gone = self.spaces.read(gdb, root, self.free)
            if any(one.now is not None and _is_kernels(one.va, one.now) for one in changes):
                self.kernels.add(root)  # a process's own kernel table, as in the labs of 2020
                self.spaces.forget(root)
                continue
            self._note(root, changes, gone, cause)
            if self.spaces.known[root].dangling:
                self.dangling[root] = self._culprit(root, None, cause)
            for page in self.spaces.known[root].pages.keys() - before.keys():
                self.new_tables[page] = self._culprit(root, None, cause)

    def _see_processes(self, mine: set[int], cause: Call | None) -> None:
        """Which processes there are, without those whose tables were given up, or may be by now and are not known."""
        there = self.processes.read(self.gdb)
        if self.slots and not there:
            raise _Rebooted
        there = tuple(one for one in there if one.root not in self.free and one.root not in self.kernels)
        self.being_freed = self._being_freed(there, mine, cause)
        unknown = self.being_freed - self.spaces.known.keys()
        there = tuple(one for one in there if one.root not in unknown)
        self.there = {one.root: one for one in there}
        for one in there:
            self._of_slot(one, cause)
        self.slots = {one.place: one for one in there}
        self.owners.update((one.root, str(one)) for one in there)

    def _being_freed(self, there: Iterable[Process], mine: set[int], cause: Call | None) -> set[int]:
        """The roots that a call frees, or that a process is about to forget, by what the stacks say."""
        found = {root for one in self.calls.innermost() if one.function in _GIVING_BACK for root in one.roots}
        if cause is not None:
            found = found | set(cause.roots) if cause.function in _GIVING_BACK else found - set(cause.roots)
        self.given_back.intersection_update((one.place, one.root) for one in there)
        dead = {one.root for one in there if one.state in _DEAD and one.root not in mine}
        dead |= {root for _, root in self.given_back}
        if not dead or self._is_freeing(self.stacks.harts(self.gdb), there):
            return found | dead
        self.given_back.clear()
        return found

    def _is_freeing(self, harts: list[Hart], there: Iterable[Process]) -> bool:
        """Whether a processor, or a process that the timer took off one, is where tables are freed."""
        places = [hart.places for hart in harts]
        places += [self.stacks.waiting(self.gdb, one) for one in there if one.state == "runnable"]
        return any(self.freers.intersection(self.stacks.names(each)) for each in places)

    def _of_slot(self, one: Process, cause: Call | None) -> None:
        before = self.slots.get(one.place)
        if before is None or before.pid != one.pid:
            return
        if before.root != one.root:
            self.executed.add(one.root)
        elif one.size < before.size:
            last = self._culprit(one.root, None, cause) or self.last.get(one.root)
            by = last if last is not None and last.function in ("uvmdealloc", "uvmunmap") else None
            self.shrunk[one.root, one.size, before.size] = by

    def _culprit(self, root: int, va: int | None, cause: Call | None) -> Call | None:
        """The call that changed something in a table, as far as one was followed."""
        for call in (*((cause,) if cause is not None else ()), *reversed(self.calls.all())):
            pages = call.pages
            if root in call.roots and (va is None or pages is None or va in pages):
                found: Call = call
                return found
        return None

    def _note(self, root: int, changes: list[Change], gone: set[int], cause: Call | None) -> None:
        owner, whose = self.there.get(root), self.owners.get(root, f"the table at {Address(root)}")
        for change in changes:
            culprit = self._culprit(root, change.va, cause)
            if change.now is not None:
                self.changed.setdefault(root, {})[change.va] = culprit
                self.mapper[root, change.va] = culprit
            if change.was is not None and (change.now is None or change.now.frame != change.was.frame):
                for frame in change.was.frames:
                    if not self.spaces.leading(frame):
                        self.leaving[frame] = _Leaving(root, whose, change.va, culprit)
                if change.now is not None and self.lab == "base" and change.va < TOP and owner is not None:
                    self._overwritten(root, change.va, change.was.frame, change.now.frame, culprit)
        for page in gone:
            if not self.spaces.having(page):
                self.leaving[page] = _Leaving(root, whose, None, self._culprit(root, None, cause) or cause)

    def _overwritten(self, root: int, va: int, was: int, now: int, culprit: Call | None) -> None:
        if culprit is not None and culprit.function != "mappages":
            return
        says = f"{Address(va)} was mapped to frame {Address(was)}, and is now mapped to {Address(now)}."
        wrong = Wrong("mapped-over", says, root, va, now)
        self._doubt(wrong, culprit, lambda state: [wrong] if _leads(state, root, va, now) else [])

    # ---- judging -------------------------------------------------------------------------------

    def _state(self) -> State:
        symbols = self.program.symbols
        return State(
            self.gdb, self.lab, self.there, self.spaces, self.free, self.calls.changing() | self.being_freed,
            self.counts if self.counts is not None and self.counts.is_known else None, self.images,
            self.program.path.parent.parent / "user", "flags2perm" in symbols,
            "uvmclear" in symbols,
        )  # fmt: skip  # what is there, then what the kernel does

    def _judge(self, entering: tuple[int, ...] = ()) -> None:
        """Judge what has changed in tables that no call is changing; look again at what was wrong.

        A call that is `entering` may be about to give back tables that no process has any more.
        """
        state = self._state()
        self._judge_changed(state, state.changing)
        self._judge_processes(state, state.changing)
        self._judge_leaving(entering)
        if self.doubts:
            self._look_again()

    def _judge_changed(self, state: State, busy: set[int]) -> None:
        """Judge descriptors that were written, pages that hold tables now, and frames that were freed."""
        for root in [root for root in self.changed if root not in busy]:
            for va, call in self.changed.pop(root).items():
                self._all(leaf_wrong(state, root, va), call, _of_leaf(root, va))
        for page, call in [*self.new_tables.items()]:
            if self.spaces.having(page).isdisjoint(busy):
                del self.new_tables[page]
                self._all(table_wrong(state, page), call, _of_table(page))
        for frame, call in [*self.freed.items()]:
            roots = {root for root, _ in self.spaces.leading(frame)} | self.spaces.having(frame)
            if roots.isdisjoint(busy):
                del self.freed[frame]
                if roots:
                    self._all(frame_wrong(state, frame), call, _of_frame(frame))

    def _judge_processes(self, state: State, busy: set[int]) -> None:
        """Judge processes that shrank or executed a program, and tables that lead to free pages."""
        for (root, start, stop), call in [*self.shrunk.items()]:
            if root not in busy:
                del self.shrunk[root, start, stop]
                self._all(shrunk_wrong(state, root, start, stop), call, _of_shrunk(root, start, stop))
        for root, call in [*self.dangling.items()]:
            if root not in busy:
                del self.dangling[root]
                self._all(dangling_wrong(state, root), call, _of_dangling(root))
        for root in [*self.executed]:
            if root not in busy:
                self.executed.discard(root)
                self._all(exec_wrong(state, root), None, _of_exec(root))

    def _judge_leaving(self, entering: tuple[int, ...]) -> None:
        if self.calls.all():
            return
        stray = self.owners.keys() & self.spaces.known.keys() - self.there.keys() - set(entering)
        for root in sorted(stray):
            self._note(root, *self.spaces.forget(root), self.last.get(root))  # no process has it any more
            self.owners.pop(root)
        left, self.leaving = self.leaving, {}
        for frame, last in left.items():
            if frame in self.free or self.spaces.leading(frame) or self.spaces.having(frame):
                continue
            self.left[frame] = last
            if self.unled is not None and frame not in self.unled:
                self.doubts.append(Doubt(_lost(frame, last), last.call, _of_lost(frame)))

    def _all(self, found: Iterable[Wrong], call: Call | None, again: Callable[[State], Iterable[Wrong]]) -> None:
        if len(self.doubts) < MOST_DOUBTS:
            for wrong in islice(found, MOST_DOUBTS):
                self._doubt(wrong, call, again)

    def _doubt(self, wrong: Wrong, call: Call | None, again: Callable[[State], Iterable[Wrong]]) -> None:
        if len(self.doubts) < MOST_DOUBTS and all(one.wrong.key != wrong.key for one in self.doubts):
            self.doubts.append(Doubt(wrong, call, again))

    def _free_list_again(self, state: State) -> Iterator[Wrong]:
        if self.free.damaged is not None:
            says = f"The list of free pages leads to {Address(self.free.damaged)}, which is not a page, or to itself."
            yield Wrong("free-list", says)

    def _look_again(self) -> None:
        """If nothing else is being written: which doubts are justified; the first one ends the run."""
        harts = self.stacks.harts(self.gdb)
        if not self._is_quiet(harts):
            return
        self.free.read_again(self.gdb)
        state = self._state()
        kept: list[Doubt] = []
        unled: set[int] | None = None
        for doubt in self.doubts:
            if doubt.wrong.root in state.changing:
                kept.append(doubt)
                continue
            if doubt.wrong.rule in ("lost", "table-lost"):
                frame = doubt.wrong.frame or 0
                if frame in self.free or self.spaces.leading(frame) or self.spaces.having(frame):
                    continue
                if unled is None:
                    unled = self._unled(harts)
                if frame not in unled:
                    continue
            elif doubt.wrong.rule == "beyond-size" and self._is_in_call(doubt.wrong.root, harts):
                kept.append(doubt)
                continue
            elif all(one.key != doubt.wrong.key for one in doubt.again(state)):
                continue
            self.doubts = []
            self.first = self._told(doubt.wrong, doubt.call, state)
            return
        self.doubts = kept

    def _is_quiet(self, harts: list[Hart]) -> bool:
        """Whether no process is in the middle of a function that writes descriptors or hands out frames."""
        if self._is_freeing(harts, self.there.values()):
            return False
        stopped = self.gdb.pc()
        ends = self._ends | ({self.recent.returns_to, self.recent.far} if self.recent is not None else set())
        for hart in harts:
            names = self.stacks.names(hart.places)
            if hart.registers[PC] == stopped and (stopped in self.entries or stopped in ends):
                names = names[1:]  # it has not begun, or it has ended
            if is_writing(names, self.writers):
                return False
        for one in self.there.values():
            names = self.stacks.names(self.stacks.waiting(self.gdb, one))
            if one.state != "running" and is_writing(names, self.writers):
                return False
        return True

    @property
    def _ends(self) -> set[int]:
        return {end for one in self.points.values() for end in one.ends} | self.returns

    def _is_in_call(self, root: int, harts: list[Hart]) -> bool:
        """Whether the process of a root is in a function that changes its size."""
        process = self.there.get(root)
        if process is None:
            return False
        places = self.stacks.waiting(self.gdb, process)
        for hart in harts:
            if self.stacks.current(self.gdb, hart.registers) == process.place and hart.in_kernel:
                places = hart.places
        return bool({"growproc", "sys_sbrk"}.intersection(self.stacks.names(places)))

    def _unled(self, harts: list[Hart] | None = None) -> set[int]:
        if not self.lost.is_known:
            return set()
        harts = self.stacks.harts(self.gdb) if harts is None else harts
        return self.lost.without_leader(
            self.gdb, self.processes.read(self.gdb), [self.spaces.known[root] for root in self.there], self.free, harts
        )

    # ---- the whole -----------------------------------------------------------------------------

    def _take_stock(self) -> None:
        """The shell waits for its first command: what is free, what nothing leads to, and how pages are counted."""
        self.free.read_again(self.gdb)
        self.free_before = len(self.free)
        self.unled = self._unled()
        if self.counts is not None:
            alone = [
                leaf.frame
                for root in self.there
                for va, leaf in self.spaces.known[root].leaves.items()
                if va < TOP and len(self.spaces.leading(leaf.frame)) == 1
            ]
            frames = [pa for pa in self.lost.frames(self.gdb) if pa in self.free][:256]
            self.counts.learn(self.gdb, alone, frames)

    def check_all(self) -> None:
        """At the end: all descriptors, all tables, all counts, and each frame that nothing leads to."""
        self.free.read_again(self.gdb)
        self.free_after = len(self.free)
        for root in self.there:
            space = self.spaces.known[root]
            self.changed[root] = {va: self.mapper.get((root, va)) for va in space.leaves}
            self.new_tables |= dict.fromkeys(space.pages)
        self._judge()
        if self.first is not None or self.unled is None or not self.has_typed:
            return
        now = self._unled()
        lost = sorted(now - self.unled)
        if lost and len(now) > len(self.unled):
            frame = next((pa for pa in lost if pa in self.left), lost[0])
            last = self.left.get(frame)
            wrong = _lost(frame, last) if last is not None else Wrong(
                "lost", f"Frame {Address(frame)} was handed out, is not free, and nothing leads to it.", frame=frame
            )  # fmt: skip  # one that no process had
            many = (
                f" {counted(len(lost), 'such frame')} were lost in this run: {self.free_before:,} pages were free"
                f" before the command, and {self.free_after:,} after it."
            )
            says = wrong.says + (many if len(lost) > 1 else "")
            wrong = Wrong(wrong.rule, says, wrong.root, wrong.address, wrong.frame)
            self.first = self._told(wrong, last.call if last is not None else None, self._state())

    # ---- how it ended --------------------------------------------------------------------------

    def _unfinished(self, why: str) -> tuple[Outcome, str]:
        self._scan(None)
        self._judge()
        if self.first is not None:
            return "broken", ""
        self.lines = tuple(self._where())
        return "unfinished", why

    def _panicked(self, said: str) -> tuple[Outcome, str]:
        """A panic: a rule that is broken explains it; otherwise where it was, and what is still mapped."""
        harts = self.stacks.harts(self.gdb)
        at = next((one for one in harts if "panic" in self.stacks.names(one.places)), None)
        if self.first is None:
            self._scan(None)
        under_way = {id(call) for call in self.calls.all()}
        for root in self.changed:  # what calls that have returned left is judged, also if others are under way
            self.changed[root] = {va: call for va, call in self.changed[root].items() if id(call) not in under_way}
        self.freed = {frame: call for frame, call in self.freed.items() if id(call) not in under_way}
        self.doubts = [one for one in self.doubts if one.wrong.rule not in ("lost", "table-lost")]
        state = self._state()
        state.changing = set()
        self._judge_changed(state, set())
        kept = [one for one in self.doubts if any(each.key == one.wrong.key for each in one.again(state))]
        if kept and self.first is None:
            self.first = self._told(kept[0].wrong, kept[0].call, state)
        lines = list(self.stacks.lines(at.places)) if at is not None else []
        lines = lines[next((n + 1 for n, line in enumerate(lines) if line.startswith("panic")), 0) :]
        self.lines = (
            *(f"{'in' if not n else 'called by'} {line}" for n, line in enumerate(lines)),
            *self._mapped_at(at),
        )
        self.panic = said
        return ("broken" if self.first is not None else "panicked"), said

    def _mapped_at(self, at: Hart | None) -> Iterator[str]:
        """At a panic in a call that is followed: what its tables still map below the top, and who mapped it."""
        if at is None:
            return
        under = [call for call in self.calls.all() if call.sp >= at.registers[SP] and call.sp - at.registers[SP] < 4096]
        for call in under:
            yield f"the call that never returned: {call}"
        root = next((root for call in under for root in call.roots), None)
        if root is None or not {"freewalk", "uvmfree"} & {*self.stacks.names(at.places)}:
            return
        space = self.spaces.known.get(root)
        for va, leaf in sorted(space.leaves.items())[:4] if space is not None else ():
            mapped = self.mapper.get((root, va))
            by = f", since {mapped.lines(self.program)}" if mapped is not None else ""
            yield f"{Address(va)} is still mapped, to frame {Address(leaf.frame)} with {leaf.rights}{by}"

    def _where(self) -> Iterator[str]:
        """Where each hart is, and which calls never returned."""
        try:
            for hart in self.stacks.harts(self.gdb):
                lines = self.stacks.lines(hart.places)
                where = "in the kernel" if hart.in_kernel else "in user code"
                place = ", called by ".join(lines) if lines else f"{where}, at {Address(hart.registers[PC])}"
                yield f"hart {hart.number}: {place}"
        except Refused:
            return
        for call in self.calls.all():
            yield f"the call that never returned: {call}, {call.lines(self.program)}"
        if self.console is not None and self.console.last_line:
            yield f"printed last: {self.console.last_line}"

    def _told(self, wrong: Wrong, call: Call | None, state: State) -> Break:
        program = self.program
        path = [one for one in (call, call.outer if call is not None else None) if one is not None]
        lines = [one.lines(program) for one in path]
        line = program.definition(call.function) if call is not None else None
        if call is not None:
            line = self._line_of(wrong, call)
        before = self.mapper.get((wrong.root, wrong.address)) if wrong.address is not None else None
        if call is None and wrong.rule in ("exec-rights", "guard") and before is not None:
            line = program.line(before.returns_to - 2)
        elif call is None and wrong.rule in ("lost", "table-lost"):
            lines.append("given up outside the functions that are followed, such as where a process ends")
        elif call is None and wrong.rule not in ("exec-rights", "guard"):
            lines.append("written, or left, outside the functions that are followed, or while not each call was")
        if before is not None and before is not call:
            lines.append(f"mapped by {before}, {before.lines(program)}")
        memory = StoppedMemory(self.gdb.read)
        walks = []
        for root, va in [(wrong.root, wrong.address), *wrong.also][:4]:
            if va is not None and root and root in self.spaces.known:
                owner = state.processes.get(root) or Process(f"table {Address(root)}", 0, "", 0, root)
                leaf = self.spaces.known[root].leaves.get(va)
                lets: tuple[Access, bool] = ("read", True) if leaf is None else leaf.lets
                walks.append(owner.tables(memory).walk(va, lets[0], user=lets[1]))
        memory.close()
        process = state.processes.get(wrong.root)
        return Break(
            wrong.rule, wrong.says, "" if call is None else str(call), "" if line is None else str(line),
            tuple(lines), "" if process is None else str(process), wrong.address,
            wrong.frame, tuple(walks),
        )  # fmt: skip  # what is wrong, then where

    def _line_of(self, wrong: Wrong, call: Call) -> Line | None:
        """The line to look at: where a call asks for the wrong descriptor, or the function that did not do its work."""
        program = self.program
        if wrong.rule in ("mappages", "uvmunmap"):
            return program.definition(call.function)
        if call.function == "mappages":
            return program.line(call.returns_to - 2)  # its caller asked for it
        sites = program.code.call_sites(call.function, "mappages")
        if wrong.rule in ("uvmcopy", "shared-and-writable", "count") and len(sites) == 1:
            return program.line(sites[0])
        return program.definition(call.function)


def _is_kernels(va: int, leaf: Leaf) -> bool:
    """Whether a descriptor is one that only tables of the kernel have: of a device, or of memory at its own address."""
    return leaf.frame < KERNBASE or va == leaf.frame


def _leads(state: State, root: int, va: int, frame: int) -> bool:
    space = state.spaces.known.get(root)
    leaf = None if space is None else space.leaves.get(va)
    return leaf is not None and leaf.frame == frame and root in state.processes


def _lost(frame: int, last: _Leaving) -> Wrong:
    if last.va is None:
        says = f"A page of {last.whose}, {Address(frame)}, held a table that nothing leads to, and it is not free."
        return Wrong("table-lost", says, frame=frame)
    says = (
        f"Frame {Address(frame)} is lost: {last.whose} had it at {Address(last.va)}, no descriptor leads to it any"
        " more, and it is not free."
    )
    return Wrong("lost", says, frame=frame)


def _of_leaf(root: int, va: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: leaf_wrong(state, root, va)


def _of_table(page: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: table_wrong(state, page)


def _of_frame(frame: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: frame_wrong(state, frame)


def _of_shrunk(root: int, start: int, stop: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: shrunk_wrong(state, root, start, stop)


def _of_dangling(root: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: dangling_wrong(state, root)


def _of_exec(root: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: exec_wrong(state, root)


def _of_lost(frame: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: ()


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
    """Follow the guest until the shell waits again, a broken rule, a panic or a limit.  It is stopped afterwards."""
    if lab not in LABS:
        raise Refused(f"lab={lab!r}: known are {', '.join(LABS)}")
    counted_by = None
    if counts is None and lab == "cow":
        arrays = program.countings()
        counts = arrays[0] if len(arrays) == 1 else None
    if counts is not None:
        end = program.address("end") if "end" in program.symbols else 0
        counted_by = Counts(program.counting(counts), counts, end)
    run = _Run(gdb, program, lab, limits, counted_by, console, told_to_stop, checks or {})
    try:
        outcome, why = run.run()
    except _Rebooted:
        outcome, why = "unfinished", "it has rebooted"
    except BusError as error:
        raise Refused(f"{gdb.name}: the kernel's memory can't be read: {error}") from None
    finally:
        for address in list(gdb.breakpoints):
            gdb.clear_breakpoint(address)
    panic = run.panic
    return Followed(
        outcome, lab, run.done, run.stops, run.first, panic, why, tuple(_outside(run)), lines=run.lines,
        free=(run.free_before, run.free_after),
    )  # fmt: skip  # how it ended, then what was seen


def _outside(run: _Run) -> Iterator[str]:
    names = ", ".join(run.points)
    yield f"Followed were the functions that can write descriptors: {names}."
    if run.thinned:
        yield (
            f"Of {', '.join(sorted(run.thinned))}, not each call was followed, because there were very many; what the"
            " others left was judged at later stops."
        )
    if run.unled is None:
        yield "Lost memory was not looked for: that takes a command, before and after which the shell waits."
    elif not run.lost.is_known:
        yield "Lost memory was not looked for: the kernel's file does not say where its memory begins (`end`)."
    if run.lab == "mmap":
        yield "Frames that two processes can write were not looked for: a solution may share pages on purpose."
    if run.lab == "cow" and run.counts is None:
        yield "Counts of references were not compared: say which array has them."
    elif run.counts is not None and run.counts.was_asked and not run.counts.is_known:
        yield f"Counts of references were not compared: {run.counts.name} does not say the same of all pages in use."
    yield (
        f"Pages from {Address(TOP)} on (trampoline, trapframe and their neighbours) and the kernel's own table are"
        " excepted. A missing sfence.vma can't be seen: tables are read, not TLBs."
    )


_LONGEST = 200


def _text(gdb: Gdb, address: int) -> str:
    """A string of the kernel's, which is mapped at its physical address."""
    try:
        data = gdb.read_one(address, _LONGEST)
    except BusError:
        return "?"
    return data.split(b"\0")[0].decode("utf-8", "replace").strip()
