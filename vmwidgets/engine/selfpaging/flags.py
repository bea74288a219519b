"""Flags of a program's mappings: their numbers, those passed to the kernel, and ranges in which they differ.

The numbers are those of Barrelfish's `VREGION_FLAGS_*`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..base.errors import Refused

READ, WRITE, EXECUTE, NOCACHE = 0x1, 0x2, 0x4, 0x8
MPB, GUARD, LARGE, HUGE, WRITE_COMBINING, VTD_SNOOP = 0x10, 0x20, 0x40, 0x80, 0x100, 0x800

VREGION_FLAGS = {
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
"""Each flag's number, by name."""

READ_WRITE = READ | WRITE | VTD_SNOOP
"""The flags with which the frames of the pmap's own slab are mapped."""
TABLE_FLAGS = READ | WRITE
"""The kernel's flags for a table that is put into the table above it."""
SIZES = LARGE | HUGE
"""The flags that request a page size."""

_KERNELS = READ | WRITE | EXECUTE | NOCACHE
_KNOWN = sum(VREGION_FLAGS.values())


def remembered(flags: int) -> int:
    """The flags that a leaf of the shadow tree keeps: all except those that request a page size.

    >>> hex(remembered(READ | LARGE | VTD_SNOOP))
    '0x801'
    """
    return flags & ~SIZES


def kernel_flags(flags: int) -> int:
    """Return the four flags that the kernel knows; GUARD leaves none.

    Raises :class:`Refused` for bits that are not a flag.

    >>> kernel_flags(READ_WRITE | LARGE), kernel_flags(READ | GUARD)
    (3, 0)
    """
    unknown = flags & ~_KNOWN
    if flags < 0 or unknown:
        raise Refused(
            f"flags {flags:#x}: bits {unknown:#x} are not flags of a region; known are {', '.join(VREGION_FLAGS)}"
        )
    return 0 if flags & GUARD else flags & _KERNELS


def flag_names(flags: int) -> tuple[str, ...]:
    """Return the names of the flags in a number.

    >>> flag_names(0x803)
    ('READ', 'WRITE', 'VTD_SNOOP')
    """
    return tuple(name for name, bit in VREGION_FLAGS.items() if flags & bit)


# ---- runs --------------------------------------------------------------------------------------


class FlagRun(NamedTuple):
    """[start, end) has these flags; in bytes, or in entries of a leaf."""

    start: int
    end: int
    flags: int


def overlay(runs: Iterable[FlagRun], start: int, end: int, flags: int) -> tuple[FlagRun, ...]:
    """Return the runs after [start, end) gets other flags, in order and without overlap.

    >>> [tuple(run) for run in overlay([FlagRun(0, 8, 1)], 2, 5, 3)]
    [(0, 2, 1), (2, 5, 3), (5, 8, 1)]
    """
    result = [FlagRun(start, end, flags)]
    for run in runs:
        if run.start < start:
            result.append(run._replace(end=min(run.end, start)))
        if run.end > end:
            result.append(run._replace(start=max(run.start, end)))
    return tuple(sorted(result))


def runs_over(runs: Iterable[FlagRun], start: int, end: int, otherwise: int) -> list[FlagRun]:
    """Return the runs that make up [start, end), in order; parts outside all `runs` have the flags `otherwise`.

    >>> [tuple(run) for run in runs_over([FlagRun(2, 4, 1)], 1, 3, otherwise=3)]
    [(1, 2, 3), (2, 3, 1)]
    """
    found, at = [], start
    for run in runs:
        first, behind = max(run.start, start), min(run.end, end)
        if first < behind:
            found += [FlagRun(at, first, otherwise)] if at < first else []
            found.append(FlagRun(first, behind, run.flags))
            at = behind
    return [*found, FlagRun(at, end, otherwise)] if at < end else found
