"""Events of processors, their TLBs, and simulated threads.

`cpu` is a processor's path ("cpu:0"); no two threads have one name at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..values.cpus import FlushRequest, ThreadValue, TlbEntryValue
from ..values.past import ABSENT, MOVED, Row
from .event import Event


class SpaceLoaded(Event):
    """The tables of `space`, whose root is at `root`, were loaded; they were `before`'s until then."""

    cpu: str
    space: str
    root: int
    asid: int
    before: str
    root_before: int = 0
    asid_before: int = 0

    def writes(self) -> Iterable[Row]:
        before, after = (self.before, self.root_before, self.asid_before), (self.space, self.root, self.asid)
        yield "loaded", self.cpu, 0, before, after


class AsidRollover(Event):
    """No number of an address space was free: all TLBs were flushed, and the `freed` numbers may be given again.

    They were those of address spaces that are gone, whose flush some processor never acknowledged.
    """

    freed: tuple[int, ...]


class TlbHit(Event):
    """The TLB had `va`, in way `way` of set `set`.

    `outcome`: "used"; "forbidden", a fault by the rights that it keeps; "clean", a write for which the tables have to
    be marked first, so that a walk follows.  `used` is when the entry was used before, by the TLB's count.
    """

    cpu: str
    va: int
    access: str
    set: int
    way: int
    outcome: str
    used: int = 0

    def writes(self) -> Iterable[Row]:
        yield "last use", self.cpu, (self.set, self.way), self.used, True
        yield "tlb count", self.cpu, "hits", MOVED, 1


class TimeTaken(Event):
    """How long the accesses of an operation took, by the costs that were set, and what they came to."""

    accesses: int
    tlb_hits: int
    walk_references: int
    minor: int
    major: int
    nanoseconds: float


class TlbMissed(Event):
    """The TLB did not have `va`: a walk follows."""

    cpu: str
    va: int
    access: str

    def writes(self) -> Iterable[Row]:
        yield "tlb count", self.cpu, "misses", MOVED, 1


class TlbFilled(Event):
    """A walk's result was put into the TLB; `evicted`, used last at `used`, was replaced."""

    cpu: str
    entry: TlbEntryValue
    evicted: TlbEntryValue | None
    used: int = 0

    def writes(self) -> Iterable[Row]:
        place, evicted = self.entry.place, self.evicted
        yield "line", self.cpu, place, ABSENT if evicted is None else evicted, True
        yield "last use", self.cpu, place, ABSENT if evicted is None else self.used, True
        if evicted is not None and evicted.page != self.entry.page:
            yield "tlb count", self.cpu, "evictions", MOVED, 1


class TlbFlushed(Event):
    """What the TLB kept of something was dropped.

    `scope`: "range", [start, end); "space", all of address space `asid`; "all", what is not global; "all and global";
    "fault", what it kept of an address that faulted.  `used` says of each of `dropped` when it was used last.
    """

    cpu: str
    scope: str
    start: int
    end: int
    asid: int | None
    dropped: tuple[TlbEntryValue, ...]
    used: tuple[int, ...] = ()

    def writes(self) -> Iterable[Row]:
        for entry, used in zip(self.dropped, self.used, strict=True):
            yield "line", self.cpu, entry.place, entry, ABSENT
            yield "last use", self.cpu, entry.place, used, ABSENT
        yield "tlb count", self.cpu, "flushed", MOVED, len(self.dropped)


class TlbDoubted(Event):
    """How many forgotten flushes and edits by hand a TLB has lived through since it was last empty: now `after`."""

    cpu: str
    before: tuple[int, int]
    after: tuple[int, int]

    def writes(self) -> Iterable[Row]:
        yield "doubts", self.cpu, 0, self.before, self.after


class _Request(Event):
    """A request that `cpu` drop what it keeps of a range."""

    cpu: str
    request: FlushRequest


class ShootdownSent(_Request):
    """An interrupt asks `cpu` to drop what it keeps of `request`; the sender waits."""

    def writes(self) -> Iterable[Row]:
        yield "pending", self.cpu, self.request.number, ABSENT, self.request
        yield "shootdowns", "", "sent", MOVED, 1


class ShootdownAcknowledged(_Request):
    """`cpu` has dropped what it was asked to, and says so."""

    def writes(self) -> Iterable[Row]:
        yield "pending", self.cpu, self.request.number, self.request, ABSENT
        yield "shootdowns", "", "acknowledged", MOVED, 1


class ShootdownForgotten(_Request):
    """`cpu` should have been asked to drop `request`, and was not: what it keeps of it may be wrong from now on."""

    def writes(self) -> Iterable[Row]:
        yield "shootdowns", "", "forgotten", MOVED, 1


class ShootdownChosen(Event):
    """What becomes of flushes that one processor asks another for is now `after`."""

    before: str
    after: str

    def writes(self) -> Iterable[Row]:
        yield "shootdown", "", 0, self.before, self.after


# ---- threads ---------------------------------------------------------------------------------


class ThreadSpawned(Event):
    """A thread came to be, ready to run; `replaced` is one that had ended, whose name it has."""

    thread: str
    replaced: ThreadValue | None = None

    def writes(self) -> Iterable[Row]:
        yield "thread", "", self.thread, ABSENT if self.replaced is None else self.replaced, True


class ThreadRuns(Event):
    """The scheduler let `thread` go on; all that follows is its doing, until it sleeps or ends.

    `since` is its number among those that are ready, the lowest the next; `doing` the call that it is in the middle of.
    """

    thread: str
    since: int = 0
    doing: str = ""

    def writes(self) -> Iterable[Row]:
        before = ThreadValue(self.thread, "ready", since=self.since)
        yield "thread", "", self.thread, before, True if self.thread else ABSENT
        yield "doing", "", self.thread, self.doing, True


class ThreadSlept(Event):
    """A thread waits for `what`; at tick `until` (none: never) it goes on in any case.

    `kind` and `subject` say the same as `what`, as :class:`ThreadValue` has them, which has `since` too.  One that
    sleeps for room in a map dropped its lock in the same step.
    """

    thread: str
    what: str
    until: int | None
    kind: str
    subject: str
    since: int = 0

    def writes(self) -> Iterable[Row]:
        yield "thread", "", self.thread, ThreadValue(self.thread, "running") if self.thread else ABSENT, True
        if self.kind == "room":
            yield "sleeper", self.subject, self.thread, ABSENT, self.since
            yield "lock", "", self.subject, self.thread, None


class Deadlocked(Event):
    """Each of these threads waits for a lock that the next one has, the last for the first's: the last sleep did it."""

    threads: tuple[str, ...]


class ThreadWoken(Event):
    """A thread is ready again; `why` "wakeup", "timeout" or "lock".  It had waited for `what`, at most to `until`.

    `kind`, `subject` and `since` are as in :class:`ThreadSlept`.
    """

    thread: str
    why: str
    what: str
    until: int | None
    kind: str
    subject: str
    since: int

    def writes(self) -> Iterable[Row]:
        before = ThreadValue(
            self.thread, "asleep", self.what, None, self.until, self.kind, self.subject, since=self.since
        )
        yield "thread", "", self.thread, before, True
        if self.kind == "room":
            yield "sleeper", self.subject, self.thread, self.since, ABSENT


class ThreadEnded(Event):
    """A thread is done: "returned", or the name of the error that ended it.

    One that was given up ("abandoned") is gone, and did not run when it ended: `before` is what it was, without the
    locks that were taken from it.
    """

    thread: str
    how: str
    before: ThreadValue | None = None

    def writes(self) -> Iterable[Row]:
        before = self.before
        if before is not None:
            yield "thread", "", self.thread, before, ABSENT
            if before.kind == "room":
                yield "sleeper", before.subject, self.thread, before.since, ABSENT
        elif self.thread:
            yield "thread", "", self.thread, ThreadValue(self.thread, "running"), True


class ClockTicked(Event):
    """The clock advanced, in ticks since boot."""

    before: int
    after: int

    def writes(self) -> Iterable[Row]:
        yield "ticks", "", 0, self.before, self.after
