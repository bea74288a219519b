"""Linux's ptdump (/sys/kernel/debug/page_tables/kernel, kernel_page_tables): runs of addresses with the flags of pages.

0xffff800000000000-0xffff800000200000           2M PMD       RW NX SHD AF            BLK UXN MEM/NORMAL
0xffffffff81000000-0xffffffff82000000          16M     ro         PSE     GLB x  pmd
0xffffffd800200000-0xffffffd800e00000    0x0000000080200000        12M PMD     D A G . . W R V
"""

from __future__ import annotations

import re

from ...engine.base.units import PAGE
from ...given.pasted import Listing, SaidRange
from .parts import Parts

WORDS = ("pgd", "pmd", "pte")
"""Words that make a line of a long text relevant to this reader, in small letters."""

NAME = "ptdump of Linux"

_LINE = re.compile(
    r"(?:^|[\s|])(?:0x)?([0-9a-f]{8,16})-(?:0x)?([0-9a-f]{8,16})\s+(?:0x([0-9a-f]{8,16})\s+)?([0-9]{1,12})([KMGTPE])(?:\s+(.*?))?\s*$",
    re.ASCII,
)
_SECTION = re.compile(r"---\[ .* \]---")
_UNITS = {unit: 10 * at for at, unit in enumerate("KMGTPE", 1)}
_TOKENS = re.compile(
    r"\b(?:pgd|p4d|pud|pmd|pte|PGD|P4D|PUD|PMD|PTE|NX|RW|ro|SHD|USR|GLB|PSE)\b|[DAGUXWRV.]( [DAGUXWRV.]){5,}"
)


def read(parts: Parts) -> None:
    """Add a dump of Linux's ptdump as one listing for each time that addresses start again."""
    found: list[tuple[int, list[SaidRange], list[SaidRange]]] = []
    damaged, last = [], 0
    for number, line in enumerate(parts.lines, 1):
        if not line or "-" not in line:
            continue
        if _SECTION.search(line) and number not in parts.claimed:
            if found:
                parts.claimed.add(number)
            continue
        match = _LINE.search(line)
        if match is None or not _TOKENS.search(match[6] or ""):
            continue
        parts.claimed.add(number)
        if parts.ends_in(number, match.end()):
            parts.unsaid.append(f"The text ends within line {number} of {NAME}: flags may be missing.")
        start, end = int(match[1], 16), int(match[2], 16)
        end = end or 1 << 64
        if end <= start or end - start != int(match[4]) << _UNITS[match[5]] or start % PAGE:
            damaged.append(number)
            continue
        rights = _rights(match[6] or "")
        if not found or start < last:
            found.append((number, [], []))
        last = end
        pa = int(match[3], 16) if match[3] else None
        _, pieces, absent = found[-1]
        (absent if rights is None else pieces).append(SaidRange(start, end - start, rights or "----", pa))
    for number, pieces, absent in found:
        parts.listings.append(Listing(NAME, tuple(pieces), number, tuple(absent), is_whole=False))
    if found:
        parts.what[NAME] = None
    parts.unsaid += [f"Line {number} of {NAME} contradicts itself, and is left out." for number in damaged]


def _rights(flags: str) -> str | None:
    """Return the rights as four letters; None for an unmapped range."""
    words = flags.split()
    letters = [word for word in words if len(word) == 1]
    if len(letters) >= 6 and set(letters) <= set("DAGUXWRV.F"):
        if "V" not in letters:
            return None
        return "".join(letter.lower() if letter in letters else "-" for letter in "RWXU")
    if "RW" not in words and "ro" not in words:
        return None
    may_execute = "x" in words or ("NX" not in words and "x" not in words and "UXN" not in words)
    return f"r{'w' if 'RW' in words else '-'}{'x' if may_execute else '-'}{'u' if 'USR' in words else '-'}"
