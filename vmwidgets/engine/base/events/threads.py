"""Events of simulated threads; no two threads have one name at the same time."""

from __future__ import annotations

from ..values.threads import ThreadValue
from .event import Event


class ThreadSpawned(Event):
    """A thread came to be, ready to run."""

    thread: str


class ThreadRuns(Event):
    """The scheduler let `thread` go on; all that follows is its doing, until it sleeps or ends.

    `place` is where it stood among those that are ready, 0 the next; `doing` the call that it is in the middle of.
    """

    thread: str
    place: int = 0
    doing: str = ""


class ThreadSlept(Event):
    """A thread waits for `what`; at tick `until` (none: never) it goes on in any case.

    `kind` and `subject` say the same as `what`, as :class:`ThreadValue` has them.
    """

    thread: str
    what: str
    until: int | None
    kind: str
    subject: str


class ThreadWoken(Event):
    """A thread is ready again; `why` "wakeup", "timeout" or "lock".  It had waited for `what`, at most to `until`.

    `kind` and `subject` are as in :class:`ThreadSlept`; `place` is where it stood among those that
    sleep for the same, 0 the first.
    """

    thread: str
    why: str
    what: str
    until: int | None
    kind: str
    subject: str
    place: int


class ThreadEnded(Event):
    """A thread is done: "returned", or the name of the error that ended it.

    One that was given up ("abandoned") is gone, and did not run when it ended: `before` is what it was, without the
    locks that were taken from it, `number` where it stood among all threads, `place` among those that are ready, or
    that sleep for the same.
    """

    thread: str
    how: str
    before: ThreadValue | None = None
    number: int = 0
    place: int = 0


class ClockTicked(Event):
    """The clock advanced, in ticks since boot."""

    before: int
    after: int
