"""What views and graders see of processors, their TLBs, and threads: frozen values.

A TLB is drawn as rows of sets and columns of ways.  `cpu` is a processor's path in its machine, such as ``"cpu:0"``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..units import Address
from .past import Past
from .tables import Permissions


@dataclass(frozen=True, slots=True)
class TlbEntryValue:
    """One translation that a TLB keeps, and where: in way `way` of set `set`."""

    set: int
    way: int
    va: int
    """The page's first virtual address."""
    pa: int
    """Its first physical address."""
    page_size: int
    asid: int | None
    """The address space (ASID, PCID) that it is for; None: global, for all."""
    permissions: Permissions
    """What each side may do with the page, as it was when the entry was filled."""
    dirty: bool
    """Whether writes go through at once; else the first one walks, to set what the hardware sets for a write."""

    @property
    def place(self) -> tuple[int, int]:
        """Its set and its way."""
        return self.set, self.way

    @property
    def page(self) -> tuple[int, int, int | None]:
        """What it translates: the page's address and size, and the address space."""
        return self.va, self.page_size, self.asid


class Difference(NamedTuple):
    """Something in which a kept translation is not what the tables say now."""

    what: str
    """``"mapping"``, ``"address"``, ``"page size"``, ``"rights"``, ``"global"`` or ``"dirty"``."""
    kept: str
    now: str

    def __str__(self) -> str:
        return f"{self.what}: the TLB keeps {self.kept}, the tables say {self.now}"


@dataclass(frozen=True, slots=True)
class TlbSlot:
    """A way that holds something: the entry, and what time has made of it."""

    entry: TlbEntryValue
    age: int
    """Rank in its set: 0 was used last, the highest is evicted next."""
    stale: tuple[Difference, ...] = ()
    """How it differs from a fresh walk of the tables; empty where it does not."""
    used: int = 0
    """When it was used last, by the TLB's count."""


@dataclass(frozen=True, slots=True)
class TlbValue:
    """A whole TLB: ``rows[set][way]``, None where nothing is kept, and what has been counted since boot."""

    sets: int
    ways: int
    rows: tuple[tuple[TlbSlot | None, ...], ...]
    hits: int
    misses: int
    evictions: int
    """Entries that were replaced because their set was full."""
    flushed: int
    """Entries that were flushed."""

    @classmethod
    def of(cls, sets: int, ways: int, kept: Iterable[TlbSlot], *counts: int) -> TlbValue:
        """The value in which each slot is where its entry says, and has its age among those of its set."""
        by_use: list[list[TlbSlot]] = [[] for _ in range(sets)]
        for slot in sorted(kept, key=lambda one: -one.used):
            by_use[slot.entry.set].append(slot)
        rows: list[list[TlbSlot | None]] = [[None] * ways for _ in range(sets)]
        for row, slots in zip(rows, by_use, strict=True):
            for age, slot in enumerate(slots):
                row[slot.entry.way] = replace(slot, age=age)
        return cls(sets, ways, tuple(map(tuple, rows)), *counts)

    def at(self, past: Past, cpu: str) -> TlbValue:
        """The TLB of `cpu` as it was, with no slot `stale`: that takes walks of the tables as they were."""
        used = past.laid_over({slot.entry.place: slot.used for slot in self.slots}, "last use", cpu)
        lines = past.laid_over({slot.entry.place: slot.entry for slot in self.slots}, "line", cpu)
        kept = [TlbSlot(entry, 0, used=used[place]) for place, entry in lines.items()]
        counts = (getattr(self, name) - past.moved("tlb count", cpu)[name] for name in _COUNTS)
        return TlbValue.of(self.sets, self.ways, kept, *counts)

    def judged(self, stale: Callable[[TlbEntryValue], tuple[Difference, ...]]) -> TlbValue:
        """The same TLB, in which `stale` says of each entry how it differs from the tables."""
        rows = (tuple(slot and replace(slot, stale=stale(slot.entry)) for slot in row) for row in self.rows)
        return replace(self, rows=tuple(rows))

    @property
    def slots(self) -> tuple[TlbSlot, ...]:
        """The ways that hold something, set by set."""
        return tuple(slot for row in self.rows for slot in row if slot is not None)

    @property
    def reach(self) -> int:
        """Bytes that can be touched without a walk now."""
        return sum(slot.entry.page_size for slot in self.slots)

    @property
    def stale(self) -> tuple[TlbSlot, ...]:
        """What should not be there any more."""
        return tuple(slot for slot in self.slots if slot.stale)


_COUNTS = ("hits", "misses", "evictions", "flushed")


@dataclass(frozen=True, slots=True)
class FlushRequest:
    """What a processor asks another to drop: [start, end) of `space`, or all there is of it where `pages` is 0."""

    sender: str
    space: str
    start: int
    end: int
    pages: int
    asid: int | None
    """Only of this address space; None: of all, globals too."""
    number: int = field(default=0, compare=False)
    """Which of the requests that were sent since boot it is, from 1 on; 0 for one that was forgotten."""

    def __str__(self) -> str:
        what = f"[{Address(self.start)}, {Address(self.end)})" if self.pages else "everything"
        return f"{what} of {self.space}, asked by {self.sender}"


@dataclass(frozen=True, slots=True)
class CpuValue:
    """A processor: what it has loaded, its TLB, and the flushes that others asked for and it has not done yet."""

    cpu: str
    space: str
    """Whose tables are loaded: "kernel", or a task's name."""
    root: int
    asid: int
    tlb: TlbValue
    pending: tuple[FlushRequest, ...] = ()
    forgotten: int = 0
    """How many flushes it should have been asked for and was not."""
    edits: int = 0
    """How often descriptors were edited by hand, which flushes nothing, since the TLB was last empty."""

    def at(self, past: Past) -> CpuValue:
        """The processor as it was, with nothing stale."""
        space, root, asid = past.one("loaded", self.cpu, (self.space, self.root, self.asid))
        pending = past.laid_over({one.number: one for one in self.pending}, "pending", self.cpu)
        waiting = tuple(pending[number] for number in sorted(pending))
        doubts = past.one("doubts", self.cpu, (self.forgotten, self.edits))
        return CpuValue(self.cpu, space, root, asid, self.tlb.at(past, self.cpu), waiting, *doubts)


@dataclass(frozen=True, slots=True)
class CpusValue:
    """All processors, and what becomes of a flush that one asks another for."""

    cpus: tuple[CpuValue, ...]
    shootdown: str
    """``"acknowledged"``, ``"sent"`` or ``"forgotten"``."""
    asids: bool
    """Whether numbers tell address spaces apart in the TLB, or else dropped when another is loaded."""
    sent: int
    acknowledged: int
    forgotten: int

    def at(self, past: Past) -> CpusValue:
        """All processors as they were, with nothing stale: ``m.cpus.value(past)`` says what was."""
        if not past:
            return self
        moved = past.moved("shootdowns")
        counts = (getattr(self, name) - moved[name] for name in ("sent", "acknowledged", "forgotten"))
        cpus = tuple(cpu.at(past) for cpu in self.cpus)
        return CpusValue(cpus, past.one("shootdown", "", self.shootdown), self.asids, *counts)


# ---- threads ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ThreadValue:
    """One thread; `state` is "ready", "running", "asleep", "returned" or "failed".

    `waits_for` says for what it is asleep, in words; `kind` what sort of thing that is ("pages", "room", "timer",
    "channel", "lock" or "") and `subject` which one (a map's or channel's name); `holder` is the thread that has the
    lock it waits for ("" the learner's cell), and `until` the tick at which it goes on in any case.  `locks` are the
    maps whose lock it has, `doing` is the call that it is in, `outcome` what it returned or how it failed.  Threads are
    numbered as they come to be (0 the cell's call while it sleeps); `since` numbers those ready and those asleep in the
    order in which they became so.
    """

    name: str
    state: str
    waits_for: str = ""
    holder: str | None = None
    until: int | None = None
    kind: str = ""
    subject: str = ""
    locks: tuple[str, ...] = ()
    doing: str = ""
    outcome: str = ""
    number: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class ThreadsValue:
    """All threads in the order they came to be, the clock, and the threads that wait for each other in a circle.

    `ready` are the names of those that can run, the next first; `sleeping` of those that wait, in the order in which
    they began to; `locks` says of each map which thread has its lock ("" the learner's cell, None: it is free).
    """

    threads: tuple[ThreadValue, ...]
    ticks: int
    hz: int
    cycle: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    sleeping: tuple[str, ...] = ()
    locks: tuple[tuple[str, str | None], ...] = ()

    @classmethod
    def of(
        cls, threads: Iterable[ThreadValue], ticks: int, hz: int, locks: tuple[tuple[str, str | None], ...]
    ) -> ThreadsValue:
        """The value in which each thread has the locks that `locks` say, and all is in its order."""
        holders = dict(locks)
        numbered = tuple(
            replace(
                thread,
                locks=tuple(name for name, holder in locks if holder == thread.name),
                holder=holders.get(thread.subject) if thread.kind == "lock" else None,
            )
            for thread in sorted(threads, key=lambda one: one.number)
        )
        queued = sorted(numbered, key=lambda one: one.since)
        ready = tuple(one.name for one in queued if one.state == "ready")
        asleep = [one for one in queued if one.state == "asleep"]
        sleeping = tuple(one.name for one in asleep)
        return cls(numbered, ticks, hz, _cycle(asleep), ready, sleeping, locks)

    def at(self, past: Past) -> ThreadsValue:
        """The threads as they were.  The cell's call is among them while it sleeps or is ready."""
        if not past:
            return self
        now = {thread.name: thread for thread in self.threads}
        doing = past.before("doing")
        threads = []
        for name, thread in past.laid_over(now, "thread").items():
            known = now.get(name, thread)
            number = thread.number or known.number
            threads.append(replace(thread, number=number, doing=doing.get(name, thread.doing or known.doing)))
        unmade = past.marks("map").new
        holders = past.before("lock")
        locks = tuple((name, holders.get(name, holder)) for name, holder in self.locks if name not in unmade)
        return ThreadsValue.of(threads, past.one("ticks", "", self.ticks), self.hz, locks)

    @property
    def asleep(self) -> tuple[ThreadValue, ...]:
        """Those that wait."""
        return tuple(thread for thread in self.threads if thread.state == "asleep")


def _cycle(asleep: Iterable[ThreadValue]) -> tuple[str, ...]:
    """Threads each of which waits for a lock that the next one has, the last for the first's; empty if none."""
    holders = {thread.name: thread.holder for thread in asleep}
    for start, holder in holders.items():
        chain, name = [start], holder
        while name in holders and name not in chain:
            chain.append(name)
            name = holders[name]
        if name == start:
            return tuple(chain)
    return ()
