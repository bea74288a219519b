"""Small lives whose facts are plain: what was done, to what, and how much of it can be told without running them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import vmwidgets as vm

from .lives import one_after_the_other
from .reading import PAGE

START = 0x40_0000
Acts = list[Callable[[], object]]


def of_a_map() -> Iterator[vm.Machine]:
    """Four pages of a task's map, of which the second gets other rights."""
    machine = vm.boot("x86-64", layout="small")
    space: Any = machine.task("init").map
    acts: Acts = [
        lambda: space.enter(4 * PAGE, at=START, fixed=True),
        lambda: space.protect(START + PAGE, size=PAGE, prot="r"),
        lambda: space.advise(START, size=2 * PAGE, advice="random"),
        lambda: space.wire(START + PAGE, size=PAGE),
        lambda: space.lookup(START + PAGE),
        lambda: space.remove(START, size=4 * PAGE),
    ]
    yield from one_after_the_other(machine, acts)


def of_pages() -> Iterator[vm.Machine]:
    """Two pages that are written, read, shared with a child, written again, and sent to swap space."""
    machine: Any = vm.boot("x86-64", layout="small", fork="shadow")
    task = machine.task("init")
    children: list[Any] = []
    acts: Acts = [
        lambda: machine.swap_on(16 * PAGE),
        lambda: task.mmap(4 * PAGE, "rw", at=START),
        lambda: task.write(START, b"x" * 2 * PAGE),
        lambda: task.read(START, 2 * PAGE),
        lambda: children.append(task.fork()),
        lambda: children[0].read(START, 2 * PAGE),
        lambda: task.write(START + PAGE, b"y"),
        lambda: children[0].page_out(START, PAGE),
        lambda: children[0].read(START, 1),
        lambda: children.pop().exit(),
        lambda: task.munmap(START, 2 * PAGE),
        lambda: task.mprotect(START + 2 * PAGE, PAGE, "r"),
        lambda: task.limit("rss", 3 * PAGE),
        lambda: task.read(0x7000_0000, 1),
    ]
    yield from one_after_the_other(machine, acts)


def of_a_task_that_ends() -> Iterator[vm.Machine]:
    """Three pages that only one task has."""
    machine: Any = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    task.mmap(3 * PAGE, "rw", at=START)
    task.write(START, b"x" * 3 * PAGE)
    yield from one_after_the_other(machine, [task.exit])


def of_files() -> Iterator[vm.Machine]:
    """A file of three pages, of which the second is written through a mapping."""
    machine: Any = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    files: list[Any] = []
    acts: Acts = [
        lambda: files.append(machine.file("text", b"t" * 9000)),
        lambda: task.mmap(3 * PAGE, "rw", "shared", files[0], at=START),
        lambda: task.write(START + PAGE, b"new"),
        lambda: task.msync(START, 3 * PAGE),
        lambda: files[0].read(0, 10),
        lambda: files[0].truncate(5000),
        lambda: machine.read_file("film", "64 KiB"),
    ]
    yield from one_after_the_other(machine, acts)


def of_processors() -> Iterator[vm.Machine]:
    """Two processors, of which the second has two translations that the first wants dropped."""
    machine: Any = vm.boot("x86-64", layout="small", cpus=2)
    task = machine.task("init")
    task.mmap(4 * PAGE, "rw", at=START)
    task.write(START, b"x" * 4 * PAGE)
    machine.cpus[0].run(task)
    second = machine.cpus[1]
    acts: Acts = [
        lambda: machine.cpus.set_shootdown("sent"),
        lambda: second.run(task),
        lambda: second.load(START, 2 * PAGE),
        lambda: task.munmap(START, PAGE),
        second.acknowledge,
        second.flush,
    ]
    yield from one_after_the_other(machine, acts)


def of_threads() -> Iterator[vm.Machine]:
    """A thread that sleeps for five ticks, one that is woken, and two that wait for each other's lock."""
    machine: Any = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    first, second = machine.kmem.exec_map, machine.kmem.pipe_map

    def naps() -> Iterator[Any]:
        yield from machine.tsleep("alarm", ticks=5)

    def reads() -> Iterator[Any]:
        yield from machine.tsleep("disk")

    def locks(one: Any, other: Any) -> Iterator[Any]:
        yield from one.lock()
        yield from machine.tsleep("between", ticks=1)
        yield from other.lock()

    acts: Acts = [
        lambda: machine.spawn(naps, name="naps"),
        machine.step,
        lambda: machine.tick(5),
        machine.step,
        lambda: machine.spawn(reads, name="reads"),
        machine.step,
        lambda: machine.wakeup("disk"),
        lambda: machine.kill("reads"),
        lambda: machine.spawn(lambda: locks(first, second), name="left"),
        lambda: machine.spawn(lambda: locks(second, first), name="right"),
        machine.run,
    ]
    yield from one_after_the_other(machine, acts)


def of_kernel_memory() -> Iterator[vm.Machine]:
    """Allocations of three pages, and of addresses that somebody waits for."""
    machine: Any = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    held: list[int] = []
    room = machine.kmem.exec_map.end - machine.kmem.exec_map.start
    acts: Acts = [
        lambda: held.append(machine.kmem_malloc(3 * PAGE)),
        lambda: machine.kmem_free(held.pop(), 3 * PAGE),
        lambda: held.append(machine.kmem_alloc_wait(room, map="exec_map")),
        lambda: machine.spawn(lambda: machine.kmem_alloc_wait(4 * PAGE, map="exec_map"), name="sleeps"),
        machine.step,
        lambda: machine.kmem_free_wakeup(held.pop(), room, map="exec_map"),
        lambda: machine.kmem_suballoc("64 KiB", "inner"),
        lambda: machine.malloc(100),
        lambda: machine.take_pages(10),
        lambda: machine.give_pages(4),
    ]
    yield from one_after_the_other(machine, acts)


def of_a_domain() -> Iterator[vm.Machine]:
    """A frame of four pages that a program maps, changes and unmaps itself; and one that it may only read."""
    machine: Any = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    domain = machine.domain("hello", slots=200)
    made: list[Any] = []
    acts: Acts = [
        lambda: made.append(domain.frame(4 * PAGE)),
        lambda: domain.map(made[0], at=0x5000_0000, flags="rw"),
        lambda: domain.modify_flags(0x5000_0000, 4 * PAGE, "r"),
        lambda: domain.unmap(0x5000_0000, 4 * PAGE),
        lambda: made.append(domain.mint(made[0], "rg")),
        lambda: domain.map(made[1], at=0x6000_0000, flags="rw"),
        lambda: domain.take_slots(5),
        lambda: domain.give_slots(2),
    ]
    yield from one_after_the_other(machine, acts)
