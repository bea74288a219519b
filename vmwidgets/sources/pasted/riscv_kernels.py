"""Faults as kernels on RISC-V print them, first rCore: `[kernel] PageFault in application, bad addr = 0x0, …`.

`PageFault` means a load or a store; newer chapters name the exception as the crate riscv does.  uCore for RISC-V prints
`page falut at 0x00000100: K/W`, with this spelling: the mode, and whether it was a store.  Spike's log has
`exception trap_load_page_fault, epc 0x…` and the address below; FreeBSD prints the instruction, then the address.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ...engine.base.units import Address
from ...given.pasted import Trap
from .parts import Parts
from .traps import CAUSES, NAMES, cause_of, explained_alone, not_sv39

WORDS = ("cause", "trap", "exception")
"""Words that make a line of a long text relevant to this reader, in small letters."""

WHAT = "rCore"

_FLAGS = re.IGNORECASE | re.ASCII
_NAMED = "|".join(NAMES)
_APPLICATION = re.compile(rf"\b(PageFault|{_NAMED})\)?,? in application", _FLAGS)
_EXCEPTION = re.compile(rf"Exception\(({_NAMED})\)", _FLAGS)
_ADDRESS = re.compile(r"(?:bad addr|stval|\bva|bad address)\s{0,3}[=:]\s{0,3}(?:0x)?([0-9a-f]{1,16})\b", _FLAGS)
_PC = re.compile(r"(?:bad instruction|sepc|\binstruction|\bpc)\s{0,3}[=:]\s{0,3}(?:0x)?([0-9a-f]{1,16})\b", _FLAGS)
_INSIDE = re.compile(rf"^\s*({_NAMED}),?\s*$", re.ASCII)
_SCAUSE = re.compile(r"\bscause: Exception\(\s*$")

_OTHERS = (
    (
        "uCore",
        re.compile(
            r"\bpage (?:falut|fault) at (?:0x)?(?P<address>[0-9a-f]{1,16}): (?P<mode>[KU])/"
            r"(?:(?P<access>[RW])|0x(?P<cause>[0-9a-f]{8}))\s*$",
            re.ASCII,
        ),
    ),
    ("Spike", re.compile(r"\bexception trap_(?P<name>[a-z_]{4,40}), epc (?:0x)?(?P<pc>[0-9a-f]{1,16})\b", re.ASCII)),
    (
        "FreeBSD on RISC-V",
        re.compile(
            r"\bFatal page fault at (?:0x)?(?P<pc>[0-9a-f]{1,16}): (?:0x)?(?P<address>[0-9a-f]{1,16})\b", re.ASCII
        ),
    ),
)
"""Other systems, and the line of a fault with its numbers by name; uCore of x86 adds words in brackets."""

_NAME = re.compile(r"^\s*(?:Instruction|Load|Store/AMO) page fault\s*$", _FLAGS)
"""The name of the fault, which uCore prints above."""

_TVAL = re.compile(r"^\s*core\s+[0-9]{1,4}:\s+tval (?:0x)?([0-9a-f]{1,16})\b", re.ASCII)
"""The line that Spike prints below a fault's line."""

MOST = 2_000
"""The most faults of other systems that are read: a log of Spike has each call of the system."""


def read(parts: Parts) -> None:
    """Add the faults that rCore prints, and those of a few other systems on RISC-V."""
    count = 0
    for number, line in enumerate(parts.lines, 1):
        if number in parts.claimed or not line:
            continue
        other = next(((name, found) for name, form in _OTHERS if (found := form.search(line)) is not None), None)
        if other is not None and (other[0] != "uCore" or "falut" in line or not parts.ends_in(number, other[1].end())):
            count += 1
            if count > MOST:
                parts.unsaid.append(f"The faults from line {number} on are not read: at most {MOST:,} are.")
                return
            _add(*other, number, parts)
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
            parts.traps.append(_unknown(trap, parts))
        else:
            parts.traps.append(explained_alone(trap, True if is_user else None, parts))


def _add(system: str, match: re.Match[str], number: int, parts: Parts) -> None:
    """Add a fault of another system."""
    groups = match.groupdict()
    above = parts.lines[number - 2] if number > 1 else ""
    below = parts.lines[number] if number < len(parts.lines) else ""
    code: int | None = None
    numbers = {name: int(groups[name], 16) for name in ("address", "pc", "cause") if groups.get(name)}
    user = groups["mode"] == "U" if "mode" in groups else None
    if system == "uCore":
        is_named = _NAME.match(above) is not None
        parts.claimed.update([number - 1] * is_named)
        code = 15 if groups["access"] == "W" else 12 if is_named and "nstruction" in above else 13
        code = numbers.get("cause", code)
        if numbers["address"] >> 31:
            parts.unsaid.append(f"Line {number} has the low 32 bits of an address: uCore prints no others.")
    elif system == "Spike":
        said = groups["name"].replace("_", " ")
        code = next((code for code, name in CAUSES.items() if name.replace("/AMO", "") == said), None)
        if (tval := _TVAL.match(below)) is not None and not parts.ends_in(number + 1, tval.end()):
            numbers["address"] = int(tval[1], 16)
            parts.claimed.add(number + 1)
    parts.claimed.add(number)
    parts.told.add(number)
    parts.what[system] = None
    means = cause_of(code) if code is not None else groups.get("name", "page fault").replace("_", " ")
    where = "trap" if user is None else "user trap" if user else "kernel trap"
    trap = Trap(where, number, code, means, None, numbers.get("pc"), numbers.get("address"))
    if code is None:
        parts.traps.append(_unknown(trap, parts) if system != "Spike" else replace(trap, says=f"{means}."))
    else:
        parts.traps.append(explained_alone(trap, user, parts))


def _unknown(trap: Trap, parts: Parts) -> Trap:
    """Return a fault of a load or a store."""
    address = trap.address or 0
    parts.unsaid.append(f"Line {trap.line} does not say whether a load or a store failed, and has no page table.")
    why = "" if not not_sv39(address) else ": it is not an Sv39 address, since bits 63 to 38 are not all equal"
    says = f"The access to {Address(address)} was refused{why or '; the text has no table that says why'}."
    return replace(trap, says=says)


def _in(lines: list[str], pattern: re.Pattern[str]) -> int | None:
    for line in lines[::-1]:
        match = pattern.search(line)
        if match is not None:
            return int(match[1], 16)
    return None
