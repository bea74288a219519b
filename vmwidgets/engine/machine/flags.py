"""Flags as learners write them: malloc(9)'s, a mapping's, and the rights of a capability."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..base.errors import Refused, shown
from ..kernel.freebsd.kmem import M_NOWAIT, M_USE_RESERVE, M_WAITOK, M_ZERO
from ..selfpaging.capabilities import RIGHTS
from ..selfpaging.flags import FLAGS, flag_names
from . import checks

MALLOC_FLAGS = {"M_NOWAIT": M_NOWAIT, "M_WAITOK": M_WAITOK, "M_ZERO": M_ZERO, "M_USE_RESERVE": M_USE_RESERVE}
"""By name (malloc(9))."""


def malloc_flags(value: Any) -> int:
    """The flags word from an integer, or a text such as ``"M_NOWAIT|M_ZERO"``; exactly one of NOWAIT and WAITOK.

    >>> malloc_flags("M_NOWAIT | M_ZERO") == M_NOWAIT | M_ZERO
    True
    """
    word = _flags_from_text(value) if isinstance(value, str) else _from_number(value)
    text = flags_text(word)
    if word & M_NOWAIT and word & M_WAITOK:
        raise Refused(f"flags={text} contradict each other: a caller may sleep (M_WAITOK) or may not (M_NOWAIT)")
    if not word & (M_NOWAIT | M_WAITOK):
        raise Refused(f"flags={text or 0} don't say whether the caller may sleep: add M_WAITOK or M_NOWAIT")
    return word


def flags_text(word: int) -> str:
    """The flags by name.

    >>> flags_text(M_WAITOK | M_ZERO)
    'M_WAITOK|M_ZERO'
    """
    return "|".join(name for name, bit in MALLOC_FLAGS.items() if word & bit)


def _flags_from_text(text: str) -> int:
    word = 0
    for part in text.replace(",", "|").split("|"):
        word |= MALLOC_FLAGS[checks.known(part.strip().upper(), MALLOC_FLAGS, "flag")]
    return word


def _from_number(value: Any) -> int:
    known = sum(MALLOC_FLAGS.values())
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"flags={shown(value)}: write vm.M_WAITOK or vm.M_NOWAIT, with | vm.M_ZERO | vm.M_USE_RESERVE")
    if value & ~known or value < 0:
        listed = ", ".join(f"{name} {bit:#x}" for name, bit in MALLOC_FLAGS.items())
        raise Refused(f"flags={value:#x} has bits that mean nothing here; known: {listed}")
    return value


LETTERS = {"r": "READ", "w": "WRITE", "x": "EXECUTE"}
"""What may be written side by side: "rw"."""


ANY = sum(FLAGS.values())


def region_flags(value: Any) -> int:
    """The flags word from a text such as "rw" or "rwx large", from several such, or from the word itself.

    >>> region_flags("rw"), region_flags("rx|large") == region_flags(["r", "execute", "LARGE"])
    (3, True)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value & ~ANY or value < 0:
            raise Refused(f"flags={shown(value)} has bits that are no flags; known: {', '.join(FLAGS)}")
        return int(value)
    if not isinstance(value, (str, Iterable)):
        raise Refused(f"flags={shown(value)} is a {type(value).__name__}: write a text, such as 'rw' or 'rwx large'")
    texts = (value,) if isinstance(value, str) else checks.in_order(value)
    word = 0
    for text in texts:
        if not isinstance(text, str):
            raise Refused(f"flags: {shown(text)} is a {type(text).__name__}: write names, such as 'large'")
        for name in re.split(r"[\s|,+]+", text.strip()):
            word |= _named(name)
    return word


def _named(name: str) -> int:
    letters = name.lower()
    if letters in ("", "-"):
        return 0
    if set(letters) <= set(LETTERS):
        return sum(FLAGS[LETTERS[letter]] for letter in set(letters))
    return FLAGS[checks.known(name.upper(), FLAGS, "flag")]


def mapping_flags_text(word: int) -> str:
    """The flags as they may be written.

    >>> mapping_flags_text(0x43), mapping_flags_text(0)
    ('rw large', '-')
    """
    names = flag_names(word)
    letters = "".join(letter for letter, name in LETTERS.items() if name in names)
    others = [name.lower() for name in names if name not in LETTERS.values()]
    return " ".join([*([letters] if letters else []), *others]) or "-"


def capability_rights(value: Any) -> str:
    """Letters of "rwg", each at most once."""
    if not isinstance(value, str) or set(value) - set(RIGHTS):
        raise Refused(f"rights={shown(value)}: write letters of {RIGHTS!r}, for read, write and grant")
    return value
