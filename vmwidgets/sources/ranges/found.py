"""The ranges of a process in a text, and sentences about what the text lacks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.errors import printable
from ...engine.base.units import KIB, PAGE, Address, binary_size, counted
from ...given.loaded import MapsRange
from ..cleaned import LEAVES_OUT, Cleaned, first_few, leaves_out, numbered

MOST_RANGES = 200_000
"""The most ranges of one text: three times what Linux allows a process by default (`vm.max_map_count`)."""

MOST_CLAIMED = 10_000
"""The most other lines, such as those of smaps, that are searched for the address of a crash."""

ENDS_WITHIN = "The text ends within line"
"""The beginning of the sentence about a text whose last line is incomplete."""

_WORD = 1 << 64


@dataclass
class Found:
    """The ranges of a text, in the order of its lines, and remarks on its other lines."""

    ranges: list[MapsRange] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    claimed: set[int] = field(default_factory=set)
    """Lines that are not ranges, but belong to the format."""
    damaged: dict[str, list[int]] = field(default_factory=dict)
    """Lines that look like a range, by their defect."""

    def wrong(self, line: int, words: str = "looks like a range and can't be read") -> None:
        """Note a line that should be a range."""
        self.damaged.setdefault(words, []).append(line)

    def add(self, one: MapsRange) -> None:
        """Add a line's range, if it is a possible range."""
        if one.end <= one.start:
            self.wrong(one.line, f"has an end, {Address(one.end)}, that is not above its start, {Address(one.start)}")
        elif one.end > _WORD or one.offset + one.size >= _WORD:
            self.wrong(one.line, "has numbers that pass the end of 64 bits")
        elif one.start % PAGE or one.end % PAGE or one.offset % PAGE:
            name, value = next(
                (name, value)
                for name, value in (("start", one.start), ("end", one.end), ("offset", one.offset))
                if value % PAGE
            )
            self.wrong(one.line, f"has {name} {Address(value)}, which is not page aligned")
        else:
            self.ranges.append(one)


@frozen(slots=False)
class Kind:
    """A format of ranges: its name, an example of a line, and how its lines are recognized and read.

    `is_line` is a pattern for its ranges, for which each line is searched.
    """

    name: str
    example: str
    is_line: re.Pattern[str]
    read: Callable[[Cleaned], Found]
    is_beside: re.Pattern[str] = re.compile("(?!)")
    """A line about the range before it."""

    def lines(self, lines: Sequence[str]) -> frozenset[int]:
        """Return the numbers of the lines that have this format or say where a process has crashed.  O(lines)."""
        said = re.compile("|".join(one.pattern for one in (_CRASH, self.is_beside)), re.IGNORECASE)
        found = self.is_line.search
        return frozenset(number for number, line in enumerate(lines, 1) if line and (found(line) or said.search(line)))

    def weight(self, lines: Sequence[str]) -> int:
        """Return how many lines have this format.  O(lines)."""
        return sum(1 for _ in filter(self.is_line.search, lines))


@frozen(slots=False)
class ReadRanges:
    """The ranges of a text, ascending; the program that printed them; and sentences about what the text lacks."""

    what: str
    ranges: tuple[MapsRange, ...]
    unsaid: tuple[str, ...]
    passed_over: str
    wrong: tuple[tuple[int, str], ...] = ()
    """Lines that can't be part of the map, each with the reason, which is worded as part of a sentence."""


def arranged(kind: Kind, text: Cleaned, found: Found) -> ReadRanges:
    """Return the ranges, ascending, with sentences about order, repetition and unreadable lines."""
    unsaid = [*text.lost, *found.unsaid]
    ranges, said = _ascending(found.ranges)
    unsaid += said
    for words, lines in found.damaged.items():
        unsaid.append(_of_lines(lines, words))
    if not text.is_ended and any(one.line == len(text.lines) for one in found.ranges):
        unsaid.append(f"{ENDS_WITHIN} {len(text.lines)}: its last word may be cut.")
    known = {one.line for one in found.ranges} | found.claimed | {n for lines in found.damaged.values() for n in lines}
    others = [number for number, _ in numbered(text.lines) if number not in known]
    left_out = [number for number in others if leaves_out(text.lines[number - 1]) and _is_within(number, text, known)]
    unsaid += [f"Line {number} {LEAVES_OUT}: the ranges that they list are not said." for number in left_out]
    others = [number for number in others if number not in left_out]
    places = others if len(found.claimed) > MOST_CLAIMED else sorted({*others, *found.claimed})
    crash, lines = crash_in(
        text, places, ranges, is_whole=not left_out and not found.damaged and "libraries" not in kind.name
    )
    unsaid[:0] = [crash] * bool(crash)
    others = [number for number in others if number not in lines]
    count = len(others) + text.taken["blanked"]
    parts = [counted(count, "line")] * bool(count) + text.said
    passed = f"Passed over: {', '.join(parts)}." if parts else ""
    if others:
        shown = printable(text.lines[others[0] - 1].strip()[:40])
        passed = passed[:-1] + f"; the first line is {others[0]}, {shown!r}."
    wrong = [(line, f"it {LEAVES_OUT}") for line in left_out]
    wrong += [(line, f"it {words}") for words, lines in found.damaged.items() for line in lines]
    wrong += [(int(line), words) for line, words in map(_first_line, (*found.unsaid, *said)) if line]
    return ReadRanges(kind.name, tuple(ranges), tuple(unsaid), passed, tuple(sorted(wrong)))


CRASHED = "The address of the crash is in line"
"""The beginning of the sentence about the place of a crash."""

_AT = r"[\s:=]{1,3}(?:\(void ?\*\) ?)?(?:0x)?([0-9a-f]{1,16})(?![0-9a-z])"
_CRASH = re.compile(
    r"VM ?Region ?Info[\"\s:]{1,6}0x([0-9a-f]{1,16}) is |KERN_[A-Z_]{4,30} at 0x([0-9a-f]{1,16})\b"
    rf"|\bsi_addr{_AT}|\b(?:segfault at|fault addr|unknown address){_AT}"
    rf"|\b(?:reading|writing|executing|violation at) address{_AT}|\bExceptionInformation=0x[0-9a-f]{{1,16}}{_AT}"
    rf"|\[signal SIG.* addr{_AT}"
    r"|--->Fault address falls at ([0-9a-f']{8,17})",
    re.IGNORECASE,
)
"""The address of a crash: macOS, hs_err of the JVM and gdb, Linux and Android, Windows, Go."""
_OF_CRASH = re.compile(r"--->[ \t]+GAP OF 0x[0-9a-f]+ BYTES|\$[0-9]+ = \(void \*\) 0x[0-9a-f]+$")
_NO_ADDRESS = re.compile(r"\bSI_(?:KERNEL|USER|TKILL)\b")
_WRITE = re.compile(r"\bwrit(?:e|ing)\b|\berror:? ?[2367]\b", re.IGNORECASE)
_TYPE = re.compile(
    r"[ \t]{0,80}(?:--->[ \t]{0,8})?([A-Za-z_][\w.()/-]{0,40}(?: [\w.()/-]{1,40}){0,6}?)"
    r"[ \t]{1,80}(?:0x)?[0-9a-f]{6,16}[ \t]{0,8}-"
)
"""The type before a range, as macOS prints it."""


def crash_in(
    text: Cleaned, places: Sequence[int], ranges: Sequence[MapsRange], *, is_whole: bool
) -> tuple[str, list[int]]:
    """Return where a crash's address lies in a map, as a sentence ("" without an address), and the lines about it.

    `places` are the lines that are no range.  If the text leaves ranges out (not `is_whole`), no gap is sure.
    O(lines).
    """
    found = [(number, match) for number in places if (match := _CRASH.search(text.lines[number - 1])) is not None]
    asked = [number for number in places if text.lines[number - 1].rstrip().endswith("si_addr")]
    for number in asked:  # gdb's answer is in the next line
        match = re.search(rf"^\$[0-9]+ ={_AT}", text.lines[number]) if number < len(text.lines) else None
        found += [(number + 1, match)] if match is not None else []
    found = [one for one in found if not _NO_ADDRESS.search(text.lines[one[0] - 1])]
    if not found or not ranges:
        return "", []
    lines = [number for number, _ in found]
    lines += [number for number in places if _OF_CRASH.search(text.lines[number - 1])]
    number, match = found[0]
    address = int(next(one for one in match.groups() if one).replace("'", ""), 16)
    return where_is(address, number, text.lines, ranges, is_whole=is_whole), lines


def where_is(
    address: int, number: int, lines: Sequence[str], ranges: Sequence[MapsRange], *, is_whole: bool = True
) -> str:
    """Return a sentence about the place of an address, which line `number` says, in a map.  O(log ranges)."""
    below = bisect_right(ranges, address, key=lambda one: one.start) - 1
    under, over = (ranges[at] if 0 <= at < len(ranges) else None for at in (below, below + 1))
    where = f"{CRASHED} {number}: {Address(address)} is"
    if under is not None and address < under.end:
        name, may = _named(under, lines), f"has the rights {under.protection}"
        if under.protection == "---":
            may = "has no rights at all"
        elif under.protection != "???" and "w" not in under.protection and _WRITE.search(lines[number - 1]):
            may = "may not be written"
        return f"{where} in {name}, which {may}."
    if not is_whole:
        return f"{where} in none of the ranges that the text lists."
    if under is None or over is None:
        edge = "below the first range" if under is None else "above the last range"
        return f"{where} {edge}, {_named(over or under or ranges[0], lines)}."
    gap = address - under.end
    size = f" ({binary_size(gap)})" if gap >= 10 * KIB else ""
    return f"{where} in the gap, {gap:#x} bytes{size} above {_named(under, lines)} and below {_named(over, lines)}."


def _named(one: MapsRange, lines: Sequence[str]) -> str:
    """Return a range's name in a sentence: its type, if the text has one, its file or its address."""
    match = _TYPE.match(lines[one.line - 1])
    kind, path = match[1] if match is not None else "", one.path.rpartition("/")[2]
    name = " of ".join(filter(None, (kind, path if path != f"[{kind}]" else "")))
    return printable(name[:60]) or f"the range at {Address(one.start)}"


def _is_within(number: int, text: Cleaned, known: set[int]) -> bool:
    """Return whether a line is between the known lines, or next to them except for blank lines."""
    if not known or min(known) < number < max(known):
        return bool(known)
    near = range(number + 1, min(known)) if number < min(known) else range(max(known) + 1, number)
    return not any(text.lines[at - 1].strip() for at in near)


_LINE = re.compile(r"Line ([0-9]+)(: | )(.*?)\.?")


def _first_line(sentence: str) -> tuple[str, str]:
    """Return the line that a sentence is about, and the remark."""
    match = _LINE.fullmatch(sentence)
    return ("", "") if match is None else (match[1], match[3] if match[2] == ": " else f"it {match[3]}")


def _ascending(ranges: Sequence[MapsRange]) -> tuple[list[MapsRange], list[str]]:
    """Return one map from a text's ranges, which may be repeated, unordered, or from several maps."""
    ends = [one for before, one in pairwise(ranges) if one.start < before.end]
    if not ends:
        return list(ranges), []
    once = {(one.start, one.end, one.protection, one.shared, one.offset, one.path): one for one in reversed(ranges)}
    ordered = sorted(once.values(), key=lambda one: (one.start, one.end))
    if all(one.start >= before.end for before, one in pairwise(ordered)):
        said = []
        if len(once) < len(ranges):
            said.append(f"{counted(len(ranges) - len(once), 'range')} of the text are there twice, and count once.")
        firsts = [one for one in ranges if one in once.values()]
        if firsts != ordered:
            said.append(
                f"Line {ends[0].line} lies below the line before it: lines are not in the order of addresses, and"
                f" may be missing."
            )
        return ordered, said
    first = ends[0]
    at = ranges.index(first)
    kept, rest = list(ranges[:at]), len(ranges) - at
    words = (
        f"Line {first.line} begins below the end of the line before: another map begins there, of which"
        f" {counted(rest, 'range')} {'is' if rest == 1 else 'are'} left out. Load it by itself."
    )
    return kept, [words]


def _of_lines(lines: Sequence[int], words: str) -> str:
    if len(lines) == 1:
        return f"Line {lines[0]} {words}: it is left out."
    many = words.replace("looks like a range", "look like ranges").replace("has ", "have ", 1)
    return f"Lines {first_few(lines)} {many}: they are left out."


def protection_of(letters: str) -> str:
    """Return read, write and execute as Linux writes them, from letters such as "rw", "-rwx" or "RWX".

    >>> protection_of("RW"), protection_of("r-x--"), protection_of("")
    ('rw-', 'r-x', '---')
    """
    low = letters.lower()
    return "".join(letter if letter in low else "-" for letter in "rwx")
