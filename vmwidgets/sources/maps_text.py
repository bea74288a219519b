r"""The text of /proc/PID/maps: one line a range, checked as a whole before it is used; /proc/PID/smaps as well.

Format: `proc_pid_maps(5)` and `proc_pid_smaps(5)` of the Linux manual.  A newline in a path is written ``\012`` there
and stays so; every other character of a path stands for itself, so lines end at newlines and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from vmwidgets.engine.base.frozen import frozen

from ..engine.base.errors import Refused, in_ascii, printable
from ..engine.base.units import PAGE, Address, Size
from .foreign import CALL_LINE, refuse_foreign, refuse_others

MOST_RANGES = 200_000
"""Ranges of one text: three times what Linux allows a process by default (`vm.max_map_count`)."""

MOST_BYTES = 64 << 20
"""Bytes of one text."""

_WORD = 1 << 64
_SHOWN = 60
_EXAMPLE = "one reads '00400000-00401000 r-xp 00000000 08:01 12 /bin/true'"
_LINE = re.compile(
    r"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-])([ps]) ([0-9a-f]{1,16}) "
    r"([0-9a-f]{1,8}:[0-9a-f]{1,8}) ([0-9]{1,20})(?: +(.*))?",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)
_SAID = re.compile(r"([A-Z][A-Za-z_]{1,40}): +(?:([0-9]{1,15}) kB|[0-9]|[a-z? ]{1,200})", re.ASCII)
"""A line of smaps, about the range before it."""


@frozen
class MapsRange:
    """One line: [start, end) in bytes, its protection, and what is behind it.

    `path` is a file's path, a name of the kernel's such as ``"[heap]"``, or empty; `offset` (bytes) is where in the
    file it begins; `shared` tells MAP_SHARED from MAP_PRIVATE; `line` counts from 1.
    `resident` (bytes) is what of it is in memory, which only smaps says.
    """

    line: int
    start: int
    end: int
    protection: str
    shared: bool
    offset: int
    device: str
    inode: int
    path: str
    resident: int | None = None

    @property
    def size(self) -> Size:
        """Length in bytes."""
        return Size(self.end - self.start)

    @in_ascii
    def __repr__(self) -> str:
        letters = self.protection + ("s" if self.shared else "p")
        return f"{Address(self.start)}–{Address(self.end)} {letters} {self.size} {printable(self.path)}".rstrip()


def parse_maps(text: str, source: str) -> list[MapsRange]:
    """The ranges of `text`, ascending; :class:`Refused` with the line's number where they are not.

    `source` names the text in the sentence.  Blank lines are passed over.

    >>> parse_maps("00400000-00401000 r-xp 00000000 08:01 12   /bin/true", "a text")
    [0x40_0000-0x40_1000 r-xp 4 KiB /bin/true]
    """
    refuse_foreign(text, source)
    refuse_others(text, source, CALL_LINE, "what strace wrote", "give it to vm.load_strace")
    ranges: list[MapsRange] = []
    for number, line in _lines(text.removeprefix("\ufeff")):
        said = _SAID.fullmatch(line)
        if said is not None and ranges:
            ranges[-1] = _with(ranges[-1], number, said, source)
            continue
        found = _parse_line(number, line, source)
        if ranges and found.start < ranges[-1].end:
            before = ranges[-1]
            raise _refused(
                source, number, f"it begins at {Address(found.start)}, below the end of line {before.line}, "
                f"{Address(before.end)}: ranges ascend and do not overlap",
            )  # fmt: skip  # one sentence
        ranges.append(found)
        if len(ranges) > MOST_RANGES:
            raise _refused(source, number, f"more than {MOST_RANGES:,} ranges are not read")
    if not ranges:
        raise Refused(f"{source} is empty: a process has at least one range; {_EXAMPLE}")
    return ranges


def looks_like_maps(text: str) -> bool:
    """Whether one line is a line of maps, rather than a file's name."""
    return _LINE.fullmatch(text.strip(" ")) is not None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    dos = all(line.endswith("\r") for line in lines[:-1]) and len(lines) > 1
    for number, line in enumerate(lines, 1):
        content = (line.removesuffix("\r") if dos else line).lstrip(" \t")
        if content.strip():
            yield number, content


def _with(one: MapsRange, number: int, said: re.Match[str], source: str) -> MapsRange:
    """A range, with a line of smaps about it."""
    name, size = said[1], int(said[2] or 0) << 10
    if name == "Size" and size != one.size:
        raise _refused(source, number, f"the range of line {one.line} has {one.size}, not {Size(size)}")
    if name != "Rss":
        return one
    if one.resident is not None:
        raise _refused(source, number, f"Rss is said twice of the range of line {one.line}")
    if size > one.size:
        raise _refused(source, number, f"{Size(size)} of a range of {one.size} can't be in memory")
    return replace(one, resident=size)


def _parse_line(number: int, line: str, source: str) -> MapsRange:
    match = _LINE.fullmatch(line)
    if match is None:
        shown = printable(line[:_SHOWN]) + ("…" if len(line) > _SHOWN else "")
        raise _refused(source, number, f"{shown!r} is not a range; {_EXAMPLE}")
    start, end, offset = int(match[1], 16), int(match[2], 16), int(match[5], 16)
    if end <= start:
        raise _refused(source, number, f"end {Address(end)} is not above start {Address(start)}")
    for name, value in (("start", start), ("end", end), ("offset", offset)):
        if value % PAGE:
            raise _refused(source, number, f"{name} {Address(value)} is not page aligned")
    if offset + end - start >= _WORD:
        raise _refused(source, number, f"offset {Address(offset)} and the range's size pass the end of 64 bits")
    shared = match[4] in "sS"
    return MapsRange(number, start, end, match[3].lower(), shared, offset, match[6], int(match[7]), match[8] or "")


def _refused(source: str, number: int, why: str) -> Refused:
    return Refused(f"line {number} of {source}: {why}")
