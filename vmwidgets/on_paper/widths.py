"""The bits of a paper machine's addresses and tables: what a question gives, and what follows from it.

The equation of all of them: the index bits of the levels, plus the offset's bits, are the bits of a virtual address.
If each table fills one page, a level has log2(page / entry) index bits.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from ..engine.base.errors import Refused, shown
from ..engine.base.frozen import frozen
from ..engine.base.units import binary_size, parse_size

MOST_BITS = 64
MOST_LEVELS = 8
"""The most bits of an address, and the most levels of tables."""

FILLS = ("page", "root", "any")
"""The sizes of tables: every table below the root fits one page; or only the root fills one page; or any size."""


@frozen(slots=False)
class Widths:
    """The known widths in bits; None is a width that is not known.  `levels` are index bits, from the root down."""

    va: int | None
    pa: int | None
    offset: int | None
    """log2 of a page, in addressable units."""
    levels: tuple[int, ...] | None
    depth: int
    """The number of levels, which may be known without the index bits."""
    entry: Fraction | None
    """The bytes of an entry."""
    unit: int
    """The bytes of an addressable unit: 1, or a word."""
    is_said: bool = False
    """Whether the question gives the entry's size; otherwise it follows from the tables."""
    notes: tuple[str, ...] = ()
    """The conventions that were chosen, in sentences."""

    @property
    def page(self) -> int | None:
        """The bytes of a page."""
        return None if self.offset is None else self.unit << self.offset

    @property
    def vpn(self) -> int | None:
        """The bits of a virtual page number."""
        return None if self.va is None or self.offset is None else self.va - self.offset

    @property
    def pfn(self) -> int | None:
        """The bits of a frame number."""
        return None if self.pa is None or self.offset is None else self.pa - self.offset

    def table_bytes(self, level: int) -> Fraction | None:
        """Return the bytes of a table; `level` counts from the root, which is 0."""
        if self.levels is None or self.entry is None:
            return None
        return (1 << self.levels[level]) * self.entry

    def pointer_bits(self) -> tuple[int, ...]:
        """Return the bits that an entry of each level needs for what it refers to: a table, or the frame.

        Each is pa − log2(size of the table or page), as tables begin at multiples of their size.
        """
        known = need(self, "pa", "offset", "levels", *(["entry"] if self.depth > 1 else []))
        sizes = [self.table_bytes(level) for level in range(1, known.depth)]
        units = [max(0, log2(-(-int(size or 1) // self.unit))) for size in sizes] + [known.offset or 0]
        return tuple((known.pa or 0) - bits for bits in units)


_WORDS = {"va": "va", "pa": "pa", "offset": "page", "levels": "levels", "entry": "entry"}


def need(known: Widths, *names: str) -> Widths:
    """Return the widths; raises :class:`Refused` if one of these is not known."""
    missing = [_WORDS[name] for name in names if getattr(known, name) is None]
    if missing:
        raise Refused(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not known: "
            f"say {', '.join(f'{one}=' for one in missing)} in vm.paper"
        )
    return known


def log2(number: int) -> int:
    """Return the bits that number so many things: log2, rounded up."""
    return max(0, number - 1).bit_length()


# ---- the arguments ------------------------------------------------------------------------------


def space_bits(value: Any, name: str, page: int | None, unit: int) -> int | None:
    """Return the bits of an address from bits, or from a text: "16 KiB", "8 pages", "8 frames", "36 bits"."""
    if value is None:
        return None
    if isinstance(value, str):
        if match := re.fullmatch(r"\s*(\d+)\s*(?:pages?|frames?)\s*", value):
            if page is None:
                raise Refused(f"{name}={value!r} needs the size of a page: say page= too")
            units = int(match[1]) * page
        elif match := re.fullmatch(r"\s*(\d+)\s*bits?\s*", value):
            return whole(int(match[1]), name, 1, MOST_BITS)
        else:
            units = units_of(value, name, unit)
        if units & units - 1 or units < 2:  # 0 and 1 are refused too
            raise Refused(f"{name}={value!r}: a size is a power of two here; say the bits that an address has")
        return log2(units)
    return whole(value, name, 1, MOST_BITS)


def units_of(value: Any, name: str, unit: int) -> int:
    """Return a size in addressable units: an integer counts them, a text has bytes ("2 KiB") or words ("512 words")."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+)\s*(Ki|Mi|)\s*words?\s*", value)):
        return int(match[1]) * {"": 1, "Ki": 1 << 10, "Mi": 1 << 20}[match[2]]
    if isinstance(value, str):
        size = parse_size(value)
        if size % unit:
            raise Refused(f"{name}={value!r} is not a whole number of words of {unit} bytes")
        return size // unit
    return whole(value, name, 1, 1 << MOST_BITS)


def page_units(value: Any, unit: int) -> int | None:
    """Return the units of a page, a power of two; None for None."""
    if value is None:
        return None
    units = units_of(value, "page", unit)
    if units & units - 1 or units < 2:
        near = 1 << max(1, units.bit_length() - 1)
        raise Refused(f"page={shown(value)}: a page is a power of two; near it are {near:,} and {2 * near:,}")
    return units


def entry_bytes(value: Any) -> Fraction | None:
    """Return the bytes of an entry: an integer, or a text such as "4 bytes", "32 bits" or "26 bits"."""
    if value is None:
        return None
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+)\s*bits?\s*", value)):
        return Fraction(whole(int(match[1]), "entry", 1, 1024), 8)
    if isinstance(value, str):
        value = parse_size(re.sub(r"\s*bytes?\s*$", " B", value))
    return Fraction(whole(value, "entry", 1, 128))


def whole(value: Any, name: str, least: int, most: int) -> int:
    """Return a whole number within limits; raises :class:`Refused` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Refused(f"{name}={shown(value)}: write a whole number from {least} to {most:,}")
    return value


# ---- what follows from them ----------------------------------------------------------------------


def widths_of(va: Any, pa: Any, page: Any, levels: Any, entry: Any, unit: int, fills: str) -> Widths:
    """Return the widths of a machine, after checking them against each other.

    Raises :class:`Refused` with the sum that was missed, and the nearest that fits.
    """
    units, size = page_units(page, unit), entry_bytes(entry)
    bits, physical = space_bits(va, "va", units, unit), space_bits(pa, "pa", units, unit)
    indices, depth = _levels(levels)
    notes: list[str] = []
    offset = None if units is None else log2(units)
    if indices is not None:
        bits, offset = _added_up(bits, offset, indices)
        if size is None and depth > 1:
            size = Fraction(unit << offset, 1 << indices[-1])
            notes.append(f"an entry has {in_bytes(size)} if a table of the last level fills one page")
    elif depth == 1:
        indices = None if bits is None or offset is None else (bits - offset,)
    else:
        indices, bits, offset, size = _shared_out(bits, offset, depth, size, unit, fills, notes)
    if bits is not None and offset is not None and bits <= offset:
        raise Refused(
            f"a page of {binary_size(unit << offset)} takes {offset} bits of an address: "
            f"write va={offset + 1} or more, not va={bits}"
        )
    if physical is not None and offset is not None and physical < offset:
        raise Refused(f"pa={physical}: a page alone takes {offset} bits; write pa={offset} or more")
    if indices is not None and min(indices) < 1:
        raise Refused(f"levels={indices}: each level has at least one bit; {depth - 1} levels are enough")
    found = Widths(bits, physical, offset, indices, depth, size, unit, entry is not None, tuple(notes))
    if fills == "page" and found.is_said:
        _fit_pages(found)
    return found


def _levels(levels: Any) -> tuple[tuple[int, ...] | None, int]:
    """Return the index bits if they are given, and the number of levels."""
    if levels is None:
        return None, 1
    if isinstance(levels, (tuple, list)):
        if not 1 <= len(levels) <= MOST_LEVELS:
            raise Refused(f"levels={shown(levels)}: write the index bits of 1 to {MOST_LEVELS} levels, from the root")
        return tuple(whole(one, "levels: index bits", 1, MOST_BITS) for one in levels), len(levels)
    return None, whole(levels, "levels", 1, MOST_LEVELS)


def _added_up(bits: int | None, offset: int | None, indices: tuple[int, ...]) -> tuple[int, int]:
    """Return the bits of an address and of the offset, one of which may be missing."""
    total = sum(indices)
    if bits is None and offset is None:
        raise Refused(f"levels={indices} without va and page: say one of them, and the other follows")
    if bits is None:
        return total + (offset or 0), offset or 0
    if offset is None:
        if bits <= total:
            raise Refused(f"levels={indices} are {total} bits of va={bits}: none are left for the offset in a page")
        return bits, bits - total
    if total + offset != bits:
        root = indices[0] + bits - total - offset
        near = f"levels={(root, *indices[1:])} or " if root > 0 else ""
        sum_ = " + ".join(map(str, (*indices, offset)))
        raise Refused(
            f"levels={indices} and an offset of {offset} bits are {sum_} = {total + offset} bits, not "
            f"va={bits}: {near}va={total + offset} fits"
        )
    return bits, offset


def _shared_out(
    bits: int | None, offset: int | None, depth: int, size: Fraction | None, unit: int, fills: str, notes: list[str]
) -> tuple[tuple[int, ...] | None, int | None, int | None, Fraction | None]:
    """Return the index bits of `depth` levels, of tables that fill a page, and what else follows."""
    if offset is None and bits is not None and size is not None:
        offset = _page_for(bits, depth, size, unit)
    if offset is None:
        return None, bits, None, size
    if size is None:
        if bits is None or (bits - offset) % depth:
            return None, bits, offset, None
        each = (bits - offset) // depth
        size = Fraction(unit << offset, 1 << each)
        notes.append(f"an entry has {in_bytes(size)} if each of the {depth} tables of a walk fills one page")
        return (each,) * depth, bits, offset, size
    held = index_bits(unit << offset, size)
    if bits is None:
        return (held,) * depth, offset + depth * held, offset, size
    rest = bits - offset
    if fills == "root":
        root = min(held, rest - depth + 1)
        each, more = divmod(rest - root, depth - 1)
        if root < held or each < 1:
            raise Refused(f"levels={depth}: a root of one page has {held} index bits, and {rest} are to be shared")
        return (root, *(each + (place < more) for place in range(depth - 1))), bits, offset, size
    root = rest - (depth - 1) * held
    if root < 1:
        raise Refused(
            f"levels={depth}: tables of one page have {held} index bits each, and the page number has "
            f"{rest}: levels={-(-rest // held)} is enough"
        )
    if root > held:
        notes.append(f"the root has {1 << root:,} entries, more than one page holds")
    elif root < held:
        notes.append(f"the root has {root} index bits, and fills only a part of its page")
    return (root, *(held,) * (depth - 1)), bits, offset, size


def _page_for(bits: int, depth: int, size: Fraction, unit: int) -> int | None:
    """Return the offset's bits if pages of some size let all tables fill one page, or None."""
    return next(
        (
            offset
            for offset in range(1, bits)
            if Fraction(unit << offset) >= 2 * size and depth * index_bits(unit << offset, size) + offset == bits
        ),
        None,
    )


def index_bits(page: int, size: Fraction) -> int:
    """Return the index bits of a table that fills a page: log2 of the entries, rounded down."""
    entries = page // size
    if entries < 2:
        raise Refused(f"an entry of {in_bytes(size)} and a page of {binary_size(page)}: a page holds no two entries")
    return entries.bit_length() - 1


def _fit_pages(found: Widths) -> None:
    """Refuse tables below the root that are larger than a page."""
    page = found.page
    if page is None or found.levels is None:
        return
    for level in range(1, found.depth):
        size = found.table_bytes(level)
        if size is not None and size > page:
            held = index_bits(page, found.entry or Fraction(1))
            raise Refused(
                f"a table of level {level + 1} has {1 << found.levels[level]:,} entries of "
                f"{in_bytes(found.entry)}, {in_bytes(size)}, and a page has {binary_size(page)}: {held} "
                "index bits fit; say fills='any' if a table may be larger than a page"
            )


def in_bytes(size: Fraction | None) -> str:
    """Return a size in bytes, or in bits if it is not a whole number of bytes."""
    assert size is not None, "the size is known"
    return binary_size(int(size)) if size.denominator == 1 else f"{int(size * 8)} bits"
