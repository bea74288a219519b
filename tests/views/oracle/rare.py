"""Lives of what chance hardly makes: each sentence that other lives seldom have comes in one of these."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.mmu.formats import FORMATS

from .lives import one_after_the_other
from .reading import PAGE

Acts = list[Callable[[], object]]


def rare(architecture: str, seed: int) -> Iterator[vm.Machine]:
    """All of them, with sizes that are drawn."""
    draws = random.Random(f"rare {architecture} {seed}")
    for life in (of_handlers, of_kernel_memory, of_waits, of_ranges, of_forks, of_killed, of_processors, of_orders,
                 of_files, of_heaps, of_flushes, of_full_maps):  # fmt: skip
        yield from life(architecture, draws)
    if architecture in ("armv7", "x86-64"):
        yield from of_domains(architecture, draws)


def of_handlers(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Handlers that return and that fail, while memory is short; files whose pages are cached and used again."""
    machine: Any = vm.boot(architecture, layout="tiny", ram="4 MiB")
    kept: list[int] = []

    def returns() -> None:
        if kept:
            machine.free(kept.pop())

    def fails() -> None:
        raise ValueError("it is out")

    many = draws.randrange(20, 60)
    machine.read_file("film", many * PAGE)
    acts: Acts = [
        lambda: machine.on_lowmem(returns),
        lambda: kept.append(machine.malloc(100, vm.M_NOWAIT)),
        lambda: machine.take_pages(machine.kmem.pages.available - 10),
        lambda: machine.kmem_malloc(8 * PAGE, vm.M_NOWAIT),
        lambda: machine.kmem_malloc(64 * PAGE, vm.M_NOWAIT),
        machine.run,
        lambda: machine.tick(30),
        machine.run,
        lambda: machine.give_pages(12),
        lambda: machine.read_file("film", many * PAGE),
        lambda: machine.kmem_malloc(8 * PAGE),
        lambda: machine.on_lowmem(fails),
        lambda: machine.kmem_malloc(64 * PAGE, vm.M_NOWAIT),
        machine.run,
    ]
    yield from one_after_the_other(machine, acts)


def of_kernel_memory(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Allocations that are cut, joined and given back in other ways; what is not there is freed."""
    machine: Any = vm.boot(architecture, layout="tiny", ram="8 MiB")
    size = draws.randrange(6, 12) * PAGE
    taken: list[int] = []
    large: list[int] = []

    def take(name: str) -> None:
        taken.append(machine.kmem_alloc_wait(size, map=name))

    acts: Acts = [
        lambda: take("exec_map"),
        lambda: take("exec_map"),
        lambda: machine.unchecked.kmem_free_wakeup(machine.kmem.exec_map, taken[1] + PAGE, PAGE),
        lambda: machine.unchecked.kmem_free_wakeup(machine.kmem.exec_map, taken[1] + PAGE, PAGE),
        lambda: machine.unchecked.kmem_free(machine.kmem.exec_map, taken[1] + 3 * PAGE, PAGE),
        lambda: machine.kmem_free_wakeup(taken[0], size, map="exec_map"),
        lambda: large.append(machine.malloc(draws.randrange(3, 9) * PAGE, vm.M_NOWAIT)),
        lambda: machine.free(large.pop()),
        lambda: large.append(machine.kmem_malloc(3 * PAGE, vm.M_NOWAIT)),
        lambda: large.append(machine.kmem_malloc(PAGE, vm.M_NOWAIT)),
        lambda: large.append(machine.kmem_malloc(2 * PAGE, vm.M_NOWAIT)),
        lambda: machine.kmem_free(large[1], PAGE),
        lambda: machine.kmem_malloc(PAGE, vm.M_NOWAIT),
        lambda: machine.kmem_free(large[0], 3 * PAGE),
        lambda: machine.kmem_malloc(3 * PAGE, vm.M_NOWAIT),
        machine.uma_reclaim,
        lambda: machine.unchecked.kmem_suballoc(machine.kmem.exec_map, "64 MiB", "inner"),
        lambda: machine.unchecked.kmem_alloc_wait(machine.kmem.exec_map, 2 * PAGE),
        lambda: machine.unchecked.kmem_malloc(machine.kmem.kmem_map, "64 MiB", vm.M_NOWAIT),
    ]
    yield from one_after_the_other(machine, acts)


def of_waits(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """The cell waits for pages and for room, which threads give back."""
    machine: Any = vm.boot(architecture, layout="tiny", ram="4 MiB")
    held: list[int] = []

    def gives_room() -> Iterator[Any]:
        address = yield from machine.kmem_alloc_wait(6 * PAGE, map="pipe_map")
        yield from machine.tsleep("a while", ticks=draws.randrange(1, 5))
        yield from machine.kmem_free_wakeup(address, 6 * PAGE, map="pipe_map")

    acts: Acts = [
        lambda: machine.spawn(gives_room),
        machine.step,
        lambda: machine.kmem_alloc_wait(5 * PAGE, map="pipe_map"),
        lambda: machine.read_file("film", 40 * PAGE),
        lambda: machine.take_pages(machine.kmem.pages.available - 6),
        lambda: held.append(machine.kmem_malloc(4 * PAGE)),
        lambda: machine.malloc(2 * PAGE),
        lambda: machine.tick(3),
    ]
    room = machine.kmem.exec_map.end - machine.kmem.exec_map.start
    acts += [lambda: held.append(machine.kmem_alloc_wait(6 * PAGE, map="exec_map"))]
    acts += [partial(machine.spawn, lambda: machine.kmem_alloc_wait(room - 4 * PAGE, map="exec_map")), machine.step]
    acts += [lambda: machine.kmem_free_wakeup(held[-1], 6 * PAGE, map="exec_map"), machine.run]
    for _ in range(3):
        acts.append(lambda: machine.spawn(lambda: machine.kmem_alloc_wait(5 * PAGE, map="pipe_map")))
    acts += [lambda: machine.spawn(gives_room), machine.run]
    yield from one_after_the_other(machine, acts)


def of_ranges(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Neighbours that merge on both sides, that are simplified, and that are not."""
    machine: Any = vm.boot(architecture, layout="small")
    space = machine.task("init").map
    first, size = 0x40_0000, draws.randrange(1, 5) * PAGE
    step = 4 * size
    acts: Acts = []
    for at in range(first, first + 4 * step, step):
        acts += [
            partial(space.enter, size, at=at, fixed=True),
            partial(space.enter, size, at=at + 2 * size, fixed=True),
            partial(space.enter, size, at=at + size, fixed=True),
            partial(space.wire, at, size=PAGE),
            partial(space.unwire, at, size=PAGE),
            partial(space.simplify, at, size=3 * size),
            partial(space.protect, at, size=size, prot="r"),
            partial(space.advise, at, size=size, advice="random"),
            partial(space.enter, size, at=at + 3 * size, align=64 * PAGE),
        ]
    acts += [
        lambda: space.enter(size, prot="rw", nomerge=True),
        lambda: space.remove(first, size=8 * step),
        lambda: space.enter(2 * size, at=first),
        lambda: machine.kernel_map.enter("512 KiB"),
        lambda: machine.kernel_map.enter(PAGE, nomerge=True),
    ]
    yield from one_after_the_other(machine, acts)
    space = machine.kernel_map
    start = int([*space.entries()][-1].end)
    holes: Acts = [partial(space.enter, PAGE, at=start + 2 * at * PAGE, nomerge=True) for at in range(60)]
    holes += [lambda: space.enter(2 * PAGE), lambda: space.enter(PAGE), lambda: space.remove(start, size=80 * PAGE)]
    holes += [lambda: space.enter("8 MiB"), machine.kentry.reap]
    yield from one_after_the_other(machine, holes)


def of_forks(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Writes to pages that several children have, from one object and from several."""
    machine: Any = vm.boot(architecture, layout="small")
    machine.swap_on(32 * PAGE)
    task = machine.task("init")
    file = machine.file("text", b"t" * 5 * PAGE)
    start = int(task.mmap(4 * PAGE))
    text = int(task.mmap(3 * PAGE, "rw", "private|fixed", file, at=start + 4 * PAGE))
    task.write(start, b"x" * 4 * PAGE)
    children: list[Any] = []
    acts: Acts = [
        lambda: children.append(task.fork()),
        lambda: children.append(task.fork()),
        lambda: [child.read(start, 1) for child in children] and task.write(start, b"y" * draws.choice([1, 5000])),
        lambda: children[0].read(start, 4 * PAGE),
        lambda: children[1].read(start, 4 * PAGE),
        lambda: task.write(start + PAGE, b"z"),
        lambda: task.read(text, 9000),
        lambda: task.write(text - PAGE, b"both" * 1500),
        lambda: children[0].write(text - PAGE, b"both" * 1500),
        lambda: children[0].page_out(start, 4 * PAGE),
        lambda: children[0].fork(None),
        lambda: children.pop(0).exit(),
        lambda: children.pop(0).exit(),
        lambda: task.write(start + 2 * PAGE, b"own"),
        task.exec,
    ]
    yield from one_after_the_other(machine, acts)


def of_killed(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Memory that runs out, so that a task is killed: another one, or the one that asked."""
    for grows in (False, True):
        machine: Any = vm.boot(architecture, layout="small", ram="4 MiB")
        machine.kill_when_out_of_memory(True)
        large, small = machine.task("large"), machine.task("small")
        at, place = int(large.mmap("2 MiB")), int(small.mmap("2 MiB"))
        large.write(at, bytes(draws.randrange(8, 16) * PAGE))
        small.write(place, bytes(3 * PAGE))
        machine.take_pages(machine.kmem.pages.available - 1)
        one, where = (large, at + 100 * PAGE) if grows else (small, place + 10 * PAGE)
        acts: Acts = [partial(one.write, where + page * PAGE, b"w") for page in range(8)]
        yield from one_after_the_other(machine, acts)


def of_processors(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Processors that are used by hand, and are asked for flushes in one way and another."""
    machine: Any = vm.boot(architecture, layout="small", cpus=2)
    task, other = machine.task("init"), machine.task("other")
    start = int(task.mmap(8 * PAGE))
    task.write(start, b"x" * 8 * PAGE)
    cpus = machine.cpus
    acts: Acts = [lambda: cpus[0].run(task), lambda: cpus[1].run(task)]
    for mode in ("sent", "forgotten", "acknowledged", "sent"):
        page = start + draws.randrange(6) * PAGE
        acts += [
            partial(cpus.set_shootdown, mode),
            partial(cpus[1].load, page, 3),
            partial(cpus[1].store, page, b"w"),
            partial(cpus[1].load, page + PAGE - 2, 4),
            partial(task.mprotect, page, PAGE, "r"),
            partial(task.mprotect, page, PAGE, "rw"),
            cpus[1].acknowledge,
            lambda: cpus[1].run(other),
            lambda: cpus[1].run(task),
            cpus[1].flush,
        ]
    acts += [
        partial(cpus.set_calls_on, 1),
        partial(task.munmap, start + 7 * PAGE, PAGE),
        partial(cpus.set_calls_on, None),
    ]
    acts += [lambda: task.read(start, 1), lambda: task.write(start + PAGE - 1, b"ab"), lambda: task.munmap(start, PAGE)]
    yield from one_after_the_other(machine, acts)


def of_orders(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Pages that policies age, put behind others, and give other places."""
    for policy in ("clock", "second chance", "aging", "lru", "nru"):
        machine: Any = vm.boot(architecture, layout="small")
        machine.swap_on(64 * PAGE)
        machine.replacement = policy
        task = machine.task("init")
        task.limit("rss", draws.randrange(4, 8) * PAGE)
        start = int(task.mmap(20 * PAGE))
        acts: Acts = []
        for _ in range(14):
            page = start + draws.randrange(20) * PAGE
            acts += [partial(task.write, page, b"w"), partial(task.read, page, 1)]
            acts += [machine.tick] if draws.random() < 0.4 else []
        acts += [
            partial(task.munmap, start + 2 * PAGE, 4 * PAGE),
            partial(task.write, start + 12 * PAGE, b"w" * 5 * PAGE),
        ]
        yield from one_after_the_other(machine, acts)


def of_files(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Files that are there already, that are cut, written back, and fail to be read."""
    machine: Any = vm.boot(architecture, layout="small")
    task = machine.task("init")
    content = b"f" * draws.choice([3000, 9000, 20_000])
    file = machine.file("first", content)
    start = int(task.mmap(6 * PAGE, "rw", "shared", file))
    acts: Acts = [
        lambda: machine.file("first"),
        lambda: task.write(start, b"dirty"),
        lambda: task.msync(start, 6 * PAGE),
        lambda: task.madvise(start, 2 * PAGE, "dontneed"),
        lambda: task.write(start, b"dirty"),
        lambda: file.truncate(1),
        lambda: task.read(start + PAGE, 1),
        lambda: machine.inject("pager_read", 1, times=1),
        lambda: machine.file("second", content).read(0, 10),
        file.vanish,
    ]
    yield from one_after_the_other(machine, acts)


def of_heaps(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Heaps that shrink, with pages in memory and in swap space."""
    machine: Any = vm.boot(architecture, layout="small")
    machine.swap_on(32 * PAGE)
    task = machine.task("init")
    end = task.brk()
    pages = draws.randrange(3, 7)
    acts: Acts = [
        lambda: task.brk(end + pages * PAGE),
        lambda: task.write(end, b"h" * (pages - 1) * PAGE),
        lambda: task.page_out(end & -PAGE, 2 * PAGE),
        lambda: task.brk(end + PAGE),
        lambda: task.page_out(end & -PAGE, 2 * PAGE),
        lambda: task.brk(end),
        lambda: task.brk(end + 4 * PAGE),
        lambda: task.write(end + 2 * PAGE, b"h"),
        lambda: task.page_out(end & -PAGE, 4 * PAGE),
        lambda: task.brk(end),
        lambda: task.brk(end),
    ]
    yield from one_after_the_other(machine, acts)


def of_flushes(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """More address spaces than a processor has numbers for, so that these begin again."""
    machine: Any = vm.boot(architecture, layout="small", cpus=2, asids=bool(FORMATS[architecture].asid_bits))
    task = machine.task("init")
    start = int(task.mmap(2 * PAGE))
    acts: Acts = [lambda: task.write(start, b"x"), lambda: task.read(start, 2)]
    for number in range(draws.randrange(2, 5)):
        acts += [partial(machine.task, f"other {number}"), lambda: task.read(start, 2)]
    acts += [lambda: task.munmap(start, PAGE), task.exit]
    yield from one_after_the_other(machine, acts)


def of_full_maps(architecture: str, _draws: random.Random) -> Iterator[vm.Machine]:
    """The map that malloc takes from is full."""
    machine: Any = vm.boot(architecture, layout="tiny", ram="8 MiB")
    room = machine.kmem.kmem_map.end - machine.kmem.kmem_map.start
    acts: Acts = [partial(machine.malloc, 2000, vm.M_NOWAIT) for _ in range(3)]
    acts += [partial(machine.kmem_malloc, room // 4, vm.M_NOWAIT) for _ in range(5)]
    acts += [partial(machine.kmem_malloc, room // 16, vm.M_NOWAIT) for _ in range(5)]
    yield from one_after_the_other(machine, acts)


def of_domains(architecture: str, draws: random.Random) -> Iterator[vm.Machine]:
    """Calls of a domain that the kernel refuses, and memory that it does not have."""
    for slots in (draws.randrange(9, 16), 200):
        machine: Any = vm.boot(architecture, layout="tiny", ram="8 MiB")
        domain = machine.domain("hello", slots=slots)
        frame, thing = domain.frame(4 * PAGE), domain.memobj("one frame", 4 * PAGE)
        acts: Acts = [
            partial(thing.fill, frame, 0),
            partial(thing.unfill, 0),
            partial(domain.frame, "64 MiB"),
            partial(machine.take_pages, machine.kmem.pages.available - draws.choice([0, 1, 2])),
            domain.frame,
            partial(domain.map, frame, at=0x7000_0000),
            partial(machine.give_pages, 40),
            partial(domain.map, frame),
        ]
        yield from one_after_the_other(machine, acts)
