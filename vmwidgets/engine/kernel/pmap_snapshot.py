"""The tables of a pmap as frozen values, runs of slots folded."""

from __future__ import annotations

from collections.abc import Iterator

from ..base.table_values import PmapValue, SlotRun, TableValue
from ..mmu.editor import Slot
from ..mmu.format import Level
from .pmap_tables import TableSpace


def snapshot(pmap: TableSpace, klimit: int | None = None) -> PmapValue:
    """All tables that the root leads to, root first; the window is told, not followed."""
    tables = tuple(_tables(pmap, pmap.fmt.root_level, pmap.root, pmap.layout.first_va(klimit is not None)))
    return PmapValue(pmap.name, pmap.fmt.name, pmap.root, klimit, tables)


def _tables(pmap: TableSpace, level: Level, table: int, va: int) -> Iterator[TableValue]:
    present = list(pmap.editor.present(level, table, va))
    runs = tuple(_runs(pmap, level, table, present))
    yield TableValue(level.number, level.table_name, table, pmap.fmt.canonical(va), level.span, level.entries, runs)
    for slot in present:
        if slot.kind == "table" and pmap.layout.side(level, slot.va) != "window":
            yield from _tables(pmap, pmap.fmt.level(level.number - 1), slot.address, slot.va)


def _runs(pmap: TableSpace, level: Level, table: int, present: list[Slot]) -> Iterator[SlotRun]:
    start = 0
    for end in range(1, len(present) + 1):
        if end == len(present) or not _goes_on(pmap, present[end - 1], present[end]):
            slot = present[start]
            side = pmap.layout.side(level, slot.va)
            kind = "window" if side == "window" else slot.kind
            first = (slot.pa - table) // pmap.fmt.entry_width
            shared = side == "kernel"
            name = slot.descriptor.name
            yield SlotRun(first, end - start, slot.va, kind, slot.word, slot.address, name, shared)
            start = end


def _goes_on(pmap: TableSpace, slot: Slot, following: Slot) -> bool:
    """Whether the next slot maps what follows in memory, with the same bits beside the address."""
    return (
        slot.kind == "leaf"
        and following.descriptor is slot.descriptor
        and following.pa == slot.pa + pmap.fmt.entry_width
        and following.address == slot.address + slot.level.span
        and following.beside_address == slot.beside_address
    )
