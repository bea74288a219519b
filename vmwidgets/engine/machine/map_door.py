"""What the door asks of a range of a map before the kernel hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base.errors import Refused
from ..base.units import Address
from ..kernel.vm_map import X15Map
from . import checks
from .map_looks import MapLooks

if TYPE_CHECKING:
    from .machine import Machine
    from .maps import MachineMap


class MapDoor(MapLooks):
    """A map of a machine, and the checks that its operations share; `path` is its place there."""

    vm_map: X15Map

    def __init__(self, machine: Machine, vm_map: X15Map, path: str, roles: dict[int, str] | None = None) -> None:
        self.machine = machine
        self.vm_map = vm_map
        self.path = path
        self.roles = {} if roles is None else roles
        self.submaps: dict[str, MachineMap] = {}
        """By name: the maps that parts of this one were given to."""
        self.parent: MapDoor | None = None
        """The map that this one is a part of; it alone can lose its addresses, by ``m.unchecked``."""

    @property
    def has_place(self) -> bool:
        """Whether all its addresses are its own: entries of its parent give them to it, and the parent has its place.

        O(log n + entries there), for each map above.
        """
        if self.parent is None:
            return True
        position, entry = self.vm_map.start, self.parent.vm_map.peek(self.vm_map.start)
        while entry is not None and entry.start <= position and entry.submap is self.vm_map:
            position, entry = entry.end, entry.next
        return position >= self.vm_map.end and self.parent.has_place

    # ---- checks ------------------------------------------------------------------------------

    def _refuse_lost_place(self) -> None:
        """A map that has lost its place has no addresses to give: its parent may give them to others."""
        if not self.has_place:
            raise Refused(
                f"{self.path} has lost its place, {self.start} to {self.end}: m.unchecked removed an entry for it; "
                "make another submap"
            )

    def _start_of(self, at: Any, length: int, fixed: bool) -> int:
        """Where a request may go: a hint, or with `fixed` the address; 0 without one."""
        vm_map = self.vm_map
        if at is None:
            if fixed:
                raise Refused("fixed=True needs an address: write at=…")
            return 0
        start = checks.within(checks.aligned(at, "at"), "at", vm_map.start, vm_map.end, self.path)
        if fixed and length > vm_map.end - start:
            raise Refused(f"at={Address(start)} and size={length:#x} pass the end of {self.path}, {self.end}")
        if (start + length) & vm_map.mask <= start:
            where = f"at={Address(start)} and size={length:#x}"
            raise Refused(f"{where} don't end below 2**{vm_map.bits}, where addresses end")
        return start

    def _range(self, verb: str, start: Any, end: Any, size: Any) -> tuple[int, int]:
        """A range of the map that is not empty, and that neither the kernel lives on nor another map has."""
        vm_map = self.vm_map
        first = checks.within(checks.aligned(start, "start"), "start", vm_map.start, vm_map.end, self.path)
        last = self._end_of(verb, first, end, size)
        for low, high, owner in self.machine.reserved_ranges(self):
            if low < last and first < high:
                raise Refused(
                    f"start={Address(first)} to {Address(last)} touches {owner}, {Address(low)} to {Address(high)}, "
                    f"which the kernel lives on: {verb} what lies beside it"
                )
        for lent in self.submaps.values():
            if lent.start < last and first < lent.end and lent.has_place:
                raise Refused(
                    f"start={Address(first)} to {Address(last)} touches {lent.start} to {lent.end}, which is the place "
                    f"of the map {lent.path}: what lies there is that map's"
                )
        return first, last

    def _end_of(self, verb: str, start: int, end: Any, size: Any) -> int:
        if (end is None) == (size is None):
            raise Refused(f"{verb} takes the end of the range, or its size: write one of end and size")
        last = start + checks.aligned(size, "size") if end is None else checks.aligned(end, "end")
        if start < last <= self.vm_map.end:
            return last
        name = f"size={last - start:#x}" if end is None else f"end={Address(last)}"
        if last <= start:
            raise Refused(f"{name} makes an empty range: it must end above start={Address(start)}")
        raise Refused(f"{name} passes the end of {self.path}, {self.end}")
