"""Oopses of Linux on any processor: one text after the other, each passed to its processor's reader.

An oops begins with a line that names the failed address, and ends before the next such line.  Processors print at the
same time, so lines of two oopses may be mixed: the first line of each kind counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import levels, oops_arm, oops_arm64, oops_riscv, oops_x86
from .oops_event import FAILED_AT, MESSAGES, Event
from .parts import Parts

WORDS = (
    *MESSAGES,
    "oops",
    "pgd",
    "pmd",
    "pagetable",
    "esr",
    "cr2",
    "cr3",
    "cr4",
    "fault",
    "exception",
    "flags:",
)
"""Words that make a line of a long text relevant to this reader, in small letters."""

_FLAGS = re.IGNORECASE | re.ASCII
_BEGINS = re.compile(
    "|".join(
        (
            *(f"{begins} (?:{goes_on})" for begins, goes_on in MESSAGES.items()),
            r"unhandled page fault \([0-9]{1,2}\) at 0x",
            r"unhandled (?:fault|prefetch abort): .{3,60} \(0x[0-9a-f]{3,8}\) at 0x",
            r"BUG: kernel NULL pointer dereference|general protection fault, ",
            r"(?:general protection|double) fault: [0-9a-f]{4}\b",
            r"\w\[[0-9]{1,9}\]:? (?:unhandled .{1,80} at 0x|trap .{1,40} ip:|general protection)",
            oops_x86.WALKS.pattern,
        )
    ),
    _FLAGS,
)
_PART = re.compile(
    r"#PF: |\bPGD [0-9a-f]+\b|\*?\bpgd ?= ?(?:0x)?[0-9a-f]{6,16}\b|\*pde ?= ?[0-9a-f]{8}|\bESR = 0x|Oops:"
    r" [0-9a-f]{1,16} \[#|"
    r"\bbadaddr: ",
    re.ASCII,
)
"""A line of an oops whose first line is missing."""

LONGEST = 300
"""The most lines of one oops."""

MOST = 2_000
"""The most oopses of a text that are read."""

ARCHITECTURES = (
    (oops_riscv.EVIDENCE, oops_riscv.read),
    (oops_arm.EVIDENCE, oops_arm.read),
    (oops_arm64.EVIDENCE, oops_arm64.read),
    (oops_x86.EVIDENCE, oops_x86.read),
    (oops_riscv.LIKELY, oops_riscv.read),
    (oops_arm.LIKELY, oops_arm.read),
)
"""The evidence for a processor in an oops, the surest first, and its reader."""


_ADDRESS = re.compile(rf"{FAILED_AT} (?:0x)?([0-9a-f]{{4,16}})\b", _FLAGS)


def read(parts: Parts) -> None:
    """Add the faults of all oopses of a text, each with the tables that it prints."""
    for event in _events(parts):
        found = (each for evidence, each in ARCHITECTURES if event.search(evidence, claim=False))
        reader = oops_x86.read if event.name == "walk" else next(found, None)
        if reader is not None:
            reader(event, parts)
            parts.claim_doubled(event.lines)
        elif event.header:
            parts.unsaid.append(
                f"Line {event.first} begins an oops of Linux, and the lines that say the processor and the reason"
                f" are missing."
            )


def _events(parts: Parts) -> Iterator[Event]:
    lines = parts.lines
    begins = [number for number, line in enumerate(lines, 1) if line and _BEGINS.search(line)]
    begins = [at for n, at in enumerate(begins) if not n or not _same(lines, begins[n - 1], at)]
    first = next((number for number, line in enumerate(lines, 1) if line and _PART.search(line)), 0)
    if first and (not begins or first < begins[0]) and not any(first - 8 <= at <= first + 1 for at in begins):
        begins.insert(0, first)
    if len(begins) > MOST:
        parts.unsaid.append(f"The oopses from line {begins[MOST]:,} on are not read: at most {MOST:,} are.")
        parts.claimed.update(range(begins[MOST], len(lines) + 1))
    for n, at in enumerate(begins[:MOST]):
        end = begins[n + 1] - 1 if n + 1 < len(begins) else len(lines)
        end = min(end, at + LONGEST)
        is_walk = oops_x86.WALKS.search(lines[at - 1]) is not None
        above = (number for number in range(at, max(at - 100, 0), -1) if is_walk and "[ Xen-" in lines[number - 1])
        some = [(number, lines[number - 1]) for number in range(next(above, at), end + 1) if lines[number - 1]]
        if at not in parts.claimed:
            header = bool(_BEGINS.search(lines[at - 1]))
            yield Event(at, some, header, parts, "walk" if is_walk else "oops")


def _same(lines: list[str], before: int, at: int) -> bool:
    """Return whether two processors printed the same first line, with no table in between.

    The head below crash's command `vtop` belongs to the command.
    """
    if levels.LINE.search(lines[at - 1]):
        is_head = "Pagetable walk from" in lines[before - 1]
        return at - before <= 2 and (is_head or levels.goes_on(lines[before - 1], lines[at - 1]))
    if "VIRTUAL" in lines[at - 1]:
        return at - before <= 2
    one, other = _ADDRESS.search(lines[before - 1]), _ADDRESS.search(lines[at - 1])
    if one is None or other is None or one[1] != other[1] or at - before > 40:
        return False
    return not any("pgd=" in line or "PGD " in line for line in lines[before : at - 1])
