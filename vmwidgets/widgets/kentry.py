"""A live picture of the kentry area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.events import BufferAllocated, BufferFreed, Event
from vmwidgets.engine.base.values.past import Past
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.frames import OPEN_SLABS, MachineKentry
from vmwidgets.views.addresses import AddressStyle
from vmwidgets.views.kentry import CACHE, draw_kentry
from vmwidgets.views.kentry_steps import kentry_moment
from vmwidgets.views.scene import Caption, Scene, Steps

from .view import View


class Kentry(View):
    """The kentry area: the reserved range, its free list, and the slots with the kernel map's entries in them.

    `target` is ``m.kentry``, or the machine.
    """

    def __init__(self, target: MachineKentry | Machine, **options: Any) -> None:
        area = target.kentry if isinstance(target, Machine) else target
        if not isinstance(area, MachineKentry):
            raise Refused(f"Kentry shows the kentry area of a machine, machine.kentry, not {shown(target)}")
        super().__init__(area, machine=area.machine, **options)

    def draw(self) -> Scene:
        """The area now, or at `step` of the last operation that concerned it."""
        target: MachineKentry = self.target
        operation = target.machine.journal.latest_touching({CACHE, "kentry"})
        events = () if operation is None else operation.events
        caption, steps, done = kentry_moment(operation, events, self.step)
        return kentry_scene(target, events, done, caption, steps)


def kentry_scene(
    target: MachineKentry, events: Sequence[Event], done: int, caption: Caption, steps: Steps, *, compact: bool = False
) -> Scene:
    """The scene of the area with all but the first `done` of `events` undone."""
    slots = [event.address for event in reversed(events) if isinstance(event, (BufferAllocated, BufferFreed))]
    contents = target.contents(slots, 1 if compact else OPEN_SLABS).at(Past(events[done:]))
    kernel_map = target.machine.kernel_map
    style = AddressStyle.of(kernel_map.start, kernel_map.end)
    name = target.machine.name
    return draw_kentry(contents, caption, steps, events[:done], style=style, machine=name, compact=compact)
