"""A pmap's knowledge of an architecture, as data: levels of tables, addresses, sizes of records.

The methods compute how a range is cut into pieces, one for each table, and how many blocks are needed to map it.
"""

from __future__ import annotations

from typing import NamedTuple

from ..base.frozen import frozen
from ..base.units import KIB, MIB, PAGE, TIB
from .capabilities import FrameIdentity
from .flags import LARGE, remembered


def round_up(value: int, unit: int) -> int:
    """Return the next multiple of `unit`, which need not be a power of two.

    >>> round_up(4097, 4096), round_up(8192, 4096), round_up(1, 12288)
    (8192, 8192, 12288)
    """
    return -(-value // unit) * unit


class TablePiece(NamedTuple):
    """`entries` entries from `entry` on in the table for `va`; the piece begins at `offset` in the range."""

    va: int
    entry: int
    entries: int
    offset: int


class MapCall(NamedTuple):
    """A call of map that shows exactly `size` bytes of a frame from `offset` on at `va`."""

    va: int
    offset: int
    size: int
    flags: int


class Mapped(NamedTuple):
    """The result of map: the offset from which it mapped, and the number of mapped bytes."""

    retoff: int
    retsize: int


@frozen
class VnodeLevel:
    """A level of tables. `number` 1 is the level of small pages; an entry covers 2**`shift` bytes."""

    number: int
    kind: str
    """The type of the capability of such a table."""
    bits: int
    shift: int
    leaf_flag: int | None
    """The flag that requests a leaf in such a table; 0: no flag is needed; None: it contains tables only."""

    @property
    def entries(self) -> int:
        """The number of entries in a table."""
        return 1 << self.bits

    @property
    def unit(self) -> int:
        """The number of bytes that an entry covers."""
        return 1 << self.shift

    @property
    def span(self) -> int:
        """The number of bytes that a table covers."""
        return 1 << self.shift + self.bits

    def index(self, va: int) -> int:
        """Return the number of the entry for an address."""
        return va >> self.shift & self.entries - 1

    def pieces(self, va: int, size: int) -> list[TablePiece]:
        """Return the pieces of [va, va + size), in order, one for each table: an invocation fills one table.

        >>> [(hex(piece.va), piece.entries) for piece in ARMV7.pages.pieces(0x100FE000, 0x3000)]
        [('0x100fe000', 2), ('0x10100000', 1)]
        """
        pieces, at, end = [], va, va + size
        while at < end:
            upto = min(end, (at // self.span + 1) * self.span)
            pieces.append(TablePiece(at, self.index(at), (upto - at) // self.unit, at - va))
            at = upto
        return pieces


@frozen
class RawRange:
    """The entries [first, end) of the root that `determine_addr_raw` examines, each for this many bytes."""

    first: int
    end: int
    answer: int
    """The number of bytes between the results for two neighbouring entries."""


@frozen
class PagingLayout:
    """An architecture, as a pmap sees it."""

    name: str
    levels: tuple[VnodeLevel, ...]
    """The levels, the root's first."""
    entry_bytes: int
    user_end: int
    vspace_begin: int
    """The start of the region for slab frames; nothing is placed below it."""
    meta_data_bytes: int
    """The size of that region in bytes."""
    raw: RawRange
    raw_quirk: RawRange
    """What `raw-wrong-window` makes of it."""
    slab_block_bytes: int
    slab_head_bytes: int
    slab_buffer_bytes: int
    """The size of a new pmap's own buffer for its first blocks."""

    @property
    def root(self) -> VnodeLevel:
        """The highest level."""
        return self.levels[0]

    @property
    def pages(self) -> VnodeLevel:
        """The level of small pages."""
        return self.levels[-1]

    @property
    def meta_end(self) -> int:
        """The first address after the region for slab frames."""
        return self.vspace_begin + self.meta_data_bytes

    def level(self, number: int) -> VnodeLevel:
        """The level of that number."""
        return self.levels[-number]

    def large_unit(self, flags: int) -> int:
        """Return the size of the large pages that `flags` request; 0 if they request none."""
        return next((level.unit for level in self.levels if level.leaf_flag and flags & level.leaf_flag), 0)

    def leaf_level(self, va: int, frame: FrameIdentity, flags: int) -> VnodeLevel:
        """Return the level of the leaves' tables: LARGE counts if the address, the frame and its size allow it."""
        for level in self.levels:
            fits = not (va % level.unit or frame.base % level.unit) and frame.bytes >= level.unit
            if level.leaf_flag and flags & level.leaf_flag and fits:
                return level
        return self.pages

    def exact_parts(self, frame: FrameIdentity, part: MapCall) -> list[MapCall]:
        """Return the parts that map whole pages and nothing beyond them: large pages for those completely inside.

        Otherwise, a map with LARGE would be widened to whole large pages, and begin with the large page that contains
        `offset`.

        >>> part = MapCall(0x100FF000, 0xFF000, 0x102000, LARGE | 1)
        >>> [(hex(one.va), hex(one.size), one.flags) for one in ARMV7.exact_parts(FrameIdentity(0, 4 << 20), part)]
        [('0x100ff000', '0x1000', 1), ('0x10100000', '0x100000', 65), ('0x10200000', '0x1000', 1)]
        """
        va, offset, size, flags = part
        end, small = va + size, remembered(flags)
        for level in self.levels[:-1]:
            first, behind = round_up(va, level.unit), end & -level.unit
            fits = self.leaf_level(first, frame, flags) is level
            if fits and first < behind and not (offset + first - va) % level.unit:
                cuts = [(va, first, small), (first, behind, flags), (behind, end, small)]
                return [MapCall(at, offset + at - va, upto - at, wanted) for at, upto, wanted in cuts if at < upto]
        return [MapCall(va, offset, size, small)]

    def max_slabs_required(self, size: int) -> int:
        """Return how many blocks a map of `size` bytes of small pages may need: a leaf per page, and all tables.

        This is generous, since one leaf covers as many pages as a table has.

        >>> ARMV7.max_slabs_required(4096), ARMV7.max_slabs_required(64 << 20)
        (3, 16449)
        """
        needed = count = -(-size // PAGE)
        for level in reversed(self.levels):
            count = -(-count // level.entries)
            needed += count
        return needed

    def slabs_wanted(self, level: VnodeLevel, va: int, given: int, size: int) -> int:
        """Return how many blocks must be free before a map of `given` bytes, widened to [va, va + size).

        Leaves are in `level`. It is the estimate plus a reserve, from which a page for further blocks can be mapped.
        The estimate counts the bytes as given, so it can be too low for the range: the result is at least what the
        range needs, plus its own reserve.
        """
        reserve = self.max_slabs_required(PAGE)
        worst = len(level.pieces(va, size)) + self.tables_at_most(level, va, size)
        if level is not self.pages:
            return worst + reserve
        return max(self.max_slabs_required(given) + reserve, worst + len(self.levels))

    def tables_at_most(self, level: VnodeLevel, va: int, size: int) -> int:
        """Return the number of tables below the root on the way to a range with leaves in `level`."""
        below = [table for table in self.levels[1:] if table.number >= level.number]
        return sum((va + size - 1) // table.span - va // table.span + 1 for table in below) if size else 0


ARMV7 = PagingLayout(
    "armv7",
    (VnodeLevel(2, "VNode_ARM_l1", 12, 20, LARGE), VnodeLevel(1, "VNode_ARM_l2", 8, 12, 0)),
    entry_bytes=4,
    user_end=0x8000_0000,
    vspace_begin=0x4000_0000,
    meta_data_bytes=4 * MIB,
    raw=RawRange(1536, 2048, 1 * MIB),
    raw_quirk=RawRange(384, 512, 4 * MIB),
    slab_block_bytes=64,
    slab_head_bytes=16,
    slab_buffer_bytes=512,
)
"""Barrelfish's port to ARMv7 of August 2016."""

_X86_64_RAW = RawRange(128, 256, TIB // 2)
X86_64 = PagingLayout(
    "x86-64",
    (
        VnodeLevel(4, "VNode_x86_64_pml4", 9, 39, None),
        VnodeLevel(3, "VNode_x86_64_pdpt", 9, 30, None),
        VnodeLevel(2, "VNode_x86_64_pdir", 9, 21, LARGE),
        VnodeLevel(1, "VNode_x86_64_ptable", 9, 12, 0),
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

DOMAIN_LAYOUTS = {layout.name: layout for layout in (ARMV7, X86_64)}
"""The layouts, by the names that machines are booted with."""
