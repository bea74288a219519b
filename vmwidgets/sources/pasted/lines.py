"""The lines of a terminal's text, without what a terminal adds to them."""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
"""Colours, cursor movements and window titles (ECMA-48, 5.4 and 5.6)."""


def lines_of(text: str) -> list[str]:
    r"""The lines; a tab is a blank, and a carriage return ends a line only together with a line feed.

    >>> lines_of("$ \x1b[1mls\x1b[0m\r\n..\t0: pte")
    ['$ ls', '.. 0: pte']
    """
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", " ").replace("\t", " ")
    return plain.replace("\x00", "").split("\n")


def whole_hex(digits: str) -> int | None:
    """The number, or None if digits are missing: xv6 prints 16 digits, or no leading zero.

    >>> whole_hex("000000000000000f"), whole_hex("f"), whole_hex("000000")
    (15, 15, None)
    """
    if len(digits) > 16 or (digits[0] == "0" and 1 < len(digits) < 16):
        return None
    return int(digits, 16)


def places(numbers: list[int]) -> str:
    """Lines as a sentence names them.

    >>> places([3]), places([3, 4, 5]), places([3, 7])
    ('line 3', 'lines 3 to 5', 'lines 3 to 7')
    """
    first, last = min(numbers), max(numbers)
    return f"line {first}" if first == last else f"lines {first} to {last}"
