"""Tables written down word by word, for tests that take their expectations from the manuals."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.editor import Slot, TableEditor
from vmwidgets.engine.mmu.format import TableFormat
from vmwidgets.engine.mmu.tables_schema import Rights, Walk


def memory(fmt: TableFormat[Any], words: dict[tuple[int, int], int], size: int = 1 << 40) -> Ram:
    """Physical memory with a word at each (table, index)."""
    ram = Ram(size)
    for (table, index), word in words.items():
        ram.write_word(table + index * fmt.entry_width, fmt.entry_width, word)
    return ram


def map_page(
    editor: TableEditor[Any], slot: Slot, pa: int, rights: Rights, size: int | None = None, shared: bool = False
) -> None:
    """Make a slot, and the copies if there are any, map the page at `pa`."""
    word = editor.fmt.leaf_word(slot.level, pa, rights, shared=shared, size=size)
    for copy in editor.copies(slot, slot.level.read_as(word)):
        editor.write(copy, word)


def ended(found: Walk) -> Any:
    """The physical address, or the fault's kind, level and code."""
    if found.fault is None:
        return found.pa
    return found.fault.kind, found.fault.level, found.fault.code
