"""Faults as rCore and its tutorials print them: `[kernel] PageFault in application, bad addr = 0x0, …`.

`PageFault` means a load or a store; newer chapters name the exception as the crate riscv does.  uCore for RISC-V prints
`page falut at 0x00000100: K/W`, with this spelling: the mode, and whether it was a store.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ...engine.base.units import Address
from ...engine.mmu.pasted import Trap
from .parts import Parts
from .traps import NAMES, cause_of, explained_alone, not_sv39

WHAT = "rCore"

_FLAGS = re.IGNORECASE | re.ASCII
_NAMED = "|".join(NAMES)
_APPLICATION = re.compile(rf"\b(PageFault|{_NAMED})\)?,? in application", _FLAGS)
_EXCEPTION = re.compile(rf"Exception\(({_NAMED})\)", _FLAGS)
_ADDRESS = re.compile(r"(?:bad addr|stval|\bva|bad address)\s{0,3}[=:]\s{0,3}(?:0x)?([0-9a-f]{1,16})\b", _FLAGS)
_PC = re.compile(r"(?:bad instruction|sepc|\binstruction|\bpc)\s{0,3}[=:]\s{0,3}(?:0x)?([0-9a-f]{1,16})\b", _FLAGS)
_INSIDE = re.compile(rf"^\s*({_NAMED}),?\s*$", re.ASCII)
_SCAUSE = re.compile(r"\bscause: Exception\(\s*$")

_UCORE = re.compile(
    r"\bpage (?:falut|fault) at (?:0x)?(?P<address>[0-9a-f]{1,16}): (?P<mode>[KU])/"
    r"(?:(?P<access>[RW])|0x(?P<cause>[0-9a-f]{8}))\s*$", re.ASCII,
)  # fmt: skip
_NAME = re.compile(r"^\s*(?:Instruction|Load|Store/AMO) page fault\s*$", _FLAGS)
"""The name of the fault, which uCore prints above."""


def read(parts: Parts) -> None:
    """Add the faults that rCore prints, and uCore for RISC-V."""
    for number, line in enumerate(parts.lines, 1):
        if number in parts.claimed or not line:
            continue
        fault = _UCORE.search(line)
        if fault is not None and ("falut" in line or not parts.ends_in(number, fault.end())):
            _add_ucores(fault, number, parts)
            continue
        match = _APPLICATION.search(line) or (_EXCEPTION.search(line) if "scause" not in line else None)
        near = [line]
        if match is None and _SCAUSE.search(line) and number < len(parts.lines):
            match = _INSIDE.match(parts.lines[number])
            near = parts.lines[max(0, number - 8) : number]
        if match is None:
            continue
        parts.claimed.add(number)
        parts.what[WHAT] = None
        address, pc = _in(near, _ADDRESS), _in(near, _PC)
        code = NAMES.get(match[1])
        is_user = _APPLICATION.search(line) is not None
        means = cause_of(code) if code is not None else "page fault of a load or a store"
        trap = Trap("application" if is_user else "trap", number, code, means, None, pc, address)
        if (
            address is not None
            and any(one.rstrip().endswith(f"{address:x}") for one in near)
            and parts.ends_in(number, len(line))
        ):
            parts.unsaid.append(f"The text ends with a number in line {number}: digits may be missing.")
        if address is None and (code is None or code in (12, 13, 15)):
            parts.unsaid.append(f"The fault in line {number} has no address.")
        if code is None and address is not None:
            parts.unsaid.append(f"Line {number} does not say whether a load or a store failed, and has no page table.")
            why = "" if not not_sv39(address) else ": it is not an Sv39 address, since bits 63 to 38 are not all equal"
            says = f"The access to {Address(address)} was refused{why or '; the text has no table that says why'}."
            parts.traps.append(replace(trap, says=says))
        else:
            parts.traps.append(explained_alone(trap, True if is_user else None, parts))


def _add_ucores(match: re.Match[str], number: int, parts: Parts) -> None:
    """Add a fault of uCore for RISC-V: a store, or "R" for all others; its format cuts an address to 32 bits."""
    above = parts.lines[number - 2] if number > 1 else ""
    is_named = _NAME.match(above) is not None
    code = 15 if match["access"] == "W" else 12 if is_named and "nstruction" in above else 13
    code = int(match["cause"], 16) if match["cause"] else code
    parts.claimed.update([number, *[number - 1] * is_named])
    parts.what["uCore"] = None
    address, is_user = int(match["address"], 16), match["mode"] == "U"
    if address >> 31:
        parts.unsaid.append(f"Line {number} has the low 32 bits of an address: uCore's format leaves out the others.")
    trap = Trap("user trap" if is_user else "kernel trap", number, code, cause_of(code), None, None, address)
    parts.traps.append(explained_alone(trap, is_user, parts))


def _in(lines: list[str], pattern: re.Pattern[str]) -> int | None:
    for line in lines[::-1]:
        match = pattern.search(line)
        if match is not None:
            return int(match[1], 16)
    return None
