"""Below the door: the kernel functions as the original has them, for seeing what they do with nonsense.

The machine runs a debug build, so most nonsense is a panic here, and a panic is the end of the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base.errors import Refused, shown
from ..base.operations import Door, operation
from ..base.units import Address
from ..kernel.vm_map import X15Map
from ..kernel.vm_object import VmObject
from . import checks
from .maps import MachineMap
from .objects import MemoryObject

if TYPE_CHECKING:
    from .machine import Machine


class Unchecked:
    """Kernel functions on the machine's maps; arguments are words of 64 bits and reach the kernel as they are.

    What is no word, map or object of this machine is refused: a kernel could not be given it.
    """

    path = "unchecked"

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self._machine.door

    @operation
    def vm_map_enter(
        self,
        map: MachineMap,  # noqa: A002  the kernel's own argument
        start: int,
        size: int,
        align: int,
        flags: int,
        object: MemoryObject | None = None,  # noqa: A002
        offset: int = 0,
    ) -> Address:
        """`vm_map_enter` with the packed flags word; X15 `vm_map_enter`."""
        words = [("start", start), ("size", size), ("align", align), ("flags", flags), ("offset", offset)]
        first, length, alignment, bits, where = (checks.word(value, name) for name, value in words)
        return Address(self._map(map).enter(first, length, alignment, bits, self._object(object), where))

    @operation
    def vm_map_remove(self, map: MachineMap, start: int, end: int) -> None:  # noqa: A002
        """`vm_map_remove`: even of what the kernel lives on."""
        self._map(map).remove(checks.word(start, "start"), checks.word(end, "end"))

    def _map(self, value: Any) -> X15Map:
        if not isinstance(value, MachineMap):
            raise Refused(f"map={shown(value)} is no map: write machine.kernel_map, or the map of a task")
        if value.machine is not self._machine:
            raise Refused(f"map {value.path} belongs to another machine")
        return value.vm_map

    def _object(self, value: Any) -> VmObject | None:
        if value is None:
            return None
        if not isinstance(value, MemoryObject):
            raise Refused(f"object={shown(value)} is no memory object: make one with machine.object(name)")
        if self._machine.objects.get(value.name) is not value:
            raise Refused(f"object {shown(value.name)} belongs to another machine")
        return value.vm_object
