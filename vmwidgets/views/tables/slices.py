"""An address cut where the tables' indices are, and turned slice by slice.

Of a page whose descriptor is in several slots (ARM's), the index's lowest bits are bits of the offset too.
"""

from __future__ import annotations

from dataclasses import dataclass

from vmwidgets.engine.base.values.tables import AddressSplit, Walk


@dataclass(frozen=True, slots=True)
class Slice:
    """Bits [low, high] of the address and what they are: `key` is a level, "top" or "offset"."""

    key: str
    name: str
    high: int
    low: int
    read: bool
    """Whether the walk came so far."""

    @property
    def width(self) -> int:
        """How many bits."""
        return self.high - self.low + 1


def slices_of(walk: Walk, split: AddressSplit) -> tuple[Slice, ...]:
    """How the address of a walk is cut: below a large page's index everything is its offset.

    Of a page that is in several slots, the index's lowest bits are in the offset's slice too.
    """
    read = {step.level: step for step in walk.steps}
    floor = walk.steps[-1].index_bits[1] if walk.page_size else split.parts[-1].low
    offset = walk.page_size.bit_length() - 2 if walk.page_size else floor - 1
    slices = []
    top = split.va_bits - 1
    for part in split.parts:
        if part.low < floor:
            break
        step = read.get(part.level)
        high = step.index_bits[0] if step is not None else part.high
        if part is split.parts[0]:
            top = high
        slices.append(Slice(str(part.level), part.name, high, part.low, step is not None))
    if top + 1 < split.word_bits:
        slices.insert(0, Slice("top", "above", split.word_bits - 1, top + 1, True))
    slices.append(Slice("offset", "offset", offset, 0, walk.page_size > 0))
    return tuple(slices)


def shared_bits(slices: tuple[Slice, ...]) -> range:
    """The bits that both choose the slot and are part of the offset, the lowest first."""
    return range(slices[-2].low, slices[-1].high + 1)


def turned(va: int, bits: Slice, by: int, split: AddressSplit) -> int:
    """The address with the number in a slice changed by `by`, as far as it goes; the bits above stay right.

    >>> hex(turned(0x1000, Slice("1", "PT", 20, 12, True), 2, AddressSplit((), 64, 48)))
    '0x3000'
    """
    most = (1 << bits.width) - 1
    if bits.key == "top":  # all of them 0, or all 1: other numbers are no addresses
        return va | most << bits.low if by > 0 else va & ~(most << bits.low)
    number = min(most, max(0, (va >> bits.low & most) + by))
    return with_sign(va & ~(most << bits.low) | number << bits.low, bits.key, split)


def with_sign(va: int, key: str, split: AddressSplit) -> int:
    """The address with the bits above the translated ones made what they must be, unless just they were changed."""
    if key == "top" or not split.signed or split.va_bits == split.word_bits:
        return va
    low = va & (1 << split.va_bits) - 1
    negative = low >> split.va_bits - 1
    return low | ((1 << split.word_bits) - (1 << split.va_bits) if negative else 0)
