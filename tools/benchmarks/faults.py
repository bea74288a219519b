"""Faults of tasks, and forks: zeroes, a file's pages, copies at the first write; as maps and objects grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

import vmwidgets as vm

from .table import table

PAGE = vm.PAGE
COUNT = 2_000
SIZES = (100, 1_000, 10_000)
RAM = "256 MiB"


def measure(count: int = COUNT, sizes: Sequence[int] = SIZES) -> str:
    """All three tables."""
    kinds = {"zeroes": zeroes, "a file's pages": file_pages, "copies at the first write": copies}
    seconds = [fault(count) / count for fault in kinds.values()]
    rows = [["faults a second", *(f"{1 / one:,.0f}" for one in seconds)]]
    growth = [
        ["in a map of so many entries", *(f"{among_entries(size) / COUNT * 1e6:.0f}" for size in sizes)],
        ["in an object of so many pages", *(f"{among_pages(size) / COUNT * 1e6:.0f}" for size in sizes)],
        ["a copy, of an object of so many pages", *(f"{among_copies(size) / COUNT * 1e6:.0f}" for size in sizes)],
    ]
    forks = [["seconds", *(f"{fork(size):.3f}" for size in sizes)]]
    heads = ["", *(f"{size:,}" for size in sizes)]
    return "\n\n".join([
        table(f"{count:,} faults of each kind, one operation each", ["", *kinds], rows),
        table("Microseconds a fault", heads, growth),
        table("A fork of a task with so many pages mapped", heads, forks),
    ])  # fmt: skip


def _task(pages: int = 0) -> tuple[Any, Any, int]:
    """A machine, a task, and where so many pages of it are that were written."""
    machine = vm.boot(ram=RAM, fork="shadow")
    task = machine.task("init")
    start = int(task.mmap(max(1, pages) * PAGE))
    for page in range(pages):
        task.touch(start + page * PAGE, "write")
    return machine, task, start


def _timed(touch: Callable[[int], Any], addresses: Sequence[int]) -> float:
    begun = process_time()
    for address in addresses:
        touch(address)
    return process_time() - begun


def zeroes(count: int) -> float:
    """Seconds for first writes."""
    task = _task()[1]
    start = int(task.mmap(count * PAGE))
    return _timed(lambda at: task.touch(at, "write"), range(start, start + count * PAGE, PAGE))


def file_pages(count: int) -> float:
    """Seconds for first reads of a file's pages, which are read in."""
    machine, task, _ = _task()
    addresses: list[int] = []
    for number in range(-(-count // 250)):
        file = machine.file(f"file {number}", bytes(250 * PAGE))
        start = int(task.mmap(250 * PAGE, "r", "shared", file))
        addresses += range(start, start + 250 * PAGE, PAGE)
    return _timed(task.touch, addresses[:count])


def copies(count: int) -> float:
    """Seconds for first writes after a fork."""
    _, task, start = _task(count)
    child = task.fork()
    return _timed(lambda at: child.touch(at, "write"), range(start, start + count * PAGE, PAGE))


def among_entries(entries: int) -> float:
    """Seconds for first writes in some of so many entries."""
    task = _task()[1]
    starts = [int(task.map.enter(PAGE, object=task.machine.object(f"o{at}"))) for at in range(entries)]
    chosen = starts[: min(COUNT, entries)]
    return _timed(lambda at: task.touch(at, "write"), chosen) * COUNT / len(chosen)


def among_pages(pages: int) -> float:
    """Seconds for first writes in an object that has so many pages already."""
    _, task, start = _task(pages)
    end = start + pages * PAGE
    task.mmap(COUNT * PAGE, flags="private fixed", at=end)
    return _timed(lambda at: task.touch(at, "write"), range(end, end + COUNT * PAGE, PAGE))


def among_copies(pages: int) -> float:
    """Seconds for first writes after the fork of a task with so many pages."""
    _, task, start = _task(pages)
    child = task.fork()
    count = min(COUNT, pages)
    child.touch(start, "write")  # the first one makes the shadow
    begun = _timed(lambda at: child.touch(at, "write"), range(start + PAGE, start + count * PAGE, PAGE))
    return begun * COUNT / max(1, count - 1)


def fork(pages: int) -> float:
    """Seconds for one fork."""
    task = _task(pages)[1]
    begun = process_time()
    task.fork()
    return process_time() - begun
