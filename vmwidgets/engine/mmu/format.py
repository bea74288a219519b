"""A page-table format, as data: levels, index bits, and the descriptors that each level can hold.

One walker (:mod:`.walk`) and one editor (:mod:`.editor`) serve every format.  What a manual says in
words and not in bit ranges (which rights combine how, what a fault reports) is the format's
:class:`.rules.Rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

from ..base.errors import Refused
from ..base.units import Address
from ..base.values.tables import Field, Rights, Syndrome

# ---- rules -------------------------------------------------------------------------------------
#
# What a manual says in words and not in bit ranges, as the questions that the walker and the editor ask.


C_contra = TypeVar("C_contra", contravariant=True)


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


class Rules(Protocol[C_contra]):
    """What a manual says in words.  `controls` are the processor's settings of the format's family.

    They are asked in this order: `start`, then at each descriptor `read_as`, `unfit` and `gather`, and `judge` once the
    leaf is in hand; `report` tells what the processor makes of the first that found something.
    """

    inherited: tuple[str, ...] = ()
    """Fields that a table's descriptor takes over when the page it stood for is split."""

    def start(self, level: Level, root: int, va: int, controls: C_contra) -> Start | Stop:
        """Where the walk begins (`level` is the root's), or a reason not to walk: an address that is not canonical."""

    def start_shift(self, controls: C_contra) -> int:
        """The bits of an address from this one up are all that :meth:`start` looks at."""

    def read_as(self, level: Level, word: int, controls: C_contra) -> Descriptor:
        """How a descriptor is read where the controls say."""
        return level.read_as(word)

    def unfit(self, level: Level, descriptor: Descriptor, word: int, controls: C_contra) -> Stop | None:
        """What is wrong with a descriptor by itself: absent, or reserved bits set."""

    def checked(self, level: Level, descriptor: Descriptor, controls: C_contra) -> int:
        """Bits of a descriptor's address that can be wrong by themselves."""
        return 0

    def gather(self, rights: Rights, descriptor: Descriptor, word: int, controls: C_contra) -> Rights:
        """The rights that are left of `rights` below a descriptor."""

    def judge(
        self, path: Sequence[Entry], rights: Rights, access: Access, user: bool, controls: C_contra
    ) -> Stop | None:
        """Whether the descriptors of a walk, which end in a leaf, forbid the access; `rights` is what was gathered."""

    def report(self, stop: Stop, path: Sequence[Entry], access: Access, user: bool, controls: C_contra) -> Report:
        """What the processor reports of a fault; `path` has the descriptors that were read."""

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """The bits that give `rights`; `shared` leaves are the same in all address spaces (global)."""

    def rights_bits(self, descriptor: Descriptor) -> int:
        """The bits of a descriptor that say something about rights."""

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """The rights in one descriptor, taken by itself."""

    def accessed(self, descriptor: Descriptor, write: bool, controls: C_contra) -> int:
        """The bits that the hardware sets in a descriptor it used."""


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


# ---- format ------------------------------------------------------------------------------------


Access = Literal["read", "write", "execute"]


Kind = Literal["table", "leaf", "invalid", "reserved"]


C = TypeVar("C")


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
        """The descriptor of `kind` that is made here (the first that is told), or None."""
        return next((one for one in self.descriptors if one.kind == kind), None)

    def leaf(self, size: int) -> Descriptor | None:
        """The descriptor that maps pages of `size` bytes, or None."""
        return next((one for one in self.descriptors if one.kind == "leaf" and self.span_of(one) == size), None)

    def span_of(self, descriptor: Descriptor) -> int:
        """Bytes of virtual memory that a descriptor of this level is about; a repeated one, all its copies together."""
        return 1 << (self.shift if descriptor.shift is None else descriptor.shift)

    def copies_of(self, descriptor: Descriptor) -> int:
        """In how many neighbouring slots a descriptor stands: 1, but for ARM's supersections and large pages."""
        return 1 if descriptor.shift is None else 1 << descriptor.shift - self.shift


class Entry(NamedTuple):
    """A descriptor on the way of a walk."""

    level: Level
    descriptor: Descriptor
    word: int

    def value(self, name: str) -> int:
        """What the field called `name` holds; 0 if the descriptor has none."""
        field = self.descriptor.field(name)
        return 0 if field is None else field.of(self.word)


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
