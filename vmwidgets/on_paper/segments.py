"""Translation before page tables: base and bounds, and segments.

Both are small models; the machines here use tables.
"""

from __future__ import annotations

from typing import Any

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import KernelError, Refused, in_ascii, kernel_error, shown
from ..engine.base.frozen import frozen
from ..engine.base.units import Address, Size
from ..engine.machine import arguments
from .segments_schema import Segment, SegmentsValue

SELECTOR = 30
"""The lowest of the two bits that select a segment of a 32-bit address."""

SEGMENTS = 4


@frozen(slots=False)
class BaseAndBounds:
    """Two registers: an address below `bounds` is added to `base`, and any other address is a fault.

    >>> import vmwidgets as vm
    >>> unit = vm.BaseAndBounds("4 MiB", "64 KiB")
    >>> unit.translate(0x1234)
    0x40_1234
    >>> vm.lab.attempt(unit.translate, 0x1_0000)
    KernelError: FAULT: 0x1_0000 is not below the bounds, 64 KiB
    """

    base: Address
    bounds: Size

    @says_what_it_takes
    def __init__(self, base: int | str, bounds: int | str) -> None:
        object.__setattr__(self, "base", Address(_number(base, "base")))
        object.__setattr__(self, "bounds", Size(_number(bounds, "bounds")))

    @says_what_it_takes
    def translate(self, address: int | str) -> Address:
        """Return the physical address.  Raises :class:`KernelError` FAULT for an address outside the bounds."""
        va = _number(address, "address")
        if va >= self.bounds:
            raise kernel_error("FAULT", f"{Address(va)} is not below the bounds, {self.bounds}")
        return Address(self.base + va)

    @property
    def layout(self) -> SegmentsValue:
        """The value that :class:`vmwidgets.Placement` draws: the program's addresses and their place in memory."""
        return SegmentsValue((Segment("program", 0, int(self.base), int(self.bounds), "rwx"),))


class Segments:
    """Up to four segments of a 32-bit address space, each with a base, bounds and rights.

    Bits 31:30 of an address select the segment, and bits 29:0 are the offset in it.  Pass `name=(base, bounds, rights)`
    in the order of the segments' numbers.  Rights are the letters "r", "w" and "x".

    >>> import vmwidgets as vm
    >>> program = vm.Segments(code=("1 MiB", "64 KiB", "rx"), data=("4 MiB", "1 MiB", "rw"))
    >>> program.translate(0x4000_0010, "write")
    0x40_0010
    >>> vm.lab.attempt(program.translate, 0x10, "write")
    KernelError: ACCES: segment 0, code, is r-x
    >>> vm.lab.attempt(program.translate, 0x8000_0000)
    KernelError: FAULT: there is no segment 2
    """

    @says_what_it_takes
    def __init__(self, /, **segments: Any) -> None:
        if not 1 <= len(segments) <= SEGMENTS:
            raise Refused(f"{len(segments)} segments: write 1 to {SEGMENTS}, such as code=('1 MiB', '64 KiB', 'rx')")
        self.segments = {name: _segment(name, given) for name, given in segments.items()}

    @says_what_it_takes
    def translate(self, address: int | str, access: str = "read") -> Address:
        """Return the physical address.

        Raises :class:`KernelError`: FAULT, or ACCES if the segment forbids the access.
        """
        va, kind = _number(address, "address"), arguments.access(access)
        number, offset = va >> SELECTOR, va & (1 << SELECTOR) - 1
        if number >= len(self.segments):
            raise kernel_error("FAULT", f"there is no segment {number}")
        name, (unit, rights) = list(self.segments.items())[number]
        try:
            pa = unit.translate(offset)
        except KernelError as error:
            raise kernel_error("FAULT", f"segment {number}, {name}: {error.reason}") from None
        if {"read": "r", "write": "w", "execute": "x"}[kind] not in rights:
            raise kernel_error("ACCES", f"segment {number}, {name}, is {rights}")
        return pa

    @property
    def layout(self) -> SegmentsValue:
        """The value that :class:`vmwidgets.Placement` draws: the segments, and their places in physical memory."""
        return self.placed_in(())

    def placed_in(self, free: tuple[tuple[int, int], ...]) -> SegmentsValue:
        """Return the same layout, with only these pieces of physical memory free (start and size of each)."""
        parts = enumerate(self.segments.items())
        return SegmentsValue(
            tuple(
                Segment(name, n << SELECTOR, int(unit.base), int(unit.bounds), rights)
                for n, (name, (unit, rights)) in parts
            ),
            free,
        )

    def data(self) -> dict[str, list[Any]]:
        """Return the segments as plain data: base, bounds and rights of each."""
        return {name: [int(unit.base), int(unit.bounds), rights] for name, (unit, rights) in self.segments.items()}

    @classmethod
    def made_from(cls, data: Any) -> Segments:
        """Return the segments of :meth:`data`'s result.

        >>> program = Segments(code=("1 MiB", "64 KiB", "rx"))
        >>> Segments.made_from(program.data()).data() == program.data()
        True
        """
        if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
            raise Refused(f"segments={shown(data)}: write names with base, bounds and rights")
        return cls(**data)

    @in_ascii
    def __repr__(self) -> str:
        parts = (
            f"{number} {name} {unit.base} {unit.bounds} {rights}"
            for number, (name, (unit, rights)) in enumerate(self.segments.items())
        )
        return f"<segments: {'; '.join(parts)}>"


def _segment(name: str, given: Any) -> tuple[BaseAndBounds, str]:
    if (
        not isinstance(given, (tuple, list))
        or len(given) != 3
        or not isinstance(given[2], str)
        or set(given[2]) - {*"rwx-"}
    ):
        raise Refused(f"{name}={shown(given)}: write its base, bounds and rights, such as ('1 MiB', '64 KiB', 'rx')")
    base, bounds, rights = given
    unit = BaseAndBounds(base, bounds)
    if unit.bounds > 1 << SELECTOR:
        raise Refused(f"{name}: bounds of {unit.bounds} don't fit the offset's {SELECTOR} bits")
    return unit, "".join(letter if letter in rights else "-" for letter in "rwx")


def _number(value: Any, name: str) -> int:
    number = arguments.whole(value, name)
    if not 0 <= number < 1 << 32:
        raise Refused(f"{name}={shown(value)}: write a number of 32 bits")
    return number
