"""The architectures of case files: their names, their options, and what these mean to a walk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from ...engine.base.errors import Refused, shown
from ...engine.base.units import Address, Size
from ...engine.mmu.format import TableFormat
from ...engine.mmu.formats import FORMATS

Value = bool | int


@dataclass(frozen=True, slots=True)
class Option:
    """An option: the control that it sets (none: it only says what is always so), and the values it can have."""

    control: str | None
    low: int = 0
    high: int = 1
    flag: bool = True

    def check(self, name: str, value: object) -> Value:
        """`value`, if the option can have it."""
        if self.flag:
            if not isinstance(value, bool):
                raise Refused(f"option {name!r} is {shown(value)}: it is true or false")
            return value
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            only = self.low if self.low == self.high else f"a whole number from {self.low:#x} to {self.high:#x}"
            raise Refused(f"option {name!r} is {shown(value)}: it is {only}")
        return value


def _flags(**controls: str) -> dict[str, Option]:
    return {name: Option(control) for name, control in controls.items()}


def _number(control: str | None, low: int, high: int) -> Option:
    return Option(control, low, high, flag=False)


_X86 = {**_flags(wp="wp", smep="smep", smap="smap", ac="ac"), "maxphyaddr": _number("maxphyaddr", 32, 52)}
_X86_64 = {**_X86, **_flags(nx="nxe", gib_pages="gib_pages")}


@dataclass(frozen=True)
class Architecture:
    """What a case file calls an architecture.  `always` are controls that its options can change, and that differ."""

    name: str
    fmt: TableFormat[Any]
    options: Mapping[str, Option]
    root_bits: int
    always: Mapping[str, Value] = field(default_factory=dict)

    def controls(self, given: Mapping[str, Any]) -> Any:
        """The processor's settings that options make; what is not given is as the format has it."""
        values: dict[str, Any] = dict(self.always)
        for name, value in given.items():
            option = self.options.get(name)
            if option is None:
                near = get_close_matches(str(name)[:40], self.options, 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise Refused(f"{self.name} has no option {shown(name)}; {hint}it has {', '.join(self.options)}")
            checked = option.check(name, value)
            if option.control is not None:
                values[option.control] = checked
        return replace(self.fmt.defaults, **values)

    def check_root(self, root: int, controls: Any) -> int:
        """The root table's physical address, if there can be a root table."""
        bits = min(self.root_bits, getattr(controls, "maxphyaddr", self.root_bits))
        if not 0 <= root < 1 << bits:
            raise Refused(f"root {shown_address(root)} is too wide: in {self.name} a root has {bits} bits")
        unit = self.fmt.table_bytes(self.fmt.root_level) >> getattr(controls, "ttbcr_n", 0)
        if root % unit:
            raise Refused(f"root {Address(root)} is not aligned: in {self.name} it is a multiple of {Size(unit)}")
        second = getattr(controls, "ttbr1", 0)
        if second % (unit << getattr(controls, "ttbcr_n", 0)):
            raise Refused(f"option 'ttbr1' is {Address(second)}: it is not aligned")
        return root

    def check_va(self, va: int) -> int:
        """A virtual address, if a register can hold it."""
        if not 0 <= va < 1 << self.fmt.word_bits:
            raise Refused(
                f"address {shown_address(va)} does not fit: in {self.name} a register has {self.fmt.word_bits} bits"
            )
        return va


def shown_address(value: int) -> str:
    """A number that should be an address, and may be anything."""
    return str(Address(value)) if 0 <= value < 1 << 128 else shown(value)


ARCHITECTURES = {
    one.name: one
    for one in (
        Architecture("x86-32", FORMATS["x86"], {**_X86, **_flags(pse="pse")}, 32),
        Architecture("x86-pae", FORMATS["x86-pae"], {**_X86, **_flags(nx="nxe")}, 32),
        Architecture("x86-64", FORMATS["x86-64"], _X86_64, 52),
        Architecture("x86-64-la57", FORMATS["x86-64-la57"], _X86_64, 52),
        Architecture(
            "armv7",
            FORMATS["armv7"],
            {
                "dacr": _number("dacr", 0, 2**32 - 1),
                **_flags(afe="afe", tre="tre", ha="ha", pxn="pxn", pd0="pd0", pd1="pd1"),
                "ttbcr_n": _number("ttbcr_n", 0, 7),
                "ttbr1": _number("ttbr1", 0, 2**32 - 1),
            },
            32,
        ),
        Architecture(
            "aarch64",
            FORMATS["aarch64"],
            {
                **_flags(wxn="wxn", ha="ha", epd0="epd0", epd1="epd1"),
                "pa_bits": _number("pa_bits", 32, 48),
                "ttbr1": _number("ttbr1", 0, 2**48 - 1),
                "granule": _number(None, 4096, 4096),
                "va_bits": _number(None, 48, 48),
            },
            48,
            {"epd1": True},
        ),
        Architecture("sv39", FORMATS["riscv-sv39"], _flags(sum="sum", mxr="mxr", adue="adue"), 56),
    )
}
"""By the names in case files."""

NAMES = {**{one.fmt.name: one for one in ARCHITECTURES.values()}, **ARCHITECTURES}
"""By these and by the formats' own names."""


def architecture(name: object) -> Architecture:
    """The architecture called `name`; else refused, with the nearest."""
    if isinstance(name, str) and name in NAMES:
        return NAMES[name]
    near = get_close_matches(str(name)[:40].casefold(), NAMES, 1) if isinstance(name, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise Refused(f"'arch' is {shown(name)}: known are {', '.join(ARCHITECTURES)}{hint}")
