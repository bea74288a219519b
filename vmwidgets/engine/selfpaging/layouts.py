"""A pmap's knowledge of an architecture: its table format, and places and sizes of the pmap's own records.

The methods compute how a range is cut into pieces, one for each table, and how many blocks are needed to map it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from ..base.frozen import frozen
from ..base.units import KIB, MIB, PAGE, TIB, round_up
from ..mmu.format import TableFormat
from ..mmu.formats import armv7, x86
from ..mmu.levels import Level
from .capabilities import TABLES, FrameIdentity, ObjType
from .flags import LARGE, remembered


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


def pieces(level: Level, va: int, size: int) -> Iterator[TablePiece]:
    """Yield the pieces of [va, va + size), in order, one for each table of `level`: an invocation fills one table.

    >>> [(hex(piece.va), piece.entries) for piece in pieces(ARMV7.pages, 0x100FE000, 0x3000)]
    [('0x100fe000', 2), ('0x10100000', 1)]
    """
    at, end = va, va + size
    while at < end:
        upto = min(end, (at // level.table_span + 1) * level.table_span)
        yield TablePiece(at, level.index(at), (upto - at) // level.span, at - va)
        at = upto


class RawRange(NamedTuple):
    """The entries [first, end) of the root that `determine_addr_raw` examines, each for this many bytes."""

    first: int
    end: int
    answer: int
    """The number of bytes between the results for two neighbouring entries."""


@frozen(slots=False)
class PagingLayout:
    """An architecture, as a pmap sees it: a table format, and the places and sizes of the pmap's own records."""

    fmt: TableFormat[Any]
    vspace_begin: int
    """The start of the region for slab frames; nothing is placed below it."""
    meta_data_bytes: int
    """The size of that region in bytes."""
    raw_begin: int
    """The address from which on `determine_addr_raw` examines the root."""
    slab_block_bytes: int
    slab_head_bytes: int
    slab_buffer_bytes: int
    """The size of a new pmap's own buffer for its first blocks."""
    raw_quirk: RawRange | None = None
    """What `raw-wrong-window` examines instead."""

    @cached_property
    def root(self) -> Level:
        """The highest level."""
        return self.fmt.root_level

    @cached_property
    def large(self) -> Level:
        """The level whose leaves are large pages."""
        return self.fmt.level(2)

    @cached_property
    def pages(self) -> Level:
        """The level of small pages."""
        return self.fmt.level(1)

    @cached_property
    def user_end(self) -> int:
        """The end of the program's addresses: the root's entries from there on are the kernel's."""
        return self.table(self.root).user_entries << self.root.shift

    @cached_property
    def raw(self) -> RawRange:
        """The entries that `determine_addr_raw` examines."""
        return RawRange(self.raw_begin >> self.root.shift, self.user_end >> self.root.shift, self.root.span)

    @property
    def meta_end(self) -> int:
        """The first address after the region for slab frames."""
        return self.vspace_begin + self.meta_data_bytes

    def table(self, level: Level) -> ObjType:
        """Return the type of the capability of a table of `level`."""
        return next(kind for kind in TABLES if (kind.format, kind.level) == (self.fmt.name, level.number))

    def large_unit(self, flags: int) -> int:
        """Return the size of the large pages that `flags` request; 0 if they request none."""
        return self.large.span if flags & LARGE else 0

    def leaf_level(self, va: int, frame: FrameIdentity, flags: int) -> Level:
        """Return the level of the leaves' tables: LARGE counts if the address, the frame and its size allow it."""
        unit = self.large_unit(flags)
        if not unit or va % unit or frame.base % unit or frame.bytes < unit:
            return self.pages
        return self.large

    def exact_parts(self, frame: FrameIdentity, part: MapCall) -> list[MapCall]:
        """Return the parts that map whole pages and nothing beyond them: large pages for those completely inside.

        Otherwise, a map with LARGE would be widened to whole large pages, and begin with the large page that contains
        `offset`.

        >>> part = MapCall(0x100FF000, 0xFF000, 0x102000, LARGE | 1)
        >>> [(hex(one.va), hex(one.size), one.flags) for one in ARMV7.exact_parts(FrameIdentity(0, 4 << 20), part)]
        [('0x100ff000', '0x1000', 1), ('0x10100000', '0x100000', 65), ('0x10200000', '0x1000', 1)]
        """
        va, offset, size, flags = part
        end, small, unit = va + size, remembered(flags), self.large.span
        first, behind = round_up(va, unit), end & -unit
        fits = self.leaf_level(first, frame, flags) is self.large
        if not fits or first >= behind or (offset + first - va) % unit:
            return [MapCall(va, offset, size, small)]
        cuts = [(va, first, small), (first, behind, flags), (behind, end, small)]
        return [MapCall(at, offset + at - va, upto - at, wanted) for at, upto, wanted in cuts if at < upto]

    def max_slabs_required(self, size: int) -> int:
        """Return how many blocks a map of `size` bytes of small pages may need: a leaf per page, and all tables.

        This is generous, since one leaf covers as many pages as a table has.

        >>> ARMV7.max_slabs_required(4096), ARMV7.max_slabs_required(64 << 20)
        (3, 16449)
        """
        needed = count = -(-size // PAGE)
        for level in reversed(self.fmt.levels):
            count = -(-count // level.entries)
            needed += count
        return needed

    def slabs_wanted(self, level: Level, va: int, given: int, size: int) -> int:
        """Return how many blocks must be free before a map of `given` bytes, widened to [va, va + size).

        Leaves are in `level`. It is the estimate plus a reserve, from which a page for further blocks can be mapped.
        The estimate counts the bytes as given, so it can be too low for the range: the result is at least what the
        range needs, plus its own reserve.
        """
        reserve = self.max_slabs_required(PAGE)
        worst = _tables(level, va, size) + self.tables_at_most(level, va, size)
        if level is not self.pages:
            return worst + reserve
        return max(self.max_slabs_required(given) + reserve, worst + len(self.fmt.levels))

    def tables_at_most(self, level: Level, va: int, size: int) -> int:
        """Return the number of tables below the root on the way to a range with leaves in `level`."""
        needed = 0
        for table in self.fmt.levels[1:]:
            if table.number >= level.number:
                needed += _tables(table, va, size)
        return needed


def _tables(level: Level, va: int, size: int) -> int:
    """Return the number of tables of `level` that [va, va + size) touches."""
    return (va + size - 1) // level.table_span - va // level.table_span + 1 if size else 0


ARMV7 = PagingLayout(
    armv7.ARMV7,
    vspace_begin=0x4000_0000,
    meta_data_bytes=4 * MIB,
    raw_begin=0x6000_0000,
    slab_block_bytes=64,
    slab_head_bytes=16,
    slab_buffer_bytes=512,
    raw_quirk=RawRange(384, 512, 4 * MIB),
)
"""Barrelfish's port to ARMv7 of August 2016."""

X86_64 = PagingLayout(
    x86.X86_64,
    vspace_begin=TIB // 2,
    meta_data_bytes=4 * MIB,
    raw_begin=64 * TIB,
    slab_block_bytes=128,
    slab_head_bytes=32,
    slab_buffer_bytes=1 * KIB,
)
"""The same pmap over four levels.  Addresses and the slab's sizes are ours: the pmap studied is ARM's."""

DOMAIN_LAYOUTS = {layout.fmt.name: layout for layout in (ARMV7, X86_64)}
"""The layouts, by the names that machines are booted with."""
