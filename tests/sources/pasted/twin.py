"""The page table that the texts in tests/data/pasted print, as bits in RAM."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.riscv import SV39
from vmwidgets.engine.mmu.tables import PageTables

WORDS = {
    0x87F5_E000: 0x21FD_6801, 0x87F5_A000: 0x21FD_6401, 0x87F5_9000: 0x21FD_6C5B, 0x87F5_9008: 0x21FD_6007,
    0x87F5_9010: 0x21FD_5CD7, 0x87F5_E7F8: 0x21FD_7401, 0x87F5_DFF8: 0x21FD_7001, 0x87F5_CFF0: 0x21FD_98C7,
    0x87F5_CFF8: 0x2000_1C4B,
}  # fmt: skip
"""The descriptors of the table that the texts print, each where it lies in memory."""


def in_ram() -> PageTables[Any]:
    """Nothing else is in this RAM, so the package's own walker says what the texts must say."""
    ram = Ram(1 << 32)
    for pa, word in WORDS.items():
        ram.write_word(pa, 8, word)
    return PageTables("in RAM", ram, SV39, 0x87F5_E000)
