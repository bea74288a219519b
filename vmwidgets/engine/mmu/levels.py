"""The data of a table format: levels, and each level's possible descriptors, as a manual's tables of bit ranges."""

from __future__ import annotations

from collections.abc import Container, Iterable
from functools import cached_property, reduce
from operator import or_
from typing import Literal, NamedTuple

from ..base.errors import Refused
from ..base.frozen import frozen
from ..base.units import PAGE_SHIFT, Address, Size
from .tables_schema import Field

Kind = Literal["table", "leaf", "invalid", "reserved"]


@frozen
class AddressBits:
    """The bits [low, high] of a descriptor that hold address bits from `to` on."""

    low: int
    high: int
    to: int

    @property
    def mask(self) -> int:
        """A mask of these bits in the descriptor."""
        return (1 << self.high + 1) - (1 << self.low)


@frozen(slots=False)
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
    """The bits that must be 0, whatever the processor's controls."""
    shift: int | None = None
    """For a leaf that maps more than its level's span, log2 of the bytes.  Such a leaf fills several adjacent slots."""

    def address_of(self, word: int) -> int:
        """Return the physical address in `word`."""
        if self.in_place is not None:
            return word & self.in_place
        return sum((word & bits.mask) >> bits.low << bits.to for bits in self.address)

    def place(self, address: int) -> int:
        """Return the word that holds `address`, which must fit, and this descriptor's type bits."""
        if self.in_place is not None and not address & ~self.in_place:
            return self.value | address
        word = self.value
        for bits in self.address:
            word |= address >> bits.to << bits.low & bits.mask
        if self.address_of(word) != address:
            raise Refused(f"{self.name}: physical address {Address(address)} does not fit, or is not aligned for it")
        return word

    def field(self, name: str) -> Field | None:
        """Return the field called `name`, or None."""
        return self._by_name.get(name)

    def same_fields(self, source: Descriptor, word: int, names: Iterable[str]) -> int:
        """Return the named fields of `word`, a word of `source`, except fields that this descriptor lacks."""
        made = 0
        for name in names:
            there, here = source.field(name), self.field(name)
            if there is not None and here is not None:
                made |= there.of(word) << here.low
        return made

    @cached_property
    def free_fields(self) -> tuple[str, ...]:
        """The names of the fields, except the address and the fields that identify the kind of descriptor."""
        free = (field for field in self.fields if not field.mask & self.mask)
        return tuple(field.name for field in free if not field.name.startswith("address"))

    @cached_property
    def address_mask(self) -> int:
        """A mask of the bits that hold the address."""
        return sum(bits.mask for bits in self.address)

    @cached_property
    def global_bit(self) -> int:
        """A mask of the bit G, with which a leaf is for all address spaces; 0 if there is none."""
        field = self.field("G")
        return 0 if field is None else field.mask

    @cached_property
    def in_place(self) -> int | None:
        """The mask of the address bits, if each is at its own place in the word, as in most formats; or None."""
        if len(self.address) == 1 and self.address[0].low == self.address[0].to:
            return self.address[0].mask
        return None

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}


@frozen(slots=False)
class Level:
    """The tables of one level: 2**bits descriptors, chosen by va[shift + bits - 1 : shift]."""

    number: int
    """The number of the level: 1 maps the smallest pages; the root has the highest number."""
    name: str
    """The manual's name of a descriptor at this level."""
    table_name: str
    shift: int
    bits: int
    descriptors: tuple[Descriptor, ...]
    """The ways to read a descriptor; the first match is used."""

    @cached_property
    def entries(self) -> int:
        """The number of descriptors in a table."""
        return 1 << self.bits

    @cached_property
    def span(self) -> int:
        """The bytes of virtual memory that one descriptor covers."""
        return 1 << self.shift

    @cached_property
    def table_span(self) -> int:
        """The bytes of virtual memory that a table covers."""
        return 1 << self.shift + self.bits

    @cached_property
    def last(self) -> int:
        """The number of a table's last descriptor, also used as a mask of all numbers."""
        return self.entries - 1

    def index(self, va: int) -> int:
        """Return the index in a table of the descriptor for `va`."""
        return va >> self.shift & self.last

    def read_as(self, word: int) -> Descriptor:
        """Return how the manual reads `word` at this level."""
        for descriptor in self.descriptors:
            if word & descriptor.mask == descriptor.value:
                return descriptor
        raise AssertionError(f"no descriptor of {self.name} covers {word:#x}")

    def mapped(self, words: Iterable[int]) -> list[int]:
        """Return the physical addresses of the pages that these words map; equal kinds are interpreted only once."""
        found: list[int] = []
        read_as, known = self.descriptors[0], -1
        for word in words:
            if word:
                if known < 0 or (word ^ known) & self._deciding:
                    read_as, known = self.read_as(word), word
                if read_as.kind == "leaf":
                    found.append(read_as.address_of(word))
        return found

    def not_elsewhere(self, words: Iterable[int], frames: Container[int]) -> list[int]:
        """Return the places of nonzero words, except words that map a one-slot page outside these frames."""
        pages = [one for one in self.descriptors if one.kind == "leaf" and one.shift is None]
        others = [(one.mask, one.value) for one in self.descriptors if one.shift is not None]
        if not others and len(pages) == 1 and pages[0].in_place is not None:
            bits = pages[0].in_place
            return [at for at, word in enumerate(words) if word and (word & bits) >> PAGE_SHIFT in frames]
        return [
            at
            for at, word in enumerate(words)
            if word
            and (
                any(word & mask == value for mask, value in others)
                or any(one.address_of(word) >> PAGE_SHIFT in frames for one in pages)
            )
        ]

    @cached_property
    def _deciding(self) -> int:
        """A mask of the bits that decide how a word is read."""
        return reduce(or_, (one.mask for one in self.descriptors))

    def of_kind(self, kind: Kind) -> Descriptor | None:
        """Return the first descriptor of `kind`, which new words use, or None."""
        return next((one for one in self.descriptors if one.kind == kind), None)

    def leaf(self, size: int) -> Descriptor | None:
        """Return the descriptor that maps pages of `size` bytes, or None."""
        return next((one for one in self.descriptors if one.kind == "leaf" and self.span_of(one) == size), None)

    def made_of_kind(self, kind: Kind) -> Descriptor:
        """Return the result of :meth:`of_kind`; raise :class:`Refused` if there is none."""
        descriptor = self.of_kind(kind)
        if descriptor is None:
            raise Refused(f"a {self.name} can't be a {kind} descriptor")
        return descriptor

    def made_of_size(self, size: int) -> Descriptor:
        """Return the result of :meth:`leaf`; raise :class:`Refused` if there is none."""
        descriptor = self.leaf(size)
        if descriptor is None:
            raise Refused(f"a {self.name} can't map a page of {Size(size)}")
        return descriptor

    def part_word(self, large: Descriptor, word: int, index: int) -> int:
        """Return the word that maps part `index` of a large page: `large` is the page's descriptor, `word` its word.

        A part has this level's span; all fields except the address stay.  A supersection's parts are sections; raises
        `Refused` if they are at addresses that only supersections can map.
        """
        small = self.made_of_kind("leaf")
        place = small.place(large.address_of(word) + index * self.span)
        return place | small.same_fields(large, word, small.free_fields)

    def span_of(self, descriptor: Descriptor) -> int:
        """Return the bytes covered by a descriptor of this level or, if it is repeated, by all its copies together."""
        return 1 << (self.shift if descriptor.shift is None else descriptor.shift)

    def copies_of(self, descriptor: Descriptor) -> int:
        """Return the number of slots that a descriptor fills: 1, except for ARM's supersections and large pages."""
        return 1 if descriptor.shift is None else 1 << descriptor.shift - self.shift


class WalkEntry(NamedTuple):
    """A descriptor on the path of a walk."""

    level: Level
    descriptor: Descriptor
    word: int

    def value(self, name: str) -> int:
        """Return the value of the field called `name`; 0 if the descriptor has none."""
        field = self.descriptor.field(name)
        return 0 if field is None else field.of(self.word)

    def holds(self, name: str, value: int) -> bool:
        """Return whether the descriptor has a field called `name`, with this value."""
        field = self.descriptor.field(name)
        return field is not None and field.of(self.word) == value


def bits(high: int, low: int) -> int:
    """Return a mask of the bits from `high` down to `low`, in the order that manuals use.

    >>> hex(bits(7, 4))
    '0xf0'
    """
    return (1 << high + 1) - (1 << low)


def in_words(mask: int) -> str:
    """Return the numbers of the bits in `mask`: "bit 7", or "bits 7, 8"."""
    numbers = [str(bit) for bit in range(64) if mask >> bit & 1]
    return f"bit{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
