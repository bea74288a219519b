"""Traps as xv6 reports them: `usertrap(): unexpected scause 0x… pid=3`, then `sepc=… stval=…`, also of the kernel."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...engine.base.errors import Refused
from ...engine.base.units import Address
from ...engine.mmu.formats.riscv import R, U, W, X
from ...engine.mmu.pasted import Trap
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import TablesWalk
from .lines import places, whole_hex
from .said import PastedTables

_FLAGS = re.IGNORECASE | re.ASCII
_SCAUSE = re.compile(
    r"(?:(usertrap|kerneltrap)\(\):?\s{0,9}(?:unexpected\s{1,9})?)?scause[\s=:]{1,9}(?:0x)?([0-9a-f]{1,40})"
    r"(?:\s{0,9}\([^)]{0,60}\))?(?:\s{1,9}pid[\s=:]{1,9}([0-9]{1,9}))?", _FLAGS,
)  # fmt: skip
_NUMBER = {
    name: re.compile(rf"\b{name}\s{{0,9}}[=:]\s{{0,9}}(?:0x)?([0-9a-f]{{1,40}})", _FLAGS) for name in ("sepc", "stval")
}

_ENDS = re.compile(r"(sepc|stval)\s{0,9}[=:]\s{0,9}(0x)?[0-9a-f]{1,15}$", _FLAGS)
"""A number at the very end of a text, with fewer digits than it can have."""

NEAR = 4
"""In how many lines the numbers are that belong to a trap: other harts print in between."""

WIDE = 400
"""Characters of a line in which they are looked for: a text may be one endless line."""

CAUSES = {
    0: "instruction address misaligned", 1: "instruction access fault", 2: "illegal instruction", 3: "breakpoint",
    4: "load address misaligned", 5: "load access fault", 6: "store/AMO address misaligned",
    7: "store/AMO access fault", 8: "environment call from U-mode", 9: "environment call from S-mode",
    12: "instruction page fault", 13: "load page fault", 15: "store/AMO page fault",
}  # fmt: skip
"""RISC-V Privileged 20211203, table 4.2."""

ACCESSES: dict[int, Access] = {12: "execute", 13: "read", 15: "write"}
"""The page faults: of which access each is."""

FILLED = {
    0x0505050505050505: "kalloc fills a page with the byte 5: this address was read from memory that was never set.",
    0x0101010101010101: "kfree fills a page with the byte 1: this address was read from memory that was freed.",
}
"""Addresses that are xv6's junk (kalloc and kfree in kernel/kalloc.c)."""


def read_traps(lines: Sequence[str], tables: Sequence[PastedTables]) -> tuple[list[Trap], list[str]]:
    """The traps in the lines of a text, walked in its tables, and what the text does not say of them."""
    unsaid: list[str] = []
    ordered = sorted(tables, key=lambda table: table.lines[1])
    ends = [table.lines[1] for table in ordered]
    found = []
    for trap in _traps(lines, unsaid):
        before = bisect_left(ends, trap.line)
        table = ordered[max(0, before - 1)] if ordered else None
        found.append(_explained(trap, table, unsaid))
    return found, unsaid


def _traps(lines: Sequence[str], unsaid: list[str]) -> Iterator[Trap]:
    is_mixed = False
    for at, line in enumerate(lines):
        for match in _SCAUSE.finditer(line):
            scause = whole_hex(match[2])
            if scause is None:
                unsaid.append(f"Line {at + 1} has a trap whose scause is cut: {match[2][:20]}.")
                continue
            rest = [line[match.end() : match.end() + WIDE], *(one[:WIDE] for one in lines[at + 1 : at + 1 + NEAR])]
            following = next((n for n, one in enumerate(rest) if _SCAUSE.search(one)), None)
            rest = rest[:following]
            numbers = {name: _number(rest, name) for name in _NUMBER}
            was_mixed, is_mixed = is_mixed, following is not None and not any(one for one, _ in numbers.values())
            if was_mixed:  # the trap before it has no numbers: these may be its own
                numbers = dict.fromkeys(_NUMBER, (None, "numbers that may be those of the trap printed before it"))
            for name, (value, state) in numbers.items():
                if value is None or state:
                    unsaid.append(f"The trap in line {at + 1} has {state or 'no ' + name}.")
            if lines[-1] and lines[-1] in rest and _ENDS.search(lines[-1]):
                unsaid.append(f"The text ends with a number of the trap in line {at + 1}: digits may be missing.")
            where = match[1].lower() if match[1] else "kerneltrap"
            pid = int(match[3]) if match[3] else None
            yield Trap(where, at + 1, scause, _cause(scause), pid, numbers["sepc"][0], numbers["stval"][0])


def _number(lines: Sequence[str], name: str) -> tuple[int | None, str]:
    """A register in the lines, and what is wrong with it."""
    for line in lines:
        match = _NUMBER[name].search(line)
        if match is not None:
            value = whole_hex(match[1])
            return value, "" if value is not None else f"a {name} that is cut, {match[1][:20]}"
    return None, ""


def _cause(scause: int) -> str:
    if scause >> 63:
        return f"interrupt {scause & (1 << 63) - 1}"
    return CAUSES.get(scause, f"cause {scause}, which is reserved or a machine's own")


def _explained(trap: Trap, table: PastedTables | None, unsaid: list[str]) -> Trap:
    """A trap with the walk of its address in `table`, if it is a page fault and the table says enough."""
    access = ACCESSES.get(trap.scause)
    if access is None or trap.stval is None:
        return replace(trap, says=f"{trap.means}; this is not a page fault." if access is None else f"{trap.means}.")
    junk = f" {FILLED[trap.stval]}" if trap.stval in FILLED else ""
    said = f"The {_DONE[access]} of {Address(trap.stval)} was refused"
    if table is None:
        unsaid.append(
            f"The text has no page table for the trap in line {trap.line}: {trap.means} is raised for an absent page"
            " and for one that does not allow the access. Print the table with vmprint to see which."
        )
        return replace(trap, says=f"{said}; the text has no table that says why.{junk}")
    by_user = trap.where == "usertrap"
    owner = f"process {trap.pid}" if trap.pid is not None else "the process" if by_user else "the kernel"
    unsaid.append(
        f"The trap in line {trap.line} is walked with the descriptors in {places([*table.lines])}: the text does not"
        f" say that {owner} used them, and they may have changed in between."
    )
    try:
        found = table.walk(trap.stval, access, user=by_user)
    except Refused as error:
        unsaid.append(f"The trap in line {trap.line}: {error}.")
        return replace(trap, says=f"{said}; the text does not list the descriptor that refused it.{junk}")
    if found.fault is None:
        says = f"this table allows the {_DONE[access]} of {Address(trap.stval)}: the fault was in another table,"
        return replace(trap, walk=found, says=f"{says.capitalize()} or in this one at another time.{junk}")
    return replace(trap, walk=found, refused=refusing(found), says=f"{said}: {found.fault.why}.{junk}")


_DONE = {"execute": "fetch", "read": "load", "write": "store"}


def refusing(found: TablesWalk) -> str:
    """The bit of the last descriptor that refused a walk in Sv39 tables: "V", "R", "W", "X" or "U"; "" if none did.

    RISC-V Privileged 20211203, 4.3.2: V first, then the access, then U.
    """
    if found.fault is None or not found.steps:
        return ""
    if found.fault.kind == "not-present":
        return "V"
    if found.fault.kind != "protection":
        return ""
    word = found.steps[-1].value
    letter, bit = {"read": ("R", R), "write": ("W", W), "execute": ("X", X)}[found.access]
    return letter if not word & bit else "U" if bool(word & U) != found.user or not found.user else ""
