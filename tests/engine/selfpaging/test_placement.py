from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.selfpaging.pmaps import MIB, PAGE, RW, Made, error_of
from vmwidgets.engine.base.errors import Broken, Refused
from vmwidgets.engine.selfpaging.domain_schema import Vregion

BEGIN, META_END, USER_END = 0x4000_0000, 0x4040_0000, 0x8000_0000


def with_regions(*regions):
    made = Made()
    for base, size in regions:
        made.pmap.vspace.add(Vregion(made.pmap.vspace.new_id(), base, size))
    return made


def test_the_first_place_is_behind_the_region_of_the_slab_frames():
    assert with_regions().pmap.determine_addr(PAGE) == META_END


def test_a_gap_of_exactly_the_size_is_taken():
    made = with_regions((META_END + 4 * PAGE, PAGE))
    assert made.pmap.determine_addr(4 * PAGE) == META_END
    assert made.pmap.determine_addr(5 * PAGE) == META_END + 5 * PAGE


def test_gaps_below_the_beginning_are_passed_over():
    made = with_regions((0x1000_0000, PAGE), (0x2000_0000, PAGE))
    assert made.pmap.determine_addr(PAGE) == META_END


@pytest.mark.parametrize(
    ("alignment", "step"), [(0, PAGE), (100, PAGE), (PAGE, PAGE), (3 * PAGE, 3 * PAGE), (MIB, MIB)]
)
def test_the_answer_and_the_size_are_aligned(alignment, step):
    made = with_regions((META_END, PAGE))
    answer = made.pmap.determine_addr(100, alignment)
    assert answer == -(-(META_END + PAGE) // step) * step
    made.pmap.vspace.add(Vregion(9, answer + step, PAGE))
    assert made.pmap.determine_addr(100, alignment) == answer
    assert made.pmap.determine_addr(step + 1, alignment) > answer


def test_nothing_is_placed_in_the_kernels_half():
    made = with_regions((META_END, USER_END - META_END - 4 * PAGE))
    assert made.pmap.determine_addr(4 * PAGE) == USER_END - 4 * PAGE
    assert error_of(made.pmap.determine_addr, 5 * PAGE) == ("LIB_ERR_OUT_OF_VIRTUAL_ADDR",)


def test_a_vspace_without_regions_has_room_at_its_beginning():
    made = Made(current=False)
    assert made.pmap.determine_addr(PAGE) == BEGIN
    with pytest.raises(Refused):
        made.pmap.determine_addr(0)


def test_raw_looks_at_the_tables_and_not_at_the_regions():
    made = with_regions((0x6000_0000, MIB))
    assert made.pmap.determine_addr_raw(MIB) == 0x6000_0000
    frame = made.frame(2 * MIB, MIB)
    made.pmap.map(0x6010_0000, frame, 0, PAGE, RW)
    made.pmap.map(0x6030_0000, frame, 0, MIB, RW | 0x40)
    assert made.pmap.determine_addr_raw(MIB) == 0x6000_0000
    assert made.pmap.determine_addr_raw(MIB + 1) == 0x6040_0000
    assert made.pmap.determine_addr_raw(MIB, 2 * MIB) == 0x6040_0000
    assert made.pmap.determine_addr_raw(2 * MIB, 2 * MIB) == 0x6040_0000
    assert made.pmap.determine_addr_raw(16 * MIB, 16 * MIB) == 0x6100_0000
    assert made.pmap.determine_addr_raw(508 * MIB) == 0x6040_0000
    assert error_of(made.pmap.determine_addr_raw, 509 * MIB) == ("LIB_ERR_OUT_OF_VIRTUAL_ADDR",)


def test_raw_on_four_levels_has_a_window_of_its_own():
    made = Made("x86-64")
    assert made.pmap.determine_addr_raw(PAGE) == 1 << 46
    made.pmap.map(1 << 46, made.frame(PAGE), 0, PAGE, RW)
    assert made.pmap.determine_addr_raw(PAGE) == (1 << 46) + (1 << 39)
    assert made.pmap.determine_addr(PAGE) == (1 << 39) + 4 * MIB


def test_regions_never_overlap():
    made = with_regions((META_END, 4 * PAGE), (META_END + 8 * PAGE, PAGE))
    for at, pages in ((-1, 2), (0, 1), (3, 1), (3, 6), (4, 5), (-1, 20)):
        stack = error_of(made.pmap.vspace.add, Vregion(50, META_END + at * PAGE, pages * PAGE))
        assert stack == ("LIB_ERR_VSPACE_REGION_OVERLAP",)
    made.pmap.vspace.add(Vregion(50, META_END + 4 * PAGE, 4 * PAGE))
    assert [region.base for region in made.pmap.vspace] == [
        BEGIN,
        META_END,
        META_END + 4 * PAGE,
        META_END + 8 * PAGE,
    ]
    for base, size in ((META_END + 1, PAGE), (0x5000_0000, 0), (-PAGE, PAGE)):
        with pytest.raises(Refused):
            made.pmap.vspace.add(Vregion(51, base, size))


def test_finding_and_removing_regions():
    made = with_regions((META_END, 4 * PAGE))
    region = made.pmap.vspace.find(META_END + 4 * PAGE - 1)
    assert region is not None and region.base == META_END
    assert made.pmap.vspace.find(META_END + 4 * PAGE) is None
    assert made.pmap.vspace.find(0) is None
    made.pmap.vspace.remove(region)
    assert made.pmap.vspace.find(META_END) is None
    assert error_of(made.pmap.vspace.remove, region) == ("LIB_ERR_VSPACE_VREGION_NOT_FOUND",)


def test_check_finds_regions_that_overlap():
    made = with_regions((META_END, PAGE), (META_END + PAGE, PAGE))
    regions = made.pmap.vspace._regions
    regions[1] = replace(regions[1], size=PAGE + 1)
    with pytest.raises(Broken, match="invariant 1"):
        made.pmap.vspace.check()


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0, 1, 2, 3, 8])), max_size=30), st.data())
def test_what_is_answered_is_free_and_the_first_that_is(requests, data):
    """Against a plain list of ranges, with regions taken away at random in between."""
    made, taken = Made(), [(BEGIN, META_END)]
    for pages, align in requests:
        answer = made.pmap.determine_addr(pages * PAGE, align * PAGE)
        step = max(align, 1) * PAGE
        size = -(-pages * PAGE // step) * step
        free = [
            place
            for _, end in taken
            if not any(start < (place := -(-end // step) * step) + size and place < stop for start, stop in taken)
        ]
        assert answer == min(free)
        region = Vregion(made.pmap.vspace.new_id(), answer, pages * PAGE)
        made.pmap.vspace.add(region)
        taken.append((answer, answer + pages * PAGE))
        if len(taken) > 2 and data.draw(st.booleans()):
            start, _ = taken.pop(1)
            made.pmap.vspace.remove(made.pmap.vspace.find(start))
    made.pmap.vspace.check()
