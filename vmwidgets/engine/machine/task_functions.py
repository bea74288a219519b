"""The functions of a machine that make tasks and memory objects."""

from __future__ import annotations

from functools import partial

from ..base.errors import Refused, shown
from ..base.operations import operation
from ..base.units import Address
from ..kernel.map.core import CachedEntries, Entry
from ..kernel.map.fits import FITS
from ..kernel.map.vm_object import VmObject
from ..kernel.x15.vm_map import X15Map
from . import checks
from .kernel import unmap
from .objects import AnonymousPager, DevicePager, MemoryObject
from .spaces import TaskSpace, task_path
from .system import Part
from .tasks import Task


class TaskFunctions(Part):
    """The functions of a machine that make what has a name: tasks, and the memory objects that maps can map."""

    @operation
    def task(self, name: str, placement: str | None = None) -> Task:
        """A new task with an empty address space (`vm_map_create`); an existing name gives that task.

        `placement` is the rule by which its map is searched for room: "x15" (X15's own), "first", "best", "worst" or
        "next".  NOMEM without a page for its root table.
        """
        wanted = checks.part_name(name, "task name")
        rule = None if placement is None else checks.known(placement, ("x15", *FITS), "placement")
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
            unmap=partial(unmap, pmap),
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
        wanted = checks.part_name(name, "object name")
        limit = None if max_pages is None else checks.whole(max_pages, "max_pages")
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
        wanted, start = checks.part_name(name, "device name"), checks.aligned(at, "at")
        length, fmt = checks.aligned(size, "size"), system.pmap.fmt
        reach = 1 << min(fmt.physical_bits, fmt.rules.physical_limit(controls))
        if wanted in system.objects:
            raise Refused(f"device name {shown(wanted)}: there is an object of this name; choose another")
        if length == 0 or not system.ram_bytes <= start < start + length <= reach:
            where = f"{Address(system.ram_bytes)}, where RAM ends, and {Address(reach)}, the reach of a page descriptor"
            raise Refused(f"at={Address(start)} and size={length:#x}: a device lies between {where}")
        system.objects[wanted] = VmObject(wanted, DevicePager(start, length))
        return system.part(MemoryObject, f"object:{wanted}")
