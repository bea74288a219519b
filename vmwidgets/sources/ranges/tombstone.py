"""The memory map of an Android tombstone: inclusive ends, apostrophes in addresses of 64 bits, no device and no inode.

00000062'9b8a1000-00000062'9b8a2fff r--         0      2000  /system/bin/app_process64 (BuildId: …)
"""

from __future__ import annotations

import re

from ...engine.machine.loaded import MapsRange
from ..cleaned import Cleaned
from .found import Found, Kind

_H = r"([0-9a-f']{1,17})"
_LINE = re.compile(
    (
        rf"[ \t]*(?:--->)?[ \t]*{_H}-{_H}[ \t]+([r-][w-][x-])[ \t]+([0-9a-f]{{1,16}})[ \t]+([0-9a-f]{{1,16}})(?:["
        rf" \t]+(.*?))?[ \t]*"
    ),
    re.ASCII,
)
_NOTES = re.compile(r"[ \t]*\((BuildId|load bias|Build ID):? [^)]*\)$")
_HEAD = re.compile(r"[ \t]*memory map( \([0-9,]+ entr(y|ies)\))?:.*", re.IGNORECASE)
_FAULT = re.compile(r"[ \t]*--->Fault address .*")
_ALMOST = re.compile(r"[ \t]*[0-9a-f']{4,40}-([0-9a-f']{0,40}([ \t].*)?)?", re.ASCII)
_COUNT = re.compile(r"memory map \(([0-9,]{1,12}) entr", re.IGNORECASE)


def _read(text: Cleaned) -> Found:
    found = Found()
    entries = None
    for number, line in enumerate(text.lines, 1):
        match = _LINE.fullmatch(line) if line else None
        if match is not None:
            start, end = (int(match[at].replace("'", "") or "0", 16) for at in (1, 2))
            end += end % 4096 == 4095
            if int(match[5], 16) != end - start:
                found.wrong(number, "has a size that is not the one of its addresses")
                continue
            path = match[6] or ""
            while (shorter := _NOTES.sub("", path)) != path:
                path = shorter
            found.add(MapsRange(number, start, end, match[3], False, int(match[4], 16), "00:00", 0, path))
        elif line and (_HEAD.fullmatch(line) or _FAULT.fullmatch(line)):
            found.claimed.add(number)
            said = _COUNT.search(line)
            entries = int(said[1].replace(",", "")) if said is not None else entries
        elif found.ranges and line and _ALMOST.fullmatch(line):
            found.wrong(number)
    if found.ranges:
        found.unsaid.append("A tombstone does not say what is shared: all ranges are entered as private.")
        if entries is not None and entries != len(found.ranges):
            found.unsaid.append(f"The text says {entries:,} entries, and {len(found.ranges):,} could be read.")
    return found


KIND = Kind(
    "the memory map of an Android tombstone",
    "0000006f'12345000-0000006f'12346fff r--         0      2000  /system/bin/app_process64",
    re.compile(
        rf"(?:^|--->)[ \t]*{_H}-{_H}[ \t]+[r-][w-][x-][ \t]+[0-9a-f]{{1,16}}[ \t]+[0-9a-f]{{1,16}}(?:[ \t]|$)", re.ASCII
    ),
    _read,
)
