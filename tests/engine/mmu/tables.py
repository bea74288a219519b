"""Tables written down word by word, for tests that take their expectations from the manuals."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.values.tables import Walk
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.format import TableFormat


def memory(fmt: TableFormat[Any], words: dict[tuple[int, int], int], size: int = 1 << 40) -> Ram:
    """Physical memory with a word at each (table, index)."""
    ram = Ram(size)
    for (table, index), word in words.items():
        ram.write_word(table + index * fmt.entry_width, fmt.entry_width, word)
    return ram


def ended(found: Walk) -> Any:
    """The physical address, or the fault's kind, level and code."""
    if found.fault is None:
        return found.pa
    return found.fault.kind, found.fault.level, found.fault.code
