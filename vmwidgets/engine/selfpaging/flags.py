"""Flags of a region, as a program gives them, and the four bits of them that the kernel takes."""

from __future__ import annotations

from ..base.errors import Refused

READ, WRITE, EXECUTE, NOCACHE = 0x1, 0x2, 0x4, 0x8
MPB, GUARD, LARGE, HUGE, WRITE_COMBINING, VTD_SNOOP = 0x10, 0x20, 0x40, 0x80, 0x100, 0x800

FLAGS = {
    "READ": READ,
    "WRITE": WRITE,
    "EXECUTE": EXECUTE,
    "NOCACHE": NOCACHE,
    "MPB": MPB,
    "GUARD": GUARD,
    "LARGE": LARGE,
    "HUGE": HUGE,
    "WRITE_COMBINING": WRITE_COMBINING,
    "VTD_SNOOP": VTD_SNOOP,
}
"""Each flag's number, by its name."""

READ_WRITE = READ | WRITE | VTD_SNOOP
"""What the frames behind the pmap's own slab are mapped with."""

KERNEL_BITS = READ | WRITE | EXECUTE | NOCACHE
TABLE_FLAGS = READ | WRITE
"""The kernel's flags of a table that is put into the table above it."""

SIZES = LARGE | HUGE
"""The flags that ask for a size of page."""

_DROPPED = MPB | WRITE_COMBINING | VTD_SNOOP
_KNOWN = KERNEL_BITS | SIZES | _DROPPED | GUARD


def remembered(flags: int) -> int:
    """The flags that a leaf of the shadow tree keeps: all but those that ask for a size.

    >>> hex(remembered(READ | LARGE | VTD_SNOOP))
    '0x801'
    """
    return flags & ~SIZES


def kernel_flags(flags: int) -> int:
    """What the kernel is given: its four bits; a guard may do nothing.

    Raises :class:`Refused` for bits that are no flag.

    >>> kernel_flags(READ_WRITE | LARGE), kernel_flags(READ | GUARD)
    (3, 0)
    """
    unknown = flags & ~_KNOWN
    if flags < 0 or unknown:
        raise Refused(f"flags {flags:#x}: bits {unknown:#x} are no flags of a region; known are {', '.join(FLAGS)}")
    return 0 if flags & GUARD else flags & KERNEL_BITS


def flag_names(flags: int) -> tuple[str, ...]:
    """The names of the flags in a number.

    >>> flag_names(0x803)
    ('READ', 'WRITE', 'VTD_SNOOP')
    """
    return tuple(name for name, bit in FLAGS.items() if flags & bit)
