"""The picture of page replacement: the clock."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.replacement import MachineReplacement
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.memory.clock import ROWS, draw_clock
from vmwidgets.views.scene.model import Scene

from .at import At
from .picture import Picture, machine_of
from .registry import picture_of


@picture_of(first_for=MachineReplacement)
class Clock(Picture):
    """The frames of tasks in the order in which a policy looks at them: reference and dirty bits, and a clock's hand.

    If a function decides, only the function knows that order; frames are then in the order in which their pages were
    brought in.  `target` is a machine or, if tasks evict only their own pages, a task: then its frames are shown.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> m.replacement = "clock"
    >>> t = m.task("init")
    >>> t.write(t.mmap("4 KiB"), b"x")
    >>> vm.Clock(m).scene().subtitle
    'clock · pages of all tasks · 1 frame'
    """

    def __init__(self, target: MachineReplacement | Task | Machine, **options: Any) -> None:
        wanted = "Clock shows the page replacement of a machine, machine.replacement, or that of a task"
        machine = machine_of(target, MachineReplacement, Task, wanted=wanted)
        super().__init__(target if isinstance(target, Task) else machine.replacement, machine=machine, **options)

    def draw(self, at: At) -> Scene:
        """Return the ring at this moment."""
        task = at.target.name if isinstance(at.target, Task) else ""
        look = at.look(at.whole.replacement, first=ROWS)
        return draw_clock(look, task=task, machine=at.whole.name, width=at.width)
