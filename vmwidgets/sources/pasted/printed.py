"""The lines of a printed table, and a table as far as its lines were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ...engine.mmu.formats.riscv import R, V, W, X
from .said import Gap, Path

ENTRIES = 512
"""The number of descriptors in a table of Sv39."""

HIGHEST = (255, 511, 511)
"""The indices of the highest page below xv6's MAXVA: this is the trampoline, the end of a table."""

LEVELS = 3
"""The levels of Sv39: the most pairs of dots."""


class Item(NamedTuple):
    """A line's contents: a root's address, a descriptor, or (`damage`) why it can't be read."""

    line: int
    root: int | None = None
    path: Path = ()
    """The descriptor's indices; in the index form, only the last index is known, and all earlier indices are -1."""
    word: int = 0
    damage: str = ""
    note: str = ""
    """A remark on a line that can be used."""
    is_root: bool = False
    """Whether the line names a table, whose address may be damaged."""

    @property
    def depth(self) -> int:
        """The level below the root, 1 for the root's descriptors; 0 if unknown."""
        return len(self.path)

    @property
    def is_table(self) -> bool:
        """Return whether the line's descriptor refers to another table."""
        return self.word & (V | R | W | X) == V and self.depth < LEVELS

    @property
    def is_misaligned(self) -> bool:
        """Return whether the line's page does not begin at a multiple of its size in memory."""
        frame = self.word >> 10 & (1 << 44) - 1
        return bool(self.word & V and not self.is_table and self.depth and frame % (1 << 9 * (LEVELS - self.depth)))


def can_follow(path: Path, leads_on: bool, item: Item) -> bool:
    """Return whether a descriptor can come after the descriptor at `path`, which refers to a table if it `leads_on`.

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
    """A table as far as it was read; `gaps` are the possibly missing parts, by each table's indices."""

    root: int | None
    first: int
    """The line where it begins."""
    items: list[tuple[Path, Item]] = field(default_factory=list)
    gaps: dict[Path, list[Gap]] = field(default_factory=dict)
    path: Path = ()
    """The indices of the latest descriptor."""
    leads_on: bool = True
    """Whether the latest descriptor refers to a table, whose descriptors can follow."""
    open: list[tuple[Path, Gap]] = field(default_factory=list)
    """The gaps that end at the next descriptor, if that is one of their table."""
    is_whole: bool = True
    """Whether nothing is missing since the latest descriptor."""

    def follows(self, item: Item) -> bool:
        """Return whether a descriptor can come next."""
        return can_follow(self.path, self.leads_on, item)

    def add(self, item: Item) -> None:
        """Add the next descriptor."""
        if self.root is None and not self.items:
            self.miss((), 0, item.path[-1], "no line of the text says where this table begins")
        self.path = (*self.path[: item.depth - 1], item.path[-1])
        for above, gap in self.open:
            is_same = self.path[: len(above)] == above and len(self.path) > len(above)
            if is_same and self.path[len(above)] >= gap.first:
                self.gaps[above].remove(gap)
                self.miss(above, gap.first, self.path[len(above)], gap.why)
        self.open = []
        self.leads_on, self.is_whole = item.is_table, True
        self.items.append((self.path, item))

    def damage(self, depth: int, why: str, *, is_one: bool = False) -> None:
        """Note a missing line at `depth` (0 if unknown): descriptors of its table and of tables below may be missing.

        If only one line is missing (`is_one`), the next descriptor comes right after it, and indices increase.  If more
        are, that is certain only of the root: the next descriptor of another level can be another table's.
        """
        keep = max(depth, 1) - 1
        for above in range(keep, len(self.path) + self.leads_on):
            first = self.path[above] + 1 if above < len(self.path) else 0
            self.miss(self.path[:above], first, ENTRIES, why)
            if (is_one or not above) and first < ENTRIES:
                self.open.append((self.path[:above], self.gaps[self.path[:above]][-1]))
        self.path, self.leads_on, self.is_whole = self.path[:keep], True, False

    def ends(self, why: str) -> None:
        """Note the end of the text: each table on the path may continue, and so may the table that begins."""
        for above, index in enumerate(self.path):
            self.miss(self.path[:above], index + 1, ENTRIES, why)
        if self.leads_on and self.is_whole:
            self.miss(self.path, 0, ENTRIES, why)

    def miss(self, path: Path, first: int, end: int, why: str) -> None:
        """Note that descriptors from `first` up to `end`, exclusive, may be missing in the table at `path`."""
        if first < end:
            self.gaps.setdefault(path, []).append(Gap(first, end, why))
