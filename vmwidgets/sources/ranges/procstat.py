"""`procstat -v` of FreeBSD, and of its forks: PID, start, end, rights, pages, flags, file."""

from __future__ import annotations

import re

from ...engine.base.units import PAGE
from ...engine.machine.loaded import MapsRange
from ..cleaned import Cleaned
from .found import Found, Kind, protection_of

_LINE = re.compile(
    r"[ \t]*([0-9]{1,9})[ \t]+0x([0-9a-f]{1,16})[ \t]+0x([0-9a-f]{1,16})[ \t]+([r-][w-][x-][A-Za-z-]{0,4})[ \t]+"
    r"([0-9]{1,12})[ \t]+"
    r"([0-9]{1,12})[ \t]+([0-9]{1,9})[ \t]+([0-9]{1,9})[ \t]+([A-Z-]{2,8})[ \t]+([a-z]{2}|--)(?:[ \t]+(.*?))?[ \t]*",
    re.ASCII,
)
_HEAD = re.compile(r"[ \t]*PID\s+START\s+END\s+PRT\s+.*")
_ALMOST = re.compile(r"[ \t]*[0-9]{1,9}[ \t]+0x[0-9a-f]{1,40}.*", re.ASCII)


def _read(text: Cleaned) -> Found:
    found = Found()
    pids = set()
    for number, line in enumerate(text.lines, 1):
        match = _LINE.fullmatch(line) if line else None
        if match is not None:
            pids.add(match[1])
            start, end = int(match[2], 16), int(match[3], 16)
            resident = int(match[5]) * PAGE
            path = match[11] or ("[stack]" if "D" in match[9] and match[10] == "df" else "")
            held = resident if resident <= end - start else None
            found.add(MapsRange(number, start, end, protection_of(match[4]), False, 0, "00:00", 0, path, held))
        elif line and _HEAD.fullmatch(line):
            found.claimed.add(number)
        elif found.ranges and line and _ALMOST.fullmatch(line):
            found.wrong(number)
    if found.ranges:
        found.unsaid.append("procstat does not say offsets in files: all ranges are entered from the first byte on.")
        found.unsaid.append("procstat does not say what is shared: all ranges are entered as private.")
    return found


KIND = Kind(
    "what procstat -v of FreeBSD prints",
    "  681           0x400000           0x408000 r-x      8   10   2   1 CN--- vn /bin/cat",
    re.compile(
        r"^[ \t]*[0-9]{1,9}[ \t]+0x[0-9a-f]{1,16}[ \t]+0x[0-9a-f]{1,16}[ \t]+[r-][w-][x-][A-Za-z-]{0,4}[ \t]+[0-9]",
        re.ASCII,
    ),
    _read,
)
