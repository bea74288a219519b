"""Where in a machine's page tables a descriptor stands."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..memory.ram import BusError, Ram
from ..mmu.page_tables import as_register, roots

if TYPE_CHECKING:
    from ..kernel.pmap import Pmap
    from ..mmu.format import Level


class Place(NamedTuple):
    """Where a descriptor stands in the tables of a machine."""

    level: Level
    va: int
    space: str


class UneditedMemory:
    """Memory as it was before the edits that stand."""

    def __init__(self, ram: Ram, before: Mapping[int, int]) -> None:
        self._ram = ram
        self._before = before

    def read_word(self, pa: int, width: int) -> int:
        """The word at `pa`."""
        known = self._before.get(pa)
        return self._ram.read_word(pa, width) if known is None else known


def find_place(memory: UneditedMemory, pmap: Pmap, settings: Any, pa: int, width: int) -> tuple[Level, int] | None:
    """The level of the table in which `pa` stands, and the address that the slot is for; None if it is in none.

    Tables are looked through from the root down, so that one which the recursive window shows too, a level lower, is
    found where it belongs.
    """
    fmt = pmap.fmt
    seen: set[tuple[int, int]] = set()
    root, controls = pmap.registers(settings)
    waiting = deque((one.level, one.table, one.base) for one in roots(fmt, root, controls))
    while waiting:
        level, table, va = waiting.popleft()
        if (level.number, table) in seen:
            continue
        seen.add((level.number, table))
        if table <= pa < table + level.entries * width:
            return level, as_register(fmt, controls, va + ((pa - table) // width << level.shift))
        if level.number == 1:
            continue
        below = fmt.level(level.number - 1)
        for index in range(level.entries):
            try:
                word = memory.read_word(table + index * width, width)
            except BusError:  # the table lies outside of memory: an edit made it so
                break
            if not word:
                continue
            descriptor = level.read_as(word)
            if descriptor.kind == "table":
                waiting.append((below, descriptor.address_of(word), va + (index << level.shift)))
    return None
