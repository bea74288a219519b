"""What Intel's manual says in words about the x86 formats: rights, reserved bits, error codes.

Intel SDM volume 3A, 4.6 (access rights), 4.7 (page-fault exceptions) and 4.8 (accessed and dirty
flags); section numbers as in the editions of 2013 to 2023.
"""

from __future__ import annotations

from ..base.units import Address
from ..base.walk_values import Field, Rights
from .controls import X86Controls
from .format import Access, Descriptor, Level, Report, Stop

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


class X86Rules:
    """The rules of a format whose canonical addresses have `va_bits` bits."""

    def __init__(self, va_bits: int) -> None:
        self.va_bits = va_bits

    def before(self, va: int, controls: X86Controls) -> Stop | None:
        """SDM 1, 3.3.7.1: the bits from the highest translated one up are all equal, else #GP and no walk."""
        high = va >> self.va_bits - 1
        if high in (0, (1 << 65 - self.va_bits) - 1):
            return None
        return Stop("non-canonical", f"{Address(va)} is not canonical: bits 63 to {self.va_bits - 1} are not all equal")

    def unfit(self, level: Level, descriptor: Descriptor, word: int, controls: X86Controls) -> Stop | None:
        """P = 0 ends the walk whatever else is set; reserved bits are looked at in each present descriptor."""
        if descriptor.kind == "invalid":
            return Stop("not-present", f"the {level.name} is {word:#x}: P (bit 0) is 0, so nothing is mapped here")
        wrong = word & self._reserved(level, descriptor, controls)
        if not wrong:
            return None
        bits = ", ".join(str(bit) for bit in range(64) if wrong >> bit & 1)
        plural = "s" if wrong & (wrong - 1) else ""
        return Stop("reserved", f"the {level.name} is {word:#x}: reserved bit{plural} {bits} must be 0")

    def gather(self, rights: Rights, descriptor: Descriptor, word: int, controls: X86Controls) -> Rights:
        """SDM 4.6: R/W and U/S must be 1 at every level, XD (with NXE) at none."""
        execute = rights.execute and not (controls.nxe and word & EXECUTE_DISABLE)
        return Rights(True, rights.write and bool(word & WRITABLE), execute, rights.user and bool(word & USER))

    def judge(self, rights: Rights, access: Access, user: bool, controls: X86Controls) -> Stop | None:
        """SDM 4.6.1, once the leaf is in hand."""
        return _forbidden(rights, access, user, controls)

    def report(self, kind: str, level: int | None, access: Access, user: bool, controls: X86Controls) -> Report:
        """SDM 4.7; RSVD implies P."""
        if kind == "non-canonical":
            return Report("#GP", 0)
        if kind == "bus-error":
            return Report("none: what a read of no memory gives is up to the chipset", None)
        fetch = access == "execute" and (controls.nxe or controls.smep)
        bits = (kind != "not-present", access == "write", user, kind == "reserved", fetch)
        return Report("#PF", sum(bit << place for place, bit in enumerate(bits)), ERROR_CODE)

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """R/W, U/S, XD, and G in a leaf."""
        word = (WRITABLE if rights.write else 0) | (USER if rights.user else 0)
        if not rights.execute:
            word |= EXECUTE_DISABLE
        return word | (GLOBAL if shared and descriptor.kind == "leaf" else 0)

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """The rights in one descriptor, NXE taken as set."""
        return Rights(True, bool(word & WRITABLE), not word & EXECUTE_DISABLE, bool(word & USER))

    def accessed(self, descriptor: Descriptor, write: bool) -> int:
        """SDM 4.8: A in every descriptor used, D in the leaf of a write."""
        return ACCESSED | (DIRTY if write and descriptor.kind == "leaf" else 0)

    @staticmethod
    def _reserved(level: Level, descriptor: Descriptor, controls: X86Controls) -> int:
        reserved = descriptor.reserved | (1 << 52) - (1 << controls.maxphyaddr)
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
