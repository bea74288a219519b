"""The conditions of exercises on structures, independent of how they were built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from vmwidgets.engine.base import units
from vmwidgets.engine.base.errors import printable
from vmwidgets.engine.base.protection import NEEDS_COPY, NOMERGE
from vmwidgets.engine.base.units import PAGE, Address, binary_size
from vmwidgets.engine.kernel.map.core import Entry
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.kernel.tasks.vm_object import TaskObject
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.machine.system import SpacePart

MOST_SAID = 6


def runs(space: MachineMap) -> list[EntryValue]:
    """Return the map's ranges, with adjacent entries of equal properties joined.

    So a solution with one entry equals one with three entries for the same memory.
    """
    found: list[EntryValue] = []
    for entry in space.entries():
        if found and _goes_on(found[-1], entry):
            found[-1] = replace(found[-1], end=entry.end)
        else:
            found.append(entry)
    return found


def _goes_on(run: EntryValue, entry: EntryValue) -> bool:
    same = run.end == entry.start and run.object == entry.object and not (run.flags ^ entry.flags) & ~NOMERGE
    return same and (run.object is None or run.offset + run.end - run.start == entry.offset)


def outside(space: MachineMap, start: int, end: int) -> list[EntryValue]:
    """Return the map's ranges, as from :func:`runs`, that are not completely inside [start, end)."""
    return [run for run in runs(space) if run.start < start or run.end > end]


def rights_of_pages(space: MachineMap, base: int, count: int) -> dict[int, str]:
    """Return the rights of the mapped ones among `count` pages from `base` on, by their numbers."""
    found: dict[int, str] = {}
    for entry in space.entries():
        first, end = (entry.start - base) // PAGE, (entry.end - base) // PAGE
        found |= dict.fromkeys(range(max(first, 0), min(end, count)), entry.protection)
    return found


def gaps(space: MachineMap) -> list[tuple[int, int]]:
    """Return the free ranges between the first entry and the last: start and end."""
    entries = space.entries()
    pairs = pairwise(entries)
    return [(low.end, high.start) for low, high in pairs if low.end < high.start]


def entry_at(space: MachineMap, address: int) -> EntryValue | None:
    """Return the entry that contains an address, or None."""
    return next((entry for entry in space.entries() if entry.start <= address < entry.end), None)


def object_at(task: Task, address: int) -> tuple[Entry, TaskObject] | None:
    """Return the entry that contains an address, and its object; None without an entry or an object of pages."""
    entry = task.space.vm_map.peek(address)
    target = None if entry is None or address < entry.start else entry.object
    return None if entry is None or not isinstance(target, TaskObject) else (entry, target)


def is_shared(task: Task, address: int) -> bool:
    """Return whether other tasks see writes through the entry at `address`, or their writes are seen through it."""
    found = object_at(task, address)
    return found is not None and found[1].shared and not found[0].flags & NEEDS_COPY


def edited(part: SpacePart) -> bool:
    """Return whether a task or a domain has descriptors that were edited by hand and still have their new values."""
    return any(edit.space == part.space_name for edit in part.machine.standing_edits)


EDITED = "descriptors of this {} are edited by hand: what the kernel does for it counts; undo that"
"""The sentence about edited descriptors, for a task and for a domain."""


def pages(size: int) -> str:
    """Return a size in pages.

    >>> pages(8192), pages(4096)
    ('2 pages', '1 page')
    """
    count, rest = divmod(size, PAGE)
    return binary_size(size) if rest else f"{count:,} page{'' if count == 1 else 's'}"


def listed(words: Sequence[object]) -> str:
    """Return words or numbers as a list in a sentence.

    >>> listed([3, 1, 2]), listed(["3–5"]), listed([])
    ('3, 1 and 2', '3–5', 'none')
    """
    return units.listed([*map(str, words)]) or "none"


def addresses(values: Iterable[int]) -> str:
    """Return addresses, marked as code, as a list in a sentence.

    >>> addresses([0x1000, 0x40_0000])
    '`0x1000` and `0x40_0000`'
    """
    return listed([f"`{Address(one)}`" for one in values])


def in_words(entries: Iterable[EntryValue]) -> str:
    """Return ranges in words, shortened if there are many."""
    words = [_one_in_words(entry) for entry in entries]
    more = [f"and {len(words) - MOST_SAID} more"] if len(words) > MOST_SAID else []
    return ", ".join([*words[:MOST_SAID], *more]) or "nothing is mapped"


def _one_in_words(entry: EntryValue) -> str:
    what = "" if entry.object is None else f" {printable(entry.object)}+{entry.offset:#x}"
    return f"{Address(entry.start)} {pages(entry.size)} {entry.protection}{what}"
