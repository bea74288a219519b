"""A live picture of FreeBSD's kernel memory: maps inside maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vmwidgets.engine.base.events import Event
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.kmem import MachineKmem, MachineKmemMap
from vmwidgets.views.addresses import AddressStyle
from vmwidgets.views.kmem import draw_kmem
from vmwidgets.views.kmem_steps import Moment, kmem_moment
from vmwidgets.views.map_picture import touched
from vmwidgets.views.scene import Scene

from .latest import MAPS, latest_reporting
from .parts import machine_of
from .view import View
from .vm_map import FOCUS, entry_id, parse_address

WHOLE = 48
"""Kernel maps of up to so many entries are drawn whole."""


class Kmem(View):
    """Kernel memory: the kernel map's ribbon, its submaps below it, and the list of the map that is concerned.

    `target` is ``m.kmem``, one of its maps, which is then shown in full at first, or the machine.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kmem_malloc("12 KiB")
    >>> vm.Kmem(m).scene().caption.text.partition(" at ")[0]
    'kmem_malloc took 12 KiB'
    """

    def __init__(self, target: MachineKmem | MachineKmemMap | Machine, **options: Any) -> None:
        wanted = "Kmem shows a machine's kernel memory, machine.kmem, or one of its maps"
        machine = machine_of(target, MachineKmem, MachineKmemMap, wanted=wanted)
        self._chosen = f"map:{target.name}" if isinstance(target, MachineKmemMap) else ""
        self._folds_opened: list[int] = []
        super().__init__(machine.kmem, machine=machine, **options)

    def draw(self) -> Scene:
        """Kernel memory now, or at `step` of the last operation that concerned it."""
        target: MachineKmem = self.target
        operation, events = latest_reporting(target.machine.journal, MAPS)
        chosen = self.selection or self._chosen
        return kmem_scene(target, operation, events, self.step, chosen, opened=self._folds_opened)

    def opened(self, node_id: str) -> None:
        """Open a folded part of a map; those opened earlier stay open."""
        self._folds_opened = [*self._folds_opened, int(node_id.rpartition("/")[2])][-8:]

    def sought(self, text: str) -> None:
        """Select the entry that holds the address `text`, in the innermost map that does."""
        self.selection = found_at(self.target, text)


def found_at(target: MachineKmem, text: str) -> str:
    """What a selection calls the entry that holds the address `text`, in the innermost map that does, or that map."""
    root = target.kernel_map
    address = parse_address(text, int(root.start), int(root.end))
    inner = target.map_of(address)
    entry = None if inner is None else inner.lookup(address)
    return "" if inner is None else f"map:{inner.name}" if entry is None else f"entry:{entry.id}"


def kmem_scene(
    target: MachineKmem,
    operation: Operation | None,
    events: Sequence[Event],
    step: int,
    selection: str = "",
    *,
    opened: Sequence[int] = (),
    compact: bool = False,
) -> Scene:
    """The scene of kernel memory at `step` of an operation; `opened` are the folds that were opened."""
    value = target.value(_focus(target, events, selection), opened, whole=WHOLE)
    moment = kmem_moment(operation, events, step, style_of(target), value.reach(events))
    return draw_kmem(value, moment, events, selection=selection, machine=target.machine.name, compact=compact)


def moment_of(target: MachineKmem, operation: Operation | None, events: Sequence[Event], step: int) -> Moment:
    """Where `step` of an operation is, for pictures beside that of kernel memory."""
    value = target.value(_focus(target, events), whole=WHOLE)
    return kmem_moment(operation, events, step, style_of(target), value.reach(events))


def style_of(target: MachineKmem) -> AddressStyle:
    """How addresses of kernel memory are written."""
    return AddressStyle.of(target.kernel_map.start, target.kernel_map.end)


def _focus(target: MachineKmem, events: Sequence[Event], selection: str = "") -> list[int]:
    """Entries that a folded map shows: what is selected, the places of submaps, and what the operation touched."""
    found = [entry_id(selection)] if entry_id(selection) else []
    for parent in target.maps.values():
        inside = [one for one in target.maps.values() if one is not parent and parent.start <= one.start < parent.end]
        found += [entry.id for one in inside if (entry := parent.lookup(one.start)) is not None]
    for one in target.maps.values():
        found += touched(events, one.name)[:FOCUS]
    return found
