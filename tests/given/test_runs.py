"""Runs of equal rights: every page in them is where the walker finds it, with the rights that the walk leaves."""

from __future__ import annotations

import random
from typing import Any

import pytest

from vmwidgets import Refused
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables import PageTables
from vmwidgets.engine.mmu.tables_schema import Rights
from vmwidgets.given import runs as module
from vmwidgets.given.runs import runs
from vmwidgets.sources.tables.recorded import recorded_tables

ROOT = 0x10_0000


def mapped(fmt_name: str, seed: int) -> PageTables[Any]:
    """Tables with leaves of all levels and sizes, at random, in neighbouring and in distant slots."""
    fmt, chosen = FORMATS[fmt_name], random.Random(seed)
    ram = Ram(1 << 22)
    free = iter(range(ROOT + 0x1_0000, 1 << 22, 0x4000))

    def fill(level, table):
        for slot in sorted({0, 1, 2, level.last, *(chosen.randrange(level.entries) for _ in range(4))}):
            rights = Rights(True, chosen.random() < 0.5, chosen.random() < 0.5, chosen.random() < 0.5)
            leaf = next((one for one in level.descriptors if one.kind == "leaf" and one.shift is None), None)
            if level.number > 1 and (leaf is None or chosen.random() < 0.6):
                below = next(free, None)
                if below is None or level.of_kind("table") is None:
                    continue
                ram.write_word(table + slot * fmt.entry_width, fmt.entry_width, fmt.table_word(level, below, rights))
                fill(fmt.level(level.number - 1), below)
            elif leaf is not None:
                pa = chosen.randrange(1 << 32 - level.shift) << level.shift
                word = fmt.leaf_word(level, pa, rights)
                ram.write_word(table + slot * fmt.entry_width, fmt.entry_width, word)

    fill(fmt.root_level, ROOT)
    return PageTables("random", ram, fmt, ROOT)


@pytest.mark.parametrize("fmt", FORMATS)
def test_runs_below_an_end_are_those_of_all_that_begin_there(fmt: str) -> None:
    tables = mapped(fmt, 1)
    end = 3 * FORMATS[fmt].root_level.span
    below, every = runs(tables, end=end).ranges, runs(tables).ranges
    cut = [(one.start, min(one.end, end), one.rights) for one in every if one.start < end]
    assert [(one.start, one.end, one.rights) for one in below] == cut


def test_of_tables_above_an_end_none_is_read() -> None:
    ram, fmt = Ram(1 << 20), FORMATS["riscv-sv39"]
    for slot, below in ((0, 0x2000), (300, 0x3000)):
        ram.write_word(0x1000 + 8 * slot, 8, below >> 2 | 1)
    tables = PageTables("two tables below a root", ram, fmt, 0x1000)
    assert (runs(tables).tables, runs(tables, end=1 << 30).tables) == (3, 2)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("seed", range(3))
def test_runs_are_what_walks_find(fmt, seed):
    tables = mapped(fmt, seed)
    found = runs(tables).ranges
    assert found
    chosen = random.Random(seed)
    for one in found:
        for address in {one.start, one.end - 1, one.start + chosen.randrange(one.size)}:
            walk = tables.walk(address, user="u" in one.rights)
            assert walk.page_size, hex(address)
            letters = "".join(letter if has else "-" for letter, has in zip("rwxu", walk.rights, strict=True))
            assert letters == one.rights, hex(address)
            if one.pa is not None:
                page = walk.steps[-1].address + (address & walk.page_size - 1)
                assert one.pa + address - one.start == page, hex(address)
    edges = {one.end for one in found} - {one.start for one in found}
    for address in edges:
        if address < 1 << tables.fmt.word_bits:
            assert not tables.walk(address).page_size, "a run ends where nothing follows, or other rights"


def test_recorded_tables_of_linux():
    """The queries of a recording: an address is in a run if and only if its walk reaches a page."""
    for name in ("linux-armv7", "linux-x86_64"):
        tables = recorded_tables(name)
        found = runs(tables).ranges
        for query in tables.queries:
            reached = bool(tables.walk(query.va, query.access, user=query.user).page_size)
            assert reached == any(one.start <= query.va < one.end for one in found), hex(query.va)


def test_tables_that_refer_to_themselves_have_an_end(monkeypatch):
    """A table in a circle maps what its own words say when they are read as leaves."""
    fmt, ram = FORMATS["x86-64"], Ram(1 << 20)
    for slot in range(512):
        ram.write_word(0x1000 + slot * 8, 8, 0x1000 | 7 | (slot % 2) << 63)
    monkeypatch.setattr(module, "MOST_RUNS", 1000)
    with pytest.raises(Refused, match=r"its tables map more than 1,000 runs of equal permissions"):
        runs(PageTables("a circle", ram, fmt, 0x1000))
    ram.write_word(0x2000 + 511 * 8, 8, 0x2003)
    assert [hex(one.start) for one in runs(PageTables("recursive", ram, fmt, 0x2000)).ranges] == ["0xfffffffffffff000"]


def test_a_table_outside_memory_is_named():
    ram = Ram(1 << 20)
    ram.write_word(0x1000, 8, 0x4000_0000 | 7)
    found = runs(PageTables("outside", ram, FORMATS["x86-64"], 0x1000))
    assert (found.ranges, found.unreadable) == ((), (0x4000_0000,))


def test_a_page_of_sixteen_descriptors_is_one_run():
    """ARM DDI 0406C, B3.5.1: a large page of 64 KiB is repeated in 16 slots, which all hold its own address."""
    ram = Ram(1 << 20)
    ram.write_word(0x4000, 4, 0x8000 | 1)
    for slot in range(16):
        ram.write_word(0x8000 + slot * 4, 4, 0x4030_0031)
    (one,) = runs(PageTables("large", ram, FORMATS["armv7"], 0x4000)).ranges
    assert (one.start, one.size, one.pa) == (0, 0x1_0000, 0x4030_0000)


@pytest.mark.parametrize("name", ["x86-64", "x86-64-la57", "riscv-sv39"])
def test_pages_on_both_sides_of_the_addresses_that_do_not_exist_are_two_runs(name):
    """The last page of the lower half and the first of the upper half are neighbours in the tables alone."""
    fmt, ram = FORMATS[name], Ram(1 << 20)
    half, free = fmt.root_level.entries // 2, iter(range(0x2000, 1 << 20, 4096))
    for slot, inner in ((half - 1, 511), (half, 0)):
        table = 0x1000
        for level in fmt.levels[:-1]:
            below, at = next(free), slot if level is fmt.root_level else inner
            ram.write_word(table + at * 8, 8, fmt.table_word(level, below, Rights()))
            table = below
        ram.write_word(table + inner * 8, 8, fmt.leaf_word(fmt.levels[-1], 0, Rights()))
    made = PageTables("two halves", ram, fmt, 0x1000)
    low, high = runs(made).ranges
    assert low.size == high.size == 4096
    assert low.end == 1 << fmt.va_bits - 1
    assert high.start == (1 << 64) - (1 << fmt.va_bits - 1)
    assert all(made.walk(one.start).ok and made.walk(one.end - 1).ok for one in (low, high))
