"""What Intel's manual says in words about the x86 formats: rights, reserved bits, error codes.

Intel SDM volume 3A, 4.6 (access rights), 4.7 (page-fault exceptions) and 4.8 (accessed and dirty
flags); section numbers as in the editions of 2013 to 2023.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..base.units import Address
from ..base.walk_values import Field, Rights
from .controls import X86Controls
from .format import Access, Descriptor, Entry, Level
from .rules import Report, Rules, Start, Stop, bits, in_words

PRESENT, WRITABLE, USER, ACCESSED, DIRTY, GLOBAL = (1 << bit for bit in (0, 1, 2, 5, 6, 8))
PAGE_SIZE = 1 << 7
EXECUTE_DISABLE = 1 << 63

ERROR_CODE = (
    Field("P", 0, 0, "1: every descriptor was present; 0: some descriptor was not"),
    Field("W/R", 1, 1, "the access was a write"),
    Field("U/S", 2, 2, "the access was made by user code"),
    Field("RSVD", 3, 3, "a present descriptor had a reserved bit set"),
    Field("I/D", 4, 4, "the access was an instruction fetch (told with NXE or SMEP only)"),
)
"""The error code of a page fault, SDM 4.7."""


class X86Rules(Rules[X86Controls]):
    """The rules of the formats with 8-byte descriptors, here those of 64-bit mode.

    Canonical addresses have `va_bits` bits; descriptors hold an address up to bit `highest`.
    """

    def __init__(self, va_bits: int, highest: int = 51) -> None:
        self.va_bits = va_bits
        self.highest = highest

    def start(self, level: Level, root: int, va: int, controls: X86Controls) -> Start | Stop:
        """SDM 1, 3.3.7.1: the bits from the highest translated one up are all equal, else #GP and no walk."""
        high = va >> self.va_bits - 1
        if high in (0, (1 << 65 - self.va_bits) - 1):
            return Start(root, level)
        return Stop("non-canonical", f"{Address(va)} is not canonical: bits 63 to {self.va_bits - 1} are not all equal")

    def start_shift(self, controls: X86Controls) -> int:
        """All bits that must be equal."""
        return self.va_bits - 1

    def unfit(self, level: Level, descriptor: Descriptor, word: int, controls: X86Controls) -> Stop | None:
        """P = 0 ends the walk whatever else is set; reserved bits are looked at in each present descriptor."""
        if descriptor.kind == "invalid":
            return Stop("not-present", f"the {level.name} is {word:#x}: P (bit 0) is 0, so nothing is mapped here")
        wrong = word & self.reserved(level, descriptor, controls)
        if not wrong:
            return None
        return Stop("reserved", f"the {level.name} is {word:#x}: reserved {in_words(wrong)} must be 0")

    def checked(self, level: Level, descriptor: Descriptor, controls: X86Controls) -> int:
        """The address bits that this processor does not have."""
        return self.reserved(level, descriptor, controls)

    def gather(self, rights: Rights, descriptor: Descriptor, word: int, controls: X86Controls) -> Rights:
        """SDM 4.6: R/W and U/S must be 1 at every level, XD (with NXE) at none."""
        execute = rights.execute and not (controls.nxe and word & EXECUTE_DISABLE)
        return Rights(True, rights.write and bool(word & WRITABLE), execute, rights.user and bool(word & USER))

    def judge(
        self, path: Sequence[Entry], rights: Rights, access: Access, user: bool, controls: X86Controls
    ) -> Stop | None:
        """SDM 4.6.1, once the leaf is in hand."""
        return _forbidden(rights, access, user, controls)

    def report(self, stop: Stop, path: Sequence[Entry], access: Access, user: bool, controls: X86Controls) -> Report:
        """SDM 4.7; RSVD implies P."""
        if stop.kind == "non-canonical":
            return Report("#GP", 0)
        if stop.kind == "bus-error":
            return Report("none: what a read of no memory gives is up to the chipset", None)
        fetch = access == "execute" and self.tells_fetches(controls)
        code = (stop.kind != "not-present", access == "write", user, stop.kind == "reserved", fetch)
        return Report("#PF", sum(bit << place for place, bit in enumerate(code)), ERROR_CODE)

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """R/W, U/S, XD, and G in a leaf."""
        word = (WRITABLE if rights.write else 0) | (USER if rights.user else 0)
        if not rights.execute:
            word |= EXECUTE_DISABLE
        return word | (GLOBAL if shared and descriptor.kind == "leaf" else 0)

    def rights_bits(self, descriptor: Descriptor) -> int:
        """R/W, U/S and XD."""
        return WRITABLE | USER | EXECUTE_DISABLE

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """The rights in one descriptor, NXE taken as set."""
        return Rights(True, bool(word & WRITABLE), not word & EXECUTE_DISABLE, bool(word & USER))

    def accessed(self, descriptor: Descriptor, write: bool, controls: X86Controls) -> int:
        """SDM 4.8: A in every descriptor used, D in the leaf of a write."""
        return ACCESSED | (DIRTY if write and descriptor.kind == "leaf" else 0)

    def tells_fetches(self, controls: X86Controls) -> bool:
        """SDM 4.7: whether error codes have I/D."""
        return controls.nxe or controls.smep

    def reserved(self, level: Level, descriptor: Descriptor, controls: X86Controls) -> int:
        """The bits of a present descriptor that must be 0 on a processor with these controls."""
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
