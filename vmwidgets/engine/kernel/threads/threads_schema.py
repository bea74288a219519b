"""Simulated threads: their actions and waits as values, and the events of running and sleeping."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...base.event import Event
from ...base.frozen import frozen

# ---- threads ---------------------------------------------------------------------------------


@frozen
class ThreadValue:
    """One thread; `state` is "ready", "running", "asleep", "returned" or "failed".

    `waits_for` says in words what it waits for; `kind` is the kind of thing ("pages", "room", "timer", "channel",
    "lock" or "") and `subject` the name of its map or channel; `holder` is the thread that has the lock it waits for
    ("": the learner's cell), and `until` the tick at which it continues in any case. `locks` are the maps whose lock
    it has, `doing` is its current call, and `outcome` its result or failure. Threads are numbered in order of creation
    (0: the cell's call while it sleeps); `since` numbers the ready threads and the sleeping ones in the order in which
    they became so.
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


@frozen
class ThreadsValue:
    """All threads in order of creation, the clock, and the threads that wait for each other in a circle.

    `ready` has the names of those that can run, the next one first; `sleeping` has those that wait, in the order in
    which they began; `locks` says for each map which thread has its lock ("": the learner's cell, None: it is free).
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
        """Return the value in which each thread has its locks in `locks`, and everything is in order."""
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

    @property
    def asleep(self) -> tuple[ThreadValue, ...]:
        """Return those that wait."""
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


# ---- threads ---------------------------------------------------------------------------------


class ThreadSpawned(Event, changes=True):
    """A thread was created, ready to run."""

    thread: str


class ThreadRuns(Event, role="runs", changes=True):
    """The scheduler runs `thread`, which causes all further events until it sleeps or ends."""

    thread: str


class ThreadSlept(Event, role="sleeps", changes=True):
    """A thread waits for `what`; at tick `until` (none: never) it continues in any case.

    `kind` and `subject` give the same information as `what`, as in :class:`ThreadValue`, which also has `since`.  A
    thread that sleeps until a map has room releases its lock in the same step.
    """

    thread: str
    what: str
    until: int | None
    kind: str
    subject: str
    since: int = 0


class Deadlocked(Event):
    """Each of these threads waits for a lock that the next one holds, and the last for the first: a deadlock."""

    threads: tuple[str, ...]


class ThreadWoken(Event, changes=True):
    """A thread is ready again; `why` is "wakeup", "timeout" or "lock".

    It had waited for `what`, at the latest until `until`.

    `kind`, `subject` and `since` are as in :class:`ThreadSlept`.
    """

    thread: str
    why: str
    what: str
    until: int | None
    kind: str
    subject: str
    since: int


class ThreadEnded(Event, role="ends", changes=True):
    """A thread has ended: "returned", or the name of the error that ended it.

    An abandoned thread ("abandoned") did not run when it ended: `before` is its earlier state, without the locks that
    it lost.
    """

    thread: str
    how: str
    before: ThreadValue | None = None


class ClockTicked(Event, changes=True):
    """The clock advanced, in ticks since boot."""

    before: int
    after: int


class MapLocked(Event, changes=True):
    """The lock of `map` was acquired by `thread` ("" for the learner's cell)."""

    map: str
    thread: str


class MapUnlocked(Event, changes=True):
    """The lock of `map` was released by `thread` ("" for the learner's cell, None: no thread)."""

    map: str
    thread: str | None


class CallbackRan(Event):
    """A learner's callback (`name`) was called; `outcome` is "returned", or the name of the raised error."""

    name: str
    outcome: str


class CallUndone(Event):
    """A call that can't continue was abandoned, and its effects were undone."""

    call: str
    why: str
