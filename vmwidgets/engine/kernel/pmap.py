"""The pmap: one address space's page tables, as X15's x86 pmap keeps them.

Functions bear the original's names without their prefix (`pmap_enter` is :meth:`Pmap.enter`).  Of a
protection only the write bit exists in these tables: none, read and execute all mean read-only.  Nothing
here drops cached translations: callers finish with :meth:`Pmap.update`, as the original's do.

The original has pages of 4 KiB only; the large ones here keep a spare table each, as FreeBSD's
pmap does, so that :meth:`Pmap.remove` and :meth:`Pmap.protect` never fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..base.errors import KernelPanic, Refused, kernel_error
from ..base.protection import WRITE
from ..base.recorder import Recorder
from ..base.table_values import PmapValue
from ..base.tags import Called, Returned, RootLoaded, TlbUpdated
from ..base.units import PAGE, Address, Size
from ..base.walk_values import Rights, Walk
from ..memory.ram import Ram
from ..mmu.editor import Slot, TableEditor
from ..mmu.encode import leaf_descriptor
from ..mmu.format import Access, Level
from ..mmu.walk import walk
from .pmap_layout import PmapLayout
from .pmap_snapshot import snapshot
from .pmap_tables import OwnedTables, TablePages
from .processors import Processors

UPDATE_PAGES = 64
"""Up to so many pages are dropped from the TLB one by one; beyond, all of it is (X15 `pmap_update`)."""


class CurrentPmap:
    """Which address space the processor has loaded; the pmaps of one machine share it.

    `processors` are those that are told, once there are some.
    """

    __slots__ = ("pmap", "processors")

    def __init__(self) -> None:
        self.pmap: Pmap | None = None
        self.processors: Processors | None = None


class Pmap:
    """An address space's tables; make them with :class:`.pmap_kernel.KernelPmap`."""

    def __init__(
        self, name: str, ram: Ram, pages: TablePages, layout: PmapLayout, recorder: Recorder, current: CurrentPmap
    ) -> None:
        self.name = name
        self.ram = ram
        self.layout = layout
        self.fmt = layout.fmt
        self.recorder = recorder
        self.tables = OwnedTables(ram, pages, f"page tables of {name}")
        self.editor: TableEditor[Any] = TableEditor(ram, layout.fmt, recorder)
        self.root = 0
        """Physical address of the root table."""
        self._current = current
        self.destroyed = False
        self.current_only = False
        """The original's bug: enter, extract and protect panic unless this is the current or the kernel's pmap."""

    # ---- one page ----------------------------------------------------------------------------

    def enter(self, va: int, pa: int, protection: int, size: int = PAGE) -> None:
        """Map the page of `size` bytes at `pa` (4 KiB, or a level-2 span such as 2 MiB) at `va`.

        Whatever was mapped there is replaced.  NOMEM when a table is missing and there is no page for
        it; nothing has changed then.  O(levels).
        """
        self._began("pmap_enter", va, pa, protection, size)
        self._check_current("pmap_enter")
        level = self._leaf_level(size)
        self._check_range(va, va + size, size)
        word = self._leaf(level, va, pa, protection)
        slot = self._make_slot(level, va)
        self.editor.write(slot, word)
        self._written(slot)
        self._ended()

    def extract(self, va: int) -> int | None:
        """The physical address that the tables give for `va`, whatever the rights; None if nothing is mapped."""
        self._check_current("pmap_extract")
        slot = self.editor.find(self.root, va)
        return slot.address | va & slot.level.span - 1 if slot.kind == "leaf" else None

    def walk(self, va: int, access: Access = "read", user: bool = False, controls: Any = None) -> Walk:
        """What the hardware does with `va` while these tables are loaded."""
        self._check_alive()
        return walk(self.ram, self.fmt, self.root, va, access, user, controls)

    # ---- ranges ------------------------------------------------------------------------------

    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end); large pages that stick out are split.  Tables stay.  Never fails.

        O(pages that are mapped there, and tables that exist for them).
        """
        self._began("pmap_remove", start, end)
        self._check_range(start, end)
        for slot in self._leaves(start, end):
            self._unmap(slot)
        self._ended()

    def protect(self, start: int, end: int, protection: int) -> None:
        """Give what is mapped in [start, end) other rights; large pages that stick out are split.  Never fails."""
        self._began("pmap_protect", start, end, protection)
        self._check_current("pmap_protect")
        self._check_range(start, end)
        for slot in self._leaves(start, end):
            self.editor.set_rights(slot, self._rights(slot.va, protection))
            self._written(slot)
        self._ended()

    def update(self, start: int, end: int) -> None:
        """Drop the cached translations of [start, end): up to 64 pages one by one, else the whole TLB."""
        pages = -(-(end - start) // PAGE)
        if pages > 0:
            self._flush(start, end, pages if pages <= UPDATE_PAGES else 0)

    def _flush(self, start: int, end: int, pages: int) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((TlbUpdated, start, end, pages))
        if self._current.processors is not None:
            self._current.processors.flush(self, start, end, pages)

    # ---- the whole space ---------------------------------------------------------------------

    def load(self) -> None:
        """Make this the current address space, as writing its root to the base register does."""
        self._check_alive()
        self._current.pmap = self
        emit = self.recorder.emit
        if emit is not None:
            emit((RootLoaded, self.name, self.root))
        if self._current.processors is not None:
            self._current.processors.loaded(self)

    @property
    def is_current(self) -> bool:
        """Whether the processor has these tables loaded."""
        return self._current.pmap is self

    def snapshot(self) -> PmapValue:
        """The tables as a frozen value.  O(present slots)."""
        self._check_alive()
        return snapshot(self)

    # ---- beneath -----------------------------------------------------------------------------

    def _owns(self, va: int) -> bool:
        """Whether `va` is in the part of the space that this pmap maps."""
        raise NotImplementedError

    def _written(self, slot: Slot) -> None:
        """A slot was written: a kernel's pmap publishes it."""

    def _is_global(self, va: int) -> bool:
        """Whether what is mapped at `va` is the same in all address spaces."""
        return False

    def _keeps_table(self, slot: Slot) -> bool:
        """Whether a table must stand in the slot of a large page that goes away."""
        return False

    def _make_slot(self, level: Level, va: int) -> Slot:
        """The slot of `level` for `va`, with the tables above it made; NOMEM, and nothing changed, if that fails."""
        slot = self.editor.find(self.root, va, level.number)
        if slot.kind == "leaf" and slot.level is not level:
            self._split(slot)
            slot = self.editor.find(self.root, va, level.number)
        needs_spare = level.number > 1 and slot.kind == "invalid"
        tables = self.tables.take(slot.level.number - level.number + needs_spare)
        if tables is None:
            raise kernel_error("NOMEM", f"no page for the tables of {Address(va)} in the pmap of {self.name}")
        for table in tables[: slot.level.number - level.number]:
            self._refer(slot, table)
            slot = self.editor.slot(self.fmt.level(slot.level.number - 1), table, va)
        if needs_spare:
            self.tables.spares[slot.pa] = tables[-1]
        elif level.number > 1 and slot.kind == "table":
            self.tables.spares[slot.pa] = slot.address
        return slot

    def _leaves(self, start: int, end: int) -> Iterable[Slot]:
        """The slots that map pages of [start, end); a large page that sticks out is split first."""
        found = self.editor.leaves(self.root, start, end)
        return self._inside(found, start, end) if found else ()

    def _inside(self, found: Iterable[Slot], start: int, end: int) -> Iterator[Slot]:
        for slot in found:
            after = slot.va + slot.level.span
            if start <= slot.va and after <= end:
                yield slot
            else:
                self._split(slot)
                yield from self._leaves(max(start, slot.va), min(after, end))

    def _unmap(self, slot: Slot) -> None:
        spare = self.tables.spares.pop(slot.pa, None)
        if spare is not None and self._keeps_table(slot):
            self.tables.zero(spare)
            self._refer(slot, spare)
            return
        self.editor.clear(slot)
        self._written(slot)
        if spare is not None:
            self.tables.free(spare)

    def _split(self, slot: Slot) -> None:
        """Map a large page by small ones, in the spare table that was kept for it."""
        table = self.tables.spares.pop(slot.pa)
        self.tables.zero(table)
        self.editor.split(slot, table, self._table_rights(slot))
        self._written(slot)

    def _refer(self, slot: Slot, table: int) -> None:
        self.editor.refer(slot, table, self._table_rights(slot))
        self._written(slot)

    def _leaf(self, level: Level, va: int, pa: int, protection: int) -> int:
        return leaf_descriptor(self.fmt, level, pa, self._rights(va, protection), shared=self._is_global(va))

    def _rights(self, va: int, protection: int) -> Rights:
        return Rights(write=bool(protection & WRITE), user=self.layout.is_user(va))

    def _table_rights(self, slot: Slot) -> Rights:
        """Tables let everything pass that some page below may need."""
        return Rights(user=self.layout.side(slot.level, slot.va) in ("user", "mixed"))

    def _leaf_level(self, size: int) -> Level:
        for level in (self.fmt.level(1), self.fmt.level(2)):
            if level.span == size and level.of_kind("leaf") is not None:
                return level
        sizes = " or ".join(str(Size(self.fmt.level(number).span)) for number in (1, 2))
        raise Refused(f"size={size}: a page of the pmap has {sizes}")

    def _check_range(self, start: int, end: int, unit: int = PAGE) -> None:
        self._check_alive()
        if start % unit or end % unit or start >= end:
            raise Refused(f"[{start:#x}, {end:#x}): it must not be empty, and be cut at multiples of {Size(unit)}")
        if not (self._owns(start) and self._owns(end - PAGE)):
            raise Refused(f"[{start:#x}, {end:#x}) is not in the part of the space that the pmap of {self.name} maps")

    def _check_alive(self) -> None:
        if self.destroyed:
            raise Refused(f"the pmap of {self.name} was destroyed")

    def _check_current(self, function: str) -> None:
        self._check_alive()
        if self.current_only and not self.is_current:
            raise KernelPanic(
                "pmap_not_current", f"{function} works on the current pmap or the kernel's, not {self.name}"
            )

    def _began(self, function: str, *arguments: object) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((Called, function, arguments))

    def _ended(self) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((Returned,))
