"""`print_pgtbl` and `print_kpgtbl` of xv6's page-table lab (2024, 2025): a line for each requested page.

A line is `va 0x0 pte 0x21FC885B pa 0x87F22000 perm 0x5B`; `%p` of 2023 prints 16 digits, kernels of 32 bits print 8.
It has only the last descriptor of a page, not the tables above it.  A lab of 2020 prints `va=… pte=…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ...engine.base.units import PAGE
from ...engine.mmu.formats.riscv import R, U, V, W, X
from ...engine.mmu.tables_schema import Rights
from ...given.pasted import Listing, SaidRange
from .lines import places, runs
from .parts import Parts
from .said import letters_of
from .vmprint import page_of

WORDS = ("pte", "va ", "va=")
"""Words that make a line of a long text relevant to this reader, in small letters."""

NAME = "print_pgtbl of xv6"

_HEX = r"(?:0x)?([0-9a-f_]{1,40})(?![0-9a-z_])"
_BETWEEN = r"[\s:=,;|]{1,9}"
_LINE = re.compile(
    rf"(?<![\w.|-])va[\s:=]{{1,5}}{_HEX}{_BETWEEN}pte[\s:=]{{1,5}}{_HEX}"
    rf"(?:{_BETWEEN}pa[\s:=]{{1,5}}{_HEX})?(?:{_BETWEEN}perms?[\s:=]{{1,5}}{_HEX})?",
    re.IGNORECASE | re.ASCII,
)
_ALMOST = re.compile(r"^\W{0,9}va[\s:=]{1,5}(?:0x)?[0-9a-f]{1,40}\b", re.IGNORECASE | re.ASCII)

_TREE = re.compile(r"[.|`+│├└─-]\s*$")
"""The text before a line of a table with levels."""

PERM = (1 << 10) - 1
"""PTE_FLAGS: the flags of a descriptor, with the two flags that are free for the kernel."""


class _Line(NamedTuple):
    number: int
    va: int
    word: int
    pa: int | None
    perm: int | None


def read(parts: Parts) -> None:
    """Add printed single pages as listings."""
    found: list[_Line] = []
    unread: list[int] = []
    for number, line in enumerate(parts.lines, 1):
        if "va" not in line and "VA" not in line:
            continue
        match = _LINE.search(line.replace("\t", " "))
        if match is not None and not _TREE.search(line[: match.start()]):
            one = _said(match, number, parts)
            if one is not None:
                found.append(one)
            else:
                unread.append(number)
            parts.claimed.add(number)
        elif found and _ALMOST.match(line):
            unread.append(number)
            parts.claimed.add(number)
    if not found:
        return
    of_riscv = [one for one in found if one.pa is not None and one.word and one.pa == page_of(one.word)]
    if of_riscv:
        unread += [one.number for one in found if one.pa is not None and one.word & V and one.pa != page_of(one.word)]
        found = [one for one in found if one.number not in unread]
    is_other = not of_riscv and any(one.pa is not None and one.word for one in found)
    for listed in _in_turn(found):
        parts.listings.append(_listing(listed, is_other))
    for run in runs(unread):
        words = "looks like a line" if len(run) == 1 else "look like lines"
        parts.unsaid.append(f"{places(run).capitalize()} {words} of {NAME}, and can't be read.")
    if is_other:
        parts.unsaid.append(
            f"In {places(one.number for one in found)} pa is not the address in a descriptor of RISC-V: the"
            f" rights are not"
            " read, since the format of the descriptors is not said."
        )
    parts.unsaid.append(
        "What print_pgtbl lists are single pages: of other addresses, and of the tables above, nothing is said."
    )
    parts.what[NAME] = None


def _said(match: re.Match[str], number: int, parts: Parts) -> _Line | None:
    """Return a line's contents; None if it is damaged, or may be cut off."""
    values = [int(one.replace("_", "") or "x", 16) if one and one.strip("_") else None for one in match.groups()]
    va, word, pa, perm = values
    if va is None or word is None or va % PAGE or va >> 64 or word >> 64:
        return None
    if perm is not None and perm not in (word & PERM, word & 0xFF) and pa == page_of(word):
        return None
    if parts.ends_in(number, match.end()) and perm is None:
        return None
    return _Line(number, va, word, pa, perm)


def _in_turn(found: list[_Line]) -> Iterator[list[_Line]]:
    """Yield the lines in listings with only increasing addresses."""
    listed: list[_Line] = []
    for one in found:
        if listed and one.va <= listed[-1].va:
            yield listed
            listed = []
        listed.append(one)
    yield listed


def _listing(listed: list[_Line], is_other: bool) -> Listing:
    pieces, absent = [], []
    for one in listed:
        if not (one.word if is_other else one.word & V):
            absent.append(SaidRange(one.va, PAGE, "----", None, one.word))
            continue
        bits = [bool(one.word & bit) for bit in (R, W, X, U)]
        rights = "????" if is_other else letters_of(Rights(*bits))
        pieces.append(SaidRange(one.va, PAGE, rights, one.pa if is_other else page_of(one.word), one.word))
    return Listing(NAME, tuple(pieces), listed[0].number, tuple(absent), is_whole=False)
