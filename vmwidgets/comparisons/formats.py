"""The same mapping built in several formats, in bare memory, with its cost in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice, pairwise
from typing import Any

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, in_ascii, shown
from ..engine.base.recorder import Recorder
from ..engine.base.units import PAGE, Address, binary_size, counted, parse_address, parse_size
from ..engine.machine.arguments import flag
from ..engine.memory.ram import Ram
from ..engine.mmu.editor import Slot, TableEditor
from ..engine.mmu.format import TableFormat
from ..engine.mmu.formats import FORMATS
from ..engine.mmu.formats_schema import FormatCost, FormatsValue, LevelCost, PageCount
from ..engine.mmu.levels import Descriptor, Level
from ..engine.mmu.rules import Start
from ..engine.mmu.tables import PageTables
from ..engine.mmu.tables_schema import Rights

MOST_PAGES = 1 << 18
"""The most page descriptors that are written for one format."""

RAM = 1 << 32
FIRST_TABLE = 1 << 20
"""The size of the bare memory (only written parts cost anything), and the address of its first table."""

_RIGHTS = Rights(execute=False)
Range = tuple[int, int]


def _left_out(cost: FormatCost) -> str:
    return f", {counted(cost.left_out, 'range')} out of reach" if cost.left_out else ""


class FormatComparison:
    """One mapping in several formats: `value` has the costs, `tables` the tables of each format."""

    def __init__(self, value: FormatsValue, tables: dict[str, PageTables[Any]]) -> None:
        self.value = value
        self.tables = tables

    @in_ascii
    def __repr__(self) -> str:
        costs = "; ".join(
            f"{cost.format}: {counted(cost.tables, 'table')}, {binary_size(cost.table_bytes)}{_left_out(cost)}"
            for cost in self.value.formats
        )
        return f"<{counted(self.value.ranges, 'range')}, {binary_size(self.value.bytes)}: {costs}>"


def build_formats(ranges: Sequence[Range], formats: Sequence[str], *, large: bool) -> FormatComparison:
    """Map [start, end) of each range in each format; `large` uses the largest pages that fit.

    A page's physical address has the low bits of its virtual address, so physical memory allows every page size that
    fits.
    """
    costs, tables = [], {}
    for name in formats:
        built = _Built(FORMATS[name], large)
        for start, end in ranges:
            built.map(start, end)
        costs.append(built.cost())
        tables[name] = PageTables(f"the mapping in {name}", built.ram, built.fmt, built.root, built.controls)
    total = sum(end - start for start, end in ranges)
    words = "large pages where they fit" if large else "pages of 4 KiB"
    return FormatComparison(FormatsValue(len(ranges), total, words, tuple(costs)), tables)


class _Built:
    """Tables of one format that grow as ranges are mapped."""

    def __init__(self, fmt: TableFormat[Any], large: bool) -> None:
        self.fmt = fmt
        self.ram = Ram(RAM)
        self._editor: TableEditor[Any] = TableEditor(self.ram, fmt, Recorder())
        self._sizes = fmt.page_sizes[::-1] if large else (PAGE,)
        self._next = FIRST_TABLE
        self._tables: Counter[int] = Counter()
        self._pages: Counter[int] = Counter()
        self._left_out, self._left_out_bytes, self._count = 0, 0, 0
        self._last = (0, -1, 0)  # the level and the range of the table that was written last, and that table
        self._leaves = {size: self._leaf(size) for size in self._sizes}
        self.root = self._new_table(fmt.root_level)
        self._upper_root: int | None = None
        """The upper half's root, if the format has one and something is mapped there."""

    @property
    def controls(self) -> Any:
        """The settings for walks: no walks in a half without tables."""
        return self.fmt.rules.registers(self.root, self._upper_root, self.fmt.defaults)[1]

    def map(self, start: int, end: int) -> None:
        """Map [start, end), or note that it is out of reach."""
        if not self._reaches(start) or not self._reaches(end - 1):
            self._left_out += 1
            self._left_out_bytes += end - start
            return
        va = start
        while va < end:
            size = next(size for size in self._sizes if va % size == 0 and size <= end - va)
            self._map_page(va, size)
            va += size

    def cost(self) -> FormatCost:
        """Return the cost."""
        levels = tuple(
            LevelCost(level.number, level.table_name, self._tables[level.number], self.fmt.table_bytes(level))
            for level in self.fmt.levels
        )
        pages = tuple(PageCount(size, self._pages[size]) for size in sorted(self._pages))
        return FormatCost(self.fmt.name, levels, pages, self._left_out, self._left_out_bytes)

    def _reaches(self, va: int) -> bool:
        fmt = self.fmt
        start = fmt.rules.start(fmt.root_level, self.root, va, fmt.defaults)
        return 0 <= va < 1 << fmt.word_bits and isinstance(start, Start)

    def _root_for(self, va: int) -> int:
        """Return the root for `va`: AArch64 has a root for each half."""
        if not (self.fmt.halves and va >> self.fmt.va_bits):
            return self.root
        if self._upper_root is None:
            self._upper_root = self._new_table(self.fmt.root_level)
        return self._upper_root

    def _map_page(self, va: int, size: int) -> None:
        if self._count >= MOST_PAGES:
            most = binary_size(MOST_PAGES * PAGE)
            raise Refused(
                f"this takes more than {MOST_PAGES:,} pages in {self.fmt.name}: compare fewer or smaller ranges "
                f"(up to {most}), or allow large pages"
            )
        level, descriptor, bits, copies = self._leaves[size]
        word = descriptor.place(va & self._physical(size)) | bits
        width = self.fmt.entry_width
        slot = self._table(level, va) + level.index(va) * width
        for copy in range(copies):
            self.ram.write_word(slot + copy * width, width, word)
        self._pages[size] += 1
        self._count += 1

    def _leaf(self, size: int) -> tuple[Level, Descriptor, int, int]:
        """Return the level, descriptor, bits without the address and number of copies for pages of a size."""
        found = self.fmt.leaf(size)
        assert found is not None, "the sizes are the format's own"
        level, descriptor = found
        return level, descriptor, self.fmt.leaf_word(level, 0, _RIGHTS, size=size), level.copies_of(descriptor)

    def _physical(self, size: int) -> int:
        """Return the bits of a virtual address that its physical address shares."""
        return (1 << (32 if self.fmt.word_bits == 32 else 40)) - size

    def _table(self, level: Level, va: int) -> int:
        """Return the table of `level` for `va`; the last table is remembered."""
        part = va >> level.shift + level.bits
        if self._last[:2] != (level.number, part):
            slot = self._slot(level, va)
            self._last = (level.number, part, slot.pa - level.index(va) * self.fmt.entry_width)
        return self._last[2]

    def _slot(self, level: Level, va: int) -> Slot:
        """Return the slot of `level` for `va`, after making the tables above it."""
        root = self._root_for(va)
        slot = self._editor.find(root, va, level.number)
        while slot.level is not level:
            below = self.fmt.level(slot.level.number - 1)
            self._editor.refer(slot, self._new_table(below), Rights())
            slot = self._editor.find(root, va, level.number)
        return slot

    def _new_table(self, level: Level) -> int:
        size = self.fmt.table_bytes(level)
        table = -(-self._next // size) * size
        self._next = table + size
        self._tables[level.number] += 1
        return table


@says_what_it_takes
def compare_formats(
    ranges: Iterable[Any], formats: Sequence[str] = ("x86-64", "armv7"), *, large: bool = True
) -> FormatComparison:
    """Return the same mapping in two or more page-table formats: tables, bytes of tables, TLB reach.

    `ranges` are pairs (start, size), as integers or strings such as "64 KiB".  `ranges` can also be a map, or anything
    else whose items have `start` and `end`.  Without `large`, all pages have 4 KiB.  Ranges that a format's addresses
    don't reach are counted and left out.  Raises :class:`Refused` for ranges that are empty, overlap or are not page
    aligned, and for more than 2**18 pages.

    >>> both = compare_formats([(0x40_0000, "4 MiB")], ("x86-64", "armv7"))
    >>> [(cost.tables, cost.table_bytes, cost.entries) for cost in both.value.formats]
    [(3, 12288, 2), (1, 16384, 4)]
    """
    names = _names(formats)
    pairs = sorted(_range(one) for one in _listed(ranges))
    if not pairs:
        raise Refused("ranges is empty; write pairs such as (0x40_0000, '64 KiB'), or a map with entries")
    for (_, end), (following, _) in pairwise(pairs):
        if following < end:
            raise Refused(f"ranges: two overlap at {Address(following)}")
    return build_formats(pairs, names, large=flag(large, "large"))


MOST_RANGES = 100_000
"""The most ranges of a comparison."""


def _listed(ranges: Any) -> list[Any]:
    try:
        found = list(islice(ranges, MOST_RANGES + 1))
    except TypeError:
        raise Refused(f"ranges={shown(ranges)}: write pairs (start, size), or a map") from None
    if len(found) > MOST_RANGES:
        raise Refused(f"ranges={shown(ranges)}: write at most {MOST_RANGES:,}")
    return found


def _names(formats: Any) -> list[str]:
    wanted = [formats] if isinstance(formats, str) else _listed(formats)
    for name in wanted:
        if not isinstance(name, str) or name not in FORMATS:
            raise Refused(f"formats: unknown format {shown(name)}; known: {', '.join(FORMATS)}")
    if not wanted or len(set(wanted)) != len(wanted):
        raise Refused(f"formats={shown(formats)}: write two or more different names of {', '.join(FORMATS)}")
    return wanted


def _range(one: Any) -> Range:
    if hasattr(one, "start") and hasattr(one, "end"):
        start, end = int(one.start), int(one.end)
    elif isinstance(one, (tuple, list)) and len(one) == 2:
        start, size = _number(one[0], parse_address), _number(one[1], parse_size)
        end = start + size
    else:
        raise Refused(f"range {shown(one)}: write a pair (start, size), such as (0x40_0000, '64 KiB')")
    if start % PAGE or end % PAGE or start >= end or start < 0 or end > 1 << 64:
        raise Refused(f"range {shown(one)}: it must not be empty, begin and end at multiples of 4 KiB, and fit 64 bits")
    return start, end


def _number(value: Any, parse: Callable[[str], int]) -> int:
    if isinstance(value, str):
        try:
            return parse(value)
        except ValueError as error:
            raise Refused(f"range: {error}") from None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"range: {shown(value)} is not a whole number of bytes")
    return value
