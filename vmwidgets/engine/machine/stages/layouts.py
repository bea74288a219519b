"""Layouts of the address space: X15's real layouts as data, and small layouts to learn with."""

from __future__ import annotations

from typing import Any

from ...base.frozen import frozen
from ...base.units import KIB, MIB
from ...kernel.x15.kentry import AREA_BYTES
from ...mmu.format import TableFormat
from ...mmu.formats.x86 import X86_64


@frozen
class KmemSizes:
    """The sizes of FreeBSD's kernel maps in bytes: the whole, the part that its boot used, and the submaps.

    clean_map holds buffer_map and pager_map.  The range begins at a multiple of `align` in X15's kernel map.
    """

    whole: int
    align: int
    boot: int
    kmem_map: int
    buffer_map: int
    pager_map: int
    exec_map: int
    pipe_map: int


SMALL_KMEM = KmemSizes(24 * MIB, 2 * MIB, MIB, 8 * MIB, 2 * MIB, MIB, MIB, 512 * KIB)
TINY_KMEM = KmemSizes(MIB, MIB, 64 * KIB, 256 * KIB, 64 * KIB, 32 * KIB, 64 * KIB, 32 * KIB)
REAL_KMEM = KmemSizes(128 * MIB, 2 * MIB, 2 * MIB, 96 * MIB, 8 * MIB, 4 * MIB, 4 * MIB, 2 * MIB)
"""Sizes for the real layouts.

In the real system, the sizes depend on the amount of memory; these sizes have room for 10⁴ live allocations with holes
between them.
"""


@frozen
class Layout:
    """The limits of the user and kernel maps and of the page-table window; all in bytes, ends exclusive.

    `bits` is the word width of the kernel that has this layout: it sets the size of an entry and of a pointer. `window`
    is the place of the current space's tables (None if there is no window on these tables).
    """

    name: str
    bits: int
    user_start: int
    user_end: int
    kernel_start: int
    kernel_end: int
    window: tuple[int, int] | None
    kentry_bytes: int
    page_descriptor: int
    """The bytes of a physical page's descriptor (X15 `vm_page`)."""
    about: str
    kmem: KmemSizes = REAL_KMEM


_SELF_MAP = X86_64.kernel_place.recursive

_REAL = {
    layout.name: layout
    for layout in (
        Layout(
            "x15-64", 64, 0, 0x8000_0000_0000, 0xFFFF_8080_0000_0000, 0xFFFF_FFFF_8000_0000, _SELF_MAP, AREA_BYTES, 48,
            "X15 on x86-64",
        ),
        Layout(
            "x15-32", 32, 0, 0xC000_0000, 0xC040_0000, 0xFC00_0000, None, AREA_BYTES, 28,
            "X15 on x86, two levels of tables",
        ),
        Layout(
            "x15-pae", 32, 0, 0xC000_0000, 0xC080_0000, 0xFC00_0000, None, AREA_BYTES, 32,
            "X15 on x86 with PAE",
        ),
    )
}  # fmt: skip  # one block per layout, read as a table
"""The real layouts by name.  Limits: X15 `machine/param.h` of 2013."""

_ORIGINALS = {
    "x86": ("x15-32",),
    "x86-pae": ("x15-pae", "x15-32"),
    "x86-64": ("x15-64", "x15-32", "x15-pae"),
}
"""The real layouts that a machine can boot, by its table format; X15 runs on x86 only."""


def layouts_of(fmt: TableFormat[Any]) -> dict[str, Layout]:
    """Return the layouts that a machine with tables of this format can boot, by name."""
    small = _layout(fmt, "small", 64 * MIB, 512 * KIB, "a kernel map of 64 MiB, small enough to see whole", SMALL_KMEM)
    tiny = _layout(
        fmt, "tiny", 4 * MIB, 8 * KIB, "a kernel map of 4 MiB with room for 100 entries, to run out of both", TINY_KMEM
    )
    return {"small": small, "tiny": tiny, **{name: _REAL[name] for name in _ORIGINALS.get(fmt.name, ())}}


def _layout(
    fmt: TableFormat[Any], name: str, kernel_bytes: int, kentry_bytes: int, about: str, kmem: KmemSizes
) -> Layout:
    place = fmt.kernel_place
    descriptor = 48 if fmt.word_bits == 64 else 28 if fmt.physical_bits == 32 else 32
    limits = (0, place.user_end, place.kernel_start, place.kernel_start + kernel_bytes)
    return Layout(name, fmt.word_bits, *limits, place.recursive, kentry_bytes, descriptor, about, kmem)


LAYOUTS = layouts_of(X86_64)
"""The layouts of x86-64, by name; machines with other tables also have "small" and "tiny", with other limits."""
