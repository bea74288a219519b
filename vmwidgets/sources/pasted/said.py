"""Page tables of which only a text is known: what it does not list can't be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...engine.base.errors import Refused, VMError
from ...engine.base.units import PAGE, Address, counted
from ...engine.memory.ram import BusError
from ...engine.mmu.formats.riscv import SV39, R, U, W, X
from ...engine.mmu.pasted import SaidRange, joined
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import PageTables, TablesWalk
from .lines import places

Path = tuple[int, ...]
"""The indices that lead to a descriptor, the root's first."""


class Gap(NamedTuple):
    """Indices that a text may leave out, from `first` to the one before `end`, and why."""

    first: int
    end: int
    why: str


WIDTH = 8
"""Bytes of a descriptor of Sv39."""


class NotSaid(BusError):
    """The text does not list this table, or not all of it."""

    def __init__(self, pa: int, length: int, why: str) -> None:
        VMError.__init__(self, why)  # there is no RAM whose end a sentence could name
        self.pa = pa
        self.length = length


@dataclass
class SaidTable:
    """The descriptors of one table by their indices, and where others may be missing."""

    words: dict[int, int] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


class SaidMemory:
    """Physical memory that holds the tables of a text and nothing else."""

    def __init__(self, tables: Mapping[int, SaidTable]) -> None:
        self.tables = tables

    def read(self, pa: int, length: int) -> bytes:
        """What pictures draw: the descriptors that are listed, and zero between them."""
        table = self._table(pa, length)
        data = bytearray(PAGE)
        for index, word in table.words.items():
            data[index * WIDTH : index * WIDTH + WIDTH] = word.to_bytes(WIDTH, "little")
        return bytes(data[pa % PAGE : pa % PAGE + length])

    def read_word(self, pa: int, width: int) -> int:
        """What a walk reads; a descriptor that is not listed is 0 only if the text has all of its table."""
        table = self._table(pa, width)
        index = pa % PAGE // WIDTH
        word = table.words.get(index)
        gap = next((gap for gap in table.gaps if gap.first <= index < gap.end), None)
        if word is None and gap is not None:
            raise NotSaid(pa, width, gap.why)
        return word or 0

    def _table(self, pa: int, length: int) -> SaidTable:
        table = self.tables.get(pa - pa % PAGE)
        if table is None or pa % PAGE + length > PAGE:
            raise NotSaid(pa, length, "the text does not list this table")
        return table


class PastedTables(PageTables[Any]):
    """Sv39 tables that a text lists.  They show themselves, and are walked as far as the text says.

    `listed` are the descriptors with their indices, `lines` the first and the last line of the text.
    Where the text has no root address, `root_is_said` is False, and the root table is put where nothing else is.

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
        self, name: str, tables: Mapping[int, SaidTable], root: int, listed: Sequence[tuple[Path, int]],
        lines: tuple[int, int], *, root_is_said: bool,
    ) -> None:  # fmt: skip
        self.lines = lines
        self.root_is_said = root_is_said
        self.listed = tuple(listed)
        about = f"{counted(len(listed), 'descriptor')} in {places([*lines])}"
        super().__init__(name, SaidMemory(tables), SV39, root, about=about)

    @property
    def ranges(self) -> tuple[SaidRange, ...]:
        """What the listed descriptors map, as runs of equal permissions.  O(descriptors)."""
        return joined(self.pieces)

    @property
    def pieces(self) -> tuple[SaidRange, ...]:
        """What each listed descriptor of a page maps."""
        return tuple(self._pages())

    def walk(self, address: int | str, access: Access = "read", *, user: bool | None = None) -> TablesWalk:
        """What the hardware does with one access to `address`, by the tables of the text.

        Raises :class:`Refused` where the text does not say it.
        """
        found = super().walk(address, access, user=user)
        if found.fault is not None and found.fault.kind == "bus-error":
            why = found.fault.why.partition("can't be read: ")[2]
            raise Refused(f"address={Address(found.va)}: the text does not say what is there: {why}")
        return found

    def _pages(self) -> Iterator[SaidRange]:
        for path, word in self.listed:
            level = SV39.level(SV39.root_level.number + 1 - len(path))
            descriptor = SV39.rules.read_as(level, word, self.controls)
            if descriptor.kind == "leaf":
                yield SaidRange(address_of(path), level.span, letters_of(word), descriptor.address_of(word))


def address_of(path: Path) -> int:
    """The first address that a descriptor is for; `path` are its indices, the root's first.

    >>> hex(address_of((255, 511, 511)))
    '0x3ffffff000'
    """
    va = sum(index << 30 - 9 * depth for depth, index in enumerate(path))
    return SV39.as_register(va, SV39.defaults)


def letters_of(word: int) -> str:
    """The rights in a descriptor of Sv39.

    >>> letters_of(0x17)
    'rw-u'
    """
    return "".join(letter if word & bit else "-" for letter, bit in zip("rwxu", (R, W, X, U), strict=True))
