"""Memory objects of a domain: what lies behind a region of its vspace, filled with frames and mapped on demand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..base.errors import Refused, shown
from ..base.operations import Door, operation
from ..base.units import PAGE, Address, Size
from ..selfpaging.errors import LibError
from ..selfpaging.flags import LARGE, SIZES, remembered
from ..selfpaging.memobj import KINDS, Fixed, Memobj
from ..selfpaging.vspace import Vregion
from . import checks
from .domain_capabilities import CapabilityOperations, MachineCapability
from .domain_flags import region_flags

if TYPE_CHECKING:
    from .domain import MachineDomain


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
