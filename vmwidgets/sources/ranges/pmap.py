"""`pmap` and `pmap -x` of Linux (procps): address, kilobytes, perhaps the part in memory, rights, name."""

from __future__ import annotations

import re

from ...engine.machine.loaded import MapsRange
from ..cleaned import Cleaned
from .found import Found, Kind, protection_of

_RIGHTS = r"([r-][w-][x-][s-][R-])"
_SHORT = re.compile(rf"[ \t]*([0-9a-f]{{8,16}})[ \t]+([0-9]{{1,15}})K[ \t]+{_RIGHTS}(?:[ \t]+(.*?))?[ \t]*", re.ASCII)
_LONG = re.compile(
    (
        rf"[ \t]*([0-9a-f]{{8,16}})[ \t]+([0-9]{{1,15}})[ \t]+([0-9]{{1,15}}|-)[ \t]+([0-9]{{1,15}}|-)[ \t]+{_RIGHTS}"
        rf"(?:[ \t]+(.*?))?[ \t]*"
    ),
    re.ASCII,
)
_OTHERS = re.compile(r"[ \t]*(Address\s+Kbytes.*|[0-9]+:\s+.*|-{4,}[- ]*|total( kB)?\s+[0-9]+.*|mapped: .*)")
_ALMOST = re.compile(r"[ \t]*[0-9a-f]{8,40}([ \t]+[0-9].*)?", re.ASCII)


def _read(text: Cleaned) -> Found:
    found = Found()
    total: int | None = None
    written: list[str] = []
    for number, line in enumerate(text.lines, 1):
        if not line:
            continue
        short, long = _SHORT.fullmatch(line), _LONG.fullmatch(line)
        if short is not None or long is not None:
            written.append((short or long)[1])  # type: ignore[index]  # one of them is there
        if short is not None:
            found.add(_range(number, short[1], short[2], None, short[3], short[4]))
        elif long is not None:
            found.add(_range(number, long[1], long[2], long[3], long[5], long[6]))
        elif _OTHERS.fullmatch(line):
            found.claimed.add(number)
            sums = re.search(r"total(?: kB)?\s+([0-9]{1,15})", line)
            total = int(sums[1]) << 10 if sums else total
        elif found.ranges and _ALMOST.fullmatch(line):
            found.wrong(number)
    if found.ranges:
        _say_what_is_missing(found, written, total)
    return found


def _say_what_is_missing(found: Found, written: list[str], total: int | None) -> None:
    """Add sentences about what pmap does not show, and about contradictions."""
    found.unsaid.append("pmap does not say where in its file a range begins: all are entered from the first byte on.")
    if any(one.path.startswith("…") or (one.path and not one.path.startswith(("/", "["))) for one in found.ranges):
        found.unsaid.append("pmap prints the names of files without their folders (pmap -p has them).")
    if len({len(one) for one in written}) > 1:
        found.unsaid.append("Not all addresses have the same number of digits: some are damaged.")
    if any(one.resident is None for one in found.ranges) and any(one.resident is not None for one in found.ranges):
        found.unsaid.append("RSS of some ranges is missing, or more than the range has.")
    mapped = sum(one.size for one in found.ranges)
    if total is not None and total != mapped:
        found.unsaid.append(f"The total of the text is {total >> 10:,} kB, and its ranges have {mapped >> 10:,} kB.")
    if total is None:
        found.unsaid.append("The text has no line with the total: ranges may be missing.")


def _range(line: int, start: str, kilobytes: str, resident: str | None, rights: str, name: str | None) -> MapsRange:
    first, size = int(start, 16), int(kilobytes) << 10
    path = re.sub(r"\[ (\w+) \]", r"[\1]", name or "")
    held = int(resident) << 10 if resident is not None and resident.isdigit() else None
    held = None if held is not None and held > size else held
    path = "" if path == "[anon]" else path
    return MapsRange(line, first, first + size, protection_of(rights[:3]), rights[3] == "s", 0, "00:00", 0, path, held)


KIND = Kind(
    "what pmap prints",
    "0000558d6f2c5000      8K r---- cat",
    re.compile(
        rf"^[ \t]*[0-9a-f]{{8,16}}[ \t]+[0-9]{{1,15}}(K[ \t]+|[ \t]+[0-9-]{{1,15}}[ \t]+[0-9-]{{1,15}}[ \t]+){_RIGHTS}",
        re.ASCII,
    ),
    _read,
)
