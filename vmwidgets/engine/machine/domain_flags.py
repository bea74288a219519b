"""Flags of a mapping and rights of a capability as learners write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..base.errors import Refused, shown
from ..selfpaging.capability import RIGHTS
from ..selfpaging.flags import FLAGS, flag_names
from . import checks

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


def flags_text(word: int) -> str:
    """The flags as they may be written.

    >>> flags_text(0x43), flags_text(0)
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
