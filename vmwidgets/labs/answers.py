"""Answers, each in one written form: a string that people, JSON and browsers read alike.

If a 64-bit address were a number in JSON, it would lose its last digits when a browser saves the notebook.
"""

from __future__ import annotations

import re
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


def written(value: Any, kind: str, options: Sequence[str] = (), base: int = 0) -> str:
    """Return the answer `value` in the one form in which answers of this kind are stored and compared.

    A number is a value, however it is typed, unless the question asks for a `base` (:func:`base_asked`).

    Raises :class:`Refused` for a value that is not an answer of this kind.

    >>> written("ffff 8080 0014 1000", "address"), written(16384, "size"), written("+2", "number")
    ('0xffff_8080_0014_1000', '16 KiB', '2')
    >>> [written(typed, "number") for typed in ("481", "0x1e1", "0b1_1110_0001", 0x1E1)]
    ['481', '481', '481', '481']
    """
    if isinstance(value, str) and value.strip().casefold().replace("\u2019", "'") == UNSURE.casefold():
        return UNSURE
    if kind == "choice":
        return _choice(value, options)
    if kind == "number":
        return str(_number(value, base))
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


def _number(value: Any, base: int) -> int:
    number = number_in(value, base) if isinstance(value, str) else value
    if is_whole(number, -_MOST, _MOST):
        return int(number)
    asked = f" {_BASES[base]}" if base else ""
    raise Refused(f"answer={shown(value)} is not a{asked} number: write a whole number, such as {_SUCH_AS[base]}")


_MOST = 10**20 - 1
"""The greatest number that is an answer."""

_BASES = {10: "decimal", 16: "hexadecimal", 2: "binary"}
_PREFIXES = {16: "0x", 2: "0b"}
_SUCH_AS = {0: "3 or -1", 10: "32 or -1", 16: "0x20", 2: "0b100000"}
_IN = rf"\b(?:in|as an?) ({'|'.join(_BASES.values())})\b"
_ASKED = re.compile(rf"(?:^|[:,] )write\b[^.?!]*?{_IN}|[,:] {_IN}(?: \w+)?\?", re.IGNORECASE | re.MULTILINE)
"""A request for a base: "write it in decimal digits", or "…, in hexadecimal?"."""


def base_asked(question: str) -> int:
    """Return the base in which a question asks for a number, by its words; 0 if it asks for none.

    >>> base_asked("Which set? Write its number in decimal digits."), base_asked("Which page, in hexadecimal?")
    (10, 16)
    >>> base_asked("Write the address in hexadecimal. How many bytes does a program write in binary form?")
    0
    """
    asking = re.split(r"(?<=[.!?])\s+", question.strip())
    begin = max((place for place, sentence in enumerate(asking) if sentence.endswith("?")), default=0)
    found = _ASKED.search("\n".join(asking[begin:]))
    asked = (found[1] or found[2]).lower() if found else ""
    return next((base for base, name in _BASES.items() if asked == name), 0)


def number_in(text: str, base: int = 0) -> int | None:
    """Return the whole number in a text, in any base with Python's prefixes, or in the `base` that is asked for.

    None for another text.

    >>> number_in("0x1e1"), number_in("481"), number_in("0b111100001"), number_in("0x1e1", 10), number_in("1e1", 16)
    (481, 481, 481, None, 481)
    """
    digits = text.strip().lower().replace("−", "-").replace("_", "")
    digits = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", digits)
    sign, bare = (digits[:1], digits[1:]) if digits[:1] in ("+", "-") else ("", digits)
    prefix = next(
        (one for one in _PREFIXES.items() if bare.startswith(one[1]) and base in (0, one[0])), (base or 10, "")
    )
    bare = bare.removeprefix(prefix[1])
    if not re.fullmatch("[0-9a-f]{1,64}", bare) or (prefix[0] == 10 and len(bare) > 20):
        return None
    try:
        return -int(bare, prefix[0]) if sign == "-" else int(bare, prefix[0])
    except ValueError:
        return None


def _size(size: int) -> str:
    """Return a size in a larger unit if the result is exact, and otherwise in bytes."""
    text = binary_size(size)
    try:
        return text if parse_size(text) == size else f"{size} B"
    except ValueError:  # "10.3 MiB" rounds
        return f"{size} B"
