"""What a TLB keeps, finds, and lets go."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.mmu.cpus import KERNELS, Tables
from vmwidgets.engine.base.errors import Broken, Refused
from vmwidgets.engine.base.units import GIB, KIB, MIB, PAGE
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.formats.x86 import X86_64
from vmwidgets.engine.mmu.tlb import Tlb

AT = 0x40_0000


def kept(*pages: int, sets: int = 1, ways: int = 2) -> tuple[Tables, Tlb[Any]]:
    """A TLB that was filled with pages in this order."""
    tables, tlb = Tables(X86_64), Tlb(X86_64, sets=sets, ways=ways)
    for va in pages:
        tables.map(va, va + MIB)
        tlb.fill(tables.translate(va), 0, X86_64.defaults)
        tlb.check()
    return tables, tlb


def addresses(tlb: Tlb[Any]) -> list[int]:
    return sorted(line.va for line in tlb)


class TestPlaces:
    def test_the_page_number_chooses_the_set(self):
        _, tlb = kept(0, PAGE, 5 * PAGE, 2 * PAGE, sets=4)
        assert [(line.va // PAGE, line.set, line.way) for line in tlb] == [(0, 0, 0), (1, 1, 0), (5, 1, 1), (2, 2, 0)]

    @pytest.mark.parametrize("fmt", FORMATS.values(), ids=list(FORMATS))
    def test_a_page_of_any_size_is_one_entry_and_found_everywhere_in_it(self, fmt):
        for size in fmt.page_sizes:
            tables, tlb = Tables(fmt), Tlb(fmt, sets=4, ways=2)
            at, pa = (3 * size, 2 * size) if fmt.word_bits == 64 or size < GIB else (size, size)
            tables.map(at, pa, KERNELS, size)
            line, gone = tlb.fill(tables.translate(at + size - 1), 0, fmt.defaults)
            assert (line.va, line.pa, line.size, line.set, gone) == (at, pa, size, at // size % 4, None)
            assert tlb.lookup(at, 0) is tlb.lookup(at + size // 2, 0) is tlb.lookup(at + size - 1, 0) is line
            assert tlb.lookup(at + size, 0) is None is tlb.lookup(at - 1, 0)
            assert (tlb.hits, tlb.misses) == (3, 2)
            tlb.check()

    def test_the_least_recently_used_of_a_full_set_goes(self):
        tables, tlb = kept(0, PAGE)
        assert tlb.lookup(0, 0) is not None
        tables.map(2 * PAGE, MIB)
        _, gone = tlb.fill(tables.translate(2 * PAGE), 0, X86_64.defaults)
        assert gone is not None
        assert (gone.va, addresses(tlb), tlb.evictions) == (PAGE, [0, 2 * PAGE], 1)

    def test_looking_is_no_use(self):
        tables, tlb = kept(0, PAGE)
        assert tlb.peek(0, 0) is not None
        tables.map(2 * PAGE, MIB)
        tlb.fill(tables.translate(2 * PAGE), 0, X86_64.defaults)
        assert (addresses(tlb), tlb.hits, tlb.misses) == ([PAGE, 2 * PAGE], 0, 0)

    def test_a_page_filled_again_takes_its_own_place(self):
        tables, tlb = kept(0, PAGE)
        tables.map(PAGE, 9 * MIB)
        line, gone = tlb.fill(tables.translate(PAGE), 0, X86_64.defaults)
        assert gone is not None
        assert (line.way, gone.pa, line.pa, tlb.evictions, len(tlb)) == (1, MIB + PAGE, 9 * MIB, 0, 2)

    def test_of_two_that_overlap_the_smaller_answers(self):
        tables, tlb = kept(2 * MIB + PAGE)
        tables.map(2 * MIB, 4 * MIB, KERNELS, 2 * MIB)
        tlb.fill(tables.translate(2 * MIB), 0, X86_64.defaults)
        found = [tlb.lookup(2 * MIB + offset, 0) for offset in (0, PAGE, 2 * PAGE)]
        assert [line and line.size for line in found] == [2 * MIB, PAGE, 2 * MIB]

    def test_a_fault_is_not_kept(self):
        tables, tlb = kept()
        with pytest.raises(Refused, match="the walk of 0x40_0000 faulted"):
            tlb.fill(tables.translate(AT), 0, X86_64.defaults)


class TestSpaces:
    @pytest.fixture
    def tlb(self) -> Tlb[Any]:
        """Page 1 of spaces 1 and 2, and page 2 of all."""
        tables, tlb = Tables(X86_64, 2), Tlb(X86_64, sets=1, ways=4)
        tables.map(2 * PAGE, 5 * MIB, shared=True)
        for space in (0, 1):
            tables.map(PAGE, (space + 1) * MIB, space=space)
            tlb.fill(tables.translate(PAGE, space=space), space + 1, X86_64.defaults)
        tlb.fill(tables.translate(2 * PAGE), 1, X86_64.defaults)
        tlb.check()
        return tlb

    def test_each_finds_its_own_and_what_is_global(self, tlb):
        assert [line.pa for line in (tlb.lookup(PAGE, 1), tlb.lookup(PAGE, 2))] == [MIB, 2 * MIB]
        assert tlb.lookup(PAGE, 3) is None
        assert tlb.lookup(2 * PAGE, 1) is tlb.lookup(2 * PAGE, 9)
        assert tlb.lookup(2 * PAGE, 9).asid is None

    @pytest.mark.parametrize(
        ("drop", "left"),
        [
            (lambda tlb: tlb.drop(PAGE, 1), [(PAGE, 2), (2 * PAGE, None)]),
            (lambda tlb: tlb.drop(PAGE, None), [(2 * PAGE, None)]),
            (lambda tlb: tlb.drop(2 * PAGE + 5, 7), [(PAGE, 1), (PAGE, 2)]),
            (lambda tlb: tlb.drop(3 * PAGE, None), [(PAGE, 1), (PAGE, 2), (2 * PAGE, None)]),
            (lambda tlb: tlb.drop_range(0, 9 * PAGE, 2), [(PAGE, 1)]),
            (lambda tlb: tlb.drop_range(PAGE, 2 * PAGE, None), [(2 * PAGE, None)]),
            (lambda tlb: tlb.drop_space(1), [(PAGE, 2), (2 * PAGE, None)]),
            (lambda tlb: tlb.drop_all(globals_too=False), [(2 * PAGE, None)]),
            (lambda tlb: tlb.drop_all(globals_too=True), []),
        ],
    )
    def test_a_flush_drops_what_it_says_and_no_more(self, tlb, drop, left):
        dropped = drop(tlb)
        assert [(line.va, line.asid) for line in tlb] == left
        assert len(dropped) == tlb.flushed == 3 - len(left)
        tlb.check()

    def test_on_riscv_a_global_table_makes_all_below_global(self):
        sv39 = FORMATS["riscv-sv39"]
        tables, tlb = Tables(sv39), Tlb(sv39)
        tables.map(PAGE, MIB)
        upper = tables.editor.slot(sv39.root_level, tables.root, PAGE)
        tables.editor.write(upper, upper.word | 1 << 5)
        assert tlb.fill(tables.translate(PAGE), 3, sv39.defaults)[0].asid is None


class TestValues:
    def test_sets_and_ways_with_ages(self):
        _, tlb = kept(0, PAGE, 2 * PAGE, 4 * PAGE, sets=2)
        assert tlb.lookup(0, 0) is None
        assert tlb.lookup(2 * PAGE, 0) is not None
        value = tlb.value(lambda line: ())
        assert (value.sets, value.ways, value.hits, value.misses, value.evictions) == (2, 2, 1, 1, 1)
        shown = [[slot and (slot.entry.va // PAGE, slot.age) for slot in row] for row in value.rows]
        assert shown == [[(4, 1), (2, 0)], [(1, 0), None]]
        assert (value.reach, value.stale) == (3 * PAGE, ())

    def test_reach_counts_bytes(self):
        tables, tlb = Tables(X86_64), Tlb(X86_64)
        for number, size in enumerate((4 * KIB, 2 * MIB, GIB)):
            tables.map(number * GIB, 0, KERNELS, size)
            tlb.fill(tables.translate(number * GIB), 0, X86_64.defaults)
        assert tlb.value(lambda line: ()).reach == GIB + 2 * MIB + 4 * KIB

    def test_a_broken_one_is_found_out(self):
        def misplaced(tlb):
            line = next(iter(tlb))
            line.set = 1

        def lost(tlb):
            tlb.index.clear()

        def used_at_once(tlb):
            for line in tlb:
                line.used = 7

        def miscounted(tlb):
            tlb._shifts[21] = 1

        for number, damage in enumerate((lost, misplaced, used_at_once, miscounted), 1):
            _, tlb = kept(0, 2 * PAGE, sets=2)
            damage(tlb)
            with pytest.raises(Broken, match=f"^{number}\\."):
                tlb.check()
