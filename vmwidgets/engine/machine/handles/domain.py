"""A domain of a machine: a program that maps its own memory, and accesses it through its mappings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeAlias

from ...base.errors import Refused, a_kind, in_ascii, shown
from ...base.operations import Argument, operation
from ...base.units import PAGE, Address, Size, counted
from ...kernel.threads.waits import run_without_sleeping
from ...selfpaging.capabilities import OBJ_TYPES
from ...selfpaging.domain import FEW, WHOLE
from ...selfpaging.domain_schema import DomainFocus, DomainShown, DomainValue, Vregion
from ...selfpaging.errors import LibError
from ...selfpaging.memobj import MEMOBJ_KINDS, Fixed, Memobj, deserialise, serialise
from ...selfpaging.pmap import Found, MapRequest
from ...selfpaging.shadow_tree import EVERYWHERE
from .. import arguments
from ..arguments import MYPY, ContentArg, CountArg, Number, PagesArg, RegionFlagsArg, capability_rights, one_of
from .capabilities import DomainPart, MachineCapability, MachineMemobj
from .tables import MachineTables, MachineWalk


def _bytes(size: Any, _: str = "size") -> int:
    number = arguments.whole(size, "size")
    if number == 0:
        raise Refused(f"size=0: a capability covers at least one byte; frames have {PAGE} or more")
    return number


MemoryArg: TypeAlias = Annotated[Number, Argument(_bytes)]
RightsArg: TypeAlias = Annotated[str, Argument(capability_rights)]
KindArg: TypeAlias = Annotated[str, one_of(OBJ_TYPES)]
MemobjArg: TypeAlias = Annotated[str, one_of(MEMOBJ_KINDS)]
if MYPY:
    SlotArg: TypeAlias = Any
else:
    SlotArg = Annotated["MachineCapability | str", Argument(lambda part, given, _: part.slot_of(given), of_part=True)]


class MachineDomain(DomainPart):
    """A self-paging program: it holds capabilities, and itself requests each descriptor of its page tables.

    `domain` is the engine's object; `pmap` has the tables as processors load them.  ``m.domain(name)`` creates a
    domain.
    """

    inside = DomainPart.inside | {"capability", "only", "window"}

    @property
    def tables(self) -> MachineTables:
        """The domain's page tables, to show and walk."""
        self.check_alive()
        return MachineTables(self.system, self)

    @property
    def slots(self) -> dict[str, str]:
        """The slots that are in use, and the kind of capability in each.

        >>> import vmwidgets as vm
        >>> d = vm.boot("armv7").domain("hello")
        >>> a = d.map(d.frame())
        >>> d.slots
        {'slots[0]': 'Frame', 'slots[1]': 'VNode_ARM_l2', 'slots[2]': 'Mapping', 'slots[3]': 'Mapping'}
        """
        (cnode,) = (one for one in self.snapshot().cnodes if one.name == "slots")
        return {str(one.ref): one.kind for one in cnode.capabilities}

    # ---- capabilities ------------------------------------------------------------------------

    @operation
    def frame(self, size: MemoryArg = PAGE) -> MachineCapability:
        """Return a frame to map: `size` is rounded up to a power of two of bytes, at least a page (`frame_alloc`).

        Fails with LIB_ERR_FRAME_ALLOC without a free slot, or without a contiguous piece of RAM of this size: a page
        allocator's largest piece is 4 MiB.
        """
        return self.capability(self.domain.frame(size))

    @operation
    def ram(self, size: MemoryArg = PAGE) -> MachineCapability:
        """Return RAM to retype: `size` is rounded up to a power of two of bytes, at least a page (`ram_alloc`)."""
        return self.capability(self.domain.memory(size))

    @operation
    def device_frame(self, at: PagesArg, size: PagesArg) -> MachineCapability:
        """Return a frame of a device's memory at physical address `at`, beyond RAM; this machine has no device there.

        This is refused if the domain already has a frame for a part of that memory; copy, retype or revoke that frame
        instead.
        """
        reach = 1 << min(40, 8 * self.domain.fmt.entry_width)
        if size == 0:
            raise Refused("size=0: a device has at least one page")
        if not self.system.ram_bytes <= at < at + size <= reach:
            limits = f"{Address(self.system.ram_bytes)}, where RAM ends, and {Address(reach)}"
            raise Refused(f"at={Address(at)} and size={size:#x}: a device lies between {limits}")
        for held in self.domain.kernel.database.objects.values():
            if held.kind.name == "DevFrame" and held.base < at + size and at < held.end:
                where = next(iter(held.capabilities))
                raise Refused(f"at={Address(at)} and size={size:#x}: {where} holds the {held}; copy or retype that")
        return self.capability(self.domain.device_frame(at, size))

    @operation
    def retype(
        self, capability: SlotArg, kind: KindArg, offset: int | str = 0, size: int | str | None = None
    ) -> MachineCapability:
        """Return a capability of `kind` for part of a capability's memory: `size` bytes from `offset` on, or the rest.

        RAM becomes RAM, frames or tables; a frame becomes smaller frames.  Fails with LIB_ERR_CAP_RETYPE on top of
        SYS_ERR_INVALID_RETYPE, SYS_ERR_REVOKE_FIRST (that part was retyped before) or SYS_ERR_FRAME_OFFSET_INVALID.
        """
        here = self.domain.fmt.name
        if OBJ_TYPES[kind].format not in ("", here):
            tables = ", ".join(one.name for one in OBJ_TYPES.values() if one.format == here)
            raise Refused(f"kind={kind!r} is a table of {OBJ_TYPES[kind].format}; those of {here} are {tables}")
        length = None if size is None else _bytes(size)
        return self.capability(self.domain.retype(capability, kind, arguments.whole(offset, "offset"), length))

    @operation
    def copy(self, capability: SlotArg) -> MachineCapability:
        """Return another capability for the same memory; the original must have the right to grant."""
        return self.capability(self.domain.copy(capability))

    @operation
    def mint(self, capability: SlotArg, rights: RightsArg) -> MachineCapability:
        """Return another capability for the same memory with fewer rights (letters of "rwg"); rights can't be added."""
        held = self.domain.cspace.lookup(capability).rights
        if not set(rights) <= set(held):
            raise Refused(
                f"rights={rights!r}: the capability in {capability} has {held!r}, and minting can't add rights"
            )
        return self.capability(self.domain.mint(capability, rights))

    @operation
    def delete(self, capability: SlotArg) -> None:
        """Delete a capability and unmap its mapping.  Deleting the last capability for some memory frees it.

        O(vnodes).
        """
        self.domain.delete(capability)
        self.space.forget_empty()

    @operation
    def revoke(self, capability: SlotArg) -> None:
        """Delete all other capabilities for the same memory and for objects retyped from it, and unmap all this memory.

        O(vnodes + capabilities deleted).
        """
        self.domain.revoke(capability)
        self.space.forget_empty()

    @operation
    def take_slots(self, count: CountArg) -> int:
        """Use up the `count` lowest free slots, as other parts of a program would; returns the number of slots left."""
        self.domain.slots.allocate_for_others(count)
        return self.domain.slots.free_slots

    @operation
    def give_slots(self, count: CountArg) -> int:
        """Free the last `count` slots that :meth:`take_slots` used; returns the number of free slots."""
        self.domain.slots.free_for_others(count)
        return self.domain.slots.free_slots

    # ---- memory objects ----------------------------------------------------------------------

    @operation
    def memobj(
        self,
        kind: MemobjArg,
        size: int | str,
        *,
        at: int | str | None = None,
        frame: MachineCapability | str | None = None,
        piece: int | str | None = None,
        flags: RegionFlagsArg = "rw",
    ) -> MachineMemobj:
        """Return a memory object of `size` bytes, with a region for it at `at` or where the vspace has room.

        `kind`: "anonymous" and "one frame" are mapped on a page fault; "one frame one map", "pinned" and "fixed"
        (frames of `piece` bytes) are mapped immediately.  `frame` fills the object from its beginning.  Fails with
        LIB_ERR_VSPACE_REGION_OVERLAP.
        """
        length = arguments.aligned(size, "size")
        ref = None if frame is None else self.slot_of(frame)
        if length == 0:
            raise Refused(f"size=0: a memory object has at least one page, {PAGE} bytes")
        if (piece is None) == (kind == "fixed"):
            why = "it takes piece=, the size of its pieces" if kind == "fixed" else "only 'fixed' takes piece="
            raise Refused(f"kind={kind!r}: {why}")
        domain = self.domain
        name = f"{kind} {domain.memobjs_made + 1}"
        if piece is not None:
            made: Memobj = Fixed(domain.pmap, name, length, arguments.aligned(piece, "piece"))
        else:
            made = MEMOBJ_KINDS[kind](domain.pmap, name, length)  # type: ignore[call-arg]  # all but "fixed" take these
        va = self._room(at, length, flags)
        region = Vregion(domain.pmap.vspace.new_id(), va, length, flags, name)
        domain.pmap.vspace.add(region)
        try:
            if ref is not None:
                made.fill(0, ref, 0, min(length, domain.kernel.frame_identify(ref).bytes))
            made.map_region(region)
        except (LibError, Refused):
            domain.pmap.vspace.remove(region)
            raise
        domain.memobjs[name] = made
        domain.memobjs_made += 1
        return MachineMemobj(self, name)

    @operation
    def anonymous(self, size: int | str, flags: str | Iterable[str] | int = "rw") -> MachineMemobj:
        """Return a memory object to fill with frames, each of which is mapped when it is first touched."""
        return self.memobj("anonymous", size, flags=flags)

    # ---- mapping -----------------------------------------------------------------------------

    @operation
    def map(
        self,
        frame: SlotArg,
        at: int | str | None = None,
        offset: int | str = 0,
        size: int | str | None = None,
        flags: RegionFlagsArg = "rw",
    ) -> Address:
        """Map `size` bytes of a frame from `offset` on, or the rest of the frame; returns the address of the mapping.

        Without `at`, the vspace chooses the address (`determine_addr`); with `at`, the pmap is called directly. `flags`
        are the letters "r", "w", "x", and words such as "large" and "nocache".  Whole pages are mapped: with "large",
        pages of 1 MiB (x86-64: 2 MiB) if address and frame allow it.  Byte `offset` of the frame is therefore at the
        returned address plus the byte's offset in its page.  The call succeeds completely or changes nothing: it fails
        with LIB_ERR_PMAP_DO_MAP on top of the cause, or with LIB_ERR_PMAP_FRAME_SIZE if the frame is too short.

        >>> import vmwidgets as vm
        >>> d = vm.boot("armv7").domain("hello")
        >>> a = d.map(d.frame("8 KiB"), offset=vm.PAGE + 100, size=4)
        >>> d.lookup(a).offset == vm.PAGE, d.write(a + 100, b"byte 4196")
        (True, None)
        """
        space, domain = self.space, self.domain
        start = arguments.whole(offset, "offset")
        identity = domain.kernel.frame_identify(frame)
        if start >= identity.bytes:
            raise Refused(f"offset={start:#x}: the frame in {frame} has {Size(identity.bytes)}")
        length = identity.bytes - start if size is None else arguments.whole(size, "size")
        if length == 0:
            raise Refused("size=0: a mapping has at least one byte, and is widened to whole pages")
        wanted = None if at is None else arguments.aligned(at, "at")
        widened = MapRequest.of(domain.layout, wanted or 0, frame, identity, start, length, flags).size
        if wanted is None:
            va = domain.pmap.determine_addr(widened, domain.layout.large_unit(flags))
        else:
            va = self._address(wanted, widened, "at")
        mapped = domain.pmap.map(va, frame, start, length, flags)
        space.remember(va, mapped.retsize, flags)
        return Address(va)

    @operation
    def unmap(self, address: int | str, size: int | str) -> Size:
        """Unmap the mapping that one call made at `address`, or its part in one table; returns the number of bytes.

        In each table, the range must be exactly one mapping; neighbouring mappings in one table must be unmapped one by
        one.  Otherwise, the call fails with LIB_ERR_PMAP_UNMAP on top of LIB_ERR_PMAP_FIND_VNODE and changes nothing.
        """
        va, length = self._range(address, size)
        done = self.domain.pmap.unmap(va, length)
        self.space.forget(va, va + done)
        return Size(done)

    @operation
    def modify_flags(self, address: int | str, size: int | str, flags: RegionFlagsArg) -> Size:
        """Set the flags of the mappings in [address, address + size); returns the number of bytes changed.

        Fails with LIB_ERR_PMAP_MODIFY_FLAGS, and changes nothing, if a part of the range is not mapped, or if the
        frame's capability lacks a requested right.
        """
        return Size(self.domain.pmap.modify_flags(*self._range(address, size), flags))

    @operation
    def deserialise(self, data: ContentArg) -> None:
        """Map the regions and mappings from another domain's :meth:`serialise`; this domain must have no mapping.

        The other domain's frames must be in the same slots here.  Fails with LIB_ERR_PMAP_DESERIALISE, and changes
        nothing, if anything can't be mapped.
        """
        pmap, layout = self.domain.pmap, self.domain.layout
        deserialise(pmap, data)
        for leaf in pmap.tree.root.leaves():
            if not layout.vspace_begin <= leaf.va < layout.meta_end:
                self.space.remember(leaf.va, leaf.end - leaf.va, leaf.flags)

    # ---- looking -----------------------------------------------------------------------------

    def part(self, place: Any) -> MachineCapability | MachineMemobj:
        """Return the capability in a slot ("slots[3]#17"), or the memory object ("memobj:anonymous 1")."""
        self.check_alive()
        if not isinstance(place, str) or not place.startswith("memobj:"):
            return self.slot(place)
        name = place.removeprefix("memobj:")
        return MachineMemobj(self, arguments.known(name, self.domain.memobjs, "memory object"))

    def serialise(self) -> bytes:
        """Return regions and mappings as bytes, for another domain."""
        with self._looking():
            return serialise(self.domain.pmap)

    def lookup(self, address: int | str) -> Found:
        """Return the mapping that covers `address`; fails with LIB_ERR_PMAP_LOOKUP if there is none.  O(levels)."""
        with self._looking():
            return self.domain.pmap.lookup(arguments.whole(address, "address"))

    def determine_addr(self, size: int | str, align: int | str = 0) -> Address:
        """Return an address past the end of a region, with room for `size` bytes in the vspace; nothing changes.

        Fails with LIB_ERR_OUT_OF_VIRTUAL_ADDR if there is no room.  `align` is in bytes, 0 for a page.  O(regions).
        """
        with self._looking():
            return Address(self.domain.pmap.determine_addr(*self._wanted(size, align)))

    def determine_addr_raw(self, size: int | str, align: int | str = 0) -> Address:
        """Return an address at which descriptors of the root are free, even if the vspace has a region there.

        Fails like :meth:`determine_addr`.
        """
        with self._looking():
            return Address(self.domain.pmap.determine_addr_raw(*self._wanted(size, align)))

    def walk(self, address: int | str, access: str = "read") -> MachineWalk:
        """Return what the hardware does with a user access to `address` now; nothing changes."""
        return self.tables.walk(address, access, user=True)

    def snapshot(self) -> DomainValue:
        """Return the whole domain as a frozen value.  O(capabilities + vnodes)."""
        with self.door.looking():
            return self.domain.snapshot()

    def window(self, focus: DomainFocus = EVERYWHERE, *, whole: int = WHOLE, few: int = FEW) -> DomainValue:
        """Return a part as a frozen value, with counts of the rest; see :meth:`.selfpaging.domain.Domain.window`."""
        if not isinstance(focus, DomainFocus):
            raise Refused(f"focus={shown(focus)} is {a_kind(focus)}: write a DomainFocus")
        most, least = arguments.count(whole, "whole"), arguments.count(few, "few")
        with self.door.looking():
            return self.domain.window(focus, whole=most, few=least)

    def only(self, shown: DomainShown) -> DomainValue:
        """Return the part that another window shows (:meth:`.DomainValue.shown`), as far as that part exists."""
        with self.door.looking():
            return self.domain.only(shown)

    def vnode_at(self, address: int | str) -> int:
        """Return the id of the lowest vnode for an address: a leaf, or a table without an entry for it.  O(levels)."""
        wanted = arguments.whole(address, "address")
        with self.door.looking():
            return self.domain.pmap.tree.vnode_at(wanted).id

    def check(self) -> None:
        """Raise :class:`vmwidgets.Broken` unless all invariants hold; see :meth:`.domain.Domain.check`."""
        with self._looking():
            self.domain.check()

    # ---- memory ------------------------------------------------------------------------------

    @operation
    def read(self, address: int | str, length: int | str = 1) -> bytes:
        """Return `length` bytes from `address` on, as the program reads them.

        Fails with FAULT if nothing is mapped, and with ACCES if reading is not allowed: no kernel resolves the
        program's page faults.  In a region of a memory object, the program's own handler makes the object map a frame,
        and fails with LIB_ERR_MEMOBJ_UNDER_FILLED if the object has no frame there.
        """
        start, count = arguments.span(address, length, self.pmap.fmt.word_bits)
        return run_without_sleeping(self._processor.load(start, count, "read", True, self._tables))

    @operation
    def write(self, address: int | str, data: bytes) -> None:
        """Write `data` from `address` on, as the program does; after an error, bytes already written stay."""
        content = arguments.content(data, "data")
        start, _ = arguments.span(address, len(content), self.pmap.fmt.word_bits)
        run_without_sleeping(self._processor.store(start, content, True, self._tables))

    @operation
    def touch(self, address: int | str, access: str = "read") -> MachineWalk:
        """Make one access that moves no data; returns the hardware's walk.  Fails like :meth:`read`."""
        kind = arguments.access(access)
        start, _ = arguments.span(address, 1, self.pmap.fmt.word_bits)
        run_without_sleeping(self._processor.reach(start, kind, True, self._tables))
        return self.walk(start, kind)

    # ---- beneath -----------------------------------------------------------------------------

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Check that the domain exists, and keep it unchanged in this block."""
        with self.door.looking():
            self.check_alive()
            yield

    def _wanted(self, size: int | str, align: int | str) -> tuple[int, int]:
        length = arguments.whole(size, "size")
        if length == 0:
            raise Refused("size=0: ask for room for at least one byte")
        return length, arguments.whole(align, "align")

    def _range(self, address: int | str, size: int | str) -> tuple[int, int]:
        va, length = arguments.aligned(address, "address"), arguments.whole(size, "size")
        if length == 0:
            raise Refused("size=0: a range has at least one byte, and is widened to whole pages")
        return self._address(va, length, "address"), length

    def _address(self, va: int, length: int, name: str) -> int:
        """Return an address at which the program may map, outside its pmap's own records."""
        domain = self.domain
        layout = domain.layout
        begin, end = layout.vspace_begin, layout.meta_end
        if va + length > 1 << domain.fmt.word_bits:
            raise Refused(f"{name}={Address(va)} and {Size(length)}: that goes past the last address")
        if va < end and begin < va + length:
            where = f"[{Address(begin)}, {Address(end)})"
            raise Refused(f"{name}={Address(va)} and {Size(length)}: the pmap keeps its own records in {where}")
        for region in domain.pmap.vspace.overlapping(va, va + length):
            if region.memobj:
                raise Refused(
                    f"{name}={Address(va)}: memory object {region.memobj!r} is mapped there; ask that instead"
                )
        return va

    def _room(self, at: int | str | None, length: int, flags: int) -> int:
        """Find room for a region of `length` bytes, at `at` or anywhere in the vspace; large pages need alignment."""
        layout, pmap = self.domain.layout, self.domain.pmap
        if at is None:
            unit = layout.large_unit(flags)
            return pmap.determine_addr(length, unit if length >= unit else 0)
        va = self._address(arguments.aligned(at, "at"), length, "at")
        if va + length > layout.user_end:
            where = f"addresses from {Address(layout.user_end)} on are the kernel's"
            raise Refused(f"at={Address(va)} and {Size(length)}: {where}")
        return va

    @in_ascii
    def __repr__(self) -> str:
        if self.destroyed:
            return f"<domain {self.name!r}: destroyed>"
        slab = self.domain.pmap.slab
        leaves = self.domain.pmap.tree.root.leaves_below
        used = (
            f"{counted(len(self.domain.slots.used), 'slot')} in use, {slab.free_blocks:,} of {slab.total:,} blocks free"
        )
        return f"<domain {self.name!r}: {counted(leaves, 'mapping')}, root table at {Address(self.pmap.root)}, {used}>"
