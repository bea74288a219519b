"""The rings of frames that page replacement goes by, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RingPage:
    """A page in a ring: its frame, its place there, and what the hardware noted in the tables that lead to it.

    It is page `index` of `object`; `task` has it at address `va`, and `others` more translations lead to it ("": none).
    """

    frame: int
    place: int
    object: str
    index: int
    task: str
    va: int
    others: int
    referenced: bool
    dirty: bool


@dataclass(frozen=True, slots=True)
class RingValue:
    """A ring, by its name: the task whose pages are in it, "" for those of all tasks.

    `pages` are in the order in which they are asked; `hand` is the place where a clock looks next.
    """

    name: str
    pages: tuple[RingPage, ...]
    hand: int


@dataclass(frozen=True, slots=True)
class ReplacementValue:
    """How pages are replaced: the policy in words, and the rings by name, at that moment."""

    policy: str
    rings: Mapping[str, RingValue]

    @property
    def has_hand(self) -> bool:
        """Whether a hand goes round."""
        return self.policy.startswith("clock")
