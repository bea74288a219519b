"""The architectures of case files: their names, their options, and the meaning of the options in a walk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace
from difflib import get_close_matches
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.errors import Refused, shown
from ...engine.base.units import Address, Size
from ...engine.mmu.format import TableFormat
from ...engine.mmu.formats import FORMATS

Value = bool | int


@frozen
class Option:
    """An option: the control that it sets (None if its value is fixed), and its possible values."""

    control: str | None
    low: int = 0
    high: int = 1
    flag: bool = True

    def check(self, name: str, value: object) -> Value:
        """Return `value`, if the option can have it."""
        if self.flag:
            if not isinstance(value, bool):
                raise Refused(f"option {name!r} is {shown(value)}: it is true or false")
            return value
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            only = self.low if self.low == self.high else f"a whole number from {self.low:#x} to {self.high:#x}"
            raise Refused(f"option {name!r} is {shown(value)}: it is {only}")
        return value


@frozen(slots=False)
class Architecture:
    """An architecture in a case file.  `always` are controls with fixed values that differ from the format's."""

    name: str
    fmt: TableFormat[Any]
    options: Mapping[str, Option]
    always: Mapping[str, Value] = field(default_factory=dict)

    def controls(self, given: Mapping[str, Any]) -> Any:
        """Return the processor's settings from options; all other settings have the format's defaults."""
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
        """Return the root table's physical address, if there can be a root table."""
        rules = self.fmt.rules
        bits = min(self.fmt.root_bits, rules.physical_limit(controls))
        if not 0 <= root < 1 << bits:
            raise Refused(f"root {shown_address(root)} is too wide: in {self.name} a root has {bits} bits")
        unit = self.fmt.table_bytes(rules.root_level(self.fmt.root_level, controls))
        if root % unit:
            raise Refused(f"root {Address(root)} is not aligned: in {self.name} it is a multiple of {Size(unit)}")
        for upper in self.fmt.roots(root, controls)[1:]:
            unit = self.fmt.table_bytes(upper.level)
            if upper.table % unit:
                raise Refused(
                    f"the second root {Address(upper.table)} is not aligned: it is a multiple of {Size(unit)}"
                )
        return root

    def check_va(self, va: int) -> int:
        """Return a virtual address, if a register can hold it."""
        if not 0 <= va < 1 << self.fmt.word_bits:
            raise Refused(
                f"address {shown_address(va)} does not fit: in {self.name} a register has {self.fmt.word_bits} bits"
            )
        return va


def shown_address(value: int) -> str:
    """Return the words for a number that should be an address, but may be anything."""
    return str(Address(value)) if 0 <= value < 1 << 128 else shown(value)


@frozen(slots=False)
class _Spelling:
    """The case files' names for a format and its controls, if they differ from the engine's."""

    name: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Controls under another name."""
    left_out: tuple[str, ...] = ()
    """Controls that the family has and this format ignores."""
    fixed: Mapping[str, int] = field(default_factory=dict)
    """Options whose value is fixed."""
    always: Mapping[str, Value] = field(default_factory=dict)


_NX = {"nxe": "nx"}
_SPELLINGS = {
    "x86": _Spelling("x86-32", left_out=("nxe", "gib_pages")),
    "x86-pae": _Spelling(renamed=_NX, left_out=("pse", "gib_pages")),
    "x86-64": _Spelling(renamed=_NX, left_out=("pse",)),
    "x86-64-la57": _Spelling(renamed=_NX, left_out=("pse",)),
    "aarch64": _Spelling(fixed={"granule": 4096, "va_bits": 48}, always={"epd1": True}),
    "riscv-sv39": _Spelling("sv39"),
}


def _of_format(fmt: TableFormat[Any]) -> Architecture:
    spelling = _SPELLINGS.get(fmt.name, _Spelling())
    numbers = fmt.defaults.numbers
    options = {name: Option(None, value, value, flag=False) for name, value in spelling.fixed.items()}
    for control in (one.name for one in fields(fmt.defaults) if one.name not in spelling.left_out):
        limits = numbers.get(control)
        option = Option(control) if limits is None else Option(control, limits.low, limits.high, flag=False)
        options[spelling.renamed.get(control, control)] = option
    return Architecture(spelling.name or fmt.name, fmt, options, spelling.always)


def architectures() -> dict[str, Architecture]:
    """Return the architectures of all formats, by their names in case files."""
    return {one.name: one for one in map(_of_format, FORMATS.values())}


def architecture(name: object) -> Architecture:
    """Return the architecture called `name` in case files or in the engine; the error names the nearest."""
    known = architectures()
    names = {**{one.fmt.name: one for one in known.values()}, **known}
    if isinstance(name, str) and name in names:
        return names[name]
    near = get_close_matches(str(name)[:40].casefold(), names, 1) if isinstance(name, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise Refused(f"'arch' is {shown(name)}: known are {', '.join(known)}{hint}")
