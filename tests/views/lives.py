"""Machines whose kernel memory is lived in, at random: allocations, zones, sleeping threads, files that fill memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import vmwidgets as vm
from vmwidgets.engine.kernel.map.map_schema import KernelMapValue
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue
from vmwidgets.engine.kernel.x15.kentry_schema import KentryContents
from vmwidgets.engine.memory.pages_schema import FramesValue
from vmwidgets.engine.memory.slabs_schema import CachesValue

PAGE = 4096
WHOLE = 10**6
CHANNELS = ("disk", 'a ("b")', "free pages")
"""What threads sleep on: names that a sentence about them could be mistaken for."""
LOCKED = ("exec_map", "pipe_map")
"""Maps whose lock may be kept."""


class Life:
    """A machine and what its random life holds."""

    def __init__(self, seed: int) -> None:
        self.machine = vm.boot(layout="tiny", ram="4 MiB", seed=seed if seed % 2 else 0)
        self.machine.name = "machine"
        self.draws = random.Random(seed)
        self.pages: list[tuple[int, int]] = []
        self.objects: list[int] = []
        self.threads = 0

    def go_on(self, steps: int) -> Iterator[None]:
        """So many operations, as far as they are not refused at the door; yields after each."""
        for _ in range(steps):
            before = len(self.machine.journal)
            with suppress(vm.VMError):
                self._act(self.draws.random())
            if self.machine.dead:
                return
            if len(self.machine.journal) > before:
                yield

    def _act(self, chance: float) -> None:
        for limit, act in self._acts():
            if chance < limit:
                act()
                return

    def _acts(self) -> list[tuple[float, Callable[[], Any]]]:
        machine, draws = self.machine, self.draws
        return [
            (0.18, self._malloc),
            (0.3, self._alloc),
            (0.4, self._free),
            (0.5, lambda: self.objects.append(machine.malloc(draws.randrange(1, 3000), vm.M_NOWAIT))),
            (0.58, self._free_object),
            (0.61, machine.uma_reclaim),
            (0.67, self._spawn),
            (0.7, self._spawn_sleeper),
            (0.75, machine.step),
            (0.77, machine.run),
            (0.79, lambda: machine.tick(5)),
            (0.81, lambda: machine.wakeup(draws.choice(CHANNELS))),
            (0.83, self._kill),
            (0.86, self._lock),
            (0.92, self._wire_or_protect),
            (0.94, lambda: machine.read_file("data", PAGE * draws.randrange(1, 40))),
            (0.95, lambda: machine.kmem_alloc_nofault(PAGE * draws.randrange(1, 4))),
            (1.01, self._free_exec),
        ]

    def _malloc(self) -> None:
        size = self.draws.randrange(1, 9) * PAGE
        address = self.machine.kmem_malloc(size, self.draws.choice([vm.M_NOWAIT, vm.M_NOWAIT | vm.M_ZERO]))
        if address:
            self.pages.append((address, size))

    def _alloc(self) -> None:
        size = self.draws.randrange(1, 9) * PAGE
        address = self.machine.kmem_alloc(size)
        if address:
            self.pages.append((address, size))

    def _free(self) -> None:
        if self.pages:
            self.machine.kmem_free(*self.pages.pop(self.draws.randrange(len(self.pages))))

    def _free_object(self) -> None:
        if self.objects:
            address = self.objects.pop(self.draws.randrange(len(self.objects)))
            if address:
                self.machine.free(address)

    def _spawn(self) -> None:
        size = self.draws.randrange(1, 12) * PAGE
        self.threads += 1
        self.machine.spawn(lambda: self.machine.kmem_alloc_wait(size), name=f"t{self.threads}")

    def _spawn_sleeper(self) -> None:
        """A thread that sleeps with a map's lock or without, on a channel that others sleep on too."""
        machine: Any = self.machine
        draws = self.draws
        channel, ticks, locked = draws.choice(CHANNELS), draws.choice([0, 0, 3, 12]), draws.choice(["", *LOCKED])
        self.threads += 1

        def sleeper() -> Iterator[Any]:
            if locked:
                yield from machine.kmem.maps[locked].lock()
            yield from machine.tsleep(channel, "nap", ticks)
            if locked:
                machine.kmem.maps[locked].unlock()

        machine.spawn(sleeper, name=f"t{self.threads}")

    def _kill(self) -> None:
        self.machine.kill(self.draws.choice([thread.name for thread in self.machine.threads]))

    def _lock(self) -> None:
        chosen = self.machine.kmem.maps[self.draws.choice(LOCKED)]
        if chosen.locked_by is None:
            chosen.lock()
        else:
            chosen.unlock()

    def _wire_or_protect(self) -> None:
        chosen = self.machine.kmem.maps[self.draws.choice(["exec_map", "kmem_map", "kernel_map"])]
        entries = [entry for entry in chosen.entries() if entry.size < 64 * PAGE]
        if not entries:
            return
        entry = self.draws.choice(entries)
        size = PAGE * self.draws.randrange(1, entry.size // PAGE + 1)
        act = self.draws.choice(["wire", "unwire", "r", "rw"])
        if act in ("wire", "unwire"):
            getattr(chosen, act)(entry.start, size=size)
        else:
            chosen.protect(entry.start, size=size, prot=act)

    def _free_exec(self) -> None:
        entries = self.machine.kmem.exec_map.entries()
        if entries:
            entry = self.draws.choice(entries)
            self.machine.kmem_free_wakeup(entry.start, entry.size, map="exec_map")


def lived_in(seed: int, steps: int = 40) -> vm.Machine:
    """A machine after a random life."""
    life = Life(seed)
    for _ in life.go_on(steps):
        pass
    return life.machine


# ---- all there is to know, made comparable -----------------------------------------------------------


class Everything(NamedTuple):
    """What pictures of kernel memory are made from."""

    maps: KernelMapValue
    threads: ThreadsValue
    frames: FramesValue
    caches: CachesValue
    kentry: KentryContents


def everything(machine: vm.Machine) -> Everything:
    """What pictures of kernel memory are made from, whole."""
    return Everything(
        machine.kmem.value(whole=WHOLE),
        machine.threads.value(),
        machine.frames.value(whole=WHOLE),
        machine.caches.value(most=WHOLE),
        machine.kentry.contents(most=WHOLE),
    )
