"""A page-table format: its levels and rules, sizes and registers, and how words are built.

One walker (:mod:`.walk`), one editor (:mod:`.editor`), one TLB (:mod:`.tlb`) and one pmap serve every format.
:mod:`.formats` lists what a format needs.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Generic, NamedTuple

from ..base.frozen import frozen
from ..base.units import PAGE
from .chains import Chains
from .levels import Descriptor, Level
from .rules import C, Rules, Start
from .tables_schema import AddressSplit, IndexBits, Rights


class Root(NamedTuple):
    """A root table: slot 0 maps address `base`, and addresses below `first` don't use the table."""

    level: Level
    table: int
    base: int
    first: int


class KernelPlace(NamedTuple):
    """The end of user addresses (`user_end`) and the beginning of a kernel's addresses on these tables, as in Linux.

    `recursive` is the start and size of the root slot with the kernel's recursive mapping, if it has one.
    """

    user_end: int
    kernel_start: int
    recursive: tuple[int, int] | None = None


@frozen(slots=False)
class TableFormat(Generic[C]):
    """A page-table format: `entry_width` bytes per descriptor, levels from the root down."""

    name: str
    entry_width: int
    levels: tuple[Level, ...]
    va_bits: int
    """The number of translated bits of a virtual address."""
    sign_extended: bool
    """Whether the bits above must repeat the highest translated bit (canonical addresses)."""
    word_bits: int
    """The number of bits of a virtual address in a register."""
    base_register: str
    rules: Rules[C]
    defaults: C
    """The controls for walks, unless others are given."""
    kernel_place: KernelPlace
    halves: bool = False
    """Whether the upper half has its own base register, and so its own root table; `va_bits` is then for one half."""
    asid_bits: int = 0
    """The number of bits in an address space's number; 0 if the processor has no such numbers.

    SDM 3A, 4.10.1 (PCIDs, in 64-bit mode only); ARM DDI 0406C, B3.9.1 (CONTEXTIDR); ARM DDI 0487, D5.10.1 (TCR_EL1.AS);
    RISC-V Privileged 20211203, 4.1.11 (satp).
    """
    faults_flush: bool = False
    """Whether a page fault makes the processor drop the TLB's translations of the address (SDM 3A, 4.10.4.1)."""

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle keeps: not the chains, which are built again as tables are walked."""
        return {name: held for name, held in vars(self).items() if name != "chains"}

    @cached_property
    def chains(self) -> Chains[C]:
        """The chains of this format's descriptors that walks have read, by their words."""
        return Chains(self.rules, lambda level: self.level(level.number - 1))

    def level(self, number: int) -> Level:
        """Return the level with this number."""
        return self.levels[len(self.levels) - number]

    @property
    def root_level(self) -> Level:
        """The level of the root table."""
        return self.levels[0]

    def canonical(self, va: int) -> int:
        """Return the address as a register holds it, from its translated bits.

        >>> from vmwidgets.engine.mmu.formats.x86 import X86_64
        >>> hex(X86_64.canonical(0x8000_0000_0000))
        '0xffff800000000000'
        """
        upper_half = va >> self.word_bits - 1 & 1  # if the halves have their own tables, the highest bit decides
        va &= (1 << self.va_bits) - 1
        if va >> self.va_bits - 1 if self.sign_extended else upper_half:
            va |= (1 << self.word_bits) - (1 << self.va_bits)
        return va

    @property
    def page_sizes(self) -> tuple[int, ...]:
        """The page sizes that descriptors can map, smallest first.

        >>> from vmwidgets.engine.mmu.formats.armv7 import ARMV7
        >>> [size >> 10 for size in ARMV7.page_sizes]
        [4, 64, 1024, 16384]
        """
        return tuple(
            sorted(level.span_of(one) for level in self.levels for one in level.descriptors if one.kind == "leaf")
        )

    def leaf(self, size: int) -> tuple[Level, Descriptor] | None:
        """Return the level and descriptor that map pages of `size` bytes, or None."""
        return self._leaves.get(size)

    @cached_property
    def _leaves(self) -> dict[int, tuple[Level, Descriptor]]:
        """By page size, the highest level with descriptors for such pages, and the first of these descriptors."""
        found: dict[int, tuple[Level, Descriptor]] = {}
        for level in self.levels:
            for one in level.descriptors:
                if one.kind == "leaf":
                    found.setdefault(level.span_of(one), (level, one))
        return found

    def table_bytes(self, level: Level) -> int:
        """Return the bytes of a table at `level`."""
        return level.entries * self.entry_width

    @property
    def root_bits(self) -> int:
        """The bits that a root table's physical address can have: as many as a descriptor holds, at most a register's.

        >>> from vmwidgets.engine.mmu.formats import FORMATS
        >>> FORMATS["x86-pae"].root_bits, FORMATS["aarch64"].root_bits
        (32, 48)
        """
        table = self.root_level.of_kind("table")
        assert table is not None, "a root refers to tables"
        return min(self.word_bits, max(bits.to + bits.high - bits.low + 1 for bits in table.address))

    @property
    def physical_bits(self) -> int:
        """The number of bits in the physical address of a page of 4 KiB.

        >>> from vmwidgets.engine.mmu.formats import FORMATS
        >>> FORMATS["x86"].physical_bits, FORMATS["riscv-sv39"].physical_bits
        (32, 56)
        """
        _, leaf = self.leaf(PAGE) or (None, None)
        assert leaf is not None, "every format has pages of 4 KiB"
        return max(bits.to + bits.high - bits.low + 1 for bits in leaf.address)

    # ---- addresses and roots -----------------------------------------------------------------

    def roots(self, root: int, controls: C) -> list[Root]:
        """Return the tables at which walks begin: one, or on ARM two."""
        found: list[Root] = []
        top = (1 << self.word_bits) - 1
        for va in (0, top):
            start = self.rules.start(self.root_level, root, va, controls)
            if not isinstance(start, Start) or any(start == (one.table, one.level) for one in found):
                continue
            covered = start.level.shift + start.level.bits
            base = 0 if va == 0 else top >> covered << covered
            first = base if base or va == 0 else 1 << self.rules.start_shift(controls)
            found.append(Root(start.level, start.table, base, first))
        return found or [Root(self.root_level, root, 0, 0)]

    def extends_sign(self, controls: C) -> bool:
        """Return whether the bits above repeat the highest translated bit, rather than choose the root."""
        return self.sign_extended and self.rules.start_shift(controls) < self.va_bits

    def as_register(self, va: int, controls: C) -> int:
        """Return the address as a register holds it, from a root's first address and the offset from there."""
        return self.canonical(va) if self.extends_sign(controls) else va

    def address_split(self, controls: C | None = None) -> AddressSplit:
        """Return the parts into which the format divides an address.

        >>> from vmwidgets.engine.mmu.formats.x86 import X86_PAE
        >>> [part.high - part.low + 1 for part in X86_PAE.address_split().parts]
        [2, 9, 9]
        """
        parts = tuple(
            IndexBits(level.number, level.table_name, level.shift + level.bits - 1, level.shift)
            for level in self.levels
        )
        signed = self.extends_sign(self.defaults if controls is None else controls)
        return AddressSplit(parts, self.word_bits, self.va_bits, signed)

    # ---- building and changing descriptors: from rights and addresses to words -----------------

    def table_word(self, level: Level, table: int, rights: Rights) -> int:
        """Return the word that refers to the table at physical address `table` and allows `rights`."""
        descriptor = level.made_of_kind("table")
        return descriptor.place(table) | self.rules.encode(descriptor, rights, shared=False)

    def leaf_word(self, level: Level, pa: int, rights: Rights, *, shared: bool = False, size: int | None = None) -> int:
        """Return the word that maps the page at `pa`: `size` bytes, or the level's span; `shared` makes it global.

        A word that maps more than its level's span (ARM's supersections and large pages) fills several neighbouring
        slots; :meth:`.editor.TableEditor.copies` writes them all.

        >>> from vmwidgets.engine.mmu.formats.x86 import PD, X86_64
        >>> hex(X86_64.leaf_word(PD, 0x60_0000, Rights(write=False, user=False)))
        '0x600081'
        """
        descriptor = level.made_of_kind("leaf") if size is None else level.made_of_size(size)
        return descriptor.place(pa) | self.rules.encode(descriptor, rights, shared)

    def with_rights(self, level: Level, word: int, rights: Rights) -> int:
        """Return `word` with other rights and everything else unchanged."""
        descriptor = level.read_as(word)
        mask = self.rules.rights_bits(descriptor)
        return word & ~mask | self.rules.encode(descriptor, rights, shared=False) & mask

    def demoted_word(self, level: Level, word: int, index: int) -> int:
        """Return the word one level down for part `index` of the page that `word` maps; all other fields stay."""
        return self.level(level.number - 1).part_word(level.read_as(word), word, index)

    def inherited_bits(self, level: Level, word: int) -> int:
        """Return the bits that a table's descriptor takes over from `word`, the large page that it replaces."""
        return level.made_of_kind("table").same_fields(level.read_as(word), word, self.rules.inherited)

    def promoted_word(self, level: Level, size: int, part_level: Level, part: int, table: int | None, pa: int) -> int:
        """Return the word that maps `size` bytes at `pa` instead of smaller pages; `part` is the first one's word.

        Other fields (dirty, global, memory type, domain) are as in the parts, or as in the word of their `table`.
        """
        large = level.made_of_size(size)
        small, names = part_level.read_as(part), large.free_fields
        word = large.place(pa) | large.same_fields(small, part, names)
        if table is not None:
            inherited = [name for name in names if name in self.rules.inherited and small.field(name) is None]
            word |= large.same_fields(level.read_as(table), table, inherited)
        return word
