"""The handles of memory objects."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

from ...base.errors import in_ascii
from ...base.units import PAGE_SHIFT, Address, Size, counted
from ...kernel.tasks.objects_schema import ObjectsValue
from ...kernel.tasks.pagers import AnonymousPager, CodePager, DevicePager
from ...kernel.tasks.vm_object import TaskObject
from ..system import Part, System


class MemoryObject(Part):
    """Memory that maps can map: a device's, or anonymous memory, whose pages are allocated when first touched.

    When no entry maps an object any longer, its pages are freed.  It can be mapped again, and is then empty.
    """

    def __init__(self, system: System, path: str) -> None:
        super().__init__(system, path)
        self.name = path.removeprefix("object:")

    @property
    def vm_object(self) -> TaskObject:
        """The kernel's own object."""
        return self.system.objects.get(self.name) or self.missing()

    @property
    def pager(self) -> AnonymousPager | CodePager | DevicePager:
        """The source of the object's pages."""
        pager = self.vm_object.pager
        assert isinstance(pager, (AnonymousPager, CodePager, DevicePager)), "the machine's objects have one of these"
        return pager

    @property
    def pages(self) -> dict[int, int]:
        """Resident pages: offset in bytes to frame."""
        return {index << PAGE_SHIFT: frame for index, frame in sorted(self.vm_object.pages.items())}

    @property
    def resident(self) -> Size:
        """The number of bytes in memory."""
        return Size(len(self.vm_object.pages) << PAGE_SHIFT)

    @in_ascii
    def __repr__(self) -> str:
        pager = self.pager
        if isinstance(pager, DevicePager):
            return f"<device {self.name!r}: {Size(pager.size)} at physical {Address(pager.start)}>"
        if isinstance(pager, CodePager):
            resident = counted(len(self.vm_object.pages), "page")
            return f"<pager {self.name!r}: {Size(pager.pages << PAGE_SHIFT)}, {resident} in memory>"
        limit = "" if pager.max_pages is None else f" of at most {pager.max_pages}"
        return f"<object {self.name!r}: {len(self.vm_object.pages)}{limit} pages resident>"


class MachineObjects(Part):
    """All memory objects of tasks, with and without a name: ``m.memory_objects``."""

    def value(self, first: int | None = None, named: Collection[str] = ()) -> ObjectsValue:
        """Return the objects as a frozen value, with the entries that map them.  O(objects + pages + entries).

        With `first`, at most `first` objects that no entry leads to are read.  The rest are only counted, which reads
        no more than their names, unless they are `named` or have pages in swap space.
        """
        system, memory = self.system, self.system.task_memory
        entries = {
            path: {entry.id: entry.fields() for entry in vm_map if isinstance(entry.object, TaskObject)}
            for path, vm_map in system.maps.items()
        }
        mapped = {path: those for path, those in entries.items() if those}
        names: Collection[str] = memory.objects
        if first is not None:
            wanted = {*named, *(user.name for users in memory.in_swap.values() for user, _ in users)}
            wanted.update(_behind(self._named(fields[3]) for those in mapped.values() for fields in those.values()))
            wanted.update(islice((name for name in names if name not in wanted), first))
            names = [name for name in names if name in wanted]
        found = {name: self._named(name).value() for name in names}
        every = system.files
        known = every if first is None else [one for name in found if (one := name.removeprefix("file ")) in every]
        files = {name: -1 if every[name].pager.gone else every[name].pager.size for name in known}
        left_out = len(memory.objects) - len(found)
        return ObjectsValue(found, mapped, files, memory.swap.slots, left_out, memory.fork.counts)

    def _named(self, name: str | None) -> TaskObject:
        one = self.system.task_memory.objects[name or ""]
        assert isinstance(one, TaskObject), "a machine's objects are X15's"
        return one

    @in_ascii
    def __repr__(self) -> str:
        objects = self.system.task_memory.objects
        resident = self.system.task_memory.resident
        return f"<{counted(len(objects), 'memory object')}: {counted(resident, 'page')} in memory>"


def _behind(objects: Iterable[TaskObject]) -> set[str]:
    """Return the names of these objects and of the objects behind them."""
    found: set[str] = set()
    for one in objects:
        at: TaskObject | None = one
        while at is not None and at.name not in found:
            found.add(at.name)
            at = at.shadow
    return found
