"""Kernel memory as it was in the middle of an operation: maps, their locks, and who sleeps for room in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..engine.base import events as ev
from ..engine.base.events import ThreadEnded, ThreadSlept, ThreadWoken
from ..engine.base.values.maps import KernelMapValue
from .rewind import reach, rewind


def all_maps(value: KernelMapValue) -> Iterator[KernelMapValue]:
    """A map and those inside it, each before its own submaps."""
    yield value
    for submap in value.submaps:
        yield from all_maps(submap)


def kmem_reach(value: KernelMapValue, events: Sequence[ev.Event]) -> int:
    """How many of `events` must stay done, since a folded map does not hold what it takes to undo them."""
    return max(reach(one.map, events) for one in all_maps(value))


def rewind_kmem(value: KernelMapValue, events: Sequence[ev.Event], done: int) -> KernelMapValue:
    """`value`, the maps after `events`, as they were after the first `done` of them."""
    later = events[done:]
    if not later:
        return value
    past = _Past(value)
    for event in reversed(later):
        past.undo(event)
    return past.freeze(value, later)


@dataclass(slots=True)
class _Lock:
    """What is true of a map beside its entries."""

    locked_by: str | None
    sleepers: list[str]
    needs_wakeup: bool


class _Past:
    def __init__(self, value: KernelMapValue) -> None:
        self._locks = {
            one.map.name: _Lock(one.locked_by, list(one.sleepers), one.needs_wakeup) for one in all_maps(value)
        }
        self._unmade: set[str] = set()

    def undo(self, event: ev.Event) -> None:
        if isinstance(event, ev.MapCreated):
            self._unmade.add(event.map or "")
        elif isinstance(event, ThreadSlept):
            self._undo_sleep(event)
        elif isinstance(event, ThreadWoken):
            self._sleeps(event.kind, event.subject, event.thread, event.place)
        elif isinstance(event, ThreadEnded):
            if event.before is not None:
                self._sleeps(event.before.kind, event.before.subject, event.thread, event.place)
        else:
            self._undo_lock(event)

    def _undo_lock(self, event: ev.Event) -> None:
        lock = self._locks.get(getattr(event, "map", None) or "")
        if lock is None:
            return
        if isinstance(event, ev.MapLocked):
            lock.locked_by = None
        elif isinstance(event, ev.MapUnlocked):
            lock.locked_by = event.thread
        elif isinstance(event, ev.SleepersWoken):
            lock.needs_wakeup = True

    def _sleeps(self, kind: str, subject: str, thread: str, place: int) -> None:
        """A thread sleeps again for room in a map, if that is what it did."""
        lock = self._locks.get(subject) if kind == "room" else None
        if lock is not None:
            lock.sleepers.insert(place, thread)
            lock.needs_wakeup = True

    def _undo_sleep(self, event: ThreadSlept) -> None:
        """Who sleeps for room let go of the map's lock in the same step."""
        lock = self._locks.get(event.subject) if event.kind == "room" else None
        if lock is None:
            return
        lock.sleepers = [name for name in lock.sleepers if name != event.thread]
        lock.locked_by = event.thread
        lock.needs_wakeup = bool(lock.sleepers)

    def freeze(self, value: KernelMapValue, later: Sequence[ev.Event]) -> KernelMapValue:
        lock = self._locks[value.map.name]
        submaps = [self.freeze(one, later) for one in value.submaps if one.map.name not in self._unmade]
        return replace(
            value,
            map=rewind(value.map, later),
            locked_by=lock.locked_by,
            sleepers=tuple(lock.sleepers),
            needs_wakeup=lock.needs_wakeup,
            submaps=tuple(submaps),
        )
