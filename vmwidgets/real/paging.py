"""Page tables from a processor's registers: the format, the root and the settings of a walk.

Each architecture is a function of the registers that it names.  Formats that this package does not have (16 KiB
granules, Sv48, ARM's long descriptors …) are refused in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from ..engine.base.errors import Refused
from ..engine.mmu.format import TableFormat
from ..engine.mmu.formats.aarch64 import AARCH64, Aarch64Controls
from ..engine.mmu.formats.armv7 import ARMV7, Armv7Controls
from ..engine.mmu.formats.riscv import SV39, RiscvControls
from ..engine.mmu.formats.x86 import ACCESSED, X86_32, X86_64, X86_64_LA57, X86_PAE, X86Controls

Registers = Mapping[str, int]


@frozen
class Paging:
    """The beginning of a processor's walks, and the settings that they depend on."""

    fmt: TableFormat[Any]
    root: int
    controls: Any
    not_the_guests: tuple[int, int] = (0, 0)
    """Bits that the emulator itself sets in the root table: the number of descriptors, and the bits."""
    about: str = ""
    """A further remark, in words."""


class NoPaging(Refused):
    """Raised if the processor does not translate addresses yet."""


@frozen
class Processor:
    """A family of processors: the registers that control paging, and a function that reads them."""

    registers: tuple[str, ...]
    read: Callable[[Registers], Paging]


def _bit(word: int, number: int) -> bool:
    return bool(word >> number & 1)


def _x86(registers: Registers) -> Paging:
    """Read x86's registers: Intel SDM 3A, 4.1.1 (the mode), 4.5 (the root), 4.6 (rights)."""
    cr0, cr3, cr4 = (registers.get(name, 0) for name in ("cr0", "cr3", "cr4"))
    efer, flags = registers.get("efer", 0), registers.get("eflags", 0)
    if not _bit(cr0, 31):
        raise NoPaging(
            "CR0.PG is 0: this processor translates no addresses yet. Look again when the kernel has run on."
        )
    pae, long_mode = _bit(cr4, 5), _bit(efer, 10)
    fmt: TableFormat[X86Controls]
    set_by_emulator = 0, 0
    if long_mode:
        fmt, root = (X86_64_LA57 if _bit(cr4, 12) else X86_64), cr3 & 0x000F_FFFF_FFFF_F000
    elif pae:
        fmt, root = X86_PAE, cr3 & 0xFFFF_FFE0
        set_by_emulator = 4, ACCESSED  # QEMU 7.2 does; SDM 4.4.1: bit 5 of a PDPTE is reserved
    else:
        fmt, root = X86_32, cr3 & 0xFFFF_F000
    controls = X86Controls(
        wp=_bit(cr0, 16),
        smep=_bit(cr4, 20),
        smap=_bit(cr4, 21),
        ac=_bit(flags, 18),
        nxe=_bit(efer, 11),
        maxphyaddr=52,
        pse=_bit(cr4, 4),
    )
    about = "bits of physical addresses not checked, since no register says how many there are"
    return Paging(fmt, root, controls, set_by_emulator, about)


def _riscv(registers: Registers) -> Paging:
    """Read RISC-V's registers: Privileged 20211203, 4.1.11 (satp), 4.1.1.1 (mstatus)."""
    satp, status = registers.get("satp", 0), registers.get("mstatus", registers.get("sstatus", 0))
    mode = satp >> 60
    machine = registers.get("priv") == 3
    if mode == 0:
        why = " (the hart is in machine mode, M)" if machine else ""
        raise NoPaging(f"satp.MODE is 0{why}: this hart translates no addresses before kvminithart.")
    if mode != 8:
        name = {9: "Sv48", 10: "Sv57"}.get(mode, "reserved")
        raise Refused(f"satp.MODE is {mode} ({name}): only Sv39 (8) is known here")
    controls = RiscvControls(sum=_bit(status, 18), mxr=_bit(status, 19))
    about = "the hart is in machine mode now, where addresses are not translated" if machine else ""
    return Paging(SV39, (satp & (1 << 44) - 1) << 12, controls, about=about)


def _arm(registers: Registers) -> Paging:
    """Read ARMv7's registers: ARM DDI 0406C, B3.5.4 (the roots), B4.1.130 (SCTLR), B4.1.153 (TTBCR)."""
    sctlr, ttbcr = registers.get("SCTLR", 0), registers.get("TTBCR", 0)
    if not _bit(sctlr, 0):
        raise NoPaging(
            "SCTLR.M is 0: this processor translates no addresses yet. Look again when the kernel has run on."
        )
    if _bit(ttbcr, 31):
        raise Refused("TTBCR.EAE is 1: only short descriptors are known here, not the long ones (LPAE)")
    n = ttbcr & 7
    controls = Armv7Controls(
        dacr=registers.get("DACR", 0) & 0xFFFF_FFFF,
        afe=_bit(sctlr, 29),
        tre=_bit(sctlr, 28),
        ttbcr_n=n,
        ttbr1=registers.get("TTBR1", 0) & 0xFFFF_C000,
        pd0=_bit(ttbcr, 4),
        pd1=_bit(ttbcr, 5),
    )
    return Paging(ARMV7, registers.get("TTBR0", 0) & 0xFFFF_FFFF & -(1 << 14 - n), controls)


_GRANULES = {0: {0: 4, 1: 64, 2: 16}, 1: {2: 4, 3: 64, 1: 16}}
"""The granule in KiB by TCR_EL1.TG0 and by TG1, which encode it differently."""

_PA_BITS = (32, 36, 40, 42, 44, 48, 48, 48)


def _aarch64(registers: Registers) -> Paging:
    """Read AArch64's registers: ARM DDI 0487, D17.2.131 (TCR_EL1), D5.2 (the roots)."""
    sctlr, tcr = registers.get("SCTLR", 0), registers.get("TCR_EL1", 0)
    if not _bit(sctlr, 0):
        raise NoPaging("SCTLR_EL1.M is 0: this processor translates no addresses yet. Look again later.")
    controls = Aarch64Controls(
        wxn=_bit(sctlr, 19),
        ha=_bit(tcr, 39),
        pa_bits=_PA_BITS[tcr >> 32 & 7],
        ttbr1=registers.get("TTBR1_EL1", 0) & 0x0000_FFFF_FFFF_F000,
        epd0=_bit(tcr, 7),
        epd1=_bit(tcr, 23),
    )
    for which, low, off in ((0, 0, controls.epd0), (1, 16, controls.epd1)):
        size, granule = tcr >> low & 63, _GRANULES[which].get(tcr >> 14 + which * 16 & 3, 0)
        if not off and (size, granule) != (16, 4):
            raise Refused(
                f"TCR_EL1 says {64 - size} bits of address and a granule of {granule} KiB for TTBR{which}_EL1: only 48"
                " bits and 4 KiB are known here"
            )
    return Paging(AARCH64, registers.get("TTBR0_EL1", 0) & 0x0000_FFFF_FFFF_F000, controls)


PROCESSORS: dict[str, Processor] = {
    "i386": Processor(("cr0", "cr3", "cr4", "efer", "eflags"), _x86),
    "riscv": Processor(("satp", "mstatus", "sstatus", "priv"), _riscv),
    "arm": Processor(("SCTLR", "TTBCR", "TTBR0", "TTBR1", "DACR"), _arm),
    "aarch64": Processor(("SCTLR", "TCR_EL1", "TTBR0_EL1", "TTBR1_EL1"), _aarch64),
}
"""The families by the first word of the architecture's name in the port's description."""


def processor_of(architecture: str) -> Processor:
    """Return the family of processors that the port's description names."""
    found = PROCESSORS.get(architecture.partition(":")[0])
    if found is None:
        raise Refused(f"the guest's processor is {architecture!r}: known are x86, RISC-V, ARM and AArch64")
    return found
