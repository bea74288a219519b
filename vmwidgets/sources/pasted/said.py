"""Page tables known only from a text: anything that the text does not list can't be read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...engine.base.errors import Refused, VMError
from ...engine.base.units import PAGE, Address, counted
from ...engine.memory.ram import BusError
from ...engine.mmu.format import TableFormat
from ...engine.mmu.formats.riscv import SV39
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import PageTables, TablesWalk
from ...engine.mmu.tables_schema import Rights
from ...given.pasted import LeftOut, SaidRange, joined
from .lines import places

Path = tuple[int, ...]
"""The indices on the way to a descriptor, the root's first."""


class Gap(NamedTuple):
    """Indices that a text may leave out, from `first` to the one before `end`, and why."""

    first: int
    end: int
    why: str


class NotSaid(BusError):
    """Raised if the text does not list this table, or not all of it."""

    def __init__(self, pa: int, length: int, why: str) -> None:
        VMError.__init__(self, why)  # the sentence can't name the end of RAM: there is none
        self.pa = pa
        self.length = length


@dataclass
class SaidTable:
    """The known descriptors of one table by index, the indices that may be missing, and the table's bytes."""

    words: dict[int, int] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    size: int = PAGE


class SaidMemory:
    """Physical memory with only the tables of a text, with descriptors of `width` bytes."""

    def __init__(self, tables: Mapping[int, SaidTable], width: int) -> None:
        self.tables = tables
        self._width = width
        self._bases = sorted(tables)

    def read(self, pa: int, length: int) -> bytes:
        """Return bytes for pictures: the listed descriptors, with zeroes between them."""
        base, table = self._table(pa, length)
        data, width = bytearray(table.size), self._width
        for index, word in table.words.items():
            data[index * width : (index + 1) * width] = word.to_bytes(width, "little")
        return bytes(data[pa - base : pa - base + length])

    def read_word(self, pa: int, width: int) -> int:
        """Return the word that a walk reads; an unlisted descriptor is 0 only if the text has the whole table."""
        base, table = self._table(pa, width)
        index = (pa - base) // width
        word = table.words.get(index)
        gap = next((gap for gap in table.gaps if gap.first <= index < gap.end), None)
        if word is None and gap is not None:
            raise NotSaid(pa, width, gap.why)
        return word or 0

    def _table(self, pa: int, length: int) -> tuple[int, SaidTable]:
        at = bisect_right(self._bases, pa) - 1
        base = self._bases[at] if at >= 0 else 0
        table = self.tables.get(base)
        if table is None or pa + length > base + table.size:
            raise NotSaid(pa, length, "the text does not list this table")
        return base, table


class PastedTables(PageTables[Any]):
    """Tables from a text, shown as a picture; walks go as far as the text does.

    `listed` are the descriptors with their indices, `lines` the first and the last line of the text.  If the text has
    no root address, `root_is_said` is False, and the root table is put in unused memory.

    >>> import vmwidgets as vm
    >>> text = '''page table 0x87f6e000
    ... ..0: pte 0x21fda801 pa 0x87f6a000
    ... .. ..0: pte 0x21fda401 pa 0x87f69000
    ... .. .. ..0: pte 0x21fdac1f pa 0x87f6b000
    ... .. .. ..511: pte 0x21fdb007 pa 0x87f6c000
    ... $ '''
    >>> vm.load(text).tables[0].ranges
    (<0x0: 4 KiB rwxu at physical 0x87f6_b000>, <0x1f_f000: 4 KiB rw-- at physical 0x87f6_c000>)
    """

    def __init__(
        self,
        name: str,
        tables: Mapping[int, SaidTable],
        root: int,
        listed: Sequence[tuple[Path, int]],
        lines: tuple[int, int],
        *,
        root_is_said: bool,
        fmt: TableFormat[Any] = SV39,
        controls: Any = None,
    ) -> None:
        self.lines = lines
        self.is_one_walk = False
        """Whether the text has the descriptors of a single address, so that nothing else is known."""
        self.root_is_said = root_is_said
        self.listed = tuple(listed)
        self._said = tables
        about = f"{counted(len(listed), 'descriptor')} in {places([*lines])}"
        super().__init__(name, SaidMemory(tables, fmt.entry_width), fmt, root, controls, about=about)

    @property
    def ranges(self) -> tuple[SaidRange, ...]:
        """The mappings of the listed descriptors, as runs of equal permissions.  O(descriptors)."""
        return joined(self.pieces)

    @property
    def pieces(self) -> tuple[SaidRange, ...]:
        """The mapping of each listed descriptor of a page."""
        return tuple(self._pages())

    def walk(self, address: int | str, access: Access = "read", *, user: bool | None = None) -> TablesWalk:
        """Return the hardware's walk for one access to `address`, in the tables of the text.

        Raises :class:`Refused` if the text does not contain enough.
        """
        found = super().walk(address, access, user=user)
        if found.fault is not None and found.fault.kind == "bus-error":
            why = found.fault.why.partition("can't be read: ")[2]
            raise Refused(f"address={Address(found.va)}: the text does not say what is there: {why}")
        if found.fault is not None and "TCR_EL1.EPD" in found.fault.why:
            raise Refused(
                f"address={Address(found.va)}: the text does not say what is there: it has only the tables of the"
                " other half of the addresses"
            )
        return found

    def unread(self, table: int) -> Sequence[range]:
        """Slots of a table that the text may have left out."""
        return tuple(range(gap.first, gap.end) for gap in self._said[table].gaps)

    @property
    def unknown(self) -> tuple[LeftOut, ...]:
        """The addresses of which the text says nothing.  O(descriptors)."""
        rules, found = self.fmt.rules, []
        roads: list[tuple[Path, int]] = [((), self.root)]
        for path, word in self.listed:
            descriptor = rules.read_as(self.fmt.levels[len(path) - 1], word, self.controls)
            if descriptor.kind == "table" and len(path) < len(self.fmt.levels):
                roads.append((path, descriptor.address_of(word)))
        for path, table in roads:
            known, level, start = self._said.get(table), self.fmt.levels[len(path)], self._address_of(path)
            gaps = known.gaps if known is not None else [Gap(0, level.entries, "")]
            found += [LeftOut(start + one.first * level.span, start + one.end * level.span, one.why) for one in gaps]
        return tuple(found)

    def _pages(self) -> Iterator[SaidRange]:
        rules = self.fmt.rules
        above: dict[Path, Rights] = {(): Rights()}
        for path, word in self.listed:
            level = self.fmt.levels[len(path) - 1]
            descriptor = rules.read_as(level, word, self.controls)
            if descriptor.kind in ("leaf", "table") and path[:-1] in above:
                above[path] = rights = rules.narrow(above[path[:-1]], descriptor, word, self.controls)
                if descriptor.kind == "leaf":
                    start, span = self._address_of(path), level.span_of(descriptor)
                    yield SaidRange(start - start % span, span, letters_of(rights), descriptor.address_of(word), word)

    def _address_of(self, path: Path) -> int:
        """Return the first address of a descriptor; `path` are its indices, the root's first."""
        va = sum(index << self.fmt.levels[depth].shift for depth, index in enumerate(path))
        base = self.fmt.roots(self.root, self.controls)[0].base
        return base + va if base else self.fmt.as_register(va, self.controls)


def letters_of(rights: Rights) -> str:
    """Return rights as four letters.

    >>> letters_of(Rights(execute=False))
    'rw-u'
    """
    pairs = zip("rwxu", (rights.read, rights.write, rights.execute, rights.user), strict=True)
    return "".join(letter if may else "-" for letter, may in pairs)
