"""Faults as rCore and its tutorials print them: `[kernel] PageFault in application, bad addr = 0x0, …`.

`PageFault` means a load or a store; newer chapters name the exception as the crate riscv does.
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


def read(parts: Parts) -> None:
    """Add the faults that rCore prints."""
    for number, line in enumerate(parts.lines, 1):
        if number in parts.claimed or not line:
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


def _in(lines: list[str], pattern: re.Pattern[str]) -> int | None:
    for line in lines[::-1]:
        match = pattern.search(line)
        if match is not None:
            return int(match[1], 16)
    return None
