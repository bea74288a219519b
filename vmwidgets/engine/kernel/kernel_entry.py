"""An entry of a FreeBSD map: what every entry has, and what its tree keeps of gaps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from ..base.protection import ALL, INHERITANCE, pack_flags
from ..base.units import PAGE_SHIFT
from .entry import Entry
from .kernel_object import KernelObject

if TYPE_CHECKING:
    from .freebsd_map import FreeBSDMap

NOFAULT = 0x100000
"""A fault in there is a panic (MAP_ENTRY_NOFAULT)."""

KERNEL_FLAGS = pack_flags(ALL, ALL, INHERITANCE["none"], 0)
"""Kernel memory may be read, written and executed; no process inherits it."""


class KernelEntry(Entry):
    """`flags` is the packed word, with NOFAULT and SUB_MAP; `max_gap` is kept by the tree."""

    __slots__ = ("max_gap",)

    prev: KernelEntry | None
    next: KernelEntry | None
    left: KernelEntry | None
    right: KernelEntry | None
    object: KernelObject | None
    submap: FreeBSDMap | None

    def __init__(self, identity: int, address: int = 0, static: bool = False) -> None:
        super().__init__(identity, address, static)
        self.max_gap = 0

    @property
    def first_page(self) -> int:
        """Number of its first page in the object."""
        return self.offset >> PAGE_SHIFT

    @property
    def pages(self) -> int:
        """How many pages it covers."""
        return (self.end - self.start) >> PAGE_SHIFT


class KernelEntrySource(Protocol):
    """Where the entries of FreeBSD's maps come from and go to."""

    def take(self) -> KernelEntry | None:
        """A fresh entry, or none."""

    def give(self, entry: KernelEntry) -> None:
        """An entry that is no longer needed."""


class PlainKernelEntries:
    """Entries without limit that live nowhere in the machine."""

    def __init__(self, identities: Iterator[int]) -> None:
        self._identities = identities

    def take(self) -> KernelEntry:
        """A fresh entry; never fails."""
        return KernelEntry(next(self._identities))

    def give(self, entry: KernelEntry) -> None:
        """Nothing keeps it."""
