"""The results of a paper machine: an access with everything that an exam asks for, and a number with its formula."""

from __future__ import annotations

from dataclasses import field
from fractions import Fraction
from typing import Any, NamedTuple

from ..engine.base.errors import in_ascii
from ..engine.base.frozen import frozen
from ..engine.base.units import Address
from ..engine.mmu.tables import TablesWalk
from ..engine.mmu.tlb_schema import TlbValue

OUTSIDE = "out of the address space"
PROTECTION = "protection"


@frozen(slots=False, repr=False)
class Worked:
    """A number, and how it is computed: the formula in words, and the same with the numbers."""

    name: str
    value: Any
    """The number: a whole number, a fraction, or nanoseconds."""
    words: str
    """The number with its unit."""
    lines: tuple[str, ...]
    parts: tuple[tuple[str, Any], ...] = ()
    """Other numbers of the same question, by name."""

    def __float__(self) -> float:
        """Return the number."""
        return float(self.value)

    @in_ascii
    def __repr__(self) -> str:
        more = [f"{name}: {value}" for name, value in self.parts]
        return "\n".join((f"{self.name}: {self.words}", *(f"  = {line}" for line in self.lines), *more))


class PathStep(NamedTuple):
    """One level of a walk: the index, the entry's physical address, and the entry."""

    level: int
    """1 is the root."""
    name: str
    index: int  # type: ignore[assignment]  # an exam's word for it, and a tuple's method
    address: Address | None
    """None if the question has no place for the table."""
    entry: int
    fields: dict[str, int]


@frozen(slots=False, repr=False)
class Access:
    """One access on paper, under an exam's names; None is a part that the machine does not have, or did not reach.

    `fault` is "" or one of: "out of the address space", "invalid at level k" (1 is the root), "protection".  A cell
    that ends with it draws it, and ``vm.picture(access).save("access.svg")`` writes the drawing to a file.
    """

    access: str
    """"read", "write" or "execute"."""
    va: Address
    vpn: int | None = None
    vpo: int | None = None
    tlbi: int | None = None
    tlbt: int | None = None
    hit: bool | None = None
    """Whether the TLB had the translation."""
    path: tuple[PathStep, ...] = ()
    """The entries that the walk read, from the root; empty after a TLB hit."""
    pfn: int | None = None
    pa: Address | None = None
    co: int | None = None
    ci: int | None = None
    ct: int | None = None
    cache_hit: bool | None = None
    cache_bits: tuple[tuple[str, int], ...] = ()
    """The bits of CO and of CI."""
    byte: int | None = None
    """The byte (or word) at the physical address, if the memory or the cache is given."""
    fault: str = ""
    why: str = ""
    """The fault in a sentence."""
    bits: tuple[tuple[str, int], ...] = ()
    """The parts of the address that is divided, with their bits, from the top."""
    va_bits: int = 0
    pa_bits: int = 0
    walk: TablesWalk | None = field(default=None, compare=False)
    """The same walk for pictures; None if no table was asked."""
    tlb: TlbValue | None = field(default=None, compare=False)
    """The TLB after the access."""
    segment: str = ""
    """The segment's name, if the machine has segments."""
    note: str = ""
    """The segment's step in words, if the machine has segments."""
    linear: Address | None = None
    """The segment's base and the offset together, which the tables translate; None without segments or pages."""
    is_given: bool = False
    """Whether the question gives the tables' bits and places, so that the solution has them too."""

    @property
    def reads(self) -> int:
        """The number of entries that the walk read."""
        return len(self.path)

    @property
    def divided(self) -> Address:
        """The address whose bits have names: the linear address of segments with pages, and else the virtual one."""
        return self.va if self.linear is None else self.linear

    @property
    def split(self) -> str:
        """The divided address in binary, cut into its parts: "1111 1110 000000"."""
        digits, said = f"{self.divided:0{self.va_bits}b}", []
        for _, bits in self.bits:
            said.append(digits[:bits])
            digits = digits[bits:]
        return " ".join(said)

    @property
    def worked(self) -> tuple[str, ...]:
        """The solution, a line for each step."""
        first_note = [] if self.linear is None else self.note.splitlines()
        lines = [*first_note]
        if self.bits:
            names = ", ".join(f"{name} {bits}" for name, bits in self.bits)
            what = "VA" if self.linear is None else "linear"
            lines.append(f"{what} {_hex(self.divided, self.va_bits)} = {self.split} (bits: {names})")
        first = [("VPN", self.vpn), ("VPO", self.vpo), ("TLBI", self.tlbi), ("TLBT", self.tlbt)]
        if self.vpn is not None:
            lines.append(_row(first) + ("" if self.hit is None else f"  TLB {'hit' if self.hit else 'miss'}"))
        for step in self.path:
            at = f" at {step.address} is {step.entry:#x}" if self.is_given and step.address is not None else ""
            at = f" is {step.entry:#x}" if self.is_given and step.address is None else at
            fields = ", ".join(f"{name} {of_field(value)}" for name, value in step.fields.items())
            lines.append(f"{step.name} {step.index} ({step.index:#x}){at}: {fields}")
        if self.note and not first_note:
            lines.append(self.note)
        if self.fault:
            return (*lines, f"fault: {self.fault}: {self.why}")
        pfn = "" if self.pfn is None else f"PFN {self.pfn:#x}, so "
        lines.append(f"{pfn}PA {_hex(Address(0) if self.pa is None else self.pa, self.pa_bits)}")
        if self.ci is not None:
            parts = _row([("CO", self.co), ("CI", self.ci), ("CT", self.ct)])
            lines.append(f"{parts}  cache {'hit' if self.cache_hit else 'miss'}")
        if self.byte is not None:
            lines.append(f"value {self.byte:#04x}")
        return tuple(lines)

    @property
    def book(self) -> str:
        """The solution in the lines of the homework programs of "Operating Systems: Three Easy Pieces"; "" if none."""
        if self.vpn is None or self.segment:
            return ""
        if len(self.path) < 2:
            if self.fault:
                return f"VA {int(self.va):#010x} (decimal: {int(self.va):8d}) -->  Invalid (VPN {self.vpn} not valid)"
            return (
                f"VA {int(self.va):#010x} (decimal: {int(self.va):8d}) --> {int(self.pa or 0):08x} "
                f"(decimal {int(self.pa or 0):8d}) [VPN {self.vpn}]"
            )
        lines = [f"Virtual Address {int(self.va):04x}:"]
        for depth, step in enumerate(self.path, 1):
            name = step.name.lower() if len(self.path) == 2 else f"level {step.level}"  # a directory and a table
            valid = int(any(step.fields.get(bit) for bit in ("V", "P")))
            pfn = step.fields.get("PFN", 0)
            said = f"(valid {valid}, pfn {pfn:#04x})"
            lines.append(f"{'  ' * depth}--> {name} index:{step.index:#x}  {name} contents:{said}")
        indent = "  " * (len(self.path) + 1)
        if self.fault:
            lines.append(f"{indent}--> Fault ({self.fault})")
        else:
            value = "" if self.byte is None else f" --> Value: {self.byte:02x}"
            lines.append(f"{indent}--> Translates to Physical Address {int(self.pa or 0):#x}{value}")
        return "\n".join(lines)

    @in_ascii
    def __repr__(self) -> str:
        return "\n".join((f"{self.access} {_hex(self.va, self.va_bits)}", *(f"  {line}" for line in self.worked)))


def _row(parts: list[tuple[str, int | None]]) -> str:
    return "  ".join(f"{name} {value:#x}" for name, value in parts if value is not None)


def of_field(value: int) -> str:
    """Return the contents of an entry's field: a bit as 0 or 1, a number in hexadecimal."""
    return f"{value:#x}" if value > 1 else f"{value}"


def _hex(value: int, bits: int) -> str:
    return f"{value:#0{2 + -(-bits // 4)}x}"


def exact(value: Fraction) -> int | Fraction:
    """Return a whole number as one."""
    return int(value) if value.denominator == 1 else value
