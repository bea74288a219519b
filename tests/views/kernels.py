"""Kernels with some life in them, operation by operation, as a machine would tell of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from tests.engine.kernel.kmems import Kernel
from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import M_NOWAIT, M_WAITOK, Kmem
from vmwidgets.engine.kernel.freebsd.vm_map import FreeBSDMap
from vmwidgets.engine.kernel.map.map_schema import KernelMapValue
from vmwidgets.engine.kernel.map.window import map_value
from vmwidgets.engine.kernel.threads.scheduler import Scheduler
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue


class Story:
    """A kernel with maps inside maps, and what was done to it; `operation` is the last."""

    def __init__(self, **sizes: int) -> None:
        self.kernel = Kernel(**{"pages": 200, "size": 1024, "kmem": 256, "execs": 64, **sizes})
        self.kmem = self.kernel.kmem
        self.scheduler = Scheduler(self.kernel.recorder, self.kmem.running)
        self.kmem.wakeup = self.scheduler.wakeup_map
        self.kmem.pages.freed = self.scheduler.wakeup_pages
        self.maps = {one.name: one for one in self.kmem.maps}
        self.inside = {"kmem_map": "kernel_map", "exec_map": "kernel_map"}
        self.number = 0
        self.operation: Operation | None = None

    def full(self) -> Story:
        """All of FreeBSD's maps."""
        for parent, name, pages in (
            ("kernel_map", "clean_map", 192), ("clean_map", "buffer_map", 96), ("clean_map", "pager_map", 64),
            ("kernel_map", "pipe_map", 128),
        ):  # fmt: skip
            self.suballoc(parent, name, pages)
        return self

    def do(self, name: str, call: Callable[[], Any]) -> Any:
        """One operation."""
        raw: deque[Any] = deque(maxlen=4096)
        self.kernel.recorder.emit = raw.append
        outcome, result, said = "done", None, ""
        try:
            result = call()
        except VMError as error:
            outcome, said = "error", str(error)
        self.kernel.recorder.emit = None
        self.number += 1
        self.operation = Operation(self.number, self.number, "machine", name, (), outcome, result, said, records=raw)
        return result

    def call(self, name: str, *args: Any) -> Any:
        """One kmem function as an operation."""
        return self.do(name, lambda: self.kernel.do(getattr(Kmem, name), *args))

    @property
    def events(self) -> tuple[Event, ...]:
        return () if self.operation is None else self.operation.events

    # ---- what kernels do ----------------------------------------------------------------------

    def suballoc(self, parent: str, name: str, pages: int) -> None:
        made = self.call("kmem_suballoc", self.maps[parent], pages * PAGE, name)
        self.maps[name], self.inside[name] = made, parent

    def malloc(self, pages: int, flags: int = M_WAITOK, where: str = "kmem_map") -> int:
        return int(self.call("kmem_malloc", self.maps[where], pages * PAGE, flags))

    def nowait(self, pages: int) -> int:
        return self.malloc(pages, M_NOWAIT)

    def alloc(self, pages: int, where: str = "kernel_map") -> int:
        return int(self.call("kmem_alloc", self.maps[where], pages * PAGE))

    def nofault(self, pages: int) -> int:
        return int(self.call("kmem_alloc_nofault", self.kernel.kernel_map, pages * PAGE))

    def free(self, address: int, pages: int, where: str = "kmem_map") -> None:
        self.call("kmem_free", self.maps[where], address, pages * PAGE)

    def free_wakeup(self, address: int, pages: int, where: str = "exec_map") -> None:
        self.call("kmem_free_wakeup", self.maps[where], address, pages * PAGE)

    def wait_for(self, pages: int, where: str = "exec_map") -> int:
        return int(self.call("kmem_alloc_wait", self.maps[where], pages * PAGE))

    def spawn(self, name: str, call: Any) -> None:
        self.do("spawn", lambda: self.scheduler.spawn(name, call))

    def waiter(self, pages: int, where: str = "exec_map") -> Any:
        return self.kmem.kmem_alloc_wait(self.maps[where], pages * PAGE)

    def step(self) -> None:
        self.do("step", self.scheduler.step)

    def run(self) -> None:
        self.do("run", self.scheduler.run)

    # ---- what pictures get --------------------------------------------------------------------

    def value(self, name: str = "kernel_map") -> KernelMapValue:
        vm_map: FreeBSDMap = self.maps[name]
        waiting = self.scheduler.asleep_in(vm_map)
        inside = [self.value(child) for child, parent in self.inside.items() if parent == name]
        inside.sort(key=lambda one: one.map.start)
        return KernelMapValue(
            map_value(vm_map), vm_map.system, vm_map.needs_wakeup, vm_map.lock.holder,
            tuple((thread.since, thread.name) for thread in waiting), tuple(inside),
        )  # fmt: skip

    def threads(self) -> ThreadsValue:
        scheduler = self.scheduler
        locks = tuple((one.name, one.lock.holder) for one in self.kmem.maps)
        threads = [thread.value() for thread in scheduler.threads.values()]
        return ThreadsValue.of(threads, scheduler.ticks, 1000, locks)
