"""`vmmap` of macOS, also in crash reports: type, start, end, sizes, rights (current and maximum), sharing, detail."""

from __future__ import annotations

import re

from ...engine.machine.loaded import MapsRange
from ..cleaned import Cleaned
from .found import Found, Kind, protection_of

_SIZE = r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([KMGTB])"
_LINE = re.compile(
    r"[ \t]*([A-Za-z_][\w ./()-]{0,60}?)[ \t]+(?:0x)?([0-9a-f]{6,16})[ \t]*-[ \t]*(?:0x)?([0-9a-f]{6,16})[ \t]+\[[ \t]*"
    rf"{_SIZE}(?:[ \t]+{_SIZE})?[^\]]{{0,60}}\][ \t]+([r-][w-][x-])/([r-][w-][x-])(?:[ \t]+SM=(\S{{1,8}}))?(?:["
    rf" \t]+(.*?))?[ \t]*",
    re.ASCII,
)
_OTHERS = re.compile(
    r"[ \t]*(====.*|REGION TYPE.*|={4,}[ =]*|-{4,}.*|(Process|Path|Load Address|Identifier|Version|Code Type|Platform|"
    r"Parent Process|Date/Time|Launch Time|OS Version|Report Version|Analysis Tool|Analysis Tool Version|Virtual"
    r" Memory Map):?.*)"
)
_SHARED = frozenset(("SHM", "ALI", "S/A", "LSH", "TRU"))
_OWN = frozenset(("COW", "PRV", "NUL", "ZER", "P/A", "LPG"))
"""The sharing modes that vmmap prints, from `share_mode` of XNU (mach/vm_region.h): shared, and a process's own."""

_UNITS = {"B": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def _read(text: Cleaned) -> Found:
    found = Found()
    ended = False
    rounded = 0
    unknown: list[int] = []
    for number, line in enumerate(text.lines, 1):
        match = _LINE.fullmatch(line) if line else None
        if match is not None:
            start, end = int(match[2], 16), int(match[3], 16)
            said = float(match[4]) * (1 << _UNITS[match[5]])
            if abs(said - (end - start)) > said / 10:
                found.wrong(number, "has a size that is not the one of its addresses")
                continue
            resident = int(float(match[6]) * (1 << _UNITS[match[7]])) if match[6] else None
            rounded += bool(match[6] and "." in match[6])
            held = resident - resident % 1024 if resident is not None and resident <= end - start else None
            name = match[11] or ""
            path = name if name.startswith("/") else f"[{match[1].strip()}]"
            shared = match[10] in _SHARED
            if match[10] not in _SHARED | _OWN:
                unknown.append(number)
            found.add(MapsRange(number, start, end, protection_of(match[8]), shared, 0, "00:00", 0, path, held))
        elif line and _OTHERS.fullmatch(line):
            found.claimed.add(number)
            ended = ended or line.startswith("==== Summary")
    found.ranges.sort(key=lambda one: one.start)  # vmmap lists ranges that can't be written first
    if found.ranges:
        found.unsaid.append(
            "vmmap of macOS does not say offsets in files: all ranges are entered from the first byte on."
        )
        if unknown:
            of = f"line {unknown[0]}" + f" and {len(unknown) - 1:,} more" * (len(unknown) > 1)
            found.unsaid.append(
                f"What is shared is not said in {of} by a known SM: these ranges are entered as private."
            )
        if rounded:
            found.unsaid.append("vmmap rounds sizes: what is in memory (RSDNT) is as exact as it is printed.")
    return found


KIND = Kind(
    "what vmmap of macOS prints",
    "__TEXT   10b5a9000-10b5ae000 [   20K    20K     0K     0K] r-x/r-x SM=COW  /bin/cat",
    re.compile(
        r"(?:0x)?[0-9a-f]{6,16}[ \t]*-[ \t]*(?:0x)?[0-9a-f]{6,16}[ \t]+\[[^\]]{2,80}\][ \t]+[r-][w-][x-]/[r-][w-][x-]",
        re.ASCII,
    ),
    _read,
)
