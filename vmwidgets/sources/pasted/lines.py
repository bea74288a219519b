"""Numbers and lines in sentences about a text."""

from __future__ import annotations

from collections.abc import Iterable


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
    """Return lines as a sentence names them.

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
