"""Lets a kernel go from stop to stop, and ends at the first rule that does not hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.errors import Refused
from ...engine.base.units import Address
from ...engine.memory.ram import BusError
from ...engine.mmu.followed import Break, Followed, Outcome
from ...engine.mmu.rules import Access
from ..gdb import Gdb, TookTooLong
from ..memory import StoppedMemory
from ..processes import Process, Processes
from ..program import Program, Variable
from .calls import A0, ARGUMENTS, LARGE, Call, Calls
from .checks import Check, asked, tables_of
from .free_list import FreeList
from .rules import LABS, TOP, State, Wrong, base_call, invariants
from .spaces import Space, Spaces

_REMEMBERED = 4096

__all__ = ["Followed", "Limits", "follow"]


@frozen(slots=False)
class Limits:
    """Where following ends at the latest."""

    stops: int = 200_000
    seconds: float = 600.0


@dataclass
class _Run:
    gdb: Gdb
    program: Program
    lab: str
    limits: Limits
    counts: Variable | None
    ended: Callable[[], bool]
    told_to_stop: Callable[[], bool]
    checks: dict[str, Check] = field(default_factory=dict)
    """Functions of the course's own, by the function whose calls they judge."""
    processes: Processes = field(init=False)
    calls: Calls = field(default_factory=Calls)
    spaces: Spaces = field(default_factory=Spaces)
    free: FreeList = field(init=False)
    lost: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    """Pages with tables that nothing leads to any more, by address: whose they were, and their bytes then."""
    entries: dict[int, str] = field(default_factory=dict)
    before: dict[int, Space] = field(default_factory=dict)
    done: int = 0
    stops: int = 0
    first: Break | None = None
    doubts: list[tuple[Wrong, Call]] = field(default_factory=list)
    """What was wrong in the table of a process that another hart may run, to be looked at again at the next stop."""
    harts: int = 1
    recent: deque[Call] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    """The latest calls that have returned, the newest last."""

    def __post_init__(self) -> None:
        self.processes = Processes(self.program)
        self.free = FreeList(self.processes.free_list)
        self.harts = len(self.gdb.threads())

    # ---- from stop to stop -------------------------------------------------------------------

    def run(self) -> tuple[Outcome, str]:
        """How it ended, and why."""
        panic = self.program.symbols.get("panic")
        for name in ARGUMENTS:
            if name in self.program.symbols:
                self.entries[self.program.address(name)] = name
        if not any(name in self.entries.values() for name in ("mappages", "uvmunmap", "uvmcopy")):
            raise Refused(f"{self.program.path}: the kernel has no mappages, uvmunmap or uvmcopy; is this xv6?")
        for address in [*self.entries, *([panic.address] if panic is not None else [])]:
            self.gdb.set_breakpoint(address)
        end = monotonic() + self.limits.seconds
        while True:
            why = self._over(end)
            if why:
                return "unfinished", why
            try:
                self.gdb.go(max(0.0, end - monotonic()), lambda: self.ended() or self.told_to_stop())
            except TookTooLong:
                return "unfinished", f"{self.limits.seconds:g} s were over"
            self.stops += 1
            registers = self.gdb.general()
            pc = registers[32]
            if pc not in self.gdb.breakpoints:
                if self.ended():
                    return "nothing found", ""
            elif panic is not None and pc == panic.address:
                return "panicked", _text(self.gdb, registers[A0])
            elif self._at(pc, registers):
                return "broken", ""

    def _over(self, end: float) -> str:
        """Why it is time to end, or ""."""
        if self.told_to_stop():
            return "it was interrupted"
        if self.stops >= self.limits.stops:
            return f"{self.stops:,} stops were made"
        return f"{self.limits.seconds:g} s were over" if monotonic() > end else ""

    def _at(self, pc: int, registers: list[int]) -> bool:
        """A hart has come to a breakpoint: whether a rule is broken."""
        if pc in self.entries:
            self._enter(self.entries[pc], registers)
        returned = self.calls.returned(registers, pc)
        return returned is not None and self._leave(returned)

    def _enter(self, function: str, registers: list[int]) -> None:
        call = self.calls.entered(function, registers)
        if call.function == "freewalk" or not self.calls.is_inner(call):
            self.gdb.set_breakpoint(call.returns_to)  # an inner call is looked at when the outer one returns
        if call.is_large:
            self._watch(False)
        if function == "uvmcopy" and self.lab == "base":
            self.before[call.arguments[0]] = self.spaces.read_all(self.gdb, call.arguments[0])
        if function in self.checks and not self.calls.is_inner(call):
            for root in call.roots:
                self.spaces.read_all(self.gdb, root)
            call.before = tables_of(call, self.spaces)

    def _watch(self, on: bool) -> None:
        """Stop at each call of mappages and uvmunmap, or not: while a large call is under way there are thousands."""
        for address, name in self.entries.items():
            if name in ("mappages", "uvmunmap"):
                (self.gdb.set_breakpoint if on else self.gdb.clear_breakpoint)(address)

    def _leave(self, call: Call) -> bool:
        """A call has returned: whether it broke a rule."""
        self.done += 1
        if self.calls.is_inner(call):
            return False
        if call.is_large and not self.calls.has_large():
            self._watch(True)
        if call.function == "freewalk":
            self._freed(call.arguments[0])
            return False
        self.recent.append(call)
        kernel = self.processes.kernel_root(self.gdb)
        if not kernel or call.arguments[0] == kernel:  # before it is set, the kernel's own table is made
            return False
        state = self._state(call.roots)
        for wrong, by in self.doubts:
            if self._holds_still(wrong, state):
                self.first = self._told(wrong, by, state)
                return True
        self.doubts.clear()
        changed = self._read(call, state.processes)
        freed = self.free.update(self.gdb)
        if self.free.damaged is not None:
            says = f"The list of free pages leads to {Address(self.free.damaged)}, which is not a page, or to itself."
            self.first = self._told(Wrong("free-list", says), call, state)
            return True
        found = [*self._done_wrong(call, state), *invariants(state, changed, freed)]
        for wrong in found:
            if not self._holds_still(wrong, state):
                continue
            if self.harts > 1 and wrong.root not in call.roots:
                self.doubts.append((wrong, call))  # another hart may be about to mend it
                continue
            self.first = self._told(wrong, call, state)
            return True
        return False

    def _done_wrong(self, call: Call, state: State) -> Iterator[Wrong]:
        """What a call did otherwise than it must: in the base kernel, and by the course's own checks."""
        if call.before is not None and not call.failed:
            for root in call.roots:
                self.spaces.read_all(self.gdb, root)
            yield from asked(self.checks[call.function], call, call.before, self.spaces)
        if self.lab == "base":
            before = self.before.pop(call.arguments[0], None)
            inner = [] if call.failed else [one for one in call.inner if one.function == "mappages"]
            for one in (*inner, call):
                yield from base_call(state, one, before)

    def _state(self, own: Iterable[int] = ()) -> State:
        processes = {one.root: one for one in self.processes.read(self.gdb)}
        for root in set(self.spaces.known) - processes.keys() - self.calls.changing() - set(own):
            self._gone(root)
        return State(self.gdb, processes, self.spaces, self.free, self.calls.changing(), self.counts, frozenset(own))

    def _read(self, call: Call, processes: Collection[int]) -> list[tuple[int, int]]:
        """Read what a call may have changed; the descriptors, by root and address."""
        changed: list[tuple[int, int]] = []
        for root in processes:
            if root not in self.spaces.known and root not in call.roots:
                self.spaces.read_all(self.gdb, root)
        for root in call.roots:
            pages = call.pages
            has_superpages = root in self.spaces.known and self.spaces.known[root].has_superpages
            if root in self.spaces.known and 0 < len(pages) <= LARGE and not has_superpages:
                space = self.spaces.read_some(self.gdb, root, pages)
                changed += [(root, va) for va in pages if va in space.leaves]
            else:
                space = self.spaces.read_all(self.gdb, root)
                changed += [(root, va) for va in space.leaves]
        return changed

    # ---- what is wrong -----------------------------------------------------------------------

    def _holds_still(self, wrong: Wrong, state: State) -> bool:
        """Whether it is so when all that it is about is read again: other functions write descriptors as well."""
        if wrong.rule not in ("free-and-mapped", "shared-and-writable", "count"):
            return True
        for root in {wrong.root, *(root for root, _ in wrong.also)} | {
            root for root, _ in self.spaces.leading(wrong.frame or 0)
        }:
            if root in state.processes or root in state.own:
                self.spaces.read_all(self.gdb, root)
        if wrong.rule == "free-and-mapped" and not self.free.is_free(self.gdb, wrong.frame or 0):
            return False
        again = invariants(state, [(wrong.root, wrong.address or 0)], [])
        if wrong.rule == "free-and-mapped":
            return (wrong.root, wrong.address) in self.spaces.leading(wrong.frame or 0)
        return any(one.rule == wrong.rule and one.frame == wrong.frame for one in again)

    def _told(self, wrong: Wrong, call: Call, state: State) -> Break:
        places = [(root, va) for root, va in [(wrong.root, wrong.address), *wrong.also] if va is not None]
        by_another = not any(_may_change(call, *place) for place in places) and wrong.rule != "free-list"
        if by_another:
            outer = next(
                (one for one in reversed(self.recent) if any(_may_change(one, *each) for each in places)), call
            )
        else:
            outer = call
        inner = next((one for one in reversed(outer.inner) if any(_may_change(one, *each) for each in places)), None)
        path = [outer] if inner is None else [inner, outer]
        line = self.program.definition(outer.function)
        sites = self.program.call_sites(outer.function, "mappages") if outer.is_large else []
        if inner is None and len(sites) == 1:
            line = self.program.line(sites[0])
        elif wrong.rule == "mappages":  # it did not do what it was asked
            line = self.program.definition("mappages")
        elif inner is not None or (by_another and outer is not call):
            line = self.program.line(path[0].returns_to - 2)  # the caller asked for it, or continued with it
        lines = [one.lines(self.program) for one in path]
        if by_another:
            lines.append(f"after that, outside the functions followed; noticed after {call.lines(self.program)}")
        memory = StoppedMemory(self.gdb.read)
        walks = []
        for root, va in [(wrong.root, wrong.address), *wrong.also][:4]:
            if va is not None and root:
                owner = state.processes.get(root) or Process(f"table {Address(root)}", 0, "", 0, root)
                space = self.spaces.known.get(root)
                leaf = None if space is None else space.leaves.get(va)
                lets: tuple[Access, bool] = ("read", True) if leaf is None else leaf.lets
                walks.append(owner.tables(memory).walk(va, lets[0], user=lets[1]))
        memory.close()
        process = state.processes.get(wrong.root)
        return Break(
            wrong.rule, wrong.says, str(outer), "" if line is None else str(line),
            tuple(lines), "" if process is None else str(process), wrong.address,
            wrong.frame, tuple(walks),
        )  # fmt: skip  # what is wrong, then where

    # ---- tables that were given up ------------------------------------------------------------

    def _freed(self, root: int) -> None:
        """`freewalk` has given back the tables of a root, or some of them."""
        space = self.spaces.known.get(root)
        if space is not None:
            self._keep(space)
            self.spaces.forget(root)

    def _gone(self, root: int) -> None:
        """No process has this root any more."""
        self._keep(self.spaces.known[root])
        self.spaces.forget(root)

    def _keep(self, space: Space) -> None:
        pages = sorted(space.tables)
        for pa, data in zip(pages, self.gdb.read((pa, 4096) for pa in pages), strict=True):
            if data is not None:
                self.lost[pa] = f"the table at {Address(space.root)}", data

    def check_lost(self) -> None:
        """At the end: tables that nothing leads to and that are not free."""
        state = self._state()
        if self.calls.changing():
            return
        for root in state.processes:
            self.spaces.read_all(self.gdb, root)
        self.free.update(self.gdb)
        in_use = {pa for space in self.spaces.known.values() for pa in space.tables}
        for pa, (whose, data) in self.lost.items():
            if pa in in_use or self.spaces.leading(pa) or pa in self.free or not any(data):
                continue
            if self.gdb.read([(pa, 4096)]) == [data]:
                says = f"A page of {whose}, {Address(pa)}, holds a table that nothing leads to, and it is not free."
                line = self.program.definition("freewalk")
                self.first = Break("table-lost", says, line="" if line is None else str(line), frame=pa)
                return


def _may_change(call: Call, root: int, va: int) -> bool:
    """Whether a call can have written the descriptor of an address."""
    return root in call.roots and (va in call.pages or call.function == "uvmcopy")


def follow(
    gdb: Gdb,
    program: Program,
    lab: str,
    limits: Limits,
    counts: str | None,
    ended: Callable[[], bool],
    told_to_stop: Callable[[], bool],
    checks: dict[str, Check] | None = None,
) -> Followed:
    """Follow the guest until `ended`, a broken rule, a panic or a limit.  It is stopped afterwards."""
    if lab not in LABS:
        raise Refused(f"lab={lab!r}: known are {', '.join(LABS)}")
    counted = program.counting(counts) if counts is not None else None
    run = _Run(gdb, program, lab, limits, counted, ended, told_to_stop, checks or {})
    try:
        outcome, why = run.run()
        if outcome == "nothing found":
            run.check_lost()
            outcome = "broken" if run.first is not None else outcome
    except BusError as error:
        raise Refused(f"{gdb.name}: the kernel's memory can't be read: {error}") from None
    finally:
        for address in list(gdb.breakpoints):
            gdb.clear_breakpoint(address)
    panic = why if outcome == "panicked" else ""
    return Followed(outcome, lab, run.done, run.stops, run.first, panic, why, tuple(_outside(run)))


def _outside(run: _Run) -> Iterator[str]:
    absent = [name for name in ARGUMENTS if name not in run.entries.values()]
    if absent:
        yield f"The kernel has no function called {', '.join(absent)}: it was not followed."
    yield (
        "Followed are calls of mappages, uvmunmap, uvmalloc, uvmcopy and freewalk. A descriptor that other code"
        " writes, such as a fault handler, is seen when such a call next changes the same page or process."
    )
    yield (
        "Lost memory was not looked for: pages that are neither free nor in use, and tables that are all zero and were"
        " not freed."
    )
    yield (
        "Tables and counts were judged when a followed call returned. At the end of a fault handler and at the end of"
        " the run, they were not judged again."
    )
    yield (
        f"Pages from {Address(TOP)} on (trampoline, trapframe and their neighbours) and the kernel's own table are"
        " excepted."
    )
    if run.counts is None:
        yield "Counts of references were not compared: say which array has them."


_LONGEST = 200


def _text(gdb: Gdb, address: int) -> str:
    """A string of the kernel's, which is mapped at its physical address."""
    try:
        data = gdb.read_one(address, _LONGEST)
    except BusError:
        return "?"
    return data.split(b"\0")[0].decode("utf-8", "replace").strip()
