"""Tasks: address spaces with maps and page tables of their own; and the functions of a machine that make them.

The same functions make the memory objects that a task's map can map.
"""

from __future__ import annotations

from ..base.errors import Refused, shown
from ..base.operations import operation
from ..base.units import Address, counted
from ..kernel.map.core import CachedEntries, Entry
from ..kernel.map.fits import FITS
from ..kernel.map.vm_object import VmObject
from ..kernel.threads.waits import run_without_sleeping
from ..kernel.x15.vm_map import X15Map
from . import arguments
from .maps import MachineMap
from .objects import AnonymousPager, DevicePager, MemoryObject
from .processors import Processor
from .spaces import TaskSpace, task_path, unquoted
from .system import Part, SpacePart, System
from .tables import MachineTables, MachineWalk


class Task(SpacePart):
    """A process as far as memory goes: `map` is its address space, `pmap` its page tables."""

    def __init__(self, system: System, path: str) -> None:
        super().__init__(system, path)
        self.name = self.space_name = unquoted(path.removeprefix("task:"))
        self.map = system.part(MachineMap, f"{path}/map")

    @property
    def space(self) -> TaskSpace:
        """The kernel's own."""
        return self.system.tasks.get(self.name) or self.missing()

    def check_alive(self) -> None:
        """Refuse if it is not there."""
        _ = self.space  # refused where there is none

    @property
    def tables(self) -> MachineTables:
        """Its page tables, to be shown and walked."""
        return MachineTables(self.system, self)

    @operation
    def read(self, address: int | str, length: int | str = 1) -> bytes:
        """`length` bytes from `address` on, as user code reads them: walk, fault, resolve, try again.

        Errors are those of the fault: FAULT where nothing is mapped, ACCES where reading is not allowed, NOMEM.
        """
        start, count = self._span(address, length)
        return run_without_sleeping(self._processor().load(start, count, "read", user=True))

    @operation
    def write(self, address: int | str, data: bytes) -> None:
        """Write `data` from `address` on, as user code does: walk, fault, resolve, try again.

        Pages are made as they are touched; an error leaves what was written before it.
        """
        content = arguments.content(data)
        start, _ = self._span(address, len(content))
        run_without_sleeping(self._processor().store(start, content, user=True))

    @operation
    def touch(self, address: int | str, access: str = "read") -> MachineWalk:
        """One access that moves nothing: what the hardware does with it after the kernel has resolved its fault."""
        kind = arguments.access(access)
        start, _ = self._span(address, 1)
        run_without_sleeping(self._processor().reach(start, kind, user=True))
        return self.walk(start, kind)

    def walk(self, address: int | str, access: str = "read") -> MachineWalk:
        """What the hardware does with a user access to `address` now; nothing changes."""
        return self.tables.walk(address, access, user=True)

    def _processor(self) -> Processor:
        """Processor 0 with its tables loaded."""
        return self.system.processors.borrow(self.space.pmap)

    def _span(self, address: int | str, length: int | str) -> tuple[int, int]:
        return arguments.span(address, length, self.pmap.fmt.word_bits)

    def __repr__(self) -> str:
        return f"<task {self.name!r}: {counted(len(self.map), 'entry')}, root table at {Address(self.pmap.root)}>"


class TaskFunctions(Part):
    """The functions of a machine that make what has a name: tasks, and the memory objects that maps can map."""

    @operation
    def task(self, name: str, placement: str | None = None) -> Task:
        """A new task with an empty address space (`vm_map_create`); an existing name gives that task.

        `placement` is the rule by which its map is searched for room: "x15" (X15's own), "first", "best", "worst" or
        "next".  NOMEM without a page for its root table.
        """
        wanted = arguments.part_name(name, "task name")
        rule = None if placement is None else arguments.known(placement, ("x15", *FITS), "placement")
        system = self.system
        if wanted in system.tasks:
            known = system.part(Task, task_path(wanted))
            if rule not in (None, known.map.placement):
                raise Refused(f"placement={rule!r}: {known!r} exists already; write its name alone to get it")
            return known
        pmap = system.pmap.create(wanted)
        vm_map = X15Map(
            f"{task_path(wanted)}/map",
            system.layout.user_start,
            system.layout.user_end,
            CachedEntries(system.kernel.entry_cache, system.kernel.identities, Entry),
            system.recorder,
            bits=system.layout.bits,
            unmap=pmap.unmap,
            quirks=system.quirks,
            assertions=True,
        )
        vm_map.tables = pmap
        vm_map.fit = FITS[rule]() if rule in FITS else None
        space = TaskSpace(wanted, vm_map, pmap)
        system.tasks[wanted] = space
        system.maps[vm_map.name] = vm_map
        system.processors.register(pmap, space)
        return system.part(Task, space.path)

    @operation
    def object(self, name: str, max_pages: int | None = None) -> MemoryObject:
        """A new memory object of anonymous pages, at most `max_pages` of them; an existing name gives that object."""
        wanted = arguments.part_name(name, "object name")
        limit = None if max_pages is None else arguments.whole(max_pages, "max_pages")
        system = self.system
        if wanted in system.objects:
            known = system.part(MemoryObject, f"object:{wanted}")
            if limit is not None and limit != getattr(known.pager, "max_pages", None):
                raise Refused(f"max_pages={limit}: {known!r} exists already; write its name alone to get it")
            return known
        system.objects[wanted] = VmObject(wanted, AnonymousPager.of(system, limit))
        return system.part(MemoryObject, f"object:{wanted}")

    @operation
    def device(self, name: str, at: int | str, size: int | str) -> MemoryObject:
        """A device's memory at physical addresses from `at` on, as an object that maps can map.

        It lies beyond RAM, and no device answers there in this machine: it can be mapped and walked, not read.
        """
        system, controls = self.system, self.system.controls
        wanted, start = arguments.part_name(name, "device name"), arguments.aligned(at, "at")
        length, fmt = arguments.aligned(size, "size"), system.pmap.fmt
        reach = 1 << min(fmt.physical_bits, fmt.rules.physical_limit(controls))
        if wanted in system.objects:
            raise Refused(f"device name {shown(wanted)}: there is an object of this name; choose another")
        if length == 0 or not system.ram_bytes <= start < start + length <= reach:
            where = f"{Address(system.ram_bytes)}, where RAM ends, and {Address(reach)}, the reach of a page descriptor"
            raise Refused(f"at={Address(start)} and size={length:#x}: a device lies between {where}")
        system.objects[wanted] = VmObject(wanted, DevicePager(start, length))
        return system.part(MemoryObject, f"object:{wanted}")
