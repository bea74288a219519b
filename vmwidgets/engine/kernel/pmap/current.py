"""The address space that the kernel's processor has loaded, and the listeners to loads and flushes."""

from __future__ import annotations

from typing import Protocol

from ...mmu.editor import HandEdits
from .table_space import TableSpace


class FlushTarget(Protocol):
    """All processors of a machine; one of them runs the kernel."""

    def loaded(self, space: TableSpace) -> None:
        """Note that the processor that runs the kernel loads the tables of `space`."""

    def flush(self, space: TableSpace, start: int, end: int, pages: int) -> None:
        """Drop the translations of [start, end) on all processors; with `pages` 0, drop all those of `space`."""

    def unload(self, space: TableSpace) -> None:
        """Make all processors stop using the tables of `space`, which are freed, and drop all cached copies."""


class CurrentPmap:
    """The address space that the kernel's processor has loaded; the pmaps of one machine share it.

    `processors` are informed of loads and flushes, once there are any; `edits` are descriptors written without a pmap.
    """

    __slots__ = ("edits", "pmap", "processors")

    def __init__(self) -> None:
        self.edits = HandEdits()
        self.pmap: TableSpace | None = None
        self.processors: FlushTarget | None = None
