"""A live picture of a machine's threads: who runs, who sleeps on what, and who waits for whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vmwidgets.engine.base.events import Event
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.threads import MachineThread, MachineThreads
from vmwidgets.views.kmem_steps import Moment, kmem_moment
from vmwidgets.views.scene import Scene
from vmwidgets.views.threads import draw_threads

from .kmem import style_of
from .latest import THREADS, latest_reporting
from .parts import machine_of
from .view import View

OPERATIONS = ("spawn", "step", "run", "tick", "wakeup", "kill")
"""Operations on threads, which are told of even when nothing came of them."""


class Threads(View):
    """Threads: those that can go on, the sleepers by what they wait for, in the order they wake, and a deadlock.

    `target` is ``m.threads``, a thread, which is then selected, or the machine.
    """

    def __init__(self, target: MachineThreads | MachineThread | Machine, **options: Any) -> None:
        wanted = "Threads shows a machine's threads, machine.threads"
        machine = machine_of(target, MachineThreads, MachineThread, wanted=wanted)
        super().__init__(machine.threads, machine=machine, **options)
        if isinstance(target, MachineThread):
            self.selection = f"thread:{target.name}"

    def draw(self) -> Scene:
        """The threads now, or at `step` of the last operation that concerned them."""
        target: MachineThreads = self.target
        operation, events = latest_reporting(target.machine.journal, THREADS, OPERATIONS)
        moment = kmem_moment(operation, events, self.step, style_of(target.machine.kmem))
        return threads_scene(target, moment, events)


def threads_scene(target: MachineThreads, moment: Moment, events: Sequence[Event]) -> Scene:
    """The scene of the threads at one moment of an operation."""
    return draw_threads(target.value(), moment, events, machine=target.machine.name)
