"""What a reader says of a text before anything is read: the lines that it explains, and the evidence that it has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import IntEnum
from operator import attrgetter
from typing import Any, NamedTuple

from ..given.pasted import Trap


class Evidence(IntEnum):
    """What shows a reader that a line is its own: a number alone, the line's shape, or a word that names a field."""

    NUMBER = 0
    SHAPE = 1
    NAME = 2


class Claim(NamedTuple):
    """The numbers of the lines that a reader explains, by the best evidence that it has, and what they are.

    `value` reads them, with the claims of the other readers, or returns None if they are something else after all.
    """

    what: str
    evidence: Evidence
    lines: Collection[int]
    value: Callable[[Sequence[Claim]], Any]
    traps: Sequence[Trap] = ()
    """The faults among the lines, whose addresses another value may look up."""


def best_of(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Return the claims, the best first: of better evidence, then of more lines; equal ones together, by name."""
    claims = sorted(claims, key=attrgetter("what"))
    weights = sorted({(claim.evidence, len(claim.lines)) for claim in claims}, reverse=True)
    return [[claim for claim in claims if (claim.evidence, len(claim.lines)) == weight] for weight in weights]
