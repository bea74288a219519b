"""Memory objects as learners hold them."""

from __future__ import annotations

from ...base.units import PAGE_SHIFT, Address, Size, counted
from ...kernel.tasks.memory_object import TaskObject
from ...kernel.tasks.objects_schema import ObjectsValue, ObjectValue
from ...kernel.tasks.pagers import AnonymousPager, CodePager, DevicePager
from ..system import Part, System


class MemoryObject(Part):
    """Memory that maps can map: anonymous, whose pages come when they are touched, or a device's.

    An object that no entry maps any more gives its pages back; it can be mapped again and is then empty.
    """

    def __init__(self, system: System, path: str) -> None:
        super().__init__(system, path)
        self.name = path.removeprefix("object:")

    @property
    def vm_object(self) -> TaskObject:
        """The kernel's own."""
        return self.system.objects.get(self.name) or self.missing()

    @property
    def pager(self) -> AnonymousPager | CodePager | DevicePager:
        """Where its pages come from."""
        pager = self.vm_object.pager
        assert isinstance(pager, (AnonymousPager, CodePager, DevicePager)), "the machine's objects have one of these"
        return pager

    @property
    def pages(self) -> dict[int, int]:
        """Resident pages: offset in bytes to frame."""
        return {index << PAGE_SHIFT: frame for index, frame in sorted(self.vm_object.pages.items())}

    @property
    def resident(self) -> Size:
        """Bytes that are in memory."""
        return Size(len(self.vm_object.pages) << PAGE_SHIFT)

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
    """All memory objects that tasks have, with and without a name: ``m.memory_objects``."""

    def value(self) -> ObjectsValue:
        """They as a frozen value, with who maps them.  O(objects + pages + entries)."""
        system = self.system
        found: dict[str, ObjectValue] = {}
        for name, one in system.task_memory.objects.items():
            assert isinstance(one, TaskObject), "a machine's objects are X15's"
            found[name] = one.value()
        entries = {
            path: {entry.id: entry.fields() for entry in vm_map if isinstance(entry.object, TaskObject)}
            for path, vm_map in system.maps.items()
        }
        files = {name: -1 if one.pager.gone else one.pager.size for name, one in system.files.items()}
        mapped = {path: those for path, those in entries.items() if those}
        return ObjectsValue(found, mapped, files, system.task_memory.swap.slots)

    def __repr__(self) -> str:
        objects = self.system.task_memory.objects
        resident = self.system.task_memory.resident
        return f"<{counted(len(objects), 'memory object')}: {counted(resident, 'page')} in memory>"
