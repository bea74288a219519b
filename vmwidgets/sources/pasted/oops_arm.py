"""An oops of Linux on ARM (32 bits): `[00000000] *pgd=…, *pte=…, *ppte=…`, and `Oops: 817`, which is the FSR.

`*ppte` is the descriptor that the processor reads; `*pte` is Linux's own.  With long descriptors (LPAE) there are
`*pgd`, `*pmd` and `*pte`, of 8 bytes.  Linux stores first-level descriptors in pairs, and prints the first of a pair.
ARM DDI 0406C, B4.1.52 (DFSR), B4.1.96 (IFSR), B3.13.3 (status), B4.1.43 (DACR).
"""

from __future__ import annotations

import re
from dataclasses import replace

from ...engine.mmu.formats.aarch64 import status_of as status_of_aarch64
from ...engine.mmu.formats.aarch64 import with_granule
from ...engine.mmu.formats.armv7 import ARMV7, STATUS, Armv7Controls
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import TablesWalk
from ...given.pasted import Trap
from . import oops_arm64
from .oops_event import FAILED_AT, IS, MADE, Event, Refusing, Word, said_refused
from .parts import Parts
from .said import PastedTables

WHAT = "an oops of Linux on ARM"

_FLAGS = re.IGNORECASE | re.ASCII
_ADDRESS = re.compile(
    rf"{FAILED_AT} (?:0x)?([0-9a-f]{{8}})\b|\b[DI]?FAR{IS}(?:0x)?([0-9a-f]{{1,8}})\b"
    rf"|\b(?:abort|fault(?:ed|ing)?)[ _](?:at )?addr(?:ess)?{IS}(?:0x)?([0-9a-f]{{1,8}})\b",
    _FLAGS,
)
_AT = re.compile(r"\[([0-9a-fA-F]{8})\](?= \*pgd=)", re.ASCII)
_FSR = re.compile(
    r"Internal error: .{0,60}: ([0-9a-f]{1,8}) \[#|Oops: ([0-9a-f]{1,8}) \[#|\((0x[0-9a-f]{1,8})\) at 0x"
    rf"|unhandled page fault .{{0,60}} code (0x[0-9a-f]{{3,8}})\b|\b[DI]?FSR{IS}(?:0x)?([0-9a-f]{{1,8}})\b",
    _FLAGS,
)
_WHEN = re.compile(r"at virtual address [0-9a-f]{8} when (read|write|execute)", _FLAGS)
_WORDS = re.compile(r"\*(pgd|p4d|pud|pmd|pte|ppte)=(?:0x)?([0-9a-fA-F]{1,40})\b", re.ASCII)
_CONTROL = re.compile(r"\bControl: ([0-9a-fA-F]{8})\b")
_TABLE = re.compile(r"\bTable: ([0-9a-fA-F]{8})\b")
_DAC = re.compile(r"\bDAC: ([0-9a-fA-F]{8})\b")
_PID = re.compile(r"\bPID: ([0-9]{1,9})\b|\(pid: ([0-9]{1,9})\b")
_PC = re.compile(
    rf"\bpc : \[<([0-9a-f]{{8}})>\]|\bPC is at 0x([0-9a-f]{{1,8}})\b|\bpc{IS}0x([0-9a-f]{{1,8}})\b", _FLAGS
)
_PSR = re.compile(rf"\b[cs]?psr{IS}(?:0x)?([0-9a-f]{{8}})\b", _FLAGS)
_FETCH = re.compile(r"\bifsr\b|prefetch[ -]abort", _FLAGS)
_KERNEL = re.compile(r"Internal error: |\bkernel\b.{0,30} at virtual|in kernel mode", _FLAGS)
_USER = re.compile(r"unhandled page fault \(|in user mode|\buser (?:ta|mode|page fault|data|prefetch)", _FLAGS)
"""What says who made the access, beside the mode in the register CPSR."""

WNR, LPAE, PREFETCH = 1 << 11, 1 << 9, 1 << 31
"""Bits of the FSR; the last is Linux's mark of a prefetch abort."""

AFE, USER_MODE = 1 << 29, 0x10


EVIDENCE = re.compile(
    r"\*ppte=|\[#[0-9]+\].* ARM\b|\bDAC: |unhandled page fault \([0-9]{1,2}\) at 0x[0-9a-fA-F]{8}, code 0x"
    r"|Unhandled (?:fault|prefetch abort): .{3,60} \(0x[0-9a-fA-F]{3,8}\) at 0x[0-9a-fA-F]{8}\b"
)
LIKELY = re.compile(r"\*pgd=[0-9a-f]{8,16}|Internal error: Oops|virtual address [0-9a-f]{8}(?:\s|$)|cut here")
"""Lines that only this processor's oopses have, and lines that others may have too."""


def status_of(fsr: int) -> str:
    """Return the meaning of the FSR's status.

    >>> status_of(0x817), status_of(0xA07)
    ('translation fault of a page', 'translation fault, level 3')
    """
    if fsr & LPAE:
        return status_of_aarch64(fsr & 0x3F)
    status = _short_status(fsr)
    return STATUS.get(status, f"status {status:#x}, which is reserved or a processor's own")


def _short_status(fsr: int) -> int:
    return (fsr >> 6 & 0x10) | fsr & 0xF


def decoded(fsr: int, is_fetch: bool) -> tuple[str, ...]:
    """Return the parts of the FSR in words; that of a fetch, the IFSR, has no domain and no WnR."""
    words = []
    if fsr & LPAE:
        words.append(f"STATUS (bits 5:0) is {fsr & 0x3F:#x}: {status_of(fsr)}")
    else:
        status = _short_status(fsr)
        words.append(f"FS (bits 10 and 3:0) is {status:#x}: {status_of(fsr)}")
        if not is_fetch and status != 0b00101:
            words.append(f"domain (bits 7:4) is {fsr >> 4 & 15}")
    if not is_fetch:
        words.append(f"WnR (bit 11) is {fsr >> 11 & 1}: {'a write' if fsr & WNR else 'a read'}")
    elif fsr & PREFETCH:
        words.append("bit 31 is 1: Linux's mark of an instruction fetch")
    return tuple(words)


def read(event: Event, parts: Parts) -> None:
    """Add the fault, and the tables on its walk."""
    parts.what[WHAT if event.name == "oops" else "a kernel on ARM"] = None
    parts.claimed.add(event.first)
    address = event.address(_ADDRESS, _AT)
    match = event.search(_FSR)
    fsr = int(next(filter(None, match.groups())), 16) if match is not None else None
    if fsr is not None and "asynchronous" in status_of(fsr):
        address = None
    when, psr = event.search(_WHEN), event.number(_PSR)
    access: Access = "read"
    if fsr is not None:
        access = "execute" if fsr & PREFETCH or event.search(_FETCH, claim=False) else "write" if fsr & WNR else "read"
    elif when is not None:
        access = {"read": "read", "write": "write", "execute": "execute"}[when[1].lower()]  # type: ignore[assignment]  # of these three
    else:
        event.say("has no FSR" + " (Oops: …)" * (event.name == "oops") + ": a read is walked")
    user: bool | None = None if psr is None else psr & 0x1F == USER_MODE
    if psr is None:
        user = True if event.search(_USER) else False if event.search(_KERNEL, claim=False) else None
    means = "prefetch abort" if access == "execute" else "data abort"
    found = decoded(fsr, access == "execute") if fsr is not None else ()
    trap = event.trap(user, fsr, means, _PID, _PC, address, register="FSR", decoded=found)
    if address is None:
        event.say_without_address(trap)
        return
    parts.traps.append(_explained(trap, access, bool(user), event, parts))


def _explained(trap: Trap, access: Access, user: bool, event: Event, parts: Parts) -> Trap:
    fsr = trap.code
    is_known = fsr is not None or event.search(_WHEN, claim=False) is not None
    done = said_refused(MADE[access], trap, is_known=is_known)
    by_fsr = f"FSR says: {status_of(fsr)}" if fsr is not None else "the text has no FSR"
    words = event.words(_WORDS)
    event.unread(words)
    refused = "domain" if "domain fault" in by_fsr else ""
    if refused:
        by_fsr += f": DACR gives no access to domain {(fsr or 0) >> 4 & 15}, whatever the descriptors allow"
    if not words:
        event.say("has no descriptors" + " (a line such as '[…] *pgd=…')" * (event.name == "oops"))
        return replace(trap, refused=refused, says=f"{done}; {by_fsr}.")
    by_name = {one.name: one.value for one in words}
    is_long = bool(fsr is not None and fsr & LPAE) or any(one.value >> 32 for one in words)
    is_long |= "pmd" in by_name and (fsr is None or ("pte" in by_name and "ppte" not in by_name))
    if is_long:
        tables, walk = _long(trap, access, user, event, words, by_name)
    else:
        tables, walk = _short(trap, access, user, event, words, by_name)
    event.add_tables(tables, "Table")
    if walk is not None and walk.fault is not None and walk.fault.kind == refused:
        return event.judged(trap, walk, done, "", REFUSING.of, is_known=True)
    if refused or not any(one in by_fsr for one in ("no FSR", "translation", "permission", "access flag")):
        return replace(trap, refused=refused, says=f"{done}; {by_fsr}.")
    code = None if walk is None or walk.fault is None else walk.fault.code
    status = None if fsr is None else fsr & 0x3F if is_long else _short_status(fsr)
    if status is not None and code is not None and code & 0x3F != status:
        found = status_of_aarch64(code) if is_long else STATUS.get(code, "another fault")
        event.say_misfit("FSR", status_of(fsr or 0), found)
        return replace(trap, walk=walk, says=f"{done}; {by_fsr}, and the descriptors in the text do not fit it.")
    bit_of = oops_arm64.refusing if is_long else REFUSING.of
    return event.judged(trap, walk, done, f"; {by_fsr}", bit_of, is_known=is_known)


def _short(
    trap: Trap, access: Access, user: bool, event: Event, words: list[Word], by_name: dict[str, int]
) -> tuple[PastedTables, TablesWalk | None]:
    """Return short descriptors: the first-level descriptor, and the processor's own second-level descriptor."""
    address, parts = trap.address or 0, event.parts
    dac, control, table = event.number(_DAC), event.number(_CONTROL), event.number(_TABLE)
    if dac is None:
        dac = 0x5555_5555
        if "domain fault" in status_of(trap.code or 0):
            dac &= ~(3 << ((trap.code or 0) >> 4 & 15) * 2)
    controls = Armv7Controls(dacr=dac, afe=bool((control or 0) & AFE))
    values = [by_name[name] for name in ("pgd", "ppte") if name in by_name]
    if "pgd" not in by_name:
        values = []
    if address >> 20 & 1 and values and values[0] & 3:
        parts.unsaid.append(
            "Linux prints the first of a pair of first-level descriptors, and this address has the second: its"
            " table lies 1 KiB"
            " behind."
            if values[0] & 3 == 1
            else (
                "Linux prints the first of a pair of first-level descriptors: that of this address, the second,"
                " is not said."
            )
        )
        values[0] = values[0] + 0x400 if values[0] & 3 == 1 and not values[0] & 0x400 else values[0]
    root = None if table is None else table & ~0x3FFF & 0xFFFF_FFFF
    return event.walk(ARMV7, controls, address, values, root, (words[0].line, words[-1].line), access, user)


def _long(
    trap: Trap, access: Access, user: bool, event: Event, words: list[Word], by_name: dict[str, int]
) -> tuple[PastedTables, TablesWalk | None]:
    """Return long descriptors (LPAE): three levels, with descriptors of 8 bytes; the first level has four of them."""
    fmt, address = with_granule(12, 32), trap.address or 0
    values = []
    for name in ("pgd", "pmd", "pte"):
        if name not in by_name:
            break
        values.append(by_name[name])
    if "ppte" in by_name and len(values) == 3:
        values[2] = by_name["ppte"]
    return event.walk(fmt, fmt.defaults, address, values, None, (words[0].line, words[-1].line), access, user)


REFUSING = Refusing(
    {"not-present": "type", "domain": "domain", "access-flag": "AP[0]"}, {"PXN is 1": "PXN", "XN is 1": "XN"}, "AP"
)
"""The fields that refuse a walk of short descriptors."""
