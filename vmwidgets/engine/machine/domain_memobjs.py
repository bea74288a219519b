"""Memory objects of a domain: what lies behind a region of its vspace, filled with frames and mapped on demand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..base.errors import Refused
from ..base.operations import Door, operation
from ..base.units import PAGE, Address, Size
from ..selfpaging.errors import LibError
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
        """The engine's; LIB_ERR_VSPACE_VREGION_NOT_FOUND once it is gone."""
        self.check_alive()
        held = self.domain.domain.memobjs.get(self.name)
        if held is None:
            raise LibError("LIB_ERR_VSPACE_VREGION_NOT_FOUND", f"{self.name} was removed")
        return held

    def check_alive(self) -> None:
        """Refuse once its domain was destroyed."""
        self.domain.check_alive()

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
        if not 0 < length <= there:
            raise Refused(f"size={length:#x}: the frame in {ref} has {Size(max(there, 0))} from frame_offset on")
        held.fill(start, ref, skipped, length)

    @operation
    def unfill(self, offset: int | str = 0) -> None:
        """Take the frame away that begins at `offset`, unmapped if it was mapped."""
        self.memobj.unfill(checks.aligned(offset, "offset"))

    @operation
    def protect(self, flags: str | Iterable[str] | int, offset: int | str = 0, size: int | str | None = None) -> None:
        """Give what is mapped of [offset, offset + size) other flags: LIB_ERR_MEMOBJ_PROTECT."""
        start, word = checks.aligned(offset, "offset"), region_flags(flags)
        length = self.memobj.size - start if size is None else checks.aligned(size, "size")
        self.memobj.protect(start, length, word)

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
            raise Refused(f"kind={wanted!r}: piece= is for 'fixed', and needed there")
        domain = self.domain
        name = f"{wanted} {1 + max((int(one.rpartition(' ')[2]) for one in domain.memobjs), default=0)}"
        if piece is not None:
            made: Memobj = Fixed(domain.pmap, name, length, checks.aligned(piece, "piece"))
        else:
            made = KINDS[wanted](domain.pmap, name, length)  # type: ignore[call-arg]  # all but "fixed" take these
        va = domain.pmap.determine_addr(length) if at is None else self._address(checks.aligned(at, "at"), length, "at")
        region = Vregion(domain.pmap.vspace.new_id(), va, length, word, made)
        domain.pmap.vspace.add(region)
        try:
            if ref is not None:
                made.fill(0, ref, 0, min(length, domain.program.frame_identify(ref).bytes))
            made.map_region(region)
        except LibError:
            domain.pmap.vspace.remove(region)
            raise
        domain.memobjs[name] = made
        return MachineMemobj(self, name)  # type: ignore[arg-type]  # what this is mixed into

    @operation
    def anonymous(self, size: int | str, flags: str | Iterable[str] | int = "rw") -> MachineMemobj:
        """A memory object to be filled with frames, each mapped when it is first touched."""
        return self.memobj("anonymous", size, flags=flags)

    def _address(self, va: int, length: int, name: str) -> int:
        """An address that the program may map at."""
        raise NotImplementedError
