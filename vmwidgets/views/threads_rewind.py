"""Threads as they were in the middle of an operation: their states, what they waited for, the locks they had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..engine.base import events as ev
from ..engine.base.values.cpus import ThreadsValue, ThreadValue


def rewind_threads(value: ThreadsValue, events: Sequence[ev.Event], done: int) -> ThreadsValue:
    """`value`, the threads after `events`, as they were after the first `done` of them."""
    if done >= len(events):
        return value
    past = _Past(value)
    for event in reversed(events[done:]):
        past.undo(event)
    return past.freeze()


class _Past:
    def __init__(self, value: ThreadsValue) -> None:
        self._value = value
        self._threads = {thread.name: thread for thread in value.threads}
        self._locks = {thread.name: list(thread.locks) for thread in value.threads}
        self._ready, self._sleeping = list(value.ready), list(value.sleeping)
        self._ticks = value.ticks
        for thread in value.threads:
            self._note_holder(thread)

    def undo(self, event: ev.Event) -> None:
        if isinstance(event, ev.ThreadSpawned):
            self._threads.pop(event.thread, None)
            self._leave(event.thread)
        elif isinstance(event, ev.ThreadRuns):
            self._becomes(event.thread, "ready", doing=event.doing)
            self._ready.insert(event.place, event.thread)
        elif isinstance(event, ev.ThreadSlept):
            self._becomes(event.thread, "running")
            if event.kind == "room":  # whoever sleeps for room let go of the lock in the same step
                self._locks.setdefault(event.thread, []).append(event.subject)
        elif isinstance(event, ev.ThreadWoken):
            self._becomes(
                event.thread, "asleep", waits_for=event.what, until=event.until, kind=event.kind, subject=event.subject
            )
            self._sleeps(event.thread, event.place)
        elif isinstance(event, ev.ThreadEnded):
            self._undo_end(event)
        elif isinstance(event, ev.ClockTicked):
            self._ticks = event.before
        elif isinstance(event, ev.MapLocked):
            self._locks[event.thread] = [name for name in self._locks.get(event.thread, []) if name != event.map]
        elif isinstance(event, ev.MapUnlocked) and event.thread is not None:
            self._locks.setdefault(event.thread, []).append(event.map)

    def _undo_end(self, event: ev.ThreadEnded) -> None:
        if event.before is None:
            self._becomes(event.thread, "running")
            return
        threads = list(self._threads.items())  # whoever was given up is not among them
        self._threads = dict([*threads[: event.number], (event.thread, event.before), *threads[event.number :]])
        self._note_holder(event.before)
        if event.before.state == "asleep":
            self._sleeps(event.thread, event.place)
        elif event.before.state == "ready":
            self._ready.insert(event.place, event.thread)

    def _note_holder(self, thread: ThreadValue) -> None:
        """Who has the lock that a thread waits for, has it: of the cell's locks nothing else may tell."""
        if thread.holder is not None and thread.subject not in self._locks.setdefault(thread.holder, []):
            self._locks[thread.holder].append(thread.subject)

    def _leave(self, name: str) -> None:
        self._ready = [other for other in self._ready if other != name]
        self._sleeping = [other for other in self._sleeping if other != name]

    def _becomes(self, name: str, state: str, **said: Any) -> None:
        thread = self._threads.get(name)
        self._leave(name)
        if name == "":  # the cell is there as long as it waits
            self._threads.pop(name, None)
            thread = ThreadValue(name, state) if state == "asleep" else None
        if thread is not None:
            kept = ThreadValue(name, state, locks=thread.locks, doing=thread.doing)
            self._threads[name] = replace(kept, **said)

    def _sleeps(self, name: str, place: int) -> None:
        """A thread is among the sleepers again, in its place among those that sleep for the same."""
        thread = self._threads[name]
        alike = [other for other in self._sleeping if _same(self._threads.get(other), thread)]
        at = self._sleeping.index(alike[place]) if place < len(alike) else len(self._sleeping)
        self._sleeping.insert(at, name)

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
        holder = None
        if thread.kind == "lock":
            owners = (name for name, locks in self._locks.items() if thread.subject in locks and name != thread.name)
            holder = next(owners, None)
        return replace(thread, locks=tuple(self._locks.get(thread.name, ())), holder=holder)


def _same(one: ThreadValue | None, other: ThreadValue) -> bool:
    return one is not None and (one.kind, one.subject) == (other.kind, other.subject)


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
