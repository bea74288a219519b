"""A user's pmap: tables of its own for its half, the kernel's for the rest."""

from __future__ import annotations

from collections.abc import Callable

from ..base.errors import kernel_error
from ..base.walk_values import Rights
from .pmap import CurrentPmap, Pmap
from .pmap_tables import TablePages, private_tables, published


def make_private_tables(pmap: Pmap) -> bool:
    """Make the root, the window in it, and the tables below mixed slots; false, and nothing taken, without pages."""
    layout, fmt, editor = pmap.layout, pmap.fmt, pmap.editor
    border = layout.kernel_start
    mixed = [level for level in fmt.levels if layout.side(level, border) == "mixed"]
    root = pmap.tables.take(1, fmt.table_bytes(fmt.root_level))
    below = pmap.tables.take(len(mixed)) if root else None
    if root is None or below is None:
        pmap.tables.free_all()
        return False
    pmap.root = root[0]
    for level, table in zip(mixed, below, strict=True):
        editor.refer(editor.find(pmap.root, border, level.number), table, Rights())
    if layout.window is not None:
        editor.refer(editor.slot(fmt.root_level, pmap.root, layout.window), pmap.root, Rights(user=False))
    return True


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
        self._copy_kernel_slots()
        self._ended()

    def destroy(self) -> None:
        """Give all tables back; what was mapped belongs to others.  If they are loaded, the kernel's are first."""
        self._check_alive()
        self._began("pmap_destroy", self.name)
        self._forget(self)
        self.tables.free_all()
        self.destroyed = True
        self._ended()

    def _owns(self, va: int) -> bool:
        return self.layout.is_user(va)

    def _copy_kernel_slots(self) -> None:
        for (level, table, first), (_, ours, _) in zip(private_tables(self._kernel), private_tables(self), strict=True):
            for slot in published(self, level, table, first):
                self.editor.write(slot._replace(pa=ours + slot.pa - table), slot.word)
