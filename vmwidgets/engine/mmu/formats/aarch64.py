"""AArch64 stage 1 of EL1&0 with the 4 KiB granule: pages of 4 KiB, blocks of 2 MiB and 1 GiB, 48-bit addresses.

ARM DDI 0487: D5.2 to D5.4 in issues A to G, D8.2 to D8.4 from issue H.  The manual counts levels from the root, 0 to 3,
as do the names here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import ClassVar

from ...base.frozen import frozen
from ...base.units import Address, binary_size
from ..format import KernelPlace, TableFormat
from ..levels import AddressBits, Descriptor, Level, WalkEntry, bits, in_words
from ..rules import Access, Controls, FaultReport, NumberLimits, Rules, Start, Stop
from ..tables_schema import Field, Permission, Rights, Syndrome

ACCESS_FLAG, NOT_GLOBAL = 1 << 10, 1 << 11

AP_USER, AP_READ_ONLY = 1 << 6, 1 << 7

INNER_SHAREABLE = 0b11 << 8

PXN, UXN = 1 << 53, 1 << 54

PXN_TABLE, UXN_TABLE, AP_TABLE_NO_USER, AP_TABLE_READ_ONLY = 1 << 59, 1 << 60, 1 << 61, 1 << 62

_STATUS = {
    "address-size": 0b000000,
    "not-present": 0b000100,
    "access-flag": 0b001000,
    "protection": 0b001100,
    "bus-error": 0b010100,
}
"""DFSC and IFSC without the level: D17.2.37, ESR_EL1."""

_KINDS = {0: "address size fault", 1: "translation fault", 2: "access flag fault", 3: "permission fault"}
"""The kinds of fault by bits 5:2 of the status; bits 1:0 are the level."""

_OTHERS = {
    0x10: "synchronous external abort",
    0x11: "synchronous tag check fault",
    0x18: "synchronous parity or ECC error",
    0x13: "synchronous external abort on a walk, level -1",
    0x14: "synchronous external abort on a walk, level 0",
    0x15: "synchronous external abort on a walk, level 1",
    0x16: "synchronous external abort on a walk, level 2",
    0x17: "synchronous external abort on a walk, level 3",
    0x21: "alignment fault",
    0x30: "TLB conflict abort",
    0x29: "address size fault, level -1",
    0x2B: "translation fault, level -1",
    0x31: "unsupported atomic update",
    0x34: "IMPLEMENTATION DEFINED (lockdown)",
    0x35: "unsupported exclusive or atomic access",
}
"""The other statuses: aborts, and the levels of larger tables."""

_BELOW = {"bus-error": 0x13, "address-size": 0x29, "not-present": 0x2B}
"""The statuses of level -1, at which there are no leaves."""


def status_of(status: int) -> str:
    """Return the meaning of the status (DFSC, IFSC).

    >>> status_of(0x04), status_of(0x0F), status_of(0x21)
    ('translation fault, level 0', 'permission fault, level 3', 'alignment fault')
    """
    if status < 16:
        return f"{_KINDS[status >> 2]}, level {status & 3}"
    return _OTHERS.get(status, f"status {status:#x}, which is reserved or a processor's own")


STATUS_CODE = (
    Field("level", 0, 1, "level of the descriptor, 0 the root's"),
    Field("status", 2, 5, "0 address size, 1 translation, 2 access flag, 3 permission, 5 external abort on the walk"),
)

DATA_ABORT = (
    Field("DFSC", 0, 5, "data fault status code"),
    Field("WnR", 6, 6, "the access was a write"),
    Field("IL", 25, 25, "1: the instruction has 32 bits"),
    Field("EC", 26, 31, "exception class: 0x24 data abort from a lower exception level, 0x25 from the same"),
)

INSTRUCTION_ABORT = (
    Field("IFSC", 0, 5, "instruction fault status code"),
    DATA_ABORT[2],
    Field("EC", 26, 31, "exception class: 0x20 instruction abort from a lower exception level, 0x21 from the same"),
)


@frozen
class Aarch64Controls(Controls):
    """ARM DDI 0487, D5.2 to D5.4 (D8.2 to D8.4 from issue H); EL1&0 stage 1, T0SZ = T1SZ = 16."""

    numbers: ClassVar[Mapping[str, NumberLimits]] = {
        "pa_bits": NumberLimits(32, 48),
        "ttbr1": NumberLimits(0, (1 << 48) - 4096, 4096),
    }

    wxn: bool = False
    """SCTLR_EL1.WXN: code at an exception level can't execute what it can write."""
    ha: bool = False
    """TCR_EL1.HA: the hardware sets AF itself; without HA, a page that lacks AF faults."""
    pa_bits: int = 48
    """TCR_EL1.IPS: bits of a physical address; a descriptor that holds more gives an address size fault."""
    ttbr1: int = 0
    """Physical address of the root table for addresses whose bits 63:48 are all 1."""
    epd0: bool = False
    """TCR_EL1.EPD0: no walks from TTBR0."""
    epd1: bool = False
    """TCR_EL1.EPD1: no walks from TTBR1."""


class Aarch64Rules(Rules[Aarch64Controls]):
    """The rules, checked in this order: translation, address size, access flag, permission.

    Addresses have `va_bits` bits; the root is at the manual's level `first`.
    """

    def __init__(self, va_bits: int = 48, first: int = 0) -> None:
        self.va_bits = va_bits
        self.first = first

    def start(self, level: Level, root: int, va: int, controls: Aarch64Controls) -> Start | Stop:
        """Choose the root, by D5.2.1: TTBR0 if the bits above the translated bits are all 0, TTBR1 if all are 1."""
        high, ones = va >> self.va_bits, (1 << 64 - self.va_bits) - 1
        if high not in (0, ones):
            why = f"{Address(va)} is in neither half: bits 63 to {self.va_bits} are not all equal"
            return Stop("non-canonical", why)
        return self.half(level, root, va, controls, bool(high))

    def second_base(self, va: int, controls: Aarch64Controls) -> tuple[str, int] | None:
        """Return TTBR1 for the upper half, in which bit 55 and all bits above it are 1."""
        return ("TTBR1_EL1", controls.ttbr1) if va >> 55 == 0x1FF else None

    def half(self, level: Level, root: int, va: int, controls: Aarch64Controls, upper: bool) -> Start | Stop:
        """Return the root of a half, unless TCR_EL1 forbids walks there."""
        if controls.epd1 if upper else controls.epd0:
            which = int(upper)
            why = f"TCR_EL1.EPD{which} is 1: no walks from TTBR{which}_EL1, which is for {Address(va)}"
            return Stop("non-canonical", why, called=f"walks disabled by EPD{which}")
        return Start(controls.ttbr1 if upper else root, level)

    def start_shift(self, controls: Aarch64Controls) -> int:
        """Return the lowest of the bits that distinguish the halves."""
        return self.va_bits

    def check_descriptor(
        self, level: Level, descriptor: Descriptor, word: int, controls: Aarch64Controls
    ) -> Stop | None:
        """Return the fault of a descriptor that maps nothing, or has a physical address that is too large."""
        if descriptor.kind == "invalid":
            why = "bit 0 is 0, so nothing is mapped here" if not word & 1 else "no block can be at this level"
            return Stop("not-present", f"the {level.name} is {word:#x}: {why}")
        wrong = word & self.checked_bits(level, descriptor, controls)
        if not wrong:
            return None
        said = f"address {in_words(wrong)} must be 0 with {controls.pa_bits} bits of physical address"
        return Stop("address-size", f"the {level.name} is {word:#x}: {said}")

    def checked_bits(self, level: Level, descriptor: Descriptor, controls: Aarch64Controls) -> int:
        """Return the address bits above TCR_EL1.IPS."""
        return bits(47, controls.pa_bits)

    def narrow(self, rights: Rights, descriptor: Descriptor, word: int, controls: Aarch64Controls) -> Rights:
        """Apply D5.4.5: the limits of a table hold for everything below it."""
        own = self._data_rights(descriptor, word)
        user = rights.user and own.user
        if descriptor.kind == "leaf" and not user:
            own = own._replace(execute=not word & PXN)
        return Rights(True, rights.write and own.write, rights.execute and own.execute, user)

    def check_access(
        self, path: Sequence[WalkEntry], rights: Rights, access: Access, user: bool, controls: Aarch64Controls
    ) -> Stop | None:
        """Check the access flag, then the permission."""
        leaf = path[-1]
        if not leaf.word & ACCESS_FLAG and not controls.ha:
            return Stop("access-flag", f"the {leaf.level.name} is {leaf.word:#x}: AF (bit 10) is 0")
        if access == "execute":
            return _unfetchable(path, user, controls)
        why = None if not user else _closed(path)
        if why is None and access == "write":
            why = _unwritable(path)
        if why is None:
            return None
        return Stop("protection", f"{'user code' if user else 'the supervisor'} may not {access} here: {why}")

    def report(
        self, stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: Aarch64Controls
    ) -> FaultReport:
        """Report the status code (D17.2.37), with the manual's level, and the syndrome register with its class.

        If no descriptor is read, the fault has level 0, whatever the root's level.
        """
        read = len(path) + (stop.kind == "bus-error")
        level = read - 1 + self.first if read else 0
        kind = "not-present" if stop.kind == "non-canonical" else stop.kind
        code = _BELOW[kind] if level < 0 else _STATUS[kind] | level
        common, who = code | 1 << 25, "user code" if user else "the supervisor"
        if access == "execute":
            value = common | (0x20 if user else 0x21) << 26
            syndrome = Syndrome("ESR_EL1", value, INSTRUCTION_ABORT, f"a fetch by {who}")
            return FaultReport("Instruction Abort", code, STATUS_CODE, syndrome, status_of(code), "FAR_EL1")
        value = common | (access == "write") << 6 | (0x24 if user else 0x25) << 26
        syndrome = Syndrome("ESR_EL1", value, DATA_ABORT, f"a {access} by {who}")
        return FaultReport("Data Abort", code, STATUS_CODE, syndrome, status_of(code), "FAR_EL1")

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """Return AP, UXN, PXN and nG; AF is set, and the page is inner shareable.

        User code never executes a page that only the supervisor may use; a page need not be readable to be executed.
        """
        if descriptor.kind == "table":
            word = 0 if rights.write else AP_TABLE_READ_ONLY
            word |= 0 if rights.user else AP_TABLE_NO_USER | UXN_TABLE
            return word if rights.execute else word | UXN_TABLE | PXN_TABLE
        word = ACCESS_FLAG | INNER_SHAREABLE | (0 if shared else NOT_GLOBAL)
        if rights.user and rights.execute and not (rights.read or rights.write):
            return word | AP_READ_ONLY | PXN
        word |= (AP_USER if rights.user else UXN) | (0 if rights.write else AP_READ_ONLY)
        return word if rights.execute else word | UXN | PXN

    def granted(self, wanted: Permission) -> Permission:
        """Return the granted rights: always reading (D5.4.5), unless a page is only for fetches (D5.4.6)."""
        return wanted._replace(read=wanted.read or wanted.write)

    def rights_bits(self, descriptor: Descriptor) -> int:
        """Return AP, UXN and PXN, or a table's fields for them."""
        if descriptor.kind == "table":
            return bits(62, 59)
        return AP_USER | AP_READ_ONLY | UXN | PXN

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """Return the rights in one descriptor, by itself; user code's rights if user code may only fetch there."""
        if descriptor.kind == "leaf" and not word & (AP_USER | UXN):
            return Rights(False, False, True, True)
        return self._data_rights(descriptor, word)

    def _data_rights(self, descriptor: Descriptor, word: int) -> Rights:
        """Return the rights that one descriptor gives to the code that may read there."""
        if descriptor.kind == "table":
            user = not word & AP_TABLE_NO_USER
            return Rights(True, not word & AP_TABLE_READ_ONLY, not word & (UXN_TABLE if user else PXN_TABLE), user)
        user = bool(word & AP_USER)
        return Rights(True, not word & AP_READ_ONLY, not word & (UXN if user else PXN), user)

    def accessed(self, descriptor: Descriptor, write: bool, controls: Aarch64Controls) -> int:
        """Return AF, if the hardware sets it (TCR_EL1.HA; D5.4.12)."""
        return ACCESS_FLAG if controls.ha and descriptor.kind == "leaf" else 0

    def physical_limit(self, controls: Aarch64Controls) -> int:
        """Return the bits that TCR_EL1.IPS allows."""
        return controls.pa_bits

    def is_global(self, path: Sequence[WalkEntry]) -> bool:
        """Return whether nG is 0 in the leaf (D5.10.1)."""
        return not path[-1].value("nG")

    def registers(self, user: int | None, kernel: int | None, controls: Aarch64Controls) -> tuple[int, Aarch64Controls]:
        """Return TTBR0 with the user's root, TTBR1 with the kernel's; None sets TCR_EL1.EPD0 or EPD1 (D5.2.1)."""
        if user is None:
            controls = replace(controls, epd0=True)
        return user or 0, replace(controls, epd1=True) if kernel is None else replace(controls, ttbr1=kernel)

    def with_hardware_flags(self, controls: Aarch64Controls) -> Aarch64Controls:
        """Set TCR_EL1.HA (D5.4.12)."""
        return replace(controls, ha=True)


def _closed(path: Sequence[WalkEntry]) -> str | None:
    """Return why user code may not access the page, or None if it may (D5.4.5 and D5.4.4)."""
    for at in path[:-1]:
        if at.word & AP_TABLE_NO_USER:
            return f"APTable[0] is 1 in the {at.level.name}"
    return None if path[-1].word & AP_USER else f"AP[1] is 0 in the {path[-1].level.name}"


def _unwritable(path: Sequence[WalkEntry]) -> str | None:
    for at in path[:-1]:
        if at.word & AP_TABLE_READ_ONLY:
            return f"APTable[1] is 1 in the {at.level.name}"
    return f"AP[2] is 1 in the {path[-1].level.name}" if path[-1].word & AP_READ_ONLY else None


def _unfetchable(path: Sequence[WalkEntry], user: bool, controls: Aarch64Controls) -> Stop | None:
    """Apply execute-never (D5.4.6); user code need not be able to read the page."""
    leaf, name = path[-1], "UXN" if user else "PXN"
    in_table, in_leaf = (UXN_TABLE, UXN) if user else (PXN_TABLE, PXN)
    who = "user code" if user else "the supervisor"
    for at in path[:-1]:
        if at.word & in_table:
            return Stop("protection", f"{who} may fetch nothing from here: {name}Table is 1 in the {at.level.name}")
    if leaf.word & in_leaf:
        return Stop("protection", f"{who} may fetch nothing from here: {name} is 1 in the {leaf.level.name}")
    writable = _unwritable(path) is None
    if not user and writable and _closed(path) is None:
        return Stop("protection", "the supervisor may fetch nothing that user code may write")
    if controls.wxn and writable and (not user or _closed(path) is None):
        return Stop("protection", f"with SCTLR_EL1.WXN {who} may fetch nothing that it may write")
    return None


# ---- levels and descriptors --------------------------------------------------------------------

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
    """Return the manual's level `number`."""
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
    kernel_place=KernelPlace(1 << 48, 0xFFFF_0000_0000_0000),
    halves=True,
    asid_bits=16,
)
"""Each half has four levels."""


@cache
def with_granule(granule: int, va_bits: int) -> TableFormat[Aarch64Controls]:
    """Return the format with pages of 2**`granule` bytes (12, 14 or 16) and `va_bits`-bit addresses, as in Linux.

    D5.2: a level translates `granule` - 3 bits, and the root the remaining bits.  Blocks are at level 2, and with 4 KiB
    pages also at 1.

    >>> [level.table_name for level in with_granule(12, 39).levels]
    ['level 1 table', 'level 2 table', 'level 3 table']
    """
    each = granule - 3
    count = -(-(va_bits - granule) // each)
    levels = []
    for manual in range(4 - count, 4):
        shift = granule + (3 - manual) * each
        bits_here = va_bits - shift if manual == 4 - count else each
        leaf = _leaf(manual, shift) if manual in (2, 3) or (manual == 1 and granule == 12) else None
        table = [_next_table(manual, granule)] if manual < 3 else []
        no_block = [_no_block(manual, SECTION)] if leaf is None or manual == 3 else []
        descriptors = (_nothing(manual), *no_block, *([leaf] if leaf is not None else []), *table)
        levels.append(
            Level(4 - manual, f"level {manual} descriptor", f"level {manual} table", shift, bits_here, descriptors)
        )
    return replace(
        AARCH64,
        name=(f"aarch64, {1 << granule - 10} KiB granule, {va_bits} bits"),
        levels=tuple(levels),
        va_bits=va_bits,
        rules=Aarch64Rules(va_bits, 4 - count),
    )


def _leaf(manual: int, shift: int) -> Descriptor:
    value, size = (0b11, "page") if manual == 3 else (0b01, "block")
    name = f"level {manual} descriptor of a {binary_size(1 << shift)} {size}"
    return Descriptor(name, "leaf", 0b11, value, SECTION, (AddressBits(shift, 47, shift),), _attributes(shift))


def _next_table(manual: int, granule: int) -> Descriptor:
    made = _table(manual)
    return replace(made, address=(AddressBits(granule, 47, granule),))
