"""libbarrelfish's stubs: a program's calls of its slot allocator, the memory server, and the kernel.

Each call either succeeds, or raises :class:`~.errors.LibError` and has done nothing. Each is an event.  Barrelfish,
lib/barrelfish (libbarrelfish).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base.recorder import Recorder
from ..base.units import PAGE, Size
from .calls_schema import (
    CapabilityCopyInvoked,
    CapabilityDeleteInvoked,
    FrameAllocated,
    MallocCalled,
    MappingFlagsInvoked,
    SlotAllocated,
    SlotFreed,
    VnodeCreated,
    VnodeMapInvoked,
    VnodeUnmapInvoked,
)
from .capabilities import OBJ_TYPES, FrameIdentity, RamRegion
from .cpu_driver import CpuDriver
from .cspace import SlotAllocator
from .domain_schema import CapRef
from .errors import LibError, chain, pushing
from .memory_server import LARGEST, MemoryServer


class Stubs:
    """The stubs of one domain.

    `ram_pages_only` is early boot, when RAM comes in single pages: the rest of a table's page is wasted, and a table
    larger than a page can't be made.
    """

    __slots__ = ("domain", "kernel", "memory", "ram_pages_only", "recorder", "slots")

    def __init__(
        self,
        domain: str,
        kernel: CpuDriver,
        slots: SlotAllocator,
        memory: MemoryServer,
        recorder: Recorder,
        *,
        ram_pages_only: bool = False,
    ) -> None:
        self.domain = domain
        self.kernel = kernel
        self.slots = slots
        self.memory = memory
        self.recorder = recorder
        self.ram_pages_only = ram_pages_only

    # ---- slots and memory --------------------------------------------------------------------

    def slot_alloc(self) -> CapRef:
        """The lowest free slot; LIB_ERR_SLOT_ALLOC_NO_SPACE without one."""
        try:
            ref = self.slots.allocate()
        except LibError:
            self._report(SlotAllocated.tag, None)
            raise
        self._report(SlotAllocated.tag, ref)
        return ref

    def slot_free(self, ref: CapRef) -> None:
        """Free an empty slot."""
        if not self.kernel.cspace.is_empty(ref):
            raise LibError("LIB_ERR_SLOT_FREE", f"{ref} holds a capability still: delete that first")
        self.slots.free(ref)
        self._report(SlotFreed.tag, ref)

    def allocate_for_others(self, count: int) -> None:
        """Allocate the `count` lowest free slots for another part of the program; it is refused if there are fewer."""
        cnode = self.slots.cnode
        self.slots.allocate_for_others(count, lambda slot: self._report(SlotAllocated.tag, CapRef(cnode, slot)))

    def free_for_others(self, count: int) -> None:
        """Free the last `count` slots that other parts of the program allocated."""
        cnode = self.slots.cnode
        self.slots.free_for_others(count, lambda slot: self._report(SlotFreed.tag, CapRef(cnode, slot)))

    def vnode_create(self, ref: CapRef, kind: str) -> int:
        """Allocate RAM for a table of `kind`, retype it into the slot, and return its physical address.

        Raises LIB_ERR_RAM_ALLOC, MM_ERR_NOT_FOUND without RAM; the caller pushes LIB_ERR_VNODE_CREATE.
        """
        size = OBJ_TYPES[kind].bytes
        assert size is not None and OBJ_TYPES[kind].is_table, f"{kind} is a table's type"
        self.kernel.cspace.check_room(ref)
        granted = max(size, PAGE) if self.ram_pages_only else size
        base = self._allocate(granted, size, "table")
        self._report(VnodeCreated.tag, ref, kind, base)
        if base is None:
            raise self._no_ram("LIB_ERR_RAM_ALLOC", kind, size)
        self.kernel.install(ref, kind, base, size, RamRegion(base, granted))
        return base

    def frame_alloc(self, want: int) -> tuple[CapRef, int]:
        """Allocate a slot and a frame in it, and return the frame's size.

        The size is a power of two, at least a page and `want` bytes. Raises LIB_ERR_SLOT_ALLOC,
        LIB_ERR_SLOT_ALLOC_NO_SPACE; LIB_ERR_RAM_ALLOC_MS_CONSTRAINTS, MM_ERR_NOT_FOUND.
        """
        size = _power_of_two(want)
        with pushing("LIB_ERR_SLOT_ALLOC"):
            ref = self.slot_alloc()
        base = self._allocate(size, size, "frame")
        self._report(FrameAllocated.tag, ref, want, None if base is None else size, base)
        if base is None:
            self.slot_free(ref)
            raise self._no_ram("LIB_ERR_RAM_ALLOC_MS_CONSTRAINTS", "Frame", size)
        self.kernel.install(ref, "Frame", base, size, RamRegion(base, size))
        return ref, size

    def ram_alloc(self, ref: CapRef, want: int) -> None:
        """Allocate RAM in a slot; its size is a power of two, at least a page and `want` bytes."""
        size = _power_of_two(want)
        self.kernel.cspace.check_room(ref)
        base = self._allocate(size, size, "frame")
        if base is None:
            raise self._no_ram("LIB_ERR_RAM_ALLOC", "RAM", size)
        self.kernel.install(ref, "RAM", base, size, RamRegion(base, size))

    def malloc(self, want: int) -> None:
        """Allocate memory from the heap, which is the parent's and has no end; it is never freed."""
        self._report(MallocCalled.tag, want)

    # ---- capabilities ------------------------------------------------------------------------

    def cap_copy(self, ref: CapRef, source: CapRef) -> None:
        """Copy a capability into an empty slot."""
        self._report(CapabilityCopyInvoked.tag, ref, source)
        self.kernel.copy(ref, source)

    def cap_delete(self, ref: CapRef) -> None:
        """Delete the capability in a slot; with the last one of a table or a frame, its mappings are deleted too."""
        self._report(CapabilityDeleteInvoked.tag, ref)
        self.kernel.delete(ref)

    def frame_identify(self, ref: CapRef) -> FrameIdentity:
        """Return where a frame is, and how big."""
        return self.kernel.frame_identify(ref)

    # ---- mappings ----------------------------------------------------------------------------

    def vnode_map(
        self, table: CapRef, source: CapRef, entry: int, flags: int, offset: int, count: int, mapping: CapRef
    ) -> None:
        """Put `source`, from byte `offset` on, into `count` entries of `table`; the Mapping is made in `mapping`."""
        self._invoke(VnodeMapInvoked.tag, self.kernel.vnode_map, table, source, entry, flags, offset, count, mapping)

    def vnode_unmap(self, table: CapRef, mapping: CapRef) -> None:
        """Clear the entries of `mapping`, which are in `table`."""
        try:
            entry, count = self.kernel.vnode_unmap(table, mapping)
        except LibError as error:
            self._report(VnodeUnmapInvoked.tag, table, mapping, None, None, error.name)
            raise
        self._report(VnodeUnmapInvoked.tag, table, mapping, entry, count, None)

    def mapping_modify_flags(self, mapping: CapRef, offset: int, pages: int, flags: int) -> None:
        """Rewrite the rights of `pages` entries, from the mapping's entry `offset` on."""
        self._invoke(MappingFlagsInvoked.tag, self.kernel.mapping_modify_flags, mapping, offset, pages, flags)

    # ---- beneath -----------------------------------------------------------------------------

    def _allocate(self, size: int, align: int, purpose: str) -> int | None:
        return None if self.ram_pages_only and size > PAGE else self.memory.allocate(size, align, purpose)

    def _no_ram(self, name: str, kind: str, size: int) -> LibError:
        only = ", and only pages can be had so early" if self.ram_pages_only and size > PAGE else ""
        most = f": the largest piece that a memory server has is {Size(LARGEST)}" if size > LARGEST and not only else ""
        return chain(name, "MM_ERR_NOT_FOUND", detail=f"there is no RAM for a {kind} of {Size(size)}{only}{most}")

    def _invoke(self, tag: str, call: Callable[..., None], *asked: Any) -> None:
        """Make one call of the kernel; the event has the name of the kernel's error, if it refuses."""
        try:
            call(*asked)
        except LibError as error:
            self._report(tag, *asked, error.name)
            raise
        self._report(tag, *asked, None)

    def _report(self, tag: str, *fields: Any) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((tag, self.domain, *fields))


def _power_of_two(want: int) -> int:
    return max(PAGE, 1 << (want - 1).bit_length())
