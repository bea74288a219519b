"""Traps of RISC-V as kernels report them: `usertrap(): unexpected scause 0x… pid=3`, then `sepc=… stval=…`.

Other kernels print the same registers by the same names, on one line, in another order, or with 32 bits.  QEMU's log
(`-d int`) calls them cause, epc and tval.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ...engine.base.errors import Refused
from ...engine.base.units import Address
from ...engine.mmu.formats.riscv import R, U, V, W, X
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import TablesWalk
from ...given.pasted import Listing, SaidRange, Trap
from .lines import places, whole_hex
from .parts import Parts
from .said import PastedTables

WORDS = ("cause", "sepc", "stval", "trap")
"""Words that make a line of a long text relevant to this reader, in small letters."""

_FLAGS = re.IGNORECASE | re.ASCII
NAMES = {
    "InstructionPageFault": 12, "LoadPageFault": 13, "StorePageFault": 15, "IllegalInstruction": 2, "Breakpoint": 3,
    "InstructionFault": 1, "LoadFault": 5, "StoreFault": 7, "UserEnvCall": 8, "InstructionMisaligned": 0,
    "LoadMisaligned": 4, "StoreMisaligned": 6,
}  # fmt: skip  # read as a table
"""The names of the causes in the crate riscv, which kernels in Rust print."""

_SCAUSE = re.compile(
    r"(?:(usertrap|kerneltrap)\(\):?\s{0,9}(?:une\w{1,9}\s{1,9})?)?(?:(?:scause|\bcause(?=:[0-9a-f]{8,16}, epc:))"
    rf"[\s=:]{{1,9}}(?:0x)?([0-9a-f_]{{1,40}})(?![0-9a-z_(])|\bscause[\s=:]{{1,9}}Exception\(\s{{0,9}}"
    rf"({'|'.join(NAMES)}))"
    r"(?:\s{0,9}\([^)]{0,60}\))?(?:,?\s{1,9}pid[\s=:]{1,9}(?:PId\()?([0-9]{1,9}))?",
    _FLAGS,
)
_NUMBER = {
    name: re.compile(
        rf"\b{words}(?:\s{{0,9}}[=:]{{1,2}}\s{{0,9}}(?:0x)?|\s{{1,9}}0x)([0-9a-f_]{{1,40}})(?![0-9a-z_])", _FLAGS
    )
    for name, words in (("sepc", "s?epc"), ("stval", "s?(?:tval|badaddr)"), ("sstatus", "sstatus"))
}
_UNEXPECTED = re.compile(r"\b(?:(?:user|kernel)trap\(\)|scause[ =]{1,9}0x)", _FLAGS)
_UNREAD = re.compile(
    r"\b(?:user|kernel)trap\(\).{0,40}\bscause[\s=:]{1,9}\S*[0-9]|\bscause[\s=:]{1,9}0x\w*[g-z]", _FLAGS
)
"""A trap's line without a readable number."""

_SAID = re.compile(r"\b(?:sepc|stval|sstatus|scause)\b", _FLAGS)
_KILLED = re.compile(r"\buser\b|usertrap", _FLAGS)

_ENDS = re.compile(r"(sepc|stval)\s{0,9}[=:]\s{0,9}(0x)?[0-9a-f]{1,15}$", _FLAGS)
"""A number at the very end of a text that may have lost digits."""

NEAR = 4
"""The number of lines in which a trap's numbers are searched for: other harts print in between."""

WIDE = 400
"""The number of characters of a line that are searched, since a text may be one endless line."""

CAUSES = {
    0: "instruction address misaligned", 1: "instruction access fault", 2: "illegal instruction", 3: "breakpoint",
    4: "load address misaligned", 5: "load access fault", 6: "store/AMO address misaligned",
    7: "store/AMO access fault", 8: "environment call from U-mode", 9: "environment call from S-mode",
    12: "instruction page fault", 13: "load page fault", 15: "store/AMO page fault",
}  # fmt: skip
"""RISC-V Privileged 20211203, table 4.2."""

ACCESSES: dict[int, Access] = {12: "execute", 13: "read", 15: "write"}
"""The page faults, with the access of each."""

DECIMAL = frozenset(str(cause) for cause in CAUSES if int(str(cause), 16) not in CAUSES)
"""Causes typed by hand or printed with %d, in traps without 0x: xv6 prints hexadecimal numbers."""

SPP, SUM = 1 << 8, 1 << 18
"""Bits of sstatus: whether the trap came from the supervisor, and whether it may access user pages (4.1.1)."""

FILLED = {
    0x0505050505050505: "kalloc fills a page with the byte 5: this address was read from memory that was never set.",
    0x0101010101010101: "kfree fills a page with the byte 1: this address was read from memory that was freed.",
}
"""Addresses made of xv6's junk (kalloc and kfree in kernel/kalloc.c); a structure's member adds its offset."""

_BEHIND = 4096

DONE = {"execute": "fetch", "read": "load", "write": "store"}


class _Found(NamedTuple):
    """A trap's line and its registers; `user` is None if the text does not show the mode."""

    trap: Trap
    user: bool | None
    sum: bool
    is_64: bool

    def fetched(self, access: Access) -> int | None:
        """Return the address of the instruction, if its own fetch did not fail."""
        trap = self.trap
        if trap.pc is None or (access == "execute" and trap.pc >> 12 == (trap.address or 0) >> 12):
            return None
        return trap.pc


def read(parts: Parts) -> None:
    """Add the traps of a text, walked in its tables or looked up in its listings."""
    for found in _traps(parts):
        parts.traps.append(_in_context(found, parts))
        parts.what["traps of RISC-V"] = None


def explained_alone(trap: Trap, user: bool | None, parts: Parts) -> Trap:
    """Return a trap from another reader, explained by the text's tables and listings; `user` is None if unknown."""
    return _in_context(_Found(trap, user, False, True), parts)


def _in_context(found: _Found, parts: Parts) -> Trap:
    line = found.trap.line
    ordered, ends, listings = parts.of_riscv
    before = bisect_left(ends, line)
    tables = ordered[max(before - MOST_TRIED, 0) : before][::-1] or ordered[:1]
    above = bisect_left(listings, line + 1, key=lambda one: one.line)
    near = listings[max(above - MOST_TRIED, 0) : above][::-1] + listings[above : above + MOST_TRIED][::-1]
    return _explained(found, tables, near, parts)


def _traps(parts: Parts) -> Iterator[_Found]:
    lines, unsaid = parts.lines, parts.unsaid
    says_kernel = any("kerneltrap" in line.lower() for line in lines)
    is_mixed = False
    for at, line in enumerate(lines):
        if not line or ("cause" not in line and "CAUSE" not in line):
            continue
        if at + 1 in parts.claimed and not _UNEXPECTED.search(line):  # an oops; but after a table's line, it is a trap
            continue
        matches = [*_SCAUSE.finditer(line)]
        if not matches and "%" not in line and _UNREAD.search(line):
            parts.refuse(f"Line {at + 1} looks like a trap and can't be read.")
            parts.claimed.add(at + 1)
        for which, match in enumerate(matches):
            scause = NAMES.get(match[3]) if match[3] else _register(match[2], parts.ends_in(at + 1, match.end(2)))
            if scause is None:
                unsaid.append(f"Line {at + 1} has a trap whose scause is cut: {(match[2] or match[3])[:20]}.")
                continue
            if match[2] in DECIMAL and line[match.start(2) - 2 : match.start(2)].lower() != "0x":
                scause = int(match[2])
                unsaid.append(
                    f"The scause in line {at + 1}, {match[2]}, is read as a decimal number, as 0x{match[2]} is not"
                    " a cause; sepc and stval are read as hexadecimal."
                )
            parts.claimed.add(at + 1)
            first = matches[which - 1].end() if which else 0
            rest = [line[match.end() : match.end() + WIDE], *(one[:WIDE] for one in lines[at + 1 : at + 1 + NEAR])]
            following = next((n for n, one in enumerate(rest) if _SCAUSE.search(one)), None)
            after = rest[:following]
            same = line[max(first, match.start() - WIDE) : match.start()]
            where = [(at + 1, same), *((at + 1 + n, one) for n, one in enumerate(after))]
            numbers = {name: _number(where, name, parts) for name in _NUMBER}
            has_any = any(value for value, _ in numbers.values())
            was_mixed, is_mixed = is_mixed, following is not None and not has_any
            if was_mixed:  # the previous trap has no numbers: these may belong to it
                numbers = dict.fromkeys(_NUMBER, (None, "numbers that may be those of the trap printed before it"))
            parts.claimed.update(number for number, one in where if _SAID.search(one))
            for name in ("sepc", "stval"):
                value, state = numbers[name]
                if value is None or state:
                    unsaid.append(f"The trap in line {at + 1} has {state or 'no ' + name}.")
            if not parts.text.is_ended and lines[-1] and lines[-1] in rest and _ENDS.search(lines[-1]):
                unsaid.append(f"The text ends with a number of the trap in line {at + 1}: digits may be missing.")
            kernel = says_kernel or (numbers["sepc"][0] or 0) >= KERNEL
            named, user = _where(line, match, numbers["sstatus"][0], kernel=kernel)
            pid = int(match[4]) if match[4] else None
            trap = Trap(named, at + 1, scause, cause_of(scause), pid, numbers["sepc"][0], numbers["stval"][0])
            is_64 = not _is_32(match[2] or "") and not any(_is_32(found[1]) for found in _written([*after, same]))
            yield _Found(trap, user, bool((numbers["sstatus"][0] or 0) & SUM), is_64)


MOST_TRIED = 40
"""The most tables and lists before a trap, the latest first, that may explain it."""

KERNEL = 0x8000_0000
"""The start of xv6's kernel: code from there on is not user code."""


def _where(line: str, match: re.Match[str], sstatus: int | None, *, kernel: bool) -> tuple[str, bool | None]:
    """Return a trap's origin, and whether that was user code; `kernel` is other evidence that it was the kernel."""
    before = line[: match.start()] + (match[1] or "")
    user = None if sstatus is None else not sstatus & SPP
    if "kerneltrap" in before.lower():
        return "kerneltrap", False
    if "usertrap" in before.lower():
        return "usertrap", True
    if _KILLED.search(before):
        return "user trap", True
    if not before.strip() and kernel:  # xv6's kerneltrap prints the registers first, and its own name only in the panic
        return "kerneltrap", False if user is None else user
    return "trap", user


def _register(digits: str, is_end: bool) -> int | None:
    """Return a register's value: 64 bits at the end of the digits, else 32 bits."""
    return whole_hex(digits, 64 if is_end else 32)


def _is_32(digits: str) -> bool:
    return len(digits) == 8 and digits[0] == "0"


def _written(lines: Sequence[str]) -> Iterator[re.Match[str]]:
    return (found for line in lines for pattern in _NUMBER.values() for found in pattern.finditer(line))


def _number(lines: Sequence[tuple[int, str]], name: str, parts: Parts) -> tuple[int | None, str]:
    """Return a register's value in the lines, and the defect of its number."""
    for number, line in lines:
        match = _NUMBER[name].search(line)
        if match is not None:
            is_end = not parts.text.is_ended and number == len(parts.lines) and line.rstrip().endswith(match[0])
            value = _register(match[1], is_end)
            return value, "" if value is not None else f"a {name} that is cut, {match[1][:20]}"
        if (unread := re.search(rf"\b{name}\s{{0,9}}[=:]\s{{0,9}}(\w{{1,20}})", line)) is not None:
            return None, f"a {name} that can't be read, {unread[1]}"
    return None, ""


def cause_of(scause: int) -> str:
    """Return the specification's name for the value of scause."""
    if scause >> 63:
        return f"interrupt {scause & (1 << 63) - 1}"
    return CAUSES.get(scause, f"cause {scause}, which is reserved or a machine's own")


def junk_of(address: int) -> str:
    """Return a sentence about an address made of xv6's junk, or ""."""
    for base, sentence in FILLED.items():
        if 0 <= address - base < _BEHIND:
            near = "" if address == base else f" It lies {address - base:#x} behind {Address(base)}."
            return f" {sentence}{near}"
    return ""


def not_sv39(address: int) -> bool:
    """Return whether no Sv39 table has the address: bits 63 to 39 differ from bit 38."""
    return address >> 38 not in (0, (1 << 26) - 1)


def _explained(found: _Found, tables: Sequence[PastedTables], listings: Sequence[Listing], parts: Parts) -> Trap:
    """Return a trap with its walk in the latest table that may have been in use, or with a listing's answer."""
    trap, unsaid = found.trap, parts.unsaid
    access = ACCESSES.get(trap.code or 0)
    if access is None or trap.address is None:
        lacks = "this is not a page fault" if access is None else "the text does not say which address failed"
        return replace(trap, says=f"{trap.means}; {lacks}.")
    said = f"The {DONE[access]} of {Address(trap.address)} was refused"
    junk = junk_of(trap.address)
    if found.is_64 and not_sv39(trap.address) and not tables:
        unsaid.append(
            f"The text has no page table for the trap in line {trap.line}, and needs none: Sv39 has no such address."
        )
        why = f"{Address(trap.address)} is not an Sv39 address: bits 63 to 38 are not all equal"
        return replace(trap, says=f"{said}: {why}.{junk}")
    unused = []
    for table in tables:
        user, why = _can_have_been_used(table, found, access, parts)
        if why:
            unused.append((table, why))
            continue
        return _walked(found, table, access, user, said, junk, parts)
    unlisted = ""
    for listing in listings:
        user, why = _lists(listing, found, access)
        piece, left_out = listing.at(trap.address), listing.unsaid_at(trap.address)
        unlisted = unlisted or left_out
        if why or left_out or (piece is None and not listing.is_whole):
            continue
        return _looked_up(found, listing, piece, access, user, said, junk, parts)
    if unused:
        table, why = unused[0]
        unsaid.append(f"The table in {places(table.lines)} was not in use at the trap in line {trap.line}: {why}.")
        says = f"{said}; the table in {places(table.lines)} was not in use, since {why}: it gives no reason"
        return replace(trap, says=f"{says}.{junk}")
    if unlisted:
        return replace(trap, says=f"{said}; the text does not say what is there: {unlisted}.{junk}")
    unsaid.append(
        f"The text has no page table for the trap in line {trap.line}: {trap.means} is raised for an absent page"
        " and for one that does not allow the access. Print the table with vmprint to see which."
    )
    return replace(trap, says=f"{said}; the text has no table that says why.{junk}")


def _can_have_been_used(table: PastedTables, found: _Found, access: Access, parts: Parts) -> tuple[bool | None, str]:
    """Return whether user code made the access, and, judging by sepc, why the table can't have been in use."""
    user, pc = found.user, found.fetched(access)
    if pc is None:
        return user, ""
    try:
        fetched = table.walk(pc, "execute", user=user)
    except Refused:
        return user, ""
    if fetched.fault is None:
        return fetched.user if user is None else user, ""
    if fetched.fault.kind in ("not-present", "non-canonical"):
        return user, f"it does not map the instruction at sepc, {Address(pc)}"
    parts.unsaid.append(
        f"The table in {places(table.lines)} does not let the instruction at sepc, {Address(pc)}, be fetched: so"
        f" it was probably not in use at the trap in line {found.trap.line}."
    )
    return user, ""


def _lists(listing: Listing, found: _Found, access: Access) -> tuple[bool | None, str]:
    """Return the result of :func:`_can_have_been_used` for a listing: a page with u is user code's."""
    user, pc = found.user, found.fetched(access)
    if pc is None:
        return user, ""
    piece = listing.at(pc)
    if piece is None or (piece.rights == "----" and piece in listing.absent):
        is_known = piece is not None or (listing.is_whole and not listing.unsaid_at(pc))
        return user, "sepc is not mapped" if is_known else ""
    if piece.rights[2] == "-":
        return user, "sepc is not executable"
    return (piece.rights[3] == "u" if user is None and piece.rights[3] != "?" else user), ""


def _walked(
    found: _Found, table: PastedTables, access: Access, user: bool | None, said: str, junk: str, parts: Parts
) -> Trap:
    trap, by_user = found.trap, bool(user)
    assert trap.address is not None, "its caller has looked"
    owner = f"process {trap.pid}" if trap.pid is not None else "the process" if by_user else "the kernel"
    parts.unsaid.append(
        f"The trap in line {trap.line} is walked with the descriptors in {places(table.lines)}: the text does not"
        f" say that {owner} used them, and they may have changed in between."
    )
    if user is None:
        parts.unsaid.append(f"The text does not say whether user code made the trap in line {trap.line}.")
    try:
        walk = table.walk(trap.address, access, user=by_user)
    except Refused as error:
        parts.unsaid.append(f"The trap in line {trap.line}: {error}.")
        return replace(trap, says=f"{said}; the text does not list the descriptor that refused it.{junk}")
    if walk.fault is None or (found.sum and walk.fault.kind == "protection" and _only_sum(walk)):
        says = f"this table allows the {DONE[access]} of {Address(trap.address)}: the fault was in another table,"
        return replace(trap, walk=walk, says=f"{says.capitalize()} or in this one at another time.{junk}")
    return replace(trap, walk=walk, refused=refusing(walk), says=f"{said}: {walk.fault.why}.{junk}")


def _only_sum(walk: TablesWalk) -> bool:
    word = walk.steps[-1].value if walk.steps else 0
    return not walk.user and bool(word & U) and walk.access != "execute" and refusing(walk) == "U"


def _looked_up(
    found: _Found,
    listing: Listing,
    piece: SaidRange | None,
    access: Access,
    user: bool | None,
    said: str,
    junk: str,
    parts: Parts,
) -> Trap:
    """Return a trap with a listing's answer on its address."""
    trap = found.trap
    parts.unsaid.append(
        f"The trap in line {trap.line} is looked up in {listing.name} from line {listing.line}: the text does not say"
        " that it was in use, and it may have changed in between."
    )
    if user is None and piece is not None and piece.rights[3] != "-":
        parts.unsaid.append(f"The text does not say whether user code made the trap in line {trap.line}.")
    is_absent = piece is not None and piece.rights == "----" and piece in listing.absent
    bit, why = refused_by(None if is_absent else piece, access, user, found.sum)
    if bit and piece is not None:
        has = (
            f"the descriptor is {piece.word:#x}"
            if piece.word is not None
            else f"{listing.name} has {piece.rights} there"
        )
        why = f"{has}: {why}"
    if bit:
        return replace(trap, refused=bit, says=f"{said}: {why}.{junk}")
    says = f"{listing.name} allows the {DONE[access]} of {Address(trap.address or 0)}"
    return replace(trap, says=f"{says[0].upper()}{says[1:]}: the fault was in another table, or at another time.{junk}")


def refused_by(piece: SaidRange | None, access: Access, user: bool | None, may_touch: bool) -> tuple[str, str]:
    """Return the bit that refuses an access to a page with these rights, and why; `may_touch` is sstatus.SUM.

    RISC-V Privileged 20211203, 4.3.2: V first, then the access, then U.

    >>> refused_by(SaidRange(0, 4096, "rwxu"), "read", False, False)
    ('U', 'with SUM 0 the supervisor may not touch a user page, and U is 1')
    """
    if piece is None or (piece.word is not None and not piece.word & V):
        return "V", "V is 0, so nothing is mapped there"
    letter, past = {"read": ("R", "read"), "write": ("W", "written"), "execute": ("X", "executed")}[access]
    if piece.rights["RWX".index(letter)] == "-":
        return letter, f"the page may not be {past}: {letter} is 0"
    if user and piece.rights[3] == "-":
        return "U", "user code may not touch a supervisor page: U is 0"
    if user is False and piece.rights[3] == "u":
        if access == "execute":
            return "U", "the supervisor may never fetch from a user page: U is 1"
        if not may_touch:
            return "U", "with SUM 0 the supervisor may not touch a user page, and U is 1"
    return "", ""


def refusing(found: TablesWalk) -> str:
    """Return the bit of the last descriptor that refused a walk in Sv39 tables: "V", "R", "W", "X" or "U"; or "".

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
