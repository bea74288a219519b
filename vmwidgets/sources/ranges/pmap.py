"""`pmap`, `-x`, `-X` and `-XX` of Linux (procps): address, kilobytes, perhaps the part in memory, rights, name."""

from __future__ import annotations

import re
from dataclasses import replace

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
_FULL = re.compile(
    r"[ \t]*([0-9a-f]{8,16})[ \t]+([r-][w-][x-][sp])[ \t]+([0-9a-f]{8,16})[ \t]+([0-9a-f]+:[0-9a-f]+)"
    r"[ \t]+([0-9]{1,20})[ \t]+([0-9]{1,15}(?:[ \t].*?)?)[ \t]*",
    re.ASCII,
)
"""A line of -X: the numbers after the inode are kilobytes, in the columns that the head names.

With -XX, the kernel's flags are before the name: "rd mr mw me cat".
"""

_FLAGS = (
    "rd", "wr", "ex", "sh", "mr", "mw", "me", "ms", "gd", "pf", "dw", "lo", "io", "sr", "rr", "dc", "de", "ac", "nr",
    "ht", "sf", "ar", "wf", "dd", "sd", "mm", "hg", "nh", "mg", "bt", "mt", "um", "uw", "ss", "sl",
)  # fmt: skip  # a list
"""The flags of a range (VmFlags) in the order in which Linux writes them: proc(5)."""

_KIB = re.compile("[0-9]{1,15}")
_SIZE = 5
"""The columns before the size: address, rights, offset, device, inode."""

_HEAD = re.compile(r"[ \t]*Address\s+Perm\s+Offset\s+Device\s+Inode\s+Size\s+.*", re.ASCII)
_SUMS = re.compile(r"[ \t]*([0-9]{1,15})[ \t][0-9 \t]*KB[ \t]*", re.ASCII)
_OTHERS = re.compile(r"[ \t]*(Address\s+Kbytes.*|[0-9]+:\s+.*|[-=]{3,}[-= ]*|total( kB)?\s+[0-9]+.*|mapped: .*)")
_ALMOST = re.compile(r"[ \t]*[0-9a-f]{8,40}([ \t]+[0-9].*)?", re.ASCII)


def _read(text: Cleaned) -> Found:
    head = next((line for line in text.lines if _HEAD.fullmatch(line)), None)
    return _read_sizes(text) if head is None else _read_in_full(text, head)


def _read_sizes(text: Cleaned) -> Found:
    """Return the ranges of `pmap` and of `pmap -x`."""
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
        found.unsaid.append(
            "pmap does not say where in its file a range begins: all are entered from the first byte on."
        )
        _say_what_is_missing(found, written, total)
    return found


def _read_in_full(text: Cleaned, head: str) -> Found:
    """Return the ranges of `pmap -X` and `-XX`, whose first line names the columns."""
    found = Found()
    columns = [one for one in head.split()[_SIZE:] if one not in ("VmFlags", "Mapping")]
    total: int | None = None
    for number, line in enumerate(text.lines, 1):
        if not line:
            continue
        if (match := _FULL.fullmatch(line)) is not None:
            found.add(_in_full(number, match, columns))
        elif (sums := _SUMS.fullmatch(line)) is not None:
            found.claimed.add(number)
            total = int(sums[1]) << 10
        elif _OTHERS.fullmatch(line) or _HEAD.fullmatch(line):
            found.claimed.add(number)
        elif found.ranges and _ALMOST.fullmatch(line):
            found.wrong(number)
    if found.ranges:
        _say_what_is_missing(found, [], total)
    return found


def _say_what_is_missing(found: Found, written: list[str], total: int | None) -> None:
    """Add sentences about what pmap does not show, and about contradictions."""
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


def _in_full(line: int, match: re.Match[str], columns: list[str]) -> MapsRange:
    """Return the range of a line of -X, whose columns of numbers have these names; the rest is its name."""
    words = match[6].split(maxsplit=len(columns))
    count = next((at for at, word in enumerate(words[: len(columns)]) if not _KIB.fullmatch(word)), len(columns))
    size, *numbers = (int(one) << 10 for one in words[:count])
    held = dict(zip(columns[1:], numbers, strict=False))
    start, path = int(match[1], 16), _without_flags(" ".join(words[count:]))
    one = MapsRange(line, start, start + size, match[2][:3], match[2][3] == "s", int(match[3], 16), match[4],
                    int(match[5]), path)  # fmt: skip  # what it is, then what it holds
    resident, fair, swap = (held.get(name) for name in ("Rss", "Pss", "Swap"))
    if resident is not None and resident <= size:
        one = replace(one, resident=resident, fair=fair, swap=swap)
    return one


def _without_flags(words: str) -> str:
    """Return what follows the flags of a range: a word alone, or not in the order of flags, is a name.

    >>> [_without_flags(one) for one in ("rd ex mr mw me sh", "rd wr mr mw me", "ex [vsyscall]", "sh", "")]
    ['sh', '', '[vsyscall]', 'sh', '']
    """
    name, last, count = words, -1, 0
    while (word := name.partition(" ")[0]) in _FLAGS[last + 1 :]:
        last, count, name = _FLAGS.index(word), count + 1, name.partition(" ")[2]
    return name if name or count > 1 else words


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
        r"^[ \t]*[0-9a-f]{8,16}[ \t]+"
        rf"(?:[0-9]{{1,15}}(?:K[ \t]+|[ \t]+[0-9-]{{1,15}}[ \t]+[0-9-]{{1,15}}[ \t]+){_RIGHTS}"
        r"|[r-][w-][x-][sp][ \t]+[0-9a-f]{8,16}[ \t]+[0-9a-f]+:)",
        re.ASCII,
    ),
    _read,
)
