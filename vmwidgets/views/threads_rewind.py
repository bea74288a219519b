"""Threads as they were in the middle of an operation: their states, what they waited for, the locks they had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..engine.base import events as ev
from ..engine.base import kmem_events as kev
from ..engine.base import thread_events as tev
from ..engine.base.thread_values import ThreadsValue, ThreadValue
from .functions import followed
from .kmem_rewind import ROOM

LOCK = "the lock of "
_WAKEUP = "a wakeup of "


def sort_of(words: str) -> tuple[str, str]:
    """What sort of thing is waited for, and which one, from the words that say so.

    >>> sort_of("room in exec_map"), sort_of("free pages")
    (('room', 'exec_map'), ('pages', ''))
    """
    for prefix, kind in ((ROOM, "room"), (LOCK, "lock"), (_WAKEUP, "channel")):
        if words.startswith(prefix):
            return kind, words.removeprefix(prefix).partition(' ("')[0]
    if words == "free pages":
        return "pages", ""
    return ("timer", words.partition('"')[2].rstrip('")')) if "ticks" in words else ("channel", words)


def rewind_threads(value: ThreadsValue, events: Sequence[ev.Event], done: int) -> ThreadsValue:
    """`value`, the threads after `events`, as they were after the first `done` of them."""
    if done >= len(events):
        return value
    runners = {index: runner for index, _, _, runner in followed(events)}
    past = _Past(value)
    for index in range(len(events) - 1, done - 1, -1):
        past.undo(events[index], runners.get(index, ""))
    return past.freeze()


class _Past:
    def __init__(self, value: ThreadsValue) -> None:
        self._value = value
        self._threads = {thread.name: thread for thread in value.threads}
        self._locks = {thread.name: list(thread.locks) for thread in value.threads}
        self._ready, self._sleeping = list(value.ready), list(value.sleeping)
        self._ticks = value.ticks

    def undo(self, event: ev.Event, runner: str) -> None:
        if isinstance(event, tev.ThreadSpawned):
            self._threads.pop(event.thread, None)
            self._leave(event.thread)
        elif isinstance(event, tev.ThreadRuns):
            self._becomes(event.thread, "ready")
            self._ready.insert(0, event.thread)
        elif isinstance(event, tev.ThreadSlept):
            self._becomes(event.thread, "running")
            kind, subject = sort_of(event.what)
            if kind == "room":
                self._locks.setdefault(event.thread, []).append(subject)
        elif isinstance(event, tev.ThreadWoken):
            self._becomes(event.thread, "asleep", event.what, event.until)
            self._sleeping.insert(0, event.thread)
        elif isinstance(event, tev.ThreadEnded):
            self._becomes(event.thread, "running")
        elif isinstance(event, tev.ClockTicked):
            self._ticks = event.before
        elif isinstance(event, kev.MapLocked):
            self._locks[runner] = [name for name in self._locks.get(runner, []) if name != event.map]
        elif isinstance(event, kev.MapUnlocked):
            self._locks.setdefault(runner, []).append(event.map)

    def _leave(self, name: str) -> None:
        self._ready = [other for other in self._ready if other != name]
        self._sleeping = [other for other in self._sleeping if other != name]

    def _becomes(self, name: str, state: str, what: str = "", until: int | None = None) -> None:
        thread = self._threads.get(name)
        self._leave(name)
        if name == "":  # the cell is there as long as it waits
            self._threads.pop(name, None)
            thread = ThreadValue(name, state) if state == "asleep" else None
        if thread is not None:
            kind, subject = sort_of(what) if what else ("", "")
            self._threads[name] = replace(
                thread, state=state, waits_for=what, until=until, kind=kind, subject=subject, holder=None, outcome=""
            )

    def freeze(self) -> ThreadsValue:
        threads = tuple(self._held(thread) for thread in self._threads.values())
        return replace(
            self._value,
            threads=threads,
            ticks=self._ticks,
            ready=tuple(self._ready),
            sleeping=tuple(self._sleeping),
            cycle=_cycle(threads),
        )

    def _held(self, thread: ThreadValue) -> ThreadValue:
        """With its locks, and with who has the lock that it waits for."""
        kind, subject = (thread.kind, thread.subject) if thread.kind else sort_of(thread.waits_for)
        holder = None
        if kind == "lock":
            owners = (name for name, locks in self._locks.items() if subject in locks and name != thread.name)
            holder = next(owners, thread.holder)
        return replace(thread, locks=tuple(self._locks.get(thread.name, ())), holder=holder)


def _cycle(threads: Sequence[ThreadValue]) -> tuple[str, ...]:
    """Threads each of which waits for a lock that the next one has, the last for the first's; empty if none."""
    holders = {thread.name: thread.holder for thread in threads if thread.holder}
    for start in holders:
        chain = [start]
        while (following := holders.get(chain[-1])) is not None and following not in chain:
            chain.append(following)
        if following == start:
            return tuple(chain)
    return ()
