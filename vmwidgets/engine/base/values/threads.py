"""Threads as frozen values, for views and for what an error says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThreadValue:
    """One thread; `state` is "ready", "running", "asleep", "returned" or "failed".

    `waits_for` says for what it is asleep, in words; `kind` what sort of thing that is ("pages", "room", "timer",
    "channel", "lock" or "") and `subject` which one (a map's or channel's name); `holder` is the thread that has the
    lock it waits for ("" the learner's cell), and `until` the tick at which it goes on in any case.  `locks` are the
    maps whose lock it has, `doing` is the call that it is in, `outcome` what it returned or how it failed.
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


@dataclass(frozen=True, slots=True)
class ThreadsValue:
    """All threads in the order they came to be, the clock, and the threads that wait for each other in a circle.

    `ready` are the names of those that can run, the next first; `sleeping` of those that wait, in the order in which
    they began to.
    """

    threads: tuple[ThreadValue, ...]
    ticks: int
    hz: int
    cycle: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    sleeping: tuple[str, ...] = ()

    @property
    def asleep(self) -> tuple[ThreadValue, ...]:
        """Those that wait."""
        return tuple(thread for thread in self.threads if thread.state == "asleep")
