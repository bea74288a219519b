"""A live picture of a machine's object caches and zones, slab by slab."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.events import BufferAllocated, BufferFreed, SlabCreated
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.frames import MachineCaches
from vmwidgets.views.addresses import AddressStyle
from vmwidgets.views.kmem_steps import kmem_moment
from vmwidgets.views.scene import Scene
from vmwidgets.views.slabs import draw_slabs

from .latest import BUFFERS, latest_reporting
from .parts import machine_of
from .view import View


class Slabs(View):
    """Object caches and zones: their slabs, the buffers in them, and the order in which free ones are taken.

    `target` is ``m.caches``, or the machine.
    """

    def __init__(self, target: MachineCaches | Machine, **options: Any) -> None:
        machine = machine_of(target, MachineCaches, wanted="Slabs shows a machine's object caches, machine.caches")
        super().__init__(machine.caches, machine=machine, **options)

    def draw(self) -> Scene:
        """The caches now, or at `step` of the last operation that concerned them."""
        target: MachineCaches = self.target
        machine = target.machine
        operation, events = latest_reporting(machine.journal, BUFFERS)
        kinds = (BufferAllocated, BufferFreed, SlabCreated)
        focus = dict.fromkeys(event.address for event in reversed(events) if isinstance(event, kinds))
        value = target.value(focus)
        places = [slab.address for cache in value.caches for slab in cache.slabs] or [int(machine.kernel_map.start)]
        style = AddressStyle.of(min(places), max(places) + 1)
        moment = kmem_moment(operation, events, self.step, style)
        return draw_slabs(value, moment, events, style=style, machine=machine.name)
