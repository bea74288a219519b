"""malloc(9) flags as learners write them."""

from __future__ import annotations

from typing import Any

from ..base.errors import Refused, shown
from ..kernel.kmem_malloc import M_NOWAIT, M_USE_RESERVE, M_WAITOK, M_ZERO
from . import checks

FLAGS = {"M_NOWAIT": M_NOWAIT, "M_WAITOK": M_WAITOK, "M_ZERO": M_ZERO, "M_USE_RESERVE": M_USE_RESERVE}
"""By name (malloc(9))."""


def malloc_flags(value: Any) -> int:
    """The flags word from an integer, or a text such as ``"M_NOWAIT|M_ZERO"``; exactly one of NOWAIT and WAITOK.

    >>> malloc_flags("M_NOWAIT | M_ZERO") == M_NOWAIT | M_ZERO
    True
    """
    word = _from_text(value) if isinstance(value, str) else _from_number(value)
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
    return "|".join(name for name, bit in FLAGS.items() if word & bit)


def _from_text(text: str) -> int:
    word = 0
    for part in text.replace(",", "|").split("|"):
        word |= FLAGS[checks.known(part.strip().upper(), FLAGS, "flag")]
    return word


def _from_number(value: Any) -> int:
    known = sum(FLAGS.values())
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"flags={shown(value)}: write vm.M_WAITOK or vm.M_NOWAIT, with | vm.M_ZERO | vm.M_USE_RESERVE")
    if value & ~known or value < 0:
        listed = ", ".join(f"{name} {bit:#x}" for name, bit in FLAGS.items())
        raise Refused(f"flags={value:#x} has bits that mean nothing here; known: {listed}")
    return value
