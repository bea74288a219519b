"""Codes: a secret for each student, derived from the course's key; a mistyped code is found without the key.

A code has 14 characters of Crockford's base32, which has no I, L, O and U.  The first 12 are 60 bits of HMAC-SHA256 of
the course and the folded ID, the next depends on the course and the ID, and the last checks all the others.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

from vmwidgets.engine.base.errors import Refused

from .identity import folded

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: a character's index is its value."""

READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", " ": "", "-": "", "\N{EN DASH}": "", "\N{EM DASH}": ""})
"""The characters that people type instead of a digit or between groups."""

SECRET = 12
"""The characters that come from the key, 5 bits each."""

LENGTH = SECRET + 2

GROUP = 4

REDUCED = 0b101001
"""x**5 + x**3 + 1, the polynomial for products in the field of 32 elements; x generates the field."""


def code_of(key: str, course: str, student: str) -> str:
    """Return the code of a student, which the course hands out and :func:`begin` accepts as `code`.

    The spelling of the course or an ID makes no difference: texts that are equal when folded have one code.

    >>> code_of("a key that is long enough", "os", "ada")
    '1PQH-8R25-0SQG-PC'
    >>> code_of("a key that is long enough", "os", "ADA") == code_of("a key that is long enough", "os", "ada")
    True
    """
    secret = hmac.new(key.encode(), _named(course, student), sha256).digest()
    characters = _characters(secret, SECRET) + _belonging(course, student)
    return _grouped(characters + _check(characters))


def checked_code(text: Any, course: str, student: str) -> str:
    """Return the code `text` as :func:`code_of` writes it; accepts small letters, blanks, dashes, O as 0, I and L as 1.

    One mistyped character is always found, and so are two swapped ones.  A code for another ID or course is found in 31
    of 32 cases; only the grader, who has the key, finds the rest.

    Raises :class:`Refused` with one sentence, which does not repeat the code.

    >>> checked_code("ipqh8r25 osqg-pc", "os", "Ada")
    '1PQH-8R25-0SQG-PC'
    """
    characters = "".join(text.split()).upper().translate(READ_AS) if isinstance(text, str) else ""
    if len(characters) != LENGTH or not set(characters) <= set(ALPHABET):
        like = _grouped("X" * LENGTH)
        raise Refused(f"code= is not a code: a code has {LENGTH} letters and digits, in groups such as {like}")
    if _check(characters[:-1]) != characters[-1]:
        raise Refused("code= is mistyped: compare it with the code that you received, character by character")
    if _belonging(course, student) != characters[SECRET]:
        raise Refused(
            f"this code does not belong to id {student}, course {course}: one of the three is not what you received"
        )
    return _grouped(characters)


def _named(course: str, student: str) -> bytes:
    return f"{folded(course)}|{folded(student)}".encode()


def _characters(digest: bytes, count: int) -> str:
    """Return the first `count` characters of a digest, 5 bits each."""
    bits = int.from_bytes(digest, "big") >> (len(digest) * 8 - 5 * count)
    return "".join(ALPHABET[bits >> 5 * place & 31] for place in reversed(range(count)))


def _belonging(course: str, student: str) -> str:
    """Return the character of a code that depends on the course and the ID, but not on the key."""
    return _characters(sha256(_named(course, student)).digest(), 1)


def _check(characters: str) -> str:
    """Return the last character: one check symbol of a Reed-Solomon code over the field of 32 elements.

    Each place has a weight of its own, a power of x.  Another character at one place, or two swapped ones, add
    something other than 0 to the sum of all products, so the check differs.
    """
    total = 0
    for character in characters:
        total = _times_x(total ^ ALPHABET.index(character))
    return ALPHABET[total]


def _times_x(value: int) -> int:
    shifted = value << 1
    return shifted ^ REDUCED if shifted & 32 else shifted


def _grouped(characters: str) -> str:
    return "-".join(characters[first : first + GROUP] for first in range(0, len(characters), GROUP))
