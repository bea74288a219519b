"""RISC-V Sv39: 39-bit addresses, pages of 4 KiB, superpages of 2 MiB (megapages) and 1 GiB (gigapages).

RISC-V Privileged Architecture 20211203, 4.4.  The specification counts levels to 0 at the smallest pages; so do the
names here.  Svnapot and Svpbmt are not there: bits 63:61 are reserved.
"""

from __future__ import annotations

from ..base.walk_values import Field
from .controls import RiscvControls
from .format import AddressBits, Descriptor, Level, TableFormat
from .riscv_rules import A, D, RiscvRules, U
from .rules import bits

SECTION = "RISC-V Privileged 20211203, 4.4.1"

_V = Field("V", 0, 0, "valid: the descriptor is in use")
_FIELDS = (
    _V,
    Field("R", 1, 1, "readable; R, W and X all 0: it refers to a table"),
    Field("W", 2, 2, "writable"),
    Field("X", 3, 3, "executable"),
    Field("U", 4, 4, "1: user code's; 0: the supervisor's"),
    Field("G", 5, 5, "global: in all address spaces"),
    Field("A", 6, 6, "accessed"),
    Field("D", 7, 7, "dirty: written to"),
    Field("RSW", 8, 9, "free for the kernel"),
    Field("N", 63, 63, "reserved without Svnapot"),
    Field("PBMT", 61, 62, "reserved without Svpbmt"),
)
_HIGH = bits(63, 54)


def _invalid() -> Descriptor:
    return Descriptor("PTE that is not valid", "invalid", 0b0001, 0, SECTION, (), (_V,))


def _write_only() -> Descriptor:
    return Descriptor("PTE with W and without R, which is reserved", "reserved", 0b0111, 0b0101, SECTION, (), _FIELDS)


def _leaf(name: str, shift: int) -> Descriptor:
    place = (AddressBits(shift - 2, 53, shift),)
    address = Field("address", shift - 2, 53, f"bits 55:{shift} of the page's address")
    return Descriptor(f"PTE of a {name}", "leaf", 0b0001, 0b0001, SECTION, place, (*_FIELDS, address), _HIGH)


def _upper(number: int, shift: int, name: str) -> Level:
    """The specification's level `number`, above 0."""
    address = Field("address", 10, 53, f"bits 55:12 of the level {number - 1} table's address")
    place = (AddressBits(10, 53, 12),)
    fields = (*_FIELDS, address)
    pointer = Descriptor("PTE of a table", "table", 0b1111, 0b0001, SECTION, place, fields, _HIGH | A | D | U)
    descriptors = (_invalid(), _write_only(), pointer, _leaf(name, shift))
    return Level(number + 1, f"level {number} PTE", f"level {number} table", shift, 9, descriptors)


_NO_POINTER = Descriptor("PTE of a table, where no table can follow", "reserved", 0b1111, 0b0001, SECTION, (), _FIELDS)

LEVEL_2 = _upper(2, 30, "1 GiB gigapage")
LEVEL_1 = _upper(1, 21, "2 MiB megapage")
LEVEL_0 = Level(
    1, "level 0 PTE", "level 0 table", 12, 9, (_invalid(), _write_only(), _NO_POINTER, _leaf("4 KiB page", 12))
)

SV39: TableFormat[RiscvControls] = TableFormat(
    name="riscv-sv39",
    entry_width=8,
    levels=(LEVEL_2, LEVEL_1, LEVEL_0),
    va_bits=39,
    sign_extended=True,
    word_bits=64,
    base_register="root in satp",
    rules=RiscvRules(),
    defaults=RiscvControls(),
)
"""Three levels."""
