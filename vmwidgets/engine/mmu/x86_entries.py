"""The descriptors that the x86 formats have in common: Intel SDM volume 3A, tables 4-3 to 4-20."""

from __future__ import annotations

from ..base.walk_values import Field
from .format import AddressBits, Descriptor
from .rules import bits
from .x86 import PAGE_SIZE, PRESENT

P = Field("P", 0, 0, "present: the descriptor is in use")
RW = Field("R/W", 1, 1, "0: what it covers may not be written")
US = Field("U/S", 2, 2, "0: user code may not touch what it covers")
PWT = Field("PWT", 3, 3, "write-through caching")
PCD = Field("PCD", 4, 4, "caching off")
A = Field("A", 5, 5, "the processor has used it")
D = Field("D", 6, 6, "the processor has written to the page")
PS = Field("PS", 7, 7, "1: it maps a page; 0: it refers to a table")
G = Field("G", 8, 8, "global: the translation stays when CR3 is written")
PK = Field("PK", 59, 62, "protection key, when CR4.PKE or CR4.PKS is set")
XD = Field("XD", 63, 63, "1: nothing may be fetched from what it covers (with EFER.NXE)")
PAT = Field("PAT", 7, 7, "memory type")
PAT_LARGE = Field("PAT", 12, 12, "memory type")
COMMON = (P, RW, US, PWT, PCD, A)


class Entries:
    """Descriptors of 8 bytes as one section of the manual has them, with or without protection keys."""

    def __init__(self, section: str, *, keys: bool) -> None:
        self.section = section
        self._upper = (PK, XD) if keys else (XD,)

    def absent(self, name: str) -> Descriptor:
        """P = 0."""
        return absent(name, self.section)

    def table(self, name: str, target: str, reserved: int = 0) -> Descriptor:
        """PS = 0."""
        fields = (*COMMON, PS, Field("address", 12, 51, f"bits 51:12 of the {target}'s address"), XD)
        return table(name, target, self.section, fields, 51, reserved)

    def large(self, name: str, size: str, shift: int) -> Descriptor:
        """PS = 1."""
        address = Field("address", shift, 51, f"bits 51:{shift} of the page's address")
        fields = (*COMMON, D, PS, G, PAT_LARGE, address, *self._upper)
        place = (AddressBits(shift, 51, shift),)
        return large(name, size, self.section, place, fields, bits(shift - 1, 13))

    def page(self) -> Descriptor:
        """A PTE."""
        address = Field("address", 12, 51, "bits 51:12 of the page's address")
        return page(self.section, (*COMMON, D, PAT, G, address, *self._upper), 51)


def absent(name: str, section: str) -> Descriptor:
    """A descriptor that is not present."""
    return Descriptor(f"{name} that is not present", "invalid", PRESENT, 0, section, (), (P,))


def table(
    name: str, target: str, section: str, fields: tuple[Field, ...], highest: int, reserved: int = 0
) -> Descriptor:
    """A descriptor of a table, whose address goes up to bit `highest`."""
    place = (AddressBits(12, highest, 12),)
    return Descriptor(f"{name} of a {target}", "table", PRESENT, PRESENT, section, place, fields, reserved)


def large(
    name: str, size: str, section: str, place: tuple[AddressBits, ...], fields: tuple[Field, ...], reserved: int
) -> Descriptor:
    """A descriptor of a large page."""
    kind = PRESENT | PAGE_SIZE
    return Descriptor(f"{name} of a {size} page", "leaf", kind, kind, section, place, fields, reserved)


def page(section: str, fields: tuple[Field, ...], highest: int) -> Descriptor:
    """A descriptor of a 4 KiB page."""
    place = (AddressBits(12, highest, 12),)
    return Descriptor("PTE of a 4 KiB page", "leaf", PRESENT, PRESENT, section, place, fields)
