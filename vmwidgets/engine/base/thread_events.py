"""What simulated threads do, as events; threads are named, and a name is never given twice."""

from __future__ import annotations

from dataclasses import dataclass

from .events import Event


@dataclass(frozen=True, slots=True)
class ThreadSpawned(Event):
    """A thread came to be, ready to run."""

    thread: str


@dataclass(frozen=True, slots=True)
class ThreadRuns(Event):
    """The scheduler let `thread` go on; all that follows is its doing, until it sleeps or ends."""

    thread: str


@dataclass(frozen=True, slots=True)
class ThreadSlept(Event):
    """A thread waits for `what`; at tick `until` (none: never) it goes on in any case."""

    thread: str
    what: str
    until: int | None


@dataclass(frozen=True, slots=True)
class ThreadWoken(Event):
    """A thread is ready again; `why` "wakeup", "timeout" or "lock".  It had waited for `what`, at most to `until`."""

    thread: str
    why: str
    what: str = ""
    until: int | None = None


@dataclass(frozen=True, slots=True)
class ThreadEnded(Event):
    """A thread is done: "returned", or the name of the error that ended it."""

    thread: str
    how: str


@dataclass(frozen=True, slots=True)
class ClockTicked(Event):
    """The clock went on, in ticks since boot."""

    before: int
    after: int
