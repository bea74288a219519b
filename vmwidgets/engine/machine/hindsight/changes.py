"""What each operation of a machine changed, noted while it goes on.

Of rows that events write only the outcome of a whole operation counts: what an operation changes and changes back it
did not change.  No event says which bytes were stored, so frames of tasks are compared with what they held, and then
the pages that tasks see through them: what :meth:`.Task.peek` would give, before the operation and after it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Hashable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from ...base.errors import KernelError
from ...base.event import EVENTS, WRITING, Event
from ...base.past import ABSENT, Past
from ...base.records import Raw, unpacked
from ...base.units import PAGE, PAGE_SHIFT
from ...kernel.map.core import Entry
from ...kernel.map.map_schema import EntryFields
from ...kernel.tasks.led_object import common
from ...kernel.tasks.memory_object import TaskObject
from ...kernel.tasks.pagers import CodePager
from ...memory.pages_schema import POOLED
from ...spaces.task_space import TaskSpace
from ..system import System

TABLES = ("frame", "word", "page", "swapped")
"""Tables whose rows are asked for by their keys."""

UNOWNED = {None, POOLED}
"""What a free frame has for an owner, on a free list or in the processor's pool."""

ZEROES = bytes(PAGE)

NOT_KNOWN = b""
"""In place of what a page holds that only its pager knows."""

Ranges = list[tuple[int, int]]


Notes = dict[Hashable, "array[int]"]
"""What was changed when, by what it is: serial, first and end of each change, one after the other.

[first, end) is a range of what the key names: bytes of a page, addresses of a map.
"""


class Changes:
    """What the operations of one machine change from now on, each noted right after it with :meth:`note`.

    O(pages of tasks) to begin.
    """

    def __init__(self, system: System) -> None:
        self.notes: Notes = {}
        self._frames: dict[int, bytes] = {}
        self._pages: dict[str, dict[int, bytes]] = {}
        self._compare_frames(system)
        for task in system.tasks.values():
            seen = _seen(task, ((task.vm_map.start, task.vm_map.end),))
            self._pages[task.name] = {va: content for va, content in seen if content != ZEROES}

    def note(self, system: System, serial: int, raw: Iterable[Raw]) -> None:
        """Note what the latest operation changed, which reported `raw`."""
        past = Past(_events(raw))
        add = self._add
        for table in TABLES:
            for thing in past.things(table):
                for key, (before, after) in past.changes(table, thing).items():
                    if before != after and not (table == "frame" and {before, after} <= UNOWNED):
                        add((table, thing, key), serial)
        mapped: dict[str, tuple[Ranges, Ranges]] = {}
        for path in sorted(past.things("entry") | past.things("wired")):
            self._note_entries(system, serial, past, path, mapped)
        self._note_bytes(system, serial, past, mapped)

    def _add(self, key: Hashable, serial: int, first: int = 0, end: int = 1) -> None:
        """Note that the operation of this serial changed [first, end) of what the key names."""
        held = self.notes.get(key)
        if held is None:
            held = self.notes[key] = array("Q")
        held.extend((serial, first, end))

    def _note_entries(
        self, system: System, serial: int, past: Past, path: str, mapped: dict[str, tuple[Ranges, Ranges]]
    ) -> None:
        """Note where entries of one map changed; and in `mapped` where a task had an object's memory and has it now."""
        add, entries, linked = self._add, past.changes("entry", path), past.changes("after", path)
        task = _task_of(system, path)
        for entry, change in sorted(entries.items()):
            # what is changed outside of the list is in the map only if the list had it, or has it then
            place = linked.get(entry, change)
            both = [ABSENT if at is ABSENT else fields for fields, at in zip(change, place, strict=True)]
            if both[0] == both[1]:
                continue
            for which, fields in enumerate(both):
                if fields is not ABSENT:
                    add(("entries", path), serial, fields[1], fields[2])
                    if task is not None and _has_object(fields):
                        mapped.setdefault(task, ([], []))[which].append((fields[1], fields[2]))
        vm_map: Any = system.maps.get(path) or system.kmem_maps.get(path.removeprefix("kmem/"))
        for entry, change in past.changes("wired", path).items():
            found = None if vm_map is None or entry in entries else vm_map.by_id.get(entry)
            if found is not None and change.before != change.after:
                add(("entries", path), serial, found.start, found.end)

    # ---- what tasks see ----------------------------------------------------------------------

    def _note_bytes(self, system: System, serial: int, past: Past, mapped: dict[str, tuple[Ranges, Ranges]]) -> None:
        add = self._add
        for name, (before, after) in mapped.items():
            for start, end in _in_one_only(before, after):
                add(("mapped", name), serial, start, end)
        objects = self._compare_frames(system)
        for table in ("page", "swapped"):
            for thing in past.things(table):
                objects.setdefault(thing, set()).update(past.changes(table, thing))
        whole = {f"file {name}" for name in past.changes("file")} | set(past.changes("object"))
        for name in [one for one in self._pages if one not in system.tasks]:
            del self._pages[name]
        for task in system.tasks.values():
            ranges = [one for both in mapped.get(task.name, ()) for one in both]
            ranges += _mapping(task, objects, whole)
            if ranges:
                self._compare_pages(task, serial, _joined(ranges))

    def _compare_frames(self, system: System) -> dict[str, set[int]]:
        """The pages whose frames hold something else than before, by the objects that have them."""
        pages, frames = system.task_memory.pages, self._frames
        found: dict[str, set[int]] = {}
        for frame in [one for one in frames if one not in pages]:
            del frames[frame]
        new = [frame for frame in pages if frame not in frames]
        for frame in (*system.ram.differing(frames), *new):
            page = pages[frame]
            if not page.owner.has_frames:
                continue
            frames[frame] = system.ram.read(frame << PAGE_SHIFT, PAGE)
            for owner in page.users:
                found.setdefault(owner.name, set()).add(page.index)
        return found

    def _compare_pages(self, task: TaskSpace, serial: int, ranges: Ranges) -> None:
        """Note which bytes a task sees otherwise than before in these ranges."""
        known = self._pages.setdefault(task.name, {})
        now = dict(_seen(task, ranges))
        inside = {va for va in known if any(start <= va < end for start, end in ranges)}
        for va in sorted(inside | now.keys()):
            before, after = known.get(va, ZEROES), now.get(va, ZEROES)
            if before == after:
                continue
            if after == ZEROES:
                del known[va]
            else:
                known[va] = after
            for first, end in _runs(before, after):
                self._add(("bytes", task.name, va), serial, first, end)


def _events(raw: Iterable[Raw]) -> Iterator[Event]:
    for tag, *given in unpacked(raw):
        if tag in WRITING:
            yield EVENTS[tag](*given)


def _task_of(system: System, path: str) -> str | None:
    """The task whose map, or a submap of whose map, is at this path."""
    head, found, _ = path.partition("/map")
    return next((task.name for task in system.tasks.values() if found and task.path == head), None)


def _has_object(fields: EntryFields) -> bool:
    return fields[3] is not None and not fields[3].startswith("submap:")


def _in_one_only(before: Ranges, after: Ranges) -> Ranges:
    """What lies in one of these lists of ranges and not in the other; within a list none overlap.

    >>> _in_one_only([(0, 8)], [(0, 2), (2, 4)]), _in_one_only([(0, 4)], [(2, 6)])
    ([(4, 8)], [(0, 2), (4, 6)])
    """
    borders = sorted({at for one in (*before, *after) for at in one})
    return [
        (start, end)
        for start, end in pairwise(borders)
        if any(one <= start < other for one, other in before) != any(one <= start < other for one, other in after)
    ]


def _joined(ranges: Ranges) -> Ranges:
    """The same addresses, in ranges that do not overlap."""
    found: Ranges = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _mapping(task: TaskSpace, objects: dict[str, set[int]], whole: set[str]) -> Ranges:
    """Where a task maps these pages of objects, or all of one, by an entry or through a chain of shadows."""
    found: Ranges = []
    if not objects and not whole:
        return found
    for entry in task.vm_map.inner_in(task.vm_map.start, task.vm_map.end):
        for at in _chain(entry):
            if at.name in whole:
                found.append((entry.start, entry.end))
            for index in objects.get(at.name, ()):
                va = entry.start + (index << PAGE_SHIFT) - entry.offset
                if entry.start <= va < entry.end:
                    found.append((va, va + PAGE))
    return found


def _chain(entry: Entry) -> Iterator[TaskObject]:
    if isinstance(entry.object, TaskObject):
        yield from entry.object.chain()


def _seen(task: TaskSpace, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """The pages that a task sees in these ranges and that may hold something else than zeroes, by address."""
    for start, end in ranges:
        for entry in task.vm_map.inner_in(start, end):
            if not isinstance(entry.object, TaskObject):
                continue
            low, high = max(start, entry.start), min(end, entry.end)
            window = range(entry.offset_of(low) >> PAGE_SHIFT, entry.offset_of(high - 1) + PAGE >> PAGE_SHIFT)
            for index in _having(entry.object, window):
                yield entry.start + (index << PAGE_SHIFT) - entry.offset, _content(entry.object, index)


def _having(front: TaskObject, window: range) -> list[int]:
    """The pages of a window that some object of a chain has, or that the last one's pager has."""
    found: set[int] = set()
    last = front
    for last in front.chain():
        found.update(last.those_of(window))
    if last.is_file:
        found.update(window)  # what lies after its end is not known either
    elif isinstance(last.pager, CodePager):
        found.update(common(window, range(last.pager.pages)))
    return sorted(found)


def _content(target: TaskObject, index: int) -> bytes:
    try:
        return target.content(index)
    except KernelError:
        return NOT_KNOWN


_DIFFERING = re.compile(rb"[^\0]+")


def _runs(before: bytes, after: bytes) -> Iterator[tuple[int, int]]:
    """Where the bytes of a page differ.

    >>> list(_runs(b"abcdef", b"aXXdeX"))
    [(1, 3), (5, 6)]
    """
    if len(before) != len(after):
        yield 0, PAGE
        return
    differing = int.from_bytes(before, "little") ^ int.from_bytes(after, "little")
    for run in _DIFFERING.finditer(differing.to_bytes(len(before), "little")):
        yield run.span()
