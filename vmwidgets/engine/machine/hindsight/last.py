"""Which operations changed a thing: it is looked at after each operation of the stretches that may have changed it.

What was found is kept by thing and stretch, so a second question replays nothing.  O(operations of the stretches that
may matter) at the first question, some 100 µs each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ...base.errors import KernelError
from ...base.journal import Operation
from ...base.progress import Progress
from ...base.units import PAGE_SHIFT
from ...kernel.tasks.vm_object import TaskObject
from ...spaces.paths import task_path
from ...spaces.task_space import TaskSpace
from .. import touched
from ..system import System
from ..touched import Sets

UNKNOWN: Any = None


class Sight(NamedTuple):
    """How one thing is looked at: what it is, what lies below it, and whether a stretch may have changed it."""

    key: tuple[Any, ...]
    look: Callable[[System], Any]
    may: Callable[[Sets, Any], bool] = lambda sets, under: True
    under: Callable[[System], Any] = lambda system: ()


def byte_of(task: str, va: int) -> Sight:
    """Look at a byte of a task; an address without memory has the name of its error."""

    def look(system: System) -> bytes | str:
        try:
            return system.tasks[task].peek(va, 1) if task in system.tasks else "FAULT"
        except KernelError as error:
            return error.name

    def under(system: System) -> tuple[set[int], set[tuple[str, int]]]:
        entry, target = _mapping(system.tasks.get(task), va)
        chain = [] if target is None else list(target.chain())
        index = 0 if entry is None else entry.offset_of(va) >> PAGE_SHIFT
        pages = {(one.name, number) for one in chain for number in (index, -1)}
        return {one.pages[index] for one in chain if index in one.pages}, pages

    def may(sets: Sets, below: Any) -> bool:
        if below is UNKNOWN or _in_task(sets, va, task):
            return True
        return not sets.frames.isdisjoint(below[0]) or not sets.pages.isdisjoint(below[1])

    return Sight(("byte", task, va), look, may, under)


def mapped_at(task: str, va: int) -> Sight:
    """Look at whether a task's address is mapped."""
    return Sight(
        ("mapped", task, va),
        lambda system: _mapping(system.tasks.get(task), va)[1] is not None,
        lambda sets, _: _in_task(sets, va, task),
    )


def entry_at(path: str, va: int) -> Sight:
    """Look at the entry of a map that holds an address."""

    def look(system: System) -> Any:
        vm_map: Any = system.maps.get(path) or system.kmem_maps.get(path.removeprefix("kmem/"))
        entry = None if vm_map is None else vm_map.peek(va)
        return None if entry is None or va < entry.start else entry.fields()

    return Sight(("entry", path, va), look, lambda sets, _: _in(sets, va, lambda name: name == path))


def owner_of(frame: int) -> Sight:
    """Look at the owner of a frame."""
    return Sight(("frame", frame), lambda system: system.pages.owner(frame))


def page_of(name: str, index: int) -> Sight:
    """Look at where a page of a memory object is: in a frame, in a slot of swap space."""

    def look(system: System) -> Any:
        one = system.task_memory.objects.get(name)
        return (None, None) if one is None else (one.pages.get(index), one.swapped.get(index))

    def may(sets: Sets, _: Any) -> bool:
        return not sets.pages.isdisjoint({(name, index), (name, -1)})

    return Sight(("page", name, index), look, may)


def word_at(pa: int) -> Sight:
    """Look at a descriptor in memory, and at whose table it is: a new table is cleared, so its frame is written."""

    def look(system: System) -> tuple[object, int]:
        return system.pages.owner(pa >> PAGE_SHIFT), system.ram.read_word(pa, system.pmap.fmt.entry_width)

    return Sight(("word", pa), look, lambda sets, _: pa >> PAGE_SHIFT in sets.frames)


class Known(NamedTuple):
    """What is known of a thing in one stretch."""

    until: int
    """The serial of the last operation after which it was looked at."""
    changes: set[int]
    """The serials of the operations that changed it, with those that were undone since."""
    below: Any
    """What lay below it before the first operation."""


class LastChanges:
    """The changes of things in the history of one machine."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self._known: dict[tuple[Any, int], Known] = {}
        """What was found, by thing and stretch."""

    @classmethod
    def of(cls, machine: Any) -> LastChanges:
        """Return a machine's changes, as far as they are known."""
        if machine.history.last_changes is None:
            machine.history.last_changes = cls(machine)
        found: LastChanges = machine.history.last_changes
        return found

    def latest(
        self, sights: Sequence[Sight], before: int | None = None, progress: Progress | None = None
    ) -> Operation | None:
        """Return the latest operation that changed one of the things; None if none did."""
        number = next(self.backwards(sights, before, progress), None)
        if number is None:
            return None
        found: Operation = self._machine.journal[number]
        return found

    def backwards(
        self, sights: Sequence[Sight], before: int | None = None, progress: Progress | None = None
    ) -> Iterator[int]:
        """Yield the operations that changed one of the things, the latest first."""
        machine, journal = self._machine, self._machine.journal
        end, done = len(journal) if before is None else before, [1]
        under = {one.key: one.under(machine.system) for one in sights}
        for stretch in range(touched.stretch_of(len(journal) - 1), -1, -1):
            sets = machine.history.touches.of(stretch, machine.system.ram)
            if sets is not None and not any(one.may(sets, under[one.key]) for one in sights):
                continue
            if touched.first_of(stretch) >= end:
                under = dict.fromkeys(under, UNKNOWN)
                continue
            self._see(stretch, sights, progress, done)
            found: set[int] = set().union(*(self._known[one.key, stretch].changes for one in sights))
            latest = journal.serial(end - 1)  # a later operation has a greater serial
            for serial in sorted([one for one in found if one <= latest], reverse=True):
                number = journal.number_of(serial)  # none if it was undone
                if number is not None:
                    yield number
            under = {one.key: self._known[one.key, stretch].below for one in sights}

    def _see(self, stretch: int, sights: Sequence[Sight], progress: Progress | None, done: list[int]) -> None:
        """Replay what is not known of a stretch yet, and look at the things after each operation."""
        journal, first = self._machine.journal, touched.first_of(stretch)
        last = min(len(journal), touched.first_of(stretch + 1)) - 1
        begins = {one: self._known_to(one.key, stretch) for one in sights}
        new = {one: begin for one, begin in begins.items() if begin < last}
        if not new:
            return
        seen: dict[Any, Any] = {}
        until, start = journal.serial(last), min(new.values())

        def begin(system: System) -> Callable[[System], None]:
            for one, known in new.items():
                seen[one.key] = one.look(system)
                if known < first:
                    self._known[one.key, stretch] = Known(journal.serial(first - 1), set(), one.under(system))
            return after

        def after(system: System) -> None:
            serial = journal.serial(len(system.journal) - 1)
            for one in new:
                now = one.look(system)
                if now != seen[one.key]:
                    seen[one.key] = now
                    self._known[one.key, stretch].changes.add(serial)
            done[0] += 1
            if progress is not None:
                progress(done[0], len(journal))

        self._machine.history.retrace(begin, start, last)
        for one in new:
            key = one.key, stretch
            self._known[key] = self._known[key]._replace(until=until)

    def _known_to(self, key: Any, stretch: int) -> int:
        """Return the last operation up to which the changes of a thing are known in a stretch."""
        before, known = touched.first_of(stretch) - 1, self._known.get((key, stretch))
        number = None if known is None else self._machine.journal.number_of(known.until)
        return before if number is None else max(before, number)


def _mapping(space: TaskSpace | None, va: int) -> tuple[Any, TaskObject | None]:
    """Return the entry of a task that holds an address, with its object."""
    entry = None if space is None else space.vm_map.entry_at(va)
    target = None if entry is None else entry.object
    return (entry, target) if isinstance(target, TaskObject) else (None, None)


def _in(sets: Sets, va: int, is_asked: Callable[[str], bool]) -> bool:
    """Return whether an address lies in a changed range of the maps that are asked for."""
    return any(start <= va < end and is_asked(path) for path, start, end in sets.ranges)


def _in_task(sets: Sets, va: int, task: str) -> bool:
    """Return whether an address lies in a changed range of a task's map."""
    return _in(sets, va, lambda path: path == f"{task_path(task)}/map")
