"""Older Android tombstones and logs: `40000000-40001fff r-- /system/bin/linker`, and rights with one letter more."""

from __future__ import annotations

import re

from ...engine.machine.loaded import MapsRange
from ..cleaned import Cleaned
from .found import Found, Kind

_LINE = re.compile(
    r"[ \t]*([0-9a-f]{8,16})-([0-9a-f]{8,16})[ \t]+([r-][w-][x-])(?:[ \t]+([/\[(<].*?))?[ \t]*", re.ASCII
)


def _read(text: Cleaned) -> Found:
    found = Found()
    for number, line in enumerate(text.lines, 1):
        match = _LINE.fullmatch(line) if line else None
        if match is not None:
            end = int(match[2], 16)
            end += end % 4096 == 4095
            found.add(MapsRange(number, int(match[1], 16), end, match[3], False, 0, "00:00", 0, match[4] or ""))
    if found.ranges:
        found.ranges.sort(key=lambda one: one.start)  # these maps begin with the highest address
        found.unsaid.append("The text does not say offsets nor what is shared: ranges begin at 0 and are private.")
    return found


KIND = Kind(
    "the map near an address, as Android's debuggerd printed it",
    "40000000-40001fff r-x /system/bin/linker",
    re.compile(r"^[ \t]*[0-9a-f]{8,16}-[0-9a-f]{8,16}[ \t]+[r-][w-][x-](?:[ \t]+[/\[(<].*)?[ \t]*$", re.ASCII),
    _read,
)
