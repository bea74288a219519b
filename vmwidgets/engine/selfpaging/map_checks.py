"""What the kernel checks before it writes an entry for a program: decided here, done in :mod:`.kernel_side`.

The checks and their errors are those of Barrelfish's ARMv7 kernel (`caps_map_l1`, `caps_map_l2`) in August 2016.  Where
that panics, or checks the first entry only of several, here the request is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..base.units import Address, Size
from .descriptors import EXECUTE, READ, WRITE
from .errors import LibError

if TYPE_CHECKING:
    from ..mmu.format import Level
    from .mapping_database import Capability, KernelObject, Mapping


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries to be written: `count` of `table` from `entry` on, for `source` from byte `offset` on."""

    table: KernelObject
    source: KernelObject
    entry: int
    count: int
    offset: int
    rights: str


def decide_map(
    table: Capability, source: Capability, level: Level, entry: int, flags: int, offset: int, count: int, *, loose: bool
) -> Entries:
    """The entries that a map request asks for, if their place and size, the kinds and the rights allow it.

    `loose`: of several pages only the first must lie inside the frame, as in the original.
    Whether the entries are free is for :func:`check_free`.
    """
    into, what = table.object, source.object
    if what.kind.name not in into.kind.holds:
        raise LibError("SYS_ERR_DEST_TYPE_INVALID", f"a {what.kind.name} can't be put into a {into.kind.name}")
    _check_place(into, entry, count)
    if what.kind.is_table:
        _check_table(what, offset, count)
    else:
        _check_frame(what, level.span, offset, 1 if loose else count)
    check_rights(source.rights, flags)
    if "w" not in table.rights:
        raise LibError("SYS_ERR_VM_MAP_RIGHTS", f"the capability in {table.ref} does not allow to write the table")
    return Entries(into, what, entry, count, offset, source.rights)


def _check_place(table: KernelObject, entry: int, count: int) -> None:
    kind = table.kind
    if not 0 <= entry < kind.entries:
        raise LibError("SYS_ERR_VNODE_SLOT_INVALID", f"entry {entry}: a {kind.name} has {kind.entries}")
    if count < 1 or entry + count > kind.entries:
        why = f"{count} entries from entry {entry} on: a {kind.name} has {kind.entries}"
        raise LibError("SYS_ERR_VM_MAP_SIZE", why)
    if entry + count > kind.user_entries:
        why = f"entry {max(entry, kind.user_entries)}: those from {kind.user_entries} on are the kernel's"
        raise LibError("SYS_ERR_VNODE_SLOT_RESERVED", why)


def _check_table(what: KernelObject, offset: int, count: int) -> None:
    size = what.kind.bytes or what.bytes
    if offset % size or not 0 <= offset < what.bytes:
        why = f"offset {offset:#x}: a table of {Size(size)} is put in as a whole"
        raise LibError("SYS_ERR_FRAME_OFFSET_INVALID", why)
    if count != 1:
        raise LibError("SYS_ERR_VM_MAP_SIZE", f"{count} entries for one table")


def _check_frame(what: KernelObject, span: int, offset: int, count: int) -> None:
    if offset < 0 or (what.base + offset) % span or offset % span:
        why = f"byte {offset:#x} of the frame at {Address(what.base)} is not on a border of {Size(span)}"
        raise LibError("SYS_ERR_VM_MAP_OFFSET", why)
    if offset + count * span > what.bytes:
        why = f"{Size(count * span)} from byte {offset:#x} on: the frame has {Size(what.bytes)}"
        raise LibError("SYS_ERR_VM_FRAME_TOO_SMALL", why)


def check_rights(rights: str, flags: int) -> None:
    """Raise SYS_ERR_VM_MAP_RIGHTS where `flags` ask for more than `rights` allow."""
    for bit, letter, what in ((READ, "r", "READ"), (WRITE, "w", "WRITE"), (EXECUTE, "r", "EXECUTE")):
        if flags & bit and letter not in rights:
            why = f"{what} was asked for, and the capability has {rights!r}"
            raise LibError("SYS_ERR_VM_MAP_RIGHTS", why)


def check_range(mapping: Mapping, offset: int, count: int) -> None:
    """Raise unless [offset, offset + count) are entries of an installed mapping."""
    if not mapping.installed:
        raise LibError("SYS_ERR_VNODE_NOT_INSTALLED")
    if offset < 0 or count < 1 or offset + count > mapping.count:
        why = f"{count} entries from entry {offset} on: the mapping has {mapping.count}"
        raise LibError("SYS_ERR_VM_MAP_SIZE", why)
