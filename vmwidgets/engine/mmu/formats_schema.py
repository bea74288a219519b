"""The cost of the same ranges in several table formats, as a value."""

from __future__ import annotations

from typing import NamedTuple

from ..base.frozen import frozen
from ..base.units import PAGE, binary_size

# ---- one mapping in several table formats ------------------------------------------------------


class LevelCost(NamedTuple):
    """The tables of one level: the manual's name, their number, and the bytes of one table."""

    level: int
    name: str
    tables: int
    table_bytes: int

    @property
    def bytes(self) -> int:
        """The bytes of all tables of this level."""
        return self.tables * self.table_bytes


class PageCount(NamedTuple):
    """The number of pages of one size."""

    size: int
    number: int

    @property
    def bytes(self) -> int:
        """The bytes that these pages map."""
        return self.size * self.number


@frozen
class FormatCost:
    """The cost of the mapping in one format."""

    format: str
    levels: tuple[LevelCost, ...]
    """The levels from the root down."""
    pages: tuple[PageCount, ...]
    """The pages by size, the smallest first."""
    left_out: int
    """The number of ranges beyond the format's addresses, which are not mapped."""
    left_out_bytes: int

    @property
    def tables(self) -> int:
        """The number of tables of all levels."""
        return sum(level.tables for level in self.levels)

    @property
    def table_bytes(self) -> int:
        """The bytes of all tables."""
        return sum(level.bytes for level in self.levels)

    @property
    def mapped(self) -> int:
        """The number of mapped bytes."""
        return sum(page.bytes for page in self.pages)

    @property
    def entries(self) -> int:
        """The number of TLB entries needed to reach all mapped bytes: one for each page, of any size."""
        return sum(page.number for page in self.pages)

    @property
    def bytes_a_page(self) -> float:
        """The bytes of tables for each mapped 4 KiB."""
        return self.table_bytes * PAGE / self.mapped if self.mapped else 0.0

    def reach(self, entries: int) -> int:
        """Return the bytes that this number of TLB entries can reach, the largest pages first."""
        reached = 0
        for page in reversed(self.pages):
            used = min(page.number, entries)
            reached += used * page.size
            entries -= used
        return reached


@frozen
class FormatsValue:
    """One mapping in several formats."""

    ranges: int
    bytes: int
    largest_pages: str
    """``"large pages where they fit"`` or ``"pages of 4 KiB"``."""
    formats: tuple[FormatCost, ...]

    def table(self) -> list[tuple[str, ...]]:
        """Return a row for each figure, and a column for each format."""
        rows: list[tuple[str, ...]] = []
        one = self.formats
        rows.append(("levels", *(str(len(cost.levels)) for cost in one)))
        rows.append(("tables", *(f"{cost.tables:,}" for cost in one)))
        rows.append(("bytes of tables", *(binary_size(cost.table_bytes) for cost in one)))
        rows.append(("bytes a mapped 4 KiB", *(f"{cost.bytes_a_page:.2f}" for cost in one)))
        sizes = sorted({page.size for cost in one for page in cost.pages})
        for size in sizes:
            counts = (next((page.number for page in cost.pages if page.size == size), 0) for cost in one)
            rows.append((f"pages of {binary_size(size)}", *(f"{count:,}" for count in counts)))
        rows.append(("TLB entries for all", *(f"{cost.entries:,}" for cost in one)))
        rows.append(("64 TLB entries reach", *(binary_size(cost.reach(64)) for cost in one)))
        if any(cost.left_out for cost in one):
            rows.append(("ranges out of reach", *(f"{cost.left_out:,}" for cost in one)))
        return rows
