"""What a pmap knows of an architecture, as data: its tables, the addresses it may use, the sizes of its records."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.units import KIB, MIB, TIB
from .flags import LARGE


@dataclass(frozen=True, slots=True)
class VnodeLevel:
    """A level of tables.  `number` 1 is that of small pages; `shift` is of the bytes an entry is for."""

    number: int
    kind: str
    """The type of the capability of such a table."""
    bits: int
    shift: int
    table_bytes: int
    leaf_flag: int | None
    """The flag that asks for a leaf in such a table, 0 for none needed; none: it holds tables only."""

    @property
    def entries(self) -> int:
        """Entries of a table."""
        return 1 << self.bits

    @property
    def unit(self) -> int:
        """Bytes of addresses that an entry is for."""
        return 1 << self.shift

    @property
    def span(self) -> int:
        """Bytes of addresses that a table is for."""
        return 1 << self.shift + self.bits

    def index(self, va: int) -> int:
        """The entry for an address."""
        return va >> self.shift & self.entries - 1


@dataclass(frozen=True, slots=True)
class RawWindow:
    """Entries of the root that `determine_addr_raw` looks at: [first, end), each answered as so many bytes."""

    first: int
    end: int
    answer: int
    """Bytes by which the answers for two entries differ."""


@dataclass(frozen=True, slots=True)
class PmapLayout:
    """An architecture, as a pmap sees it."""

    name: str
    levels: tuple[VnodeLevel, ...]
    """The root's first."""
    entry_bytes: int
    user_end: int
    vspace_begin: int
    """Where the region for slab frames begins; nothing is placed below it."""
    meta_data_bytes: int
    raw: RawWindow
    raw_quirk: RawWindow
    """What `raw-wrong-window` makes of it."""
    slab_block_bytes: int
    slab_head_bytes: int
    slab_buffer_bytes: int
    """What a new pmap brings along for its first blocks."""

    def level(self, number: int) -> VnodeLevel:
        """The level of that number."""
        return self.levels[-number]

    @property
    def root(self) -> VnodeLevel:
        """The highest."""
        return self.levels[0]

    @property
    def pages(self) -> VnodeLevel:
        """The level of small pages."""
        return self.levels[-1]


ARMV7 = PmapLayout(
    "armv7",
    (
        VnodeLevel(2, "VNode_ARM_l1", 12, 20, 16 * KIB, LARGE),
        VnodeLevel(1, "VNode_ARM_l2", 8, 12, 1 * KIB, 0),
    ),
    entry_bytes=4,
    user_end=0x8000_0000,
    vspace_begin=0x4000_0000,
    meta_data_bytes=4 * MIB,
    raw=RawWindow(1536, 2048, 1 * MIB),
    raw_quirk=RawWindow(384, 512, 4 * MIB),
    slab_block_bytes=64,
    slab_head_bytes=16,
    slab_buffer_bytes=512,
)
"""Barrelfish's port to ARMv7 of August 2016."""

_X86_64_RAW = RawWindow(128, 256, TIB // 2)

X86_64 = PmapLayout(
    "x86-64",
    (
        VnodeLevel(4, "VNode_x86_64_pml4", 9, 39, 4 * KIB, None),
        VnodeLevel(3, "VNode_x86_64_pdpt", 9, 30, 4 * KIB, None),
        VnodeLevel(2, "VNode_x86_64_pdir", 9, 21, 4 * KIB, LARGE),
        VnodeLevel(1, "VNode_x86_64_ptable", 9, 12, 4 * KIB, 0),
    ),
    entry_bytes=8,
    user_end=1 << 47,
    vspace_begin=TIB // 2,
    meta_data_bytes=4 * MIB,
    raw=_X86_64_RAW,
    raw_quirk=_X86_64_RAW,
    slab_block_bytes=128,
    slab_head_bytes=32,
    slab_buffer_bytes=1 * KIB,
)
"""The same pmap over four levels.  Addresses and the slab's sizes are ours: the pmap studied is ARM's."""

LAYOUTS = {layout.name: layout for layout in (ARMV7, X86_64)}
"""By the names that machines are booted with."""
