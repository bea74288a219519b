"""Numbers and lines in sentences about a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ..cleaned import Cleaned, without_escapes

MOST_SAID = 8
"""The most wrapped numbers that are named by their lines."""

NARROW = 40
"""The least width of a window that wraps lines: if the longest line is shorter, no window has wrapped it."""

_TAIL = re.compile(r"(?<=[\s=:(])(?:0x?)?[0-9a-f]*$", re.IGNORECASE | re.ASCII)
_HEAD = re.compile(r"x?[0-9a-f]+(?![0-9a-z_:])", re.IGNORECASE | re.ASCII)
"""The parts of a number at the end of a line and at the beginning of the next."""


def without_wrapped(text: Cleaned) -> tuple[Cleaned, list[str]]:
    """Return a text without the numbers that a window wrapped, and a sentence for each; O(characters).

    A window wraps each line at its own width, which is then the length of the longest line.  The two parts of a number
    could also be two words, so they are neither read nor joined.
    """
    raw = [line.rstrip("\r") for line in without_escapes(text.whole).removesuffix("\n").split("\n")]
    lengths = [*map(len, raw)]
    width = max(lengths)
    if width < NARROW or len(lengths) != len(text.lines):
        return text, []
    lines, said = [*text.lines], []
    for at, length in enumerate(lengths[:-1]):
        if length != width or (tail := _TAIL.search(lines[at])) is None or (head := _HEAD.match(lines[at + 1])) is None:
            continue
        if not raw[at + 1].startswith(head[0]) or _HEAD.match(lines[at]):
            continue  # a window adds no stamp, and these are lines of a dump
        digits = (tail[0] + head[0]).lower().removeprefix("0x")
        if tail[0] and "x" not in digits and len(digits) <= 16:
            lines[at], lines[at + 1] = lines[at][: tail.start()], lines[at + 1][head.end() :]
            said.append(
                f"A number goes on from line {at + 1} to line {at + 2}, as a window of {width} columns wraps it: it is"
                " not read. Make the window wider, or join the lines."
            )
    more = [f"{len(said) - MOST_SAID:,} more numbers go on like this."] if len(said) > MOST_SAID else []
    return replace(text, lines=lines), said[:MOST_SAID] + more


def whole_hex(digits: str, bits: int = 64) -> int | None:
    """Return the number, or None if digits are missing: xv6 prints all digits of a register, or no leading zero.

    >>> whole_hex("000000000000000f"), whole_hex("f"), whole_hex("000000"), whole_hex("0000000f", 32)
    (15, 15, None, 15)
    """
    digits = digits.replace("_", "")
    if not digits or len(digits) > 16 or (digits[0] == "0" and len(digits) > 1 and len(digits) not in (16, bits // 4)):
        return None
    return int(digits, 16)


def places(numbers: Iterable[int]) -> str:
    """Return the numbers of lines in words, for a sentence.

    >>> places([3]), places([3, 4, 5]), places([3, 7])
    ('line 3', 'lines 3 to 5', 'lines 3 to 7')
    """
    known = [*numbers]
    first, last = min(known), max(known)
    return f"line {first}" if first == last else f"lines {first} to {last}"


def runs(numbers: Iterable[int]) -> list[list[int]]:
    """Return runs of neighbouring lines.

    >>> runs([3, 4, 7])
    [[3, 4], [7]]
    """
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][-1] + 1 == number:
            found[-1].append(number)
        else:
            found.append([number])
    return found
