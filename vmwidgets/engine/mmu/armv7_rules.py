"""What the ARM manual says in words about short descriptors: the choice of table, domains, rights, status codes.

ARM DDI 0406C, B3.5 (short-descriptor format), B3.7 (memory access control), B3.12 and B3.13 (faults).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..base.units import Address
from ..base.walk_values import Field, Rights, Syndrome
from .controls import Armv7Controls
from .format import Access, Descriptor, Entry, Level
from .rules import Report, Rules, Start, Stop

_STATUS = {
    "not-present": (0b00101, 0b00111),
    "access-flag": (0b00011, 0b00110),
    "domain": (0b01001, 0b01011),
    "protection": (0b01101, 0b01111),
    "bus-error": (0b01100, 0b01110),
}
"""FS[4:0] for a fault at the first and at the second level: B3.13.3, table B3-23."""

STATUS_CODE = (Field("FS", 0, 4, "fault status: translation 5/7, access flag 3/6, domain 9/11, permission 13/15"),)
DFSR = (
    Field("FS[3:0]", 0, 3, "fault status"),
    Field("domain", 4, 7, "domain of the first-level descriptor (not for every fault)"),
    Field("LPAE", 9, 9, "0: short descriptors"),
    Field("FS[4]", 10, 10, "fault status, highest bit"),
    Field("WnR", 11, 11, "the access was a write"),
)
"""The data fault status register, B4.1.52."""
IFSR = (Field("FS[3:0]", 0, 3, "fault status"), Field("LPAE", 9, 9, "0: short descriptors"), DFSR[3])
"""The instruction fault status register, B4.1.96."""

_NONE, _READ, _WRITE = "nothing", "read", "read and write"
_MAY = (
    (_NONE, _NONE),
    (_WRITE, _NONE),
    (_WRITE, _READ),
    (_WRITE, _WRITE),
    (_NONE, _NONE),
    (_READ, _NONE),
    (_READ, _READ),
    (_READ, _READ),
)
"""What AP[2:0] lets the supervisor and user code do: B3.7.1, table B3-8.  100 is reserved; 110 is an older 111."""

MANAGER, CLIENT = 0b11, 0b01


class Armv7Rules(Rules[Armv7Controls]):
    """B3.12.2, order of checks: first level, second level, access flag, domain, permission."""

    inherited = ("domain", "NS", "PXN")

    def start(self, level: Level, root: int, va: int, controls: Armv7Controls) -> Start | Stop:
        """B3.5.4: any of the N highest bits set means TTBR1; the table of TTBR0 is as much smaller."""
        n = controls.ttbcr_n
        upper = bool(n and va >> 32 - n)
        if controls.pd1 if upper else controls.pd0:
            which = int(upper)
            return Stop("not-present", f"TTBCR.PD{which} is 1: no walks from TTBR{which}, which is for {Address(va)}")
        if upper:
            return Start(controls.ttbr1, level)
        return Start(root, replace(level, bits=level.bits - n) if n else level)

    def start_shift(self, controls: Armv7Controls) -> int:
        """The N highest bits."""
        return 32 - controls.ttbcr_n

    def read_as(self, level: Level, word: int, controls: Armv7Controls) -> Descriptor:
        """B3.5.1: without PXN a first-level descriptor of type 11 is reserved, and faults as an absent one."""
        if not controls.pxn and level.number == 2 and word & 3 == 3:
            return level.descriptors[0]
        return level.read_as(word)

    def unfit(self, level: Level, descriptor: Descriptor, word: int, controls: Armv7Controls) -> Stop | None:
        """A descriptor that maps nothing."""
        if descriptor.kind != "invalid":
            return None
        why = "bits 1:0 are 00, so nothing is mapped here" if word & 3 == 0 else "type 11 needs PXN, so it is reserved"
        return Stop("not-present", f"the {level.name} is {word:#x}: {why}")

    def gather(self, rights: Rights, descriptor: Descriptor, word: int, controls: Armv7Controls) -> Rights:
        """What the leaf says; of the first level PXN takes part, where user code may not enter."""
        if descriptor.kind == "table":
            return rights._replace(execute=not (controls.pxn and Entry(_ANY, descriptor, word).value("PXN")))
        own = _rights(Entry(_ANY, descriptor, word), afe=controls.afe)
        return own if own.user else own._replace(execute=own.execute and rights.execute)

    def judge(
        self, path: Sequence[Entry], rights: Rights, access: Access, user: bool, controls: Armv7Controls
    ) -> Stop | None:
        """Access flag, domain, permission."""
        leaf = path[-1]
        if controls.afe and not controls.ha and not leaf.value("AP") & 1:
            return Stop("access-flag", f"the {leaf.level.name} is {leaf.word:#x}: the access flag (AP[0]) is 0")
        domain = domain_of(path)
        allowed = controls.dacr >> 2 * domain & 3
        if allowed == MANAGER:
            return None
        if allowed != CLIENT:
            return Stop("domain", f"domain {domain} is closed: DACR has {allowed:02b} for it")
        return _forbidden(path, access, user, controls)

    def report(self, stop: Stop, path: Sequence[Entry], access: Access, user: bool, controls: Armv7Controls) -> Report:
        """B3.13.3: the status code, and the register that has it."""
        second = len(path) == 1 if stop.kind == "bus-error" else len(path) == 2
        code = _STATUS[stop.kind][second]
        status = code & 0xF | (code >> 4) << 10
        if access == "execute":
            return Report("Prefetch Abort", code, STATUS_CODE, Syndrome("IFSR", status, IFSR))
        # The domain is valid where a first-level descriptor had one: not for a first-level translation fault.
        domain = domain_of(path) if path and path[0].descriptor.kind != "invalid" else 0
        value = status | domain << 4 | (access == "write") << 11
        return Report("Data Abort", code, STATUS_CODE, Syndrome("DFSR", value, DFSR))

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """AP, XN and nG; domain 0, no PXN in a leaf.

        AP[0] is set: so AP means the same with and without the access-flag model.
        """
        never = not rights.execute
        if descriptor.kind == "table":
            return _put(descriptor, {"PXN": never})
        ap = 0b11 if rights.user else 0b01
        return _put(descriptor, {"AP": ap, "AP[2]": not rights.write, "XN": never, "nG": not shared})

    def rights_bits(self, descriptor: Descriptor) -> int:
        """AP, XN and PXN of a leaf; PXN of a table."""
        names = ("PXN",) if descriptor.kind == "table" else ("AP", "AP[2]", "XN", "PXN")
        return sum(field.mask for field in descriptor.fields if field.name in names)

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """The rights in one descriptor, in the access-flag model; a table's knows but PXN."""
        if descriptor.kind == "table":
            return Rights(execute=not Entry(_ANY, descriptor, word).value("PXN"))
        return _rights(Entry(_ANY, descriptor, word), afe=False)

    def accessed(self, descriptor: Descriptor, write: bool, controls: Armv7Controls) -> int:
        """B3.7.2: the access flag, where the hardware sets it (SCTLR.HA)."""
        return _put(descriptor, {"AP": 1}) if controls.afe and controls.ha and descriptor.kind == "leaf" else 0


def domain_of(path: Sequence[Entry]) -> int:
    """The domain of a walk: that of the first-level descriptor; a supersection is in domain 0 (B3.5.1)."""
    return path[0].value("domain")


def _forbidden(path: Sequence[Entry], access: Access, user: bool, controls: Armv7Controls) -> Stop | None:
    leaf = path[-1]
    ap = _access_permissions(leaf, controls.afe)
    may = _MAY[ap][user]
    who = "user code" if user else "the supervisor"
    if may == _NONE or (access == "write" and may == _READ):
        least = "only read" if may == _READ else "do nothing"
        return Stop("protection", f"{who} may {least} here: AP is {ap:03b} in the {leaf.level.name}")
    if access != "execute":
        return None
    if leaf.value("XN"):
        return Stop("protection", f"nothing may be fetched from here: XN is 1 in the {leaf.level.name}")
    if not user and controls.pxn and path[0].value("PXN"):
        return Stop("protection", f"the supervisor may fetch nothing from here: PXN is 1 in the {path[0].level.name}")
    return None


def _rights(leaf: Entry, *, afe: bool) -> Rights:
    supervisor, user = _MAY[_access_permissions(leaf, afe)]
    may = supervisor if user == _NONE else user
    fetch = not leaf.value("XN") and not (user == _NONE and leaf.value("PXN"))
    return Rights(may != _NONE, may == _WRITE, fetch, user != _NONE)


def _access_permissions(leaf: Entry, afe: bool) -> int:
    """AP[2:0]; with SCTLR.AFE bit 0 is the access flag, and the rights are those of AP[0] = 1 (B3.7.1, table B3-7)."""
    return leaf.value("AP[2]") << 2 | leaf.value("AP") | afe


def _put(descriptor: Descriptor, values: dict[str, int]) -> int:
    return sum(
        int(value) << field.low for field in descriptor.fields for name, value in values.items() if name == field.name
    )


_ANY = Level(0, "", "", 0, 0, ())
"""For a descriptor looked at by itself."""
