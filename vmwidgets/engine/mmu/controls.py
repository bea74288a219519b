"""The processor's settings that a walk depends on, one frozen record a family."""

from __future__ import annotations

from dataclasses import dataclass


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
    """EFER.NXE: bit 63 of a descriptor forbids fetches; without, it is reserved."""
    maxphyaddr: int = 40
    """Bits of a physical address; the bits above, up to 51, are reserved in descriptors."""
    gib_pages: bool = True
    """CPUID Page1GB: a PDPTE may map a 1 GiB page."""
