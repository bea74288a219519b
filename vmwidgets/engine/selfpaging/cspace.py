"""The capability space: cnodes with slots, and which capability is in which.

A program names a capability by its :class:`~vmwidgets.engine.base.domain_values.CapRef` and never touches one: the
kernel looks it up here.  Invoking works only in the program's own cspace; cnodes of another's may be copied from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.domain_values import CapRef
from ..base.errors import Refused
from .errors import LibError
from .slot_counts import SlotCounts

if TYPE_CHECKING:
    from .mapping_database import Capability

ROOT_CNODE, PAGE_CNODE, SLOT_CNODE, FRAME_CNODE = "rootcn", "pagecn", "slots", "frames"
"""What a program starts with: the root cnode, that of the root table, the slot allocator's, that of given frames."""

ROOT_TABLE = CapRef(PAGE_CNODE, 0)
"""Where the root table's capability lies."""


class Cnode:
    """A table of `slots` slots; `own` says whether it is in the program's own cspace."""

    __slots__ = ("capabilities", "counts", "name", "own", "slots")

    def __init__(self, name: str, slots: int, *, own: bool = True) -> None:
        self.name = name
        self.slots = slots
        self.own = own
        self.capabilities: dict[int, Capability] = {}
        self.counts = SlotCounts(slots, self._kind_at)
        """How many of each kind it holds, for any range."""

    def _kind_at(self, slot: int) -> str | None:
        held = self.capabilities.get(slot)
        return None if held is None else held.object.kind.name


class Cspace:
    """The cnodes that a program can name.

    >>> cspace = Cspace()
    >>> cspace.add("slots", 16).name
    'slots'
    >>> cspace.is_empty(CapRef("slots", 3))
    True
    """

    __slots__ = ("cnodes",)

    def __init__(self) -> None:
        self.cnodes: dict[str, Cnode] = {}

    def add(self, name: str, slots: int, *, own: bool = True) -> Cnode:
        """A new cnode with empty slots."""
        if name in self.cnodes or slots < 1:
            raise Refused(f"cnode {name!r} of {slots} slots: a cnode has a name of its own and at least one slot")
        cnode = self.cnodes[name] = Cnode(name, slots, own=own)
        return cnode

    def lookup(self, ref: CapRef, *, invoke: bool = False) -> Capability:
        """The capability in a slot; SYS_ERR_CAP_NOT_FOUND if there is none, or it is not one to `invoke`."""
        cnode = self.cnodes.get(ref.cnode)
        capability = None if cnode is None else cnode.capabilities.get(ref.slot)
        if cnode is None or capability is None:
            why = f"there is no capability in {ref}"
            if cnode is None:
                why = f"there is no cnode {ref.cnode!r}: the program has {', '.join(self.cnodes)}"
            raise LibError("SYS_ERR_CAP_NOT_FOUND", why)
        if invoke and not cnode.own:
            why = f"{ref} lies in another cspace, and only copies in the program's own can be invoked"
            raise LibError("SYS_ERR_CAP_NOT_FOUND", why)
        return capability

    def is_empty(self, ref: CapRef) -> bool:
        """Whether a slot exists and holds nothing."""
        cnode = self.cnodes.get(ref.cnode)
        return cnode is not None and 0 <= ref.slot < cnode.slots and ref.slot not in cnode.capabilities

    def check_room(self, ref: CapRef) -> None:
        """Raise unless a new capability can be put into a slot."""
        cnode = self.cnodes.get(ref.cnode)
        if cnode is None or not 0 <= ref.slot < cnode.slots:
            raise LibError("SYS_ERR_DEST_CNODE_LOOKUP", f"there is no slot {ref}")
        if ref.slot in cnode.capabilities:
            raise LibError("SYS_ERR_SLOT_IN_USE", f"{ref} holds a capability already")

    def put(self, capability: Capability) -> None:
        """Put a capability into its slot, which is empty."""
        ref = capability.ref
        cnode = self.cnodes[ref.cnode]
        cnode.capabilities[ref.slot] = capability
        cnode.counts.add(ref.slot, capability.object.kind.name)

    def remove(self, ref: CapRef) -> None:
        """Empty a slot."""
        cnode = self.cnodes[ref.cnode]
        gone = cnode.capabilities.pop(ref.slot)
        cnode.counts.remove(ref.slot, gone.object.kind.name)
