"""The x86 formats: 32-bit paging (4 KiB, 4 MiB), PAE (4 KiB, 2 MiB), four and five levels (4 KiB, 2 MiB, 1 GiB).

Intel SDM volume 3A, 4.3 to 4.5 (formats), 4.6 (access rights), 4.7 (page-fault exceptions) and 4.8 (accessed and dirty
flags); section numbers are those of the editions of 2013 to 2023, and bit ranges are the manual's.

In 32-bit paging, only a 4 MiB page can be above 4 GiB (PSE-36).  Real processors load the four PDPTEs of
PAE when CR3 is written (4.4.1), and raise #GP if reserved bits are set in a present PDPTE; here, as in emulators,
PDPTEs are read at each walk, and reserved bits cause a page fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import ClassVar

from ...base.frozen import frozen
from ...base.units import Address
from ..format import KernelPlace, TableFormat
from ..levels import AddressBits, Descriptor, Level, WalkEntry, bits, in_words
from ..rules import Access, Controls, FaultReport, NumberLimits, Rules, Start, Stop
from ..tables_schema import Field, Permission, Rights

PRESENT, WRITABLE, USER, ACCESSED, DIRTY, GLOBAL = (1 << bit for bit in (0, 1, 2, 5, 6, 8))

PAGE_SIZE = 1 << 7

EXECUTE_DISABLE = 1 << 63

ERROR_CODE = (
    Field("P", 0, 0, "1: every descriptor was present; 0: some descriptor was not"),
    Field("W/R", 1, 1, "the access was a write"),
    Field("U/S", 2, 2, "the access was made by user code"),
    Field("RSVD", 3, 3, "a present descriptor had a reserved bit set"),
    Field("I/D", 4, 4, "the access was an instruction fetch (reported with NXE or SMEP only)"),
)
"""The error code of a page fault, SDM 4.7."""

_SAYS = (("not present", "present"), ("read", "write"), ("supervisor", "user"), ("", "reserved bit"), ("", "fetch"))
"""The meaning of each bit of the error code: if it is 0, and if it is 1."""


@cache
def code_says(code: int) -> str:
    """Return an error code in words; a fetch is not a read.

    >>> code_says(6), code_says(7), code_says(0x15)
    ('not present, write, user', 'present, write, user', 'present, user, fetch')
    """
    words = [says[code >> bit & 1] for bit, says in enumerate(_SAYS)]
    return ", ".join(word for word in words if word and not (word == "read" and "fetch" in words))


@frozen
class X86Controls(Controls):
    """Intel SDM volume 3A, 4.1 and 4.6."""

    numbers: ClassVar[Mapping[str, NumberLimits]] = {"maxphyaddr": NumberLimits(32, 52)}

    wp: bool = True
    """CR0.WP: writes by the supervisor obey R/W."""
    smep: bool = False
    """CR4.SMEP: the supervisor can't fetch from user pages."""
    smap: bool = False
    """CR4.SMAP: the supervisor can't access data in user pages, unless `ac` is set."""
    ac: bool = False
    """RFLAGS.AC: lifts SMAP."""
    nxe: bool = True
    """EFER.NXE: bit 63 of a descriptor forbids fetches; without NXE, it is reserved.

    32-bit tables have no bit to forbid fetches.
    """
    maxphyaddr: int = 40
    """The number of bits of a physical address; higher bits, up to 51, are reserved in descriptors."""
    gib_pages: bool = True
    """CPUID Page1GB: a PDPTE may map a 1 GiB page."""
    pse: bool = True
    """CR4.PSE: a PDE of 32-bit tables may map a 4 MiB page; the other formats have large pages without it."""


class X86Rules(Rules[X86Controls]):
    """The rules of the formats with 8-byte descriptors, here in 64-bit mode.

    Canonical addresses have `va_bits` bits; descriptors hold an address up to bit `highest`.
    """

    def __init__(self, va_bits: int, highest: int = 51) -> None:
        self.va_bits = va_bits
        self.highest = highest

    def start(self, level: Level, root: int, va: int, controls: X86Controls) -> Start | Stop:
        """Check that bits from the highest translated bit up are equal; if not, #GP and no walk (SDM 1, 3.3.7.1)."""
        high = va >> self.va_bits - 1
        if high in (0, (1 << 65 - self.va_bits) - 1):
            return Start(root, level)
        return Stop("non-canonical", f"{Address(va)} is not canonical: bits 63 to {self.va_bits - 1} are not all equal")

    def start_shift(self, controls: X86Controls) -> int:
        """Return the lowest of the bits that must be equal."""
        return self.va_bits - 1

    def check_descriptor(self, level: Level, descriptor: Descriptor, word: int, controls: X86Controls) -> Stop | None:
        """Check P, which ends the walk if it is 0, and the reserved bits of each present descriptor."""
        if descriptor.kind == "invalid":
            return Stop("not-present", f"the {level.name} is {word:#x}: P (bit 0) is 0, so nothing is mapped here")
        wrong = word & self.reserved(level, descriptor, controls)
        if not wrong:
            return None
        return Stop("reserved", f"the {level.name} is {word:#x}: reserved {in_words(wrong)} must be 0")

    def checked_bits(self, level: Level, descriptor: Descriptor, controls: X86Controls) -> int:
        """Return the address bits that this processor does not have."""
        return self.reserved(level, descriptor, controls)

    def narrow(self, rights: Rights, descriptor: Descriptor, word: int, controls: X86Controls) -> Rights:
        """Apply SDM 4.6: R/W and U/S must be 1 at every level, XD (with NXE) at none."""
        execute = rights.execute and not (controls.nxe and word & EXECUTE_DISABLE)
        return Rights(True, rights.write and bool(word & WRITABLE), execute, rights.user and bool(word & USER))

    def check_access(
        self, path: Sequence[WalkEntry], rights: Rights, access: Access, user: bool, controls: X86Controls
    ) -> Stop | None:
        """Apply SDM 4.6.1, after the leaf is read."""
        return _forbidden(rights, access, user, controls)

    def report(
        self, stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: X86Controls
    ) -> FaultReport:
        """Report the error code, by SDM 4.7; RSVD implies P."""
        if stop.kind == "non-canonical":
            return FaultReport("#GP", 0)
        if stop.kind == "bus-error":
            return FaultReport("none: what a read of no memory gives is up to the chipset", None)
        fetch = access == "execute" and self.tells_fetches(controls)
        present, reserved = stop.kind != "not-present", stop.kind == "reserved"
        code = present | (access == "write") << 1 | user << 2 | reserved << 3 | fetch << 4
        return FaultReport("#PF", code, ERROR_CODE, says=code_says(code), address_in="CR2")

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """Return R/W, U/S, XD, and G in a leaf."""
        word = (WRITABLE if rights.write else 0) | (USER if rights.user else 0)
        if not rights.execute:
            word |= EXECUTE_DISABLE
        return word | (GLOBAL if shared and descriptor.kind == "leaf" else 0)

    def rights_bits(self, descriptor: Descriptor) -> int:
        """Return R/W, U/S and XD."""
        return WRITABLE | USER | EXECUTE_DISABLE

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """Return the rights in one descriptor, as if NXE were set."""
        return Rights(True, bool(word & WRITABLE), not word & EXECUTE_DISABLE, bool(word & USER))

    def accessed(self, descriptor: Descriptor, write: bool, controls: X86Controls) -> int:
        """Return A of every descriptor on the way, and D in the leaf for a write (SDM 4.8)."""
        return ACCESSED | (DIRTY if write and descriptor.kind == "leaf" else 0)

    def physical_limit(self, controls: X86Controls) -> int:
        """Return CPUID's MAXPHYADDR."""
        return controls.maxphyaddr

    def tells_fetches(self, controls: X86Controls) -> bool:
        """Return whether error codes have I/D (SDM 4.7)."""
        return controls.nxe or controls.smep

    def reserved(self, level: Level, descriptor: Descriptor, controls: X86Controls) -> int:
        """Return the bits of a present descriptor that must be 0 on a processor with these controls."""
        reserved = descriptor.reserved | bits(self.highest, controls.maxphyaddr)
        if not controls.nxe:
            reserved |= EXECUTE_DISABLE
        if level.number == 3 and descriptor.kind == "leaf" and not controls.gib_pages:
            reserved |= PAGE_SIZE
        return reserved


def _forbidden(rights: Rights, access: Access, user: bool, controls: X86Controls) -> Stop | None:
    if user and not rights.user:
        return Stop("protection", "user code may not touch a supervisor page: U/S is 0", ("U/S", 0))
    if access == "execute":
        if not rights.execute:
            return Stop("protection", "nothing may be fetched from here: XD is 1", ("XD", 1))
        if rights.user and not user and controls.smep:
            return Stop("protection", "with CR4.SMEP the supervisor may not fetch from a user page")
        return None
    if rights.user and not user and controls.smap and not controls.ac:
        return Stop("protection", "with CR4.SMAP and RFLAGS.AC 0 the supervisor may not touch a user page")
    if access == "write" and not rights.write and (user or controls.wp):
        who = "" if user else "; CR0.WP binds the supervisor too"
        return Stop("protection", f"the page may not be written{who}: R/W is 0", ("R/W", 0))
    return None


# ---- descriptors that the formats have in common: SDM 3A, tables 4-3 to 4-20 -------------------

P = Field("P", 0, 0, "present: the descriptor is in use")

RW = Field("R/W", 1, 1, "0: what it covers may not be written")

US = Field("U/S", 2, 2, "0: user code may not touch what it covers")

PWT = Field("PWT", 3, 3, "write-through caching")

PCD = Field("PCD", 4, 4, "caching off")

A = Field("A", 5, 5, "the processor has used it")

D = Field("D", 6, 6, "the processor has written to the page")

PS = Field("PS", 7, 7, "1: it maps a page; 0: it refers to a table")

G = Field("G", 8, 8, "global: the translation stays when CR3 is written")

PK = Field("PK", 59, 62, "protection key, when CR4.PKE or CR4.PKS is set")

XD = Field("XD", 63, 63, "1: nothing may be fetched from what it covers (with EFER.NXE)")

PAT = Field("PAT", 7, 7, "memory type")

PAT_LARGE = Field("PAT", 12, 12, "memory type")

COMMON = (P, RW, US, PWT, PCD, A)


class Entries:
    """The 8-byte descriptors, each described by a section of the manual, with or without protection keys."""

    def __init__(self, section: str, *, keys: bool) -> None:
        self.section = section
        self._upper = (PK, XD) if keys else (XD,)

    def absent(self, name: str) -> Descriptor:
        """Return the descriptor with P = 0."""
        return absent(name, self.section)

    def table(self, name: str, target: str, reserved: int = 0) -> Descriptor:
        """Return the descriptor of a table, with PS = 0."""
        fields = (*COMMON, PS, Field("address", 12, 51, f"bits 51:12 of the {target}'s address"), XD)
        return table(name, target, self.section, fields, 51, reserved)

    def large(self, name: str, size: str, shift: int) -> Descriptor:
        """Return the descriptor of a large page, with PS = 1."""
        address = Field("address", shift, 51, f"bits 51:{shift} of the page's address")
        fields = (*COMMON, D, PS, G, PAT_LARGE, address, *self._upper)
        place = (AddressBits(shift, 51, shift),)
        return large(name, size, self.section, place, fields, bits(shift - 1, 13))

    def page(self) -> Descriptor:
        """Return the descriptor of a page: a PTE."""
        address = Field("address", 12, 51, "bits 51:12 of the page's address")
        return page(self.section, (*COMMON, D, PAT, G, address, *self._upper), 51)


def absent(name: str, section: str) -> Descriptor:
    """Return a descriptor that is not present."""
    return Descriptor(f"{name} that is not present", "invalid", PRESENT, 0, section, (), (P,))


def table(
    name: str, target: str, section: str, fields: tuple[Field, ...], highest: int, reserved: int = 0
) -> Descriptor:
    """Return a descriptor of a table, whose address goes up to bit `highest`."""
    place = (AddressBits(12, highest, 12),)
    return Descriptor(f"{name} of a {target}", "table", PRESENT, PRESENT, section, place, fields, reserved)


def large(
    name: str, size: str, section: str, place: tuple[AddressBits, ...], fields: tuple[Field, ...], reserved: int
) -> Descriptor:
    """Return a descriptor of a large page."""
    kind = PRESENT | PAGE_SIZE
    return Descriptor(f"{name} of a {size} page", "leaf", kind, kind, section, place, fields, reserved)


def page(section: str, fields: tuple[Field, ...], highest: int) -> Descriptor:
    """Return a descriptor of a 4 KiB page."""
    place = (AddressBits(12, highest, 12),)
    return Descriptor("PTE of a 4 KiB page", "leaf", PRESENT, PRESENT, section, place, fields)


# ---- 32-bit paging: SDM 3A, 4.3 ----------------------------------------------------------------

SECTION_32 = "Intel SDM 3A, 4.3"


class X86Rules32(X86Rules):
    """The rules of 32-bit paging: all addresses are canonical, there is no XD, only 4 MiB pages have reserved bits."""

    def start(self, level: Level, root: int, va: int, controls: X86Controls) -> Start:
        """Begin the walk, for any address of 32 bits."""
        return Start(root, level)

    def start_shift(self, controls: X86Controls) -> int:
        """Return a number above all bits, since no bit is checked."""
        return 32

    def read_as(self, level: Level, word: int, controls: X86Controls) -> Descriptor:
        """Read the descriptor, by SDM 4.3: without CR4.PSE, bit 7 of a PDE is ignored, and it refers to a table."""
        return level.read_as(word if controls.pse or level is PT_32 else word & ~PAGE_SIZE)

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """Return R/W, U/S, and G in a leaf; fetches can't be forbidden."""
        return super().encode(descriptor, rights, shared) & ~EXECUTE_DISABLE

    def granted(self, wanted: Permission) -> Permission:
        """Return the granted rights, by SDM 4.6: without XD, any readable page can be executed."""
        return Permission(any(wanted), wanted.write, any(wanted))

    def rights_bits(self, descriptor: Descriptor) -> int:
        """Return R/W and U/S."""
        return super().rights_bits(descriptor) & ~EXECUTE_DISABLE

    def tells_fetches(self, controls: X86Controls) -> bool:
        """Return whether error codes have I/D: NXE counts with CR4.PAE only (SDM 4.7)."""
        return controls.smep

    def reserved(self, level: Level, descriptor: Descriptor, controls: X86Controls) -> int:
        """Return bit 21 of a 4 MiB page, and each of bits 20:13 for an address bit above the limit (SDM 4.3)."""
        if descriptor is not _LARGE_32:
            return 0
        return descriptor.reserved | bits(20, 13 + max(0, min(controls.maxphyaddr, 40) - 32))


_LARGE_32 = large(
    "PDE",
    "4 MiB",
    SECTION_32,
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

_TABLE_32 = table(
    "PDE", "PT", SECTION_32, (*COMMON, PS, Field("address", 12, 31, "bits 31:12 of the PT's address")), 31
)

_PAGE_32 = page(SECTION_32, (*COMMON, D, PAT, G, Field("address", 12, 31, "bits 31:12 of the page's address")), 31)

PD_32 = Level(2, "PDE", "PD", 22, 10, (absent("PDE", SECTION_32), _LARGE_32, _TABLE_32))

PT_32 = Level(1, "PTE", "PT", 12, 10, (absent("PTE", SECTION_32), _PAGE_32))

X86_32: TableFormat[X86Controls] = TableFormat(
    name="x86",
    entry_width=4,
    levels=(PD_32, PT_32),
    va_bits=32,
    sign_extended=False,
    word_bits=32,
    base_register="CR3",
    rules=X86Rules32(32),
    defaults=X86Controls(nxe=False),
    kernel_place=KernelPlace(0xC000_0000, 0xC040_0000),
    faults_flush=True,
)
"""The format has two levels of 4 KiB tables."""


# ---- PAE: SDM 3A, 4.4 --------------------------------------------------------------------------

SECTION_PAE = "Intel SDM 3A, 4.4.1"


class PaeRules(X86Rules):
    """The rules of PAE: all addresses are canonical; a PDPTE has no rights and no flags that the processor sets."""

    def start(self, level: Level, root: int, va: int, controls: X86Controls) -> Start:
        """Begin the walk, for any address of 32 bits."""
        return Start(root, level)

    def start_shift(self, controls: X86Controls) -> int:
        """Return a number above all bits, since no bit is checked."""
        return 32

    def narrow(self, rights: Rights, descriptor: Descriptor, word: int, controls: X86Controls) -> Rights:
        """Apply SDM 4.6: rights are in PDEs and PTEs."""
        return rights if descriptor is _PDPTE else super().narrow(rights, descriptor, word, controls)

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """Return the bits for `rights`; a PDPTE has reserved bits in their place."""
        return 0 if descriptor is _PDPTE else super().encode(descriptor, rights, shared)

    def rights_bits(self, descriptor: Descriptor) -> int:
        """Return the bits for rights; a PDPTE has no such bits."""
        return 0 if descriptor is _PDPTE else super().rights_bits(descriptor)

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """Return the rights in one descriptor; a PDPTE allows everything."""
        return Rights() if descriptor is _PDPTE else super().rights_of(descriptor, word)

    def accessed(self, descriptor: Descriptor, write: bool, controls: X86Controls) -> int:
        """Return the bits that the hardware sets; a PDPTE of PAE has no accessed flag (SDM 4.8)."""
        return 0 if descriptor is _PDPTE else super().accessed(descriptor, write, controls)


_ENTRIES_PAE = Entries("Intel SDM 3A, 4.4.2", keys=False)

_PDPTE = Descriptor(
    "PDPTE of a PD",
    "table",
    PRESENT,
    PRESENT,
    SECTION_PAE,
    (AddressBits(12, 51, 12),),
    (P, PWT, PCD, Field("address", 12, 51, "bits 51:12 of the PD's address")),
    bits(2, 1) | bits(8, 5) | bits(63, 52),
)

_absent_pae = _ENTRIES_PAE.absent

PDPT_PAE = Level(3, "PDPTE", "PDPT", 30, 2, (_absent_pae("PDPTE"), _PDPTE))

PD_PAE = Level(
    2, "PDE", "PD", 21, 9, (_absent_pae("PDE"), _ENTRIES_PAE.large("PDE", "2 MiB", 21), _ENTRIES_PAE.table("PDE", "PT"))
)

PT_PAE = Level(1, "PTE", "PT", 12, 9, (_absent_pae("PTE"), _ENTRIES_PAE.page()))

X86_PAE: TableFormat[X86Controls] = TableFormat(
    name="x86-pae",
    entry_width=8,
    levels=(PDPT_PAE, PD_PAE, PT_PAE),
    va_bits=32,
    sign_extended=False,
    word_bits=32,
    base_register="CR3",
    rules=PaeRules(32, highest=62),
    defaults=X86Controls(),
    kernel_place=KernelPlace(0xC000_0000, 0xC080_0000),
    faults_flush=True,
)
"""The format has three levels; the root has four descriptors, 32 bytes."""


# ---- four and five levels: SDM 3A, 4.5 ---------------------------------------------------------

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
    kernel_place=KernelPlace(1 << 47, 0xFFFF_8080_0000_0000, (0xFFFF_8000_0000_0000, 1 << 39)),
    asid_bits=12,
    faults_flush=True,
)
"""The format has four levels and 48-bit addresses."""

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
    kernel_place=KernelPlace(1 << 56, 0xFF80_0000_0000_0000),
    asid_bits=12,
    faults_flush=True,
)
"""The format has five levels (CR4.LA57) and 57-bit addresses; the PML5E has the layout and checks of the PML4E."""
