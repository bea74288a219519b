"""What views and graders see of an address space's page tables: frozen values with runs folded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlotRun:
    """Neighbouring slots of a table that go on from each other: one mapping, piece by piece."""

    first: int
    """Index of the first slot."""
    count: int
    va: int
    """What the first slot is for."""
    kind: str
    """``"leaf"``, ``"table"`` or ``"window"`` (the root itself, seen as a lower table)."""
    word: int
    """The first descriptor."""
    address: int
    """What the first descriptor refers to."""
    layout: str
    """What the descriptors are, in words: ``"PTE of a 4 KiB page"``."""
    shared: bool
    """Whether the slot is the same in all address spaces."""


@dataclass(frozen=True, slots=True)
class TableValue:
    """One table: where it lies, what it covers, and its present slots."""

    level: int
    name: str
    """The manual's name, such as ``"PD"``."""
    pa: int
    va: int
    """The first address it is for."""
    span: int
    """Bytes of virtual memory that one slot covers."""
    entries: int
    runs: tuple[SlotRun, ...]

    @property
    def present(self) -> int:
        """How many slots are present."""
        return sum(run.count for run in self.runs)


@dataclass(frozen=True, slots=True)
class PmapValue:
    """The tables of one address space, root first, each before those it refers to."""

    name: str
    format: str
    root: int
    klimit: int | None
    """End of the kernel addresses that have tables; None in a user's pmap."""
    tables: tuple[TableValue, ...]
