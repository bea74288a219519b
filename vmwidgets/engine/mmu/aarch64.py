"""AArch64 stage 1 of EL1&0 with the 4 KiB granule: pages of 4 KiB, blocks of 2 MiB and 1 GiB, 48-bit addresses.

ARM DDI 0487, D5.3 (D8.3 from issue H).  The manual counts levels from the root, 0 to 3; so do the names here.
"""

from __future__ import annotations

from ..base.walk_values import Field
from .aarch64_rules import Aarch64Rules
from .controls import Aarch64Controls
from .format import AddressBits, Descriptor, Level, TableFormat

SECTION = "ARM DDI 0487, D5.3.1"
LAST = "ARM DDI 0487, D5.3.2"

_VALID = Field("valid", 0, 0, "0: nothing is mapped here")
_TYPE = Field("type", 1, 1, "1: a table, or a page at level 3; 0: a block")


def _attributes(low: int) -> tuple[Field, ...]:
    return (
        _VALID,
        _TYPE,
        Field("AttrIndx", 2, 4, "memory type, by its number in MAIR_EL1"),
        Field("NS", 5, 5, "1: in non-secure memory, for secure accesses"),
        Field("AP", 6, 7, "AP[2:1]: bit 7 forbids writes, bit 6 lets user code in"),
        Field("SH", 8, 9, "shareability: 0 none, 2 outer, 3 inner"),
        Field("AF", 10, 10, "access flag: the page has been used"),
        Field("nG", 11, 11, "1: for this address space (ASID) only"),
        Field("address", low, 47, f"bits 47:{low} of the address"),
        Field("DBM", 51, 51, "dirty bit modifier"),
        Field("contiguous", 52, 52, "hint: one of 16 that one TLB entry can hold"),
        Field("PXN", 53, 53, "1: the supervisor may fetch nothing from here"),
        Field("UXN", 54, 54, "1: user code may fetch nothing from here"),
        Field("software", 55, 58, "free for the kernel"),
    )


def _nothing(level: int) -> Descriptor:
    return Descriptor(f"level {level} descriptor of nothing", "invalid", 0b01, 0, SECTION, (), (_VALID,))


def _no_block(level: int, section: str) -> Descriptor:
    name = f"level {level} descriptor of a block, which level {level} can't hold"
    return Descriptor(name, "invalid", 0b11, 0b01, section, (), (_VALID, _TYPE))


def _table(level: int) -> Descriptor:
    fields = (
        _VALID,
        _TYPE,
        Field("address", 12, 47, f"bits 47:12 of the level {level + 1} table's address"),
        Field("PXNTable", 59, 59, "1: the supervisor may fetch nothing from all below"),
        Field("UXNTable", 60, 60, "1: user code may fetch nothing from all below"),
        Field("APTable", 61, 62, "bit 62 forbids writes to all below, bit 61 keeps user code out"),
        Field("NSTable", 63, 63, "1: all below is non-secure, for secure accesses"),
    )
    place = (AddressBits(12, 47, 12),)
    return Descriptor(
        f"level {level} descriptor of a level {level + 1} table", "table", 0b11, 0b11, SECTION, place, fields
    )


def _block(level: int, size: str, low: int) -> Descriptor:
    place = (AddressBits(low, 47, low),)
    return Descriptor(
        f"level {level} descriptor of a {size} block", "leaf", 0b11, 0b01, SECTION, place, _attributes(low)
    )


def _level(number: int, shift: int, *descriptors: Descriptor) -> Level:
    """The manual's level `number`."""
    return Level(4 - number, f"level {number} descriptor", f"level {number} table", shift, 9, descriptors)


_PAGE = Descriptor(
    "level 3 descriptor of a 4 KiB page", "leaf", 0b11, 0b11, LAST, (AddressBits(12, 47, 12),), _attributes(12)
)

LEVEL_0 = _level(0, 39, _nothing(0), _no_block(0, SECTION), _table(0))
LEVEL_1 = _level(1, 30, _nothing(1), _block(1, "1 GiB", 30), _table(1))
LEVEL_2 = _level(2, 21, _nothing(2), _block(2, "2 MiB", 21), _table(2))
LEVEL_3 = _level(3, 12, _nothing(3), _no_block(3, LAST), _PAGE)

AARCH64: TableFormat[Aarch64Controls] = TableFormat(
    name="aarch64",
    entry_width=8,
    levels=(LEVEL_0, LEVEL_1, LEVEL_2, LEVEL_3),
    va_bits=48,
    sign_extended=False,
    word_bits=64,
    base_register="TTBR0_EL1",
    rules=Aarch64Rules(),
    defaults=Aarch64Controls(),
)
"""Four levels a half."""
