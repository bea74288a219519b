"""Random lives of machines, the same for the same seed: operations of every kind, threads and handlers in some."""

from __future__ import annotations

import random
import warnings
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any

import vmwidgets as vm
from tests.engine.machine.random_door import Walker
from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.machine import Machine

ARCHITECTURES = ("x86-64", "armv7", "aarch64", "riscv-sv39")


def operations_life(architecture: str, seed: int, until: int) -> Machine:
    """Operations of all parts with arguments that make sense or not, until so many are recorded or the machine dies."""
    walker = Walker(architecture, seed)
    machine: Machine = walker.machine
    for number in range(1, 40 * until):
        if len(machine.journal) > until:
            break
        walker.step()
        if number % 20 == 0 and walker.machine is machine and not machine.dead:
            walker.undo_edits()
        if walker.machine is not machine:
            break
    return machine


class ThreadsLife:
    """A machine in which threads allocate, sleep, hold locks and fail, and handlers give memory back."""

    def __init__(self, architecture: str, seed: int) -> None:
        self.chance = random.Random(f"threads {architecture} {seed}")
        self.machine: Any = vm.boot(architecture, layout="tiny", ram="8 MiB", seed=seed % 3)
        self.taken: list[int] = []
        self.spare: list[int] = []

    def live(self, until: int) -> Machine:
        """Do random things until so many operations are recorded."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while len(self.machine.journal) <= until and not self.machine.dead:
                with suppress(VMError):
                    self.chance.choice(self.things())()
        machine: Machine = self.machine
        return machine

    def things(self) -> list[Any]:
        """What can be done next."""
        m, chance = self.machine, self.chance
        size = chance.choice((1, 2, 5)) * vm.PAGE
        return [
            lambda: self.taken.append(m.kmem_malloc(size, "M_NOWAIT") or m.kmem.kmem_map.start),
            lambda: m.kmem_free(self.taken.pop(chance.randrange(len(self.taken))), size) if self.taken else None,
            lambda: m.spawn(self.allocates, size, chance.randrange(4)),
            lambda: m.spawn(self.locks, chance.sample(["exec_map", "pipe_map"], 2)),
            lambda: m.spawn(self.waits, chance.choice(("a", "b")), chance.choice((0, 3))),
            lambda: m.run(steps=chance.randrange(1, 6)),
            m.step,
            lambda: m.tick(chance.randrange(1, 8)),
            lambda: m.wakeup(chance.choice(("a", "b"))),
            lambda: m.take_pages(chance.choice((1, 20, 300))),
            lambda: m.give_pages(chance.choice((None, 10))),
            lambda: m.on_lowmem(self.gives_back) if len(m.system.kernel.kmem.kmem.lowmem_handlers) < 2 else None,
            lambda: m.kill(chance.choice([one.name for one in m.threads])),
            lambda: m.kernel_map.enter(size),
            lambda: m.kernel_map.remove(m.kernel_map.start + chance.randrange(4000) * vm.PAGE, size=size),
            lambda: m.write(chance.choice(self.taken), b"x") if self.taken else None,
            self.is_interrupted,
            lambda: m.pagedaemon.stop() if chance.random() < 0.5 else m.pagedaemon.start(),
        ]

    def is_interrupted(self) -> None:
        """A removal that is stopped at one of its safe points, or comes to its end."""
        space = self.machine.task("stopped").map
        for number in range(self.chance.randrange(4, 20)):
            space.enter(vm.PAGE, at=2 * number * vm.PAGE, prot="rw" if number % 2 else "r")
        self.machine.door.stop_at = self.chance.randrange(1, 24)
        with suppress(KeyboardInterrupt):
            space.remove(0, 64 * vm.PAGE)

    def allocates(self, size: int, nap: int) -> Generator[Any, Any, int]:
        """A thread that takes memory, uses it, sleeps, and gives it back or fails."""
        m = self.machine
        address = yield from m.kmem_malloc(size)
        with suppress(vm.KernelError):
            yield from m.write(address, b"data")
        self.spare.append(m.kmem_malloc(vm.PAGE, "M_NOWAIT"))
        if nap:
            yield from m.tsleep("nap", ticks=nap)
        yield from m.kmem_free(address, size)
        if nap == 3:
            raise ValueError("at the end")
        return size

    def locks(self, names: list[str]) -> Iterator[Any]:
        """A thread that takes two locks, in one order or the other."""
        m = self.machine
        first, second = (getattr(m.kmem, name) for name in names)
        yield from first.lock()
        yield from m.tsleep("between", ticks=2)
        yield from second.lock()
        second.unlock()
        first.unlock()

    def waits(self, channel: str, ticks: int) -> Generator[Any, Any, Any]:
        """A thread that waits to be woken."""
        answer = yield from self.machine.tsleep(channel, ticks=ticks)
        return (yield from self.machine.kmem_alloc_wait(vm.PAGE)) if answer else None

    def gives_back(self) -> None:
        """A handler: what is spare goes back."""
        while self.spare:
            self.machine.kmem_free(self.spare.pop(), vm.PAGE)


def threads_life(architecture: str, seed: int, until: int) -> Machine:
    """A life with threads and handlers."""
    return ThreadsLife(architecture, seed).live(until)


LIVES = {"operations": operations_life, "threads": threads_life}
