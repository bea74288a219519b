"""What views see of page tables of any size: the tables that are open, each with a bounded number of rows.

They are made by :mod:`vmwidgets.engine.mmu.table_window`, which reads no other tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .walk_values import Field


class IndexBits(NamedTuple):
    """Which bits of an address choose the descriptor at one level."""

    level: int
    name: str
    """The manual's name of the table."""
    high: int
    low: int


@dataclass(frozen=True, slots=True)
class AddressSplit:
    """How a format cuts an address: the indices, from the root's down; the rest is the offset.

    `va_bits` are translated, of the `word_bits` of a register.
    """

    parts: tuple[IndexBits, ...]
    word_bits: int
    va_bits: int
    signed: bool = True
    """Whether the bits above repeat the highest translated one; else they choose the root."""


@dataclass(frozen=True, slots=True)
class WindowRow:
    """Neighbouring slots of an open table that are one thing: a descriptor, a run of pages, or a fold."""

    first: int
    """Index of the first slot."""
    count: int
    """How many slots."""
    va: int
    """What the first slot is for."""
    kind: str
    """``"leaf"``, ``"table"``, ``"reserved"``, ``"window"`` (a table above, seen as one below), ``"invalid"``, or
    ``"fold"``: rows that are not shown."""
    pa: int = 0
    """Physical address of the first descriptor."""
    word: int = 0
    address: int = 0
    """What the first descriptor refers to."""
    size: int = 0
    """Bytes of one page; 0 where there is none."""
    pages: int = 0
    """How many pages; a fold's together."""
    tables: int = 0
    """How many tables; a fold's together."""
    layout: str = ""
    """What the descriptor is, in words."""
    section: str = ""
    """The manual's section that says so."""
    rights: str = ""
    """What the descriptor lets pass, by itself: ``"rwx user"``."""
    fields: tuple[Field, ...] = ()
    repeated: int = 1
    """In how many slots each descriptor stands."""
    is_lent: bool = False
    """Whether it is the kernel's, and this space has it lent."""

    @property
    def bytes(self) -> int:
        """Bytes that the pages of this row map."""
        return self.size * self.pages

    @property
    def end(self) -> int:
        """Index of the slot after the last."""
        return self.first + self.count


@dataclass(frozen=True, slots=True)
class OpenTable:
    """One table that is open: where it lies, what it covers, its rows."""

    level: int
    name: str
    """The manual's name, such as ``"PD"``."""
    pa: int
    va: int
    """The first address that it is for."""
    span: int
    """Bytes of virtual memory that one slot covers."""
    entries: int
    present: int
    """How many slots hold something."""
    rows: tuple[WindowRow, ...]
    unreadable: str = ""
    """Why it can't be read, where it lies outside of memory."""
    parent: tuple[int, int] | None = None
    """Level and physical address of the slot that refers to it; None for a root."""
    skipped: int = 0
    """How many slots at its beginning no address comes to: the other root has those (ARM)."""
    is_lent: bool = False
    """Whether all of it is the kernel's, and this space has it lent."""


@dataclass(frozen=True, slots=True)
class TableWindow:
    """Part of one address space's tables: those that are open, the roots first, each before those below it."""

    name: str
    format: str
    base_register: str
    root: int
    split: AddressSplit
    entry_width: int
    tables: tuple[OpenTable, ...]
    words_read: int
    """How many descriptors were looked at to make this: the cost."""

    def row(self, pa: int) -> WindowRow | None:
        """The row in which the descriptor at `pa` is, or None."""
        width = self.entry_width
        rows = (row for table in self.tables for row in table.rows if row.kind != "fold")
        return next((row for row in rows if row.pa <= pa < row.pa + row.count * width), None)
