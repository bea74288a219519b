"""A page-table format: data (levels, index bits, the descriptors that each level can hold) and rules.

One walker (:mod:`.walk`), one editor (:mod:`.editor`), one TLB (:mod:`.tlb`) and one pmap serve every format.  What a
manual says in words and not in bit ranges (which rights combine how, what a fault reports) is the format's
:class:`Rules`.  What a format needs is listed in :mod:`.formats`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar, Generic, Literal, NamedTuple, TypeVar

from ..base.errors import Refused, shown
from ..base.units import PAGE, Address, Size
from ..base.values.tables import Field, Rights, Syndrome

Access = Literal["read", "write", "execute"]


# ---- the processor's settings ------------------------------------------------------------------


class Limits(NamedTuple):
    """What a number among the settings may be: from `low` to `high`, a multiple of `unit`."""

    low: int
    high: int
    unit: int = 1


@dataclass(frozen=True, slots=True)
class Controls:
    """The settings of a processor that a walk depends on; a format's family adds its own fields.

    A field is a flag unless `numbers` has its limits.  Settings that no processor has are refused.
    """

    numbers: ClassVar[Mapping[str, Limits]] = {}

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            limits = self.numbers.get(one.name)
            if limits is None:
                if not isinstance(value, bool):
                    raise Refused(f"{one.name}={shown(value)}: this setting is True or False")
                continue
            low, high, unit = limits
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high or value % unit:
                multiple = f" and a multiple of {unit}" if unit > 1 else ""
                raise Refused(f"{one.name}={shown(value)}: it is a whole number from {low:#x} to {high:#x}{multiple}")


C = TypeVar("C")


# ---- rules: what a manual says in words --------------------------------------------------------


class Start(NamedTuple):
    """Where a walk begins: the root table's physical address and its level."""

    table: int
    level: Level


@dataclass(frozen=True, slots=True)
class Stop:
    """A check that failed: the kind of fault, and why in one sentence."""

    kind: str
    why: str
    culprit: tuple[str, int] | None = None
    """The field, and what it holds in the descriptors that are to blame."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the processor reports of a fault: exception, code and the code's fields, and a register that tells more."""

    exception: str
    code: int | None
    fields: tuple[Field, ...] = ()
    syndrome: Syndrome | None = None


class Rules(ABC, Generic[C]):
    """What a manual says in words.  `controls` are the processor's settings of the format's family.

    A walk asks in this order: `start`, then at each descriptor `read_as`, `check_descriptor` and `narrow`, and
    `check_access` at the leaf; `report` says what the processor makes of the first check that failed.
    """

    inherited: tuple[str, ...] = ()
    """Fields that a table's descriptor takes over when the page it stood for is demoted."""

    # ---- walking -----------------------------------------------------------------------------

    @abstractmethod
    def start(self, level: Level, root: int, va: int, controls: C) -> Start | Stop:
        """Where the walk begins (`level` is the root's), or a reason not to walk: an address that is not canonical."""

    @abstractmethod
    def start_shift(self, controls: C) -> int:
        """The bits of an address from this one up are all that :meth:`start` looks at."""

    def read_as(self, level: Level, word: int, controls: C) -> Descriptor:
        """How a descriptor is read under these settings."""
        return level.read_as(word)

    @abstractmethod
    def check_descriptor(self, level: Level, descriptor: Descriptor, word: int, controls: C) -> Stop | None:
        """What is wrong with a descriptor by itself: absent, or reserved bits set."""

    def checked_bits(self, level: Level, descriptor: Descriptor, controls: C) -> int:
        """The address bits of a descriptor that :meth:`check_descriptor` can find wrong."""
        return 0

    @abstractmethod
    def narrow(self, rights: Rights, descriptor: Descriptor, word: int, controls: C) -> Rights:
        """The rights that are left of `rights` below a descriptor."""

    @abstractmethod
    def check_access(
        self, path: Sequence[WalkEntry], rights: Rights, access: Access, user: bool, controls: C
    ) -> Stop | None:
        """Whether the descriptors of a walk, which end in a leaf, forbid the access; `rights` is what they leave."""

    @abstractmethod
    def report(self, stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: C) -> Report:
        """What the processor reports of a fault; `path` has the descriptors that were read."""

    def root_level(self, level: Level, controls: C) -> Level:
        """The root's level, with as many descriptors as the lower root table has under these settings."""
        return level

    def physical_limit(self, controls: C) -> int:
        """Bits of a physical address, where the settings say how many the processor has; else 64."""
        return 64

    # ---- descriptors -------------------------------------------------------------------------

    @abstractmethod
    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """The bits that give `rights`; `shared` leaves are the same in all address spaces (global)."""

    @abstractmethod
    def rights_bits(self, descriptor: Descriptor) -> int:
        """The bits of a descriptor that say something about rights."""

    @abstractmethod
    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """The rights in one descriptor, taken by itself."""

    @abstractmethod
    def accessed(self, descriptor: Descriptor, write: bool, controls: C) -> int:
        """The bits that the hardware sets in a descriptor it used."""

    def is_global(self, path: Sequence[WalkEntry]) -> bool:
        """Whether a translation is for all address spaces: here, if some descriptor on the way has G set."""
        return any(at.value("G") for at in path)

    # ---- what a kernel sets ------------------------------------------------------------------

    def registers(self, user: int | None, kernel: int | None, controls: C) -> tuple[int, C]:
        """The base register, and the settings, for the root tables of a user and of the kernel; None for no walks.

        Here there is one register: the user's tables have the kernel's slots in them.
        """
        root = kernel if user is None else user
        return root or 0, controls

    def with_access_flag(self, controls: C) -> C:
        """The settings with which descriptors have an access flag, where a format has models with and without."""
        return controls

    def without_access_flag(self, controls: C) -> C:
        """The settings of the model without access flag, where a format has both."""
        return controls

    def with_hardware_flags(self, controls: C) -> C:
        """The settings with which the hardware sets accessed and dirty flags itself, where it can leave that out."""
        return controls


def bits(high: int, low: int) -> int:
    """Bits high to low, as manuals write them, set.

    >>> hex(bits(7, 4))
    '0xf0'
    """
    return (1 << high + 1) - (1 << low)


def in_words(mask: int) -> str:
    """The numbers of the bits in `mask`: "bit 7", or "bits 7, 8"."""
    numbers = [str(bit) for bit in range(64) if mask >> bit & 1]
    return f"bit{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"


# ---- data: levels and descriptors --------------------------------------------------------------


Kind = Literal["table", "leaf", "invalid", "reserved"]


@dataclass(frozen=True, slots=True)
class AddressBits:
    """Bits [low, high] of a descriptor are address bits from `to` on."""

    low: int
    high: int
    to: int

    @property
    def mask(self) -> int:
        """The bits in the descriptor, set."""
        return (1 << self.high + 1) - (1 << self.low)


@dataclass(frozen=True)
class Descriptor:
    """One way to read a descriptor: it applies where ``word & mask == value``."""

    name: str
    kind: Kind
    mask: int
    value: int
    section: str
    address: tuple[AddressBits, ...] = ()
    fields: tuple[Field, ...] = ()
    reserved: int = 0
    """Bits that must be 0 whatever the processor's controls say."""
    shift: int | None = None
    """For a leaf that maps more than its level's span: log2 of the bytes.  It stands in several neighbouring slots."""

    def address_of(self, word: int) -> int:
        """The physical address in `word`."""
        if self._in_place is not None:
            return word & self._in_place
        return sum((word & bits.mask) >> bits.low << bits.to for bits in self.address)

    def place(self, address: int) -> int:
        """The word that holds `address`, which must fit, and this descriptor's type bits."""
        word = self.value
        for bits in self.address:
            word |= address >> bits.to << bits.low & bits.mask
        if self.address_of(word) != address:
            raise Refused(f"{self.name}: physical address {Address(address)} does not fit, or is not aligned for it")
        return word

    def field(self, name: str) -> Field | None:
        """The field called `name`, or None."""
        return self._by_name.get(name)

    def same_fields(self, source: Descriptor, word: int, names: Iterable[str]) -> int:
        """What the fields with these names hold in a `word` of `source`, where this descriptor has them."""
        made = 0
        for name in names:
            there, here = source.field(name), self.field(name)
            if there is not None and here is not None:
                made |= there.of(word) << here.low
        return made

    @cached_property
    def free_fields(self) -> tuple[str, ...]:
        """The names of the fields that are neither the address nor say what kind of descriptor it is."""
        free = (field for field in self.fields if not field.mask & self.mask)
        return tuple(field.name for field in free if not field.name.startswith("address"))

    @cached_property
    def address_mask(self) -> int:
        """The bits that hold the address, set."""
        return sum(bits.mask for bits in self.address)

    @cached_property
    def _in_place(self) -> int | None:
        """The address bits, where they are one piece that stands at its own place, as in most formats."""
        if len(self.address) == 1 and self.address[0].low == self.address[0].to:
            return self.address[0].mask
        return None

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}


@dataclass(frozen=True)
class Level:
    """The tables of one level: 2**bits descriptors, chosen by va[shift + bits - 1 : shift]."""

    number: int
    """1 maps the smallest pages; the root has the highest number."""
    name: str
    """The manual's name of a descriptor here."""
    table_name: str
    shift: int
    bits: int
    descriptors: tuple[Descriptor, ...]
    """The ways to read a descriptor; the first that applies is the one."""

    @property
    def entries(self) -> int:
        """Descriptors in a table."""
        return 1 << self.bits

    @property
    def span(self) -> int:
        """Bytes of virtual memory that one descriptor covers."""
        return 1 << self.shift

    def index(self, va: int) -> int:
        """Which descriptor of a table is for `va`."""
        return va >> self.shift & (1 << self.bits) - 1

    def read_as(self, word: int) -> Descriptor:
        """How the manual reads `word` at this level."""
        for descriptor in self.descriptors:
            if word & descriptor.mask == descriptor.value:
                return descriptor
        raise AssertionError(f"no descriptor of {self.name} covers {word:#x}")

    def of_kind(self, kind: Kind) -> Descriptor | None:
        """The first descriptor of `kind`, which is the one that is made here; or None."""
        return next((one for one in self.descriptors if one.kind == kind), None)

    def leaf(self, size: int) -> Descriptor | None:
        """The descriptor that maps pages of `size` bytes, or None."""
        return next((one for one in self.descriptors if one.kind == "leaf" and self.span_of(one) == size), None)

    def made_of_kind(self, kind: Kind) -> Descriptor:
        """As :meth:`of_kind`; refused where there is none."""
        descriptor = self.of_kind(kind)
        if descriptor is None:
            raise Refused(f"a {self.name} can't be a {kind} descriptor")
        return descriptor

    def made_of_size(self, size: int) -> Descriptor:
        """As :meth:`leaf`; refused where there is none."""
        descriptor = self.leaf(size)
        if descriptor is None:
            raise Refused(f"a {self.name} can't map a page of {Size(size)}")
        return descriptor

    def part_word(self, large: Descriptor, word: int, index: int) -> int:
        """The word that maps part `index`, of this level's span, of the page that a `word` of `large` maps.

        All fields but the address stay.  A supersection's parts are sections: `Refused` if they lie where only
        supersections reach.
        """
        small = self.made_of_kind("leaf")
        place = small.place(large.address_of(word) + index * self.span)
        return place | small.same_fields(large, word, small.free_fields)

    def span_of(self, descriptor: Descriptor) -> int:
        """Bytes of virtual memory that a descriptor of this level is about; a repeated one, all its copies together."""
        return 1 << (self.shift if descriptor.shift is None else descriptor.shift)

    def copies_of(self, descriptor: Descriptor) -> int:
        """In how many neighbouring slots a descriptor stands: 1, but for ARM's supersections and large pages."""
        return 1 if descriptor.shift is None else 1 << descriptor.shift - self.shift


class WalkEntry(NamedTuple):
    """A descriptor on the way of a walk."""

    level: Level
    descriptor: Descriptor
    word: int

    def value(self, name: str) -> int:
        """What the field called `name` holds; 0 if the descriptor has none."""
        field = self.descriptor.field(name)
        return 0 if field is None else field.of(self.word)

    @property
    def held(self) -> list[tuple[str, int]]:
        """The descriptor's fields, by name, and what they hold."""
        return [(field.name, field.of(self.word)) for field in self.descriptor.fields]


class KernelPlace(NamedTuple):
    """Where a kernel on these tables ends the users' addresses (`user_end`) and begins its own; a choice, as Linux's.

    `recursive` is start and size of the root slot in which it keeps a recursive mapping, if it has one.
    """

    user_end: int
    kernel_start: int
    recursive: tuple[int, int] | None = None


@dataclass(frozen=True)
class TableFormat(Generic[C]):
    """A page-table format: `entry_width` bytes a descriptor, levels from the root down."""

    name: str
    entry_width: int
    levels: tuple[Level, ...]
    va_bits: int
    """Bits of a virtual address that are translated."""
    sign_extended: bool
    """Whether the bits above must repeat the highest translated one (canonical addresses)."""
    word_bits: int
    """Bits of a virtual address in a register."""
    base_register: str
    rules: Rules[C]
    defaults: C
    """Controls to walk with unless others are given."""
    kernel_place: KernelPlace
    halves: bool = False
    """Whether the upper half has a base register, and so a root table, of its own; `va_bits` are those of each half."""
    asid_bits: int = 0
    """Bits of an address space's number; 0 where the processor has no such numbers.

    SDM 3A, 4.10.1 (PCIDs, in 64-bit mode only); ARM DDI 0406C, B3.9.1 (CONTEXTIDR); ARM DDI 0487, D5.10.1 (TCR_EL1.AS);
    RISC-V Privileged 20211203, 4.1.11 (satp).
    """
    faults_flush: bool = False
    """Whether a page fault makes the processor drop what its TLB keeps of the address (SDM 3A, 4.10.4.1)."""

    def level(self, number: int) -> Level:
        """The level with this number."""
        return self.levels[len(self.levels) - number]

    @property
    def root_level(self) -> Level:
        """The level of the root table."""
        return self.levels[0]

    def canonical(self, va: int) -> int:
        """The address as a register holds it, from its translated bits.

        >>> from vmwidgets.engine.mmu.formats.x86 import X86_64
        >>> hex(X86_64.canonical(0x8000_0000_0000))
        '0xffff800000000000'
        """
        upper_half = va >> self.word_bits - 1 & 1  # where halves have tables of their own, the highest bit tells
        va &= (1 << self.va_bits) - 1
        if va >> self.va_bits - 1 if self.sign_extended else upper_half:
            va |= (1 << self.word_bits) - (1 << self.va_bits)
        return va

    @property
    def page_sizes(self) -> tuple[int, ...]:
        """The sizes of page that descriptors can map, smallest first.

        >>> from vmwidgets.engine.mmu.formats.armv7 import ARMV7
        >>> [size >> 10 for size in ARMV7.page_sizes]
        [4, 64, 1024, 16384]
        """
        return tuple(
            sorted(level.span_of(one) for level in self.levels for one in level.descriptors if one.kind == "leaf")
        )

    def leaf(self, size: int) -> tuple[Level, Descriptor] | None:
        """The level and descriptor that map pages of `size` bytes, or None."""
        for level in self.levels:
            descriptor = level.leaf(size)
            if descriptor is not None:
                return level, descriptor
        return None

    def table_bytes(self, level: Level) -> int:
        """Bytes of a table at `level`."""
        return level.entries * self.entry_width

    @property
    def root_bits(self) -> int:
        """Bits of a root table's physical address: those of a register, and of the address of a table.

        >>> from vmwidgets.engine.mmu.formats import FORMATS
        >>> FORMATS["x86-pae"].root_bits, FORMATS["aarch64"].root_bits
        (32, 48)
        """
        table = self.root_level.of_kind("table")
        assert table is not None, "a root refers to tables"
        return min(self.word_bits, max(bits.to + bits.high - bits.low + 1 for bits in table.address))

    @property
    def physical_bits(self) -> int:
        """Bits of the physical address of a page of 4 KiB.

        >>> from vmwidgets.engine.mmu.formats import FORMATS
        >>> FORMATS["x86"].physical_bits, FORMATS["riscv-sv39"].physical_bits
        (32, 56)
        """
        _, leaf = self.leaf(PAGE) or (None, None)
        assert leaf is not None, "every format has pages of 4 KiB"
        return max(bits.to + bits.high - bits.low + 1 for bits in leaf.address)

    # ---- descriptors made and changed: from rights and addresses to words ----------------------

    def table_word(self, level: Level, table: int, rights: Rights) -> int:
        """The word that refers to the table at physical address `table` and lets `rights` pass."""
        descriptor = level.made_of_kind("table")
        return descriptor.place(table) | self.rules.encode(descriptor, rights, shared=False)

    def leaf_word(self, level: Level, pa: int, rights: Rights, *, shared: bool = False, size: int | None = None) -> int:
        """The word that maps the page at `pa`, as big as the level's span or of `size` bytes; `shared` makes it global.

        A word that maps more than its level's span (ARM's supersections and large pages) fills several neighbouring
        slots; :meth:`.editor.TableEditor.map` writes them all.

        >>> from vmwidgets.engine.mmu.formats.x86 import PD, X86_64
        >>> hex(X86_64.leaf_word(PD, 0x60_0000, Rights(write=False, user=False)))
        '0x600081'
        """
        descriptor = level.made_of_kind("leaf") if size is None else level.made_of_size(size)
        return descriptor.place(pa) | self.rules.encode(descriptor, rights, shared)

    def with_rights(self, level: Level, word: int, rights: Rights) -> int:
        """`word` with other rights and everything else as it was."""
        descriptor = level.read_as(word)
        mask = self.rules.rights_bits(descriptor)
        return word & ~mask | self.rules.encode(descriptor, rights, shared=False) & mask

    def demoted_word(self, level: Level, word: int, index: int) -> int:
        """The word one level down for part `index` of the page that `word` maps; all other fields stay."""
        return self.level(level.number - 1).part_word(level.read_as(word), word, index)

    def inherited_bits(self, level: Level, word: int) -> int:
        """The bits that a table's descriptor takes over from the large page `word` that it replaces."""
        return level.made_of_kind("table").same_fields(level.read_as(word), word, self.rules.inherited)

    def promoted_word(self, level: Level, size: int, part_level: Level, part: int, table: int | None, pa: int) -> int:
        """The word that maps the page of `size` bytes at `pa` in place of smaller ones alike; `part` is the first.

        Fields keep what the parts have, or what the word of their `table` says: dirty, global, memory type, domain.
        """
        large = level.made_of_size(size)
        small, names = part_level.read_as(part), large.free_fields
        word = large.place(pa) | large.same_fields(small, part, names)
        if table is not None:
            inherited = [name for name in names if name in self.rules.inherited and small.field(name) is None]
            word |= large.same_fields(level.read_as(table), table, inherited)
        return word
