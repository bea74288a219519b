"""Calls in FreeBSD's recorded runs: the rest of the kernel during a call, where it sleeps, and the order of waking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.oracles.freebsd_events import RECORDER, Row
from tests.oracles.freebsd_pages import CountedFrames
from vmwidgets.engine.base.errors import KernelPanic
from vmwidgets.engine.base.recorder import Raw
from vmwidgets.engine.kernel.freebsd.vm_map import FreeBSDMap
from vmwidgets.engine.kernel.threads.waits import MaySleep, PageWait, RoomWait, TimedWait, Wait

VM_WAIT = "vm_wait"
"""The channel of the threads that wait for pages."""

HookFree = Callable[[Row], None]
"""Another caller's kmem_free of map, address and size."""


@dataclass(slots=True, eq=False)
class Call:
    """One call of a kernel function, with its hooks; `thread` is its number once it has slept."""

    name: str
    steps: MaySleep[Any]
    result: Callable[[Any], Any]
    hooks: dict[str, Any]
    thread: int | None = None
    used: dict[str, int] = field(default_factory=dict)

    def hook(self, name: str) -> Any:
        """Return the call's next hook of this name; None after the last one."""
        at = self.used.get(name, 0)
        self.used[name] = at + 1
        planned = self.hooks.get(name, [])
        return planned[at] if at < len(planned) else None


class Calls:
    """All calls: the running call, the sleepers in order, and the calls that were woken but have not resumed yet."""

    def __init__(self, frames: CountedFrames, report: Callable[[Raw], None], hook_free: HookFree) -> None:
        self._frames = frames
        self._report = report
        self._hook_free = hook_free
        self.running: Call | None = None
        self.sleepers: list[tuple[Call, str]] = []
        self.ready: list[Call] = []
        self._threads = 0

    def run(self, call: Call, locked: Callable[[], list[str]]) -> Any:
        """Continue `call` until it is done, sleeps or panics; returns its result as recorded."""
        self.running = call
        try:
            while True:
                where = self._park(call, next(call.steps))
                if where is not None:
                    return {"sleeps": True, "where": where, "thread": call.thread}
        except StopIteration as done:
            return call.result(done.value)
        except KernelPanic as panic:
            return {"panic": panic.reason, "locked": locked()}
        finally:
            self.running = None

    def wake(self, where: str) -> int:
        """Make all sleepers of a channel ready, in the order in which they fell asleep; returns their number."""
        woken = [call for call, place in self.sleepers if place == where and call not in self.ready]
        self.ready += woken
        return len(woken)

    def resume(self) -> Call:
        """Return the call to continue next; until then, the recorder counts woken calls as sleepers."""
        call = self.ready.pop(0)
        self.sleepers = [(one, place) for one, place in self.sleepers if one is not call]
        return call

    def low_memory(self) -> None:
        """Do what the running call's hook does at a vm_lowmem event."""
        self._free(None if self.running is None else self.running.hook("vm_lowmem"))

    def _park(self, call: Call, wait: Wait) -> str | None:
        """Return where `call` sleeps for `wait`; None if it continues immediately."""
        if isinstance(wait, TimedWait):
            self._report((RECORDER, ["tsleep", wait.message, wait.ticks]))
            self._free(call.hook("tsleep"))
            return None
        if isinstance(wait, PageWait):
            self._report((RECORDER, ["vm_wait"]))
            given = call.hook("vm_wait")
            if given is not None:
                self._report((RECORDER, ["pages_given", self._frames.give_pages(given)]))
                return None
            return self._sleep(call, VM_WAIT)
        if isinstance(wait, RoomWait):
            self._report((RECORDER, ["sleep", wait.map.name]))
            return self._sleep(call, wait.map.name)
        raise ValueError(f"{call.name} would wait for {wait}, which no recorded call did")

    def _sleep(self, call: Call, where: str) -> str:
        if call.thread is None:
            call.thread = self._threads
            self._threads += 1
        self.sleepers.append((call, where))
        return where

    def _free(self, action: Row | None) -> None:
        if action is not None:
            self._report((RECORDER, ["hook_free", *action]))
            self._hook_free(action)
            self._report((RECORDER, ["hook_end"]))


def locked_maps(maps: list[FreeBSDMap]) -> list[str]:
    """Return the names of the locked maps, in the order of the maps' creation."""
    return [vm_map.name for vm_map in maps if vm_map.lock.held]
