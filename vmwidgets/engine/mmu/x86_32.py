"""x86 with 32-bit paging: 4-byte descriptors, pages of 4 KiB and 4 MiB.

Intel SDM volume 3A, 4.3.  A 4 MiB page can lie above 4 GiB (PSE-36); nothing else can.
"""

from __future__ import annotations

from ..base.walk_values import Field, Rights
from .controls import X86Controls
from .format import AddressBits, Descriptor, Level, TableFormat
from .rules import Start, bits
from .x86 import EXECUTE_DISABLE, PAGE_SIZE, X86Rules
from .x86_entries import COMMON, PAT, PAT_LARGE, PS, D, G, absent, large, page, table

SECTION = "Intel SDM 3A, 4.3"


class X86Rules32(X86Rules):
    """All addresses are canonical, XD does not exist, and only 4 MiB pages have reserved bits."""

    def start(self, level: Level, root: int, va: int, controls: X86Controls) -> Start:
        """Any address of 32 bits is walked."""
        return Start(root, level)

    def start_shift(self, controls: X86Controls) -> int:
        """No bit decides."""
        return 32

    def read_as(self, level: Level, word: int, controls: X86Controls) -> Descriptor:
        """SDM 4.3: without CR4.PSE bit 7 of a PDE is ignored, and it refers to a table."""
        return level.read_as(word if controls.pse or level is PT else word & ~PAGE_SIZE)

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """R/W, U/S, and G in a leaf; fetches can't be forbidden."""
        return super().encode(descriptor, rights, shared) & ~EXECUTE_DISABLE

    def rights_bits(self, descriptor: Descriptor) -> int:
        """R/W and U/S."""
        return super().rights_bits(descriptor) & ~EXECUTE_DISABLE

    def tells_fetches(self, controls: X86Controls) -> bool:
        """SDM 4.7: NXE counts with CR4.PAE only."""
        return controls.smep

    def reserved(self, level: Level, descriptor: Descriptor, controls: X86Controls) -> int:
        """SDM 4.3: bit 21 of a 4 MiB page, and those of bits 20:13 whose address bits the processor does not have."""
        if descriptor is not _LARGE:
            return 0
        return descriptor.reserved | bits(20, 13 + max(0, min(controls.maxphyaddr, 40) - 32))


_LARGE = large(
    "PDE",
    "4 MiB",
    SECTION,
    (AddressBits(22, 31, 22), AddressBits(13, 20, 32)),
    (
        *COMMON,
        D,
        PS,
        G,
        PAT_LARGE,
        Field("address high", 13, 20, "bits 39:32 of the page's address"),
        Field("address", 22, 31, "bits 31:22 of the page's address"),
    ),
    1 << 21,
)
_TABLE = table("PDE", "PT", SECTION, (*COMMON, PS, Field("address", 12, 31, "bits 31:12 of the PT's address")), 31)
_PAGE = page(SECTION, (*COMMON, D, PAT, G, Field("address", 12, 31, "bits 31:12 of the page's address")), 31)

PD = Level(2, "PDE", "PD", 22, 10, (absent("PDE", SECTION), _LARGE, _TABLE))
PT = Level(1, "PTE", "PT", 12, 10, (absent("PTE", SECTION), _PAGE))

X86_32: TableFormat[X86Controls] = TableFormat(
    name="x86",
    entry_width=4,
    levels=(PD, PT),
    va_bits=32,
    sign_extended=False,
    word_bits=32,
    base_register="CR3",
    rules=X86Rules32(32),
    defaults=X86Controls(nxe=False),
)
"""Two levels of 4 KiB tables."""
