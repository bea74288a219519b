"""One mapping in several formats: counted as by hand, walked as it was asked, refused where it makes no sense."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmwidgets as vm
from vmwidgets.comparisons.formats import MOST_PAGES, compare_formats
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.mmu.formats import FORMATS

PAGE, MIB = 4096, 1 << 20
EVERY = sorted(FORMATS)

ranges = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 90)), min_size=1, max_size=4).map(
    lambda parts: [
        ((1000 * place + at) * PAGE * scale, size * PAGE)
        for place, ((at, size), scale) in enumerate(zip(parts, [1, 1, 1, 1], strict=False))
    ]
)


@given(ranges)
def test_small_pages_need_the_tables_that_arithmetic_says(given_ranges: list[tuple[int, int]]) -> None:
    numbers = [page for start, size in given_ranges for page in range(start // PAGE, (start + size) // PAGE)]
    both = compare_formats(given_ranges, EVERY, large=False)
    for cost in both.value.formats:
        for level in FORMATS[cost.format].levels:
            wanted = len({number * PAGE >> level.shift + level.bits for number in numbers})
            assert next(one.tables for one in cost.levels if one.level == level.number) == wanted
        assert (cost.entries, cost.mapped) == (len(numbers), len(numbers) * PAGE)


@given(ranges, st.booleans())
def test_every_page_is_walked_to_and_its_neighbours_are_not(given_ranges: list[tuple[int, int]], large: bool) -> None:
    both = compare_formats(given_ranges, EVERY, large=large)
    for tables in both.tables.values():
        for start, size in given_ranges:
            for va in (start, start + size - 1):
                found = tables.walk(va)
                assert found.ok or found.fault.kind == "access-flag"
                assert not found.page_size or (found.steps[-1].address | va & found.page_size - 1) == va
        end = max(start + size for start, size in given_ranges)
        assert not tables.walk(end).page_size


def test_large_pages_are_used_where_they_fit_and_only_there() -> None:
    both = compare_formats([(15 * MIB, "34 MiB"), (0x8000_0000, 1 << 30)], ["armv7", "x86-64"])
    arm, x86 = both.value.formats
    assert [(page.size, page.number) for page in arm.pages] == [(MIB, 2), (16 * MIB, 2 + 64)]
    assert [(page.size, page.number) for page in x86.pages] == [(PAGE, 512), (2 * MIB, 16), (1 << 30, 1)]
    assert (arm.tables, x86.tables) == (1, 1 + 1 + 1 + 2)
    assert arm.reach(1) == 16 * MIB
    assert x86.reach(2) == (1 << 30) + 2 * MIB


@pytest.mark.parametrize("name", EVERY)
def test_pages_of_all_sizes_stand_side_by_side(name: str) -> None:
    fmt = FORMATS[name]
    largest = min(fmt.page_sizes[-1], 1 << 30)
    sizes = [size for size in fmt.page_sizes if size > PAGE and size <= largest]
    given_ranges = [(0, PAGE), *((size, size) for size in sizes)]
    tables = compare_formats(given_ranges, [name]).tables[name]
    for start, size in given_ranges:
        for va in (start, start + size - 1):
            found = tables.walk(va)
            assert found.steps[-1].address | va & found.page_size - 1 == va
            assert found.page_size == size


def test_what_a_format_does_not_reach_is_counted_and_left_out() -> None:
    both = compare_formats([(0, "1 MiB"), (1 << 40, "1 MiB"), (0xFFFF_8000_0000_0000, "1 MiB")], EVERY)
    out = {cost.format: cost.left_out for cost in both.value.formats}
    assert out == {"x86": 2, "x86-pae": 2, "armv7": 2, "riscv-sv39": 2, "aarch64": 0, "x86-64": 0, "x86-64-la57": 0}
    for name in ("x86-64", "aarch64"):
        assert both.tables[name].walk(0xFFFF_8000_0000_0000).page_size
        assert not both.tables[name].walk(0xFFFF_8000_0020_0000).page_size


def test_a_map_is_compared_by_its_entries() -> None:
    kernel_map = vm.boot("x86-64").kernel_map
    both = compare_formats(kernel_map, ["x86-64", "x86-64-la57"])
    assert both.value.ranges == len(kernel_map)
    assert both.value.bytes == sum(entry.end - entry.start for entry in kernel_map)


@pytest.mark.parametrize(
    ("given_ranges", "formats", "words"),
    [
        ([], ["x86"], "ranges is empty"),
        (7, ["x86"], "write pairs"),
        ([(0, 4096)], [], "two or more"),
        ([(0, 4096)], ["x86", "x86"], "different"),
        ([(0, 4096)], ["vax"], "unknown format 'vax'"),
        ([(0, 4096)], [3], "unknown format 3"),
        ([(0, 0)], ["x86"], "not be empty"),
        ([(1, 4096)], ["x86"], "multiples of 4 KiB"),
        ([(0, "many")], ["x86"], "not a size"),
        ([(0, 4096.0)], ["x86"], "not a whole number"),
        ([(True, 4096)], ["x86"], "not a whole number"),
        ([(0, 4096, 5)], ["x86"], "write a pair"),
        ([(-4096, 8192)], ["x86"], "64 bits"),
        ([(1 << 64, 4096)], ["x86"], "64 bits"),
        ([(0, 8192), (4096, 4096)], ["x86"], "two overlap"),
        ([(0, (MOST_PAGES + 1) * PAGE)], ["x86-64"], "more than 262,144 pages"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(given_ranges: Any, formats: Any, words: str) -> None:
    with pytest.raises(Refused, match=words):
        compare_formats(given_ranges, formats, large=False)


def test_a_comparison_is_pickled_with_its_tables() -> None:
    made = vm.compare_formats([(0x40_0000, "4 MiB")], ("x86-64", "armv7"))
    assert made.tables["x86-64"].walk(0x40_0000).pa is not None  # walked, so that its format knows chains
    kept = pickle.loads(pickle.dumps(made))
    assert (repr(kept), kept.value) == (repr(made), made.value)
    for name, tables in made.tables.items():
        for address in 0x40_0000, 0x7F_F000, 0x80_0000:
            assert kept.tables[name].walk(address).pa == tables.walk(address).pa
