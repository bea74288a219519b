"""How addresses are written in one picture: grouped, without the digits that all of them share."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.base.units import PAGE_SHIFT, grouped_hex


@dataclass(frozen=True, slots=True)
class AddressStyle:
    """`prefix` are the leading groups that every address of a map shares; `digits` those that remain.

    >>> style = AddressStyle.of(0xFFFF808000000000, 0xFFFF808004000000)
    >>> style.prefix, style.long(0xFFFF808000A07000), style.short(0xFFFF808000A07000)
    ('ffff 8080', '00a0 7000', 'a07')
    """

    prefix: str
    digits: int

    @classmethod
    def of(cls, start: int, end: int) -> AddressStyle:
        """The style for addresses in [start, end]."""
        digits = max(8, len(f"{end:x}"))
        digits += -digits % 4
        first, last = f"{start:0{digits}x}", f"{end:0{digits}x}"
        common = 0
        while common < digits - 8 and first[: common + 4] == last[: common + 4]:
            common += 4
        prefix = " ".join(first[i : i + 4] for i in range(0, common, 4))
        return cls(prefix if int(first[:common] or "0", 16) else "", digits - common)

    def long(self, address: int) -> str:
        """The address without the common prefix."""
        return grouped_hex(address, self.digits)[-(self.digits + self.digits // 4 - 1) :]

    def range(self, start: int, end: int) -> str:
        """[start, end) in a sentence."""
        return f"{self.long(start)}–{self.long(end)}"

    def short(self, address: int) -> str:
        """The page number within the prefix: the fewest digits that still tell."""
        return f"{(address & ((1 << 4 * self.digits) - 1)) >> PAGE_SHIFT:x}"

    def whole(self, address: int) -> str:
        """All digits."""
        return grouped_hex(address, self.digits + 4 * len(self.prefix.split()))
