"""The changes made by each operation of a machine, noted while it runs.

Only the result of a whole operation counts: a change that the operation reverses does not.  Events report changes of
frames, descriptors, pages and entries, and are read when they are reported.  No event reports stored bytes.  So memory
notes which frames are written, and the pages that tasks see in these frames are compared before and after the
operation, as :meth:`.Task.peek` returns them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from ...base.errors import KernelError
from ...base.records import Raw, unpacked
from ...base.units import PAGE, PAGE_SHIFT
from ...kernel.map.core import Entry
from ...kernel.map.map_schema import (
    EntryFields,
)
from ...kernel.tasks.led_object import common
from ...kernel.tasks.memory_object import TaskObject
from ...kernel.tasks.pagers import CodePager
from ...spaces.paths import unquoted
from ...spaces.task_space import TaskSpace
from ..system import System
from ..touched import OF_ENTRIES, Reported, Touched

ZEROES = bytes(PAGE)

NOT_KNOWN = b""
"""The placeholder for the contents of a page that only its pager knows."""

Ranges = list[tuple[int, int]]


Notes = dict[Hashable, "array[int]"]
"""The changes of each key, in one array: the serial, `first` and `end` of each change.

[first, end) is a range in the thing named by the key: bytes of a page, or addresses of a map.
"""


class Changes:
    """The changes made by one machine's operations from now on; call :meth:`note` right after each operation.

    O(pages of tasks) at the beginning.
    """

    def __init__(self, system: System) -> None:
        self.notes: Notes = {}
        self._pages: dict[str, dict[int, bytes]] = {}
        self._written = system.ram.written
        self._written.clear()
        for task in system.tasks.values():
            seen = _seen(task, ((task.vm_map.start, task.vm_map.end),))
            self._pages[task.name] = {va: content for va, content in seen if content != ZEROES}

    def note(self, system: System, serial: int, raw: Iterable[Raw]) -> None:
        """Note the changes by the latest operation, which reported `raw`."""
        reported, add = Reported.by(raw), self._add
        for key, (before, after) in reported.places.items():
            if before != after:
                add(key, serial)
        mapped: dict[str, tuple[Ranges, Ranges]] = {}
        for path in sorted(reported.entries.of.keys() | reported.wired.keys()):
            self._note_entries(system, serial, reported, path, mapped)
        self._note_bytes(system, serial, reported, mapped)

    def _add(self, key: Hashable, serial: int, first: int = 0, end: int = 1) -> None:
        """Note that the operation of this serial changed [first, end) of the thing named by the key."""
        held = self.notes.get(key)
        if held is None:
            held = self.notes[key] = array("Q")
        held.extend((serial, first, end))

    def _note_entries(
        self, system: System, serial: int, reported: Reported, path: str, mapped: dict[str, tuple[Ranges, Ranges]]
    ) -> None:
        """Note changed entries of one map and, in `mapped`, the mappings of an object's memory before and after."""
        add, entries = self._add, reported.entries.of.get(path, {})
        task = _task_of(system, path)
        for _, (before, after) in sorted(entries.items()):
            if before == after:
                continue
            for which, fields in enumerate((before, after)):
                if fields is not None:
                    add(("entries", path), serial, fields[1], fields[2])
                    if task is not None and _has_object(fields):
                        mapped.setdefault(task, ([], []))[which].append((fields[1], fields[2]))
        vm_map: Any = system.maps.get(path) or system.kmem_maps.get(path.removeprefix("kmem/"))
        for entry, (had, has) in reported.wired.get(path, {}).items():
            found = None if vm_map is None or entry in entries else vm_map.by_id.get(entry)
            if found is not None and had != has:
                add(("entries", path), serial, found.start, found.end)

    # ---- what tasks see ----------------------------------------------------------------------

    def _note_bytes(
        self, system: System, serial: int, reported: Reported, mapped: dict[str, tuple[Ranges, Ranges]]
    ) -> None:
        add = self._add
        for name, (before, after) in mapped.items():
            for start, end in _in_one_only(before, after):
                add(("mapped", name), serial, start, end)
        objects = self._pages_written(system)
        for table, thing, key in reported.places:
            if table in ("page", "swapped"):
                objects.setdefault(thing, set()).add(key)
        for name in [one for one in self._pages if one not in system.tasks]:
            del self._pages[name]
        if not (mapped or objects or reported.whole):
            return
        known: Any = system.task_memory.objects
        there = {known[name]: pages for name, pages in objects.items() if name in known}
        whole = [known[name] for name in reported.whole if name in known]
        for task in system.tasks.values():
            ranges = [one for both in mapped.get(task.name, ()) for one in both]
            ranges += _mapping(task, there, whole)
            if ranges:
                self._compare_pages(task, serial, _joined(ranges))

    def _pages_written(self, system: System) -> dict[str, set[int]]:
        """Return the pages whose frames were written since the last call, by the objects they belong to."""
        found: dict[str, set[int]] = {}
        for frame in self._written:
            page = system.task_memory.pages.get(frame)
            if page is not None and page.owner.has_frames:
                for owner in page.users:
                    found.setdefault(owner.name, set()).add(page.index)
        self._written.clear()
        return found

    def _compare_pages(self, task: TaskSpace, serial: int, ranges: Ranges) -> None:
        """Note the changed bytes of a task in these ranges."""
        known = self._pages.setdefault(task.name, {})
        now = dict(_seen(task, ranges))
        if sum(end - start for start, end in ranges) >> PAGE_SHIFT < len(known):
            inside = {va for start, end in ranges for va in range(start, end, PAGE) if va in known}
        else:
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


class Seen(NamedTuple):
    """What a task sees at one address: pages of objects, and the frames that have them."""

    pages: frozenset[tuple[str, int]]
    """The page of each object of the chain, by the object's name and the page's number."""
    frames: frozenset[int]

    @classmethod
    def by(cls, system: System, task: str, va: int) -> Seen:
        """Return what a task sees or would see; nothing if the task does not exist yet.  O(chain)."""
        space = system.tasks.get(task)
        entry = None if space is None else space.vm_map.inner(va)
        if entry is None or not isinstance(entry.object, TaskObject):
            return cls(frozenset(), frozenset())
        index, objects = entry.offset_of(va) >> PAGE_SHIFT, list(entry.object.chain())
        frames = (one.pages.get(index) for one in objects)
        return cls(
            frozenset((one.name, index) for one in objects), frozenset(frame for frame in frames if frame is not None)
        )


class MayChange:
    """The changes that the operations of a stretch may have made, prepared for questions about one place."""

    def __init__(self, touched: Touched) -> None:
        self._frames = frozenset(touched.frames)
        self._maps = touched.maps
        events = touched.events()
        reported = Reported.by(events)
        self._pages = {(thing, key) for _, thing, key in reported.places}
        self._whole = reported.whole
        self._ranges: dict[str, Ranges] = {path: [(0, 1 << 64)] for path in reported.wired}
        for tag, path, *fields in unpacked(events):
            if tag in OF_ENTRIES:
                ones = (one for one in fields[:2] if isinstance(one, tuple))
                self._ranges.setdefault(path, []).extend((one[1], one[2]) for one in ones)

    def place(self, key: Any, at: int, seen: Seen | None) -> bool:
        """Return whether a place of the notes may have changed; `seen` is what a task saw there at the end.

        `seen` is None if that is unknown.
        """
        kind, name, *rest = key
        if kind == "word":
            return rest[0] >> PAGE_SHIFT in self._frames
        if kind in ("page", "swapped"):
            return (name, rest[0]) in self._pages
        if kind == "entries":
            return name in self._maps or self._has(at, lambda path: path == name)
        if kind == "mapped":
            return self._has(at, lambda path: _task_at(path) == name)
        if kind != "bytes" or seen is None:
            return True
        if self._has(rest[0] + at, lambda path: _task_at(path) == name):
            return True
        objects = {one for one, _ in seen.pages}
        return bool(seen.frames & self._frames or seen.pages & self._pages or objects & self._whole)

    def _has(self, va: int, is_asked: Callable[[str], bool]) -> bool:
        """Return whether an entry at an address may have changed, in a map to which the question applies."""
        return any(
            start <= va < end for path, ranges in self._ranges.items() if is_asked(path) for start, end in ranges
        )


def _task_at(path: str) -> str | None:
    """Return the name of the task to which a map of this path belongs, as long as the task exists."""
    head, found, _ = path.partition("/map")
    return unquoted(head.removeprefix("task:")) if found else None


def _task_of(system: System, path: str) -> str | None:
    """Return the task with this path as the path of its map or of a submap."""
    head, found, _ = path.partition("/map")
    name = unquoted(head.removeprefix("task:"))
    return name if found and name in system.tasks and system.tasks[name].path == head else None


def _has_object(fields: EntryFields) -> bool:
    return fields[3] is not None and not fields[3].startswith("submap:")


def _in_one_only(before: Ranges, after: Ranges) -> Ranges:
    """Return the parts that are in only one of these lists of ranges; ranges within a list don't overlap.

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
    """Return the same addresses, in ranges that do not overlap."""
    found: Ranges = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _mapping(task: TaskSpace, objects: Mapping[TaskObject, set[int]], whole: Iterable[TaskObject]) -> Ranges:
    """Return the addresses at which a task maps pages of objects or whole objects, directly or through shadows."""
    found: Ranges = []
    for one in {**dict.fromkeys(whole), **objects}:
        for entry in _leading_to(one):
            if task.vm_map.inner(entry.start) is not entry:  # another task's entry
                continue
            if one in whole:
                found.append((entry.start, entry.end))
            for index in objects.get(one, ()):
                va = entry.start + (index << PAGE_SHIFT) - entry.offset
                if entry.start <= va < entry.end:
                    found.append((va, va + PAGE))
    return found


def _leading_to(one: TaskObject) -> Iterator[Entry]:
    """Yield the entries that map an object, or a shadow of it."""
    todo: list[Any] = [one]
    while todo:
        front = todo.pop()
        yield from front.entries
        todo += front.shadows


def _seen(task: TaskSpace, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """Yield the pages that a task sees in these ranges, by address, without pages that are certainly zero."""
    for start, end in ranges:
        for entry in task.vm_map.inner_in(start, end):
            if not isinstance(entry.object, TaskObject):
                continue
            low, high = max(start, entry.start), min(end, entry.end)
            window = range(entry.offset_of(low) >> PAGE_SHIFT, entry.offset_of(high - 1) + PAGE >> PAGE_SHIFT)
            for index in _having(entry.object, window):
                yield entry.start + (index << PAGE_SHIFT) - entry.offset, _content(entry.object, index)


def _having(front: TaskObject, window: range) -> list[int]:
    """Return the pages of a window that some object of a chain has, or that the last object's pager has."""
    found: set[int] = set()
    last = front
    for last in front.chain():
        found.update(last.those_of(window))
    if last.is_file:
        found.update(window)  # bytes after its end are unknown too
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
    """Yield the ranges in which the bytes of a page differ.

    >>> list(_runs(b"abcdef", b"aXXdeX"))
    [(1, 3), (5, 6)]
    """
    if len(before) != len(after):
        yield 0, PAGE
        return
    differing = after
    if before != ZEROES:
        both = int.from_bytes(before, "little") ^ int.from_bytes(after, "little")
        differing = both.to_bytes(len(before), "little")
    for run in _DIFFERING.finditer(differing):
        yield run.span()
