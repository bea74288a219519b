r"""/proc/PID/maps and /proc/PID/smaps of Linux, also in crash reports of glibc, Ruby and the JVM, and in profiles.

Format: `proc_pid_maps(5)` and `proc_pid_smaps(5)` of the Linux manual.  A newline in a path is written ``\012`` there,
and kept like that; every other character of a path is literal.  Crash reports contain such lines among others.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...engine.base.units import Size
from ...given.loaded import MapsRange
from ..cleaned import Cleaned
from .found import Found, Kind

_RANGE = (
    r"([0-9a-f]{1,16})-([0-9a-f]{1,16})[ \t]+([r-][w-][x-])([psS])[ \t]+([0-9a-f]{1,16})[ \t]+"
    r"([0-9a-f]{1,8}:[0-9a-f]{1,8})[ \t]+([0-9]{1,20})"
)
_LINE = re.compile(rf"[ \t]*{_RANGE}(?:[ \t]+(.*))?", re.ASCII | re.DOTALL | re.IGNORECASE)
_INSIDE = re.compile(rf"(?<![\w.-]){_RANGE}(?:[ \t]+(.*))?$", re.ASCII | re.DOTALL | re.IGNORECASE)
"""A range that is not at the beginning of its line."""

_ALMOST = re.compile(
    (
        r"[ \t]*[0-9a-f]{1,40}-[0-9a-f]{1,40}([ \t]+[rwxps-]\S{1,5}([ \t].*)?|[ \t]*)|[ \t]*[0-9a-f]{4,40}"
        r"(-[0-9a-f]{0,40})?"
    ),
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_SAID = re.compile(r"[ \t]*([A-Z][A-Za-z_]{1,40}):(?:[ \t]+(?:([0-9]{1,15}) kB|(.*)))?[ \t]*", re.ASCII)
"""A line of smaps, about the range before it."""

_SMAPS = frozenset((
    "Size", "KernelPageSize", "MMUPageSize", "Rss", "Pss", "Pss_Dirty", "Pss_Anon", "Pss_File", "Pss_Shmem",
    "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty", "Referenced", "Anonymous", "KSM", "LazyFree",
    "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss",
    "Locked", "THPeligible", "ProtectionKey", "VmFlags", "Name",
))  # fmt: skip  # read as a list of names
"""Names of `proc_pid_smaps(5)`; Android adds Name."""

NARROW = 60
"""The least width of a window that wraps lines: a range alone has more characters."""

ENOUGH = 3
"""The number of lines of one length that count as wrapped by a window."""

_KNOWN = re.compile(rf"{_RANGE}|[A-Z][A-Za-z_]+:", re.ASCII | re.IGNORECASE)
"""The beginning of a line that is not the rest of another line."""

_KEPT = "Rss", "Pss", "Private_Dirty", "Swap"
"""The names whose numbers a range keeps."""

_REST = re.compile(
    r"[ \t]+(/\S.*|\[[\w:. -]+\].*)|(/\S.*|\[(?:heap|stack|stack:[0-9]+|v\w+|anon[:_][^\]]*|sigpage|uprobes)\])[ \t]*",
    re.ASCII,
)
"""A path that an editor or a mail has moved to a line of its own."""


def _read(text: Cleaned) -> Found:
    found = Found()
    ranges, kept = found.ranges, 0
    held: defaultdict[int, dict[str, int]] = defaultdict(dict)
    sizes: Counter[int] = Counter()
    lost: list[int] = []
    match_line, has_smaps = _LINE.fullmatch, False
    wrapped = _wrapped(text.lines)
    full = frozenset(wrapped if len(wrapped) >= ENOUGH else ())
    for number, line in enumerate(text.lines, 1):
        if not line:
            continue
        match = match_line(line)
        if match is None and "-" in line and ":" in line:
            match = _INSIDE.search(line)
        if match is not None:
            if number == 1 and len(match[1]) < len(match[2]) >= 8:
                found.wrong(
                    number, "begins with an address that has fewer digits than its end: the text may be cut there"
                )
                continue
            _add(found, match, number)
            kept = len(ranges) if ranges and ranges[-1].line == number else 0
            continue
        said = _SAID.fullmatch(line)
        if said is not None and said[1] in _SMAPS:
            has_smaps = True
            found.claimed.add(number)
            if kept:
                _about(found, kept - 1, number, said, held[kept - 1])
                sizes[kept - 1] += said[1] == "Size"
            else:
                lost.append(number)
        elif _ALMOST.fullmatch(line):
            found.wrong(number)
            kept = 0
        elif ranges and (ranges[-1].line == number - 1 or (number - 1 in full and number - 1 in found.claimed)):
            has_file = not text.lines[number - 2].rstrip().endswith(" 0")
            _go_on(found, line, number, is_cut=number - 1 in full, has_file=has_file)
    if wrapped and not full:
        found.unsaid.append(f"A window may have wrapped line {wrapped[0]}: its path may go on in the next line.")
    if has_smaps:
        _say_of_smaps(found, held, sizes, lost)
    return found


def _go_on(found: Found, line: str, number: int, *, is_cut: bool, has_file: bool) -> None:
    """Add the next line to the last range's path.

    With `is_cut`, a window has cut the path at the end of the line.  Otherwise, a path on the next line does not belong
    to a range without a file (inode 0).
    """
    last = found.ranges[-1]
    rest = None if last.path else _REST.fullmatch(line)
    if rest is not None and (rest[2] or "").startswith("/") and not has_file and not is_cut:
        return
    if rest is not None or (is_cut and last.path):
        found.ranges[-1] = replace(last, path=last.path + (line if rest is None else rest[1] or rest[2]))
        found.claimed.add(number)


def _wrapped(lines: Sequence[str]) -> list[int]:
    """Return the lines that a window may have wrapped: the longest ranges that no range follows.  O(n)."""
    width = max(map(len, lines), default=0)
    if width < NARROW:
        return []
    found: list[int] = []
    for number, line in enumerate(lines[:-1], 1):
        if len(line) != width or not (number - 1 in found[-1:] or KIND.is_line.search(line)):
            continue
        rest = lines[number].strip()
        if rest and not any(found(rest) for found in (_KNOWN.match, _ALMOST.fullmatch, KIND.is_line.search)):
            found.append(number)
    return found


def _say_of_smaps(found: Found, held: Mapping[int, Mapping[str, int]], sizes: Counter[int], lost: list[int]) -> None:
    """Add how much of each range is in memory, and sentences about missing lines of smaps."""
    ranges = found.ranges
    for at, numbers in held.items():
        rss, pss, dirty, swap = map(numbers.get, _KEPT)
        ranges[at] = replace(ranges[at], resident=rss, fair=pss, dirty=dirty, swap=swap)
    if lost:
        found.unsaid.append(
            f"Line {lost[0]} is about a range that is not in the text: lines are missing, or in another order."
        )
    elif any(sizes[at] != 1 for at in range(len(ranges))):
        found.unsaid.append("Not each range has its lines of smaps once: lines are missing, or in another order.")
    unknown = sum(one.resident is None for one in ranges)
    if unknown:
        found.unsaid.append(f"Rss is not said of {unknown:,} of {len(ranges):,} ranges: the text is cut, or mixed.")


def _add(found: Found, match: re.Match[str], number: int) -> None:
    start, end, offset = int(match[1], 16), int(match[2], 16), int(match[5], 16)
    path = match[8] or ""
    found.add(MapsRange(number, start, end, match[3].lower(), match[4] in "sS", offset, match[6], int(match[7]), path))


def _about(found: Found, at: int, number: int, said: re.Match[str], held: dict[str, int]) -> None:
    """Read a line of smaps about a range, whose numbers so far are in `held`."""
    one, name = found.ranges[at], said[1]
    if name == "Name" and said[3] and not one.path:
        found.ranges[at] = replace(one, path=said[3].strip())
    if said[2] is None or (name != "Size" and name not in _KEPT):
        return
    size = int(said[2]) << 10
    if name == "Size" and size != one.size:
        found.unsaid.append(f"Line {number}: the range of line {one.line} has {one.size}, not {Size(size)}.")
    elif name in held:
        found.unsaid.append(f"Line {number}: {name} is said twice of the range of line {one.line}; the first counts.")
    elif size > one.size:
        where = "in swap" if name == "Swap" else "in memory"
        found.unsaid.append(f"Line {number}: {Size(size)} of a range of {one.size} can't be {where}.")
    elif name != "Size":
        held[name] = size


KIND = Kind(
    "a map of a process (/proc/PID/maps)",
    "00400000-00401000 r-xp 00000000 08:01 12 /bin/true",
    re.compile(rf"(?<![\w.-]){_RANGE}", re.ASCII | re.IGNORECASE),
    _read,
    re.compile(rf"^[ \t]*(?:{'|'.join(sorted(_SMAPS))}):"),
)
