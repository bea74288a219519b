"""The original kernel functions without argument checks, to show what they do with invalid arguments.

The machine runs a debug build, so most invalid arguments cause a panic, which ends the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...base.called import called
from ...base.errors import Refused, shown
from ...base.operations import operation
from ...base.units import Address
from ...kernel.freebsd.kmem import Kmem, round_page, trunc_page
from ...kernel.freebsd.vm_map import FreeBSDMap
from ...kernel.map.vm_object import VmObject
from ...kernel.threads.waits import MaySleep
from ...kernel.x15.vm_map import X15Map
from .. import arguments
from ..system import Part
from .kmem import MachineKmemMap
from .maps import MachineMap
from .objects import MemoryObject


class Unchecked(Part):
    """Kernel functions on the machine's maps; arguments are 64-bit words and reach the kernel unchanged.

    Arguments that are not words, maps or objects of this machine are refused: a kernel could not get them.
    """

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
        """Call `vm_map_enter` of X15 with the packed flags word."""
        words = [("start", start), ("size", size), ("align", align), ("flags", flags), ("offset", offset)]
        first, length, alignment, bits, where = (arguments.word(value, name) for name, value in words)
        return Address(self._map(map).enter(first, length, alignment, bits, self._object(object), where))

    @operation
    def vm_map_remove(self, map: MachineMap, start: int, end: int) -> None:  # noqa: A002
        """Call `vm_map_remove`, even for the ranges of the kernel itself."""
        self._map(map).remove(arguments.word(start, "start"), arguments.word(end, "end"))

    # ---- kernel memory -----------------------------------------------------------------------

    @operation
    def kmem_alloc(self, map: MachineKmemMap, size: int) -> Address:  # noqa: A002
        """Call `kmem_alloc`: size 0 returns the map's start, which may be in use."""
        return self._got("kmem_alloc", Kmem.kmem_alloc, map, size)

    @operation
    def kmem_alloc_nofault(self, map: MachineKmemMap, size: int) -> Address:  # noqa: A002
        """Call `kmem_alloc_nofault`."""
        return self._got("kmem_alloc_nofault", Kmem.kmem_alloc_nofault, map, size)

    @operation
    def kmem_malloc(self, map: MachineKmemMap, size: int, flags: int) -> Address:  # noqa: A002
        """Call `kmem_malloc`: flags may contradict each other; size 0 causes a panic with the map locked."""
        return self._got("kmem_malloc", Kmem.kmem_malloc, map, size, arguments.word(flags, "flags"))

    @operation
    def kmem_alloc_wait(self, map: MachineKmemMap, size: int) -> Address:  # noqa: A002
        """Call `kmem_alloc_wait`."""
        return self._got("kmem_alloc_wait", Kmem.kmem_alloc_wait, map, size)

    @operation
    def kmem_free(self, map: MachineKmemMap, addr: int, size: int) -> None:  # noqa: A002
        """Call `kmem_free` for any range: a part of an allocation, several allocations, holes, a submap, the boot's."""
        return self._freed("kmem_free", Kmem.kmem_free, map, addr, size)

    @operation
    def kmem_free_wakeup(self, map: MachineKmemMap, addr: int, size: int) -> None:  # noqa: A002
        """Call `kmem_free_wakeup`: an empty range wakes sleepers too."""
        return self._freed("kmem_free_wakeup", Kmem.kmem_free_wakeup, map, addr, size)

    @operation
    def kmem_suballoc(self, map: MachineKmemMap, size: int, name: str) -> MachineKmemMap:  # noqa: A002
        """Call `kmem_suballoc`: every failure causes a panic."""
        vm_map, length = self._kmem_map(map), arguments.word(size, "size")
        wanted = arguments.text_name(name, "name")
        self.system.refuse_map_name(wanted)

        def steps() -> MaySleep[MachineKmemMap]:
            with self.system.making_map(wanted):
                made = yield from self._kmem.kmem_suballoc(vm_map, length, wanted)
            self.system.kmem_maps[wanted] = made
            return self.system.part(MachineKmemMap, f"kmem/{wanted}")

        return self.system.callbacks.complete("kmem_suballoc", steps())

    @property
    def _kmem(self) -> Kmem:
        return self.system.kmem.kmem

    def _got(self, name: str, function: Callable[..., MaySleep[int]], given: Any, size: Any, *more: int) -> Address:
        vm_map, length = self._kmem_map(given), arguments.word(size, "size")

        def noted() -> MaySleep[Address]:
            address = yield from function(self._kmem, vm_map, length, *more)
            self.system.note_allocation(vm_map, address, round_page(length), name)
            return Address(address)

        return self.system.callbacks.complete(name, noted())

    def _freed(self, name: str, function: Callable[..., MaySleep[None]], given: Any, addr: Any, size: Any) -> None:
        vm_map, first, length = self._kmem_map(given), arguments.word(addr, "addr"), arguments.word(size, "size")

        def noted() -> MaySleep[None]:
            yield from function(self._kmem, vm_map, first, length)
            start, end = max(trunc_page(first), vm_map.start), min(round_page(first + length), vm_map.end)
            if start < end:
                self._note_freed(vm_map, start, end, name)

        return self.system.callbacks.complete(name, noted())

    def _note_freed(self, vm_map: FreeBSDMap, start: int, end: int, name: str) -> None:
        """Update the records of allocations and zones; the learner may free the rest of a zone's slab."""
        note, zones = self.system.note_allocation, self.system.kmem.zones
        if vm_map is zones.kmem_map:
            for low, high in zones.drop_range(start, end):
                note(vm_map, low, max(0, start - low), "kmem_malloc")
                note(vm_map, end, max(0, high - end), "kmem_malloc")
        self.system.allocations.drop(vm_map.name, start, end, name)

    def _kmem_map(self, value: Any) -> FreeBSDMap:
        if not isinstance(value, MachineKmemMap):
            raise Refused(f"map={shown(value)} is not a map of kernel memory: write machine.kmem.kmem_map or another")
        if value.system is not self.system:
            raise Refused(f"map {called(value.path)} belongs to another machine")
        return value.vm_map

    def _map(self, value: Any) -> X15Map:
        if not isinstance(value, MachineMap):
            raise Refused(f"map={shown(value)} is not a map: write machine.kernel_map, or the map of a task")
        if value.system is not self.system:
            raise Refused(f"map {called(value.path)} belongs to another machine")
        return value.vm_map

    def _object(self, value: Any) -> VmObject | None:
        if value is None:
            return None
        if not isinstance(value, MemoryObject):
            raise Refused(f"object={shown(value)} is not a memory object; create one with machine.object(name)")
        if value.system is not self.system:
            raise Refused(f"object {shown(value.name)} belongs to another machine")
        return value.vm_object
