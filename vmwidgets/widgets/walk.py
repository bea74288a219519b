"""A live walk: the same address, walked again whenever the machine has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.events import Event
from vmwidgets.engine.base.map_values import EntryValue
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.machine import Machine, MachineWalk
from vmwidgets.engine.machine.walks import machine_walk, neighbouring_words
from vmwidgets.views.scene import Scene
from vmwidgets.views.walk import draw_walk

from .view import View


class Walk(View):
    """What the hardware does with one address: each descriptor, the rights gathered, the verdict.

    `target` is the result of ``m.walk(…)``; the picture walks again after every operation and marks what differs
    from the result.  `address` and `access` can be changed.
    """

    address = traitlets.Int(0, min=0, max=2**64 - 1, help="The virtual address.").tag(public=True)
    access = traitlets.Enum(("read", "write", "execute"), "read", help="The kind of access.").tag(public=True)
    user = traitlets.Bool(False, help="Whether user code makes it.").tag(public=True)

    def __init__(self, target: MachineWalk, **options: Any) -> None:
        if not isinstance(target, MachineWalk):
            raise Refused(f"Walk shows the result of machine.walk(address), not {shown(target)}")
        if target.machine is None:
            raise Refused("the machine that was walked is gone: keep the machine in a name")
        self._result = target
        self._task = target.task
        given = {"address": target.va, "access": target.access, "user": target.user}
        super().__init__(target, machine=target.machine, **{**given, **options})

    def draw(self) -> Scene:
        """The walk as it is now."""
        machine = self.machine
        assert isinstance(machine, Machine), "a view whose machine is gone is not drawn"
        same = (self.address, self.access, self.user) == (self._result.va, self._result.access, self._result.user)
        return walk_scene(
            machine, self._task, self.address, self.access, self.user, earlier=self._result if same else None
        )

    @traitlets.observe("address", "access", "user")
    def _walked_otherwise(self, change: object) -> None:
        self._shown_otherwise(change)


def walk_scene(
    machine: Machine,
    task: str,
    address: int,
    access: str = "read",
    user: bool = False,
    *,
    later: Sequence[Event] = (),
    earlier: MachineWalk | None = None,
) -> Scene:
    """The scene of a walk of `address` in the tables of `task` ("" the kernel's), with the events in `later` undone."""
    space = machine.tasks[task] if task else machine
    found = machine_walk(machine, space.pmap, task, address, access, user, later)
    width = space.pmap.fmt.entry_width
    return draw_walk(
        found,
        neighbouring_words(machine, found, width),
        title=f"walk of {Address(address)}" + (f" in {task}" if task else ""),
        entry=entry_at(machine, task, address),
        earlier=earlier,
        machine=machine.name,
    )


def entry_at(machine: Machine, task: str, address: int) -> EntryValue | None:
    """The entry that holds `address` now, for looking only."""
    target = machine.tasks[task].map if task else machine.kernel_map
    entry = target.vm_map.peek(address)
    if entry is None or address < entry.start:
        return None
    return EntryValue.of(entry.fields(), target.roles.get(entry.id, ""))
