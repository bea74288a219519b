"""ARMv7-A short descriptors: pages of 4 KiB and 64 KiB, sections of 1 MiB, supersections of 16 MiB.

ARM DDI 0406C, B3.5 (format), B3.7 (rights), B3.12 and B3.13 (faults).  A large page and a supersection fill 16
neighbouring slots each, from a multiple of 16 on.  First-level table: 16 KiB; second-level table: 1 KiB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from ...base.frozen import frozen
from ...base.units import Address
from ..format import KernelPlace, TableFormat
from ..levels import AddressBits, Descriptor, Level, WalkEntry
from ..rules import Access, Controls, FaultReport, NumberLimits, Rules, Start, Stop
from ..tables_schema import Field, Rights, Syndrome

_STATUS = {
    "not-present": (0b00101, 0b00111),
    "access-flag": (0b00011, 0b00110),
    "domain": (0b01001, 0b01011),
    "protection": (0b01101, 0b01111),
    "bus-error": (0b01100, 0b01110),
}
"""FS[4:0] for a fault at the first and at the second level: B3.13.3, table B3-23."""

STATUS = {
    0b00001: "alignment fault",
    0b00100: "instruction cache maintenance fault",
    0b00101: "translation fault of a section",
    0b00111: "translation fault of a page",
    0b00011: "access flag fault of a section",
    0b00110: "access flag fault of a page",
    0b01001: "domain fault of a section",
    0b01011: "domain fault of a page",
    0b01101: "permission fault of a section",
    0b01111: "permission fault of a page",
    0b01100: "external abort on a walk, first level",
    0b01110: "external abort on a walk, second level",
    0b01000: "synchronous external abort",
    0b00010: "debug event",
    0b10110: "asynchronous external abort",
    0b10000: "TLB conflict abort",
}
"""The meanings of FS[4:0] with short descriptors."""

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
"""The rights of the supervisor and of user code for AP[2:0]: B3.7.1, table B3-8.

100 is reserved; 110 is an older form of 111.
"""

MANAGER, CLIENT = 0b11, 0b01


@frozen
class Armv7Controls(Controls):
    """ARM DDI 0406C, B3.5 and B3.7; short descriptors, that is TTBCR.EAE = 0."""

    numbers: ClassVar[Mapping[str, NumberLimits]] = {
        "dacr": NumberLimits(0, (1 << 32) - 1),
        "ttbcr_n": NumberLimits(0, 7),
        "ttbr1": NumberLimits(0, (1 << 32) - 4096, 4096),
    }

    dacr: int = 0x5555_5555
    """Two bits for each domain: 00 no access, 01 client (rights are checked), 11 manager (rights are not checked)."""
    afe: bool = False
    """SCTLR.AFE: AP[0] is the access flag."""
    ha: bool = False
    """SCTLR.HA: the hardware sets the access flag itself; without HA, a page that lacks the flag faults."""
    tre: bool = False
    """SCTLR.TRE: how TEX, C and B are read; addresses and rights don't depend on it."""
    pxn: bool = True
    """Whether the processor has PXN (processors with the Large Physical Address Extension have it)."""
    ttbcr_n: int = 0
    """TTBCR.N: addresses with any of the top N bits set are translated from `ttbr1`."""
    ttbr1: int = 0
    """The physical address of the root table for addresses with any of the top N bits set; it always has 16 KiB."""
    pd0: bool = False
    """TTBCR.PD0: no walks from TTBR0."""
    pd1: bool = False
    """TTBCR.PD1: no walks from TTBR1."""


class Armv7Rules(Rules[Armv7Controls]):
    """B3.12.2, order of checks: first level, second level, access flag, domain, permission."""

    inherited = ("domain", "NS", "PXN")

    def start(self, level: Level, root: int, va: int, controls: Armv7Controls) -> Start | Stop:
        """Choose TTBR1 if any of the N highest bits is set; the table of TTBR0 is smaller accordingly (B3.5.4)."""
        n = controls.ttbcr_n
        upper = bool(n and va >> 32 - n)
        if controls.pd1 if upper else controls.pd0:
            which = int(upper)
            return Stop("not-present", f"TTBCR.PD{which} is 1: no walks from TTBR{which}, which is for {Address(va)}")
        if upper:
            return Start(controls.ttbr1, level)
        return Start(root, self.root_level(level, controls))

    def second_base(self, va: int, controls: Armv7Controls) -> tuple[str, int] | None:
        """Return TTBR1 if any of the N highest bits is set (B3.5.4)."""
        n = controls.ttbcr_n
        return ("TTBR1", controls.ttbr1) if n and va >> 32 - n else None

    def root_level(self, level: Level, controls: Armv7Controls) -> Level:
        """Return the level of the root: TTBCR.N makes the table of TTBR0 smaller (B3.5.4)."""
        return replace(level, bits=level.bits - controls.ttbcr_n) if controls.ttbcr_n else level

    def start_shift(self, controls: Armv7Controls) -> int:
        """Return the lowest of the N highest bits."""
        return 32 - controls.ttbcr_n

    def read_as(self, level: Level, word: int, controls: Armv7Controls) -> Descriptor:
        """Read a descriptor; without PXN, type 11 at the first level is reserved, and faults as if absent (B3.5.1)."""
        if not controls.pxn and level.number == 2 and word & 3 == 3:
            return level.descriptors[0]
        return level.read_as(word)

    def check_descriptor(self, level: Level, descriptor: Descriptor, word: int, controls: Armv7Controls) -> Stop | None:
        """Return the fault of a descriptor that maps nothing."""
        if descriptor.kind != "invalid":
            return None
        why = "bits 1:0 are 00, so nothing is mapped here" if word & 3 == 0 else "type 11 needs PXN, so it is reserved"
        return Stop("not-present", f"the {level.name} is {word:#x}: {why}")

    def narrow(self, rights: Rights, descriptor: Descriptor, word: int, controls: Armv7Controls) -> Rights:
        """Return the leaf's rights; PXN of the first level counts too, if user code has no access."""
        if descriptor.kind == "table":
            return rights._replace(execute=not (controls.pxn and WalkEntry(_ANY, descriptor, word).value("PXN")))
        own = _rights(WalkEntry(_ANY, descriptor, word), afe=controls.afe)
        return own if own.user else own._replace(execute=own.execute and rights.execute)

    def check_access(
        self, path: Sequence[WalkEntry], rights: Rights, access: Access, user: bool, controls: Armv7Controls
    ) -> Stop | None:
        """Check the access flag, the domain and the permission."""
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

    def report(
        self, stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: Armv7Controls
    ) -> FaultReport:
        """Report the status code, and the register that contains it (B3.13.3)."""
        second = len(path) == 1 if stop.kind == "bus-error" else len(path) == 2
        code = _STATUS[stop.kind][second]
        status = code & 0xF | (code >> 4) << 10
        if access == "execute":
            syndrome = Syndrome("IFSR", status, IFSR)
            return FaultReport("Prefetch Abort", code, STATUS_CODE, syndrome, STATUS[code], "IFAR")
        # The domain is valid if a first-level descriptor had one, so not for a first-level translation fault.
        domain = domain_of(path) if path and path[0].descriptor.kind != "invalid" else 0
        value = status | domain << 4 | (access == "write") << 11
        syndrome = Syndrome("DFSR", value, DFSR, "a write" if access == "write" else "a read")
        return FaultReport("Data Abort", code, STATUS_CODE, syndrome, STATUS[code], "DFAR")

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """Return AP, XN and nG; domain 0, and no PXN in a leaf.

        AP[0] is set, so AP means the same with and without the access-flag model.
        """
        never = not rights.execute
        if descriptor.kind == "table":
            return _put(descriptor, {"PXN": never})
        ap = 0b11 if rights.user else 0b01
        return _put(descriptor, {"AP": ap, "AP[2]": not rights.write, "XN": never, "nG": not shared})

    def rights_bits(self, descriptor: Descriptor) -> int:
        """Return AP, XN and PXN of a leaf, PXN of a table."""
        names = ("PXN",) if descriptor.kind == "table" else ("AP", "AP[2]", "XN", "PXN")
        return sum(field.mask for field in descriptor.fields if field.name in names)

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """Return the rights in one descriptor, in the access-flag model; a table has PXN only."""
        if descriptor.kind == "table":
            return Rights(execute=not WalkEntry(_ANY, descriptor, word).value("PXN"))
        return _rights(WalkEntry(_ANY, descriptor, word), afe=False)

    def accessed(self, descriptor: Descriptor, write: bool, controls: Armv7Controls) -> int:
        """Return the access flag, if the hardware sets it (SCTLR.HA; B3.7.2)."""
        return _put(descriptor, {"AP": 1}) if controls.afe and controls.ha and descriptor.kind == "leaf" else 0

    def is_global(self, path: Sequence[WalkEntry]) -> bool:
        """Return whether nG is 0 in the leaf (B3.9.1)."""
        return not path[-1].value("nG")

    def with_access_flag(self, controls: Armv7Controls) -> Armv7Controls:
        """Set SCTLR.AFE (B3.7.2)."""
        return replace(controls, afe=True)

    def without_access_flag(self, controls: Armv7Controls) -> Armv7Controls:
        """Clear SCTLR.AFE: AP[0] is a right (B3.7.1)."""
        return replace(controls, afe=False)

    def with_hardware_flags(self, controls: Armv7Controls) -> Armv7Controls:
        """Set SCTLR.HA (B3.7.2)."""
        return replace(controls, ha=True)


def domain_of(path: Sequence[WalkEntry]) -> int:
    """Return the domain of a walk, from the first-level descriptor; a supersection is in domain 0 (B3.5.1)."""
    return path[0].value("domain")


def _forbidden(path: Sequence[WalkEntry], access: Access, user: bool, controls: Armv7Controls) -> Stop | None:
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


def _rights(leaf: WalkEntry, *, afe: bool) -> Rights:
    supervisor, user = _MAY[_access_permissions(leaf, afe)]
    may = supervisor if user == _NONE else user
    fetch = not leaf.value("XN") and not (user == _NONE and leaf.value("PXN"))
    return Rights(may != _NONE, may == _WRITE, fetch, user != _NONE)


def _access_permissions(leaf: WalkEntry, afe: bool) -> int:
    """Return AP[2:0]; with SCTLR.AFE, bit 0 is the access flag, and AP[0] counts as 1 (B3.7.1, table B3-7)."""
    return leaf.value("AP[2]") << 2 | leaf.value("AP") | afe


def _put(descriptor: Descriptor, values: dict[str, int]) -> int:
    return sum(
        int(value) << field.low for field in descriptor.fields for name, value in values.items() if name == field.name
    )


_ANY = Level(0, "", "", 0, 0, ())
"""A level for rules that look at a single descriptor."""


# ---- levels and descriptors --------------------------------------------------------------------

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
    kernel_place=KernelPlace(0xC000_0000, 0xC040_0000),
    asid_bits=8,
)
"""The format has two levels."""
