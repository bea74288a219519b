"""What a pmap asks of the world: slots, memory, and the kernel that alone writes descriptors.

:class:`.domain.Domain` wires the real ones; a test may count the calls, and fail each in turn.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..base.domain_values import CapRef


class FrameIdentity(NamedTuple):
    """What `frame_identify` tells of a frame: physical address and bytes."""

    base: int
    bytes: int


class Invocations(Protocol):
    """Each call either does what it says, or raises :class:`.errors.LibError` and has done nothing."""

    def slot_alloc(self) -> CapRef:
        """The lowest free slot; LIB_ERR_SLOT_ALLOC_NO_SPACE without one (the caller pushes LIB_ERR_SLOT_ALLOC)."""

    def slot_free(self, ref: CapRef) -> None:
        """Give a slot back; it holds nothing."""

    def vnode_create(self, ref: CapRef, kind: str) -> int:
        """RAM for a table of `kind`, retyped into the slot; its physical address.

        Chain when there is no RAM: LIB_ERR_VNODE_CREATE is the caller's; here LIB_ERR_RAM_ALLOC, MM_ERR_NOT_FOUND.
        """

    def vnode_map(
        self, table: CapRef, source: CapRef, entry: int, flags: int, offset: int, count: int, mapping: CapRef
    ) -> None:
        """Put `source`, from byte `offset` on, into `count` entries from `entry` on; the Mapping goes to `mapping`."""

    def vnode_unmap(self, table: CapRef, mapping: CapRef) -> None:
        """Clear the entries that `mapping` tells."""

    def mapping_modify_flags(self, mapping: CapRef, offset: int, pages: int, flags: int) -> None:
        """Rewrite the rights of `pages` entries, from the mapping's entry `offset` on."""

    def cap_delete(self, ref: CapRef) -> None:
        """Delete the capability in a slot; the last one of a table deletes the table's Mapping too."""

    def cap_copy(self, ref: CapRef, source: CapRef) -> None:
        """Copy a capability into an empty slot."""

    def frame_identify(self, ref: CapRef) -> FrameIdentity:
        """Where a frame is, and how big; an error of the kernel if there is none in the slot."""

    def frame_alloc(self, want: int) -> tuple[CapRef, int]:
        """A slot and a frame in it, of a power of two of bytes, at least a page and at least `want`; its bytes.

        Chains: LIB_ERR_SLOT_ALLOC, LIB_ERR_SLOT_ALLOC_NO_SPACE; LIB_ERR_RAM_ALLOC_MS_CONSTRAINTS, MM_ERR_NOT_FOUND.
        """

    def malloc(self, want: int) -> None:
        """Memory from the heap, for the blocks of a pmap that is not the current one."""
