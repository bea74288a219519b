"""How a range is cut: a piece of it for each table that it touches, since one invocation fills one table."""

from __future__ import annotations

from typing import NamedTuple

from ..base.units import PAGE
from .flags import remembered
from .invocations import FrameIdentity
from .layouts import PmapLayout, VnodeLevel


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

    >>> from .flags import LARGE, READ
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
