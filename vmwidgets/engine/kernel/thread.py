"""A simulated thread, and what can be told of several that sleep: who waits for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..base.errors import VMError
from ..base.thread_values import ThreadValue
from .waits import LockWait, Sleepy, Wait, waits_for


class Stuck(VMError):
    """Nobody can go on: who waits for what, and `cycle`, the threads that wait for each other (none: empty)."""

    def __init__(self, reason: str, cycle: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.cycle = cycle


class Thread:
    """One thread; `result` or `error` when it is done."""

    __slots__ = ("answer", "call", "error", "name", "result", "started", "state", "until", "wait")

    def __init__(self, name: str, call: Sleepy[Any]) -> None:
        self.name = name
        self.call = call
        self.state = "ready"
        self.started = False
        self.wait: Wait | None = None
        self.until: int | None = None
        self.answer = 0
        self.result: Any = None
        self.error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether it returned or failed."""
        return self.state in ("returned", "failed")

    def value(self) -> ThreadValue:
        """What there is to see of it."""
        if self.wait is None:
            return ThreadValue(self.name, self.state)
        holder = self.wait.lock.holder if isinstance(self.wait, LockWait) else None
        return ThreadValue(self.name, self.state, waits_for(self.wait), holder, self.until)


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
    told = [_sentence(thread.value()) for thread in asleep]
    told += [f"{thread.name} is ready" for thread in ready]
    cycle = deadlock(asleep, threads)
    if cycle:
        told.append(f"deadlock: {' → '.join([*cycle, cycle[0]])}")
    return "; ".join(told) or "nobody is left"


def _sentence(value: ThreadValue) -> str:
    holder = "" if value.holder is None else f", which {value.holder or 'the cell'} has"
    return f"{value.name} waits for {value.waits_for}{holder}"
