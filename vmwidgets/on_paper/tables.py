"""The tables of a paper machine: entries in a small memory, in a format that the walker and the TLB know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from ..engine.base.errors import Refused, VMError
from ..engine.base.units import Address, binary_size, counted
from ..engine.memory.ram import BusError
from ..engine.mmu.levels import Level
from ..engine.mmu.tables import PageTables
from ..engine.mmu.tables_schema import NOWHERE, Rights
from ..engine.mmu.tlb import Tlb
from ..engine.mmu.walk import Descent
from .layout import WITH_RIGHTS, WITHOUT_RIGHTS, Layout, NoControls, PaperRules, format_of, layout_of
from .widths import Widths, log2, need

MOST_DRAWN = 1 << 22
"""The most bytes that are read at once: a drawing reads whole tables."""

Pages = Mapping[int, tuple[int, "str | None"]]
"""Frames and rights by the page's number."""


class NotGiven(BusError):
    """Raised for memory of which a question gives some pages, and not this one."""

    def __init__(self, pa: int) -> None:
        VMError.__init__(self, f"the dump has nothing at {Address(pa)}")


class PaperMemory:
    """The bytes of a small physical memory, in addressable units of `unit` bytes; only written ones are known."""

    def __init__(self, unit: int) -> None:
        self.unit = unit
        self.bytes: dict[int, int] = {}
        self.is_dump = False
        """Whether a byte that was never given is refused, and not 0."""

    def read_word(self, pa: int, width: int) -> int:
        """Return the little-endian word of `width` units at `pa`."""
        return int.from_bytes(self.read(pa, width), "little")

    def read(self, pa: int, length: int) -> bytes:
        """Return the bytes of `length` units from `pa` on."""
        start, size = pa * self.unit, length * self.unit
        if size > MOST_DRAWN:
            raise Refused(f"a table of {binary_size(size)} is too large to be drawn: {binary_size(MOST_DRAWN)} at most")
        lost = next((one for one in range(start, start + size) if self.is_dump and one not in self.bytes), None)
        if lost is not None:
            raise NotGiven(lost // self.unit)
        data = bytearray(size)
        few = self.bytes if len(self.bytes) < size else range(start, start + size)
        for one in few:
            if start <= one < start + size:
                data[one - start] = self.bytes.get(one, 0)
        return bytes(data)

    def known(self, pa: int) -> int | None:
        """Return the unit at `pa` if a dump has it."""
        is_known = self.is_dump and all(pa * self.unit + one in self.bytes for one in range(self.unit))
        return self.read_word(pa, 1) if is_known else None

    def write_word(self, pa: int, width: int, word: int) -> None:
        """Write a little-endian word of `width` units."""
        for number, byte in enumerate(word.to_bytes(width * self.unit, "little")):
            self.bytes[pa * self.unit + number] = byte


class Size(NamedTuple):
    """The numbers of a TLB."""

    sets: int
    ways: int


class PaperTables:
    """The format, the tables of all address spaces, and the TLB; widths that are not known become as small as fits.

    `maps` are the pages by address space, and `roots` the places of root tables as far as the question gives them.
    """

    def __init__(
        self,
        known: Widths,
        layout: str,
        maps: Mapping[int, Pages],
        roots: Mapping[int, int],
        tlb: Size,
        asids: int,
        memory: PaperMemory,
        most: int = 0,
    ) -> None:
        need(known, "offset")
        places = [place for pages in maps.values() for place in pages.values()]
        if known.levels is None:
            most = max((most, *(vpn for pages in maps.values() for vpn in pages)))
            if known.depth > 1:
                raise Refused(
                    f"levels={known.depth}: the index bits are not known; say va, page and entry, or the "
                    "index bits of each level"
                )
            known = replace(known, va=(known.offset or 0) + max(1, log2(most + 1)))
            known = replace(known, levels=((known.vpn or 0),))
        text = layout or (WITH_RIGHTS if any(rights is not None for _, rights in places) else WITHOUT_RIGHTS)
        least = max((frame.bit_length() for frame, _ in places), default=1)
        self.widths = known
        self.layout = _fitting(text, known, known.pfn or max(1, least, 8 * (known.depth > 1)))
        self._pfn = known.pfn or self.layout.pfn.high - self.layout.pfn.low + 1
        self.rules = PaperRules(self.layout, known.va or 0, self._pfn)
        self.fmt = format_of(known, self.rules, asids)
        self.tlb = Tlb(self.fmt, sets=tlb.sets, ways=tlb.ways) if tlb.sets else None
        self.memory = memory
        self._maps, self._given = maps, roots
        self._roots: dict[int, int] = {}
        self._taken = {(frame, 1) for frame, _ in places}
        for asid, pages in maps.items():
            self._write(asid, pages)

    def of(self, asid: int) -> PageTables[NoControls]:
        """Return the tables of an address space, to be walked and drawn."""
        if asid not in self._roots:
            self._write(asid, {})
        return PageTables("a machine on paper", self.memory, self.fmt, self._roots[asid])

    def is_like(self, other: PaperTables) -> bool:
        """Return whether other tables have the same format, so that the TLB's entries fit both."""
        return self.widths.levels == other.widths.levels and self.layout == other.layout and self._pfn == other._pfn

    def found(self, vpn: int, pfn: int, rights: str | None) -> Descent[NoControls]:
        """Return a walk that found this frame, for a TLB whose contents are given."""
        chain = self.fmt.chains.root(self.fmt.root_level, NoControls())
        for level in self.fmt.levels[:-1]:
            chain = chain.below(self.fmt.table_word(level, 0, Rights()))
        chain = chain.below(self._entry(pfn, rights) | self.layout.bit("A") | self.layout.bit("D"))
        found = Descent(vpn << (self.widths.offset or 0), chain)
        found.pa, found.found_page, found.sets = chain.address, True, (0,) * len(self.fmt.levels)
        return found

    def write_entries(self, entries: Mapping[int, int], words: Mapping[int, int]) -> None:
        """Write entries as they are given, by number or by address, after checking all of them."""
        bits, root, width = sum(self.widths.levels or ()), self.of(0).root, self.fmt.entry_width
        for number in entries:
            if number >> bits:
                raise Refused(f"entry {number}: the table has {1 << bits:,} entries, up to number {(1 << bits) - 1:,}")
        places = {root + number * width: word for number, word in entries.items()} | dict(words)
        for at, word in places.items():
            if word >> self.layout.bits or word & self.layout.valid:
                self.rules.checked(f"entry {(at - root) // width}" if entries else f"entry at {Address(at)}", word)
        for at, word in places.items():
            self.memory.write_word(at, width, word)

    def _write(self, asid: int, pages: Pages) -> None:
        """Write the tables of an address space, in frames that no page uses."""
        fmt, width, offset = self.fmt, self.fmt.entry_width, self.widths.offset or 0
        given = self._given.get(asid)
        root = self._place(asid, fmt.root_level) if given is None else given
        made: dict[tuple[int, int], int] = {}
        for vpn, (frame, rights) in sorted(pages.items()):
            va, at = vpn << offset, root
            for level in fmt.levels[:-1]:
                below = fmt.level(level.number - 1)
                key = below.number, va >> level.shift
                if key not in made:
                    made[key] = self._place(asid, below)
                self.memory.write_word(at + level.index(va) * width, width, fmt.table_word(level, made[key], Rights()))
                at = made[key]
            self.memory.write_word(at + fmt.levels[-1].index(va) * width, width, self._entry(frame, rights))
        self._roots[asid] = root

    def _place(self, asid: int, level: Level) -> int:
        """Return a place for a table; a linear table without an entry's size, or without room, has no address."""
        is_linear, count = len(self.fmt.levels) == 1, -(-self.fmt.table_bytes(level) >> (self.widths.offset or 0))
        start = 1
        for first, filled in sorted(self._taken):
            if first - start >= count:
                break
            start = max(start, first + filled)
        if is_linear and (self.widths.entry is None or start + count > 1 << self._pfn):
            return (asid + 1) * NOWHERE
        if start + count > 1 << self._pfn:
            raise Refused(
                f"the tables do not fit beside the pages: a {level.table_name} needs "
                f"{counted(count, 'free frame')} in a row, and memory has {1 << self._pfn:,} frames; say a "
                "larger pa"
            )
        self._taken.add((start, count))
        return start << (self.widths.offset or 0)

    def _entry(self, pfn: int, rights: str | None) -> int:
        """Return the entry that maps a frame; without rights, all bits of rights are 1."""
        lost = [one for one in "RW" if rights is not None and one.lower() not in rights and not self.layout.bit(one)]
        if lost:
            raise Refused(
                f"rights {rights!r}: the layout has no bit {lost[0]} that could be 0; name it, such as 'V R W PFN'"
            )
        may = Rights(*(rights is None or one in rights or not self.layout.bit(one.upper()) for one in "rwxu"))
        level = self.fmt.levels[-1]
        return self.fmt.leaf_word(level, pfn << level.shift, may)


def _fitting(text: str, known: Widths, pfn: int) -> Layout:
    """Return the layout in an entry of the known size; if that size only follows from others, it may be too small."""
    try:
        return layout_of(text, known.entry, pfn)
    except Refused:
        if known.is_said or known.entry is None:
            raise
        return layout_of(text, None, pfn)
