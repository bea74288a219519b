"""Where things lie in the address space: X15's real layouts as data, and small ones to learn with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..base.units import KIB, MIB, PAGE
from ..kernel.x15.kmem import AREA_BYTES
from ..mmu.format import TableFormat


@dataclass(frozen=True, slots=True)
class KmemSizes:
    """Bytes of FreeBSD's kernel maps: of the whole, of what its boot used, and of the submaps.

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
"""In the real system the sizes follow from the memory there is; these hold 10⁴ live allocations with holes between."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Limits of the user and kernel maps and of the page-table window; all in bytes, ends exclusive.

    `bits` is the word width of the kernel that has this layout: it sets the size of an entry and of a pointer.
    `window` is where the tables of the current space appear (None: no window on these tables).
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
    """Bytes of a physical page's descriptor (X15 `vm_page`)."""
    about: str
    kmem: KmemSizes = REAL_KMEM


@dataclass(frozen=True, slots=True)
class Architecture:
    """A machine by name: its table format bears the same one.

    `user_end` and `kernel_start` are where the users' half ends and the kernel map begins in its own layouts,
    `window` is the root slot where tables appear, `split` says that each half has a base register of its own;
    `layouts` are other layouts that it can boot, by name, and `settings` what its processor starts with.
    """

    name: str
    bits: int
    user_end: int
    kernel_start: int
    window: tuple[int, int] | None = None
    split: bool = False
    page_descriptor: int = 48
    layouts: tuple[str, ...] = ()
    settings: tuple[tuple[str, Any], ...] = ()

    def layout(self, name: str, kernel_bytes: int, kentry_bytes: int, about: str, kmem: KmemSizes) -> Layout:
        """A layout of this architecture."""
        start = self.kernel_start
        limits = (0, self.user_end, start, start + kernel_bytes)
        return Layout(name, self.bits, *limits, self.window, kentry_bytes, self.page_descriptor, about, kmem)


_WINDOW_64 = (0xFFFF_8000_0000_0000, 0x80_0000_0000)

ARCHITECTURES = {
    one.name: one
    for one in (
        Architecture("x86", 32, 0xC000_0000, 0xC040_0000, None, False, 28, ("x15-32",)),
        Architecture("x86-pae", 32, 0xC000_0000, 0xC080_0000, None, False, 32, ("x15-pae", "x15-32")),
        Architecture(
            "x86-64", 64, 0x8000_0000_0000, 0xFFFF_8080_0000_0000, _WINDOW_64,
            layouts=("x15-64", "x15-32", "x15-pae"),
        ),
        Architecture("x86-64-la57", 64, 1 << 56, 0xFF80_0000_0000_0000),
        Architecture("armv7", 32, 0xC000_0000, 0xC040_0000, None, False, 28, settings=(("afe", True),)),
        Architecture("aarch64", 64, 1 << 48, 0xFFFF_0000_0000_0000, None, True),
        Architecture("riscv-sv39", 64, 1 << 38, 0xFFFF_FFC0_0000_0000),
    )
}  # fmt: skip  # one architecture a block reads as a table
"""What can be booted.  Where the kernel lies is a choice, as Linux makes it on most of them."""


def layouts_of(architecture: Architecture) -> dict[str, Layout]:
    """The layouts that an architecture can boot, by name."""
    small = architecture.layout(
        "small", 64 * MIB, 512 * KIB, "a kernel map of 64 MiB, small enough to see whole", SMALL_KMEM
    )
    tiny = architecture.layout(
        "tiny", 4 * MIB, 8 * KIB, "a kernel map of 4 MiB with room for 100 entries, to run out of both", TINY_KMEM
    )
    return {"small": small, "tiny": tiny, **{name: _REAL[name] for name in architecture.layouts}}


_REAL = {
    layout.name: layout
    for layout in (
        Layout(
            "x15-64", 64, 0, 0x8000_0000_0000, 0xFFFF_8080_0000_0000, 0xFFFF_FFFF_8000_0000, _WINDOW_64, AREA_BYTES, 48,
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
}  # fmt: skip  # one layout a block reads as a table
"""By name.  Limits: X15 `machine/param.h` of 2013, as the facts tell them."""

LAYOUTS = layouts_of(ARCHITECTURES["x86-64"])
"""Those of x86-64, by name; other architectures have "small" and "tiny" too, with limits of their own."""


def physical_bits(fmt: TableFormat[Any]) -> int:
    """Bits of the physical address of a page of 4 KiB.

    >>> from vmwidgets.engine.mmu.formats import FORMATS
    >>> physical_bits(FORMATS["x86"]), physical_bits(FORMATS["riscv-sv39"])
    (32, 56)
    """
    level, leaf = fmt.leaf(PAGE) or (None, None)
    assert level is not None and leaf is not None, "every format has pages of 4 KiB"
    return max(bits.to + bits.high - bits.low + 1 for bits in leaf.address)
