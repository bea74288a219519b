"""How many tables growing kernel space would take: counted, not tried."""

from __future__ import annotations

from typing import Any

from ..mmu.editor import TableEditor
from ..mmu.format import Level


def absent_tables(editor: TableEditor[Any], root: int, start: int, end: int) -> int:
    """Tables missing below the root for [start, end), down to those of level 1.

    What is absent is counted by arithmetic, so the cost is that of the tables that exist: asking about
    all of kernel space takes no longer than asking about a page of it.
    """
    return _absent_below(editor, editor.fmt.root_level, root, start, end)


def _absent_below(editor: TableEditor[Any], level: Level, table: int, start: int, end: int) -> int:
    missing = 0
    va = start
    while va < end:
        slot = editor.slot(level, table, va)
        after = min(end, (va >> level.shift) + 1 << level.shift)
        if slot.kind == "invalid":
            missing += _tables_for(editor, level, va, after)
        elif slot.kind == "table" and level.number > 2:
            missing += _absent_below(editor, editor.fmt.level(level.number - 1), slot.address, va, after)
        va = after
    return missing


def _tables_for(editor: TableEditor[Any], level: Level, start: int, end: int) -> int:
    """Slots of `level` and of each one down to level 2 that [start, end) touches."""
    shifts = (editor.fmt.level(number).shift for number in range(2, level.number + 1))
    return sum((end - 1 >> shift) - (start >> shift) + 1 for shift in shifts)
