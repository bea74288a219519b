"""The libraries in a crash report of the JVM (hs_err) on Windows, and the sentence about a report of macOS.

Linux's reports have the lines of /proc/PID/maps.  Windows prints the start and the end of each library, and macOS only
the start, so a library's length is unknown there.
"""

from __future__ import annotations

import re

from ...engine.base.units import counted
from ...engine.machine.loaded import UNKNOWN, MapsRange
from ..cleaned import Cleaned
from .found import Found, Kind

_H = r"0x([0-9a-f]{8,16})"
_WINDOWS = re.compile(rf"{_H} - {_H}[ \t]+([A-Z]:[\\/].*|\\\\.*)", re.ASCII | re.IGNORECASE)
_MACOS = re.compile(rf"{_H}[ \t]+(/\S.*\.dylib|/System/Library/.*|/usr/lib/.*)", re.ASCII)
_ALMOST = re.compile(r"0x[0-9a-f]{4,40}[ \t].*", re.ASCII)


def _read(text: Cleaned) -> Found:
    found, without_end = Found(), 0
    for number, line in enumerate(text.lines, 1):
        if line.strip() == "Dynamic libraries:":
            found.claimed.add(number)
        elif (match := _WINDOWS.fullmatch(line)) is not None:
            path = match[3].rstrip()
            found.add(MapsRange(number, int(match[1], 16), int(match[2], 16), UNKNOWN, False, 0, "00:00", 0, path))
        elif _MACOS.fullmatch(line):
            found.claimed.add(number)
            without_end += 1
        elif found.ranges and _ALMOST.fullmatch(line):
            found.wrong(number)
    found.ranges.sort(key=lambda one: one.start)  # the text lists them in the order of loading
    if found.ranges:
        found.unsaid.append(
            "The report lists libraries alone, without rights: heap and stacks are missing, and all are entered without"
            " any."
        )
    if without_end:
        found.unsaid.append(
            f"{counted(without_end, 'line')} of the text {'names' if without_end == 1 else 'name'} only the start of a"
            " library, as on macOS: load what vmmap PID prints."
        )
    return found


KIND = Kind(
    "the libraries of a crash report of the JVM (hs_err)",
    r"0x00007ff6a4b30000 - 0x00007ff6a4b77000 C:\jdk\bin\java.exe",
    re.compile(
        rf"^({_H} - {_H}[ \t]+([A-Za-z]:[\\/]|\\\\)|{_H}[ \t]+(/\S.*\.dylib|/System/Library/|/usr/lib/))",
        re.ASCII | re.IGNORECASE,
    ),
    _read,
)
