"""Lives in which sentences come that others seldom have: a process's calls with files that go, and ranges of maps."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import vmwidgets as vm

from .reading import PAGE

Acts = list[tuple[int, Callable[[], object]]]


def acted(machine: vm.Machine, acts: Callable[[], Acts], draws: random.Random, times: int) -> Iterator[vm.Machine]:
    """The machine after each operation of so many that were tried, each drawn by its weight."""
    for _ in range(times):
        before, possible = len(machine.journal), acts()
        with suppress(vm.VMError, IndexError):
            draws.choices([act for _, act in possible], [weight for weight, _ in possible])[0]()
        if machine.dead:
            return
        if len(machine.journal) == before + 1 and not machine.journal.last.truncated:
            yield machine


def of_processes(architecture: str, seed: int) -> Iterator[vm.Machine]:
    """Calls of processes in memory that is short: files that are cut and go, pagers, heaps, requests that fail."""
    draws = random.Random(f"processes {architecture} {seed}")
    way = ("shadow", "counted", "eager")[seed % 3]
    machine = vm.boot(architecture, layout="small", ram="4 MiB", cpus=1 + seed % 2, fork=way)
    yield machine
    machine.swap_on(12 * PAGE)
    yield machine
    machine.task("init")
    yield machine
    numbers = machine.pager("numbers", 3 * PAGE, lambda page: bytes([page + 1]))
    yield machine
    machine.costs = vm.Costs()
    yield machine
    places: list[int] = [0x1_0000]
    stops: list[Any] = []

    def acts() -> Acts:
        task = draws.choice(list(machine.tasks.values()) or [machine.task(f"new {len(machine.journal)}")])
        file = draws.choice([*machine.files.values()] or [machine.file("first", b"1" * 9000)])
        size, at = draws.randrange(1, 5) * PAGE, draws.choice(places) + draws.randrange(3) * PAGE
        backing: Any = draws.choice([None, None, file, numbers])
        kind = draws.choice(["private", "shared", "private|populate", "shared|populate"])
        return [
            (3, lambda: places.append(int(task.mmap(size, "rw", kind, backing)))),
            (1, lambda: places.append(int(task.mmap(size, "rw", f"{kind}|fixed", backing, at=at)))),
            (7, lambda: task.write(at, b"w" * draws.choice([1, 3, 5000]))),
            (5, lambda: task.read(at, draws.choice([1, 3, 9000]))),
            (2, lambda: task.touch(at, draws.choice(["read", "write"]))),
            (2, lambda: task.fork() if len(machine.tasks) < 4 else task.exit()),
            (1, task.exec),
            (2, lambda: task.munmap(at, size)),
            (2, lambda: task.brk(task.brk() + draws.randrange(-12_000, 20_000))),
            (1, lambda: task.write(task.brk() - PAGE, b"heap")),
            (2, lambda: task.page_out(at, size)),
            (2, lambda: task.madvise(at, size, draws.choice(["dontneed", "random", "normal", "willneed"]))),
            (1, lambda: task.msync(at, size)),
            (1, lambda: task.mprotect(at, size, draws.choice(["r", "rw"]))),
            (1, lambda: task.limit("rss", draws.choice([None, 3 * PAGE]))),
            (1, lambda: task.map.wire(at, size=PAGE)),
            (1, lambda: task.map.inherit(at, size=size, inherit=draws.choice(["share", "copy", "none"]))),
            (2, lambda: machine.file(draws.choice("abcd"), b"f" * draws.choice([1, 9000, 8192]))),
            (1, lambda: file.read(draws.randrange(5000), draws.choice([1, 6000]))),
            (2, lambda: file.write(draws.randrange(9000), b"n" * draws.choice([1, 5000]))),
            (1, file.sync),
            (1, lambda: file.truncate(draws.choice([1, 5000, 12_345, 8192]))),
            (1, file.vanish if len(machine.files) > 2 else file.sync),
            (1, lambda: machine.read_ahead(draws.choice([0, 1, 3]))),
            (1, lambda: machine.forget_costs() if machine.costs else machine.set_costs(1, 50, 500, 90_000)),
            (1, lambda: machine.kill_when_out_of_memory(draws.choice([True, False]))),
            (1, lambda: stops.append(machine.inject("page_alloc", draws.choice([1, 2, 9]), times=2))),
            (1, lambda: stops.pop().stop()),
            (1, lambda: machine.take_pages(draws.choice([10, max(1, machine.kmem.pages.available - 30)]))),
            (1, lambda: machine.give_pages(None)),
            (1, lambda: setattr(machine, "replacement", draws.choice(["fifo", "lru", lambda pages: pages[0]]))),
        ]

    yield from acted(machine, acts, draws, 150)


def of_ranges(architecture: str, seed: int) -> Iterator[vm.Machine]:
    """A task's map whose ranges are cut, merged, advised and made of large pages."""
    draws = random.Random(f"ranges {architecture} {seed}")
    machine = vm.boot(architecture, layout="small")
    task = machine.task("init")
    yield machine
    machine.object("heap")
    yield machine
    machine.device("screen", 0xF000_0000, 64 * PAGE)
    yield machine
    space: Any = task.map
    large = {"x86-64": 2 << 20, "armv7": 1 << 20}.get(architecture, 2 << 20)

    def acts() -> Acts:
        page = 0x40_0000 + draws.randrange(24) * PAGE
        size, wide = draws.randrange(1, 9) * PAGE, 0x80_0000 + draws.randrange(2) * large
        return [
            (4, lambda: space.enter(size, at=page, fixed=True)),
            (2, lambda: space.enter(size, at=page, object="heap", fixed=True)),
            (2, lambda: space.enter(size, at=page)),
            (1, lambda: space.enter(size, at=page, align=16 * PAGE)),
            (2, lambda: space.enter(large, at=wide, fixed=True)),
            (2, lambda: space.enter(PAGE, at=page, fixed=True, prot=draws.choice(["r", "rw"]))),
            (1, lambda: space.enter(2 * PAGE, object="screen")),
            (2, lambda: space.superpages(wide, size=large)),
            (1, lambda: space.promote(wide, size=large)),
            (1, lambda: task.write(wide, b"w" * 9000)),
            (3, lambda: space.protect(page, size=size, prot=draws.choice(["r", "rw"]))),
            (2, lambda: space.protect(page, size=size, max_prot="r")),
            (2, lambda: space.inherit(page, size=size, inherit=draws.choice(["share", "copy", "none"]))),
            (2, lambda: space.advise(page, size=size, advice=draws.choice(["random", "normal", "sequential"]))),
            (1, lambda: space.wire(page, size=size)),
            (1, lambda: space.unwire(page, size=size)),
            (2, lambda: space.simplify(0x40_0000, size=24 * PAGE)),
            (3, lambda: space.remove(page, size=size)),
            (2, lambda: space.lookup(page)),
            (2, lambda: task.read(page, draws.choice([1, 5000]))),
            (1, lambda: task.write(page, b"w" * draws.choice([1, 5000]))),
            (1, lambda: machine.cpus[0].store(page, b"w")),
            (1, lambda: task.touch(page, "write")),
            (1, lambda: controlled(machine)),
            (1, machine.kentry.reap),
        ]

    yield from acted(machine, acts, draws, 130)


def of_much(architecture: str, seed: int) -> Iterator[vm.Machine]:
    """Operations that make more events than are kept."""
    machine = vm.boot(architecture, layout="small")
    machine.swap_on(2000 * PAGE)
    task: Any = machine.task("init")
    for number in range(900 + seed % 7):
        task.map.enter(PAGE, at=0x100_0000 + 2 * number * PAGE, fixed=True)
    yield from done(machine, task.fork)
    start = int(task.mmap(600 * PAGE))
    for page in range(600):
        task.write(start + page * PAGE, b"w")
    yield from done(machine, lambda: task.page_out(start, 600 * PAGE))
    yield from done(machine, lambda: machine.read_file("film", 1200 * PAGE))


def done(machine: vm.Machine, act: Callable[[], object]) -> Iterator[vm.Machine]:
    """The machine after one operation."""
    act()
    yield machine


def controlled(machine: vm.Machine) -> None:
    """Another setting of the processor, where it has one that walks obey."""
    controls: Any = machine.controls
    for name in ("wp", "nxe"):
        if hasattr(controls, name):
            machine.controls = replace(controls, **{name: not getattr(controls, name)})
            return


def life_of_maps(seed: int) -> Iterator[vm.Machine]:
    """A task's map and the kernel's, with all that can be done to them."""
    machine = vm.boot("x86-64", layout="small")
    draws = random.Random(seed)
    task = machine.task("init", placement=draws.choice([None, "first", "best", "worst", "next"]))
    machine.object("heap")
    first = int(machine.kernel_map.end) - 512 * PAGE
    for _ in range(60):
        yield machine
        space, low = draws.choice([(task.map, 0x40_0000), (machine.kernel_map, first)])
        with suppress(vm.KernelError, vm.Refused):
            done_to(machine, space, low + draws.randrange(200) * PAGE, draws)


def done_to(machine: vm.Machine, space: Any, page: int, draws: random.Random) -> None:
    """Something at a page of a map."""
    size, prot, task = draws.randrange(1, 24) * PAGE, draws.choice(["r", "rw", "rx"]), machine.tasks["init"]
    backed = [entry.start for entry in task.map.entries() if entry.object] or [page]
    place = draws.choice(backed)
    acts: list[tuple[int, Callable[[], object]]] = [
        (5, lambda: space.enter(size, at=page, prot=prot)),
        (3, lambda: space.enter(size, prot="rw")),
        (4, lambda: space.enter(size, at=page, fixed=True, prot="rw")),
        (1, lambda: space.enter(size, prot="rw", nomerge=True)),
        (2, lambda: task.map.enter(size, at=page, object="heap")),
        (6, lambda: space.remove(page, size=size)),
        (3, lambda: space.lookup(page)),
        (3, lambda: space.protect(page, size=size, prot=prot)),
        (2, lambda: task.write(place, b"hello")),
        (2, lambda: task.read(place, 3)),
        (1, machine.kentry.reap),
    ]
    draws.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()
