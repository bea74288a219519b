"""x86-64 with four levels of tables: 48-bit addresses, pages of 4 KiB, 2 MiB and 1 GiB.

Intel SDM volume 3A, 4.5.  All bit ranges are the manual's.
"""

from __future__ import annotations

from ..base.walk_values import Field
from .controls import X86Controls
from .format import AddressBits, Descriptor, Level, TableFormat
from .x86 import PAGE_SIZE, PRESENT, X86Rules

SECTION = "Intel SDM 3A, 4.5"

_P = Field("P", 0, 0, "present: the descriptor is in use")
_RW = Field("R/W", 1, 1, "0: what it covers may not be written")
_US = Field("U/S", 2, 2, "0: user code may not touch what it covers")
_PWT = Field("PWT", 3, 3, "write-through caching")
_PCD = Field("PCD", 4, 4, "caching off")
_A = Field("A", 5, 5, "the processor has used it")
_D = Field("D", 6, 6, "the processor has written to the page")
_PS = Field("PS", 7, 7, "1: it maps a page; 0: it refers to a table")
_G = Field("G", 8, 8, "global: the translation stays when CR3 is written")
_PK = Field("PK", 59, 62, "protection key, when CR4.PKE or CR4.PKS is set")
_XD = Field("XD", 63, 63, "1: nothing may be fetched from what it covers (with EFER.NXE)")
_COMMON = (_P, _RW, _US, _PWT, _PCD, _A)


def _bits(high: int, low: int) -> int:
    return (1 << high + 1) - (1 << low)


def _absent(name: str) -> Descriptor:
    return Descriptor(f"{name} that is not present", "invalid", PRESENT, 0, SECTION, (), (_P,))


def _table(name: str, target: str, reserved: int = 0) -> Descriptor:
    fields = (*_COMMON, _PS, Field("address", 12, 51, f"bits 51:12 of the {target}'s address"), _XD)
    return Descriptor(
        f"{name} of a {target}", "table", PRESENT, PRESENT, SECTION, (AddressBits(12, 51, 12),), fields, reserved
    )


def _large(name: str, size: str, shift: int) -> Descriptor:
    address = Field("address", shift, 51, f"bits 51:{shift} of the page's address")
    fields = (*_COMMON, _D, _PS, _G, Field("PAT", 12, 12, "memory type"), address, _PK, _XD)
    kind = PRESENT | PAGE_SIZE
    bits = (AddressBits(shift, 51, shift),)
    return Descriptor(f"{name} of a {size} page", "leaf", kind, kind, SECTION, bits, fields, _bits(shift - 1, 13))


def _page() -> Descriptor:
    address = Field("address", 12, 51, "bits 51:12 of the page's address")
    fields = (*_COMMON, _D, Field("PAT", 7, 7, "memory type"), _G, address, _PK, _XD)
    return Descriptor("PTE of a 4 KiB page", "leaf", PRESENT, PRESENT, SECTION, (AddressBits(12, 51, 12),), fields)


PML4 = Level(4, "PML4E", "PML4", 39, 9, (_absent("PML4E"), _table("PML4E", "PDPT", PAGE_SIZE)))
PDPT = Level(3, "PDPTE", "PDPT", 30, 9, (_absent("PDPTE"), _large("PDPTE", "1 GiB", 30), _table("PDPTE", "PD")))
PD = Level(2, "PDE", "PD", 21, 9, (_absent("PDE"), _large("PDE", "2 MiB", 21), _table("PDE", "PT")))
PT = Level(1, "PTE", "PT", 12, 9, (_absent("PTE"), _page()))

X86_64: TableFormat[X86Controls] = TableFormat(
    name="x86-64",
    entry_width=8,
    levels=(PML4, PDPT, PD, PT),
    va_bits=48,
    sign_extended=True,
    word_bits=64,
    base_register="CR3",
    rules=X86Rules(48),
    defaults=X86Controls(),
)
"""The format, as the walker and the editor take it."""
