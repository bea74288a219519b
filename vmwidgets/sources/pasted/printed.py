"""What the lines of a printed table say, and a table as far as its lines were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ...engine.mmu.formats.riscv import R, V, W, X
from .said import Gap, Path

LEVELS = 3
"""Of Sv39: the most pairs of dots."""


class Item(NamedTuple):
    """What a line says: a root's address, a descriptor, or (`damage`) that it can't be read."""

    line: int
    root: int | None = None
    path: Path = ()
    """Of the index form only the last is known; the others are -1."""
    word: int = 0
    damage: str = ""
    note: str = ""
    """What is wrong with a line that can be used."""

    @property
    def depth(self) -> int:
        """How many levels down, 1 for the root's descriptors; 0 if it is none, or not known."""
        return len(self.path)

    @property
    def is_table(self) -> bool:
        """Whether it leads to another table."""
        return self.word & (V | R | W | X) == V and self.depth < LEVELS


def can_follow(path: Path, leads_on: bool, item: Item) -> bool:
    """Whether a descriptor can come after the one at `path`, which leads to another table or not.

    >>> can_follow((0, 3), True, Item(9, None, (-1, -1, 0))), can_follow((0, 3), True, Item(9, None, (-1, 3)))
    (True, False)
    """
    depth = item.depth
    if depth > len(path) + 1 or (depth == len(path) + 1 and not leads_on):
        return False
    if any(known not in (-1, index) for known, index in zip(item.path[:-1], path, strict=False)):
        return False
    return depth > len(path) or item.path[-1] > path[depth - 1]


@dataclass
class Printed:
    """A table as far as it was read; `gaps` are what may be missing, by the indices that lead to each table."""

    root: int | None
    first: int
    """The line where it begins."""
    items: list[tuple[Path, Item]] = field(default_factory=list)
    gaps: dict[Path, Gap] = field(default_factory=dict)
    path: Path = ()
    """Of the latest descriptor."""
    leads_on: bool = True
    """Whether the latest descriptor leads to a table, whose descriptors can follow."""

    def follows(self, item: Item) -> bool:
        """Whether a descriptor can come next."""
        return can_follow(self.path, self.leads_on, item)

    def add(self, item: Item) -> None:
        """The next descriptor."""
        self.path = (*self.path[: item.depth - 1], item.path[-1])
        self.leads_on = item.is_table
        self.items.append((self.path, item))

    def damage(self, item: Item) -> None:
        """A line that can't be read: of its table, and of those that it may have led to, descriptors are missing."""
        why = f"line {item.line} of the text can't be read, and it may have listed this"
        keep = max(item.depth, 1) - 1
        for depth in range(keep, len(self.path) + self.leads_on):
            self.miss(self.path[:depth], self.path[depth] + 1 if depth < len(self.path) else 0, why)
        self.path, self.leads_on = self.path[:keep], True

    def miss(self, path: Path, first: int, why: str) -> None:
        """In the table at `path` descriptors may be missing from the index `first` on."""
        known = self.gaps.get(path)
        if known is None or first < known[0]:
            self.gaps[path] = first, why
