"""A simulated thread, and what can be told of several that sleep: who waits for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..base.errors import KernelError, shown
from ..base.thread_values import ThreadValue
from .waits import LockWait, PageWait, RoomWait, Sleepy, TimedWait, Wait, waits_for

EDEADLK = 11
"""FreeBSD's number for "resource deadlock avoided"."""


class Stuck(KernelError):
    """Nobody can go on: who waits for what, and `cycle`, the threads that wait for each other (none: empty)."""

    def __init__(self, reason: str, cycle: tuple[str, ...] = ()) -> None:
        super().__init__("EDEADLK", EDEADLK, reason)
        self.cycle = cycle


class Thread:
    """One thread; `result` or `error` when it is done."""

    __slots__ = (
        "answer", "call", "doing", "error", "name", "result", "serves", "started", "state", "told", "until", "wait",
    )  # fmt: skip  # read as a list of names

    def __init__(self, name: str, call: Sleepy[Any]) -> None:
        self.name = name
        self.doing = ""
        """The call that it is in, where somebody notes it."""
        self.call = call
        self.state = "ready"
        self.started = False
        self.wait: Wait | None = None
        self.until: int | None = None
        self.answer = 0
        self.result: Any = None
        self.error: BaseException | None = None
        self.serves = False
        """Whether it only waits to be asked, as the page daemon does: nobody waits for it to end."""
        self.told = False
        """Whether somebody was told of the error."""

    @property
    def done(self) -> bool:
        """Whether it returned or failed."""
        return self.state in ("returned", "failed")

    def value(self, locks: tuple[str, ...] = ()) -> ThreadValue:
        """What there is to see of it; `locks` are the maps whose lock it has."""
        outcome = "" if not self.done else shown(self.result) if self.error is None else str(self.error)
        if self.wait is None:
            return ThreadValue(self.name, self.state, locks=locks, doing=self.doing, outcome=outcome)
        holder = self.wait.lock.holder if isinstance(self.wait, LockWait) else None
        kind, subject = subject_of(self.wait)
        words = waits_for(self.wait)
        return ThreadValue(self.name, self.state, words, holder, self.until, kind, subject, locks, self.doing)


def subject_of(wait: Wait) -> tuple[str, str]:
    """What sort of thing is waited for, and which one."""
    if isinstance(wait, PageWait):
        return "pages", ""
    if isinstance(wait, RoomWait):
        return "room", wait.map.name
    if isinstance(wait, LockWait):
        return "lock", wait.lock.name
    return ("timer", wait.message) if isinstance(wait, TimedWait) else ("channel", wait.channel)


def deadlock(asleep: Sequence[Thread], threads: Mapping[str, Thread]) -> tuple[str, ...]:
    """Threads each of which waits for a lock that the next one has, the last for the first's; empty if none."""
    for start in asleep:
        chain, thread = [start.name], _holder(start, threads)
        while thread is not None and thread.name not in chain:
            chain.append(thread.name)
            thread = _holder(thread, threads)
        if thread is start:
            return tuple(chain)
    return ()


def _holder(thread: Thread, threads: Mapping[str, Thread]) -> Thread | None:
    """The thread that has the lock which `thread` waits for, if it waits for one."""
    if not isinstance(thread.wait, LockWait) or thread.wait.lock.holder is None:
        return None
    return threads.get(thread.wait.lock.holder)


def explain(asleep: Sequence[Thread], ready: Sequence[Thread], threads: Mapping[str, Thread]) -> str:
    """Who waits for what, in sentences."""
    told = [_sentence(thread.value()) for thread in asleep if not thread.serves]
    told += [f"{named(thread.name)} is ready" for thread in ready]
    cycle = deadlock(asleep, threads)
    if cycle:
        told.append(f"deadlock: {' → '.join(named(name) for name in [*cycle, cycle[0]])}")
    return "; ".join(told) or "nobody is left"


def _sentence(value: ThreadValue) -> str:
    holder = "" if value.holder is None else f", which {named(value.holder)} has"
    return f"{named(value.name)} waits for {value.waits_for}{holder}"


def named(name: str) -> str:
    """A thread's name as a sentence has it; the learner's cell has none."""
    return name or "the cell"
