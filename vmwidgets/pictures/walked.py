"""The quantities of a walk and of open page tables, and both without some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from vmwidgets.engine.base.hidden import EMPTY, Hidden
from vmwidgets.engine.base.units import PAGE_SHIFT, Address
from vmwidgets.engine.mmu.tables_schema import (
    NOWHERE,
    AddressSplit,
    Field,
    OpenTable,
    Step,
    TableWindow,
    Walk,
    WindowRow,
)
from vmwidgets.views.tables.boxes import TablesBench
from vmwidgets.views.tables.slices import slices_of
from vmwidgets.views.tables.walk_tables import table_name

from .quantities import NOTHING, Bit, Blanks, Quantity, bits_of

_WORD = 64
"""The most bits of an address or a descriptor."""

_FRAME = 20
"""The bits for which the blank of a frame's number has room."""

_PAGE: Bit = ("page", 0)
"""The address of the page, which the frame's number and the page's descriptor say too."""


def _table(pa: int) -> Bit:
    return (f"table {pa:x}", 0)


def _word(name: str, fields: Sequence[Field], target: Bit) -> tuple[Bit, ...]:
    """Return the bits of a descriptor: those of its address are the target's."""
    found = [(name, bit) for bit in range(_WORD)]
    for field in fields:
        if field.name.startswith(("address", "PFN")):
            found[field.low : field.high + 1] = [target] * (field.high + 1 - field.low)
    return tuple(found)


def _frame(fields: Sequence[Field], word: int, address: int) -> int:
    """Return the number of a page's frame: as the entry has it on paper, and else of the smallest pages."""
    return next((one.of(word) for one in fields if one.name == "PFN"), address >> PAGE_SHIFT)


# ---- a walk --------------------------------------------------------------------------------------


def quantities_of_walk(walk: Walk, split: AddressSplit) -> Iterator[Quantity]:
    """Yield the address, which is given, its parts, the places and contents of the descriptors, and where it led.

    If the offset is 0, the physical address is the page's.
    """
    va = bits_of("va", 0, max(_WORD, walk.word_bits))
    yield Quantity("va", int(walk.va), va, 0, f"{Address(walk.va)}", is_given=True)
    for one in slices_of(walk, split):
        value = int(walk.va) >> one.low & (1 << one.width) - 1
        if one.key.isdecimal():
            name = one.name.removesuffix(" table").lower()
            words = f"{one.name.lower()} index", name, "index", "descriptor"
            yield Quantity(f"index {one.key}", value, va[one.low : one.high + 1], 2, f"{value}", words)
        elif one.key == "offset" and walk.page_size:
            yield Quantity(
                "offset", value, va[: one.high + 1], 2, f"0x{value:0{-(-one.width // 4)}x}", ("offset", "vpo")
            )
    for place, step in enumerate(walk.steps):
        if step.table < NOWHERE:
            called = f"{table_name(step).lower()} address", "at"
            yield Quantity(
                f"at {step.table:x}",
                step.table,
                (_table(step.table),) * _WORD,
                place + 3,
                f"{Address(step.table)}",
                called,
            )
        chosen = *va[step.index_bits[1] : step.index_bits[0] + 1], _table(step.table)
        yield Quantity(f"place {step.level}", step.pa, chosen, place + 4, "")
        target = _PAGE if step.kind == "leaf" else _table(step.address)
        yield Quantity(
            f"word {step.level}", step.value, _word(f"word {step.level}", step.fields, target), place + 4, ""
        )
        yield Quantity(f"target {step.level}", step.address, (target,) * _WORD, place + 4, "")
    if walk.pa is not None:
        leaf = walk.steps[-1]
        frame = _frame(leaf.fields, leaf.value, leaf.address)
        yield Quantity("frame", frame, (_PAGE,) * _FRAME, 3, f"{frame:#x}", ("frame", "pfn"))
        inside = va[: walk.page_size.bit_length() - 1] if walk.offset else ()
        whole = inside + (_PAGE,) * (_WORD - len(inside))
        yield Quantity("pa", int(walk.pa), whole, 90, f"{Address(walk.pa)}", ("pa", "physical", "physical address"))


def walk_without(walk: Walk, blanks: Blanks) -> Walk:
    """Return a walk from which blanks are left out: what is drawn from it can't tell them."""
    page = f"frame {blanks.of('frame')}" if blanks.asks("frame") else blanks.of("pa") if not walk.offset else EMPTY
    tables = {
        step.table: blanks.shown(f"at {step.table:x}", step.table) for step in walk.steps
    }  # one may be read twice
    steps = tuple(_step(step, tables[step.table], blanks, page) for step in walk.steps)
    fault = walk.fault
    if fault is not None:
        said = fault.why
        for step in walk.steps:
            said = said.replace(f"{step.value:#x}", EMPTY) if f"word {step.level}" in blanks else said
        fault = replace(fault, why=said)
    pa = None if walk.pa is None else blanks.shown("pa", walk.pa)
    return replace(walk, va=blanks.shown("va", walk.va), steps=steps, pa=pa, fault=fault)


def _step(step: Step, table: int, blanks: Blanks, page: str) -> Step:
    """Return a descriptor that was read from a `table`, as both are shown; `page` is the blank of a page's address."""
    level, leads = step.level, page if step.kind == "leaf" else blanks.of(f"at {step.address:x}")
    return replace(
        step,
        table=table,
        index=blanks.shown(f"index {level}", step.index),
        pa=Hidden(0, ~0) if f"place {level}" in blanks and step.pa < NOWHERE else step.pa,
        value=blanks.shown(f"word {level}", step.value),
        address=blanks.shown(f"target {level}", step.address, leads),
    )


# ---- tables --------------------------------------------------------------------------------------


def quantities_of_window(window: TableWindow, bench: TablesBench) -> Iterator[Quantity]:
    """Yield the addresses of the open tables, and what the descriptor contains that is drawn bit by bit."""
    for place, table in enumerate(window.tables):
        if table.pa < NOWHERE:
            words = ("at",) if table.parent is None else ("at", "physical")
            yield Quantity(
                f"at {table.pa:x}", table.pa, (_table(table.pa),) * _WORD, place, f"{Address(table.pa)}", words
            )
    chosen = window.row(bench.chosen) if bench.chosen else None
    if chosen is None or chosen.kind not in ("leaf", "table"):
        return
    target = _target(chosen)
    yield Quantity("word", bench.word, _word("word", chosen.fields, target), 99, "")
    if chosen.kind == "leaf" and chosen.pages == 1:
        frame = _frame(chosen.fields, bench.word, chosen.address)
        yield Quantity("page", chosen.address, (target,) * _WORD, 98, f"{Address(chosen.address)}", ("physical", "pa"))
        yield Quantity("frame", frame, (target,) * _FRAME, 98, f"{frame:#x}", ("frame", "pfn"))


def _target(row: WindowRow) -> Bit:
    return ("page", row.pa) if row.kind == "leaf" else _table(row.address)


def window_without(window: TableWindow, bench: TablesBench, blanks: Blanks) -> tuple[TableWindow, TablesBench]:
    """Return open tables and their tools, from which blanks are left out.

    The descriptors of a table whose address is left out are at addresses that say only which is which.
    """
    if blanks is NOTHING:
        return window, bench
    moved: list[tuple[range, int]] = []
    chosen = window.row(bench.chosen) if bench.chosen else None
    name = next((one for one in ("frame", "page") if blanks.asks(one)), "")
    asked = f"{'frame' if name == 'frame' else 'physical'} {blanks.of(name)}" if name else ""
    word = bench.word if chosen is None else blanks.shown("word", bench.word, asked)

    def address(row: WindowRow) -> int:
        if row is chosen and row.kind == "leaf":
            return blanks.shown("page", row.address, asked.removeprefix("physical "))
        return blanks.shown(f"at {row.address:x}", row.address) if row.kind in ("table", "window") else row.address

    tables = tuple(_open_table(window, at, table, blanks, moved, address) for at, table in enumerate(window.tables, 1))

    def of(pa: int) -> int:
        return next((Hidden(start + pa - held.start, 0) for held, start in moved if pa in held), pa)

    found = replace(bench, chosen=of(bench.chosen), word=word, path=[*map(of, bench.path)], edited={}, found=None)
    return replace(window, tables=tables), found


def _open_table(
    window: TableWindow,
    at: int,
    table: OpenTable,
    blanks: Blanks,
    moved: list[tuple[range, int]],
    address: Callable[[WindowRow], int],
) -> OpenTable:
    """Return an open table, whose rows are `moved` to other places if its address is left out."""
    name = f"at {table.pa:x}"
    is_hidden = name in blanks
    if is_hidden:
        moved.append((range(table.pa, table.pa + table.entries * window.entry_width), at << 32))
    rows = tuple(
        replace(row, pa=Hidden((at << 32) + row.pa - table.pa, 0) if is_hidden else row.pa, address=address(row))
        for row in table.rows
    )
    return replace(table, pa=blanks.shown(name, table.pa), rows=rows)
