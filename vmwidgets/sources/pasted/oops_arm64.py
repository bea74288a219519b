"""An oops of Linux on arm64: `ESR = 0x…`, `swapper pgtable: 4k pages, 39-bit VAs, pgdp=…`, `[…] pgd=…, p4d=…, pud=…`.

Levels that the kernel does not have are folded: they repeat the value above.  ARM DDI 0487, D17.2.37 (ESR_EL1).
"""

from __future__ import annotations

import re
from dataclasses import replace

from ...engine.base.units import Address
from ...engine.mmu.formats.aarch64 import AARCH64, status_of, with_granule
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import TablesWalk
from ...given.pasted import Trap
from .levels import walk_of_half
from .oops_event import FAILED_AT, IS, MADE, Event, Refusing, Word, said_refused
from .parts import Parts

WHAT = "an oops of Linux on arm64"

_FLAGS = re.IGNORECASE | re.ASCII
_ADDRESS = re.compile(
    rf"{FAILED_AT} (?:0x)?([0-9a-f]{{4,16}})\b"
    rf"|\bFAR(?:_EL[123n])?{IS}(?:0x)?([0-9a-f]{{1,16}})\b"
    rf"|\b(?:abort|fault(?:ed|ing)?)[ _](?:at )?addr(?:ess)?{IS}(?:0x)?([0-9a-f]{{1,16}})\b",
    _FLAGS,
)
_ESR = re.compile(
    rf"\bESR(?:_EL[123n])?{IS}(?:0x[0-9a-f]{{1,2}}/)?(?:0x)?([0-9a-f]{{8,16}})\b|Oops: ([0-9a-f]{{8,16}}) \[#", _FLAGS
)
_GEOMETRY = re.compile(
    r"(?:(\w+) )?pgtable: ([0-9]{1,2})[kK] pages, ([0-9]{2})-bit VAs(?:, pgdp? ?= ?(?:0x)?([0-9a-f]{6,16}))?"
)
_PGDP = re.compile(r"pgdp ?= ?(?:0x)?([0-9a-fA-F]{6,16})\b")
_PGD = re.compile(r"(?<![*\w])pgd ?= ?(?:0x)?([0-9a-fA-F]{16})\b")
_WORDS = re.compile(r"\*?\b(pgd|p4d|pud|pmd|pte)=(?:0x)?([0-9a-fA-F]{1,40})\b", re.ASCII)
_AT = re.compile(r"\[([0-9a-fA-F]{8,16})\](?= \*?pgd=)", re.ASCII)
_BETWEEN = re.compile(r"\[([0-9a-fA-F]{16})\] address between user and kernel address ranges")
_PID = re.compile(r"\bPID: ([0-9]{1,9})\b|\w\[([0-9]{1,9})\]: unhandled")
_PC = re.compile(
    r"\bpc : (?:\[<([0-9a-f]{16})>\])|\bpc : ([0-9a-f]{16})\b"
    rf"|\b(?:elr(?:_el[123n])?|pc|fault\w*[ _](?:ins\w*[ _]addr|ip)){IS}(?:0x)?([0-9a-f]{{1,16}})\b"
    r"|, address: ([0-9a-f]{1,16})\b",
    _FLAGS,
)
_PAN = re.compile(r"pstate: [0-9a-f]{8} \([^)]*([+-])PAN")

FETCH, DATA = (0x20, 0x21), (0x24, 0x25)
"""Exception classes: instruction aborts and data aborts, each from a lower level (user code) and from the same level.
"""

EC_NAMES = {
    0x20: "instruction abort from a lower exception level",
    0x21: "instruction abort from the same exception level",
    0x24: "data abort from a lower exception level",
    0x25: "data abort from the same exception level",
    0x22: "PC alignment fault",
    0x26: "SP alignment fault",
    0x00: "unknown reason",
    0x3C: "BRK instruction",
    0x0E: "illegal execution state",
    0x2F: "SError",
}

WNR = 1 << 6

SIZES = {4: 12, 16: 14, 64: 16}
"""Bits of a page, by KiB."""


EVIDENCE = re.compile(
    r"\bESR = 0x|\besr:? 0x|[kK] pages, [0-9]{2}-bit VAs|Mem abort info|\*?pgd=[0-9a-fA-F]{16}|\bpstate: |\bEC = 0x"
    r"|Oops: (?:0000000)?[89aA][0-9a-fA-F]{7}\b|address between user and kernel"
)
"""Lines that only this processor's oopses have."""


def decoded(esr: int) -> tuple[str, ...]:
    """Return the parts of ESR_EL1 in words."""
    ec, status = esr >> 26 & 0x3F, esr & 0x3F
    parts = [f"EC (bits 31:26) is {ec:#x}: {EC_NAMES.get(ec, 'another exception')}"]
    if ec in FETCH + DATA:
        name = "DFSC" if ec in DATA else "IFSC"
        if ec in DATA:
            parts.append(f"WnR (bit 6) is {esr >> 6 & 1}: {'a write' if esr & WNR else 'a read'}")
        parts.append(f"{name} (bits 5:0) is {status:#x}: {status_of(status)}")
    return tuple(parts)


def read(event: Event, parts: Parts) -> None:
    """Add the fault, and the tables on its walk."""
    is_linux = event.name == "oops"
    parts.what[WHAT if is_linux else "a kernel on AArch64"] = None
    parts.claimed.add(event.first)
    if not is_linux:
        parts.told.update(number for number, line in event.lines if "panic" in line)
    esr, address = event.number(_ESR), event.address(_ADDRESS, _AT)
    event.say_uneven(_WORDS)
    ec = None if esr is None else esr >> 26 & 0x3F
    user = ec in (FETCH[0], DATA[0])
    access: Access = "execute" if ec in FETCH else "write" if esr is not None and esr & WNR and ec in DATA else "read"
    means = EC_NAMES.get(ec, "exception") if ec is not None else "abort"
    found = decoded(esr) if esr is not None else ()
    trap = event.trap(user, esr, means, _PID, _PC, address, register="ESR_EL1", decoded=found)
    if esr is None:
        event.say("has no ESR: a read by the kernel is walked")
    if address is None:
        event.say_without_address(trap)
        return
    if ec is not None and ec not in FETCH + DATA:
        parts.traps.append(replace(trap, says=f"{means}; this is not a fault of a page table."))
        return
    parts.traps.append(_explained(trap, access, user, event, parts))


def _explained(trap: Trap, access: Access, user: bool, event: Event, parts: Parts) -> Trap:
    address, esr = trap.address or 0, trap.code
    done = said_refused(MADE[access], trap, is_known=esr is not None)
    status = None if esr is None else esr & 0x3F
    by_esr = f"ESR says: {status_of(status)}" if status is not None else "the text has no ESR"
    between = event.search(_BETWEEN)
    if between is not None:
        return replace(
            trap,
            says=(
                f"{done}: {Address(address)} is in neither half of the address space, so no table is looked at"
                f" ({by_esr})."
            ),
        )
    words = event.words(_WORDS)
    event.unread(words)
    refused, why = _by_status(status)
    if not words:
        event.say("has no descriptors" + " (a line such as '[…] pgd=…, p4d=…')" * (event.name == "oops"))
        return replace(trap, refused=refused, says=f"{done}; {by_esr}{why}.")
    granule, bits = _geometry(event, words, status, parts)
    fmt = AARCH64 if (granule, bits) == (12, 48) else with_granule(granule, bits)
    levels = len(fmt.levels)
    names = {
        5: ("pgd", "p4d", "pud", "pmd", "pte"),
        4: ("pgd", "pud", "pmd", "pte"),
        3: ("pgd", "pmd", "pte"),
        2: ("pgd", "pte"),
    }[levels]
    values = event.values(words, names)
    root = event.number(_PGDP)
    root = None if root is not None and root % 64 else root
    lines = words[0].line, words[-1].line
    tagged = address
    if not address >> 55 & 1 and address >> 56:
        tagged = address & (1 << 56) - 1  # the top byte of a user's address is ignored
        parts.unsaid.append(
            f"The top byte of {Address(address)} is a tag, which the processor ignores for user addresses."
        )
    tables, walk = walk_of_half(event, fmt, fmt.defaults, tagged, values, root, lines, access, user)
    event.add_tables(tables, "pgdp")
    if walk is not None:
        return _judged(replace(trap, walk=walk), walk, status, done, by_esr, event)
    trap = replace(trap, refused=refused)
    return event.judged(trap, walk, done, f"; {by_esr}{why}", refusing, is_known=esr is not None)


def _judged(trap: Trap, walk: TablesWalk, status: int | None, done: str, by_esr: str, event: Event) -> Trap:
    """Return a trap with its walk, and with the meaning of ESR."""
    may_be_pan = walk.fault is None and status is not None and status >> 2 == 3 and not walk.user
    if may_be_pan and walk.steps[-1].value & 1 << 6:
        pan = event.search(_PAN)
        sure = "PSTATE.PAN is 1" if pan is not None and pan[1] == "+" else "with PSTATE.PAN 1"
        why = f"{sure}, and the page is one of user code (AP[1] is 1), which the kernel may not touch then"
        return replace(trap, refused="PAN", says=f"{done}: {why}.")
    if walk.fault is not None and status is not None and walk.fault.code != status:
        event.say_misfit("ESR", status_of(status), status_of(walk.fault.code or 0))
        bit, why = _by_status(status)
        says = f"{done}; {by_esr}{why}, and the descriptors in the text do not fit it"
        return replace(trap, refused=bit, says=f"{says}.")
    return event.judged(trap, walk, done, f"; {by_esr}", refusing, is_known=status is not None)


def _by_status(status: int | None) -> tuple[str, str]:
    """Return the bit that the status alone identifies, and a phrase about this bit."""
    if status is None or status >= 16:
        return "", ""
    kind = status >> 2
    if kind == 1:
        return "valid", f" (bit 0 of the level {status & 3} descriptor is 0)"
    if kind == 2:
        return "AF", f" (bit 10 of the level {status & 3} descriptor is 0)"
    return "", ""


def _geometry(event: Event, words: list[Word], status: int | None, parts: Parts) -> tuple[int, int]:
    """Return the bits of a page and of an address."""
    match = event.search(_GEOMETRY)
    if match is not None and int(match[2]) in SIZES and SIZES[int(match[2])] < int(match[3]) <= 52:
        return SIZES[int(match[2])], int(match[3])
    pgd = event.search(_PGD, claim=False)
    kernel = int(pgd[1], 16) if pgd is not None else 0
    values = {one.name: one.value for one in words}
    bits = 48
    if kernel >> 39 == (1 << 25) - 1 and kernel >> 38 & 1:
        bits = 39
    elif kernel >> 48 == 0xFFFF and not kernel >> 47 & 1:
        bits = 48
    elif (values.get("pud") and values.get("pud") == values.get("pgd")) or (
        status is not None and 4 <= status < 8 and _last_present(words) + 1 < status & 3
    ):
        bits = 39
    event.say(f"does not say the size of pages and addresses: 4 KiB and {bits} bits are taken")
    return 12, bits


def _last_present(words: list[Word]) -> int:
    return sum(one.value & 1 for one in words) - 1


_FIELDS = ("APTable[0]", "APTable[1]", "AP[1]", "AP[2]", "PXNTable", "UXNTable", "PXN", "UXN", "WXN")
_REFUSING = Refusing(
    {"not-present": "valid", "access-flag": "AF"},
    {**{name: name for name in _FIELDS}, "user code may write": "AP[1]"},
)


def refusing(walk: TablesWalk) -> str:
    """Return the field of the descriptor that refused a walk of AArch64, such as "valid", "AF", "AP[2]" or "PXN"."""
    found = _REFUSING.of(walk)
    return "type" if found == "valid" and walk.steps[-1].value & 1 else found
