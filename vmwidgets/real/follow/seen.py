"""The memory of a guest at a stop, and its changes since the previous stop.

All tables and the lists of free pages are compared with their state at the previous stop, and each change is ascribed
to a call.  Tables freed by a call are not read until their process forgets them, since another processor may use their
pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from struct import unpack_from
from typing import NamedTuple

from ...engine.base.units import PAGE, Address
from ..gdb import Gdb
from ..processes import Process, Processes
from ..program import Program
from .calls import MAXVA, Call, Calls
from .counts import KERNBASE
from .free_list import FreePages
from .plan import Point, freers_of, is_writing, writers_of
from .rules import Loaded, is_excepted
from .spaces import Change, Leaf, Spaces
from .stacks import PC, Hart, Stacks

_GIVING_BACK = ("proc_freepagetable", "uvmfree", "freewalk")
"""The functions that free tables which a process still has."""

_THREADS = frozenset(("clone", "sys_clone", "thread_create", "sys_thread_create"))
"""Functions of kernels in which processes share a page table on purpose."""

REMOVING = (*_GIVING_BACK, "uvmunmap", "uvmdealloc")
"""The functions that remove descriptors."""

_MAPPING_NOTHING = (*REMOVING, "uvmclear", "walkaddr")
"""The functions that map no page, so that another call mapped what is new after them."""

_DEAD = ("zombie", "used", "unused")
"""The states of a process whose tables another process may free."""


_UNMAPPING = ("uvmunmap", "uvmdealloc")

_FIRST_ARGUMENT = 112
"""The place of a0 in `struct trapframe`; a1 is behind it."""

_REGISTERS = 288
"""The bytes of the registers in xv6's `struct trapframe`."""


class Rebooted(Exception):
    """Raised if there were processes, and now there are none: the first process never ends."""


class Handed(NamedTuple):
    """How a frame was handed out: in a call, or after one, and the places of a function that is not followed."""

    call: Call | None
    after: Call | None
    places: tuple[int, ...]


@dataclass
class Leaving:
    """A frame that lost its last descriptor, or a page that held a table: its process, and the call that did it."""

    root: int
    whose: str
    va: int | None
    call: Call | None
    handed_out: Handed | None
    """The entry of the frame in :attr:`Seen.taken`; another entry now means that it was freed and handed out again."""
    given_up_by: tuple[str, ...] = ()
    """Without a call, the names of the function in which the process gave all its tables up, if it did."""


class Unasked(NamedTuple):
    """A page that a call unmapped without being asked to: its table, the call, and what was asked, in words."""

    root: int
    va: int
    call: Call | None
    asked: str
    places: tuple[int, ...] = ()
    """If the process itself did not ask for it, the backtrace from the call's caller to the system call."""


@dataclass
class Seen:
    """The contents of memory at the latest stop, and changes that were not judged yet."""

    gdb: Gdb
    program: Program
    points: dict[str, Point]
    calls: Calls = field(default_factory=Calls)
    spaces: Spaces = field(default_factory=Spaces)
    there: dict[int, Process] = field(default_factory=dict)
    """The current processes, by root."""
    slots: dict[int, Process] = field(default_factory=dict)
    """The processes at the previous stop, by the address of their `struct proc`."""
    parents: dict[int, tuple[int, int]] = field(default_factory=dict)
    """The parent of each process when it was seen first, by pid: its `struct proc` and its own pid."""
    owners: dict[int, Process] = field(default_factory=dict)
    """The process that has, or had, each root."""
    kernels: set[int] = field(default_factory=set)
    """The roots of tables that map the kernel."""
    mapped: dict[tuple[int, int], tuple[int, Call | None]] = field(default_factory=dict)
    """The frame to which each descriptor was set, and the call that did it, by root and address."""
    shared: dict[int, Call] = field(default_factory=dict)
    """The latest call that mapped a frame which another descriptor led to."""
    recent: Call | None = None
    last: dict[int, Call] = field(default_factory=dict)
    """The latest returned call on each root."""
    given_back: set[tuple[int, int]] = field(default_factory=set)
    """Freed tables, by the address of their process and their root, until the process forgets them."""
    being_freed: set[int] = field(default_factory=set)
    """Roots whose tables may already be free, so that their pages may be in use for anything."""
    changed: dict[int, dict[int, Call | None]] = field(default_factory=dict)
    freed: dict[int, Call | None] = field(default_factory=dict)
    taken: dict[int, Handed] = field(default_factory=dict)
    handed: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The frames that functions which are not followed took since the previous stop, and their backtraces."""
    new_tables: dict[int, Call | None] = field(default_factory=dict)
    fewer: dict[int, dict[int, Call | None]] = field(default_factory=dict)
    """The frames that lost a descriptor and still have others, with the call, by the root that they wait for."""
    leaving: dict[int, Leaving] = field(default_factory=dict)
    shrunk: dict[tuple[int, int, int], Call | None] = field(default_factory=dict)
    shrinking: dict[int, bytes | None] = field(default_factory=dict)
    """The user registers of each process that shrank, by its root, when this was seen first."""
    executed: set[int] = field(default_factory=set)
    forked: set[int] = field(default_factory=set)
    """The roots that a fork has made, until the rights of their pages were judged."""
    dangling: dict[int, Call | None] = field(default_factory=dict)
    sharing: list[tuple[Process, Process]] = field(default_factory=list)
    """Pairs of living processes with the same root table."""
    overwritten: list[tuple[Change, Call | None]] = field(default_factory=list)
    damage: tuple[tuple[int, int], Call | None] | None = None
    """A wrong link in a list of free pages, the page that holds it, and the call after which it was first seen."""
    refused: dict[int, Call | None] = field(default_factory=dict)
    """The roots with a descriptor that has reserved bits."""
    loaded: dict[int, Loaded] = field(default_factory=dict)
    """The program of each root, if its exec or a fork from it was seen."""
    unasked: list[Unasked] = field(default_factory=list)
    """Pages that were unmapped outside of what a call was asked for."""

    def __post_init__(self) -> None:
        self.processes = Processes(self.program)
        self.free = FreePages(self.program)
        self.stacks = Stacks(self.program, self.processes)
        self.writers = writers_of(self.program)
        self.freers = freers_of(self.program)
        self._borders = {at for one in self.points.values() for at in (one.entry, *one.ends)}

    def about(self, point: Point, values: tuple[int, ...], registers: list[int]) -> tuple[tuple[int, ...], str]:
        """Return the root tables that a call works on, and its process."""
        current = self.stacks.current(self.gdb, registers)
        mine = next((one for one in self.there.values() if one.place == current), None)
        name = str(mine) if mine is not None else ""
        if point.late:
            return ((mine.root,) if mine is not None else ()), name
        # freewalk calls itself for tables below.  To other functions, a page is a root, even if it was such a table a
        # moment ago.
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

    def give_back(self, call: Call) -> None:
        """Record that a call that freed a process's tables has returned, even if the process still has some tables."""
        if call.function in _GIVING_BACK:
            self.given_back.update((one.place, one.root) for one in self.there.values() if one.root in call.roots)
            for root in call.roots:
                self._note(root, *self.spaces.forget(root), call)

    def scan(self, cause: Call | None, *, at_panic: bool = False) -> None:
        """Compare all tables and the free pages with their state at the previous stop.

        At a panic, tables that are being freed are read too: their remaining entries may have caused the panic.
        """
        gdb = self.gdb
        self.kernels = {root for root in self.kernels if root not in self.free} | {self.processes.kernel_root(gdb)}
        new = self.free.update(gdb)
        if self.free.damaged is not None:
            self.free.read_again(gdb)
        if self.free.damaged is not None:
            self.damage = self.damage or (self.free.damaged, cause)
        for frame in new:
            self.freed[frame] = cause or self.recent
        taken = dict.fromkeys([*self.free.taken, *(frame for frame in self.handed if frame not in self.free)])
        for frame in taken:
            self.taken[frame] = Handed(cause, self.recent, self.handed.get(frame, ()))
            self.shared.pop(frame, None)
        self.handed.clear()
        mine = {root for call in self.calls.all() for root in call.roots} | set(cause.roots if cause else ())
        self._see_processes(mine, cause)
        for root in [*self.spaces.known]:
            reused = root not in self.there and root not in mine and bool(self.spaces.leading(root))
            if root in self.free or reused:
                self._note(root, *self.spaces.forget(root), cause)
        left_alone = self.kernels | (set() if at_panic else self.being_freed)
        for root in {*self.spaces.known, *self.there, *mine} - left_alone:
            if root in self.free:
                continue
            before = self.spaces.known[root].pages if root in self.spaces.known else {}
            changes, gone = self.spaces.read(gdb, root, self.free)
            if any(one.now is not None and _is_kernels(one.va, one.now) for one in changes):
                self.kernels.add(root)  # a process's own kernel table, as in the labs of 2020
                self.spaces.forget(root)
                continue
            self._note(root, changes, gone, cause)
            space, culprit = self.spaces.known[root], self._culprit(root, cause)
            self.dangling |= {root: culprit} if space.dangling else {}
            self.refused |= {root: culprit} if space.refused else {}
            self.new_tables |= dict.fromkeys(space.pages.keys() - before.keys(), culprit)

    def _see_processes(self, mine: set[int], cause: Call | None) -> None:
        """List the processes, except processes whose tables were freed, or may have been freed."""
        there = self.processes.read(self.gdb)
        if self.slots and not there:
            raise Rebooted
        there = tuple(one for one in there if one.root not in self.free and one.root not in self.kernels)
        self.being_freed = self._being_freed(there, mine, cause)
        first: dict[int, Process] = {}
        living = [one for one in there if one.state not in ("zombie", "unused") and one.root not in self.being_freed]
        has_threads = not _THREADS.isdisjoint(self.program.symbols)
        self.sharing = [
            (first[one.root], one)
            for one in (() if has_threads else living)
            if first.setdefault(one.root, one) is not one
        ]
        unknown = self.being_freed - self.spaces.known.keys()
        there = tuple(one for one in there if one.root not in unknown)
        self.there = {one.root: one for one in there}
        for one in there:
            self._of_slot(one, cause)
            self._note_program(one)
            if one.pid not in self.parents and one.parent in self.slots:
                self.parents[one.pid] = one.parent, self.slots[one.parent].pid
        self.loaded = {one.root: self.loaded[one.root] for one in there if one.root in self.loaded}
        self.slots = {one.place: one for one in there}
        self.owners.update((one.root, one) for one in there)

    def _being_freed(self, there: Iterable[Process], mine: set[int], cause: Call | None) -> set[int]:
        """Return the roots that a call frees, or that a process is about to forget, according to the stacks."""
        found = {root for one in self.calls.innermost() if one.function in _GIVING_BACK for root in one.roots}
        if cause is not None:
            found = found | set(cause.roots) if cause.function in _GIVING_BACK else found - set(cause.roots)
        self.given_back.intersection_update((one.place, one.root) for one in there)
        found |= {root for _, root in self.given_back}
        found |= {one.root for one in there if one.state in _DEAD and one.root not in mine}
        if not found or self._is_freeing(self.stacks.harts(self.gdb), there):
            return found
        self.given_back.clear()  # a call that was thought to be running has ended unseen
        return set()

    def _is_freeing(self, harts: list[Hart], there: Iterable[Process]) -> bool:
        """Return whether a processor, or a process that the timer interrupted, is in a function that frees tables."""
        places = [hart.places for hart in harts]
        places += [self.stacks.waiting(self.gdb, one) for one in there if one.state == "runnable"]
        return any(self.freers.intersection(self.stacks.names(each)) for each in places)

    def _note_program(self, one: Process) -> None:
        """Record the program of a root: what exec loaded, or what the parent had when it forked."""
        if one.state in _DEAD:  # fork sets the name and the size of a process before it can run
            return
        before, parent = self.slots.get(one.place), self.slots.get(one.parent)
        known = self.loaded.get(one.root)
        if known is None and before is not None and before.pid == one.pid and before.root != one.root:
            known = Loaded(one.name, one.size)
        elif known is None and parent is not None and parent.root in self.loaded:
            known = self.loaded[parent.root]
            self.forked.add(one.root)
        if known is not None:
            self.loaded[one.root] = Loaded(known.name, min(known.size, one.size))

    def _of_slot(self, one: Process, cause: Call | None) -> None:
        before = self.slots.get(one.place)
        if before is None or before.pid != one.pid:
            return
        if before.root != one.root:
            self.executed.add(one.root)
        elif one.size < before.size:
            last = self._culprit(one.root, cause) or self.last.get(one.root)
            by = last if last is not None and last.function in ("uvmdealloc", "uvmunmap") else None
            self.shrunk[one.root, one.size, before.size] = by
            self.shrinking[one.root] = self.user_registers(one)

    def _possible(self, root: int, cause: Call | None) -> Iterator[Call]:
        """Yield the calls that may have changed a table, the most likely first."""
        if cause is not None and root in cause.roots:
            yield cause
        yield from (call for call in reversed(self.calls.all()) if root in call.roots)

    def _culprit(self, root: int, cause: Call | None) -> Call | None:
        """Return the call that changed something in a table, if it was followed."""
        return next(self._possible(root, cause), None)

    def forget_strays(self, entering: tuple[int, ...]) -> None:
        """Forget the tables that no process uses any longer, except the tables of the call being entered."""
        for root in sorted(self.owners.keys() & self.spaces.known.keys() - self.there.keys() - set(entering)):
            last, owner = self.last.get(root), self.owners[root]
            by = last if last is not None and last.function in REMOVING else None
            now = self.slots.get(owner.place)
            lives = now is not None and now.pid == owner.pid and now.state not in ("zombie", "unused")
            self._note(root, *self.spaces.forget(root), by, ("kexec", "exec") if lives else ("freeproc",))
            self.owners.pop(root)

    def mapper(self, root: int, va: int | None) -> Call | None:
        """Return the call that wrote a descriptor, if it was followed."""
        return None if va is None else self.mapped.get((root, va), (0, None))[1]

    def _note(
        self, root: int, changes: list[Change], gone: set[int], cause: Call | None, given_up_by: tuple[str, ...] = ()
    ) -> None:
        owner, whose = self.there.get(root), str(self.owners.get(root, f"the table at {Address(root)}"))
        culprits = [(call, call.pages) for call in self._possible(root, cause)] if changes else []
        for change in changes:
            _, va, was, now = change
            culprit = next((call for call, pages in culprits if pages is None or va in pages), None)
            if culprit is None and any(leaf is not None and leaf.size > PAGE for leaf in (was, now)):
                culprit = next((call for call, pages in culprits if _meets(pages, change)), None)
            if now is not None:
                self.changed.setdefault(root, {})[va] = culprit
                mapper = None if culprit is None or culprit.function in _MAPPING_NOTHING else culprit
                if mapper is not None or self.mapped.get((root, va), (0, None))[0] != now.frame:
                    self.mapped[root, va] = now.frame, mapper  # else it is read again
                if mapper is not None and len(self.spaces.leading(now.frame)) > 1:
                    self.shared[now.frame] = mapper
            if was is not None and (now is None or now.frame != was.frame):
                self._note_left(change, whose, culprit, given_up_by)
                if now is not None and owner is not None and not is_excepted(va, now):
                    self.overwritten.append((change, culprit))
        if root in self.spaces.known:  # else it was forgotten, and nothing was unmapped
            self._note_unasked(root, changes, culprits[0][0] if culprits else None)
        for page in gone:
            if not self.spaces.having(page):
                culprit = self._culprit(root, cause) or cause
                self.leaving[page] = Leaving(root, whose, None, culprit, self.taken.get(page), given_up_by)

    def _note_left(self, change: Change, whose: str, culprit: Call | None, given_up_by: tuple[str, ...]) -> None:
        """Record the frames that lost a descriptor: those that have others, and those that have none any more."""
        for frame in change.was.frames if change.was is not None else ():
            if self.spaces.leading(frame):
                self.fewer.setdefault(change.root, {})[frame] = culprit
            else:
                handed_out = self.taken.get(frame)
                self.leaving[frame] = Leaving(change.root, whose, change.va, culprit, handed_out, given_up_by)

    def _note_unasked(self, root: int, changes: list[Change], inner: Call | None) -> None:
        """Record a page that was unmapped although a followed call, or the process's own call, did not ask for it.

        A call that unmaps a part of a superpage must leave the rest mapped, by pages of its own.
        """
        leaves = self.spaces.known[root].leaves
        fewer = [(va, was.size) for _, va, was, now in changes if was and (now is None or now.size < was.size)]
        gone = [va for start, size in fewer for va in range(start, start + size, PAGE) if va not in leaves]
        outer = inner
        while outer is not None and gone:
            pages = outer.pages if outer.function in _UNMAPPING else None
            left = next((va for va in gone if va not in pages), None) if pages is not None else None
            if left is not None and pages is not None:
                asked = f"{outer.function} was asked for {_range(pages.start, pages.stop)}"
                self.unasked.append(Unasked(root, left, outer, asked))
                return
            inner, outer = (outer if pages is not None else inner), outer.outer
        process = self.there.get(root)
        asked_for = self._asked_for(process) if process is not None and gone else None
        if asked_for is not None and process is not None:
            name, pages = asked_for
            left = next((va for va in gone if va not in pages), None)
            if left is not None:
                asked = f"{process} asked {name}"
                self.unasked.append(Unasked(root, left, inner, asked, self._from(process, inner)))

    def _asked_for(self, process: Process) -> tuple[str, range] | None:
        """Return what a process's system call under way asks for, and the pages that it may unmap; None for another.

        The size may be lowered before the pages are unmapped, or after it: the lower bound counts.
        """
        names, saved = self.stacks.names(self._places_of(process)), self.user_registers(process)
        if saved is None or "uvmalloc" in names or process.state in _DEAD:
            return None
        first, second = unpack_from("<2Q", saved, _FIRST_ARGUMENT)
        if "sys_munmap" in names:
            pages = range(first & -PAGE, first + second + PAGE - 1 & -PAGE, PAGE)
            return f"munmap for {_range(pages.start, pages.stop)}", pages
        by = (first & 0xFFFF_FFFF) - ((first & 0x8000_0000) << 1)
        if "sys_sbrk" in names and by < 0:
            start = process.size + by + PAGE - 1 & -PAGE
            return f"sbrk to give back its memory from {Address(start)} on", range(start, MAXVA, PAGE)
        return None

    def _from(self, process: Process, inner: Call | None) -> tuple[int, ...]:
        """Return the backtrace of a process from a call's caller on, to its system call."""
        places = self._places_of(process)
        names = self.stacks.names(places)
        start = places.index(inner.returns_to) if inner is not None and inner.returns_to in places else 1
        stop = next((at for at, name in enumerate(names) if name.startswith("sys_")), start)
        return tuple(at - 2 for at in places[start : stop + 1])

    def _places_of(self, process: Process, harts: list[Hart] | None = None) -> list[int]:
        """Return the backtrace of a process in the kernel, whether a hart runs it or it waits."""
        for hart in self.stacks.harts(self.gdb) if harts is None else harts:
            if hart.in_kernel and self.stacks.current(self.gdb, hart.registers) == process.place:
                return hart.places
        return self.stacks.waiting(self.gdb, process)

    def returning(self, harts: list[Hart], functions: tuple[str, ...]) -> set[int]:
        """Return the places to which such functions under way return: until then, what they left may be put right."""
        places = [hart.places for hart in harts]
        places += [self.stacks.waiting(self.gdb, one) for one in self.there.values() if one.state == "runnable"]
        return {
            after
            for each in places
            for name, after in zip(self.stacks.names(each), each[1:], strict=False)
            if name in functions
        }

    def has_lost_parent(self, process: Process, there: Iterable[Process]) -> bool:
        """Return whether the process that made this one has ended, and that no other process has become its parent."""
        place, pid = self.parents.get(process.pid, (0, 0))
        living = {one.place: one.pid for one in there if one.state != "zombie"}
        now = process.parent
        return now not in living or (now == place and living[now] != pid)

    def is_quiet(self, harts: list[Hart]) -> bool:
        """Return whether no process is in the middle of a function that writes descriptors or hands out frames."""
        if self._is_freeing(harts, self.there.values()):
            return False
        stopped = self.gdb.pc()
        for hart in harts:
            names = self.stacks.names(hart.places)
            if hart.registers[PC] == stopped and stopped in self._borders:
                names = names[1:]  # this function has not begun, or has ended
            if is_writing(names, self.writers):
                return False
        for one in self.there.values():
            names = self.stacks.names(self.stacks.waiting(self.gdb, one))
            if one.state != "running" and is_writing(names, self.writers):
                return False
        return True

    def user_registers(self, process: Process) -> bytes | None:
        """Return the registers that a process saved when it last entered the kernel; a finished call changes them."""
        at = self.program.variable("proc").fields.get("trapframe")
        frame = self.gdb.words([process.place + at.offset])[0] if at is not None else 0
        return self.gdb.read([(frame, _REGISTERS)])[0] if frame else None

    def is_shrinking(self, root: int, harts: list[Hart]) -> bool:
        """Return whether the system call in which a process shrank is still under way: a kernel may lower `sz` first.

        A process that has ended makes no system calls.
        """
        process = self.there.get(root)
        if process is None or process.state == "zombie":
            return False
        before = self.shrinking.get(root)
        if before is not None and before != self.user_registers(process):
            return False
        names = self.stacks.names(self._places_of(process, harts))
        return bool({"growproc", "sys_sbrk"}.intersection(names)) and "uvmalloc" not in names  # that call grows


def _range(start: int, stop: int) -> str:
    return f"{Address(start)} to {Address(stop)}" if start < stop else "no page"


def _meets(pages: range | None, change: Change) -> bool:
    """Return whether a call that may change `pages` may have changed a descriptor, which may map many pages.

    >>> superpage = Leaf(1, 512 * PAGE)
    >>> [
    ...     _meets(range(start, 0x80_0000, PAGE), Change(0, 0x20_0000, superpage, None))
    ...     for start in (0x2F_8000, 0x40_0000)
    ... ]
    [True, False]
    """
    size = max(leaf.size for leaf in (change.was, change.now) if leaf is not None)
    return pages is None or (pages.start < change.va + size and change.va < pages.stop)


def _is_kernels(va: int, leaf: Leaf) -> bool:
    """Return whether only the kernel's tables have such a descriptor: for a device, or in its direct map."""
    return leaf.frame < KERNBASE or va == leaf.frame
