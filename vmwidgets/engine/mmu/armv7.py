"""ARMv7-A short descriptors: pages of 4 KiB and 64 KiB, sections of 1 MiB, supersections of 16 MiB.

ARM DDI 0406C, B3.5.1.  A large page and a supersection stand in 16 neighbouring slots each, on a
16-slot border.  First-level table: 16 KiB; second-level table: 1 KiB.
"""

from __future__ import annotations

from ..base.walk_values import Field
from .armv7_rules import Armv7Rules
from .controls import Armv7Controls
from .format import AddressBits, Descriptor, Level, TableFormat

SECTION = "ARM DDI 0406C, B3.5.1"

_TYPE = Field("type", 0, 1, "00 nothing, 01 a second-level table, 1x a section or supersection")
_TYPE_2 = Field("type", 0, 1, "00 nothing, 01 a large page, 1x a small page")
_DOMAIN = Field("domain", 5, 8, "which two bits of DACR apply")
_NS = "0: in secure memory, for secure accesses"
_C, _B = Field("C", 3, 3, "cacheable, with TEX and B"), Field("B", 2, 2, "bufferable, with TEX and C")


def _upper(low: int, name: str, meaning: str, width: int = 1) -> Field:
    return Field(name, low, low + width - 1, meaning)


_LARGE_FIELDS = (
    _TYPE,
    _upper(0, "PXN", "1: the supervisor may fetch nothing from here"),
    _B,
    _C,
    _upper(4, "XN", "1: nothing may be fetched from here"),
    _upper(10, "AP", "access permissions, bits 1:0", 2),
    _upper(12, "TEX", "memory type, with C and B", 3),
    _upper(15, "AP[2]", "access permissions, bit 2: 1 forbids writes"),
    _upper(16, "S", "shareable"),
    _upper(17, "nG", "1: for this address space (ASID) only"),
    _upper(18, "type[18]", "0 a section, 1 a supersection"),
    _upper(19, "NS", _NS),
)


def _page_fields(xn: int, tex: int) -> tuple[Field, ...]:
    return (
        _TYPE_2,
        _B,
        _C,
        _upper(4, "AP", "access permissions, bits 1:0", 2),
        _upper(9, "AP[2]", "access permissions, bit 2: 1 forbids writes"),
        _upper(10, "S", "shareable"),
        _upper(11, "nG", "1: for this address space (ASID) only"),
        _upper(tex, "TEX", "memory type, with C and B", 3),
        _upper(xn, "XN", "1: nothing may be fetched from here"),
    )


_FAULT = Descriptor("first-level descriptor of nothing", "invalid", 0b11, 0b00, SECTION, (), (_TYPE,))
_TABLE = Descriptor(
    "first-level descriptor of a second-level table",
    "table",
    0b11,
    0b01,
    SECTION,
    (AddressBits(10, 31, 10),),
    (
        _TYPE,
        _upper(2, "PXN", "1: the supervisor may fetch nothing from its pages"),
        _upper(3, "NS", _NS),
        _DOMAIN,
        Field("address", 10, 31, "bits 31:10 of the second-level table's address"),
    ),
)
_SECTION = Descriptor(
    "first-level descriptor of a 1 MiB section",
    "leaf",
    0x4_0002,
    0x0_0002,
    SECTION,
    (AddressBits(20, 31, 20),),
    (*_LARGE_FIELDS, _DOMAIN, Field("address", 20, 31, "bits 31:20 of the section's address")),
)
_SUPERSECTION = Descriptor(
    "first-level descriptor of a 16 MiB supersection",
    "leaf",
    0x4_0002,
    0x4_0002,
    SECTION,
    (AddressBits(24, 31, 24), AddressBits(20, 23, 32), AddressBits(5, 8, 36)),
    (
        *_LARGE_FIELDS,
        Field("address[39:36]", 5, 8, "bits 39:36 of the supersection's address"),
        Field("address[35:32]", 20, 23, "bits 35:32 of the supersection's address"),
        Field("address", 24, 31, "bits 31:24 of the supersection's address"),
    ),
    shift=24,
)
_NO_PAGE = Descriptor("second-level descriptor of nothing", "invalid", 0b11, 0b00, SECTION, (), (_TYPE_2,))
_SMALL_PAGE = Descriptor(
    "second-level descriptor of a 4 KiB page",
    "leaf",
    0b10,
    0b10,
    SECTION,
    (AddressBits(12, 31, 12),),
    (*_page_fields(0, 6), Field("address", 12, 31, "bits 31:12 of the page's address")),
)
_LARGE_PAGE = Descriptor(
    "second-level descriptor of a 64 KiB page",
    "leaf",
    0b11,
    0b01,
    SECTION,
    (AddressBits(16, 31, 16),),
    (*_page_fields(15, 12), Field("address", 16, 31, "bits 31:16 of the page's address")),
    shift=16,
)

FIRST = Level(2, "first-level descriptor", "first-level table", 20, 12, (_FAULT, _TABLE, _SECTION, _SUPERSECTION))
SECOND = Level(1, "second-level descriptor", "second-level table", 12, 8, (_NO_PAGE, _SMALL_PAGE, _LARGE_PAGE))

ARMV7: TableFormat[Armv7Controls] = TableFormat(
    name="armv7",
    entry_width=4,
    levels=(FIRST, SECOND),
    va_bits=32,
    sign_extended=False,
    word_bits=32,
    base_register="TTBR0",
    rules=Armv7Rules(),
    defaults=Armv7Controls(),
)
"""Two levels."""
