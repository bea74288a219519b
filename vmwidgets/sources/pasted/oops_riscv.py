"""An oops of Linux on RISC-V: `epc : …`, `status: … badaddr: … cause: …`; since 2025 with the descriptors.

    Current sh pgtable: 4K pagesize, 39-bit VAs, pgdp=0x…
    [0000000000000000] pgd=…, p4d=…, pud=…, pmd=…, pte=…

Folded levels repeat the value above.  RISC-V Privileged 20211203, 4.1.1 (sstatus), 4.1.8 (scause).
"""

from __future__ import annotations

import re
from dataclasses import replace

from ...engine.mmu.formats.riscv import RiscvControls, deeper
from .oops_event import FAILED_AT, IS, Event, Word, said_refused
from .parts import Parts
from .traps import ACCESSES, DONE, SPP, SUM, cause_of, refusing

WHAT = "an oops of Linux on RISC-V"

_FLAGS = re.IGNORECASE | re.ASCII
_ADDRESS = re.compile(rf"(?i:{FAILED_AT}) (?:0x)?([0-9a-f]{{4,16}})\b")
_NUMBER = rf"{IS}(?:0x(?:0(?=[0-9a-f]{{16}}\b))?([0-9a-f]{{1,16}})|([0-9a-f]{{8,16}}))\b"
_BADADDR = re.compile(rf"\b[sm]?(?:badaddr|tval){_NUMBER}", _FLAGS)
_STATUS = re.compile(rf"\bs?status{_NUMBER}", _FLAGS)
_CAUSE = re.compile(rf"(?:\b[sm]?cause|RISCV64 Exception Type){_NUMBER}", _FLAGS)
_EPC = re.compile(rf"\b[sm]?epc{_NUMBER}", _FLAGS)
_GEOMETRY = re.compile(r"pgtable: [0-9]{1,2}K pagesize, ([0-9]{2})-bit VAs")
_PGDP = re.compile(r"pgdp ?= ?(?:0x)?([0-9a-fA-F]{6,16})\b")
_WORDS = re.compile(r"\*?\b(pgd|p4d|pud|pmd|pte)=(?:0x)?([0-9a-fA-F]{1,40})\b", re.ASCII)
_PID = re.compile(r"\bPID: ([0-9]{1,9})\b|\w\[([0-9]{1,9})\]: unhandled")

MXR = 1 << 19
"""sstatus.MXR: executable pages are readable."""


EVIDENCE = re.compile(
    rf"(?i:{_BADADDR.pattern})|\bs?epc ?: |K pagesize, |(?i:\bs?cause: [0-9a-fA-F]{{8,16}}\b)|^\W*Oops \[#"
    "|unhandled signal [0-9]+ code 0x"
)
LIKELY = re.compile("riscv", re.IGNORECASE)
"""Lines that only this processor's oopses have, and lines that others may have too."""


def read(event: Event, parts: Parts) -> None:
    """Add the fault, and the tables on its walk."""
    parts.what[WHAT if event.name == "oops" else "a kernel on RISC-V"] = None
    parts.claimed.add(event.first)
    cause, status = event.number(_CAUSE), event.number(_STATUS)
    address = event.address(_ADDRESS, _BADADDR)
    event.say_uneven(_WORDS)
    user = None if status is None else not status & SPP
    if status is None and event.name == "oops":
        user = event.search(re.compile("unhandled signal"), claim=False) is not None
    means = cause_of(cause) if cause is not None else "fault"
    decoded = () if cause is None else (f"scause is {cause}: {means}",)
    trap = event.trap(user, cause, means, _PID, _EPC, address, decoded=decoded)
    access = ACCESSES.get(-1 if cause is None else cause)
    if cause is None:
        event.say("has no cause: a load is walked")
        access = "read"
    if address is None:
        event.say_without_address(trap)
        return
    if access is None:
        parts.traps.append(replace(trap, says=f"{trap.means}; this is not a page fault."))
        return
    done = said_refused(DONE[access], trap, is_known=cause is not None)
    words = event.words(_WORDS)
    event.unread(words)
    if not words:
        event.say(
            f"has no descriptors: {trap.means} is raised for an absent page and for one that does not allow the access"
        )
        parts.traps.append(replace(trap, says=f"{done}; the text has no descriptor that says why."))
        return
    bits = _bits(event, words, parts)
    fmt = deeper(bits)
    names = {39: ("pgd", "pmd", "pte"), 48: ("pgd", "pud", "pmd", "pte"), 57: ("pgd", "p4d", "pud", "pmd", "pte")}[bits]
    values = event.values(words, names)
    controls = RiscvControls(sum=bool((status or 0) & SUM), mxr=bool((status or 0) & MXR))
    lines = words[0].line, words[-1].line
    tables, walk = event.walk(fmt, controls, address, values, event.number(_PGDP), lines, access, bool(user))
    event.add_tables(tables, "pgdp")
    parts.traps.append(event.judged(trap, walk, done, "", refusing, is_known=cause is not None))


def _bits(event: Event, words: list[Word], parts: Parts) -> int:
    """Return the bits of an address, as given by the text or by repeated values."""
    match = event.search(_GEOMETRY)
    if match is not None and int(match[1]) in (39, 48, 57):
        return int(match[1])
    values = {one.name: one.value for one in words}
    bits = 39 if values.get("pud") == values.get("pgd") else 48 if values.get("p4d") == values.get("pgd") else 57
    event.say(f"does not say how many bits an address has: {bits} are taken")
    return bits
