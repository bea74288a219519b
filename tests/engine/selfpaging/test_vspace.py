"""Regions in order, and where there is room between them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE, round_up
from vmwidgets.engine.selfpaging.domain_schema import Vregion
from vmwidgets.engine.selfpaging.vspace import Vspace


def first_in_line(regions: list[Vregion], size: int, alignment: int, above: int) -> int | None:
    """The same, by a look at each region in turn."""
    for low, high in pairwise(regions):
        behind = low.base + round_up(low.size, PAGE)
        if behind > above and high.base >= round_up(behind, alignment) + size:
            return behind
    return None


PAGES = st.integers(0, 40)


@given(
    st.lists(st.tuples(PAGES, st.integers(1, 4 * PAGE), st.booleans()), max_size=30),
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 8), PAGES), min_size=1, max_size=8),
)
def test_the_lowest_gap_is_that_of_a_look_at_each_region(changes, requests):
    vspace = Vspace(Recorder(), "t")
    for page, size, stays in changes:
        region = Vregion(vspace.new_id(), page * PAGE, size)
        if vspace.overlapping(region.base, region.end):
            continue
        vspace.add(region)
        if not stays:
            vspace.remove(vspace.find(page * PAGE))
        vspace.check()
    for size, alignment, above in requests:
        given_ = size * PAGE, alignment * PAGE, above * PAGE
        assert vspace.lowest_gap(*given_) == first_in_line(list(vspace), *given_)


def test_the_last_region_is_the_highest():
    vspace = Vspace(Recorder(), "t")
    assert vspace.last is None
    for base in (3, 1, 2):
        vspace.add(Vregion(vspace.new_id(), base * PAGE, 1))
    last = vspace.last
    assert last is not None
    assert (last.base, last.page_end) == (3 * PAGE, 4 * PAGE)
