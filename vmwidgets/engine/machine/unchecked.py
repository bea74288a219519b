"""Below the door: the kernel functions as the original has them, for seeing what they do with nonsense.

The machine runs a debug build, so most nonsense is a panic here, and a panic is the end of the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.operations import Door, operation
from ..base.units import Address

if TYPE_CHECKING:
    from .machine import Machine
    from .maps import MachineMap
    from .objects import MemoryObject


class Unchecked:
    """Kernel functions on the machine's maps; arguments are plain integers and reach the kernel as they are."""

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
        target = None if object is None else object.vm_object
        return Address(map.vm_map.enter(start, size, align, flags, target, offset))

    @operation
    def vm_map_remove(self, map: MachineMap, start: int, end: int) -> None:  # noqa: A002
        """`vm_map_remove`: even of what the kernel lives on."""
        map.vm_map.remove(start, end)
