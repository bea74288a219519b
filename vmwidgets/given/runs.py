"""All mappings of page tables, as runs of equal permissions: each table is read and decoded once, level by level.

A table to which several descriptors refer, as in a recursive mapping or Linux's ESPFIX area, is decoded once for each
set of rights above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import unpack
from typing import Any, NamedTuple

from ..engine.base.errors import Refused
from ..engine.memory.ram import BusError
from ..engine.mmu.levels import Descriptor, Level
from ..engine.mmu.tables import PageTables
from ..engine.mmu.tables_schema import Rights
from .pasted import SaidRange

MOST_RUNS = 1 << 18
"""The most runs of one address space that are listed: tables that refer to each other in a circle can have any number
of runs.
"""

Fetch = Callable[[Iterable[int]], None]
"""A function that reads, in advance and all at once, the pages at these physical addresses."""


class Runs(NamedTuple):
    """Runs of equal rights by address, the number of tables from which they were read, and the unreadable tables."""

    ranges: tuple[SaidRange, ...]
    tables: int
    unreadable: tuple[int, ...] = ()


def runs(tables: PageTables[Any], fetch: Fetch | None = None, end: int | None = None) -> Runs:
    """Return the runs of adjacent pages that `tables` map with equal rights, as granted by the hardware.

    A descriptor with reserved bits set maps nothing.  `fetch` is called once for each level.  With `end`, slots of
    the root for addresses from there on are not read.

    Raises :class:`Refused` for more than `MOST_RUNS` runs.  O(descriptors that hold something).

    >>> from vmwidgets.engine.memory.ram import Ram
    >>> from vmwidgets.engine.mmu.formats import FORMATS
    >>> ram = Ram(1 << 20)
    >>> ram.write_word(0x1010, 8, 0xD7)
    >>> runs(PageTables("one gigapage", ram, FORMATS["riscv-sv39"], 0x1000)).ranges
    (<0x8000_0000: 1 GiB rw-u at physical 0x0>,)
    """
    return _Reader(tables, fetch, end).runs()


class _Means(NamedTuple):
    """The meaning of descriptors that differ only in their address."""

    descriptor: Descriptor
    kind: str
    """"table", "leaf", or "" for descriptors that map nothing."""
    rights: Rights
    letters: str


_Run = tuple[int, int, str, int | None]
"""A run: offset, size, rights, and the physical address of the first byte if the rest follows."""


class _Reader:
    def __init__(self, tables: PageTables[Any], fetch: Fetch | None, end: int | None) -> None:
        self.tables = tables
        self.end = end
        self.fmt = tables.fmt
        self.fetch = fetch
        self.words: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
        """The numbers and words of the descriptors that are not empty, by table, level and size."""
        self.unreadable: set[int] = set()
        self._below: dict[tuple[int, int, Rights], list[_Run]] = {}
        self._known: dict[tuple[int, Rights, int], _Means] = {}
        self._fixed = {level.number: ~_free_bits(level, tables) for level in self.fmt.levels}

    def runs(self) -> Runs:
        roots = self.fmt.roots(self.tables.root, self.tables.controls)
        roots = [root for root in roots if self.end is None or root.base < self.end]
        self._read_all({(root.table, root.level.number): root.level for root in roots})
        found: list[_Run] = []
        for root in roots:
            skipped = root.first - root.base
            for offset, size, rights, pa in self._of(root.table, root.level, Rights()):
                if offset + size <= skipped:
                    continue
                cut = max(0, skipped - offset)
                half = 1 << self.fmt.va_bits - 1
                place = root.base + offset + cut
                for part, start in _halves(place, size - cut, half, self.fmt.extends_sign(self.tables.controls)):
                    at = self.fmt.as_register(start, self.tables.controls)
                    _add(found, at, part, rights, None if pa is None else pa + cut + start - place)
        ranges = tuple(SaidRange(*run) for run in found)
        return Runs(ranges, len(self.words), tuple(sorted(self.unreadable)))

    # ---- reading -----------------------------------------------------------------------------

    def _read_all(self, level_tables: dict[tuple[int, int], Level]) -> None:
        """Read the tables of one level and of all levels below."""
        while level_tables:
            if self.fetch is not None:
                self.fetch(
                    page
                    for (table, _), level in level_tables.items()
                    for page in range(table, table + self.fmt.table_bytes(level), 4096)
                )
            following: dict[tuple[int, int], Level] = {}
            most = None if self.end is None or self.words else self.end  # of the root, which begins at address 0
            for (table, number), level in level_tables.items():
                key = table, number, level.bits
                if key in self.words:
                    continue
                held = [one for one in self._read(table, level) if most is None or one[0] * level.span < most]
                self.words[key] = held
                for _, word in held:
                    means = self._means(level, Rights(), word)
                    if means.kind == "table":
                        below = self.fmt.level(number - 1)
                        following[means.descriptor.address_of(word), below.number] = below
            level_tables = following

    def _read(self, table: int, level: Level) -> list[tuple[int, int]]:
        try:
            data = self.tables.memory.read(table, self.fmt.table_bytes(level))
        except BusError:
            self.unreadable.add(table)
            return []
        words = unpack(f"<{level.entries}{'I' if self.fmt.entry_width == 4 else 'Q'}", data)
        return [(number, word) for number, word in enumerate(words) if word]

    def _means(self, level: Level, above: Rights, word: int) -> _Means:
        fixed = word & self._fixed[level.number]
        key = level.number, above, fixed
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._read_as(level, above, word)
        return found

    def _read_as(self, level: Level, above: Rights, word: int) -> _Means:
        rules, controls = self.fmt.rules, self.tables.controls
        descriptor = rules.read_as(level, word, controls)
        refers = descriptor.kind in ("table", "leaf")
        if not refers or rules.check_descriptor(level, descriptor, word, controls) is not None:
            return _Means(descriptor, "", above, "")
        rights = rules.narrow(above, descriptor, word, controls)
        letters = "".join(letter if has else "-" for letter, has in zip("rwxu", rights, strict=True))
        return _Means(descriptor, descriptor.kind, rights, letters)

    # ---- joining -----------------------------------------------------------------------------

    def _of(self, table: int, level: Level, above: Rights) -> list[_Run]:
        """Return the runs of one table and of all tables below it, from its first address on."""
        key = table, level.number, above
        known = self._below.get(key)
        if known is not None:
            return known
        found: list[_Run] = []
        span = level.span
        for number, word in self.words.get((table, level.number, level.bits), ()):
            means = self._means(level, above, word)
            if means.kind == "leaf":
                copies = level.copies_of(means.descriptor)
                pa = means.descriptor.address_of(word) + number % copies * span
                _add(found, number * span, span, means.letters, pa)
            elif means.kind == "table":
                below = self._of(means.descriptor.address_of(word), self.fmt.level(level.number - 1), means.rights)
                if len(found) + len(below) > MOST_RUNS:
                    raise Refused(
                        f"{self.tables.name}: its tables map more than {MOST_RUNS:,} runs of equal permissions"
                    )
                for offset, size, rights, first in below:
                    _add(found, number * span + offset, size, rights, first)
        self._below[key] = found
        return found


def _free_bits(level: Level, tables: PageTables[Any]) -> int:
    """Return the bits of a word that are address bits in every descriptor and that no rule checks."""
    free = ~0
    for one in level.descriptors:
        if one.kind in ("table", "leaf"):
            free &= one.address_mask & ~tables.fmt.rules.checked_bits(level, one, tables.controls)
        free &= ~one.mask & ~one.reserved
    return free


def _halves(start: int, size: int, half: int, signed: bool) -> list[tuple[int, int]]:
    """Return the parts of a run, as pairs of size and start, on either side of the jump to the upper half."""
    if signed and start < half < start + size:
        return [(half - start, start), (start + size - half, half)]
    return [(size, start)]


def _add(found: list[_Run], start: int, size: int, rights: str, pa: int | None) -> None:
    """Append a run, or extend the last one."""
    if found:
        first, length, last_rights, last_pa = found[-1]
        if first + length == start and last_rights == rights:
            follows = last_pa is not None and last_pa + length == pa
            found[-1] = first, length + size, rights, last_pa if follows else None
            return
    found.append((start, size, rights, pa))
