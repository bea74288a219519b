"""x86-64 with four and with five levels of tables: pages of 4 KiB, 2 MiB and 1 GiB.

Intel SDM volume 3A, 4.5.  All bit ranges are the manual's.
"""

from __future__ import annotations

from .controls import X86Controls
from .format import Level, TableFormat
from .x86 import PAGE_SIZE, X86Rules
from .x86_entries import Entries

_ENTRIES = Entries("Intel SDM 3A, 4.5", keys=True)
_absent, _table, _large = _ENTRIES.absent, _ENTRIES.table, _ENTRIES.large

PML5 = Level(5, "PML5E", "PML5", 48, 9, (_absent("PML5E"), _table("PML5E", "PML4", PAGE_SIZE)))
PML4 = Level(4, "PML4E", "PML4", 39, 9, (_absent("PML4E"), _table("PML4E", "PDPT", PAGE_SIZE)))
PDPT = Level(3, "PDPTE", "PDPT", 30, 9, (_absent("PDPTE"), _large("PDPTE", "1 GiB", 30), _table("PDPTE", "PD")))
PD = Level(2, "PDE", "PD", 21, 9, (_absent("PDE"), _large("PDE", "2 MiB", 21), _table("PDE", "PT")))
PT = Level(1, "PTE", "PT", 12, 9, (_absent("PTE"), _ENTRIES.page()))

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
"""Four levels, 48-bit addresses."""

X86_64_LA57: TableFormat[X86Controls] = TableFormat(
    name="x86-64-la57",
    entry_width=8,
    levels=(PML5, PML4, PDPT, PD, PT),
    va_bits=57,
    sign_extended=True,
    word_bits=64,
    base_register="CR3",
    rules=X86Rules(57),
    defaults=X86Controls(),
)
"""Five levels (CR4.LA57), 57-bit addresses; the PML5E has the PML4E's layout and checks."""
