"""A self-paging domain: a program with capabilities, whose own library decides what its page tables map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base.errors import Refused
from ..base.recorder import Recorder
from ..base.values.domains import CapRef, DomainFocus, DomainValue
from ..memory.ram import Ram
from ..mmu.editor import HandEdits
from ..mmu.format import TableFormat
from .capabilities import RIGHTS, KernelObject, Mapping
from .check import check_descriptors, check_memory, check_slots
from .cpu_driver import KernelSide
from .cspace import PAGE_CNODE, ROOT_CNODE, ROOT_TABLE, SLOT_CNODE, Cspace, SlotAllocator
from .errors import BARRELFISH_QUIRKS, FIRST_TABLE_DECIDES, MAP_NOT_UNDONE, TABLE_MAPPING_SLOT_LEAK, LibError
from .invocations import MemoryServer
from .layouts import LAYOUTS
from .mapping import pushing
from .memobj import Memobj
from .pmap import Pmap
from .program import Program
from .window import EVERYWHERE, FEW, WHOLE, cnode_values, domain_window

SLOTS = 16384
"""Slots of the slot allocator, unless another number is given."""


class Domain:
    """One program: its cspace, the kernel's side of it, its pmap.

    `fmt` is "armv7" or "x86-64".  `flush` drops what processors keep of its translations; `edits` are descriptors that
    were written past its kernel.  With `ram_pages_only` it
    gets RAM in pages only, but for its root table, which its parent makes.  LIB_ERR_VNODE_CREATE without RAM for that.
    """

    def __init__(  # noqa: PLR0913  what a machine wires it to
        self,
        name: str,
        ram: Ram,
        fmt: TableFormat[Any],
        memory: MemoryServer,
        recorder: Recorder,
        *,
        slots: int = SLOTS,
        ram_pages_only: bool = False,
        quirks: frozenset[str] = frozenset(),
        hardening: frozenset[str] = frozenset(),
        flush: Callable[[], None] = lambda: None,
        edits: HandEdits | None = None,
    ) -> None:
        self.name = name
        self.ram = ram
        self.fmt = fmt
        self.quirks = quirks & set(BARRELFISH_QUIRKS)
        self.layout = LAYOUTS[fmt.name]
        self.cspace = Cspace()
        self.kernel = KernelSide(
            name,
            self.cspace,
            ram,
            fmt,
            memory,
            recorder,
            quirks=self.quirks,
            hardening=hardening,
            flush=flush,
            edits=edits,
        )
        for number, (cnode, count) in enumerate(((ROOT_CNODE, 16), (PAGE_CNODE, 1), (SLOT_CNODE, slots))):
            self.cspace.add(cnode, count)
            self.kernel.install(CapRef(ROOT_CNODE, number), "CNode", 0, 0)
        self.slots = SlotAllocator(SLOT_CNODE, 0, slots)
        self.program = Program(name, self.kernel, self.slots, memory, recorder)
        try:
            self.root = self.program.vnode_create(ROOT_TABLE, self.layout.root.kind)
        except LibError as error:
            raise error.push("LIB_ERR_VNODE_CREATE") from None
        self.program.ram_pages_only = ram_pages_only
        self.memobjs: dict[str, Memobj] = {}
        """What regions of the vspace show, by name."""
        self.memobjs_made = 0
        """How many there ever were: no name is used twice."""
        self.pmap = Pmap(self.program, recorder, name, self.layout, ROOT_TABLE, self.root, quirks=self.quirks)

    # ---- capabilities ------------------------------------------------------------------------

    def frame(self, size: int) -> CapRef:
        """A frame of a power of two of bytes, at least `size` and a page (`frame_alloc`)."""
        try:
            return self.program.frame_alloc(size)[0]
        except LibError as error:
            raise error.push("LIB_ERR_FRAME_ALLOC") from None

    def memory(self, size: int) -> CapRef:
        """RAM of a power of two of bytes, to be retyped (`ram_alloc`)."""
        return self._in_a_slot(lambda ref: self.program.ram_alloc(ref, size))

    def device_frame(self, base: int, size: int) -> CapRef:
        """A frame of a device's registers at physical `base`, which the parent gives."""
        return self._in_a_slot(lambda ref: self.kernel.install(ref, "DevFrame", base, size))

    def retype(self, source: CapRef, kind: str, offset: int = 0, size: int | None = None) -> CapRef:
        """A capability of `kind` on a part of what `source` is about (`cap_retype`)."""
        return self._in_a_slot(lambda ref: self.kernel.retype(ref, source, kind, offset, size), "LIB_ERR_CAP_RETYPE")

    def copy(self, source: CapRef) -> CapRef:
        """Another capability on the same (`cap_copy`)."""
        return self._in_a_slot(lambda ref: self.program.cap_copy(ref, source), "LIB_ERR_CAP_COPY_FAIL")

    def mint(self, source: CapRef, rights: str) -> CapRef:
        """Another capability on the same, with no more than `rights`: letters of "rwg" (`cap_mint`)."""
        unknown = set(rights) - set(RIGHTS)
        if unknown:
            raise Refused(f"rights {rights!r}: write letters of {RIGHTS!r}, for read, write and grant")
        return self._in_a_slot(lambda ref: self.kernel.mint(ref, source, rights), "LIB_ERR_CAP_MINT")

    def delete(self, ref: CapRef) -> None:
        """Delete a capability (`cap_destroy`): what was mapped by it is unmapped first, and the slot is free again.

        Capabilities that the pmap works with are refused.  O(vnodes).
        """
        held = self._deletable(ref)
        self._unmap_leaves(lambda cap, source: cap == ref or (len(held.capabilities) == 1 and source is held))
        with pushing("LIB_ERR_CAP_DELETE"):
            self.program.cap_delete(ref)
        self.program.slot_free(ref)

    def revoke(self, ref: CapRef) -> None:
        """Delete all copies of a capability and all that was made of it (`cap_revoke`); nothing of it stays mapped.

        Slots are given back in the order in which the objects of their capabilities were made.  Capabilities that the
        pmap works with are refused.  O(vnodes + n log n) for n objects that are deleted.
        """
        held = self._deletable(ref)
        going = {one.number: one for one in (held, *self.kernel.database.descendants(held))}
        refs = [one for number in sorted(going) for one in going[number].capabilities if one != ref]
        for one in refs:
            self._deletable(one)
        self._unmap_leaves(lambda _, source: source.number in going)
        with pushing("LIB_ERR_CAP_REVOKE"):
            self.kernel.revoke(ref)
        for one in refs:
            self.program.slot_free(one)

    # ---- the whole domain --------------------------------------------------------------------

    def snapshot(self) -> DomainValue:
        """All of it as a frozen value.  O(capabilities + vnodes)."""
        begin, end = self.layout.vspace_begin, self.layout.vspace_begin + self.layout.meta_data_bytes
        return DomainValue(
            self.name,
            self.fmt.name,
            cnode_values(self.cspace, self.slots),
            self.pmap.tree(self.ram.read_word),
            self.pmap.slab(),
            tuple(region.snapshot() for region in self.pmap.vspace),
            begin,
            end,
            self.pmap.meta_used,
        )

    def window(self, focus: DomainFocus = EVERYWHERE, *, whole: int = WHOLE, few: int = FEW) -> DomainValue:
        """What `focus` is about, and `few` things beside it, as a frozen value; the others are counted.

        Parts with up to `whole` things are shown whole.  What it costs follows from what is shown.
        """
        return domain_window(self, focus, whole, few)

    def check(self) -> None:
        """Raise :class:`.errors.Broken` unless all invariants hold.

        The pmap's (:mod:`.check`), the mapping database's (D), the slot allocator's (A), and that capabilities add up
        (C, :mod:`.accounting`).
        """
        leaks = bool(self.quirks & {FIRST_TABLE_DECIDES, MAP_NOT_UNDONE, TABLE_MAPPING_SLOT_LEAK})
        self.kernel.database.check()
        check_slots(self.cspace, self.kernel.database, self.slots, leaks=leaks)
        check_memory(self.kernel.database)
        check_descriptors(self.kernel.database, self.ram, self.fmt)
        self.pmap.check(self.ram.read_word)

    def destroy(self) -> None:
        """Delete all capabilities: the tables are empty then, and all memory is given back."""
        for cnode in self.cspace.cnodes.values():
            for slot in sorted(cnode.capabilities):
                if slot in cnode.capabilities:  # else it went with another
                    self.kernel.delete(CapRef(cnode.name, slot))

    # ---- beneath -----------------------------------------------------------------------------

    def _in_a_slot(self, make: Callable[[CapRef], object], name: str | None = None) -> CapRef:
        """A new slot with what `make` puts in it; an error, pushed `name` on, gives the slot back."""
        with pushing("LIB_ERR_SLOT_ALLOC"):
            ref = self.program.slot_alloc()
        try:
            make(ref)
        except LibError as error:
            self.program.slot_free(ref)
            raise (error if name is None else error.push(name)) from None
        return ref

    def _deletable(self, ref: CapRef) -> KernelObject:
        """What the capability in a slot is about, if the pmap does not rest on it."""
        held = self.cspace.lookup(ref, invoke=True).object
        if isinstance(held, Mapping):
            raise Refused(f"{ref} holds a Mapping, which goes when the pmap unmaps what it maps")
        if held.kind.name == "CNode" or ref in self._pmaps_own():
            raise Refused(f"{ref} holds a {held.kind.name} that the program itself rests on: delete what you made")
        return held

    def _pmaps_own(self) -> set[CapRef]:
        """Where the capabilities of the tables in the tree lie, and of the frames of the slab.  O(vnodes)."""
        begin = self.layout.vspace_begin
        refs, waiting = set(), [self.pmap.core.root]
        while waiting:
            node = waiting.pop()
            if node.is_table or begin <= node.va < begin + self.layout.meta_data_bytes:
                refs.add(node.cap)
            waiting.extend(node.children.values())
        return refs

    def _unmap_leaves(self, concerns: Callable[[CapRef, KernelObject], bool]) -> None:
        """Unmap the leaves that go with a capability, given each one's own and what it maps; memobjs first."""
        for memobj in self.memobjs.values():
            for fill in list(memobj.fills):
                if concerns(fill.frame, self.cspace.lookup(fill.frame).object):
                    memobj.unfill(fill.offset)
        for leaf in list(self.pmap.core.root.leaves()):
            if leaf.mapping is None or self.cspace.is_empty(leaf.mapping):
                continue  # with quirks: a leaf that maps nothing
            mapping = self.cspace.lookup(leaf.mapping).object
            if isinstance(mapping, Mapping) and concerns(leaf.cap, mapping.source):
                self.pmap.unmap(leaf.va, leaf.end - leaf.va)
