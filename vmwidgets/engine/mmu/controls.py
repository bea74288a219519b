"""The processor's settings that a walk depends on, one frozen record a family."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ..base.errors import Refused, shown

_RANGES = {
    "maxphyaddr": (32, 52, 1),
    "pa_bits": (32, 48, 1),
    "dacr": (0, (1 << 32) - 1, 1),
    "ttbcr_n": (0, 7, 1),
    "ttbr1": (0, (1 << 48) - 4096, 4096),
}
"""What numbers may be: lowest, highest, and a multiple of what."""


def _check(controls: Any) -> None:
    """Refuse settings that no processor has."""
    for one in fields(controls):
        value = getattr(controls, one.name)
        if one.name not in _RANGES:
            if not isinstance(value, bool):
                raise Refused(f"{one.name}={shown(value)}: this setting is True or False")
            continue
        low, high, unit = _RANGES[one.name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high or value % unit:
            multiple = f" and a multiple of {unit}" if unit > 1 else ""
            raise Refused(f"{one.name}={shown(value)}: it is a whole number from {low:#x} to {high:#x}{multiple}")


@dataclass(frozen=True, slots=True)
class X86Controls:
    """Intel SDM volume 3A, 4.1 and 4.6."""

    wp: bool = True
    """CR0.WP: supervisor writes obey R/W."""
    smep: bool = False
    """CR4.SMEP: the supervisor fetches nothing from user pages."""
    smap: bool = False
    """CR4.SMAP: the supervisor touches no data in user pages, unless `ac`."""
    ac: bool = False
    """RFLAGS.AC: lifts SMAP."""
    nxe: bool = True
    """EFER.NXE: bit 63 of a descriptor forbids fetches; without, it is reserved.  32-bit tables have no such bit."""
    maxphyaddr: int = 40
    """Bits of a physical address; the bits above, up to 51, are reserved in descriptors."""
    gib_pages: bool = True
    """CPUID Page1GB: a PDPTE may map a 1 GiB page."""
    pse: bool = True
    """CR4.PSE: a PDE of 32-bit tables may map a 4 MiB page; the other formats have large pages without."""

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Armv7Controls:
    """ARM DDI 0406C, B3.5 and B3.7; short descriptors, that is TTBCR.EAE = 0."""

    dacr: int = 0x5555_5555
    """Two bits a domain: 00 no access, 01 client (rights are checked), 11 manager (they are not)."""
    afe: bool = False
    """SCTLR.AFE: AP[0] is the access flag."""
    ha: bool = False
    """SCTLR.HA: the hardware sets the access flag itself; without, a page that lacks it faults."""
    tre: bool = False
    """SCTLR.TRE: how TEX, C and B are read; no address and no right depends on it."""
    pxn: bool = True
    """Whether the processor has PXN (those with the Large Physical Address Extension have)."""
    ttbcr_n: int = 0
    """TTBCR.N: addresses with any of the top N bits set are translated from `ttbr1`."""
    ttbr1: int = 0
    """Physical address of the table for these, always of 16 KiB."""
    pd0: bool = False
    """TTBCR.PD0: no walks from TTBR0."""
    pd1: bool = False
    """TTBCR.PD1: no walks from TTBR1."""

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class Aarch64Controls:
    """ARM DDI 0487, D5.2 to D5.4 (D8.2 to D8.4 from issue H); EL1&0 stage 1, T0SZ = T1SZ = 16."""

    wxn: bool = False
    """SCTLR_EL1.WXN: what is writable at an exception level is not executable there."""
    ha: bool = False
    """TCR_EL1.HA: the hardware sets AF itself; without, a page that lacks it faults."""
    pa_bits: int = 48
    """TCR_EL1.IPS: bits of a physical address; a descriptor that holds more gives an address size fault."""
    ttbr1: int = 0
    """Physical address of the root table for addresses whose bits 63:48 are all 1."""
    epd0: bool = False
    """TCR_EL1.EPD0: no walks from TTBR0."""
    epd1: bool = False
    """TCR_EL1.EPD1: no walks from TTBR1."""

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True)
class RiscvControls:
    """RISC-V Privileged 20211203, 3.1.6.3, 4.3 and 4.4."""

    sum: bool = False
    """mstatus.SUM: the supervisor may touch data in user pages."""
    mxr: bool = False
    """mstatus.MXR: what is executable is readable."""
    adue: bool = True
    """menvcfg.ADUE (Svadu): the hardware sets A and D itself; without (Svade), a page that lacks them faults."""

    def __post_init__(self) -> None:
        _check(self)
