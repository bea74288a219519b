"""Answers, each in one written form: a string that people, JSON and browsers read alike.

If a 64-bit address were a number in JSON, it would lose its last digits when a browser saves the notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

from vmwidgets.engine.base.errors import Refused, printable, shown
from vmwidgets.engine.base.units import Address, binary_size, parse_size
from vmwidgets.engine.machine.arguments import known, whole

KINDS = {
    "choice": "one of the options",
    "number": "a whole number, such as 3 or -1",
    "address": "an address, such as 0xffff_8080_0014_1000",
    "size": "a size, such as 16 KiB",
    "text": "a word or a sentence",
}
"""The kinds of answers, with the text of their fields."""

UNSURE = "I don't know"
"""The answer that every question accepts: it is neither right nor wrong, and opens the outcome like any other
answer."""

MOST_CHARACTERS = 500
"""The most characters of an answer, a question or an option."""


def written(value: Any, kind: str, options: Sequence[str] = ()) -> str:
    """Return the answer `value` in the one form in which answers of this kind are stored and compared.

    Raises :class:`Refused` for a value that is not an answer of this kind.

    >>> written("ffff 8080 0014 1000", "address"), written(16384, "size"), written("+2", "number")
    ('0xffff_8080_0014_1000', '16 KiB', '2')
    """
    if isinstance(value, str) and value.strip().casefold().replace("\u2019", "'") == UNSURE.casefold():
        return UNSURE
    if kind == "choice":
        return _choice(value, options)
    if kind == "number":
        return str(_number(value))
    if kind == "address":
        return str(Address(whole(value, "address")))
    if kind == "size":
        return _size(whole(value, "size"))
    return line(value, "answer")


def is_whole(value: object, least: float, most: float) -> TypeGuard[int]:
    """Return whether a value is a whole number from `least` to `most`; True and False are not numbers.

    >>> is_whole(3, 1, 5), is_whole(6, 1, 5), is_whole(True, 1, 5), is_whole("3", 1, 5)
    (True, False, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def line(value: Any, what: str) -> str:
    """Return a line of text from a learner or author, checked: not empty, not too long, and harmless."""
    text = printable(" ".join(value.split())) if isinstance(value, str) else ""
    if not text:
        raise Refused(f"{what}={shown(value)}: pass a string that is not empty")
    if len(text) > MOST_CHARACTERS:
        raise Refused(f"{what} has {len(text)} characters: write at most {MOST_CHARACTERS}")
    return text


def _choice(value: Any, options: Sequence[str]) -> str:
    text = " ".join(str(value).split()) if isinstance(value, (str, int)) and not isinstance(value, bool) else value
    return str(known(text, dict.fromkeys(options), "answer"))


def _number(value: Any) -> int:
    if isinstance(value, str):
        digits = value.strip().replace("−", "-").replace(",", "").replace("_", "")
        sign, bare = digits[:1], digits.lstrip("+-")
        if bare.isascii() and bare.isdigit() and len(digits) - len(bare) <= 1 and len(bare) <= 20:
            return -int(bare) if sign == "-" else int(bare)
    elif is_whole(value, 1 - (1 << 64), (1 << 64) - 1):
        return int(value)
    raise Refused(f"answer={shown(value)} is not a number: write a whole number, such as 3 or -1")


def _size(size: int) -> str:
    """Return a size in a larger unit if the result is exact, and otherwise in bytes."""
    text = binary_size(size)
    try:
        return text if parse_size(text) == size else f"{size} B"
    except ValueError:  # "10.3 MiB" rounds
        return f"{size} B"
