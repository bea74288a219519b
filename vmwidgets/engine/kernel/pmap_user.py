"""A user's pmap: tables of its own for its half, the kernel's for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..base.errors import kernel_error
from ..base.walk_values import Rights
from ..mmu.format import Level
from .pmap import Pmap
from .pmap_tables import TablePages, private_tables, published
from .processors import CurrentPmap


def make_private_tables(pmap: Pmap) -> bool:
    """Make the root, the window in it, and the tables below mixed slots; false, and nothing taken, without pages."""
    layout, fmt, editor = pmap.layout, pmap.fmt, pmap.editor
    border = layout.kernel_start
    mixed = [level for level in fmt.levels if not layout.split and layout.side(level, border) == "mixed"]
    root = pmap.tables.take(1, fmt.table_bytes(fmt.root_level))
    sizes = [fmt.table_bytes(fmt.level(level.number - 1)) for level in mixed]
    below = [taken[0] for size in sizes if (taken := pmap.tables.take(1, size))] if root else []
    if root is None or len(below) < len(sizes):
        pmap.tables.free_all()
        return False
    pmap.root = root[0]
    for level, table in zip(mixed, below, strict=True):
        editor.refer(editor.find(pmap.root, border, level.number), table, Rights())
    if layout.window is not None:
        editor.refer(editor.slot(fmt.root_level, pmap.root, layout.window), pmap.root, Rights(user=False))
    return True


def copy_kernel_slots(kernel: Pmap, user: Pmap) -> None:
    """Make the slots that are the same in all spaces those of the kernel."""
    for (level, table, first), (_, ours, _) in zip(private_tables(kernel), private_tables(user), strict=True):
        for slot in published(user, level, table, first):
            user.editor.write(slot._replace(pa=ours + slot.pa - table), slot.word)


class UserPmap(Pmap):
    """The tables of a task; made by :meth:`.pmap_kernel.KernelPmap.create`."""

    def __init__(
        self, name: str, kernel: Pmap, pages: TablePages, current: CurrentPmap, forget: Callable[[UserPmap], None]
    ) -> None:
        super().__init__(name, kernel.ram, pages, kernel.layout, kernel.recorder, current)
        self._kernel = kernel
        self._forget = forget
        self._began("pmap_create", name)
        if not make_private_tables(self):
            raise kernel_error("NOMEM", f"no page for the root table of {name}")
        copy_kernel_slots(kernel, self)
        self._ended()

    def destroy(self) -> None:
        """Give all tables back; what was mapped belongs to others.  If they are loaded, the kernel's are first."""
        self._check_alive()
        self._began("pmap_destroy", self.name)
        self._forget(self)
        self.tables.free_all()
        self.destroyed = True
        self._ended()

    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end) as any pmap does; the tables that hold nothing any more go back too."""
        super().remove(start, end)
        self._prune(self.fmt.root_level, self.root, start, end)

    def registers(self, controls: Any) -> tuple[int, Any]:
        """Its root, and the kernel's where that has a register of its own."""
        if self.layout.split:
            controls = replace(controls, ttbr1=self._kernel.root)
        return self.root, controls

    def _prune(self, level: Level, table: int, start: int, end: int) -> None:
        """Free the tables below `table` that are empty, as far as they are for addresses of [start, end)."""
        if level.number == 1:
            return
        va = start
        while va < end:
            slot = self.editor.slot(level, table, va)
            after = (va >> level.shift) + 1 << level.shift
            if slot.kind == "table" and self.layout.side(level, va) == "user":
                self._prune(self.fmt.level(level.number - 1), slot.address, va, min(end, after))
                if self.editor.is_empty(self.fmt.level(level.number - 1), slot.address):
                    self.editor.clear(slot)
                    self.tables.free(slot.address)
            va = after

    def _owns(self, va: int) -> bool:
        return self.layout.is_user(va)
