"""Capabilities of a domain as learners hold them, and what can be done with one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..base.errors import Refused, shown
from ..base.operations import Door, operation
from ..base.units import PAGE, Address, Size
from ..base.values.domains import CapabilityValue, CapRef
from ..selfpaging.capabilities import KINDS
from ..selfpaging.errors import LibError
from ..selfpaging.window import capability_value
from . import checks
from .checks import capability_rights

if TYPE_CHECKING:
    from ..selfpaging.capabilities import Capability
    from ..selfpaging.domain import Domain
    from .domain import MachineDomain
    from .machine import Machine


_REF = re.compile(r"(\w+)\[(\d{1,9})\](?:#(\d{1,12}))?")


def domain_path(name: str) -> str:
    """Where the domain called `name` stands in its machine; a slash in the name is not one in the path.

    >>> domain_path("hello"), domain_path("a/b")
    ('domain:hello', 'domain:a%2Fb')
    """
    return "domain:" + name.replace("%", "%25").replace("/", "%2F")


class MachineCapability:
    """A capability of a domain, named by its slot; it can be deleted, and then stands for nothing."""

    def __init__(self, domain: MachineDomain, ref: CapRef, number: int) -> None:
        self.domain = domain
        self.ref = ref
        self.number = number
        """The capability's own, never used again: another in the same slot is not this one."""

    @property
    def path(self) -> str:
        """Where it stands in the machine ("domain:hello/slots[3]#17")."""
        return f"{self.domain.path}/{self.ref}#{self.number}"

    @property
    def value(self) -> CapabilityValue | None:
        """What it is now; None when it was deleted.  O(its copies and mappings)."""
        held = self._find()
        return None if held is None else capability_value(held)

    @property
    def base(self) -> Address:
        """Physical address of what it is about."""
        return Address(self.held.object.base)

    @property
    def bytes(self) -> Size:
        """Bytes of what it is about."""
        return Size(self.held.object.bytes)

    @property
    def kind(self) -> str:
        """What kind it is: "Frame", "RAM", "VNode_ARM_l2" and so on."""
        return self.held.object.kind.name

    @property
    def rights(self) -> str:
        """Letters of "rwg", "-" where one is missing."""
        return self.held.rights

    @property
    def held(self) -> Capability:
        """The engine's; SYS_ERR_CAP_NOT_FOUND once it is deleted."""
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

    def __repr__(self) -> str:
        value = self.value
        if value is None:
            return f"<{self.ref} of {self.domain.name}: deleted>"
        place = f"{Size(value.bytes)} at physical {Address(value.base)}, rights {value.rights}"
        copies = f", {len(value.copies)} more of it" if value.copies else ""
        mapped = f", mapped by {len(value.mapped)} leaves" if value.mapped and not KINDS[value.kind].is_table else ""
        return f"<{value.kind} in {self.ref} of {self.domain.name}: {place}{copies}{mapped}>"


class CapabilityOperations:
    """What a domain does with capabilities."""

    machine: Machine
    domain: Domain
    name: str

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @property
    def path(self) -> str:
        """Where it stands in the machine."""
        return domain_path(self.name)

    @operation
    def frame(self, size: int | str = PAGE) -> MachineCapability:
        """A frame, to be mapped: `size` rounded up to a power of two of bytes, at least a page (`frame_alloc`).

        LIB_ERR_FRAME_ALLOC without a slot, or without so much RAM in one piece: a page allocator has 4 MiB at most.
        """
        return self._handle(self.domain.frame(_bytes(size)))

    @operation
    def ram(self, size: int | str = PAGE) -> MachineCapability:
        """RAM, to be retyped: `size` rounded up to a power of two of bytes, at least a page (`ram_alloc`)."""
        return self._handle(self.domain.memory(_bytes(size)))

    @operation
    def device_frame(self, at: int | str, size: int | str) -> MachineCapability:
        """A frame of a device's memory at physical `at`, beyond RAM, where in this machine nobody answers.

        Refused where the domain has a frame of some of it already: that can be copied, retyped and revoked.
        """
        start, length = checks.aligned(at, "at"), checks.aligned(size, "size")
        reach = 1 << min(40, 8 * self.domain.fmt.entry_width)
        if length == 0:
            raise Refused("size=0: a device has at least one page")
        if not self.machine.ram_bytes <= start < start + length <= reach:
            limits = f"{Address(self.machine.ram_bytes)}, where RAM ends, and {Address(reach)}"
            raise Refused(f"at={Address(start)} and size={length:#x}: a device lies between {limits}")
        for held in self.domain.kernel.database.objects.values():
            if held.kind.name == "DevFrame" and held.base < start + length and start < held.end:
                where = next(iter(held.capabilities))
                raise Refused(
                    f"at={Address(start)} and size={length:#x}: {where} holds the {held}; copy or retype that"
                )
        return self._handle(self.domain.device_frame(start, length))

    @operation
    def retype(
        self, capability: MachineCapability | str, kind: str, offset: int | str = 0, size: int | str | None = None
    ) -> MachineCapability:
        """A capability of `kind` on a part of what another is about: from `offset` on, `size` bytes or the rest.

        RAM becomes RAM, frames or tables, a frame smaller frames.  LIB_ERR_CAP_RETYPE over SYS_ERR_INVALID_RETYPE,
        SYS_ERR_REVOKE_FIRST where that part was retyped before, SYS_ERR_FRAME_OFFSET_INVALID.
        """
        ref, wanted, here = self._ref(capability), checks.known(kind, KINDS, "kind"), self.domain.fmt.name
        if KINDS[wanted].format not in ("", here):
            tables = ", ".join(one.name for one in KINDS.values() if one.format == here)
            raise Refused(f"kind={wanted!r} is a table of {KINDS[wanted].format}; those of {here} are {tables}")
        length = None if size is None else _bytes(size)
        return self._handle(self.domain.retype(ref, wanted, checks.whole(offset, "offset"), length))

    @operation
    def copy(self, capability: MachineCapability | str) -> MachineCapability:
        """Another capability on the same; the one that is copied must carry the right to grant."""
        return self._handle(self.domain.copy(self._ref(capability)))

    @operation
    def mint(self, capability: MachineCapability | str, rights: str) -> MachineCapability:
        """Another capability on the same with fewer rights: letters of "rwg"; none that is missing comes back."""
        ref, wanted = self._ref(capability), capability_rights(rights)
        held = self.domain.cspace.lookup(ref).rights
        if not set(wanted) <= set(held):
            raise Refused(f"rights={wanted!r}: the capability in {ref} has {held!r}, and minting adds none")
        return self._handle(self.domain.mint(ref, wanted))

    @operation
    def delete(self, capability: MachineCapability | str) -> None:
        """Delete a capability; what is mapped by it is unmapped.  With the last one on some memory that goes back.

        O(vnodes).
        """
        ref = self._ref(capability)
        self.domain.delete(ref)
        self._forget_regions()

    @operation
    def revoke(self, capability: MachineCapability | str) -> None:
        """Delete all other capabilities on the same, and on what was made of it; nothing of it stays mapped.

        O(vnodes + capabilities that go).
        """
        ref = self._ref(capability)
        self.domain.revoke(ref)
        self._forget_regions()

    @operation
    def take_slots(self, count: int) -> int:
        """Somebody else in the program takes the `count` lowest free slots; how many are left."""
        self.domain.program.take_slots(checks.count(count, "count"))
        return self.domain.slots.free_slots

    @operation
    def give_slots(self, count: int) -> int:
        """Somebody else in the program gives back the `count` slots taken last; how many are free."""
        self.domain.program.give_slots(checks.count(count, "count"))
        return self.domain.slots.free_slots

    # ---- beneath -----------------------------------------------------------------------------

    def at(self, place: Any) -> MachineCapability:
        """The capability in a slot ("slots[3]"), or with its number ("slots[3]#17") that one, deleted or not."""
        self.check_alive()
        found = _REF.fullmatch(place) if isinstance(place, str) else None
        if found is None:
            raise Refused(f"{shown(place)} is no slot: write cnode and number, such as 'slots[3]'")
        ref = CapRef(found[1], int(found[2]))
        if found[3] is not None:
            return MachineCapability(self, ref, int(found[3]))  # type: ignore[arg-type]  # what this is mixed into
        return self._handle(ref)

    def _handle(self, ref: CapRef) -> MachineCapability:
        return MachineCapability(self, ref, self.domain.cspace.lookup(ref).id)  # type: ignore[arg-type]  # as above

    def _ref(self, given: Any) -> CapRef:
        """The slot that a capability is in, if that is still the one that was meant."""
        if isinstance(given, str):
            given = self.at(given)
        if not isinstance(given, MachineCapability):
            raise Refused(f"{shown(given)} is no capability: write what frame() gave, or a slot such as 'slots[3]'")
        if given.domain is not self:
            whose = f"domain {given.domain.name!r}"
            if given.domain.machine is not self.machine:
                whose += f" of another machine, {given.domain.machine.name!r}"
            raise Refused(f"{given.ref} is of {whose}: {self.name!r} can't name its capabilities")
        return given.held.ref

    def check_alive(self) -> None:
        """Refuse once the domain was destroyed."""
        raise NotImplementedError

    def _forget_regions(self) -> None:
        """Regions of the vspace in which nothing is mapped any more go."""
        raise NotImplementedError


def _bytes(size: Any) -> int:
    number = checks.whole(size, "size")
    if number == 0:
        raise Refused(f"size=0: a capability is about at least one byte; frames have {PAGE} or more")
    return number
