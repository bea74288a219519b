"""What page tables ask of the processors that use them; the machine supplies it at boot."""

from __future__ import annotations

from typing import Protocol

from ..mmu.hand_edits import HandEdits
from .pmap_tables import TableSpace


class Processors(Protocol):
    """All processors of a machine; one of them runs the kernel."""

    def loaded(self, space: TableSpace) -> None:
        """The processor that runs the kernel loads the tables of `space`."""

    def flush(self, space: TableSpace, start: int, end: int, pages: int) -> None:
        """No processor shall keep translations of [start, end); with `pages` 0, none of `space` at all."""

    def forget(self, space: TableSpace) -> None:
        """The tables of `space` go away: no processor shall have them loaded, or keep anything of them."""


class CurrentPmap:
    """Which address space the processor that runs the kernel has loaded; the pmaps of one machine share it.

    `processors` are those that are told, once there are some; `edits` what was written past all of them.
    """

    __slots__ = ("edits", "pmap", "processors")

    def __init__(self) -> None:
        self.edits = HandEdits()
        self.pmap: TableSpace | None = None
        self.processors: Processors | None = None
