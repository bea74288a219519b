"""What a picture draws numbers of: each quantity with its bits, so that a blank hides it wherever it is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vmwidgets.engine.base.hidden import EMPTY, Hidden

Bit = tuple[str, int]
"""A bit of something, such as bit 12 of the virtual address: quantities that contain it have it in common."""


def bits_of(what: str, low: int, count: int) -> tuple[Bit, ...]:
    """Return some neighbouring bits, the lowest first.

    >>> bits_of("va", 6, 2)
    (('va', 6), ('va', 7))
    """
    return tuple((what, bit) for bit in range(low, low + count))


class Quantity(NamedTuple):
    """One quantity of a picture, however often it is drawn; its identity is its `name`, not its value."""

    name: str
    value: int
    bits: tuple[Bit, ...]
    """Its bits, the lowest first; those that others contain too are the same."""
    order: int
    """A quantity is computed from those with a lower order."""
    written: str
    """How the picture writes it, which is the answer."""
    words: tuple[str, ...] = ()
    """The words that ask for it; () if it can't be left out by itself."""
    is_given: bool = False
    """Whether the question gives it, as the whole number: only its bits can be missing."""


class Blanks:
    """The quantities of a picture, some of which are left out.

    A quantity that is left out takes with it each number that contains it, unless the question gives that number; and
    each number that shares bits with it, unless it is computed from that number: what is to be put together stays.

    >>> page, tag = (Quantity(n, 0xD, bits_of("pa", 6, 6), at, "0xd", (n,)) for n, at in (("pfn", 1), ("ct", 3)))
    >>> pa = Quantity("pa", 0x357, bits_of("pa", 0, 12), 2, "0x357", ("pa",))
    >>> [[name for name in ("pfn", "pa", "ct") if name in Blanks([page, pa, tag], {x: 1})] for x in ("pfn", "pa", "ct")]
    [['pfn', 'pa', 'ct'], ['pa', 'ct'], ['pfn', 'pa', 'ct']]
    """

    def __init__(self, quantities: Sequence[Quantity], asked: Mapping[str, int]) -> None:
        """Leave out the `asked` quantities: the number of the blank of each, by its name."""
        self._known = {one.name: one for one in quantities}
        self._asked = [self._known[name] for name in asked]
        self._numbers = asked

    def __contains__(self, name: str) -> bool:
        """Return whether a quantity, or a part of it, is left out."""
        return name in self._known and bool(self._left_out(self._known[name]))

    def asks(self, name: str) -> bool:
        """Return whether a quantity has a blank of its own."""
        return name in self._numbers

    def of(self, name: str) -> str:
        """Return the blank of a quantity; its width depends on the quantity's bits, so that it tells nothing."""
        number = self._numbers.get(name)
        return (
            EMPTY if number is None else f"{number}".center(min(max(4, 2 + len(self._known[name].bits) // 4), 10), "_")
        )

    def shown(self, name: str, value: int, blank: str = "") -> int:
        """Return a quantity's `value` as it is drawn: without what is left out of it."""
        one = self._known.get(name)
        left = self._left_out(one) if one is not None else set()
        if one is None or not left:
            return value
        unknown = sum(1 << at for at, bit in enumerate(one.bits) if bit in left)
        known = one.value if one.is_given else None
        return Hidden(value, unknown, blank or self.of(name), known=known, parts=dict(self._parts(one)))

    def _left_out(self, one: Quantity) -> set[Bit]:
        """Return the bits that are left out of a quantity."""
        bits, left = {*one.bits}, set[Bit]()
        for asked in self._asked:
            if bits.issuperset(asked.bits) or one.order >= asked.order:
                left |= bits.intersection(asked.bits)
        return left

    def _parts(self, whole: Quantity) -> Iterator[tuple[tuple[int, int], str]]:
        """Yield the blanks of what is cut from a number, by its lowest bit and its number of bits."""
        for part in sorted(self._known.values(), key=lambda one: self.asks(one.name)):
            if part.name in self and part.bits and part.bits[0] in whole.bits and part is not whole:
                low = whole.bits.index(part.bits[0])
                if whole.bits[low : low + len(part.bits)] == part.bits:
                    yield (low, len(part.bits)), self.of(part.name)


NOTHING = Blanks((), {})
"""No blanks."""
