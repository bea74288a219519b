"""x86 with physical address extension: 32-bit addresses, 8-byte descriptors, pages of 4 KiB and 2 MiB.

Intel SDM volume 3A, 4.4.  Real processors load the four PDPTEs when CR3 is written (4.4.1), and raise #GP there if a
present one has reserved bits; here, as in emulators, they are read at each walk, and that is a page fault.
"""

from __future__ import annotations

from ..base.walk_values import Field, Rights
from .controls import X86Controls
from .format import AddressBits, Descriptor, Level, TableFormat
from .rules import Start, bits
from .x86 import PRESENT, X86Rules
from .x86_entries import PCD, PWT, Entries, P

SECTION = "Intel SDM 3A, 4.4.1"


class PaeRules(X86Rules):
    """All addresses are canonical; a PDPTE has no rights and no flags that the processor sets."""

    def start(self, level: Level, root: int, va: int, controls: X86Controls) -> Start:
        """Any address of 32 bits is walked."""
        return Start(root, level)

    def start_shift(self, controls: X86Controls) -> int:
        """No bit decides."""
        return 32

    def gather(self, rights: Rights, descriptor: Descriptor, word: int, controls: X86Controls) -> Rights:
        """SDM 4.6: rights are in PDEs and PTEs."""
        return rights if descriptor is _PDPTE else super().gather(rights, descriptor, word, controls)

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """Where a PDPTE would have rights, it has reserved bits."""
        return 0 if descriptor is _PDPTE else super().encode(descriptor, rights, shared)

    def rights_bits(self, descriptor: Descriptor) -> int:
        """None in a PDPTE."""
        return 0 if descriptor is _PDPTE else super().rights_bits(descriptor)

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """A PDPTE lets everything pass."""
        return Rights() if descriptor is _PDPTE else super().rights_of(descriptor, word)

    def accessed(self, descriptor: Descriptor, write: bool, controls: X86Controls) -> int:
        """SDM 4.8: a PDPTE of PAE has no accessed flag."""
        return 0 if descriptor is _PDPTE else super().accessed(descriptor, write, controls)


_ENTRIES = Entries("Intel SDM 3A, 4.4.2", keys=False)
_PDPTE = Descriptor(
    "PDPTE of a PD",
    "table",
    PRESENT,
    PRESENT,
    SECTION,
    (AddressBits(12, 51, 12),),
    (P, PWT, PCD, Field("address", 12, 51, "bits 51:12 of the PD's address")),
    bits(2, 1) | bits(8, 5) | bits(63, 52),
)
_absent = _ENTRIES.absent

PDPT = Level(3, "PDPTE", "PDPT", 30, 2, (_absent("PDPTE"), _PDPTE))
PD = Level(2, "PDE", "PD", 21, 9, (_absent("PDE"), _ENTRIES.large("PDE", "2 MiB", 21), _ENTRIES.table("PDE", "PT")))
PT = Level(1, "PTE", "PT", 12, 9, (_absent("PTE"), _ENTRIES.page()))

X86_PAE: TableFormat[X86Controls] = TableFormat(
    name="x86-pae",
    entry_width=8,
    levels=(PDPT, PD, PT),
    va_bits=32,
    sign_extended=False,
    word_bits=32,
    base_register="CR3",
    rules=PaeRules(32, highest=62),
    defaults=X86Controls(),
)
"""Three levels; the root has four descriptors, 32 bytes."""
