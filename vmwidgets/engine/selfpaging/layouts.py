"""What a pmap knows of an architecture, as data: its tables, the addresses it may use, the sizes of its records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..base.errors import Refused
from ..base.units import KIB, MIB, PAGE, TIB
from .invocations import FrameIdentity

# ---- flags -------------------------------------------------------------------------------------
#
# Flags of a region, as a program gives them, and the four bits of them that the kernel takes.


READ, WRITE, EXECUTE, NOCACHE = 0x1, 0x2, 0x4, 0x8


MPB, GUARD, LARGE, HUGE, WRITE_COMBINING, VTD_SNOOP = 0x10, 0x20, 0x40, 0x80, 0x100, 0x800


FLAGS = {
    "READ": READ,
    "WRITE": WRITE,
    "EXECUTE": EXECUTE,
    "NOCACHE": NOCACHE,
    "MPB": MPB,
    "GUARD": GUARD,
    "LARGE": LARGE,
    "HUGE": HUGE,
    "WRITE_COMBINING": WRITE_COMBINING,
    "VTD_SNOOP": VTD_SNOOP,
}
"""Each flag's number, by its name."""


READ_WRITE = READ | WRITE | VTD_SNOOP
"""What the frames behind the pmap's own slab are mapped with."""


KERNEL_BITS = READ | WRITE | EXECUTE | NOCACHE


TABLE_FLAGS = READ | WRITE
"""The kernel's flags of a table that is put into the table above it."""


SIZES = LARGE | HUGE
"""The flags that ask for a size of page."""


_DROPPED = MPB | WRITE_COMBINING | VTD_SNOOP


_KNOWN = KERNEL_BITS | SIZES | _DROPPED | GUARD


def remembered(flags: int) -> int:
    """The flags that a leaf of the shadow tree keeps: all but those that ask for a size.

    >>> hex(remembered(READ | LARGE | VTD_SNOOP))
    '0x801'
    """
    return flags & ~SIZES


def kernel_flags(flags: int) -> int:
    """What the kernel is given: its four bits; a guard may do nothing.

    Raises :class:`Refused` for bits that are no flag.

    >>> kernel_flags(READ_WRITE | LARGE), kernel_flags(READ | GUARD)
    (3, 0)
    """
    unknown = flags & ~_KNOWN
    if flags < 0 or unknown:
        raise Refused(f"flags {flags:#x}: bits {unknown:#x} are no flags of a region; known are {', '.join(FLAGS)}")
    return 0 if flags & GUARD else flags & KERNEL_BITS


def flag_names(flags: int) -> tuple[str, ...]:
    """The names of the flags in a number.

    >>> flag_names(0x803)
    ('READ', 'WRITE', 'VTD_SNOOP')
    """
    return tuple(name for name, bit in FLAGS.items() if flags & bit)


# ---- layouts -----------------------------------------------------------------------------------


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


# ---- pieces ------------------------------------------------------------------------------------
#
# How a range is cut: a piece of it for each table that it touches, since one invocation fills one table.


class Piece(NamedTuple):
    """`entries` entries from `entry` on of the table for `va`; `offset` is how far into the range it begins."""

    va: int
    entry: int
    entries: int
    offset: int


class Part(NamedTuple):
    """A call of map that shows `size` bytes of a frame from `offset` on at `va`, no more and no less."""

    va: int
    offset: int
    size: int
    flags: int


class Mapped(NamedTuple):
    """What map gives back: the offset that was mapped from, and the bytes that are mapped."""

    retoff: int
    retsize: int


def round_up(value: int, unit: int) -> int:
    """The next multiple of a power of two.

    >>> round_up(4097, 4096), round_up(8192, 4096)
    (8192, 8192)
    """
    return value + unit - 1 & -unit


def leaf_level(layout: PmapLayout, va: int, frame: FrameIdentity, flags: int) -> VnodeLevel:
    """In which tables the leaves go: LARGE counts where address, frame and its size allow it, and is else ignored."""
    for level in layout.levels:
        fits = not (va % level.unit or frame.base % level.unit) and frame.bytes >= level.unit
        if level.leaf_flag and flags & level.leaf_flag and fits:
            return level
    return layout.pages


def exact_parts(layout: PmapLayout, frame: FrameIdentity, part: Part) -> list[Part]:
    """The parts by which whole pages are mapped and nothing beyond them: large pages where whole ones lie inside.

    A map with LARGE is widened to whole large pages otherwise, and begins with the large page that `offset` is in.

    >>> from .layouts import ARMV7
    >>> part = Part(0x100FF000, 0xFF000, 0x102000, READ | LARGE)
    >>> [(hex(one.va), hex(one.size), one.flags) for one in exact_parts(ARMV7, FrameIdentity(0, 4 << 20), part)]
    [('0x100ff000', '0x1000', 1), ('0x10100000', '0x100000', 65), ('0x10200000', '0x1000', 1)]
    """
    va, offset, size, flags = part
    end, small = va + size, remembered(flags)
    for level in layout.levels:
        first, behind = round_up(va, level.unit), end & -level.unit
        fits = level is not layout.pages and leaf_level(layout, first, frame, flags) is level
        if fits and first < behind and not (offset + first - va) % level.unit:
            cuts = [(va, first, small), (first, behind, flags), (behind, end, small)]
            return [Part(at, offset + at - va, upto - at, wanted) for at, upto, wanted in cuts if at < upto]
    return [Part(va, offset, size, small)]


def pieces_of(level: VnodeLevel, va: int, size: int) -> list[Piece]:
    """The pieces of [va, va + size), in order.

    >>> from .layouts import ARMV7
    >>> [(hex(piece.va), piece.entries) for piece in pieces_of(ARMV7.pages, 0x100FE000, 0x3000)]
    [('0x100fe000', 2), ('0x10100000', 1)]
    """
    pieces, at, end = [], va, va + size
    while at < end:
        upto = min(end, (at // level.span + 1) * level.span)
        pieces.append(Piece(at, level.index(at), (upto - at) // level.unit, at - va))
        at = upto
    return pieces


def max_slabs_required(layout: PmapLayout, size: int) -> int:
    """Blocks that mapping `size` bytes of small pages is taken to need: a leaf a page, and the tables of every level.

    Generous: one leaf covers as many pages as a table has.

    >>> from .layouts import ARMV7
    >>> max_slabs_required(ARMV7, 4096), max_slabs_required(ARMV7, 64 << 20)
    (3, 16449)
    """
    needed = count = round_up(size, PAGE) // PAGE
    for level in reversed(layout.levels):
        count = -(-count // level.entries)
        needed += count
    return needed


def slabs_wanted(layout: PmapLayout, level: VnodeLevel, va: int, given: int, size: int) -> int:
    """Blocks that must be free before a map of `given` bytes that became [va, va + size), with leaves in `level`.

    The estimate and a reserve, from which a page for further blocks can be mapped.  The estimate is of the bytes as
    given, so that it can be short of what the range really takes: that much at least, and its own reserve.
    """
    reserve = max_slabs_required(layout, PAGE)
    if level is not layout.pages:
        pieces = len(pieces_of(level, va, size))
        return pieces + tables_at_most(layout, level, va, size) + reserve
    worst = len(pieces_of(level, va, size)) + tables_at_most(layout, level, va, size)
    return max(max_slabs_required(layout, given) + reserve, worst + len(layout.levels))


def tables_at_most(layout: PmapLayout, level: VnodeLevel, va: int, size: int) -> int:
    """Tables below the root that a range with leaves in `level` goes through."""
    below = [table for table in layout.levels[1:] if table.number >= level.number]
    return sum((va + size - 1) // table.span - va // table.span + 1 for table in below) if size else 0
