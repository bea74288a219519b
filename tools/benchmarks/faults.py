"""Faults of tasks, and forks, as maps and objects grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import vmwidgets as vm

from .measured import Row, spent

PAGE = vm.PAGE


def rows(short: bool) -> Iterator[Row]:
    """Microseconds of processor time a fault, each an operation, and a fork."""
    count, sizes = (10, (4, 8)) if short else (2_000, (100, 1_000, 10_000))
    yield Row("a fault for zeroes", _zeroes(count))
    yield Row("a fault for a page of a file", _file_pages(count))
    yield Row("a copy at the first write", _copies(count, count))
    for size in sizes:
        yield Row(f"a fault in a map of {size:,} entries", _among_entries(min(count, size), size))
        yield Row(f"a fault in an object of {size:,} pages", _among_pages(count, size))
        yield Row(f"a copy of an object of {size:,} pages", _copies(min(count, size), size))
        yield Row(f"a fork with {size:,} pages mapped", 1e6 * spent(_task(size)[1].fork))


def _task(pages: int = 0) -> tuple[vm.Machine, Any, int]:
    """A machine, a task, and the address of so many pages that the task has written."""
    machine = vm.boot(ram="256 MiB", fork="shadow")
    task = machine.task("init")
    start = int(task.mmap(max(1, pages) * PAGE))
    for page in range(pages):
        task.touch(start + page * PAGE, "write")
    return machine, task, start


def _each(touch: Callable[[int], object], addresses: Sequence[int]) -> float:
    """Microseconds of an access to each of the addresses."""

    def every() -> None:
        for address in addresses:
            touch(address)

    return spent(every) / len(addresses) * 1e6


def _writes(task: Any, start: int, count: int) -> float:
    return _each(lambda at: task.touch(at, "write"), range(start, start + count * PAGE, PAGE))


def _zeroes(count: int) -> float:
    task = _task()[1]
    return _writes(task, int(task.mmap(count * PAGE)), count)


def _file_pages(count: int) -> float:
    machine, task, _ = _task()
    addresses: list[int] = []
    for number in range(-(-count // 250)):
        file = machine.file(f"file {number}", bytes(250 * PAGE))
        start = int(task.mmap(250 * PAGE, "r", "shared", file))
        addresses += range(start, start + 250 * PAGE, PAGE)
    return _each(task.touch, addresses[:count])


def _copies(count: int, pages: int) -> float:
    """First writes after a fork; the very first, which makes the shadow, is not counted."""
    _, task, start = _task(pages + 1)
    child = task.fork()
    child.touch(start, "write")
    return _writes(child, start + PAGE, count)


def _among_entries(count: int, entries: int) -> float:
    task = _task()[1]
    starts = [int(task.map.enter(PAGE, object=task.machine.object(f"o{at}"))) for at in range(entries)]
    return _each(lambda at: task.touch(at, "write"), starts[:count])


def _among_pages(count: int, pages: int) -> float:
    """First writes beside pages that the object has."""
    _, task, start = _task(pages)
    end = start + pages * PAGE
    task.mmap(count * PAGE, flags="private fixed", at=end)
    return _writes(task, end, count)
