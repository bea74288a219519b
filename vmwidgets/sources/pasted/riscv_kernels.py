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
_ADDRESS = re.compile(r"(?:bad addr|stval|\bva|bad address)\s{0,3}[=:]\s{0,3}(?:0x)?([0-9a-f]{1,16})\b", _FLAGS)
_PC = re.compile(r"(?:bad instruction|sepc|\binstruction|\bpc)\s{0,3}[=:]\s{0,3}(?:0x)?([0-9a-f]{1,16})\b", _FLAGS)
_INSIDE = re.compile(rf"^\s*(?P<name>{_NAMED}),?\s*$", re.ASCII)
_SCAUSE = re.compile(r"\bscause: Exception\(\s*$")
"""A trap frame of Rust: the name is alone in the line below scause, and stval above."""

_SYSTEMS = tuple(
    (name, re.compile(line, flags))
    for name, flags, line in (
        ("uCore", re.ASCII, (r"\bpage (?:falut|fault) at (?:0x)?(?P<address>[0-9a-f]{1,16}): (?P<mode>[KU])/"
                            r"(?:(?P<access>[RW])|0x(?P<cause>[0-9a-f]{8}))\s*$")),
        ("Spike", re.ASCII, r"\bexception trap_(?P<name>[a-z_]{4,40}), epc (?:0x)?(?P<pc>[0-9a-f]{1,16})\b"),
        ("FreeBSD on RISC-V", _FLAGS,
         r"\bFatal page fault at (?:0x)?(?P<pc>[0-9a-f]{1,16}): (?:0x)?(?P<address>[0-9a-f]{1,16})\b"),
        (WHAT, _FLAGS, rf"\b(?P<name>PageFault|{_NAMED})\)?,? in (?P<mode>application)"),
        (WHAT, _FLAGS, rf"^(?!.*scause).*Exception\((?P<name>{_NAMED})\)"),
    )
)  # fmt: skip
"""Systems, and the line of a fault with its parts by name; uCore of x86 adds words in brackets."""

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
        found = next(((name, match) for name, form in _SYSTEMS if (match := form.search(line)) is not None), None)
        near = [line]
        if found is None and _SCAUSE.search(line) and number < len(parts.lines):
            inside = _INSIDE.match(parts.lines[number])
            found = None if inside is None else (WHAT, inside)
            near = parts.lines[max(0, number - 8) : number]
        if found is None or (found[0] == "uCore" and "falut" not in line and parts.ends_in(number, found[1].end())):
            continue
        count += 1
        if count > MOST:
            parts.unsaid.append(f"The faults from line {number} on are not read: at most {MOST:,} are.")
            return
        _add(*found, number, near, parts)


def _add(system: str, match: re.Match[str], number: int, near: list[str], parts: Parts) -> None:
    """Add a fault; `near` are the lines with its numbers."""
    groups = match.groupdict()
    above = parts.lines[number - 2] if number > 1 else ""
    below = parts.lines[number] if number < len(parts.lines) else ""
    numbers = {name: int(groups[name], 16) for name in ("address", "pc", "cause") if groups.get(name)}
    address, pc = numbers.get("address"), numbers.get("pc")
    name, mode = groups.get("name") or "", groups.get("mode")
    user = None if mode is None else mode != "K"
    said = name.replace("_", " ")
    code = NAMES.get(name, next((code for code, one in CAUSES.items() if one.replace("/AMO", "") == said), None))
    where = "trap" if user is None else "user trap" if user else "kernel trap"
    if system == "uCore":
        is_named = _NAME.match(above) is not None
        parts.claimed.update([number - 1] * is_named)
        code = 15 if groups["access"] == "W" else 12 if is_named and "nstruction" in above else 13
        code = numbers.get("cause", code)
        if (address or 0) >> 31:
            parts.unsaid.append(f"Line {number} has the low 32 bits of an address: uCore prints no others.")
    elif system == "Spike" and (tval := _TVAL.match(below)) is not None and not parts.ends_in(number + 1, tval.end()):
        address = int(tval[1], 16)
        parts.claimed.add(number + 1)
    elif system == WHAT:
        address, pc, where = _in(near, _ADDRESS), _in(near, _PC), mode or "trap"
        is_last = address is not None and any(one.rstrip().endswith(f"{address:x}") for one in near)
        if is_last and parts.ends_in(number, len(near[-1])):
            parts.unsaid.append(f"The text ends with a number in line {number}: digits may be missing.")
        if address is None and (code is None or code in (12, 13, 15)):
            parts.unsaid.append(f"The fault in line {number} has no address.")
    parts.claimed.add(number)
    parts.what[system] = None
    if system != WHAT:
        parts.told.add(number)
    means = cause_of(code) if code is not None else "page fault of a load or a store" if system == WHAT else said
    trap = Trap(where, number, code, means or "page fault", None, pc, address)
    if code is not None or (system == WHAT and address is None):
        parts.traps.append(explained_alone(trap, user, parts))
    else:
        parts.traps.append(replace(trap, says=f"{means}.") if system == "Spike" else _unknown(trap, parts))


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
