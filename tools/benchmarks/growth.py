"""Operations beside much that they don't touch: none may cost more for it.  Each at two sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

import vmwidgets as vm

from .table import ratio, table, verdict

PAGE = vm.PAGE
ALLOWED = 1.5
"""How many times as long an operation may take beside a hundred times as much, for caches that are full by then."""

ROUNDS = 40

Operation = Callable[[], object]


def slabs(size: int) -> Operation:
    """A protection changed in the kernel map, beside slabs of kernel memory that hold a task's entries."""
    machine = vm.boot("x86-64", ram="64 MiB", layout="x15-64")
    space = machine.task("init").map
    for number in range(20 * size):
        space.enter(PAGE, at=(2 * number + 16) * PAGE, fixed=True, nomerge=True)
    start = machine.kernel_map.enter("64 KiB")

    def change() -> None:
        machine.kernel_map.protect(start, size=PAGE, prot="r")
        machine.kernel_map.protect(start, size=PAGE, prot="rw")

    return change


def sleepers(size: int) -> Operation:
    """64 pages of kernel memory got and freed, beside threads that sleep."""
    machine: Any = vm.boot("x86-64", ram="64 MiB")

    def naps() -> Iterator[object]:
        yield from machine.tsleep("nap")

    for _ in range(size):
        machine.spawn(naps)
    machine.run()
    return lambda: machine.kmem_free(machine.kmem_malloc(64 * PAGE), 64 * PAGE)


def shared_pages(size: int) -> Operation:
    """A page of a domain mapped in an empty table, beside tables of 1 KiB that share pages."""
    domain = vm.boot("armv7", ram="64 MiB").domain("full", slots=16_384)
    frame = domain.frame()
    for number in range(size):
        domain.map(frame, at=(number + 512) << 20)
    places = iter(range(size + 512, 2_048))
    return lambda: domain.map(frame, at=next(places) << 20)


def tables(size: int) -> Operation:
    """A page of a task entered and removed, beside page tables of the task."""
    machine = vm.boot("x86-64", ram="64 MiB")
    task, film = machine.task("init"), machine.object("film")
    space = task.map
    for number in range(size):
        start = space.enter(PAGE, at=(number + 16) << 21, fixed=True, object=film, nomerge=True)
        task.write(start, b"x")

    def page_and_back() -> None:
        start = space.enter(PAGE, at=PAGE, fixed=True, object=film)
        task.read(start)
        space.remove(start, size=PAGE)

    return page_and_back


def spaces(size: int) -> Operation:
    """A byte of a task's memory written, beside other tasks."""
    machine = vm.boot("x86-64", ram="64 MiB")
    for number in range(size):
        machine.task(f"task {number}")
    last = machine.task("last")
    start = last.map.enter(PAGE, object=machine.object("film"))
    return lambda: last.write(start, b"x")


def regions(size: int) -> Operation:
    """A page of a domain mapped where there is room and unmapped, beside its regions."""
    domain = vm.boot("armv7", ram="64 MiB").domain("full", slots=65_536)
    frame = domain.frame()
    for _ in range(10 * size):
        domain.map(frame)
    return lambda: domain.unmap(domain.map(frame), PAGE)


def faults(size: int) -> Operation:
    """A page of kernel memory written for the first time, in an entry of so many pages whose rights were changed."""
    machine = vm.boot("x86-64", ram="256 MiB", layout="x15-64")
    wide = machine.kmem_suballoc(5 * SIZES[-1] * PAGE, "wide")
    length = 5 * size * PAGE
    start = machine.kmem_alloc_wait(length, map="wide")
    wide.protect(start, size=length, prot="rw")
    pages = iter(range(start, start + length, PAGE))
    return lambda: machine.write(next(pages), b"x")


def mappings(size: int) -> Operation:
    """A page mapped where there is room and unmapped, beside mappings of the task."""
    task = vm.boot("x86-64", ram="64 MiB").task("init")
    for number in range(size):
        task.mmap(PAGE, "r" if number % 2 else "rw")
    return lambda: task.munmap(task.mmap(PAGE), PAGE)


def local_pages(size: int) -> Operation:
    """A page of a task written for the first time, where pages are replaced by task, beside other tasks."""
    machine = vm.boot("x86-64", ram="64 MiB")
    machine.replacement = vm.Replacement("lru", local=True)
    for number in range(size):
        other = machine.task(f"task {number}")
        other.write(other.mmap(PAGE), b"x")
    last = machine.task("last")
    pages = iter(range(start := last.mmap(64 * PAGE), start + 64 * PAGE, PAGE))
    return lambda: last.write(next(pages), b"x")


def wired_pages(size: int) -> Operation:
    """A page of a task that takes the place of another, beside wired pages of the task."""
    machine = vm.boot("x86-64", ram="64 MiB")
    machine.swap_on("8 MiB")
    task = machine.task("init")
    task.limit("rss", (size + 4) * PAGE)
    task.map.wire(task.mmap(size * PAGE), size=size * PAGE)
    pages = iter(range(start := task.mmap(64 * PAGE), start + 64 * PAGE, PAGE))
    for page in (next(pages) for _ in range(8)):
        task.write(page, b"x")
    return lambda: task.write(next(pages), b"x")


PLACES: tuple[Callable[[int], Operation], ...] = (
    slabs, sleepers, shared_pages, tables, spaces, regions, faults, mappings, local_pages, wired_pages,
)  # fmt: skip  # in the order of the table
SIZES = (4, 400)


def best(operation: Operation, rounds: int) -> float:
    """Microseconds of the fastest of many."""
    found = float("inf")
    for _ in range(rounds):
        begun = process_time()
        operation()
        found = min(found, process_time() - begun)
    return found * 1e6


def report(quick: bool, sizes: tuple[int, int] = SIZES) -> str:
    """The table."""
    rows = []
    for place in PLACES:
        few, many = (best(place(size), 10 if quick else ROUNDS if place is not faults else 20) for size in sizes)
        said = (place.__doc__ or "").rstrip(".")
        rows.append([said, f"{few:.1f}", f"{many:.1f}", ratio(many / few), verdict(many / few <= ALLOWED)])
    header = ["microseconds", *(f"{size:,}" for size in sizes), "ratio", f"aim: {ALLOWED}"]
    return table("What is not touched costs nothing", header, rows)
