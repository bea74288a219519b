"""The addresses of one picture, as Python writes them but without the leading digits that all of them share.

Also addresses as people type them.
"""

from __future__ import annotations

from functools import lru_cache

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE_SHIFT, Address, grouped_hex
from vmwidgets.engine.mmu.tables_schema import NOWHERE
from vmwidgets.views.scene.text import ELLIPSIS

SMALL = 4
"""The number of digits up to which a page number could be read as a decimal, or as the name "c"."""


def page_number(number: int) -> str:
    """Return the number of a page in hexadecimal; a small one begins with 0x.

    >>> page_number(0xC), page_number(0x7F0A_A6E82)
    ('0xc', '7f0aa6e82')
    """
    digits = f"{number:x}"
    return digits if len(digits) > SMALL else f"0x{digits}"


def place_of(pa: int) -> str:
    """Return a physical address; "–" for a table on paper that has none.

    >>> place_of(0x1000), place_of(NOWHERE)
    ('0x1000', '–')
    """
    return str(Address(pa)) if pa < NOWHERE else "–"


@frozen
class AddressStyle:
    """A style: `top` are the leading digits that all addresses share (0: none); `digits` remain of each.

    >>> style = AddressStyle.of(0xFFFF808000000000, 0xFFFF808004000000)
    >>> style.long(0xFFFF808000A07000), style.short(0xFFFF808000A07000), style.legend
    ('…00a0_7000', 'a07', '… is 0xffff_8080')
    >>> style = AddressStyle.of(0x10000, 0x7FFFFFFFF000)
    >>> style.long(0x400000), style.legend
    ('0x40_0000', '')
    """

    top: int
    digits: int

    @classmethod
    def of(cls, start: int, end: int) -> AddressStyle:
        """Return the style for addresses in [start, end]."""
        digits = max(8, len(f"{end:x}"))
        digits += -digits % 4
        first, last = f"{start:0{digits}x}", f"{end:0{digits}x}"
        common = 0
        while common < digits - 8 and first[: common + 4] == last[: common + 4]:
            common += 4
        return cls(int(first[:common] or "0", 16), digits - common)

    @property
    def legend(self) -> str:
        """The digits left out of addresses, in words; "" if there are none."""
        return f"{ELLIPSIS} is {Address(self.top)}" if self.top else ""

    @property
    def widest(self) -> str:
        """The longest possible address."""
        return self.long((self.top + 1 << 4 * self.digits) - 1)

    def long(self, address: int) -> str:
        """Return the address, with a mark for the digits that all addresses share."""
        return _long(self, address)

    def range(self, start: int, end: int) -> str:
        """Return a range of addresses as "[start, end)"."""
        return f"{self.long(start)}–{self.long(end)}"

    def short(self, address: int) -> str:
        """Return the page number within the prefix, with as few digits as possible; a small one begins with 0x.

        >>> AddressStyle.of(0, 1 << 32).short(0xC000), AddressStyle.of(0, 1 << 48).short(0x7F0A_A6E8_2000)
        ('0xc', '7f0aa6e82')
        """
        number = (address & ((1 << 4 * self.digits) - 1)) >> PAGE_SHIFT
        return f"{number:x}" if self.top else page_number(number)

    def whole(self, address: int) -> str:
        """Return all digits."""
        return str(Address(address))


@lru_cache(maxsize=4096)
def _long(style: AddressStyle, address: int) -> str:
    """Return :meth:`AddressStyle.long`: the picture of a map writes each of its addresses many times."""
    if not style.top or address >> 4 * style.digits != style.top:
        return style.whole(address)
    rest = grouped_hex(address & (1 << 4 * style.digits) - 1, style.digits)
    return ELLIPSIS + rest.replace(" ", "_")


# ---- addresses that people type --------------------------------------------------------------------


def typed_between(text: str, start: int, end: int) -> int:
    """Return an address in [start, end) as people type it: hexadecimal, perhaps in groups or without the first digits.

    >>> hex(typed_between("…0014_1000", 0xFFFF_8080_0000_0000, 0xFFFF_8080_0400_0000))
    '0xffff808000141000'
    """
    digits = _hexadecimal(text, text.replace(" ", "").removeprefix("…"), 16)
    address = int(digits, 16)
    if address < start:
        address |= start >> 4 * len(digits) << 4 * len(digits)
    if not start <= address < end:
        raise Refused(f"find: {Address(address)} lies outside the map, {Address(start)} to {Address(end)}")
    return address


def typed_in_register(text: str, bits: int) -> int:
    """Return an address of `bits` bits as people type it: hexadecimal, perhaps in groups.

    >>> hex(typed_in_register("ffff 8080 0014 1000", 64))
    '0xffff808000141000'
    """
    address = int(_hexadecimal(text, text, 32), 16)
    if address >> bits:
        raise Refused(f"find: {Address(address)} does not fit the {bits} bits of a register")
    return address


def _hexadecimal(text: str, rest: str, most: int) -> str:
    """Return the digits of `rest`, at most `most`; `text` is the whole, for the error."""
    digits = rest.lower().replace(" ", "").replace("_", "").removeprefix("0x")
    if not digits or any(digit not in "0123456789abcdef" for digit in digits):
        raise Refused(f"find: {text!r} is not an address; use hexadecimal digits, such as 0x14_1000")
    if len(digits) > most:
        raise Refused(f"find: {shown(text)} has {len(digits):,} digits; an address has at most {most}")
    return digits
