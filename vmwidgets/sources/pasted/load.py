"""The page tables, traps, faults and panics in a terminal's text, found by the readers of each kind."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import chain, islice, pairwise

from ...engine.base.units import counted
from ...given.pasted import Pasted
from ..cleaned import Cleaned, numbered
from . import faults, listings, oops, panics, print_pgtbl, riscv_kernels, traps, vmprint
from .lines import without_wrapped
from .parts import Parts

RANKS = ((print_pgtbl, listings), (vmprint,), (oops, traps, riscv_kernels), (faults,), (panics,))
"""The modules with `read`: those of mappings and then those of faults, which use mappings; the better evidence first.

A later rank reads lines that no earlier one has claimed; within a rank, the order says nothing.
"""


WORDS = tuple(word for rank in RANKS for reader in rank for word in reader.WORDS)
"""Words that make a line of a long text relevant to one of the readers."""

MOST_LINES = 50_000
"""The most lines of a text that are read, without those that are far from anything relevant."""


def _first_lines(text: Cleaned) -> tuple[Cleaned, list[str]]:
    """Return a text without the lines after the most that are read, and a sentence about these."""
    at = next(islice(numbered(text.lines), MOST_LINES, None), None)
    if at is None:
        return text, []
    said = f"The text is not read from line {at[0]:,} on: at most {MOST_LINES:,} lines of a kernel's output are."
    return replace(text, lines=text.lines[: at[0] - 1], is_ended=True), [f"{said} Load the part that matters."]


_CAN_BE_TWICE = re.compile(r"(?!.*\bpte\b)\s*\S")
"""A line that is no page table's: two harts may print equal lines of two tables."""


def _once(text: Cleaned) -> Cleaned:
    """Return a text in which equal lines that follow each other, as two consoles print them, are one."""
    same = [
        at for at, pair in enumerate(pairwise(text.lines), 1) if pair[0] == pair[1] and _CAN_BE_TWICE.match(pair[0])
    ]
    lines = [*text.lines]
    for at in same:
        lines[at] = ""
    return replace(text, lines=lines, taken=text.taken + Counter(twice=len(same))) if same else text


def read_kernel_text(text: Cleaned) -> tuple[Pasted | None, tuple[str, ...]]:
    """Return a text's findings (None if there are none), and sentences about near misses.  O(characters)."""
    text, cut = _first_lines(_once(text))
    whole, wrapped = without_wrapped(text)
    parts = Parts(whole, reasons=wrapped)
    parts.unsaid += [*text.lost, *wrapped, *cut]
    for reader in chain.from_iterable(RANKS):
        reader.read(parts)
    unsaid = tuple(dict.fromkeys(parts.unsaid))
    if not (parts.tables or parts.traps or parts.panics or parts.listings):
        return None, tuple(dict.fromkeys((*parts.reasons, *unsaid)))
    found = Pasted(
        tuple(parts.tables),
        tuple(sorted(parts.traps, key=lambda one: one.line)),
        tuple(parts.panics),
        tuple(parts.listings),
        unsaid,
        tuple(parts.what),
        _passed_over(parts),
        frozenset(parts.claimed),
    )
    return found, ()


def _passed_over(parts: Parts) -> str:
    """Return a sentence about the skipped lines; "" if there are none."""
    others = sum(1 for number, _ in numbered(parts.lines) if number not in parts.claimed)
    others += parts.text.taken["blanked"]
    said = [*([counted(others, "line")] if others else []), *parts.text.said]
    return f"Passed over: {', '.join(said)}." if said else ""
