"""Page faults of small kernels for x86 that print one line with the error code: xv6, Pintos and JOS.

    pid 3 prog: trap 14 err 6 on cpu 0 eip 0x10 addr 0x4000--kill proc
    Page fault at 0xbffffffc: rights violation error writing page in user context.
    [00001000] user fault va 00000000 ip 00800039

They print no page table; the answer is looked up in a list of `info mem` or `info pg` in the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ...engine.base.units import Address
from ...engine.mmu.pasted import Listing, SaidRange, Trap
from .listings import PGDIR
from .oops_event import MADE
from .parts import Parts
from .x86_codes import Code, P, U, W, code_of

_FLAGS = re.IGNORECASE | re.ASCII
_XV6 = re.compile(
    r"\bpid ([0-9]{1,9}) ?\S{0,40}: trap ([0-9]{1,3}) err (-?[0-9]{1,10}) on cpu [0-9]{1,3} [er]?ip (?:0x)?"
    r"([0-9a-f]{1,16})(?![0-9a-zx])"
    r" (?:addr|cr2) (?:0x)?([0-9a-f]{1,16})(?![0-9a-zx])(-{1,2}kill proc)?",
    _FLAGS,
)
_XV6_KERNEL = re.compile(
    (
        r"unexpected trap ([0-9]{1,3}) from cpu [0-9]{1,3} [er]?ip (?:0x)?([0-9a-f]{1,16})(?![0-9a-zx]) \(cr2=(?:0x)?"
        r"([0-9a-f]{1,16})(?![0-9a-zx])\)?"
    ),
    _FLAGS,
)
_PINTOS = re.compile(
    (
        r"Page fault at (?:0x)?([0-9a-f]{1,16})(?![0-9a-zx]): (not present|rights violation) error (reading|writing)"
        r" page in (user|kernel) context"
    ),
    _FLAGS,
)
_PINTOS_DUMP = re.compile(r"\bcr2=(?:0x)?([0-9a-f]{8}) error=(?:0x)?([0-9a-f]{8})\b", _FLAGS)
_PINTOS_AT = re.compile(r"Page-Fault Exception\) at eip=(?:0x)?([0-9a-f]{1,8})(?![0-9a-zx])", _FLAGS)
_JOS = re.compile(
    r"\[([0-9a-f]{8})\] user fault va (?:0x)?([0-9a-f]{1,8})(?![0-9a-zx]) ip (?:0x)?([0-9a-f]{1,8})(?![0-9a-zx])",
    _FLAGS,
)
_JOS_ERR = re.compile(
    r"^\s*err\s+0x([0-9a-f]{8})(?![0-9a-zx])(?: \[(user|kernel), (read|write), (not-present|protection)\])?", _FLAGS
)
_JOS_CR2 = re.compile(r"^\s*cr2\s+0x([0-9a-f]{8})(?![0-9a-zx])", _FLAGS)
_JOS_EIP = re.compile(r"^\s*eip\s+0x([0-9a-f]{8})(?![0-9a-zx])", _FLAGS)
_JOS_TRAP = re.compile(r"^\s*trap\s+0x([0-9a-f]{8})(?![0-9a-zx])", _FLAGS)

PAGE_FAULT = 14

NEAR = 24
"""The lines in which the rest of a trap frame is printed."""

MEANS = {
    0: "divide error", 1: "debug exception", 3: "breakpoint", 4: "overflow", 5: "bound range exceeded",
    6: "invalid opcode", 7: "device not available", 8: "double fault", 10: "invalid TSS", 11: "segment not present",
    12: "stack fault", 13: "general protection fault", 14: "page fault", 16: "x87 error", 17: "alignment check",
    18: "machine check", 19: "SIMD error",
}  # fmt: skip
"""Intel SDM volume 3A, table 6-1."""


def read(parts: Parts) -> None:
    """Add the faults that small kernels for x86 print."""
    for what, trap in _traps(parts):
        parts.what[what] = None
        parts.traps.append(_explained(trap, parts))


def _traps(parts: Parts) -> Iterator[tuple[str, Trap]]:
    lines = parts.lines
    last_pintos = address = 0
    has_jos: set[int] = set()
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        if (match := _XV6.search(line)) is not None:
            parts.claimed.add(number)
            if parts.ends_in(number, match.end()) and not match[6]:
                parts.unsaid.append(f"The text ends with a number in line {number}: digits may be missing.")
            code, kind = int(match[3]), int(match[2])
            means = MEANS.get(kind, f"trap {kind}")
            yield "xv6 for x86", Trap(
                "user trap", number, code, means, int(match[1]), int(match[4], 16),
                int(match[5], 16) if kind == PAGE_FAULT else None, register="error code",
            )  # fmt: skip
        elif (match := _XV6_KERNEL.search(line)) is not None:
            parts.claimed.add(number)
            kind = int(match[1])
            yield "xv6 for x86", Trap(
                "kernel mode", number, None, MEANS.get(kind, f"trap {kind}"), None, int(match[2], 16),
                int(match[3], 16) if kind == PAGE_FAULT else None, register="error code",
            )  # fmt: skip
        elif (match := _PINTOS.search(line)) is not None:
            parts.claimed.add(number)
            last_pintos, address = number, int(match[1], 16)
            present, write, user = (
                match[2].lower() == "rights violation",
                match[3].lower() == "writing",
                match[4].lower() == "user",
            )
            pc = _after(_PINTOS_AT, number, parts)
            yield "Pintos", Trap(
                f"{match[4].lower()} context", number, P * present | W * write | U * user, "page fault", None, pc,
                int(match[1], 16), register="error code",
            )  # fmt: skip
        elif (match := _PINTOS_DUMP.search(line)) is not None:
            parts.claimed.add(number)
            if last_pintos and number - last_pintos <= NEAR:
                _compare(address, int(match[1], 16), number, parts)
                continue
            code = int(match[2], 16)
            where = "user context" if code & U else "kernel context"
            yield (
                "Pintos",
                Trap(where, number, code, "page fault", None, None, int(match[1], 16), register="error code"),
            )
        elif (match := _JOS.search(line)) is not None:
            parts.claimed.add(number)
            err = _after(_JOS_ERR, number, parts)
            cr2 = _after(_JOS_CR2, number, parts)
            _compare(int(match[2], 16), int(match[2], 16) if cr2 is None else cr2, number, parts)
            if parts.ends_in(number, match.end()):
                parts.unsaid.append(f"The text ends with a number in line {number}: digits may be missing.")
            has_jos.update(range(number, number + NEAR))
            yield "JOS", Trap(
                "user mode", number, err, "page fault", int(match[1], 16), int(match[3], 16), int(match[2], 16),
                register="error code",
            )  # fmt: skip
        elif (
            (match := _JOS_TRAP.search(line)) is not None and int(match[1], 16) == PAGE_FAULT and number not in has_jos
        ):
            parts.claimed.add(number)
            err = _after(_JOS_ERR, number, parts)
            where = "user mode" if err is not None and err & U else "kernel mode"
            yield "JOS", Trap(
                where, number, err, "page fault", None, _after(_JOS_EIP, number, parts),
                _after(_JOS_CR2, number, parts), register="error code",
            )  # fmt: skip


def _compare(address: int, again: int, number: int, parts: Parts) -> None:
    if address != again:
        parts.unsaid.append(f"Line {number} has another address, {Address(again)}: one of the two is damaged.")


def _after(pattern: re.Pattern[str], number: int, parts: Parts) -> int | None:
    """Return the number that a pattern matches in the next lines."""
    for at in range(number, min(number + NEAR, len(parts.lines))):
        match = pattern.search(parts.lines[at])
        if match is not None:
            parts.claimed.add(at + 1)
            return int(match[1], 16)
    return None


def _explained(trap: Trap, parts: Parts) -> Trap:
    if trap.means != "page fault":
        return replace(trap, says=f"{trap.means}; this is not a page fault.")
    if trap.address is None:
        parts.unsaid.append(f"The fault in line {trap.line} has no address.")
        return replace(trap, says="The text does not say which address failed.")
    user = trap.where.startswith("user")
    if trap.code is None:
        parts.unsaid.append(f"The fault in line {trap.line} has no error code: which access it was is not said.")
        where = "user mode" if user else "kernel mode"
        return replace(
            trap, says=f"The access to {Address(trap.address)} in {where} was refused; the text does not say why."
        )
    address, code = trap.address, trap.code
    said = code_of(code)
    trap = replace(trap, decoded=said.decoded)
    who = "user code" if said.user else "the kernel"
    done = f"The {MADE[said.access]} of {Address(address)} by {who} was refused"
    known = [one for one in parts.listings if "x86" in one.name or one.name == PGDIR]
    latest = sorted(known, key=lambda one: -one.line)
    listing = next((one for one in latest if not one.unsaid_at(address)), None)
    if listing is None and latest:
        parts.unsaid.append(
            f"{Address(address)} is not looked up in {latest[0].name} from line {latest[0].line}, which may lack it:"
            f" {latest[0].unsaid_at(address)}."
        )
    if listing is None:
        parts.unsaid.append(
            f"The text has no page table for the fault in line {trap.line}: the error code does not say which"
            f" descriptor it was."
        )
        return replace(trap, refused=said.refused, says=f"{done}: {said.why}.")
    bit, why = _by_listing(listing, address, said)
    parts.unsaid.append(
        f"The fault in line {trap.line} is looked up in {listing.name} from line {listing.line}: the text does"
        f" not say that it was"
        " in use, and it may have changed in between."
    )
    if not bit or (bit == "P") == bool(code & P):
        parts.unsaid.append(f"The error code {code} does not fit {listing.name}: that was listed at another time.")
        return replace(trap, refused=said.refused, says=f"{done}: {said.why}.")
    return replace(trap, refused=bit, says=f"{done}: {why}.")


def _by_listing(listing: Listing, address: int, said: Code) -> tuple[str, str]:
    piece: SaidRange | None = listing.at(address)
    if piece is None:
        return "P", f"{listing.name} does not have it, so P is 0 in a descriptor on the way"
    rights = piece.rights
    if said.user and rights[3] == "-":
        return "U/S", f"{listing.name} has {rights} there: user code may not touch a supervisor page, U/S is 0"
    if said.access == "write" and rights[1] == "-":
        return "R/W", f"{listing.name} has {rights} there: the page may not be written, R/W is 0"
    if said.access == "execute" and rights[2] == "-":
        return "XD", f"{listing.name} has {rights} there: nothing may be fetched, XD is 1"
    return "", ""
