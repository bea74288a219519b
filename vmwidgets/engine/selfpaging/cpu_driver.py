"""The CPU driver: the part of Barrelfish's kernel that self-paging programs need, and their library's calls of it.

It makes, copies and deletes capabilities, and only it writes page tables. A program names slots, and the kernel looks
up their capabilities: no call trusts an address. Checks and errors are those of the ARMv7 kernel of August 2016
(`caps_map_l1`, `caps_map_l2` and related functions), with one difference: where that kernel panics, or checks only the
first of several entries, a request is refused here.  The memory server allocates the physical memory: pages of a page
allocator, and parts of pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any, Protocol

from ..base.frozen import frozen
from ..base.recorder import Recorder, kernel_function
from ..base.units import PAGE, PAGE_SHIFT, Size
from ..memory.pages import PageAllocator
from ..memory.pages_schema import MAX_ORDER
from ..memory.ram import Ram
from ..mmu.editor import HandEdits, TableEditor
from ..mmu.format import TableFormat
from ..mmu.levels import Descriptor, Level
from .calls_schema import (
    CapabilityCopyInvoked,
    CapabilityDeleted,
    CapabilityDeleteInvoked,
    CapabilityMade,
    FrameAllocated,
    MallocCalled,
    MappingFlagsInvoked,
    VnodeCreated,
    VnodeMapInvoked,
    VnodeUnmapInvoked,
)
from .capabilities import (
    CAP_RIGHTS,
    MAPPING,
    OBJ_TYPES,
    Capability,
    CapObject,
    Cspace,
    FrameIdentity,
    Mapping,
    MappingDatabase,
    RamRegion,
    SlotAllocator,
    check_rights,
    common_rights,
)
from .domain_schema import CapRef
from .errors import FRAME_OVERRUN, LibError, chain
from .flags import EXECUTE, NOCACHE, READ, WRITE

# ---- the memory server -------------------------------------------------------------------------


LARGEST = PAGE << MAX_ORDER
"""The size in bytes of the largest region that a page allocator has."""


class MemoryServer(Protocol):
    """The source of a domain's memory: a machine's page allocator, or a recording."""

    def allocate(self, size: int, align: int, purpose: str) -> int | None:
        """Return the physical address of `size` bytes, aligned to `align`, for a "table" or a "frame"; or None."""

    def free(self, base: int, size: int) -> None:
        """Free what :meth:`allocate` returned for that size."""


class PageMemory:
    """Allocates regions of a power of two from `pages`, in the name of `owner`.

    Regions smaller than a page share pages.

    >>> from vmwidgets.engine.base.recorder import Recorder
    >>> memory = PageMemory(PageAllocator(Recorder(), 256, 1024), "a")
    >>> first, second = memory.allocate(1024, 1024, "table"), memory.allocate(1024, 1024, "table")
    >>> second - first, memory.pages.owners
    (1024, (('a', 1),))
    """

    __slots__ = ("_count", "_free", "_open", "_shared", "owner", "pages")

    def __init__(self, pages: PageAllocator, owner: str) -> None:
        self.pages = pages
        self.owner = owner
        self._free: dict[tuple[int, int], list[int]] = {}
        """The free parts of each page that is shared, by its address and the size of its parts; the next one last."""
        self._open: dict[int, list[tuple[int, int]]] = {}
        """Heaps by size of parts: the count at which a page became shared, and its address, for pages with a free
        part."""
        self._shared: dict[tuple[int, int], int] = {}
        """The count at which each page became shared."""
        self._count = 0

    def allocate(self, size: int, align: int, purpose: str) -> int | None:
        """Return a region of at least `size` and `align` bytes; None if no such block of pages is left."""
        rounded = _rounded(max(size, align))
        return self._part(rounded) if rounded < PAGE else self._block(rounded)

    def free(self, base: int, size: int) -> None:
        """Free a region; a shared page is returned to the page allocator when all its parts are free."""
        rounded = _rounded(size)
        if rounded >= PAGE:
            self.pages.free(base >> PAGE_SHIFT, _order(rounded))
            return
        page = base & -PAGE, rounded
        parts = self._free[page]
        parts.append(base)
        if len(parts) == PAGE // rounded:
            del self._free[page], self._shared[page]
            self.pages.free(base >> PAGE_SHIFT, 0)
        elif len(parts) == 1:
            heappush(self._open[rounded], (self._shared[page], page[0]))

    def _block(self, size: int) -> int | None:
        frame = None if size > LARGEST else self.pages.allocate(_order(size), self.owner)
        return None if frame is None else frame << PAGE_SHIFT

    def _part(self, size: int) -> int | None:
        """Return a free part of the page that was shared first among those with one. O(log shared pages)."""
        heap = self._open.setdefault(size, [])
        while heap:
            when, page = heap[0]
            if self._shared.get((page, size)) == when and self._free[page, size]:
                return self._free[page, size].pop()
            heappop(heap)
        fresh = self._block(PAGE)
        if fresh is not None:
            self._count += 1
            when = self._shared[fresh, size] = self._count
            self._free[fresh, size] = list(range(fresh + PAGE - size, fresh, -size))
            heappush(heap, (when, fresh))
        return fresh


def _rounded(size: int) -> int:
    return 1 << (size - 1).bit_length()


def _order(size: int) -> int:
    return size.bit_length() - 1 - PAGE_SHIFT


EXECUTE_NEVER = "execute-never"

HARDENINGS = {EXECUTE_NEVER: "what is mapped without EXECUTE can't be run (XN, XD): the original never sets it"}
"""The options that the original does not have."""


# ---- descriptors -------------------------------------------------------------------------------


@frozen
class Encoding:
    """The fields that the kernel writes in a format's descriptors, by name: in a table's, in every leaf, and by flags.

    ARMv7: Barrelfish's `paging_set_l2_entry` and related functions. B is always 1, and C is 1 unless NOCACHE; AP is 3
    with WRITE, otherwise 2 with READ, otherwise 0. EXECUTE changes nothing: XN is never set, so readable memory can be
    executed.
    """

    table: dict[str, int]
    leaf: dict[str, int]
    cache: dict[str, tuple[int, int]]
    """Cached, uncached."""
    access: dict[str, tuple[int, int, int]]
    """For no access, READ, WRITE."""
    never: str
    """The field that forbids execution of mapped memory."""
    global_leaves: bool = False
    """Whether leaves are global: processors keep them when other tables are loaded, unless everything is dropped."""

    def table_word(self, level: Level, base: int) -> int:
        """Return the descriptor, in a table of `level`, of the table at physical `base`."""
        descriptor = level.of_kind("table")
        assert descriptor is not None, f"a {level.name} refers to tables"
        return descriptor.place(base) | _put(descriptor, self.table)

    def leaf_word(self, level: Level, base: int, flags: int, *, never: bool = False) -> int:
        """Return the descriptor that maps the page at physical `base`; `never` is the hardening "execute-never".

        >>> from vmwidgets.engine.mmu.formats.armv7 import FIRST, SECOND
        >>> arm = ENCODINGS["armv7"]
        >>> hex(arm.leaf_word(SECOND, 0, READ | WRITE)), hex(arm.leaf_word(FIRST, 0, READ))
        ('0x3e', '0x80e')
        """
        return self.leaf_words(level, base, flags, 1, never=never)[0]

    def leaf_words(self, level: Level, base: int, flags: int, count: int, *, never: bool = False) -> tuple[int, ...]:
        """Return the descriptors of `count` contiguous pages, the first at physical `base`."""
        descriptor = level.of_kind("leaf")
        assert descriptor is not None, f"a {level.name} maps pages"
        fields, step = _put(descriptor, self._fields(flags, never)), level.span
        last = base + (count - 1) * step
        if descriptor.in_place is not None and not (base | last) & ~descriptor.in_place:
            first = descriptor.place(base) | fields  # the address is in the word as it is: words are a page apart too
            return tuple(range(first, first + count * step, step))
        return tuple(descriptor.place(base + at * step) | fields for at in range(count))

    def with_flags(self, level: Level, words: Iterable[int], flags: int, *, never: bool = False) -> tuple[int, ...]:
        """Return descriptors of leaves with other flags, and everything else unchanged."""
        fields = self._fields(flags, never)
        masks: dict[int, tuple[int, int]] = {}  # by the descriptor's id: those of a level live as long as it
        made: list[int] = []
        for word in words:
            descriptor = level.read_as(word)
            if id(descriptor) not in masks:
                mask = sum(field.mask for field in descriptor.fields if field.name in fields)
                masks[id(descriptor)] = ~mask, _put(descriptor, fields)
            kept, put = masks[id(descriptor)]
            made.append(word & kept | put)
        return tuple(made)

    def _fields(self, flags: int, never: bool) -> dict[str, int]:
        access = 2 if flags & WRITE else 1 if flags & READ else 0
        fields = dict(self.leaf)
        fields.update({name: values[bool(flags & NOCACHE)] for name, values in self.cache.items()})
        fields.update({name: values[access] for name, values in self.access.items()})
        if never:
            fields[self.never] = int(not flags & EXECUTE)
        return fields


def _put(descriptor: Descriptor, values: dict[str, int]) -> int:
    word = 0
    for name, value in values.items():
        field = descriptor.field(name)
        assert field is not None, f"{descriptor.name} has {name}"
        word |= value << field.low
    return word


ENCODINGS = {
    "armv7": Encoding({}, {"B": 1}, {"C": (1, 0)}, {"AP": (0, 2, 3)}, "XN", global_leaves=True),
    "x86-64": Encoding({"R/W": 1, "U/S": 1}, {}, {"PCD": (0, 1)}, {"R/W": (0, 0, 1), "U/S": (0, 1, 1)}, "XD"),
}
"""The fields by format.

Without access, an ARM entry stays valid with AP 0; its counterpart on x86-64 is an entry for the supervisor only.
"""


# ---- the driver --------------------------------------------------------------------------------


class CpuDriver:
    """The kernel's calls for the program `domain`.

    A call that raises :class:`~.errors.LibError` has done nothing.  `flush` drops the program's translations that
    processors have cached. `edits` are descriptors edited by hand; an edit ends when the kernel writes the descriptor.
    It supports the quirk "frame-overrun", and all hardenings (:data:`HARDENINGS`).
    """

    def __init__(
        self,
        domain: str,
        cspace: Cspace,
        ram: Ram,
        fmt: TableFormat[Any],
        memory: MemoryServer,
        recorder: Recorder,
        *,
        quirks: frozenset[str] = frozenset(),
        hardening: frozenset[str] = frozenset(),
        flush: Callable[[], None] = lambda: None,
        edits: HandEdits | None = None,
    ) -> None:
        self.domain = domain
        self.cspace = cspace
        self.ram = ram
        self.fmt = fmt
        self.memory = memory
        self.recorder = recorder
        self.ram_pages_only = False
        """Early boot: RAM comes in single pages, so the rest of a table's page is wasted, and no table is larger."""
        self.database = MappingDatabase()
        self._editor: TableEditor[Any] = TableEditor(ram, fmt, recorder, edits)
        self._encoding = ENCODINGS[fmt.name]
        self._first_page_only = FRAME_OVERRUN in quirks
        self._never = EXECUTE_NEVER in hardening
        self._flush = flush

    # ---- memory: libbarrelfish's calls of the memory server ----------------------------------

    def vnode_create(self, ref: CapRef, kind: str) -> int:
        """Allocate RAM for a table of `kind`, retype it into the slot, and return its physical address.

        Raises LIB_ERR_RAM_ALLOC, MM_ERR_NOT_FOUND without RAM; the caller pushes LIB_ERR_VNODE_CREATE.
        """
        size = OBJ_TYPES[kind].bytes
        assert size is not None and OBJ_TYPES[kind].is_table, f"{kind} is a table's type"
        self.cspace.check_room(ref)
        granted = max(size, PAGE) if self.ram_pages_only else size
        base = self._ram(granted, size, "table")
        self.recorder.report(VnodeCreated.tag, self.domain, ref, kind, base)
        if base is None:
            raise self._no_ram("LIB_ERR_RAM_ALLOC", kind, size)
        self.install(ref, kind, base, size, RamRegion(base, granted))
        return base

    def frame_alloc(self, slots: SlotAllocator, want: int) -> tuple[CapRef, int]:
        """Allocate a slot and a frame in it, and return the frame's size.

        The size is a power of two, at least a page and `want` bytes. Raises LIB_ERR_SLOT_ALLOC,
        LIB_ERR_SLOT_ALLOC_NO_SPACE; LIB_ERR_RAM_ALLOC_MS_CONSTRAINTS, MM_ERR_NOT_FOUND.
        """
        size = _power_of_two(want)
        ref = slots.allocate()
        base = self._ram(size, size, "frame")
        self.recorder.report(FrameAllocated.tag, self.domain, ref, want, None if base is None else size, base)
        if base is None:
            slots.free(ref)
            raise self._no_ram("LIB_ERR_RAM_ALLOC_MS_CONSTRAINTS", "Frame", size)
        self.install(ref, "Frame", base, size, RamRegion(base, size))
        return ref, size

    def ram_alloc(self, ref: CapRef, want: int) -> None:
        """Allocate RAM in a slot; its size is a power of two, at least a page and `want` bytes."""
        size = _power_of_two(want)
        self.cspace.check_room(ref)
        base = self._ram(size, size, "frame")
        if base is None:
            raise self._no_ram("LIB_ERR_RAM_ALLOC", "RAM", size)
        self.install(ref, "RAM", base, size, RamRegion(base, size))

    def malloc(self, want: int) -> None:
        """Allocate memory from the heap, which is the parent's and has no end; it is never freed."""
        self.recorder.report(MallocCalled.tag, self.domain, want)

    def _ram(self, size: int, align: int, purpose: str) -> int | None:
        return None if self.ram_pages_only and size > PAGE else self.memory.allocate(size, align, purpose)

    def _no_ram(self, name: str, kind: str, size: int) -> LibError:
        only = ", and only pages can be had so early" if self.ram_pages_only and size > PAGE else ""
        most = f": the largest piece that a memory server has is {Size(LARGEST)}" if size > LARGEST and not only else ""
        return chain(name, "MM_ERR_NOT_FOUND", detail=f"there is no RAM for a {kind} of {Size(size)}{only}{most}")

    # ---- capabilities ------------------------------------------------------------------------

    def install(self, ref: CapRef, kind: str, base: int, size: int, ram: RamRegion | None = None) -> None:
        """Make the first capability to some memory, as the boot and the memory server do."""
        self.cspace.check_room(ref)
        made = CapObject(self.database.next_number(), OBJ_TYPES[kind], base, size, None, ram)
        self._make(ref, made, CAP_RIGHTS, None, "create", zeroed=ram is not None or made.kind.is_table)

    @kernel_function("caps_retype", errors=True)
    def retype(self, ref: CapRef, source: CapRef, kind: str, offset: int = 0, size: int | None = None) -> None:
        """Make a capability of `kind` to [offset, offset + size) of a `source`'s object; `size` None: to the rest.

        A table has its own size. Raises SYS_ERR_INVALID_RETYPE, and SYS_ERR_REVOKE_FIRST if that part was retyped
        before. O(capabilities that were retyped from the source).
        """
        held = self.cspace.lookup(source, invoke=True)
        self.cspace.check_room(ref)
        of = held.object
        wanted = of.size_to_retype(kind, offset, size)
        made = CapObject(self.database.next_number(), OBJ_TYPES[kind], of.base + offset, wanted, of, of.ram)
        self._make(ref, made, held.rights, source, "retype", zeroed=of.kind.name == "RAM")

    def cap_copy(self, ref: CapRef, source: CapRef) -> None:
        """Copy a capability into an empty slot, as :meth:`mint` does, with all its rights."""
        self.recorder.report(CapabilityCopyInvoked.tag, self.domain, ref, source)
        self.mint(ref, source, CAP_RIGHTS, how="copy")

    @kernel_function("caps_copy_to_cte", errors=True)
    def mint(self, ref: CapRef, source: CapRef, rights: str, *, how: str = "mint") -> None:
        """Copy a capability with at most `rights`, letters of "rwg"; it must carry the right to grant.

        Its cspace may be another program's.
        """
        held = self.cspace.lookup(source)
        self.cspace.check_room(ref)
        if held.object.kind.name in ("Mapping", "CNode"):
            raise LibError("SYS_ERR_ILLEGAL_INVOCATION", f"a {held.object.kind.name} can't be copied")
        if "g" not in held.rights:
            raise LibError("SYS_ERR_VM_MAP_RIGHTS", f"{source} does not carry the right to grant")
        self._add(ref, held.object, common_rights(rights, held.rights), source, how)

    def cap_delete(self, ref: CapRef) -> None:
        """Make the program's call of :meth:`delete`."""
        self.recorder.report(CapabilityDeleteInvoked.tag, self.domain, ref)
        self.delete(ref)

    @kernel_function("caps_delete", errors=True)
    def delete(self, ref: CapRef) -> None:
        """Empty a slot.

        With the last capability of a table or a frame, its mappings are deleted, and its memory is freed.
        """
        if self._delete(self.cspace.lookup(ref), "delete"):
            self._flush()

    @kernel_function("caps_revoke", errors=True)
    def revoke(self, ref: CapRef) -> None:
        """Delete everything made from a capability, all its mappings, and then its other copies.

        O(deleted capabilities).
        """
        held = self.cspace.lookup(ref, invoke=True)
        cleared = False
        for one in list(held.object.descendants()):
            for capability in list(one.capabilities.values()):
                cleared |= self._delete(capability, "revoke")
        cleared |= self._delete_all(held.object.mappings, "revoke")
        for capability in list(held.object.capabilities.values()):
            if capability is not held:
                cleared |= self._delete(capability, "revoke")
        if cleared:
            self._flush()

    def frame_identify(self, ref: CapRef) -> FrameIdentity:
        """Return a frame's address and size."""
        held = self.cspace.lookup(ref, invoke=True).object
        if not held.kind.is_frame:
            raise LibError("SYS_ERR_ILLEGAL_INVOCATION", f"{ref} holds a {held.kind.name}, and is not a frame")
        return FrameIdentity(held.base, held.bytes)

    # ---- mappings ----------------------------------------------------------------------------

    def vnode_map(
        self, table: CapRef, source: CapRef, entry: int, flags: int, offset: int, count: int, mapping: CapRef
    ) -> None:
        """Put `source`, from byte `offset` on, into `count` entries of `table`; the Mapping is made in `mapping`."""
        self._invoke(VnodeMapInvoked.tag, self._caps_copy_to_vnode, table, source, entry, flags, offset, count, mapping)

    @kernel_function(errors=True)
    def _caps_copy_to_vnode(
        self, table: CapRef, source: CapRef, entry: int, flags: int, offset: int, count: int, mapping: CapRef
    ) -> None:
        into = self.cspace.lookup(table, invoke=True)
        what = self.cspace.lookup(source, invoke=True)
        self.cspace.check_room(mapping)
        level = self._level_of(into)
        self._check_map(into, what, level, entry, flags, offset, count)
        before = self._editor.words(level, into.object.base, entry, entry + count - 1)
        if any(before):
            used = next(at for at, word in enumerate(before) if word)
            raise LibError("SYS_ERR_VNODE_SLOT_INUSE", f"entry {entry + used} of the table holds something")
        self._write(into.object, entry, self._words(level, what.object, offset, flags, count))
        self._add_mapping(mapping, into.object, what, level, entry, offset, count)

    def vnode_unmap(self, table: CapRef, mapping: CapRef) -> None:
        """Clear the entries of `mapping`, which are in `table`.  The Mapping stays."""
        try:
            entry, count = self._page_mappings_unmap(table, mapping)
        except LibError as error:
            self.recorder.report(VnodeUnmapInvoked.tag, self.domain, table, mapping, None, None, error.name)
            raise
        self.recorder.report(VnodeUnmapInvoked.tag, self.domain, table, mapping, entry, count, None)

    @kernel_function(errors=True)
    def _page_mappings_unmap(self, table: CapRef, mapping: CapRef) -> tuple[int, int]:
        """Clear the entries of `mapping`; returns the first entry and their number."""
        into = self.cspace.lookup(table, invoke=True).object
        held = self._mapping(mapping)
        if held.table is not into:
            raise LibError("SYS_ERR_WRONG_MAPPING", f"{mapping} is not a mapping in the table {table}")
        held.check_range(0, held.count)
        self._clear(held)
        self._flush()
        return held.entry, held.count

    def mapping_modify_flags(self, mapping: CapRef, offset: int, count: int, flags: int) -> None:
        """Give `count` entries, from the mapping's entry `offset` on, other flags; they map the same memory."""
        self._invoke(MappingFlagsInvoked.tag, self._page_mappings_modify_flags, mapping, offset, count, flags)

    @kernel_function(errors=True)
    def _page_mappings_modify_flags(self, mapping: CapRef, offset: int, count: int, flags: int) -> None:
        held = self._mapping(mapping)
        held.check_range(offset, count)
        if held.source.kind.is_table:
            raise LibError("SYS_ERR_ILLEGAL_INVOCATION", f"{mapping} maps a table, which has no flags")
        check_rights(held.rights, flags)
        level = self.fmt.level(held.table.kind.level)
        entry = held.entry + offset
        before = self._editor.words(level, held.table.base, entry, entry + count - 1)
        self._write(held.table, entry, self._encoding.with_flags(level, before, flags, never=self._never))
        self._flush()

    def _invoke(self, tag: str, call: Callable[..., None], *asked: Any) -> None:
        """Make one call of the kernel; its event follows, with the name of the kernel's error, if it refuses."""
        try:
            call(*asked)
        except LibError as error:
            self.recorder.report(tag, self.domain, *asked, error.name)
            raise
        self.recorder.report(tag, self.domain, *asked, None)

    # ---- deciding ----------------------------------------------------------------------------

    def _check_map(
        self, into: Capability, what: Capability, level: Level, entry: int, flags: int, offset: int, count: int
    ) -> None:
        """Refuse a map because of place and size, types, or rights.

        This does not check whether the entries are free.
        """
        table, source = into.object, what.object
        if source.kind.name not in table.kind.holds:
            why = f"a {source.kind.name} can't be put into a {table.kind.name}"
            raise LibError("SYS_ERR_DEST_TYPE_INVALID", why)
        table.kind.check_entries(entry, count)
        if source.kind.is_table:
            source.check_map_table(offset, count)
        else:
            source.check_map_frame(level.span, offset, 1 if self._first_page_only else count)
        check_rights(what.rights, flags)
        if "w" not in into.rights:
            raise LibError("SYS_ERR_VM_MAP_RIGHTS", f"the capability in {into.ref} does not allow to write the table")

    def _mapping(self, ref: CapRef) -> Mapping:
        held = self.cspace.lookup(ref, invoke=True).object
        if not isinstance(held, Mapping):
            raise LibError("SYS_ERR_CAP_NOT_FOUND", f"{ref} holds a {held.kind.name}, and is not a Mapping")
        return held

    def _level_of(self, table: Capability) -> Level:
        kind = table.object.kind
        if not kind.is_table:
            raise LibError("SYS_ERR_DEST_TYPE_INVALID", f"{table.ref} holds a {kind.name}, and is not a table")
        return self.fmt.level(kind.level)

    # ---- tables ------------------------------------------------------------------------------

    def _write(self, table: CapObject, entry: int, words: tuple[int, ...]) -> None:
        """Write descriptors into the entries of a table from `entry` on."""
        level = self.fmt.level(table.kind.level)
        self._editor.write_range(level, table.base, entry, table.va + (entry << level.shift), words)

    def _words(self, level: Level, source: CapObject, offset: int, flags: int, count: int) -> tuple[int, ...]:
        """Return the descriptors of `count` entries that refer to `source` from byte `offset` on."""
        base = source.base + offset
        if source.kind.is_table:
            return (self._encoding.table_word(level, base),) * count
        return self._encoding.leaf_words(level, base, flags, count, never=self._never)

    def _clear(self, mapping: Mapping) -> None:
        self._write(mapping.table, mapping.entry, (0,) * mapping.count)
        self.database.uninstall(mapping)

    # ---- the mapping database ----------------------------------------------------------------

    def _add_mapping(
        self, ref: CapRef, table: CapObject, source: Capability, level: Level, entry: int, offset: int, count: int
    ) -> None:
        width, what = self.fmt.entry_width, source.object
        if what.kind.is_table:
            what.va = table.va + (entry << level.shift)
        made = Mapping(
            self.database.next_number(),
            MAPPING,
            table.base + entry * width,
            count * width,
            table=table,
            entry=entry,
            count=count,
            source=what,
            offset=offset,
            rights=source.rights,
        )
        self._make(ref, made, CAP_RIGHTS, source.ref, "map")

    def _make(
        self, ref: CapRef, made: CapObject, rights: str, source: CapRef | None, how: str, *, zeroed: bool = False
    ) -> None:
        """Add a new object, and its first capability."""
        if zeroed:
            self._zero(made)
        self.database.add(made)
        self._add(ref, made, rights, source, how)

    def _zero(self, made: CapObject) -> None:
        self._editor.edits.freed(made.base, made.bytes)
        if made.bytes < PAGE:
            self.ram.fill(made.base, made.bytes)
            return
        for frame in range(made.base >> PAGE_SHIFT, made.end >> PAGE_SHIFT):
            self.ram.zero_frame(frame)

    def _add(self, ref: CapRef, about: CapObject, rights: str, source: CapRef | None, how: str) -> None:
        capability = Capability(ref, self.database.next_number(), about, rights, source)
        about.capabilities[ref] = capability
        self.cspace.put(capability)
        self._report(CapabilityMade.tag, capability, how)

    def _delete(self, capability: Capability, how: str) -> bool:
        """Delete a capability and, with an object's last one, everything that must not outlive it.

        Returns whether entries changed.
        """
        gone, cleared = capability.object, False
        if len(gone.capabilities) == 1:
            cleared = self._delete_all(gone.inside, how)
            cleared |= self._delete_all(gone.mappings, how)
            if isinstance(gone, Mapping) and gone.installed:
                self._clear(gone)
                cleared = True
        self.cspace.remove(capability.ref)
        del gone.capabilities[capability.ref]
        self._report(CapabilityDeleted.tag, capability, how)
        if not gone.capabilities:
            ram = self.database.remove(gone)
            if gone.kind.is_table:
                self._editor.edits.freed(gone.base, gone.bytes)
            if ram is not None:
                self.memory.free(ram.base, ram.bytes)
        return cleared

    def _delete_all(self, mappings: dict[int, Mapping], how: str) -> bool:
        """Delete the capabilities of these mappings; returns whether entries changed."""
        cleared = False
        for mapping in list(mappings.values()):
            cleared |= self._delete(next(iter(mapping.capabilities.values())), how)
        return cleared

    def _report(self, tag: str, capability: Capability, how: str) -> None:
        one = capability.object
        place = one.kind.name, one.base, one.bytes
        made_from = capability.rights, capability.source, how, one.number
        self.recorder.report(tag, self.domain, capability.ref, capability.id, *place, *made_from)


def _power_of_two(want: int) -> int:
    return max(PAGE, 1 << (want - 1).bit_length())
