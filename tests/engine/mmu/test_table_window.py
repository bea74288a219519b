"""A window on tables: rows are what the walker finds, folds count what they hide, the cost is what is open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.comparisons.formats import compare_formats
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.editor import TableEditor
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.formats.x86 import PML4, X86_64
from vmwidgets.engine.mmu.tables import PageTables, Shown
from vmwidgets.engine.mmu.tables_schema import Rights, TableWindow, WindowRow
from vmwidgets.engine.mmu.walk import walk

PAGE = 4096
EVERY = sorted(FORMATS)


def opened(tables: PageTables[Any], rows: int = 10_000) -> TableWindow:
    """All that there is, opened as somebody would: by the rows that are shown."""
    keys: set[tuple[int, int]] = set()
    while True:
        window = tables.window(Shown(keys, rows=rows))
        found = {(table.level - 1, row.va) for table in window.tables for row in table.rows if row.kind == "table"}
        if found <= keys:
            return window
        keys |= found


def pages(window: TableWindow) -> dict[int, int]:
    """Each mapped page's virtual and physical address, from the rows alone."""
    found = {}
    for table in window.tables:
        for row in table.rows:
            for number in range(row.pages):
                found[row.va + number * row.size] = row.address + number * row.size
    return found


def mapping(name: str, numbers: list[int]) -> PageTables[Any]:
    """4 KiB pages at page numbers, in tables of a format."""
    return compare_formats([(number * PAGE, PAGE) for number in sorted(set(numbers))], [name], large=False).tables[name]


@pytest.mark.parametrize("name", EVERY)
@given(numbers=st.lists(st.integers(0, 2000) | st.integers(0, 2**18), min_size=1, max_size=8))
def test_the_rows_say_what_the_walker_finds(name: str, numbers: list[int]) -> None:
    tables = mapping(name, numbers)
    found = pages(opened(tables))
    assert set(found) == {number * PAGE for number in numbers}
    for va, pa in found.items():
        assert walk(tables.memory, tables.fmt, tables.root, va, user=True).pa == pa


@pytest.mark.parametrize("name", EVERY)
def test_pages_that_go_on_from_each_other_are_one_row_and_others_are_not(name: str) -> None:
    tables = mapping(name, [3, 4, 5, 6, 9])
    rows = opened(tables).tables[-1].rows
    assert [(row.first, row.count, row.pages) for row in rows] == [(3, 4, 4), (9, 1, 1)]
    fmt = tables.fmt
    slot = TableEditor(tables.memory, fmt, Recorder()).find(tables.root, 5 * PAGE)  # type: ignore[arg-type]  # Ram
    TableEditor(tables.memory, fmt, Recorder()).set_rights(slot, Rights(write=False, execute=False))  # type: ignore[arg-type]  # Ram
    rows = opened(tables).tables[-1].rows
    assert [(row.first, row.count) for row in rows] == [(3, 2), (5, 1), (6, 1), (9, 1)]


def test_a_large_page_that_stands_in_sixteen_slots_is_one_page() -> None:
    tables = compare_formats([(0x1000_0000, "32 MiB"), (0x2000_0000, "128 KiB")], ["armv7"]).tables["armv7"]
    window = opened(tables)
    supersections, _ = window.tables[0].rows
    (large,) = window.tables[1].rows
    assert (supersections.count, supersections.pages, supersections.size, supersections.repeated) == (
        32,
        2,
        1 << 24,
        16,
    )
    assert (large.count, large.pages, large.size, large.repeated) == (32, 2, 1 << 16, 16)


def test_what_the_kernel_lends_is_folded_apart_until_somebody_looks_among_it() -> None:
    tables = mapping("x86-64", [*range(0, 40, 2), *range(100, 160, 2)])
    tables.kernel_from = 100 * PAGE
    key, way = (1, 0), [(3, 0), (2, 0), (1, 0)]

    def rows(**shown: Any) -> list[tuple[int, int, str, bool]]:
        table = tables.window(Shown(way, rows=8, **shown)).tables[-1]
        assert sum(row.pages for row in table.rows) == 50, "folds count what they hide"
        assert all(row.end <= 100 or row.first >= 100 for row in table.rows), "none is on both sides"
        return [(row.first, row.pages, row.kind, row.is_lent) for row in table.rows]

    own = [(2 * number, 1, "leaf", False) for number in range(8)]
    assert rows() == [*own, (16, 12, "fold", False), (100, 30, "fold", True)]
    assert rows(centres={key: 16})[-1] == (100, 30, "fold", True)
    looking = rows(centres={key: 120})
    assert (120, 1, "leaf", True) in looking
    assert len([row for row in looking if not row[3]]) <= 5, "its own make room"
    marked = tables.window(Shown(way, rows=8)).tables[-1].pa + 110 * 8
    assert (110, 1, "leaf", True) in rows(marked=[marked])
    tables.kernel_from = None
    assert not any(row.is_lent for row in tables.window(Shown(way)).tables[-1].rows)


def test_folds_count_what_they_hide() -> None:
    tables = mapping("x86-64", [2 * number for number in range(200)])
    key = (1, 0)
    shown = Shown([(3, 0), (2, 0), key], rows=8)
    table = tables.window(shown).tables[-1]
    folds = [row for row in table.rows if row.kind == "fold"]
    assert sum(row.pages for row in table.rows) == 200
    assert len(folds) == 1
    middle = tables.window(Shown(shown.opened, centres={key: 200}, rows=8)).tables[-1]
    assert [row.kind for row in middle.rows].count("fold") == 2
    assert any(row.first == 200 and row.kind == "leaf" for row in middle.rows)
    assert sum(row.pages for row in middle.rows) == 200


def test_around_a_slot_behind_all_pages_are_the_last_pages() -> None:
    tables = mapping("x86-64", [2 * number for number in range(100)])
    (*_, table) = tables.window(Shown([(3, 0), (2, 0), (1, 0)], centres={(1, 0): 500}, rows=8)).tables
    shown = [row.first for row in table.rows if row.kind == "leaf"]
    assert shown[-1] == 198
    assert shown[0] == 0, "and the first row, where the table begins"


def test_a_marked_page_far_from_the_centre_stays_beside_the_pages_around_it() -> None:
    tables = mapping("x86-64", [2 * number for number in range(200)])
    way = [(3, 0), (2, 0), (1, 0)]
    marked = tables.window(Shown(way)).tables[-1].pa + 300 * 8
    (*_, table) = tables.window(Shown(way, marked=[marked], centres={(1, 0): 100}, rows=8)).tables
    shown = {row.first for row in table.rows if row.kind == "leaf"}
    assert {0, 100, 300} <= shown, "where the table begins, where somebody looks, and what is marked"


def test_an_expanded_run_is_shown_page_by_page() -> None:
    tables = mapping("x86-64", list(range(6)))
    shown = Shown([(3, 0), (2, 0), (1, 0)])
    (run,) = tables.window(shown).tables[-1].rows
    rows = tables.window(Shown(shown.opened, [run.pa])).tables[-1].rows
    assert [(row.first, row.pages) for row in rows] == [(number, 1) for number in range(6)]


def test_a_marked_slot_is_shown_even_if_it_is_absent_or_in_a_fold() -> None:
    tables = mapping("x86-64", [2 * number for number in range(200)])
    window = tables.window(Shown([(3, 0), (2, 0), (1, 0)], rows=6))
    table = window.tables[-1]
    absent, present = table.pa + 301 * 8, table.pa + 300 * 8
    marked = tables.window(Shown([(3, 0), (2, 0), (1, 0)], marked=[absent, present], rows=6)).tables[-1]
    kinds = {row.pa: row.kind for row in marked.rows if row.kind != "fold"}
    assert (kinds[absent], kinds[present]) == ("invalid", "leaf")
    assert marked.present == 200


def test_the_cost_is_what_is_open_however_many_tables_there_are() -> None:
    few, many = mapping("x86-64", [0]), mapping("x86-64", [number * 512 for number in range(600)])
    shown = Shown([(3, 0), (2, 0), (1, 0)])
    assert few.window(shown).words_read == many.window(shown).words_read == 4 * 512


def test_a_table_that_refers_to_itself_is_no_endless_story() -> None:
    ram = Ram(1 << 20)
    ram.write_word(0x1000 + 256 * 8, 8, 0x1003)
    tables = PageTables("self", ram, X86_64, 0x1000)
    window = opened(tables)
    assert [row.kind for row in window.tables[0].rows] == ["window"]
    assert window.tables[0].rows[0].va == 0xFFFF_8000_0000_0000
    va = window.tables[0].rows[0].va
    deeper = tables.window(Shown([(3, va), (2, va), (1, va)]))
    assert len(deeper.tables) >= 2


def test_a_table_outside_of_memory_says_so() -> None:
    ram = Ram(1 << 20)
    ram.write_word(0x1000, 8, 0x80_0000_0003)
    window = PageTables("bad", ram, X86_64, 0x1000).window(Shown([(3, 0)]))
    assert "outside RAM" in window.tables[1].unreadable
    assert window.tables[1].rows == ()


@pytest.mark.parametrize("name", EVERY)
def test_an_address_is_cut_without_gaps(name: str) -> None:
    split = FORMATS[name].address_split()
    above = split.va_bits
    for part in split.parts:
        assert part.high == above - 1
        above = part.low
    assert above == 12


def test_both_roots_of_arm_are_shown() -> None:
    fmt = FORMATS["aarch64"]
    controls = replace(fmt.defaults, ttbr1=0x5000)
    window = PageTables("two", Ram(1 << 20), fmt, 0x1000, controls).window(Shown())
    assert [(table.pa, table.va) for table in window.tables] == [(0x1000, 0), (0x5000, 0xFFFF_0000_0000_0000)]


def test_of_armv7s_second_root_only_what_walks_use_is_shown() -> None:
    fmt = FORMATS["armv7"]
    ram = Ram(1 << 20)
    for table in (0x4000, 0x8000):
        for index in (1, 0x900):
            ram.write_word(table + 4 * index, 4, index << 20 | 0x402)
    controls = replace(fmt.defaults, ttbcr_n=1, ttbr1=0x8000)
    lower, upper = PageTables("two", ram, fmt, 0x4000, controls).window(Shown()).tables
    assert (lower.pa, lower.va, [row.va for row in lower.rows]) == (0x4000, 0, [0x10_0000])
    assert (upper.pa, upper.va, [row.va for row in upper.rows]) == (0x8000, 1 << 31, [0x9000_0000])


def test_the_rows_of_a_root_are_for_register_addresses() -> None:
    ram = Ram(1 << 20)
    ram.write_word(0x1000 + 511 * 8, 8, 0x2003)
    row: WindowRow = PageTables("high", ram, X86_64, 0x1000).window(Shown()).tables[0].rows[0]
    assert row.va == 0xFFFF_FF80_0000_0000
    assert (row.va >> PML4.shift) & 511 == 511
