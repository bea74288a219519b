"""Typed capabilities, as data: what each kind is about, what it may be retyped to, what a table's entries may hold.

A capability is a right on a kernel object or on memory.  Barrelfish, lib/barrelfish and kernel of 15 August 2016.
"""

from __future__ import annotations

from typing import NamedTuple

RIGHTS = "rwg"
"""Read, write, grant (be copied): all rights that a capability can carry."""

_FRAMES = ("Frame", "DevFrame")


class Kind(NamedTuple):
    """A kind of capability.

    `bytes` is the size of its object, none where that is any number of pages.  Of a table (a vnode): the format and
    the level that its entries are of, the kinds that an entry may refer to, and how many of its entries are the
    program's: those above are the kernel's half.
    """

    name: str
    retypes_to: tuple[str, ...] = ()
    bytes: int | None = None
    format: str = ""
    level: int = 0
    holds: tuple[str, ...] = ()
    entries: int = 0
    user_entries: int = 0

    @property
    def is_table(self) -> bool:
        """Whether it is a vnode: a page table."""
        return self.level > 0

    @property
    def is_frame(self) -> bool:
        """Whether a leaf can map it."""
        return self.name in _FRAMES


def _x86_64(name: str, level: int, holds: tuple[str, ...], user_entries: int = 512) -> Kind:
    return Kind(f"VNode_x86_64_{name}", (), 4096, "x86-64", level, holds, 512, user_entries)


TABLES = (
    Kind("VNode_ARM_l1", (), 16384, "armv7", 2, ("VNode_ARM_l2", *_FRAMES), 4096, 2048),
    Kind("VNode_ARM_l2", (), 1024, "armv7", 1, _FRAMES, 256, 256),
    _x86_64("pml4", 4, ("VNode_x86_64_pdpt",), user_entries=256),
    _x86_64("pdpt", 3, ("VNode_x86_64_pdir", *_FRAMES)),
    _x86_64("pdir", 2, ("VNode_x86_64_ptable", *_FRAMES)),
    _x86_64("ptable", 1, _FRAMES),
)

KINDS = {
    kind.name: kind
    for kind in (
        Kind("RAM", ("RAM", "Frame", *(table.name for table in TABLES))),
        Kind("Frame", ("Frame",)),
        Kind("DevFrame", ("DevFrame",)),
        Kind("CNode"),
        Kind("Mapping"),
        *TABLES,
    )
}
"""All kinds, by name.  Whoever holds RAM decides what becomes of it; a frame can only be cut into smaller ones.

>>> KINDS["Frame"].retypes_to, KINDS["VNode_ARM_l2"].bytes
(('Frame',), 1024)
"""


def common_rights(wanted: str, held: str) -> str:
    """The rights in both, as values show them: a letter each, "-" where it is missing.

    >>> common_rights("rw", "r-g")
    'r--'
    """
    return "".join(letter if letter in wanted and letter in held else "-" for letter in RIGHTS)
