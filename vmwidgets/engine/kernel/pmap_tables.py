"""The pages that one address space's tables are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from ..base.units import PAGE, PAGE_SHIFT
from ..memory.ram import Ram
from ..mmu.editor import Slot, TableEditor
from ..mmu.format import Level, TableFormat
from .pmap_layout import PmapLayout


class TablePages(Protocol):
    """Where pages for tables come from: :class:`~vmwidgets.engine.memory.pages.PageAllocator` or a part of it."""

    @property
    def obtainable_pages(self) -> int:
        """How many single pages could be had."""

    def allocate(self, order: int = 0, owner: str = "") -> int | None:
        """The first of 2**order neighbouring frames, or None."""

    def free(self, frame: int, order: int = 0) -> None:
        """Take them back."""


class OwnedTables:
    """Tables of one address space, by physical address; each is zeroed when it is taken.

    Beside the tables in use it keeps one *spare* for each large page, under the address of the slot that
    maps it: so splitting a large page, when a part of it is removed or protected, can't fail.
    """

    __slots__ = ("_orders", "_pages", "_ram", "owner", "spares")

    def __init__(self, ram: Ram, pages: TablePages, owner: str) -> None:
        self._ram = ram
        self._pages = pages
        self.owner = owner
        self._orders: dict[int, int] = {}
        self.spares: dict[int, int] = {}

    def take(self, count: int, size: int = PAGE) -> list[int] | None:
        """Physical addresses of `count` zeroed tables of `size` bytes, or None and nothing is taken."""
        order = max(0, (size - 1).bit_length() - PAGE_SHIFT)
        taken: list[int] = []
        for _ in range(count):
            frame = self._pages.allocate(order, self.owner)
            if frame is None:
                for table in reversed(taken):
                    self.free(table)
                return None
            for zeroed in range(frame, frame + (1 << order)):
                self._ram.zero_frame(zeroed)
            self._orders[frame << PAGE_SHIFT] = order
            taken.append(frame << PAGE_SHIFT)
        return taken

    def free(self, table: int) -> None:
        """Give a table's pages back."""
        self._pages.free(table >> PAGE_SHIFT, self._orders.pop(table))

    def zero(self, table: int) -> None:
        """Empty a table that nothing refers to."""
        for frame in range(table >> PAGE_SHIFT, (table >> PAGE_SHIFT) + (1 << self._orders[table])):
            self._ram.zero_frame(frame)

    def free_all(self) -> None:
        """Give everything back, spares too, last taken first."""
        self.spares.clear()
        for table in list(reversed(self._orders)):
            self.free(table)

    @property
    def obtainable_pages(self) -> int:
        """How many more tables of a page could be taken."""
        return self._pages.obtainable_pages

    def __iter__(self) -> Iterator[int]:
        return iter(self._orders)

    def __len__(self) -> int:
        return len(self._orders)


class TableSpace(Protocol):
    """One address space's tables, as far as looking at them takes."""

    @property
    def name(self) -> str:
        """Whose tables they are."""

    @property
    def root(self) -> int:
        """Physical address of the root table."""

    @property
    def layout(self) -> PmapLayout:
        """Which slots belong to whom."""

    @property
    def fmt(self) -> TableFormat[Any]:
        """The tables' format."""

    @property
    def editor(self) -> TableEditor[Any]:
        """What reads them."""

    @property
    def tables(self) -> OwnedTables:
        """The pages they are made of."""


def private_tables(space: TableSpace) -> Iterator[tuple[Level, int, int]]:
    """The tables that lead to kernel addresses and that each space has its own of: level, address, first va.

    The root, and the tables below mixed slots.
    """
    level, table, border = space.fmt.root_level, space.root, space.layout.kernel_start
    while True:
        covered = level.shift + level.bits
        yield level, table, border >> covered << covered
        if space.layout.side(level, border) != "mixed":
            return
        table = space.editor.slot(level, table, border).address
        level = space.fmt.level(level.number - 1)


def published(space: TableSpace, level: Level, table: int, first: int) -> Iterator[Slot]:
    """The present slots of a private table that are the same in all spaces."""
    return (slot for slot in space.editor.present(level, table, first) if space.layout.is_published(level, slot.va))
