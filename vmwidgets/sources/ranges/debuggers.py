"""gdb's `info proc mappings`, and `vmmap` of pwndbg and of gef: columns of numbers in hexadecimal.

gdb prints rights from version 12 on, as "r--p"; pwndbg has the size before the offset, gef the offset alone.
"""

from __future__ import annotations

import re

from ...engine.machine.loaded import UNKNOWN, MapsRange
from ..cleaned import Cleaned
from .found import Found, Kind

_H = r"(0x[0-9a-f]{1,16})"
_MARK = r"(?:[\W_]{1,4}[ \t]+)?"
"""An arrow before the range that a register points to."""

_GDB = re.compile(
    rf"[ \t]*{_H}[ \t]+{_H}[ \t]+{_H}[ \t]+{_H}(?:[ \t]+([r-][w-][x-][ps]))?(?:[ \t]+(.*?))?[ \t]*", re.ASCII
)
_PWNDBG = re.compile(
    rf"[ \t]*{_MARK}{_H}[ \t]+{_H}[ \t]+([r-][w-][x-][ps-])[ \t]+([0-9a-f]{{1,16}})[ \t]+"
    r"((?:0x)?[0-9a-f]{1,16})(?:[ \t]+(.*?))?[ \t]*", re.ASCII,
)  # fmt: skip  # in the order of the columns
_GEF = re.compile(rf"[ \t]*{_MARK}{_H}[ \t]+{_H}[ \t]+{_H}[ \t]+([r-][w-][x-])(?:[ \t]+(.*?))?[ \t]*", re.ASCII)
_HEADS = re.compile(
    r"[ \t]*(Start Addr\s+End Addr\s+Size|Start\s+End\s+(Perm|Offset)|LEGEND:|\[ ?Legend:|Mapped address spaces"
    r"|process [0-9]+"
    r"|\((gdb|lldb)\)|pwndbg>|gef(➤|>)).*"
)
_ALMOST = re.compile(rf"[ \t]*{_MARK}0x[0-9a-f]{{4,40}}([ \t].*)?", re.ASCII)


def _read(text: Cleaned) -> Found:
    found = Found()
    without_rights, shares = 0, False
    for number, line in enumerate(text.lines, 1):
        if not line:
            continue
        if (match := _GDB.fullmatch(line)) is not None:
            rights = match[5] or ""
            without_rights += not rights
            shares = shares or bool(rights)
            one = _range(number, match[1], match[2], rights, match[4], match[6])
            _add(found, one, match[3])
        elif (match := _PWNDBG.fullmatch(line)) is not None:
            shares = shares or match[3][3] != "-"
            one = _range(number, match[1], match[2], match[3], match[5], match[6])
            _add(found, one, match[4])
        elif (match := _GEF.fullmatch(line)) is not None:
            found.add(_range(number, match[1], match[2], match[4], match[3], match[5]))
        elif _HEADS.fullmatch(line):
            found.claimed.add(number)
        elif found.ranges and _ALMOST.fullmatch(line):
            found.wrong(number)
    if without_rights:
        found.unsaid.append(
            f"The text has no rights for {without_rights:,} of {len(found.ranges):,} ranges (gdb prints them from"
            " version 12 on): they are entered without any."
        )
    if found.ranges and not shares:
        found.unsaid.append("The text does not say what is shared: all ranges are entered as private.")
    return found


def _add(found: Found, one: MapsRange, size: str) -> None:
    """Add a range, if its size is the printed one."""
    if int(size, 16) != one.end - one.start:
        found.wrong(one.line, "has a size that is not the one of its addresses")
    else:
        found.add(one)


def _range(line: int, start: str, end: str, rights: str, offset: str, name: str | None) -> MapsRange:
    path = name or ""
    path = "" if path.startswith("[anon_") or path == "<explored>" else path  # pwndbg's names for unnamed memory
    protection = rights[:3] or UNKNOWN
    return MapsRange(
        line, int(start, 16), int(end, 16), protection, rights[3:] == "s", int(offset, 16), "00:00", 0, path
    )


KIND = Kind(
    "a list of a debugger (info proc mappings, vmmap)",
    "0x555555554000 0x555555556000 0x2000 0x0 r--p /usr/bin/cat",
    re.compile(
        (
            rf"^[ \t]*{_MARK}{_H}[ \t]+{_H}[ \t]+({_H}[ \t]+(0x[0-9a-f]{{1,16}}([ \t]|$)|[r-][w-][x-])"
            rf"|[r-][w-][x-][ps-][ \t])"
        ),
        re.ASCII,
    ),
    _read,
)
