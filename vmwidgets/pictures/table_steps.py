"""What an operation did to page tables that are shown: the tables it made, and the descriptors it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from vmwidgets.engine.base.event import Event
from vmwidgets.engine.mmu.tables import PageTables
from vmwidgets.engine.mmu.tables_schema import OpenTable, PageMarked, PteWritten, TableWindow, WindowRow, words_written
from vmwidgets.engine.mmu.tables_schema import Walk as WalkValue
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.tables.boxes import TableMarks


def _noted(events: Sequence[Event]) -> dict[int, int]:
    """Return the bits that the hardware set in descriptors to note accesses, by their places."""
    found: dict[int, int] = {}
    written: list[PteWritten] = []
    for event in events:
        if isinstance(event, PteWritten):
            written.append(event)
            continue
        if isinstance(event, PageMarked):
            for one in written:
                found[one.pa] = found.get(one.pa, 0) | (one.before ^ one.after if one.va == event.va else 0)
        written = []
    return found


# ---- the effect of an operation on tables --------------------------------------------------------


def marks_of_tables(moment: Moment, before: PageTables[Any], now: PageTables[Any], window: TableWindow) -> TableMarks:
    """Return the tables that the events so far created, and the changes of descriptors that `window` shows.

    Bits that the hardware sets for accesses are not changes.  Nor is it a change if a smaller page with the same frame
    and rights replaces a page.
    """
    written = words_written(moment.so_far)
    if not written:
        return TableMarks()
    noted = _noted(moment.so_far)
    words = {pa: one for pa, one in written.items() if (one[0] ^ one[1]) & ~noted.get(pa, 0)}
    made: set[int] = set()
    roots = [row for table in window.tables if table.parent is None for row in table.rows]
    for va in {event.va for event in moment.so_far if isinstance(event, PteWritten) and event.level > 1}:
        root = max((row for row in roots if row.va <= va), key=attrgetter("va"), default=None)
        if root is not None and (root.is_lent or root.kind == "window"):
            continue  # a lent table was there before, and the root is none below itself
        had = {step.table for step in _walk(before, va).steps}
        made.update(step.table for step in _walk(now, va).steps[1:] if step.table not in had)
    tables: dict[int, str] = {}
    rows: dict[int, str] = {}
    for table in window.tables:
        end = table.pa + table.entries * window.entry_width
        if any(had and not has for pa, (had, has) in words.items() if table.pa <= pa < end):
            tables[table.pa] = "changed"  # a part of it is a gap now
        for row in table.rows:
            state = _state_of(row, table, window.entry_width, words, before, now)
            if state:
                rows[row.pa] = state
    return TableMarks(frozenset(made), tables, rows)


def _state_of(
    row: WindowRow,
    table: OpenTable,
    width: int,
    words: Mapping[int, tuple[int, int]],
    before: PageTables[Any],
    now: PageTables[Any],
) -> str:
    """Return whether a row is "new" or "changed"; "" if it is unchanged."""
    if row.kind == "fold":
        return ""
    first = next((pa for pa in range(row.pa, row.pa + row.count * width, width) if pa in words), None)
    if first is None:
        return ""
    if row.kind != "leaf":
        return "changed" if words[first][0] else "new"
    va = row.va + (first - row.pa) // width * table.span
    was, is_now = _walk(before, va), _walk(now, va)
    if not was.page_size:
        return "new"
    return "changed" if (was.pa, was.permissions) != (is_now.pa, is_now.permissions) else ""


def _walk(tables: PageTables[Any], va: int) -> WalkValue:
    register = tables.fmt.as_register(va, tables.controls)
    return walk(tables.memory, tables.fmt, tables.root, register, "read", False, tables.controls)
