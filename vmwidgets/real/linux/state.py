"""The mappings of a machine's task, and which of its pages are in memory, as Linux would list them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ...engine.base.journal import Operation
from ...engine.base.units import PAGE, PAGE_SHIFT
from ...engine.kernel.tasks.vm_object import TaskObject
from ...engine.machine.system import System
from ...engine.mmu.tables_schema import FaultRaised

MOST_RANGE = 2 << 20
"""The largest range whose pages are compared, in bytes: in larger ranges, huge pages complicate the comparison."""

Span = tuple[int, int, str]
"""A mapped range: its start, end and rights, such as "rw-p"."""


def spans_of(system: System, task: str) -> Iterator[Span]:
    """Yield the mapped ranges of a task; neighbours with the same rights are one span."""
    found: list[Span] = []
    for entry in system.machine.tasks[task].map:
        letters = str(entry.protection) + ("s" if entry.inheritance == "share" else "p")
        add(found, int(entry.start), int(entry.end), letters)
    yield from found


def add(found: list[Span], start: int, end: int, letters: str) -> None:
    """Append a mapping above all earlier mappings, and join equal neighbours."""
    if found and found[-1][1] == start and found[-1][2] == letters:
        start = found.pop()[0]
    found.append((start, end, letters))


def pages_of(system: System, task: str) -> Iterator[tuple[int, str]]:
    """Yield each of the task's ranges of private anonymous memory: its start, and a letter for each page.

    The letters: "." not in memory, "x" mapped only here, "s" also mapped by others.  O(pages mapped in all tasks).
    """
    users: Counter[int] = Counter()
    frames: dict[int, int] = {}
    for name, space in system.tasks.items():
        for va, size, first, _ in space.pmap.mapped():
            for page in range(size >> PAGE_SHIFT):
                users[first + page] += 1
                if name == task:
                    frames[va + (page << PAGE_SHIFT)] = first + page
    for start, end in private_of(system, task):
        seen = (frames.get(page) for page in range(start, end, PAGE))
        yield start, "".join("." if frame is None else "x" if users[frame] == 1 else "s" for frame in seen)


def private_of(system: System, task: str) -> list[tuple[int, int]]:
    """Return the task's ranges of private anonymous memory that may be read, without ranges that are too large.

    Ranges without the right to read are left out: their effect depends on the processor and its protection keys.  A
    range without any access keeps its pages in Linux's tables, but not in X15's.
    """
    handles = {int(one.start): one for one in system.machine.tasks[task].map}
    found: list[tuple[int, int]] = []
    for entry in system.tasks[task].vm_map:
        one = handles[entry.start]
        is_private = isinstance(entry.object, TaskObject) and one.inheritance != "share"
        is_private = is_private and not file_of(system, entry)
        if is_private and "r" in str(one.protection) and entry.end - entry.start <= MOST_RANGE:
            found.append((int(entry.start), int(entry.end)))
    return found


def file_of(system: System, entry: Any) -> str:
    """Return the name of the file or object of an entry; "" for anonymous memory."""
    target = entry.object
    last = target.last_of_chain.name.removeprefix("file ") if isinstance(target, TaskObject) else ""
    return last if last in system.files or last in system.objects else ""


def faults_of(then: Operation, starts: list[int], ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield, for each page of an access in one of the ranges, the number of its faults."""
    raised = Counter(one[1] & -PAGE for one in then.raw if one[0] == FaultRaised.tag)
    for start in starts:
        page = start & -PAGE
        if any(low <= page < high for low, high in ranges):
            yield page, raised[page]


def pieces(at: int, count: int) -> list[tuple[int, int]]:
    """Return a range cut at page boundaries: address and length of each piece.

    >>> pieces(4090, 10)
    [(4090, 6), (4096, 4)]
    """
    borders = [at, *range((at // PAGE + 1) * PAGE, at + count, PAGE), at + count]
    return [(start, end - start) for start, end in pairwise(borders)]
