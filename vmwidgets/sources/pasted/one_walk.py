"""Tables known only by the descriptors of one address, as an oops of Linux prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.base.errors import Refused
from ...engine.base.units import Address
from ...engine.mmu.format import TableFormat
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import TablesWalk
from .said import Gap, PastedTables, Path, SaidTable


def tables_of(
    name: str,
    fmt: TableFormat[Any],
    controls: Any,
    va: int,
    words: Sequence[int | None],
    root: int | None,
    lines: tuple[int, int],
) -> PastedTables:
    """Return the tables on the walk of `va`: `words` are the descriptors of the levels, the root's first.

    A word that can't be read is None: the descriptors below it are listed, but no walk reaches them.  If the text has
    no root address, the root is put in unused memory.
    """
    why = f"the text has only the descriptors of {Address(va)}"
    found: list[tuple[int, int, Path, int | None]] = []
    below: list[tuple[Path, int]] = []
    address, path, is_known = None, Path(()), True
    for level, word in zip(fmt.levels, words, strict=False):
        path = (*path, level.index(va))
        if is_known:
            found.append((-1 if address is None else address, fmt.table_bytes(level), path, word))
        elif word is not None:
            below.append((path, word))
        if word is None:
            is_known = False
            continue
        descriptor = fmt.rules.read_as(level, word, controls)
        address = descriptor.address_of(word) if descriptor.kind == "table" else None
        if address is None:
            break
    size = fmt.table_bytes(fmt.root_level)
    at = root if root is not None else _unused(size, [(base, length) for base, length, *_ in found[1:]])
    tables: dict[int, SaidTable] = {}
    listed = []
    for base, length, path, word in found:
        table = tables.setdefault(at if len(path) == 1 else base, SaidTable({}, [], length))
        table.gaps = [Gap(0, length // fmt.entry_width, why)]
        if word is None:
            table.gaps.insert(0, Gap(path[-1], path[-1] + 1, "the descriptor in the text can't be read"))
            continue
        table.words[path[-1]] = word
        listed.append((path, word))
    listed += below
    made = PastedTables(name, tables, at, listed, lines, root_is_said=root is not None, fmt=fmt, controls=controls)
    made.is_one_walk = True
    return made


def _unused(size: int, used: Sequence[tuple[int, int]]) -> int:
    """Return the lowest unused place for a table."""
    place = 0
    while any(base < place + size and place < base + length for base, length in used):
        place += size
    return place


def walked(tables: PastedTables, va: int, access: Access, user: bool) -> TablesWalk | None:
    """Return the walk of an address, or None if the text has too little of it."""
    try:
        return tables.walk(va, access, user=user)
    except Refused:
        return None
