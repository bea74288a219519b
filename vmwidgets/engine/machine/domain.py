"""A domain of a machine: a program that maps its own memory, and reads and writes through what it mapped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ..base.errors import Refused, kernel_error, shown
from ..base.operations import Door, operation
from ..base.units import PAGE, Address, Size
from ..base.values.domains import DomainFocus, DomainValue
from ..base.values.tables import Fault
from ..selfpaging.errors import LibError
from ..selfpaging.layouts import LARGE, SIZES, remembered
from ..selfpaging.mapping import map_request, maps_anything, vnode_at
from ..selfpaging.memobj import KINDS, Fixed, Memobj
from ..selfpaging.vspace import Vregion
from ..selfpaging.window import EVERYWHERE, FEW, WHOLE
from . import checks
from .capabilities import CapabilityOperations, MachineCapability
from .checks import region_flags
from .cpus import move_at_once, tell_fault
from .tables import MachineTables, MachineWalk, machine_walk
from .tasks import ACCESSES, Access

if TYPE_CHECKING:
    from ..kernel.pmap.spaces import LentPmap
    from ..selfpaging.domain import Domain
    from ..selfpaging.pmap import Found
    from .cpus import MachineCpu
    from .machine import Machine


# ---- domain memobjs ----------------------------------------------------------------------------
#
# Memory objects of a domain: what lies behind a region of its vspace, filled with frames and mapped on demand.


class MachineMemobj:
    """A memory object of a domain, shown at `address` by a region of its vspace."""

    def __init__(self, domain: MachineDomain, name: str) -> None:
        self.domain = domain
        self.name = name

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.domain.door

    @property
    def path(self) -> str:
        """Where it stands in the machine ("domain:hello/memobj:anonymous 1")."""
        return f"{self.domain.path}/memobj:{self.name}"

    @property
    def memobj(self) -> Memobj:
        """The engine's; refused once it is gone."""
        self.check_alive()
        return self.domain.domain.memobjs[self.name]

    def check_alive(self) -> None:
        """Refuse once it was removed, or its domain destroyed: another object never has its name."""
        self.domain.check_alive()
        if self.name not in self.domain.domain.memobjs:
            raise Refused(f"memory object {shown(self.name)} of {self.domain.name!r} was removed, or never was")

    @property
    def address(self) -> Address:
        """Where its region begins."""
        region = self.memobj.region
        assert region is not None, "an object has its region until it is removed"
        return Address(region.base)

    @property
    def size(self) -> Size:
        """Bytes of it."""
        return Size(self.memobj.size)

    @operation
    def fill(
        self,
        frame: MachineCapability | str,
        offset: int | str = 0,
        frame_offset: int | str = 0,
        size: int | str | None = None,
    ) -> None:
        """Put a frame behind the object from `offset` on: `size` bytes of it from `frame_offset` on, or the rest.

        LIB_ERR_MEMOBJ_DUPLICATE_FILL where something is, LIB_ERR_MEMOBJ_WRONG_OFFSET outside or on no border.
        """
        held, start = self.memobj, checks.aligned(offset, "offset")
        ref, skipped = self.domain._ref(frame), checks.aligned(frame_offset, "frame_offset")
        there = self.domain.domain.program.frame_identify(ref).bytes - skipped
        length = min(there, held.size - start) if size is None else checks.aligned(size, "size")
        if start >= held.size:
            raise Refused(f"offset={start:#x}: the object has {Size(held.size)}")
        if not 0 < length <= there:
            raise Refused(f"size={length:#x}: the frame in {ref} has {Size(max(there, 0))} from frame_offset on")
        held.fill(start, ref, skipped, length)

    @operation
    def unfill(self, offset: int | str = 0) -> None:
        """Take the frame away that begins at `offset`, unmapped if it was mapped."""
        self.memobj.unfill(checks.aligned(offset, "offset"))

    @operation
    def protect(self, flags: str | Iterable[str] | int, offset: int | str = 0, size: int | str | None = None) -> None:
        """Give [offset, offset + size) of it other flags, also where a fault maps it later; all of it has them then.

        LIB_ERR_MEMOBJ_PROTECT, and nothing changed, where a frame's capability lacks a right.
        """
        start, word, held = checks.aligned(offset, "offset"), region_flags(flags), self.memobj
        length = held.size - start if size is None else checks.aligned(size, "size")
        held.protect(start, length, word)
        if held.region is not None and length == held.size:
            self.domain.domain.pmap.vspace.change_flags(held.region, remembered(word) | held.region.flags & SIZES)

    @operation
    def remove(self) -> None:
        """Unmap all of it, and take its region out of the vspace; its frames stay the program's."""
        held = self.memobj
        region = held.region
        assert region is not None, "an object has its region until it is removed"
        held.unmap_region()
        self.domain.domain.pmap.vspace.remove(region)
        del self.domain.domain.memobjs[self.name]

    def __repr__(self) -> str:
        if self.domain.pmap.destroyed:
            return f"<memory object {self.name!r} of {self.domain.name}: destroyed with it>"
        held = self.domain.domain.memobjs.get(self.name)
        if held is None:
            return f"<memory object {self.name!r} of {self.domain.name}: removed>"
        what = f"{self.size} at {self.address}, {len(held.fills)} frames"
        return f"<memory object {self.name!r} of {self.domain.name}: {what}>"


class MemobjOperations(CapabilityOperations):
    """What makes memory objects."""

    @operation
    def memobj(
        self,
        kind: str,
        size: int | str,
        *,
        at: int | str | None = None,
        frame: MachineCapability | str | None = None,
        piece: int | str | None = None,
        flags: str | Iterable[str] | int = "rw",
    ) -> MachineMemobj:
        """A memory object of `size` bytes with a region that shows it, at `at` or where the vspace has room.

        `kind`: "anonymous" and "one frame" map on a fault, "one frame one map", "pinned" and "fixed" (frames of
        `piece` bytes) at once.  `frame` is put behind its beginning.  LIB_ERR_VSPACE_REGION_OVERLAP.
        """
        wanted, length, word = checks.known(kind, KINDS, "kind"), checks.aligned(size, "size"), region_flags(flags)
        ref = None if frame is None else self._ref(frame)
        if length == 0:
            raise Refused(f"size=0: a memory object has at least one page, {PAGE} bytes")
        if (piece is None) == (wanted == "fixed"):
            why = "it takes piece=, the size of its pieces" if wanted == "fixed" else "only 'fixed' takes piece="
            raise Refused(f"kind={wanted!r}: {why}")
        domain = self.domain
        name = f"{wanted} {domain.memobjs_made + 1}"
        if piece is not None:
            made: Memobj = Fixed(domain.pmap, name, length, checks.aligned(piece, "piece"))
        else:
            made = KINDS[wanted](domain.pmap, name, length)  # type: ignore[call-arg]  # all but "fixed" take these
        va = self._room(at, length, word)
        region = Vregion(domain.pmap.vspace.new_id(), va, length, word, made)
        domain.pmap.vspace.add(region)
        try:
            if ref is not None:
                made.fill(0, ref, 0, min(length, domain.program.frame_identify(ref).bytes))
            made.map_region(region)
        except (LibError, Refused):
            domain.pmap.vspace.remove(region)
            raise
        domain.memobjs[name] = made
        domain.memobjs_made += 1
        return MachineMemobj(self, name)  # type: ignore[arg-type]  # what this is mixed into

    @operation
    def anonymous(self, size: int | str, flags: str | Iterable[str] | int = "rw") -> MachineMemobj:
        """A memory object to be filled with frames, each mapped when it is first touched."""
        return self.memobj("anonymous", size, flags=flags)

    def _room(self, at: int | str | None, length: int, flags: int) -> int:
        """Where a region of `length` bytes goes: at `at`, or where the vspace has room; large pages need a border."""
        layout, pmap = self.domain.layout, self.domain.pmap
        if at is None:
            unit = self._alignment(flags)
            return pmap.determine_addr(length, unit if length >= unit else 0)
        va = self._address(checks.aligned(at, "at"), length, "at")
        if va + length > layout.user_end:
            where = f"addresses from {Address(layout.user_end)} on are the kernel's"
            raise Refused(f"at={Address(va)} and {Size(length)}: {where}")
        return va

    def _alignment(self, flags: int) -> int:
        """What a large mapping is aligned to; 0 for a page."""
        layout = self.domain.layout
        asked = (level.unit for level in layout.levels if level.leaf_flag and flags & level.leaf_flag & LARGE)
        return next(asked, 0)

    def _address(self, va: int, length: int, name: str) -> int:
        """An address that the program may map at."""
        raise NotImplementedError


# ---- domain ------------------------------------------------------------------------------------


class MachineDomain(MemobjOperations):
    """A self-paging program: it holds capabilities, and asks for each entry of its page tables itself.

    `domain` is the engine's; `pmap` its tables as processors load them.  Make one with ``m.domain(name)``.
    """

    def __init__(self, machine: Machine, domain: Domain, pmap: LentPmap) -> None:
        self.machine = machine
        self.domain = domain
        self.name = domain.name
        self.pmap = pmap

    @property
    def tables(self) -> MachineTables:
        """Its page tables, to be shown and walked."""
        self.check_alive()
        return MachineTables(self.machine, self.pmap, self.path)

    def check_alive(self) -> None:
        """Refuse once the domain was destroyed; every operation and everything that looks at it asks this first."""
        if self.pmap.destroyed:
            raise Refused(f"domain {shown(self.name)} was destroyed")

    # ---- mapping -----------------------------------------------------------------------------

    @operation
    def map(
        self,
        frame: MachineCapability | str,
        at: int | str | None = None,
        offset: int | str = 0,
        size: int | str | None = None,
        flags: str | Iterable[str] | int = "rw",
    ) -> Address:
        """Map a frame from byte `offset` on, `size` bytes or the rest of it; where the mapping begins.

        Without `at` the vspace is asked for room (`determine_addr`), with it the pmap is called as it is.  `flags`
        are "r", "w", "x" side by side, and words such as "large" and "nocache".  Whole pages are mapped, of 1 MiB
        (x86-64: 2 MiB) with "large" where address and frame allow it: byte `offset` is then as far behind the answer
        as it is into its page.  All or nothing; LIB_ERR_PMAP_DO_MAP over what was wrong, LIB_ERR_PMAP_FRAME_SIZE
        where the frame ends too soon.

        >>> import vmwidgets as vm
        >>> d = vm.boot("armv7").domain("hello")
        >>> a = d.map(d.frame("8 KiB"), offset=vm.PAGE + 100, size=4)
        >>> d.lookup(a).offset == vm.PAGE, d.write(a + 100, b"byte 4196")
        (True, None)
        """
        ref, word, start = self._ref(frame), region_flags(flags), checks.whole(offset, "offset")
        identity = self.domain.program.frame_identify(ref)
        if start >= identity.bytes:
            raise Refused(f"offset={start:#x}: the frame in {ref} has {Size(identity.bytes)}")
        length = identity.bytes - start if size is None else checks.whole(size, "size")
        if length == 0:
            raise Refused("size=0: a mapping has at least one byte, and is widened to whole pages")
        wanted = None if at is None else checks.aligned(at, "at")
        widened = map_request(self.domain.pmap.core, wanted or 0, ref, identity, start, length, word).size
        if wanted is None:
            va = self.domain.pmap.determine_addr(widened, self._alignment(word))
        else:
            va = self._address(wanted, widened, "at")
        mapped = self.domain.pmap.map(va, ref, start, length, word)
        self._remember(va, mapped.retsize, word)
        return Address(va)

    @operation
    def unmap(self, address: int | str, size: int | str) -> Size:
        """Unmap what one call mapped at `address`, or the part of it that is in one table; the bytes that were.

        LIB_ERR_PMAP_UNMAP over LIB_ERR_PMAP_FIND_VNODE, and nothing changed, where what the range has in each table
        is not one mapping, and the whole of it: neighbours of one table are unmapped one by one.
        """
        va, length = self._range(address, size)
        done = self.domain.pmap.unmap(va, length)
        self._forget(va, va + done)
        return Size(done)

    @operation
    def modify_flags(self, address: int | str, size: int | str, flags: str | Iterable[str] | int) -> Size:
        """Give what is mapped in [address, address + size) other flags; the bytes that were changed.

        LIB_ERR_PMAP_MODIFY_FLAGS where something of it is not mapped, or a right is asked for that the frame's
        capability does not carry; nothing changes then.
        """
        word = region_flags(flags)
        va, length = self._range(address, size)
        return Size(self.domain.pmap.modify_flags(va, length, word))

    @operation
    def deserialise(self, data: bytes) -> None:
        """Map what :meth:`serialise` of another domain told: its frames are in the same slots here, nothing is mapped.

        LIB_ERR_PMAP_DESERIALISE, and nothing changed, if any of it can't be.
        """
        pmap, layout = self.domain.pmap, self.domain.layout
        pmap.deserialise(checks.content(data))
        begin, end = layout.vspace_begin, layout.vspace_begin + layout.meta_data_bytes
        for leaf in pmap.core.root.leaves():
            if not begin <= leaf.va < end:
                self._remember(leaf.va, leaf.end - leaf.va, leaf.flags)

    # ---- looking -----------------------------------------------------------------------------

    def part(self, place: Any) -> MachineCapability | MachineMemobj:
        """The capability in a slot ("slots[3]#17"), or the memory object ("memobj:anonymous 1")."""
        self.check_alive()
        if not isinstance(place, str) or not place.startswith("memobj:"):
            return self.at(place)
        name = place.removeprefix("memobj:")
        return MachineMemobj(self, checks.known(name, self.domain.memobjs, "memory object"))

    def serialise(self) -> bytes:
        """Regions and mappings as bytes, for another domain."""
        with self._looking():
            return self.domain.pmap.serialise()

    def lookup(self, address: int | str) -> Found:
        """The mapping that covers `address`; LIB_ERR_PMAP_LOOKUP without one.  O(levels)."""
        with self._looking():
            return self.domain.pmap.lookup(checks.whole(address, "address"))

    def determine_addr(self, size: int | str, align: int | str = 0) -> Address:
        """Where the vspace has room for `size` bytes behind a region; nothing changes.

        LIB_ERR_OUT_OF_VIRTUAL_ADDR without room.  `align` in bytes, 0 for a page.  O(regions).
        """
        with self._looking():
            return Address(self.domain.pmap.determine_addr(*self._wanted(size, align)))

    def determine_addr_raw(self, size: int | str, align: int | str = 0) -> Address:
        """Where entries of the root are free, whatever the vspace says; errors as of :meth:`determine_addr`."""
        with self._looking():
            return Address(self.domain.pmap.determine_addr_raw(*self._wanted(size, align)))

    def walk(self, address: int | str, access: str = "read") -> MachineWalk:
        """What the hardware does with a user access to `address` now; nothing changes."""
        self.check_alive()
        va = checks.whole(address, "address")
        kind = ACCESSES[checks.known(access, ACCESSES, "access")]
        return machine_walk(self.machine, self.pmap, self.path, va, kind, user=True)

    def snapshot(self) -> DomainValue:
        """All of it as a frozen value.  O(capabilities + vnodes)."""
        with self.door.looking():
            return self.domain.snapshot()

    def window(self, focus: DomainFocus = EVERYWHERE, *, whole: int = WHOLE, few: int = FEW) -> DomainValue:
        """A part of it as a frozen value, the rest as counts; see :meth:`.selfpaging.domain.Domain.window`."""
        if not isinstance(focus, DomainFocus):
            raise Refused(f"focus={shown(focus)} is a {type(focus).__name__}: write a DomainFocus")
        most, least = checks.count(whole, "whole"), checks.count(few, "few")
        with self.door.looking():
            return self.domain.window(focus, whole=most, few=least)

    def vnode_at(self, address: int | str) -> int:
        """The id of the lowest vnode that is for an address: a leaf, or a table with nothing there.  O(levels)."""
        wanted = checks.whole(address, "address")
        with self.door.looking():
            return vnode_at(self.domain.pmap.core, wanted).id

    def check(self) -> None:
        """Raise :class:`vmwidgets.Broken` unless all invariants hold; see :meth:`.domain.Domain.check`."""
        with self._looking():
            self.domain.check()

    # ---- memory ------------------------------------------------------------------------------

    @operation
    def read(self, address: int | str, length: int | str = 1) -> bytes:
        """`length` bytes from `address` on, as the program reads them.

        FAULT where nothing is mapped and ACCES where reading is not allowed: no kernel resolves a fault for it.  In a
        region of a memory object the program's own handler has that map what it has: LIB_ERR_MEMOBJ_UNDER_FILLED.
        """
        start, count = checks.span(address, length, self.pmap.fmt.word_bits)
        return move_at_once(self.machine.ram, start, count, partial(self._translate, access="read")) or b""

    @operation
    def write(self, address: int | str, data: bytes) -> None:
        """Write `data` from `address` on, as the program does; an error leaves what was written before it."""
        content = checks.content(data)
        start, count = checks.span(address, len(content), self.pmap.fmt.word_bits)
        move_at_once(self.machine.ram, start, count, partial(self._translate, access="write"), content)

    @operation
    def touch(self, address: int | str, access: str = "read") -> MachineWalk:
        """One access that moves nothing: what the hardware does with it; FAULT and ACCES as for :meth:`read`."""
        kind = ACCESSES[checks.known(access, ACCESSES, "access")]
        start, _ = checks.span(address, 1, self.pmap.fmt.word_bits)
        self._translate(start, kind)
        return self.walk(start, kind)

    # ---- beneath -----------------------------------------------------------------------------

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Nothing changes in here, and the domain exists."""
        with self.door.looking():
            self.check_alive()
            yield

    def _translate(self, va: int, access: Access) -> int:
        return self.reach(self.machine.cpus.borrow(self.pmap), va, access)

    def reach(self, cpu: MachineCpu, va: int, access: Access, user: bool = True) -> int:
        """The physical address of `va` on a processor that has its tables loaded; FAULT and ACCES.

        Where a memory object is shown, the program's own handler maps what that has.
        """
        found = self._try(cpu, va, access, user)
        if isinstance(found, Fault) and found.kind == "not-present" and self._resolve(va):
            found = self._try(cpu, va, access, user)
        if not isinstance(found, Fault):
            return found
        name = "FAULT" if found.kind == "not-present" else "ACCES"
        raise kernel_error(name, f"{Address(va)}: {found.why}; a domain maps its memory itself")

    def _try(self, cpu: MachineCpu, va: int, access: Access, user: bool) -> int | Fault:
        found = cpu.translate(va, access, user)
        if isinstance(found, Fault):
            tell_fault(cpu, va, found)
        return found

    def _resolve(self, va: int) -> bool:
        """The program's own handler: a memory object that is shown here maps the frame it has; whether there is one."""
        region = self.domain.pmap.vspace.find(va)
        if region is None or region.memobj is None:
            return False
        region.memobj.pagefault(region.offset + va - region.base)
        return True

    def _wanted(self, size: int | str, align: int | str) -> tuple[int, int]:
        length = checks.whole(size, "size")
        if length == 0:
            raise Refused("size=0: room is sought for at least one byte")
        return length, checks.whole(align, "align")

    def _range(self, address: int | str, size: int | str) -> tuple[int, int]:
        va, length = checks.aligned(address, "address"), checks.whole(size, "size")
        if length == 0:
            raise Refused("size=0: a range has at least one byte, and is widened to whole pages")
        return self._address(va, length, "address"), length

    def _address(self, va: int, length: int, name: str) -> int:
        """An address that the program may map at: not where its pmap keeps its own records."""
        layout = self.domain.layout
        begin, end = layout.vspace_begin, layout.vspace_begin + layout.meta_data_bytes
        if va + length > 1 << self.pmap.fmt.word_bits:
            raise Refused(f"{name}={Address(va)} and {Size(length)}: that passes the end of the addresses")
        if va < end and begin < va + length:
            where = f"[{Address(begin)}, {Address(end)})"
            raise Refused(f"{name}={Address(va)} and {Size(length)}: in {where} the pmap keeps its own records")
        for region in self.domain.pmap.vspace.overlapping(va, va + length):
            if region.memobj is not None:
                raise Refused(f"{name}={Address(va)}: memory object {region.memobj.name!r} is shown there; ask that")
        return va

    def _remember(self, va: int, size: int, flags: int) -> None:
        """What was mapped is in regions of the vspace from now on: a new one for each part that is in none yet."""
        vspace = self.domain.pmap.vspace
        at, end = va, va + size
        for region in [*vspace.overlapping(va, end), None]:
            upto = end if region is None else region.base
            if at < upto:
                vspace.add(Vregion(vspace.new_id(), at, upto - at, flags))
            at = end if region is None else region.end

    def _forget(self, start: int, end: int) -> None:
        """Regions that map() made lose [start, end), which is unmapped: what is left on either side stays."""
        vspace = self.domain.pmap.vspace
        for region in self._made_by_map(start, end):
            vspace.remove(region)
            for base, behind in ((region.base, start), (end, region.end)):
                if base < behind and maps_anything(self.domain.pmap.core, base, behind):
                    vspace.add(Vregion(vspace.new_id(), base, behind - base, region.flags))

    def _forget_regions(self) -> None:
        """Regions that map() made and in which nothing is mapped any more go."""
        for region in self._made_by_map(0, 1 << 64):
            if not maps_anything(self.domain.pmap.core, region.base, region.end):
                self.domain.pmap.vspace.remove(region)

    def _made_by_map(self, start: int, end: int) -> list[Vregion]:
        """The regions of [start, end) but those of memory objects and that of the slab frames."""
        begin = self.domain.layout.vspace_begin
        found = self.domain.pmap.vspace.overlapping(start, end)
        return [region for region in found if region.memobj is None and region.base != begin]

    def __repr__(self) -> str:
        if self.pmap.destroyed:
            return f"<domain {self.name!r}: destroyed>"
        slab = self.domain.pmap.core.slab
        leaves = self.domain.pmap.core.root.leaves_below
        used = f"{len(self.domain.slots.used):,} slots in use, {slab.free:,} of {slab.total:,} blocks free"
        many = "1 mapping" if leaves == 1 else f"{leaves:,} mappings"
        return f"<domain {self.name!r}: {many}, root table at {Address(self.pmap.root)}, {used}>"
