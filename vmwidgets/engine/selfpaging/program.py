"""The program's stubs: what a self-paging program's library does with slots, memory and the kernel's calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..base.events import (
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
from ..base.recorder import Recorder
from ..base.units import PAGE, Size
from ..base.values.domains import CapRef
from .capabilities import KINDS, Grant
from .cpu_driver import KernelSide
from .cspace import SlotAllocator
from .errors import LibError, chain
from .invocations import LARGEST, FrameIdentity, MemoryServer


class Program:
    """The :class:`.invocations.Invocations` of one domain; each is an event, refused or not.

    `ram_pages_only` is early boot, when RAM comes in pages only: of the page that a table lies in the rest is wasted,
    and a table bigger than a page can't be made.
    """

    __slots__ = ("domain", "heap_bytes", "kernel", "memory", "ram_pages_only", "recorder", "slots")

    def __init__(
        self,
        domain: str,
        kernel: KernelSide,
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
        self.heap_bytes = 0
        """Bytes that came from the heap; none go back."""

    # ---- slots and memory --------------------------------------------------------------------

    def slot_alloc(self) -> CapRef:
        """The lowest free slot; LIB_ERR_SLOT_ALLOC_NO_SPACE without one."""
        try:
            ref = self.slots.alloc()
        except LibError:
            self._tell(SlotAllocated.tag, None)
            raise
        self._tell(SlotAllocated.tag, ref)
        return ref

    def slot_free(self, ref: CapRef) -> None:
        """Give a slot back, which holds nothing."""
        if not self.kernel.cspace.is_empty(ref):
            raise LibError("LIB_ERR_SLOT_FREE", f"{ref} holds a capability still: delete that first")
        self.slots.free(ref)
        self._tell(SlotFreed.tag, ref)

    def take_slots(self, count: int) -> None:
        """Somebody else in the program takes the `count` lowest free slots; all of them, or it is refused."""
        for slot in self.slots.take(count):
            self._tell(SlotAllocated.tag, CapRef(self.slots.cnode, slot))

    def give_slots(self, count: int) -> None:
        """Somebody else in the program gives back the `count` slots that they took last."""
        for slot in self.slots.give_back(count):
            self._tell(SlotFreed.tag, CapRef(self.slots.cnode, slot))

    def vnode_create(self, ref: CapRef, kind: str) -> int:
        """RAM for a table of `kind`, retyped into the slot; its physical address."""
        size = KINDS[kind].bytes
        assert size is not None and KINDS[kind].is_table, f"{kind} is a table's kind"
        self.kernel.cspace.check_room(ref)
        granted = max(size, PAGE) if self.ram_pages_only else size
        base = self._give(granted, size, "table")
        self._tell(VnodeCreated.tag, ref, kind, base)
        if base is None:
            raise chain("LIB_ERR_RAM_ALLOC", "MM_ERR_NOT_FOUND", detail=self._no_ram(kind, size))
        self.kernel.install(ref, kind, base, size, Grant(base, granted, "table"))
        return base

    def frame_alloc(self, want: int) -> tuple[CapRef, int]:
        """A slot and a frame in it, of a power of two of bytes, at least a page and at least `want`; its bytes."""
        size = _power_of_two(want)
        try:
            ref = self.slot_alloc()
        except LibError as error:
            raise error.push("LIB_ERR_SLOT_ALLOC") from error
        base = self._give(size, size, "frame")
        self._tell(FrameAllocated.tag, ref, want, None if base is None else size, base)
        if base is None:
            self.slot_free(ref)
            names = ("LIB_ERR_RAM_ALLOC_MS_CONSTRAINTS", "MM_ERR_NOT_FOUND")
            raise chain(*names, detail=self._no_ram("Frame", size))
        self.kernel.install(ref, "Frame", base, size, Grant(base, size, "frame"))
        return ref, size

    def ram_alloc(self, ref: CapRef, want: int) -> int:
        """RAM of a power of two of bytes, at least a page and at least `want`, in a slot; its bytes."""
        size = _power_of_two(want)
        self.kernel.cspace.check_room(ref)
        base = self._give(size, size, "frame")
        if base is None:
            raise chain("LIB_ERR_RAM_ALLOC", "MM_ERR_NOT_FOUND", detail=self._no_ram("RAM", size))
        self.kernel.install(ref, "RAM", base, size, Grant(base, size, "frame"))
        return size

    def malloc(self, want: int) -> None:
        """Memory from the heap, which is the parent's and has no end."""
        self._tell(MallocCalled.tag, want)
        self.heap_bytes += want

    # ---- capabilities ------------------------------------------------------------------------

    def cap_copy(self, ref: CapRef, source: CapRef) -> None:
        """Copy a capability into an empty slot."""
        self._tell(CapabilityCopyInvoked.tag, ref, source)
        self.kernel.copy(ref, source)

    def cap_delete(self, ref: CapRef) -> None:
        """Delete the capability in a slot; the last one of a table or a frame takes its mappings with it."""
        self._tell(CapabilityDeleteInvoked.tag, ref)
        self.kernel.delete(ref)

    def frame_identify(self, ref: CapRef) -> FrameIdentity:
        """Where a frame is, and how big."""
        return self.kernel.frame_identify(ref)

    # ---- mappings ----------------------------------------------------------------------------

    def vnode_map(
        self, table: CapRef, source: CapRef, entry: int, flags: int, offset: int, count: int, mapping: CapRef
    ) -> None:
        """Put `source`, from byte `offset` on, into `count` entries of `table`; the Mapping goes to `mapping`."""
        asked = (table, source, entry, flags, offset, count, mapping)
        with self._invoking(VnodeMapInvoked.tag, *asked):
            self.kernel.vnode_map(*asked)
        self._tell(VnodeMapInvoked.tag, *asked, None)

    def vnode_unmap(self, table: CapRef, mapping: CapRef) -> None:
        """Clear the entries that `mapping` tells."""
        with self._invoking(VnodeUnmapInvoked.tag, table, mapping, None, None):
            entry, count = self.kernel.vnode_unmap(table, mapping)
        self._tell(VnodeUnmapInvoked.tag, table, mapping, entry, count, None)

    def mapping_modify_flags(self, mapping: CapRef, offset: int, pages: int, flags: int) -> None:
        """Rewrite the rights of `pages` entries, from the mapping's entry `offset` on."""
        asked = (mapping, offset, pages, flags)
        with self._invoking(MappingFlagsInvoked.tag, *asked):
            self.kernel.mapping_modify_flags(*asked)
        self._tell(MappingFlagsInvoked.tag, *asked, None)

    # ---- beneath -----------------------------------------------------------------------------

    def _give(self, size: int, align: int, purpose: str) -> int | None:
        return None if self.ram_pages_only and size > PAGE else self.memory.give(size, align, purpose)

    def _no_ram(self, kind: str, size: int) -> str:
        only = ", and only pages can be had so early" if self.ram_pages_only and size > PAGE else ""
        most = f": the largest piece that a memory server has is {Size(LARGEST)}" if size > LARGEST and not only else ""
        return f"there is no RAM for a {kind} of {Size(size)}{only}{most}"

    @contextmanager
    def _invoking(self, tag: str, *fields: Any) -> Iterator[None]:
        """A call that is refused is told of with the kernel's word for it."""
        try:
            yield
        except LibError as error:
            self._tell(tag, *fields, error.name)
            raise

    def _tell(self, tag: str, *fields: Any) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((tag, self.domain, *fields))


def _power_of_two(want: int) -> int:
    return max(PAGE, 1 << (want - 1).bit_length())
