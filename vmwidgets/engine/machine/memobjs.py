"""Memory objects of a domain: filled with frames, shown by a region of its vspace, and mapped on demand."""

from __future__ import annotations

from collections.abc import Iterable

from ..base.errors import Refused, shown
from ..base.operations import operation
from ..base.units import Address, Size
from ..selfpaging.flags import SIZES, remembered
from ..selfpaging.memobj import Memobj
from . import checks
from .capabilities import DomainPart, MachineCapability
from .flags import region_flags
from .system import Part


class MachineMemobj(Part):
    """A memory object of a domain, shown at `address` by a region of its vspace."""

    def __init__(self, domain: DomainPart, name: str) -> None:
        super().__init__(domain.system, f"{domain.path}/memobj:{name}")
        self.domain = domain
        self.name = name

    @property
    def memobj(self) -> Memobj:
        """The engine's; refused once it is gone."""
        self.domain.check_alive()
        held = self.domain.domain.memobjs.get(self.name)
        if held is None:
            raise Refused(f"memory object {shown(self.name)} of {self.domain.name!r} was removed, or never was")
        return held

    def check_alive(self) -> None:
        """Refuse once it was removed, or its domain destroyed: another object never has its name."""
        assert self.memobj is not None

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
        ref, skipped = self.domain.slot_of(frame), checks.aligned(frame_offset, "frame_offset")
        there = self.domain.domain.stubs.frame_identify(ref).bytes - skipped
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
        if self.domain.destroyed:
            return f"<memory object {self.name!r} of {self.domain.name}: destroyed with it>"
        held = self.domain.domain.memobjs.get(self.name)
        if held is None:
            return f"<memory object {self.name!r} of {self.domain.name}: removed>"
        what = f"{self.size} at {self.address}, {len(held.fills)} frames"
        return f"<memory object {self.name!r} of {self.domain.name}: {what}>"
