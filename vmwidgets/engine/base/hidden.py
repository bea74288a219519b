"""A number of which some bits are left out, so that whatever is drawn or computed from it can't tell them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .units import Address

EMPTY = "____"
"""A blank without a number: what would tell a blank that is asked for."""

_WIDTH = re.compile(r"(\d+)b$")
"""The width of a number in binary."""


class Hidden(Address):
    """A number whose `unknown` bits are 0 in it; written as its blank, or in binary with a blank for each unknown bit.

    With `known`, the whole number is given, and only its bits are left out: it is written as that number.  `parts` are
    the blanks of its slices, by their lowest bit and their number of bits.  It equals only itself.

    >>> frame = Hidden(0xD, 0x3F, "_1__")
    >>> f"{frame:#x}", f"{frame:06b}", int(frame)
    ('_1__', '______', 0)
    >>> va = Hidden(0x3D7, 0x3FC0, known=0x3D7, parts={(6, 8): "_2__"})
    >>> f"{va:#x}", f"{va:014b}", f"{va >> 6 & 0xFF:#x}", f"{va & 0x3F:#x}"
    ('0x3d7', '________010111', '_2__', '0x17')
    """

    unknown: int
    blank: str
    known: int | None
    parts: Mapping[tuple[int, int], str]
    low: int

    def __new__(
        cls,
        value: int,
        unknown: int,
        blank: str = EMPTY,
        *,
        known: int | None = None,
        parts: Mapping[tuple[int, int], str] | None = None,
        low: int = 0,
    ) -> Hidden:
        """Return the number without its unknown bits; `low` is the number of bits that were shifted out below it."""
        self = int.__new__(cls, value & ~unknown)
        self.unknown, self.blank, self.known, self.parts, self.low = unknown, blank, known, parts or {}, low
        return self

    def __rshift__(self, by: int) -> int:
        """Return the number without its lowest bits."""
        rest, unknown = int(self) >> by, self.unknown >> by
        return Hidden(rest, unknown, parts=self.parts, low=self.low + by) if unknown else rest

    def __and__(self, mask: int) -> int:
        """Return some bits of the number: a slice has its own blank."""
        unknown = self.unknown & mask
        if not unknown:
            return int(self) & mask
        blank = self.parts.get((self.low, mask.bit_length()), EMPTY if mask > 1 else EMPTY[:1])
        return Hidden(int(self) & mask, unknown, blank, low=self.low)

    __rand__ = __and__

    def __eq__(self, other: object) -> bool:
        """Return whether this is the same number, not one that only looks alike."""
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:
        return id(self)

    def __format__(self, spec: str) -> str:
        """Write the blank, or the digits in binary that are known."""
        width = _WIDTH.search(spec)
        if width is not None:
            many = int(width[1])
            return "".join("_" if self.unknown >> at & 1 else str(int(self) >> at & 1) for at in reversed(range(many)))
        return self.blank if self.known is None else format(Address(self.known), spec)

    def __repr__(self) -> str:
        return self.blank if self.known is None else str(Address(self.known))

    __str__ = __repr__
