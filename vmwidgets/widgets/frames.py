"""A live picture of physical memory: how much is left, who owns what, and what leads to a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vmwidgets.engine.base.events import Event
from vmwidgets.engine.base.units import PAGE_SHIFT
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.frames import MachineFrames
from vmwidgets.views.frames import draw_frames, touched_frames
from vmwidgets.views.kmem_steps import Moment, kmem_moment
from vmwidgets.views.scene import Scene

from .kmem import style_of
from .latest import PAGES, latest_reporting
from .parts import machine_of
from .view import View
from .vm_map import entry_id


class Frames(View):
    """Physical memory: gauges with the reserves, free lists, runs of frames, owners; a selected frame's reverse map.

    `target` is ``m.frames``, or the machine.
    """

    def __init__(self, target: MachineFrames | Machine, **options: Any) -> None:
        machine = machine_of(target, MachineFrames, wanted="Frames shows a machine's physical memory, machine.frames")
        super().__init__(machine.frames, machine=machine, **options)

    def draw(self) -> Scene:
        """Physical memory now, or at `step` of the last operation that concerned it."""
        target: MachineFrames = self.target
        machine = target.machine
        operation, events = latest_reporting(machine.journal, PAGES)
        moment = kmem_moment(operation, events, self.step, style_of(machine.kmem))
        return frames_scene(target, moment, events, self.selection)


def frames_scene(
    target: MachineFrames, moment: Moment, events: Sequence[Event], selection: str = "", *, compact: bool = False
) -> Scene:
    """The scene of physical memory at one moment of an operation."""
    chosen = frame_of(selection, int(target.machine.ram_bytes) >> PAGE_SHIFT)
    touched = touched_frames(events)
    moved = (frame for frame in reversed(touched) if frame - 1 not in touched)
    lit = target.behind(entry_id(selection)) if entry_id(selection) else ()
    focus = dict.fromkeys([*([] if chosen is None else [chosen]), *lit, *moved])
    selected = None if chosen is None or compact else target.frame(chosen)
    name = target.machine.name
    return draw_frames(target.value(focus), moment, events, selected=selected, lit=lit, machine=name, compact=compact)


def frame_of(selection: str, frames: int) -> int | None:
    """The frame that a selection names, of so many; None if it names something else."""
    kind, _, number = selection.partition(":")
    return int(number) if kind == "frame" and number.isdecimal() and int(number) < frames else None
