"""Which address space the processor that runs the kernel has loaded, and what hears of loads and flushes."""

from __future__ import annotations

from typing import Protocol

from ...mmu.editor import HandEdits
from .table_space import TableSpace


class FlushTarget(Protocol):
    """All processors of a machine; one of them runs the kernel."""

    def loaded(self, space: TableSpace) -> None:
        """The processor that runs the kernel loads the tables of `space`."""

    def flush(self, space: TableSpace, start: int, end: int, pages: int) -> None:
        """Drop the translations of [start, end) on all processors; with `pages` 0, all those of `space`."""

    def unload(self, space: TableSpace) -> None:
        """Have no processor use the tables of `space`, which are freed, or keep anything of them."""


class CurrentPmap:
    """Which address space the processor that runs the kernel has loaded; the pmaps of one machine share it.

    `processors` hear of loads and flushes, once there are some; `edits` are descriptors written past all pmaps.
    """

    __slots__ = ("edits", "pmap", "processors")

    def __init__(self) -> None:
        self.edits = HandEdits()
        self.pmap: TableSpace | None = None
        self.processors: FlushTarget | None = None
