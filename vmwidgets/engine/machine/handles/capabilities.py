"""The handles of a domain's parts: its capabilities, and the memory objects in its vspace."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from ...base.errors import Refused, in_ascii, shown
from ...base.operations import operation
from ...base.units import Address, Size, counted
from ...selfpaging.capabilities import OBJ_TYPES, Capability
from ...selfpaging.domain import Domain
from ...selfpaging.domain_schema import CapabilityValue, CapRef
from ...selfpaging.errors import LibError
from ...selfpaging.flags import SIZES, remembered
from ...selfpaging.memobj import Memobj
from ...spaces.domain_space import DomainSpace
from ...spaces.paths import unquoted
from .. import arguments
from ..arguments import PagesArg, RegionFlagsArg
from ..system import Part, SpacePart, System

T = TypeVar("T")

_SLOT = re.compile(r"(\w+)\[(\d{1,9})\](?:#(\d{1,12}))?")
"""The pattern of a slot's text: "slots[3]", or with the capability's number "slots[3]#17"."""


class DomainPart(SpacePart):
    """A domain's handle: it finds the domain by path and generation, and the capabilities in its slots."""

    noun = "domain"

    def __init__(self, system: System, path: str, generation: int) -> None:
        super().__init__(system, path)
        self.name = unquoted(path.removeprefix("domain:"))
        self.space_name = path
        self.generation = generation

    @property
    def space(self) -> DomainSpace:
        """The domain, or the remains of a destroyed one."""
        found = self.system.domains.get(self.name)
        if found is None or found.generation != self.generation:
            found = self.system.destroyed.get((self.name, self.generation))
        return found or self.missing()

    @property
    def domain(self) -> Domain:
        """The engine's own domain."""
        return self.space.domain

    @property
    def destroyed(self) -> bool:
        """Return whether the domain was destroyed."""
        return (self.name, self.generation) in self.system.destroyed

    @property
    def later_destroyed(self) -> int:
        """The number of destroyed domains that had the same name after this domain.  O(destroyed domains)."""
        return sum(name == self.name and one > self.generation for name, one in self.system.destroyed)

    def check_alive(self) -> None:
        """Refuse if the domain was destroyed; every operation and every reader calls this first."""
        if self.destroyed:
            raise Refused(f"domain {shown(self.name)} was destroyed")

    # ---- capabilities ------------------------------------------------------------------------

    def slot(self, place: Any) -> MachineCapability:
        """Return the capability in a slot ("slots[3]"), or by its number, even if it was deleted ("slots[3]#17")."""
        self.check_alive()
        found = _SLOT.fullmatch(place) if isinstance(place, str) else None
        if found is None:
            raise Refused(f"{shown(place)} is not a slot: write the cnode and a number, such as 'slots[3]'")
        ref = CapRef(found[1], int(found[2]))
        return self.capability(ref) if found[3] is None else MachineCapability(self, ref, int(found[3]))

    def capability(self, ref: CapRef) -> MachineCapability:
        """Return the handle of the capability that is now in a slot."""
        return MachineCapability(self, ref, self.domain.cspace.lookup(ref).id)

    def slot_of(self, given: Any) -> CapRef:
        """Return the slot of a capability, passed itself or as its slot's text, if the slot still contains it."""
        if isinstance(given, str):
            given = self.slot(given)
        if not isinstance(given, MachineCapability):
            raise Refused(
                f"{shown(given)} is not a capability: pass what frame() returned, or a slot such as 'slots[3]'"
            )
        if given.domain is not self:
            whose = f"domain {given.domain.name!r}"
            if given.system is not self.system:
                whose += f" of another machine, {given.machine.name!r}"
            raise Refused(f"{given.ref} is of {whose}: {self.name!r} can't name its capabilities")
        return given.held.ref


class MachineCapability(Part):
    """The handle of a domain's capability, found by its slot; its use is refused after the capability is deleted."""

    def __init__(self, domain: DomainPart, ref: CapRef, number: int) -> None:
        super().__init__(domain.system, f"{domain.path}/{ref}#{number}")
        self.domain = domain
        self.ref = ref
        self.number = number
        """The capability's own number, never reused: a later capability in the same slot has another number."""

    @property
    def value(self) -> CapabilityValue | None:
        """The capability's current state; None if it was deleted.  O(copies + mappings)."""
        held = self._find()
        return None if held is None else self.domain.domain.cspace.cnodes[self.ref.cnode].value(held)

    @property
    def base(self) -> Address:
        """The physical address of the capability's memory."""
        return Address(self.held.object.base)

    @property
    def bytes(self) -> Size:
        """The number of bytes of the capability's memory."""
        return Size(self.held.object.bytes)

    @property
    def kind(self) -> str:
        """The kind of capability: "Frame", "RAM", "VNode_ARM_l2" and so on."""
        return self.held.object.kind.name

    @property
    def rights(self) -> str:
        """The letters of "rwg", "-" for a missing right."""
        return self.held.rights

    @property
    def held(self) -> Capability:
        """The engine's own capability; SYS_ERR_CAP_NOT_FOUND after it is deleted."""
        self.domain.check_alive()
        held = self._find()
        if held is None:
            raise LibError("SYS_ERR_CAP_NOT_FOUND", f"the capability that was in {self.ref} has been deleted")
        return held

    def _find(self) -> Capability | None:
        cnode = self.domain.domain.cspace.cnodes.get(self.ref.cnode)
        held = None if cnode is None else cnode.capabilities.get(self.ref.slot)
        return held if held is not None and held.id == self.number else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MachineCapability):
            return NotImplemented
        return self.domain is other.domain and self.number == other.number

    def __hash__(self) -> int:
        return hash((self.domain.path, self.number))

    @in_ascii
    def __repr__(self) -> str:
        value = self.value
        if value is None:
            return f"<{self.ref} of {self.domain.name}: deleted>"
        place = f"{Size(value.bytes)} at physical {Address(value.base)}, rights {value.rights}"
        copies = f", {len(value.copies)} more of it" if value.copies else ""
        is_leaf = value.mapped and not OBJ_TYPES[value.kind].is_table
        mapped = f", mapped by {len(value.mapped)} leaves" if is_leaf else ""
        return f"<{value.kind} in {self.ref} of {self.domain.name}: {place}{copies}{mapped}>"


class MachineMemobj(Part):
    """A memory object of a domain, mapped at `address` by a region of its vspace."""

    def __init__(self, domain: DomainPart, name: str) -> None:
        super().__init__(domain.system, f"{domain.path}/memobj:{name}")
        self.domain = domain
        self.name = name

    @property
    def memobj(self) -> Memobj:
        """The engine's own object; refused after its removal."""
        self.domain.check_alive()
        held = self.domain.domain.memobjs.get(self.name)
        if held is None:
            raise Refused(f"memory object {shown(self.name)} of {self.domain.name!r} was removed, or never was")
        return held

    def check_alive(self) -> None:
        """Refuse if the object was removed or its domain destroyed; names of objects are never used again."""
        _ = self.memobj  # refused if there is no such domain

    def _kernel_call(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Make an operation's call for the object's domain, unless the object no longer exists."""
        self.check_alive()
        return self.system.kernel_call(self.domain.space.pmap, call, *args, **kwargs)

    @property
    def address(self) -> Address:
        """The start of the object's region."""
        region = self.memobj.region
        assert region is not None, "an object has its region until it is removed"
        return Address(region.base)

    @property
    def size(self) -> Size:
        """The size in bytes."""
        return Size(self.memobj.size)

    @operation
    def fill(
        self,
        frame: MachineCapability | str,
        offset: PagesArg = 0,
        frame_offset: int | str = 0,
        size: int | str | None = None,
    ) -> None:
        """Fill the object from `offset` on with `size` bytes of a frame from `frame_offset` on, or the frame's rest.

        Fails with LIB_ERR_MEMOBJ_DUPLICATE_FILL if a frame is there already, and with LIB_ERR_MEMOBJ_WRONG_OFFSET for
        an offset outside the object, or not aligned.
        """
        held = self.memobj
        ref, skipped = self.domain.slot_of(frame), arguments.aligned(frame_offset, "frame_offset")
        there = self.domain.domain.kernel.frame_identify(ref).bytes - skipped
        length = min(there, held.size - offset) if size is None else arguments.aligned(size, "size")
        if offset >= held.size:
            raise Refused(f"offset={offset:#x}: the object has {Size(held.size)}")
        if not 0 < length <= there:
            raise Refused(f"size={length:#x}: the frame in {ref} has {Size(max(there, 0))} from frame_offset on")
        held.fill(offset, ref, skipped, length)

    @operation
    def unfill(self, offset: PagesArg = 0) -> None:
        """Remove the frame that begins at `offset`; its mapping, if any, is unmapped."""
        self.memobj.unfill(offset)

    @operation
    def protect(self, flags: RegionFlagsArg, offset: PagesArg = 0, size: PagesArg | None = None) -> None:
        """Change the flags of [offset, offset + size), also for pages that faults map later.

        Fails with LIB_ERR_MEMOBJ_PROTECT, and changes nothing, if a frame's capability lacks a right.
        """
        held = self.memobj
        length = held.size - offset if size is None else size
        held.protect(offset, length, flags)
        if held.region is not None and length == held.size:
            vspace, wanted = self.domain.domain.pmap.vspace, remembered(flags) | held.region.flags & SIZES
            held.region = vspace.change_flags(held.region, wanted)

    @operation
    def remove(self) -> None:
        """Unmap the whole object, and remove its region from the vspace; the program keeps its frames."""
        held = self.memobj
        region = held.region
        assert region is not None, "an object has its region until it is removed"
        held.unmap_region()
        self.domain.domain.pmap.vspace.remove(region)
        del self.domain.domain.memobjs[self.name]

    @in_ascii
    def __repr__(self) -> str:
        if self.domain.destroyed:
            return f"<memory object {self.name!r} of {self.domain.name}: destroyed with it>"
        held = self.domain.domain.memobjs.get(self.name)
        if held is None:
            return f"<memory object {self.name!r} of {self.domain.name}: removed>"
        what = f"{self.size} at {self.address}, {counted(len(held.fills), 'frame')}"
        return f"<memory object {self.name!r} of {self.domain.name}: {what}>"
