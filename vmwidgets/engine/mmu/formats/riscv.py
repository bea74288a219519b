"""RISC-V Sv39: 39-bit addresses, pages of 4 KiB, superpages of 2 MiB (megapages) and 1 GiB (gigapages).

RISC-V Privileged Architecture 20211203, 4.4; 4.3.2 (the algorithm), 4.3.1 (rights), 4.1.8 (scause).  The specification
counts levels down to 0, the smallest pages, as do the names here.  There is no Svnapot and no Svpbmt: bits 63:61 are
reserved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from ...base.frozen import frozen
from ...base.units import Address, binary_size
from ..format import KernelPlace, TableFormat
from ..levels import AddressBits, Descriptor, Level, WalkEntry, bits, in_words
from ..rules import Access, Controls, FaultReport, Rules, Start, Stop
from ..tables_schema import Field, Permission, Rights

V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))

CAUSE = (Field("exception code", 0, 5, "1, 5, 7: access fault; 12, 13, 15: page fault of a fetch, a load, a store"),)
"""scause without its interrupt bit."""

_CAUSES = {
    "execute": ("instruction page fault", 12, "instruction access fault", 1),
    "read": ("load page fault", 13, "load access fault", 5),
    "write": ("store/AMO page fault", 15, "store/AMO access fault", 7),
}


@frozen
class RiscvControls(Controls):
    """RISC-V Privileged 20211203, 3.1.6.3, 4.3 and 4.4."""

    sum: bool = False
    """mstatus.SUM: the supervisor may access data in user pages."""
    mxr: bool = False
    """mstatus.MXR: executable pages can be read."""
    adue: bool = True
    """menvcfg.ADUE (Svadu): the hardware sets A and D itself; without it (Svade), a page that lacks them faults."""


class RiscvRules(Rules[RiscvControls]):
    """The rules, checked in this order: V and reserved bits at each descriptor; rights, alignment, A, D at the leaf."""

    def start(self, level: Level, root: int, va: int, controls: RiscvControls) -> Start | Stop:
        """Check that bits 63:39 equal bit 38; otherwise, a page fault (4.4.1)."""
        if va >> 38 in (0, (1 << 26) - 1):
            return Start(root, level)
        return Stop("non-canonical", f"{Address(va)} is not an Sv39 address: bits 63 to 38 are not all equal")

    def start_shift(self, controls: RiscvControls) -> int:
        """Return the lowest of the bits that must be equal."""
        return 38

    def check_descriptor(self, level: Level, descriptor: Descriptor, word: int, controls: RiscvControls) -> Stop | None:
        """Apply 4.3.2, step 3: V = 0, W without R, reserved bits, a pointer at the lowest level."""
        if descriptor.kind == "invalid":
            return Stop("not-present", f"the {level.name} is {word:#x}: V (bit 0) is 0, so nothing is mapped here")
        if descriptor.kind == "reserved":
            why = "W without R is reserved" if word & W else "a pointer at the last level leads nowhere"
            return Stop("reserved", f"the {level.name} is {word:#x}: {why}")
        wrong = word & descriptor.reserved
        return (
            Stop("reserved", f"the {level.name} is {word:#x}: reserved {in_words(wrong)} must be 0") if wrong else None
        )

    def narrow(self, rights: Rights, descriptor: Descriptor, word: int, controls: RiscvControls) -> Rights:
        """Return the rights so far for a pointer, or the rights of a leaf."""
        if descriptor.kind != "leaf":
            return rights
        own = self.rights_of(descriptor, word)
        return own._replace(read=own.read or (controls.mxr and own.execute))

    def check_access(
        self, path: Sequence[WalkEntry], rights: Rights, access: Access, user: bool, controls: RiscvControls
    ) -> Stop | None:
        """Apply 4.3.2, steps 5 to 7."""
        leaf = path[-1]
        stop = _forbidden(leaf, rights, access, user, controls)
        if stop is not None:
            return stop
        wrong = leaf.word & bits(leaf.level.shift - 3, 10) if leaf.level.number > 1 else 0
        if wrong:
            size = binary_size(leaf.level.span)
            why = f"a superpage of {size} must be aligned, so {in_words(wrong)} must be 0"
            return Stop("reserved", f"the {leaf.level.name} is {leaf.word:#x}: {why}")
        missing = (A | D if access == "write" else A) & ~leaf.word
        if controls.adue or not missing:
            return None
        names = " and ".join(name for name, bit in (("A", A), ("D", D)) if missing & bit)
        return Stop("access-flag", f"the {leaf.level.name} is {leaf.word:#x}: {names} is 0, and software has to set it")

    def report(
        self, stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: RiscvControls
    ) -> FaultReport:
        """Report the cause, which gives the kind of access (4.1.8), and the register with its address (4.1.9)."""
        page_fault, cause, access_fault, access_cause = _CAUSES[access]
        if stop.kind == "bus-error":
            return FaultReport(access_fault, access_cause, CAUSE, says=access_fault, address_in="stval")
        return FaultReport(page_fault, cause, CAUSE, says=page_fault, address_in="stval")

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """Return R, W, X, U and G for a leaf, nothing for a pointer."""
        if descriptor.kind != "leaf":
            return 0
        word = (W if rights.write else 0) | (X if rights.execute else 0) | (U if rights.user else 0)
        if rights.read or not word & X or word & W:
            word |= R
        return word | (G if shared else 0)

    def granted(self, wanted: Permission) -> Permission:
        """Return the granted rights, by 4.3.1: R, W and X are separate bits, but W without R is reserved."""
        return wanted._replace(read=wanted.read or wanted.write)

    def rights_bits(self, descriptor: Descriptor) -> int:
        """Return R, W, X and U of a leaf."""
        return R | W | X | U if descriptor.kind == "leaf" else 0

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """Return the rights in one descriptor, taken by itself."""
        if descriptor.kind != "leaf":
            return Rights()
        return Rights(bool(word & R), bool(word & W), bool(word & X), bool(word & U))

    def accessed(self, descriptor: Descriptor, write: bool, controls: RiscvControls) -> int:
        """Return A in the leaf, and D on a store, if the hardware sets them (menvcfg.ADUE; 4.3.1)."""
        return (A | D if write else A) if controls.adue and descriptor.kind == "leaf" else 0

    def with_hardware_flags(self, controls: RiscvControls) -> RiscvControls:
        """Set menvcfg.ADUE (4.3.1)."""
        return replace(controls, adue=True)


def _forbidden(leaf: WalkEntry, rights: Rights, access: Access, user: bool, controls: RiscvControls) -> Stop | None:
    where = f"in the {leaf.level.name}"
    needed = {"read": "R", "write": "W", "execute": "X"}[access]
    if not {"read": rights.read, "write": rights.write, "execute": rights.execute}[access]:
        also = " and mstatus.MXR lifts it not" if access == "read" and rights.execute else ""
        return Stop("protection", f"the page may not be {_PAST[access]}: {needed} is 0{also} {where}")
    if user and not rights.user:
        return Stop("protection", f"user code may not touch a supervisor page: U is 0 {where}")
    if not user and rights.user and access == "execute":
        return Stop("protection", f"the supervisor may never fetch from a user page: U is 1 {where}")
    if not user and rights.user and not controls.sum:
        return Stop("protection", f"with mstatus.SUM 0 the supervisor may not touch a user page: U is 1 {where}")
    return None


_PAST = {"read": "read", "write": "written", "execute": "executed"}


# ---- levels and descriptors --------------------------------------------------------------------

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
    """Return the specification's level `number`, above 0."""
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
    kernel_place=KernelPlace(1 << 38, 0xFFFF_FFC0_0000_0000),
    asid_bits=16,
)
"""The format has three levels."""


class DeeperRules(RiscvRules):
    """The rules of Sv48 and Sv57: addresses have more bits."""

    def __init__(self, va_bits: int) -> None:
        self.va_bits = va_bits

    def start(self, level: Level, root: int, va: int, controls: RiscvControls) -> Start | Stop:
        """Check that the bits above the highest translated bit equal it; otherwise, a page fault (4.5.1, 4.6.1)."""
        top = self.va_bits - 1
        if va >> top in (0, (1 << 64 - top) - 1):
            return Start(root, level)
        why = f"{Address(va)} is not an Sv{self.va_bits} address: bits 63 to {top} are not all equal"
        return Stop("non-canonical", why)

    def start_shift(self, controls: RiscvControls) -> int:
        """Return the lowest of the bits that must be equal."""
        return self.va_bits - 1


@cache
def deeper(va_bits: int) -> TableFormat[RiscvControls]:
    """Return Sv39, Sv48 or Sv57 (4.5, 4.6), by the bits of an address.

    >>> [level.name for level in deeper(48).levels]
    ['level 3 PTE', 'level 2 PTE', 'level 1 PTE', 'level 0 PTE']
    """
    if va_bits == SV39.va_bits:
        return SV39
    more = [_upper(3, 39, "512 GiB terapage")] + [_upper(4, 48, "256 TiB petapage")] * (va_bits > 48)
    levels = (*more[::-1], *SV39.levels)
    return replace(SV39, name=f"riscv-sv{va_bits}", levels=levels, va_bits=va_bits, rules=DeeperRules(va_bits))
