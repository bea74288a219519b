"""What the ARM manual says in words about AArch64's stage 1 of EL1&0: halves, rights, syndromes.

ARM DDI 0487: D5.2 and D5.4 in issues A to G; D8.2 to D8.4 from issue H.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..base.units import Address
from ..base.walk_values import Field, Rights, Syndrome
from .controls import Aarch64Controls
from .format import Access, Descriptor, Entry, Level
from .rules import Report, Rules, Start, Stop, bits, in_words

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


class Aarch64Rules(Rules[Aarch64Controls]):
    """Order of checks: translation, address size, access flag, permission."""

    def start(self, level: Level, root: int, va: int, controls: Aarch64Controls) -> Start | Stop:
        """D5.2.1: bits 63:48 all 0 lead to TTBR0, all 1 to TTBR1, anything else nowhere."""
        high = va >> 48
        if high not in (0, 0xFFFF):
            return Stop("non-canonical", f"{Address(va)} is in neither half: bits 63 to 48 are not all equal")
        upper = high != 0
        if controls.epd1 if upper else controls.epd0:
            which = int(upper)
            why = f"TCR_EL1.EPD{which} is 1: no walks from TTBR{which}_EL1, which is for {Address(va)}"
            return Stop("non-canonical", why)
        return Start(controls.ttbr1 if upper else root, level)

    def start_shift(self, controls: Aarch64Controls) -> int:
        """The bits that tell the halves apart."""
        return 48

    def unfit(self, level: Level, descriptor: Descriptor, word: int, controls: Aarch64Controls) -> Stop | None:
        """A descriptor that maps nothing, or leads where no physical address does."""
        if descriptor.kind == "invalid":
            why = "bit 0 is 0, so nothing is mapped here" if not word & 1 else "no block can be at this level"
            return Stop("not-present", f"the {level.name} is {word:#x}: {why}")
        wrong = word & self.checked(level, descriptor, controls)
        if not wrong:
            return None
        said = f"address {in_words(wrong)} must be 0 with {controls.pa_bits} bits of physical address"
        return Stop("address-size", f"the {level.name} is {word:#x}: {said}")

    def checked(self, level: Level, descriptor: Descriptor, controls: Aarch64Controls) -> int:
        """The address bits above TCR_EL1.IPS."""
        return bits(47, controls.pa_bits)

    def gather(self, rights: Rights, descriptor: Descriptor, word: int, controls: Aarch64Controls) -> Rights:
        """D5.4.5: a table's limits hold for everything below."""
        own = self.rights_of(descriptor, word)
        user = rights.user and own.user
        if descriptor.kind == "leaf" and not user:
            own = own._replace(execute=not word & PXN)
        return Rights(True, rights.write and own.write, rights.execute and own.execute, user)

    def judge(
        self, path: Sequence[Entry], rights: Rights, access: Access, user: bool, controls: Aarch64Controls
    ) -> Stop | None:
        """Access flag, then permission."""
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
        self, stop: Stop, path: Sequence[Entry], access: Access, user: bool, controls: Aarch64Controls
    ) -> Report:
        """D17.2.37: the status code, and the syndrome register with the exception class."""
        level = len(path) if stop.kind == "bus-error" else max(0, len(path) - 1)
        code = _STATUS["not-present" if stop.kind == "non-canonical" else stop.kind] | level
        common = code | 1 << 25
        if access == "execute":
            value = common | (0x20 if user else 0x21) << 26
            return Report("Instruction Abort", code, STATUS_CODE, Syndrome("ESR_EL1", value, INSTRUCTION_ABORT))
        value = common | (access == "write") << 6 | (0x24 if user else 0x25) << 26
        return Report("Data Abort", code, STATUS_CODE, Syndrome("ESR_EL1", value, DATA_ABORT))

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """AP, UXN, PXN, nG; AF is set and the page inner shareable.

        What the supervisor alone may use is never executable for user code, for which reading is not needed.
        """
        if descriptor.kind == "table":
            word = 0 if rights.write else AP_TABLE_READ_ONLY
            word |= 0 if rights.user else AP_TABLE_NO_USER | UXN_TABLE
            return word if rights.execute else word | UXN_TABLE | PXN_TABLE
        word = ACCESS_FLAG | INNER_SHAREABLE | (0 if shared else NOT_GLOBAL)
        word |= (AP_USER if rights.user else UXN) | (0 if rights.write else AP_READ_ONLY)
        return word if rights.execute else word | UXN | PXN

    def rights_bits(self, descriptor: Descriptor) -> int:
        """AP, UXN and PXN, or those of a table."""
        if descriptor.kind == "table":
            return bits(62, 59)
        return AP_USER | AP_READ_ONLY | UXN | PXN

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """The rights in one descriptor, taken by itself."""
        if descriptor.kind == "table":
            user = not word & AP_TABLE_NO_USER
            return Rights(True, not word & AP_TABLE_READ_ONLY, not word & (UXN_TABLE if user else PXN_TABLE), user)
        user = bool(word & AP_USER)
        return Rights(True, not word & AP_READ_ONLY, not word & (UXN if user else PXN), user)

    def accessed(self, descriptor: Descriptor, write: bool, controls: Aarch64Controls) -> int:
        """D5.4.12: AF, where the hardware sets it (TCR_EL1.HA)."""
        return ACCESS_FLAG if controls.ha and descriptor.kind == "leaf" else 0


def _closed(path: Sequence[Entry]) -> str | None:
    """Why user code may not touch the page, if it may not (D5.4.5 and D5.4.4)."""
    for at in path[:-1]:
        if at.word & AP_TABLE_NO_USER:
            return f"APTable[0] is 1 in the {at.level.name}"
    return None if path[-1].word & AP_USER else f"AP[1] is 0 in the {path[-1].level.name}"


def _unwritable(path: Sequence[Entry]) -> str | None:
    for at in path[:-1]:
        if at.word & AP_TABLE_READ_ONLY:
            return f"APTable[1] is 1 in the {at.level.name}"
    return f"AP[2] is 1 in the {path[-1].level.name}" if path[-1].word & AP_READ_ONLY else None


def _unfetchable(path: Sequence[Entry], user: bool, controls: Aarch64Controls) -> Stop | None:
    """D5.4.6, execute-never; user code need not be allowed to read."""
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
